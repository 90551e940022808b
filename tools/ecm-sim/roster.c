/*
 * roster.c - four CSV files by column name, sorted for looking up.
 */
#include "tools/ecm-sim/roster.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/csv.h"
#include "base/err.h"
#include "proto/topics.h"
#include "tools/ecm-sim/random.h"

enum { PATH_SIZE = 4096, COLUMNS_MAX = 8 };

/* ---- one file ----------------------------------------------------------------------------- */

/* Where the wanted columns are in one file, and the row that is being read. */
struct sheet {
    const char *path;
    struct csv *csv;
    struct csv_field *fields;
    const char *const *names; /* wanted, NULL-terminated */
    size_t at[COLUMNS_MAX];
    struct err *err;
};

static int refuse(const struct sheet *sheet, const char *column, const char *reason)
{
    return err_set(sheet->err, ECM_EFORMAT, "%s:%" PRIu64 ": %s: %s", sheet->path,
        csv_line(sheet->csv), column, reason);
}

static int find_columns(struct sheet *sheet, const struct csv_field *header, size_t count)
{
    for (size_t i = 0; sheet->names[i] != NULL; i++) {
        size_t at = 0;

        while (at < count && strcmp(header[at].text, sheet->names[i]) != 0) {
            at++;
        }
        if (at == count) {
            return refuse(sheet, sheet->names[i], "the column is not there");
        }
        sheet->at[i] = at;
    }
    return 0;
}

static const char *text_at(const struct sheet *sheet, size_t column)
{
    return sheet->fields[sheet->at[column]].text;
}

static int take_text(const struct sheet *sheet, size_t column, char **ret_text)
{
    *ret_text = strdup(text_at(sheet, column));
    if (*ret_text == NULL) {
        return err_set(sheet->err, -ENOMEM, "%s: out of memory", sheet->path);
    }
    return 0;
}

static int take_number(const struct sheet *sheet, size_t column, int64_t *ret_number)
{
    const char *text = text_at(sheet, column);
    char *end = NULL;

    errno = 0;
    *ret_number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0') {
        return refuse(sheet, sheet->names[column], "not a whole number");
    }
    return 0;
}

typedef int (*take_row)(struct roster *roster, const struct sheet *sheet);

static int read_rows(struct sheet *sheet, struct roster *roster, take_row take)
{
    size_t count = 0;
    size_t width = 0;
    int rc = csv_next(sheet->csv, &sheet->fields, &width);

    if (rc == 1) {
        rc = find_columns(sheet, sheet->fields, width);
        if (rc < 0) {
            return rc;
        }
        rc = csv_next(sheet->csv, &sheet->fields, &count);
    }
    for (; rc == 1; rc = csv_next(sheet->csv, &sheet->fields, &count)) {
        if (count != width) {
            return refuse(sheet, "row", "not as many fields as the header has");
        }
        rc = take(roster, sheet);
        if (rc < 0) {
            return rc;
        }
    }
    if (rc < 0) {
        return refuse(sheet, "row", csv_problem(sheet->csv));
    }
    return 0;
}

static int read_file(struct roster *roster, const char *folder, const char *file,
    const char *const *names, take_row take, struct err *err)
{
    char path[PATH_SIZE];
    struct sheet sheet = {.path = path, .names = names, .err = err};
    int rc = 0;

    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    rc = csv_open(&sheet.csv, path, err);
    if (rc < 0) {
        return rc;
    }
    rc = read_rows(&sheet, roster, take);
    csv_close(sheet.csv);
    return rc;
}

/* ---- rows --------------------------------------------------------------------------------- */

/* Make room for one more row. Returns it, zeroed; NULL when memory is out. */
static void *add_row(void *rows_pointer, size_t *count, size_t *capacity, size_t size)
{
    char **rows = rows_pointer;

    if (*count == *capacity) {
        size_t wider = *capacity == 0 ? 64 : 2 * *capacity;
        char *moved = reallocarray(*rows, wider, size);

        if (moved == NULL) {
            return NULL;
        }
        *rows = moved;
        *capacity = wider;
    }
    memset(*rows + *count * size, 0, size);
    return *rows + (*count)++ * size;
}

#define ADD_ROW(roster, rows, row)                                                                 \
    add_row(&(roster)->rows, &(roster)->row##_count, &(roster)->row##_capacity,                    \
        sizeof *(roster)->rows)

static int out_of_memory(const struct sheet *sheet)
{
    return err_set(sheet->err, -ENOMEM, "%s: out of memory", sheet->path);
}

/* The first error of a row is the one that is told. */
static int first_of(int a, int b, int c, int d)
{
    return a < 0 ? a : b < 0 ? b : c < 0 ? c : d;
}

static const char *const period_columns[] = {"period_id", "start_utc", "end_utc", NULL};

static int take_period(struct roster *roster, const struct sheet *sheet)
{
    struct roster_period *row = ADD_ROW(roster, periods, period);

    if (row == NULL) {
        return out_of_memory(sheet);
    }
    return first_of(take_text(sheet, 0, &row->period_id), take_number(sheet, 1, &row->start_utc),
        take_number(sheet, 2, &row->end_utc), 0);
}

static const char *const card_columns[] = {
    "card_uid", "carer_id", "valid_from_utc", "valid_to_utc", NULL};

static int take_card(struct roster *roster, const struct sheet *sheet)
{
    struct roster_card *row = ADD_ROW(roster, cards, card);
    int rc = 0;

    if (row == NULL) {
        return out_of_memory(sheet);
    }
    rc = first_of(take_text(sheet, 0, &row->card_uid), take_text(sheet, 1, &row->carer_id),
        take_number(sheet, 2, &row->from_utc), take_number(sheet, 3, &row->to_utc));
    if (rc == 0) {
        row->uid_size = roster_uid_from_text(row->card_uid, row->uid);
    }
    return rc;
}

static const char *const device_columns[] = {
    "device_id", "person_id", "valid_from_utc", "valid_to_utc", NULL};

static int take_device(struct roster *roster, const struct sheet *sheet)
{
    struct roster_device *row = ADD_ROW(roster, devices, device);
    int rc = 0;

    if (row == NULL) {
        return out_of_memory(sheet);
    }
    if (!topic_name_is_valid(text_at(sheet, 0))) {
        return refuse(sheet, "device_id", "must be 1 to 32 letters, digits, '-', '_' or '.'");
    }
    rc = first_of(take_text(sheet, 0, &row->device_id), take_text(sheet, 1, &row->person_id),
        take_number(sheet, 2, &row->from_utc), take_number(sheet, 3, &row->to_utc));
    return rc;
}

static const char *const visit_columns[] = {"visit_id", "person_id", "planned_start_utc",
    "planned_end_utc", "carers_required", "roster_carers", "cancel_utc", NULL};

static int take_visit(struct roster *roster, const struct sheet *sheet)
{
    struct roster_visit *row = ADD_ROW(roster, visits, visit);
    int rc = 0;

    if (row == NULL) {
        return out_of_memory(sheet);
    }
    row->cancel_utc = INT64_MAX;
    rc = first_of(take_text(sheet, 0, &row->visit_id), take_text(sheet, 1, &row->person_id),
        take_number(sheet, 2, &row->start_utc), take_number(sheet, 3, &row->end_utc));
    if (rc == 0) {
        rc = first_of(take_number(sheet, 4, &row->carers_required),
            take_text(sheet, 5, &row->roster_carers),
            text_at(sheet, 6)[0] == '\0' ? 0 : take_number(sheet, 6, &row->cancel_utc), 0);
    }
    if (rc == 0 && row->end_utc <= row->start_utc) {
        return refuse(sheet, "planned_end_utc", "not after planned_start_utc");
    }
    return rc;
}

/* ---- the whole ---------------------------------------------------------------------------- */

static int order(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int card_order(const void *a, const void *b)
{
    const struct roster_card *x = a;
    const struct roster_card *y = b;
    int by_carer = strcmp(x->carer_id, y->carer_id);

    return by_carer != 0 ? by_carer : order(x->from_utc, y->from_utc);
}

static int device_order(const void *a, const void *b)
{
    const struct roster_device *x = a;
    const struct roster_device *y = b;
    int by_person = strcmp(x->person_id, y->person_id);

    return by_person != 0 ? by_person : order(x->from_utc, y->from_utc);
}

static int visit_order(const void *a, const void *b)
{
    const struct roster_visit *x = a;
    const struct roster_visit *y = b;
    int by_start = order(x->start_utc, y->start_utc);

    return by_start != 0 ? by_start : strcmp(x->visit_id, y->visit_id);
}

static int uid_order(const void *a, const void *b)
{
    const struct roster_card *const *x = a;
    const struct roster_card *const *y = b;

    return memcmp((*x)->uid, (*y)->uid, ROSTER_UID_MAX);
}

/* Two cards that a reader could not tell apart would make nonsense of everything after. */
static int check_numbers(const struct roster *roster, struct err *err)
{
    const struct roster_card **cards = calloc(roster->card_count + 1, sizeof *cards);
    int rc = 0;

    if (cards == NULL) {
        return err_set(err, -ENOMEM, "cards.csv: out of memory");
    }
    for (size_t i = 0; i < roster->card_count; i++) {
        cards[i] = &roster->cards[i];
    }
    qsort(cards, roster->card_count, sizeof *cards, uid_order);
    for (size_t i = 1; i < roster->card_count && rc == 0; i++) {
        if (uid_order(&cards[i - 1], &cards[i]) == 0 &&
            strcasecmp(cards[i - 1]->card_uid, cards[i]->card_uid) != 0) {
            rc = err_set(err, ECM_EFORMAT, "cards.csv: '%s' and '%s' are the same tag number",
                cards[i - 1]->card_uid, cards[i]->card_uid);
        }
    }
    free(cards);
    return rc;
}

static void sort_rows(void *rows, size_t count, size_t size, int (*by)(const void *, const void *))
{
    if (count > 1) {
        qsort(rows, count, size, by);
    }
}

int roster_load(struct roster *roster, const char *folder, struct err *err)
{
    int rc = 0;

    memset(roster, 0, sizeof *roster);
    rc = read_file(roster, folder, "period.csv", period_columns, take_period, err);
    if (rc == 0) {
        rc = read_file(roster, folder, "cards.csv", card_columns, take_card, err);
    }
    if (rc == 0) {
        rc = read_file(roster, folder, "devices.csv", device_columns, take_device, err);
    }
    if (rc == 0) {
        rc = read_file(roster, folder, "planned.csv", visit_columns, take_visit, err);
    }
    if (rc == 0) {
        rc = check_numbers(roster, err);
    }
    if (rc < 0) {
        roster_done(roster);
        return rc;
    }
    sort_rows(roster->cards, roster->card_count, sizeof *roster->cards, card_order);
    sort_rows(roster->devices, roster->device_count, sizeof *roster->devices, device_order);
    sort_rows(roster->visits, roster->visit_count, sizeof *roster->visits, visit_order);
    return 0;
}

void roster_done(struct roster *roster)
{
    for (size_t i = 0; i < roster->period_count; i++) {
        free(roster->periods[i].period_id);
    }
    for (size_t i = 0; i < roster->card_count; i++) {
        free(roster->cards[i].card_uid);
        free(roster->cards[i].carer_id);
    }
    for (size_t i = 0; i < roster->device_count; i++) {
        free(roster->devices[i].device_id);
        free(roster->devices[i].person_id);
    }
    for (size_t i = 0; i < roster->visit_count; i++) {
        free(roster->visits[i].visit_id);
        free(roster->visits[i].person_id);
        free(roster->visits[i].roster_carers);
    }
    free(roster->periods);
    free(roster->cards);
    free(roster->devices);
    free(roster->visits);
    memset(roster, 0, sizeof *roster);
}

/* ---- looking up --------------------------------------------------------------------------- */

const struct roster_card *roster_card_of(
    const struct roster *roster, const char *carer_id, int64_t at_utc)
{
    size_t low = 0;
    size_t high = roster->card_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(roster->cards[middle].carer_id, carer_id) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < roster->card_count && strcmp(roster->cards[low].carer_id, carer_id) == 0; low++) {
        if (at_utc >= roster->cards[low].from_utc && at_utc < roster->cards[low].to_utc) {
            return &roster->cards[low];
        }
    }
    return NULL;
}

const struct roster_device *roster_device_of(
    const struct roster *roster, const char *person_id, int64_t at_utc)
{
    size_t low = 0;
    size_t high = roster->device_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(roster->devices[middle].person_id, person_id) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < roster->device_count && strcmp(roster->devices[low].person_id, person_id) == 0;
         low++) {
        if (at_utc >= roster->devices[low].from_utc && at_utc < roster->devices[low].to_utc) {
            return &roster->devices[low];
        }
    }
    return NULL;
}

int roster_carer(const struct roster_visit *visit, size_t index, char *ret_carer, size_t size)
{
    const char *at = visit->roster_carers;
    size_t length = 0;

    for (; index > 0; index--) {
        at = strchr(at, '|');
        if (at == NULL) {
            return -ENOENT;
        }
        at++;
    }
    length = strcspn(at, "|");
    if (length == 0 || length >= size) {
        return -ENOENT;
    }
    memcpy(ret_carer, at, length);
    ret_carer[length] = '\0';
    return 0;
}

/* ---- tag numbers -------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_hex(const char *text, uint8_t ret_uid[static ROSTER_UID_MAX])
{
    size_t digits = strlen(text);

    if (digits != 8 && digits != 14 && digits != 20) {
        return false;
    }
    for (size_t i = 0; i < digits; i += 2) {
        int high = hex_digit(text[i]);
        int low = hex_digit(text[i + 1]);

        if (high < 0 || low < 0) {
            return false;
        }
        ret_uid[i / 2] = (uint8_t)(high << 4 | low);
    }
    /* Numbers that a tag cannot have: 4 bytes beginning 08 are random ones (ISO 14443-3), and 88
     * is the cascade tag, which says that the number is a longer one. */
    return ret_uid[0] != 0x88 && (digits != 8 || ret_uid[0] != 0x08) &&
           (digits == 8 || ret_uid[3] != 0x88);
}

uint8_t roster_uid_from_text(const char *card_uid, uint8_t ret_uid[static ROSTER_UID_MAX])
{
    struct random random;
    uint64_t number = 0;

    memset(ret_uid, 0, ROSTER_UID_MAX);
    if (take_hex(card_uid, ret_uid)) {
        return (uint8_t)(strlen(card_uid) / 2);
    }
    memset(ret_uid, 0, ROSTER_UID_MAX);
    random = random_stream(0, card_uid, 0);
    number = random_next(&random);
    ret_uid[0] = 0x04; /* NXP's manufacturer byte */
    for (size_t i = 1; i < 7; i++) {
        ret_uid[i] = (uint8_t)(number >> (8 * i));
    }
    if (ret_uid[3] == 0x88) {
        ret_uid[3] = 0x89;
    }
    return 7;
}

const char *roster_uid_to_text(const uint8_t *uid, size_t size, char text[static ROSTER_UID_TEXT])
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[uid[i] >> 4];
        text[2 * i + 1] = digits[uid[i] & 15];
    }
    text[2 * size] = '\0';
    return text;
}
