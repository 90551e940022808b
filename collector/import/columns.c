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

static int read_day(const struct csv_field *field, int32_t *ret_day, const char **ret_reason)
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
    *ret_day = (int32_t)day_number(year, month, day);
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

static int read_text(const struct csv_field *field, size_t size_max, struct dataset *dataset,
    text_id *ret_id, const char **ret_reason)
{
    if (field->size > size_max) {
        return refuse(ret_reason, "too long");
    }
    if (has_control_characters(field)) {
        return refuse(ret_reason, "a control character");
    }
    return dataset_intern(dataset, field->text, field->size, ret_id);
}

/* "a|b": no empty name between the bars. */
static int read_list(const struct csv_field *field, struct dataset *dataset, text_id *ret_id,
    const char **ret_reason)
{
    if (field->size > 0 && (field->text[0] == '|' || field->text[field->size - 1] == '|' ||
                               strstr(field->text, "||") != NULL)) {
        return refuse(ret_reason, "an empty name between the bars");
    }
    return read_text(field, TABLE_LIST_SIZE_MAX, dataset, ret_id, ret_reason);
}

static int read_kind(const struct csv_field *field, char *ret_kind, const char **ret_reason)
{
    if (field->size != 1 || (field->text[0] != 'I' && field->text[0] != 'O')) {
        return refuse(ret_reason, "neither I nor O");
    }
    *ret_kind = field->text[0];
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

static int read_flag(const struct csv_field *field, bool *ret_flag, const char **ret_reason)
{
    if (field->size != 1 || (field->text[0] != '0' && field->text[0] != '1')) {
        return refuse(ret_reason, "neither 0 nor 1");
    }
    *ret_flag = field->text[0] == '1';
    return 0;
}

static int read_action(const struct csv_field *field, bool *ret_is_void, const char **ret_reason)
{
    if (strcmp(field->text, "ADD") != 0 && strcmp(field->text, "VOID") != 0) {
        return refuse(ret_reason, "neither ADD nor VOID");
    }
    *ret_is_void = field->text[0] == 'V';
    return 0;
}

/* Copy value into the row at the column's offset; memcpy() because the row is of any type. */
static void put(union table_row *row, const struct column *column, const void *value, size_t size)
{
    (void)memcpy((char *)row + column->offset, value, size);
}

static int read_into_text(const struct column *column, const struct csv_field *field,
    struct dataset *dataset, union table_row *row, const char **ret_reason)
{
    text_id id = 0;
    int rc = 0;

    if (column->type == COLUMN_LIST) {
        rc = read_list(field, dataset, &id, ret_reason);
    } else if (column->type == COLUMN_ID && field->size == 0) {
        rc = refuse(ret_reason, "empty");
    } else {
        rc = read_text(field, TABLE_ID_SIZE_MAX, dataset, &id, ret_reason);
    }
    put(row, column, &id, sizeof id);
    return rc;
}

static int read_into_instant(const struct column *column, const struct csv_field *field,
    union table_row *row, const char **ret_reason)
{
    int64_t value = column->type == COLUMN_INSTANT_OR_NEVER ? DATASET_NEVER : 0;
    int rc = 0;

    if (column->type == COLUMN_INSTANT || field->size > 0) {
        rc = read_instant(field, &value, ret_reason);
    }
    put(row, column, &value, sizeof value);
    return rc;
}

static int read_into_count(const struct column *column, const struct csv_field *field,
    union table_row *row, const char **ret_reason)
{
    int64_t value = 0;
    int32_t small = 0;
    bool is_small = column->type == COLUMN_SMALL_COUNT;
    int rc = read_count(column, field, is_small ? 1 : 0, &value, ret_reason);

    small = (int32_t)value; /* small counts have a small max */
    put(row, column, is_small ? (const void *)&small : (const void *)&value,
        is_small ? sizeof small : sizeof value);
    return rc;
}

static int read_into_day(const struct column *column, const struct csv_field *field,
    union table_row *row, const char **ret_reason)
{
    int32_t day = 0;
    int rc = read_day(field, &day, ret_reason);

    put(row, column, &day, sizeof day);
    return rc;
}

static int read_into_choice(const struct column *column, const struct csv_field *field,
    union table_row *row, const char **ret_reason)
{
    bool flag = false;
    char kind = 0;
    int rc = 0;

    if (column->type == COLUMN_KIND || (column->type == COLUMN_KIND_OPTIONAL && field->size > 0)) {
        rc = read_kind(field, &kind, ret_reason);
    } else if (column->type == COLUMN_FLAG) {
        rc = read_flag(field, &flag, ret_reason);
    } else if (column->type == COLUMN_ACTION) {
        rc = read_action(field, &flag, ret_reason);
    }
    if (column->type == COLUMN_KIND || column->type == COLUMN_KIND_OPTIONAL) {
        put(row, column, &kind, sizeof kind);
    } else {
        put(row, column, &flag, sizeof flag);
    }
    return rc;
}

int column_read(const struct column *column, const struct csv_field *field, struct dataset *dataset,
    union table_row *row, const char **ret_reason)
{
    switch (column->type) {
    case COLUMN_ID:
    case COLUMN_ID_OPTIONAL:
    case COLUMN_LIST:
        return read_into_text(column, field, dataset, row, ret_reason);
    case COLUMN_INSTANT:
    case COLUMN_INSTANT_OR_NEVER:
    case COLUMN_INSTANT_OPTIONAL:
        return read_into_instant(column, field, row, ret_reason);
    case COLUMN_DAY:
        return read_into_day(column, field, row, ret_reason);
    case COLUMN_COUNT:
    case COLUMN_SMALL_COUNT:
        return read_into_count(column, field, row, ret_reason);
    case COLUMN_FLAG:
    case COLUMN_KIND:
    case COLUMN_KIND_OPTIONAL:
    case COLUMN_ACTION:
        return read_into_choice(column, field, row, ret_reason);
    }
    return refuse(ret_reason, "a column of no known type");
}
