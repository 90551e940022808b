/*
 * columns.h - one field of a file to one value, one value into a row. Inside import/ only.
 */
#ifndef ECM_COLLECTOR_IMPORT_COLUMNS_H
#define ECM_COLLECTOR_IMPORT_COLUMNS_H

#include "base/csv.h"
#include "collector/import/tables.h"

/* What a field says: which of the two, the column's type decides. */
union cell {
    int64_t number;             /* instants, days, counts, flags, kinds */
    struct dataset_piece piece; /* texts; they lie where the field lies */
};

/*
 * Read a field as column says. Knows no dataset, so any thread may do it. 0, or ECM_EFORMAT with
 * *ret_reason saying why.
 */
int column_read(const struct column *column, const struct csv_field *field, union cell *ret_cell,
    const char **ret_reason);

/* Whether cells of column are texts, to be interned. */
bool column_is_text(const struct column *column);

/* Write a number to where it belongs in row. */
void column_put_number(const struct column *column, int64_t number, union table_row *row);

/* The same of an interned text. */
void column_put_text(const struct column *column, text_id id, union table_row *row);

#endif
