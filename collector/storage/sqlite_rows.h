/*
 * sqlite_rows.h - rows by the batch into a dataset; part of sqlite_internal.h. Inside storage/ only.
 *
 * Whoever has rows fills batches; of many, a thread fills them while the caller's interns, in the
 * order of the rows. The connection is used by one thread at a time.
 */
#ifndef ECM_COLLECTOR_STORAGE_SQLITE_ROWS_H
#define ECM_COLLECTOR_STORAGE_SQLITE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/storage/sqlite_tables.h"

enum { ROWS_BATCH = 1024 };

/* A column of a row: a number, or where in the batch's texts a text lies. */
union rows_cell {
    int64_t number;
    struct {
        uint32_t at, size, hash;
    } text;
};

struct rows_batch {
    union rows_cell cells[ROWS_BATCH][TABLE_COLUMNS_MAX];
    size_t count;
    char *texts;
    size_t texts_size, texts_capacity;
    bool is_last; /* no batch follows */
    int rc;       /* of filling; behind the rows before it */
    bool is_full; /* handed to the caller's thread */
};

/* Put the next rows into batch, which is empty, and say in is_last whether they are the last. 0, or
 * what went wrong behind the rows that are there. Runs in any thread. */
typedef int (*rows_fill)(void *source, struct rows_batch *batch);

/* Keep a text with its hash. 0 or -ENOMEM. */
int rows_keep_text(
    struct rows_batch *batch, const void *text, size_t size, union rows_cell *ret_cell);

/* Add all rows that fill has to dataset. Its columns are those of table. */
int rows_read_all(const struct table *table, rows_fill fill, void *source, struct dataset *dataset);

#endif
