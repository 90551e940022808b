/*
 * sqlite_tables.h - the imported tables as data; part of sqlite_internal.h. Inside storage/ only.
 */
#ifndef ECM_COLLECTOR_STORAGE_SQLITE_TABLES_H
#define ECM_COLLECTOR_STORAGE_SQLITE_TABLES_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/visits/dataset.h"

enum column_kind { COLUMN_TEXT, COLUMN_I32, COLUMN_I64, COLUMN_NEVER, COLUMN_BOOL, COLUMN_CHAR };

struct column {
    const char *name;
    enum column_kind kind; /* COLUMN_NEVER: an instant, DATASET_NEVER is NULL */
    size_t offset;         /* in the row */
};

enum { TABLE_COLUMNS_MAX = 9 };

struct table {
    const char *name;
    const struct column *columns; /* the key comes first */
    int column_count;
    int key_count; /* 0: no key, rows are kept as often as they came */
    size_t row_size;
    size_t rows_offset, count_offset; /* in struct dataset */
    int (*add)(struct dataset *dataset, const void *row);
};

enum table_name {
    TABLE_PERIOD,
    TABLE_PROVIDER,
    TABLE_RATE,
    TABLE_PERSON,
    TABLE_CARER,
    TABLE_CARD,
    TABLE_DEVICE,
    TABLE_HOME_TAG,
    TABLE_CARRIED_READER,
    TABLE_PLANNED,
    TABLE_EVENT,
    TABLE_AMENDMENT,
    TABLE_COUNT,
};

extern const struct table store_tables[TABLE_COUNT];

enum { ROW_SIZE_MAX = 128, TABLE_SQL_MAX = 1024 };

/* The rows of a table in dataset. */
const char *table_rows(const struct table *table, const struct dataset *dataset, size_t *ret_count);
/* "a, b, c" of the first count columns; each with suffix and between. Cuts never. */
void table_columns(const struct table *table, int count, const char *suffix, const char *between,
    char ret_sql[static TABLE_SQL_MAX]);
/* Bind the first count columns of row to the parameters 1, 2, ... */
int table_bind(const struct table *table, int count, const struct dataset *dataset, const char *row,
    sqlite3_stmt *statement);
/* Bind all columns of row to the parameters from parameter on. */
int table_bind_at(const struct table *table, int parameter, const struct dataset *dataset,
    const char *row, sqlite3_stmt *statement);
/* Whether the row statement stands on (all columns, from column 0) equals row. */
bool table_equals(const struct table *table, const struct dataset *dataset, const char *row,
    sqlite3_stmt *statement);
/* A number that equal rows share. */
uint64_t table_hash_row(const struct table *table, const struct dataset *dataset, const char *row);
uint64_t table_hash_stored(const struct table *table, sqlite3_stmt *statement);
/* Add the row statement stands on to dataset. */
int table_read(const struct table *table, sqlite3_stmt *statement, struct dataset *dataset);
/* Add every row of statement to dataset; of many, a thread steps it meanwhile. See sqlite_rows.c. */
int table_read_all(const struct table *table, sqlite3_stmt *statement, struct dataset *dataset);

#endif
