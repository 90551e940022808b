/* rows.c - see rows.h. */
#include "collector/import/rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum { COUNT_START = 1024 };

int rows_init(struct rows *rows)
{
    rows->bytes = malloc(CSV_PIECE_SIZE + 1);
    return rows->bytes == NULL ? -ENOMEM : csv_open_pieces(&rows->csv);
}

void rows_done(struct rows *rows)
{
    csv_close(rows->csv);
    free(rows->bytes);
    free(rows->cells);
    free(rows->lines);
    *rows = (struct rows){0};
}

static void refuse(struct rows *rows, int rc, const char *column, const char *reason)
{
    rows->fault.rc = rc;
    rows->fault.line = csv_line(rows->csv);
    rows->fault.column = column;
    rows->fault.reason = reason;
}

/* The name is from the file and must outlive the piece. */
static void refuse_named(struct rows *rows, const char *name, const char *reason)
{
    (void)snprintf(rows->fault.name, sizeof rows->fault.name, "%s", name);
    refuse(rows, ECM_EFORMAT, rows->fault.name, reason);
}

/* The next row of the piece: 1, 0 at its end, or an error, which is noted. */
static int next(struct rows *rows, struct csv_field **ret_fields, size_t *ret_count)
{
    int rc = csv_next(rows->csv, ret_fields, ret_count);

    if (rc < 0) {
        refuse(rows, rc, NULL, rc == ECM_EFORMAT ? csv_problem(rows->csv) : NULL);
    }
    return rc;
}

static size_t column_count(const struct table *table)
{
    size_t count = 0;

    while (count < TABLE_COLUMNS_MAX && table->columns[count].name != NULL) {
        count++;
    }
    return count;
}

static bool place_column(
    struct rows *rows, struct rows_format *format, const struct csv_field *field, int position)
{
    for (size_t i = 0; i < format->columns; i++) {
        if (strcmp(format->table->columns[i].name, field->text) == 0) {
            if (format->order[i] >= 0) {
                refuse_named(rows, field->text, "this column is there twice");
                return false;
            }
            format->order[i] = position;
            return true;
        }
    }
    refuse_named(rows, field->text, "unknown column");
    return false;
}

bool rows_read_header(struct rows *rows, const struct table *table, struct rows_format *ret_format)
{
    struct rows_format format = {.table = table, .columns = column_count(table)};
    struct csv_field *fields = NULL;
    size_t count = 0;
    int rc = 0;

    csv_set_piece(rows->csv, &rows->piece);
    rc = next(rows, &fields, &count);
    if (rc == 0) {
        refuse(rows, ECM_EFORMAT, NULL, "there is no header row");
        rows->fault.line = 1;
    }
    if (rc <= 0) {
        return false;
    }
    for (size_t i = 0; i < format.columns; i++) {
        format.order[i] = -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (!place_column(rows, &format, &fields[i], (int)i)) {
            return false;
        }
    }
    for (size_t i = 0; i < format.columns; i++) {
        if (format.order[i] < 0) {
            refuse(rows, ECM_EFORMAT, table->columns[i].name, "this column is missing");
            return false;
        }
    }
    *ret_format = format;
    return true;
}

static int reserve(struct rows *rows, size_t columns)
{
    size_t capacity = rows->capacity < COUNT_START ? COUNT_START : rows->capacity * 2;
    union cell *cells = NULL;
    uint32_t *lines = NULL;

    if (rows->count < rows->capacity) {
        return 0;
    }
    cells = realloc(rows->cells, capacity * columns * sizeof *cells);
    if (cells == NULL) {
        return -ENOMEM;
    }
    rows->cells = cells;
    lines = realloc(rows->lines, capacity * sizeof *lines);
    if (lines == NULL) {
        return -ENOMEM;
    }
    rows->lines = lines;
    rows->capacity = capacity;
    return 0;
}

static bool read_row(struct rows *rows, const struct rows_format *format,
    const struct csv_field *fields, size_t count)
{
    union cell *cells = NULL;

    if (count != format->columns) {
        refuse(rows, ECM_EFORMAT, NULL,
            count < format->columns ? "too few fields" : "too many fields");
        return false;
    }
    if (reserve(rows, format->columns) < 0) {
        refuse(rows, -ENOMEM, NULL, NULL);
        return false;
    }
    cells = &rows->cells[rows->count * format->columns];
    for (size_t i = 0; i < format->columns; i++) {
        const struct column *column = &format->table->columns[i];
        const char *reason = NULL;

        if (column_read(column, &fields[format->order[i]], &cells[i], &reason) < 0) {
            refuse(rows, ECM_EFORMAT, column->name, reason);
            return false;
        }
    }
    rows->lines[rows->count++] = (uint32_t)csv_line(rows->csv);
    return true;
}

void rows_read(struct rows *rows, const struct rows_format *format)
{
    struct csv_field *fields = NULL;
    size_t count = 0;

    rows->count = 0;
    while (next(rows, &fields, &count) > 0 && read_row(rows, format, fields, count)) {
    }
}
