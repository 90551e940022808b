/*
 * columns.h - one field of text to one value of a row. Inside import/ only.
 */
#ifndef ECM_COLLECTOR_IMPORT_COLUMNS_H
#define ECM_COLLECTOR_IMPORT_COLUMNS_H

#include "base/csv.h"
#include "collector/import/tables.h"

/*
 * Write field into row as column says; texts are interned in dataset. 0; ECM_EFORMAT with
 * *ret_reason saying why; -ENOMEM.
 */
int column_read(const struct column *column, const struct csv_field *field, struct dataset *dataset,
    union table_row *row, const char **ret_reason);

#endif
