/* tzif.c - see tzif.h. */
#include "base/tzif.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

enum {
    HEADER_SIZE = 44,
    TRANSITIONS_MAX = 4096,
    DAY_S = 86400,
    OFFSET_MAX_S = 26 * 3600,
    RULE_YEAR_MIN = 1970,
    FOOTER_SIZE_MAX = 128,
};

/* The counts of a header (RFC 8536 section 3.1). */
struct header {
    uint32_t isut, isstd, leap, time, type, chars;
};

/* "Mm.w.d/time": the w-th weekday d of month m (w 5: the last), at time_s local. */
struct rule_date {
    int month, week, weekday;
    int32_t time_s;
};
struct rule {
    int32_t standard_s, summer_s; /* offsets east of UTC */
    struct rule_date summer_from, summer_to;
};

static uint32_t be32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static int64_t be64(const uint8_t *bytes)
{
    return (int64_t)((uint64_t)be32(bytes) << 32 | be32(bytes + 4));
}

static bool read_header(const uint8_t *bytes, size_t size, struct header *ret_header)
{
    if (size < HEADER_SIZE || memcmp(bytes, "TZif", 4) != 0 || bytes[4] < '2') {
        return false;
    }
    *ret_header = (struct header){.isut = be32(bytes + 20),
        .isstd = be32(bytes + 24),
        .leap = be32(bytes + 28),
        .time = be32(bytes + 32),
        .type = be32(bytes + 36),
        .chars = be32(bytes + 40)};
    return ret_header->time <= TRANSITIONS_MAX && ret_header->type >= 1 &&
           ret_header->type <= 256 && ret_header->chars <= 4096 &&
           ret_header->leap <= TRANSITIONS_MAX && ret_header->isut <= 256 &&
           ret_header->isstd <= 256;
}

static size_t body_size(const struct header *header, size_t time_size)
{
    return header->time * (time_size + 1) + header->type * 6u + header->chars +
           header->leap * (time_size + 4) + header->isstd + header->isut;
}

static int append(struct tzif *tzif, int64_t at_utc, int32_t offset_s)
{
    size_t count = tzif->count + 1;
    int64_t *ats = realloc(tzif->at_utc, count * sizeof *ats);
    int32_t *offsets = NULL;

    if (ats == NULL) {
        return -ENOMEM;
    }
    tzif->at_utc = ats;
    offsets = realloc(tzif->offset_s, count * sizeof *offsets);
    if (offsets == NULL) {
        return -ENOMEM;
    }
    tzif->offset_s = offsets;
    ats[tzif->count] = at_utc;
    offsets[tzif->count] = offset_s;
    tzif->count = count;
    return 0;
}

/* The transitions of the 64-bit body. */
static int read_body(struct tzif *tzif, const uint8_t *body, const struct header *header)
{
    const uint8_t *indexes = body + header->time * 8u;
    const uint8_t *types = indexes + header->time;
    int rc = append(tzif, INT64_MIN, (int32_t)be32(types));

    for (size_t i = 0; rc == 0 && i < header->time; i++) {
        int64_t at_utc = be64(body + 8 * i);
        int32_t offset_s = 0;

        if (indexes[i] >= header->type ||
            (tzif->count > 1 && at_utc <= tzif->at_utc[tzif->count - 1])) {
            return ECM_EFORMAT;
        }
        offset_s = (int32_t)be32(types + 6u * indexes[i]);
        if (offset_s < -OFFSET_MAX_S || offset_s > OFFSET_MAX_S) {
            return ECM_EFORMAT;
        }
        rc = append(tzif, at_utc, offset_s);
    }
    return rc;
}

/* "<+03>" or "GMT". */
static const char *skip_name(const char *at)
{
    if (*at == '<') {
        const char *end = strchr(at, '>');

        return end == NULL ? at : end + 1;
    }
    while (isalpha((unsigned char)*at)) {
        at++;
    }
    return at;
}

static const char *read_number(const char *at, long max, long *ret_number)
{
    char *end = NULL;
    long number = 0;

    if (!isdigit((unsigned char)*at)) {
        return NULL;
    }
    number = strtol(at, &end, 10);
    if (number > max) {
        return NULL;
    }
    *ret_number = number;
    return end;
}

/* "[+-]hh[:mm[:ss]]" to seconds. NULL when it is none. */
static const char *read_time(const char *at, int32_t *ret_s)
{
    int32_t sign = *at == '-' ? -1 : 1;
    long total = 0;
    long unit = 3600;

    at += *at == '-' || *at == '+' ? 1 : 0;
    for (;; unit /= 60) {
        long number = 0;

        at = read_number(at, 167, &number);
        if (at == NULL) {
            return NULL;
        }
        total += number * unit;
        if (unit == 1 || *at != ':') {
            break;
        }
        at++;
    }
    *ret_s = sign * (int32_t)total;
    return at;
}

static const char *read_date(const char *at, struct rule_date *ret_date)
{
    long month = 0;
    long week = 0;
    long weekday = 0;

    if (at[0] != ',' || at[1] != 'M') {
        return NULL;
    }
    at = read_number(at + 2, 12, &month);
    at = at != NULL && *at == '.' ? read_number(at + 1, 5, &week) : NULL;
    at = at != NULL && *at == '.' ? read_number(at + 1, 6, &weekday) : NULL;
    if (at == NULL || month < 1 || week < 1) {
        return NULL;
    }
    *ret_date = (struct rule_date){(int)month, (int)week, (int)weekday, 2 * 3600};
    return *at == '/' ? read_time(at + 1, &ret_date->time_s) : at;
}

/* False when the footer names no summer time, or one in a form we do not read. */
static bool read_rule(const char *at, struct rule *ret_rule)
{
    struct rule rule = {0};

    at = read_time(skip_name(at), &rule.standard_s);
    if (at == NULL || *at == '\0') {
        return false;
    }
    rule.standard_s = -rule.standard_s; /* POSIX counts west of Greenwich */
    rule.summer_s = rule.standard_s + 3600;
    at = skip_name(at);
    if (*at != ',') {
        at = read_time(at, &rule.summer_s);
        rule.summer_s = -rule.summer_s;
    }
    at = at == NULL ? NULL : read_date(at, &rule.summer_from);
    at = at == NULL ? NULL : read_date(at, &rule.summer_to);
    if (at == NULL || *at != '\0') {
        return false;
    }
    *ret_rule = rule;
    return true;
}

/* Days from 1970-01-01 to the first of month (proleptic Gregorian; year at least 1970). */
static int64_t first_of_month(int year, int month)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t y = month > 2 ? year : year - 1;
    int64_t leap_days = y / 4 - y / 100 + y / 400 - 477; /* 477 up to 1969 */

    return 365 * (int64_t)(year - 1970) + leap_days + before[month - 1];
}

static int64_t instant_of(const struct rule_date *date, int year, int32_t offset_s)
{
    int64_t first = first_of_month(year, date->month);
    int64_t next =
        date->month == 12 ? first_of_month(year + 1, 1) : first_of_month(year, date->month + 1);
    int64_t first_weekday = (first + 4) % 7; /* 1970-01-01 was a Thursday */
    int64_t day = first + (date->weekday - first_weekday + 7) % 7 + 7 * (date->week - 1);

    while (day >= next) {
        day -= 7;
    }
    return day * DAY_S + date->time_s - offset_s;
}

static int append_later(struct tzif *tzif, int64_t at_utc, int32_t offset_s)
{
    return at_utc > tzif->at_utc[tzif->count - 1] ? append(tzif, at_utc, offset_s) : 0;
}

static int write_out_rule(struct tzif *tzif, const struct rule *rule)
{
    int rc = 0;

    for (int year = RULE_YEAR_MIN; rc == 0 && year <= TZIF_YEAR_MAX; year++) {
        int64_t from = instant_of(&rule->summer_from, year, rule->standard_s);
        int64_t to = instant_of(&rule->summer_to, year, rule->summer_s);

        rc = append_later(
            tzif, from < to ? from : to, from < to ? rule->summer_s : rule->standard_s);
        if (rc == 0) {
            rc = append_later(
                tzif, from < to ? to : from, from < to ? rule->standard_s : rule->summer_s);
        }
    }
    return rc;
}

/* The footer is "\n<rule>\n". */
static int read_footer(struct tzif *tzif, const uint8_t *bytes, size_t size)
{
    char text[FOOTER_SIZE_MAX] = "";
    struct rule rule;
    size_t length = 0;

    if (size < 2 || bytes[0] != '\n') {
        return ECM_EFORMAT;
    }
    while (length + 1 < size && bytes[length + 1] != '\n') {
        length++;
    }
    if (length + 1 >= size || length >= sizeof text) {
        return ECM_EFORMAT;
    }
    (void)memcpy(text, bytes + 1, length);
    return read_rule(text, &rule) ? write_out_rule(tzif, &rule) : 0;
}

int tzif_parse(struct tzif *ret_tzif, const uint8_t *bytes, size_t size)
{
    struct tzif tzif = {0};
    struct header header;
    size_t at = 0;
    int rc = ECM_EFORMAT;

    /* First the old 32-bit block, which is there to be skipped. */
    if (!read_header(bytes, size, &header)) {
        return ECM_EFORMAT;
    }
    at = HEADER_SIZE + body_size(&header, 4);
    if (at > size || !read_header(bytes + at, size - at, &header)) {
        return ECM_EFORMAT;
    }
    at += HEADER_SIZE;
    if (body_size(&header, 8) <= size - at) {
        rc = read_body(&tzif, bytes + at, &header);
        at += body_size(&header, 8);
    }
    if (rc == 0) {
        rc = read_footer(&tzif, bytes + at, size - at);
    }
    if (rc < 0) {
        tzif_done(&tzif);
        return rc;
    }
    *ret_tzif = tzif;
    return 0;
}

int tzif_load(struct tzif *ret_tzif, const char *zone, struct err *err)
{
    char path[PATH_MAX];
    uint8_t *bytes = NULL;
    FILE *file = NULL;
    size_t size = 0;
    int rc = 0;

    if (zone[0] == '/' || strstr(zone, "..") != NULL ||
        (size_t)snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", zone) >= sizeof path) {
        return err_set(err, -EINVAL, "'%s' is not the name of a time zone", zone);
    }
    file = fopen(path, "rbe");
    if (file == NULL) {
        return err_set(err, -errno, "time zone %s: %s: %s (is tzdata installed?)", zone, path,
            strerrordesc_np(errno));
    }
    bytes = malloc(TZIF_FILE_SIZE_MAX);
    if (bytes == NULL) {
        rc = -ENOMEM;
    } else {
        size = fread(bytes, 1, TZIF_FILE_SIZE_MAX, file);
        rc = ferror(file) ? -EIO : tzif_parse(ret_tzif, bytes, size);
    }
    (void)fclose(file); /* opened for reading: nothing can be lost */
    free(bytes);
    return rc < 0 ? err_set(err, rc, "time zone %s: %s is not usable", zone, path) : 0;
}

void tzif_done(struct tzif *tzif)
{
    free(tzif->at_utc);
    free(tzif->offset_s);
    *tzif = (struct tzif){0};
}
