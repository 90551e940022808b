/* columns.c - see columns.h. */
#include "collector/import/columns.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"

enum { DIGITS_MAX = 18, DAY_TEXT_LENGTH = 10, YEAR_MIN = 1970 };

static int refuse(const char **ret_reason, const char *reason)
{
    *ret_reason = reason;
    return ECM_EFORMAT;
}

/* Digits only, no sign, no space: what a machine wrote. */
static bool read_digits(const char *text, size_t size, int64_t *ret_number)
{
    int64_t number = 0;

    if (size == 0 || size > DIGITS_MAX) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        number = number * 10 + (text[i] - '0');
    }
    *ret_number = number;
    return true;
}

static int read_instant(const struct csv_field *field, int64_t *ret_value, const char **ret_reason)
{
    int64_t value = 0;

    if (field->size == 0) {
        return refuse(ret_reason, "empty");
    }
    if (!read_digits(field->text, field->size, &value)) {
        return refuse(ret_reason, "not a whole number of seconds since 1970");
    }
    if (value > TABLE_INSTANT_MAX) {
        return refuse(ret_reason, "later than 1099511627776, the end of time here");
    }
    *ret_value = value;
    return 0;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t days_in(int64_t year, int64_t month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

/* Days from 1970-01-01; year 1970 or later. */
static int64_t day_number(int64_t year, int64_t month, int64_t day)
{
    int64_t before = year - 1;
    int64_t number =
        365 * (year - YEAR_MIN) + before / 4 - before / 100 + before / 400 - 477 + day - 1;

    for (int64_t m = 1; m < month; m++) {
        number += days_in(year, m);
    }
    return number;
}

static int read_day(const struct csv_field *field, int64_t *ret_day, const char **ret_reason)
{
    const char *text = field->text;
    int64_t year = 0;
    int64_t month = 0;
    int64_t day = 0;

    if (field->size != DAY_TEXT_LENGTH || text[4] != '-' || text[7] != '-' ||
        !read_digits(text, 4, &year) || !read_digits(text + 5, 2, &month) ||
        !read_digits(text + 8, 2, &day)) {
        return refuse(ret_reason, "not a date like 2021-03-28");
    }
    if (year < YEAR_MIN || month < 1 || month > 12 || day < 1 || day > days_in(year, month)) {
        return refuse(ret_reason, "no such day");
    }
    *ret_day = day_number(year, month, day);
    return 0;
}

static bool has_control_characters(const struct csv_field *field)
{
    for (size_t i = 0; i < field->size; i++) {
        unsigned char c = (unsigned char)field->text[i];

        if (c < 0x20 || c == 0x7f) {
            return true;
        }
    }
    return false;
}

static int read_text(const struct csv_field *field, size_t size_max,
    struct dataset_piece *ret_piece, const char **ret_reason)
{
    if (field->size > size_max) {
        return refuse(ret_reason, "too long");
    }
    if (has_control_characters(field)) {
        return refuse(ret_reason, "a control character");
    }
    *ret_piece = (struct dataset_piece){.text = field->text,
        .size = (uint32_t)field->size,
        .hash = dataset_hash(field->text, field->size)};
    return 0;
}

/* "a|b": no empty name between the bars. */
static int read_list(
    const struct csv_field *field, struct dataset_piece *ret_piece, const char **ret_reason)
{
    if (field->size > 0 && (field->text[0] == '|' || field->text[field->size - 1] == '|' ||
                               strstr(field->text, "||") != NULL)) {
        return refuse(ret_reason, "an empty name between the bars");
    }
    return read_text(field, TABLE_LIST_SIZE_MAX, ret_piece, ret_reason);
}

static int read_kind(const struct csv_field *field, int64_t *ret_kind, const char **ret_reason)
{
    if (field->size != 1 || (field->text[0] != 'I' && field->text[0] != 'O')) {
        return refuse(ret_reason, "neither I nor O");
    }
    *ret_kind = (unsigned char)field->text[0];
    return 0;
}

static int read_count(const struct column *column, const struct csv_field *field, int64_t min,
    int64_t *ret_value, const char **ret_reason)
{
    int64_t value = 0;

    if (!read_digits(field->text, field->size, &value)) {
        return refuse(ret_reason, field->size == 0 ? "empty" : "not a whole number");
    }
    if (value < min) {
        return refuse(ret_reason, "must be at least 1");
    }
    if (value > column->max) {
        return refuse(ret_reason, "too large");
    }
    *ret_value = value;
    return 0;
}

static int read_flag(const struct csv_field *field, int64_t *ret_flag, const char **ret_reason)
{
    if (field->size != 1 || (field->text[0] != '0' && field->text[0] != '1')) {
        return refuse(ret_reason, "neither 0 nor 1");
    }
    *ret_flag = field->text[0] - '0';
    return 0;
}

static int read_action(const struct csv_field *field, int64_t *ret_is_void, const char **ret_reason)
{
    if (strcmp(field->text, "ADD") != 0 && strcmp(field->text, "VOID") != 0) {
        return refuse(ret_reason, "neither ADD nor VOID");
    }
    *ret_is_void = field->text[0] == 'V' ? 1 : 0;
    return 0;
}

static int read_id(const struct column *column, const struct csv_field *field, union cell *ret_cell,
    const char **ret_reason)
{
    if (column->type != COLUMN_ID_OPTIONAL && field->size == 0) {
        return refuse(ret_reason, "empty");
    }
    if (column->type == COLUMN_ID_LISTED && memchr(field->text, '|', field->size) != NULL) {
        return refuse(ret_reason, "a bar, which divides the names of roster_carers");
    }
    return read_text(field, TABLE_ID_SIZE_MAX, &ret_cell->piece, ret_reason);
}

int column_read(const struct column *column, const struct csv_field *field, union cell *ret_cell,
    const char **ret_reason)
{
    bool is_empty = field->size == 0;

    ret_cell->number = column->type == COLUMN_INSTANT_OR_NEVER ? DATASET_NEVER : 0;
    switch (column->type) {
    case COLUMN_ID:
    case COLUMN_ID_LISTED:
    case COLUMN_ID_OPTIONAL:
        return read_id(column, field, ret_cell, ret_reason);
    case COLUMN_LIST:
        return read_list(field, &ret_cell->piece, ret_reason);
    case COLUMN_INSTANT:
        return read_instant(field, &ret_cell->number, ret_reason);
    case COLUMN_INSTANT_OR_NEVER:
    case COLUMN_INSTANT_OPTIONAL:
        return is_empty ? 0 : read_instant(field, &ret_cell->number, ret_reason);
    case COLUMN_DAY:
        return read_day(field, &ret_cell->number, ret_reason);
    case COLUMN_COUNT:
        return read_count(column, field, 0, &ret_cell->number, ret_reason);
    case COLUMN_SMALL_COUNT:
        return read_count(column, field, 1, &ret_cell->number, ret_reason);
    case COLUMN_FLAG:
        return read_flag(field, &ret_cell->number, ret_reason);
    case COLUMN_KIND:
        return read_kind(field, &ret_cell->number, ret_reason);
    case COLUMN_KIND_OPTIONAL:
        return is_empty ? 0 : read_kind(field, &ret_cell->number, ret_reason);
    case COLUMN_ACTION:
        return read_action(field, &ret_cell->number, ret_reason);
    }
    return 0;
}

bool column_is_text(const struct column *column)
{
    return column->type == COLUMN_ID || column->type == COLUMN_ID_LISTED ||
           column->type == COLUMN_ID_OPTIONAL || column->type == COLUMN_LIST;
}

/* Copy value into the row at the column's offset; memcpy() because the row is of any type. */
static void put(union table_row *row, const struct column *column, const void *value, size_t size)
{
    (void)memcpy((char *)row + column->offset, value, size);
}

void column_put_number(const struct column *column, int64_t number, union table_row *row)
{
    int32_t small = (int32_t)number; /* days and small counts are no greater */
    char character = (char)number;
    bool flag = number != 0;

    switch (column->type) {
    case COLUMN_INSTANT:
    case COLUMN_INSTANT_OR_NEVER:
    case COLUMN_INSTANT_OPTIONAL:
    case COLUMN_COUNT:
        put(row, column, &number, sizeof number);
        return;
    case COLUMN_DAY:
    case COLUMN_SMALL_COUNT:
        put(row, column, &small, sizeof small);
        return;
    case COLUMN_KIND:
    case COLUMN_KIND_OPTIONAL:
        put(row, column, &character, sizeof character);
        return;
    case COLUMN_FLAG:
    case COLUMN_ACTION:
        put(row, column, &flag, sizeof flag);
        return;
    case COLUMN_ID:
    case COLUMN_ID_LISTED:
    case COLUMN_ID_OPTIONAL:
    case COLUMN_LIST:
        return; /* no numbers; see column_put_text() */
    }
}

void column_put_text(const struct column *column, text_id id, union table_row *row)
{
    put(row, column, &id, sizeof id);
}
