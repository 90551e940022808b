/*
 * conf.c - see conf.h. The only file that knows inih.
 */
#include "base/conf.h"

#include <assert.h>
#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"

struct reading {
    const struct conf_item *items;
    size_t count;
    const char *path;
    void *target;
    FILE *errors;
    unsigned failures;
    int line;
};

static void complain(
    struct reading *reading, const struct conf_item *item, const char *what, const char *value)
{
    reading->failures++;
    if (reading->line > 0) {
        (void)fprintf(reading->errors, "%s:%d: ", reading->path, reading->line);
    } else {
        (void)fprintf(reading->errors, "%s: ", reading->path);
    }
    (void)fprintf(reading->errors, "%s.%s: '%s' %s\n", item->section, item->key, value, what);
}

static void store_string(struct reading *reading, const struct conf_item *item, const char *value)
{
    size_t limit = item->max > 0 ? (size_t)item->max : item->size - 1;
    size_t size = strlen(value);
    char what[80];

    if (size > limit || size >= item->size) {
        (void)snprintf(what, sizeof what, "is longer than the %zu characters allowed", limit);
        complain(reading, item, what, value);
        return;
    }
    if (size < (size_t)item->min) {
        complain(reading, item, "is too short", value);
        return;
    }
    (void)memcpy((char *)reading->target + item->offset, value, size + 1);
}

static void store_int(struct reading *reading, const struct conf_item *item, const char *value)
{
    char *end = NULL;
    long long number = 0;
    int64_t wide = 0;
    char what[80];

    errno = 0;
    number = strtoll(value, &end, 10);
    wide = number;
    if (errno != 0 || end == value || *end != '\0') {
        complain(reading, item, "is not a whole number", value);
        return;
    }
    if (wide < item->min || wide > item->max) {
        (void)snprintf(what, sizeof what, "is %s %lld",
            wide < item->min ? "below the minimum" : "above the maximum",
            (long long)(wide < item->min ? item->min : item->max));
        complain(reading, item, what, value);
        return;
    }
    (void)memcpy((char *)reading->target + item->offset, &wide, sizeof wide);
}

static void store_bool(struct reading *reading, const struct conf_item *item, const char *value)
{
    static const char *const yes[] = {"yes", "true", "on", "1"};
    static const char *const no[] = {"no", "false", "off", "0"};

    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        bool is_yes = strcasecmp(value, yes[i]) == 0;

        if (is_yes || strcasecmp(value, no[i]) == 0) {
            (void)memcpy((char *)reading->target + item->offset, &is_yes, sizeof is_yes);
            return;
        }
    }
    complain(reading, item, "is neither yes nor no", value);
}

static void store_choice(struct reading *reading, const struct conf_item *item, const char *value)
{
    char what[200] = "is none of";
    size_t used = strlen(what);

    for (int i = 0; item->choices[i] != NULL; i++) {
        if (strcmp(value, item->choices[i]) == 0) {
            (void)memcpy((char *)reading->target + item->offset, &i, sizeof i);
            return;
        }
        if (used < sizeof what) {
            used += (size_t)snprintf(what + used, sizeof what - used, " %s", item->choices[i]);
        }
    }
    complain(reading, item, what, value);
}

static void store(struct reading *reading, const struct conf_item *item, const char *value)
{
    switch (item->type) {
    case CONF_STRING:
        store_string(reading, item, value);
        return;
    case CONF_INT:
        store_int(reading, item, value);
        return;
    case CONF_BOOL:
        store_bool(reading, item, value);
        return;
    case CONF_CHOICE:
        store_choice(reading, item, value);
        return;
    }
}

static const struct conf_item *find_item(
    const struct reading *reading, const char *section, const char *key)
{
    for (size_t i = 0; i < reading->count; i++) {
        if (strcmp(reading->items[i].section, section) == 0 &&
            strcmp(reading->items[i].key, key) == 0) {
            return &reading->items[i];
        }
    }
    return NULL;
}

static int on_pair(void *user, const char *section, const char *key, const char *value)
{
    struct reading *reading = user;
    const struct conf_item *item = find_item(reading, section, key);
    const struct conf_item unknown = {.section = section, .key = key};

    if (item == NULL) {
        complain(reading, &unknown, "is set, but there is no such key", value);
    } else {
        store(reading, item, value);
    }
    return 1;
}

void conf_preset(const struct conf_item *items, size_t count, void *target)
{
    struct reading reading = {
        .items = items, .count = count, .path = "preset", .target = target, .errors = stderr};

    for (size_t i = 0; i < count; i++) {
        store(&reading, &items[i], items[i].preset);
    }
    assert(reading.failures == 0);
}

struct line_reader {
    FILE *file;
    struct reading *reading;
};

/*
 * inih tells its handler no line number; it asks for each line here, so count them here. A line
 * that is too long is refused and passed on cut off, as a whole line: inih before version 57 would
 * take the rest for another line, from then on it would ask for more and lose the next one.
 */
static char *next_line(char *text, int size, void *stream)
{
    struct line_reader *lines = stream;
    char *line = fgets(text, size, lines->file);

    if (line != NULL) {
        lines->reading->line++;
        if (strchr(line, '\n') == NULL && !feof(lines->file)) {
            (void)fprintf(lines->reading->errors, "%s:%d: the line is longer than %d characters\n",
                lines->reading->path, lines->reading->line, size - 2);
            lines->reading->failures++;
            text[size - 2] = '\n';
            for (int c = 0; c != '\n' && c != EOF;) {
                c = fgetc(lines->file);
            }
        }
    }
    return line;
}

int conf_load(
    const struct conf_item *items, size_t count, const char *path, void *target, FILE *errors)
{
    struct reading reading = {
        .items = items, .count = count, .path = path, .target = target, .errors = errors};
    struct line_reader lines = {.file = fopen(path, "re"), .reading = &reading};
    int bad_line = 0;

    if (lines.file == NULL) {
        int code = -errno;

        (void)fprintf(errors, "%s: %s\n", path, strerror(-code));
        return code;
    }
    bad_line = ini_parse_stream(next_line, &lines, on_pair, &reading);
    (void)fclose(lines.file);
    if (bad_line > 0) {
        (void)fprintf(errors, "%s:%d: neither a [section] nor a key = value\n", path, bad_line);
        reading.failures++;
    }
    return reading.failures == 0 ? 0 : ECM_ECONFIG;
}

int conf_set(
    const struct conf_item *items, size_t count, const char *assignment, void *target, FILE *errors)
{
    struct reading reading = {
        .items = items, .count = count, .path = "command line", .target = target, .errors = errors};
    char name[128];
    const char *equals = strchr(assignment, '=');
    char *dot = NULL;

    if (equals == NULL || (size_t)(equals - assignment) >= sizeof name) {
        (void)fprintf(errors, "'%s' is not section.key=value\n", assignment);
        return ECM_ECONFIG;
    }
    (void)memcpy(name, assignment, (size_t)(equals - assignment));
    name[equals - assignment] = '\0';
    dot = strchr(name, '.');
    if (dot == NULL) {
        (void)fprintf(errors, "'%s' is not section.key=value\n", assignment);
        return ECM_ECONFIG;
    }
    *dot = '\0';
    (void)on_pair(&reading, name, dot + 1, equals + 1);
    return reading.failures == 0 ? 0 : ECM_ECONFIG;
}

static void print_limits(const struct conf_item *item, FILE *out)
{
    (void)fprintf(out, "# %s", item->help);
    if (item->type == CONF_INT) {
        (void)fprintf(out, " (%lld to %lld%s%s)", (long long)item->min, (long long)item->max,
            item->unit != NULL ? " " : "", item->unit != NULL ? item->unit : "");
    }
    if (item->type == CONF_CHOICE) {
        for (int i = 0; item->choices[i] != NULL; i++) {
            (void)fprintf(out, "%s%s", i == 0 ? " (" : ", ", item->choices[i]);
        }
        (void)fputc(')', out);
    }
    (void)fputc('\n', out);
}

static void print_value(const struct conf_item *item, const void *target, FILE *out)
{
    const char *place = (const char *)target + item->offset;
    int64_t number = 0;
    bool truth = false;
    int choice = 0;

    switch (item->type) {
    case CONF_STRING:
        (void)fprintf(out, "%s = %s\n", item->key, place);
        return;
    case CONF_INT:
        (void)memcpy(&number, place, sizeof number);
        (void)fprintf(out, "%s = %lld\n", item->key, (long long)number);
        return;
    case CONF_BOOL:
        (void)memcpy(&truth, place, sizeof truth);
        (void)fprintf(out, "%s = %s\n", item->key, truth ? "yes" : "no");
        return;
    case CONF_CHOICE:
        (void)memcpy(&choice, place, sizeof choice);
        (void)fprintf(out, "%s = %s\n", item->key, item->choices[choice]);
        return;
    }
}

void conf_print(const struct conf_item *items, size_t count, const void *target, FILE *out)
{
    const char *section = "";

    for (size_t i = 0; i < count; i++) {
        if (strcmp(section, items[i].section) != 0) {
            (void)fprintf(out, "%s[%s]\n", *section != '\0' ? "\n" : "", items[i].section);
            section = items[i].section;
        }
        print_limits(&items[i], out);
        print_value(&items[i], target, out);
    }
}
