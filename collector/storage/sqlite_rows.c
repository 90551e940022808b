/*
 * sqlite_rows.c - see sqlite_rows.h.
 *
 * Getting rows out of SQLite and interning texts cost about the same, so both are done at once. The
 * caller does not touch the connection until the helper has ended.
 */
#include "collector/storage/sqlite_rows.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/storage/sqlite_internal.h"

enum { BATCHES = 4, ANNOUNCED_ROWS = 8, TEXTS_START = 65536 };

struct reading {
    const struct table *table;
    rows_fill fill;
    void *source;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct rows_batch batches[BATCHES];
    bool is_given_up; /* the caller wants no more */
};

/* ---- filling ------------------------------------------------------------------------------ */

int rows_keep_text(
    struct rows_batch *batch, const void *text, size_t size, union rows_cell *ret_cell)
{
    if (batch->texts_size + size > batch->texts_capacity) {
        size_t capacity = 2 * (batch->texts_size + size) + TEXTS_START;
        char *texts = realloc(batch->texts, capacity);

        if (texts == NULL) {
            return -ENOMEM;
        }
        batch->texts = texts;
        batch->texts_capacity = capacity;
    }
    if (size > 0) {
        (void)memcpy(batch->texts + batch->texts_size, text, size);
    }
    ret_cell->text.at = (uint32_t)batch->texts_size;
    ret_cell->text.size = (uint32_t)size;
    ret_cell->text.hash = dataset_hash(batch->texts + batch->texts_size, size);
    batch->texts_size += size;
    return 0;
}

static void fill(const struct reading *reading, struct rows_batch *batch)
{
    batch->count = 0;
    batch->texts_size = 0;
    batch->is_last = false;
    batch->rc = reading->fill(reading->source, batch);
    batch->is_last = batch->is_last || batch->rc < 0;
}

/* ---- taking ------------------------------------------------------------------------------- */

static int put_cell(const struct rows_batch *batch, const struct column *column,
    const union rows_cell *cell, struct dataset *dataset, char *row)
{
    char *place = row + column->offset;
    const char *text = batch->texts + cell->text.at;
    int32_t narrow = 0;
    text_id id = 0;
    int rc = 0;

    switch (column->kind) {
    case COLUMN_TEXT:
        rc = cell->text.size > DATASET_TEXT_SIZE_MAX
                 ? -ENOMEM
                 : dataset_intern_piece(dataset,
                       &(struct dataset_piece){text, cell->text.size, cell->text.hash}, &id);
        (void)memcpy(place, &id, sizeof id);
        break;
    case COLUMN_CHAR:
        *place = '\0';
        if (cell->text.size > 0) {
            *place = text[0];
        }
        break;
    case COLUMN_I32:
        narrow = (int32_t)cell->number;
        (void)memcpy(place, &narrow, sizeof narrow);
        break;
    case COLUMN_I64:
    case COLUMN_NEVER:
        (void)memcpy(place, &cell->number, sizeof cell->number);
        break;
    case COLUMN_BOOL:
        *(bool *)place = cell->number != 0;
        break;
    }
    return rc;
}

static void announce(const struct rows_batch *batch, const struct table *table, size_t row,
    const struct dataset *dataset)
{
    for (int i = 0; row < batch->count && i < table->column_count; i++) {
        if (table->columns[i].kind == COLUMN_TEXT) {
            dataset_announce(dataset, batch->cells[row][i].text.hash);
        }
    }
}

static int take(const struct rows_batch *batch, const struct table *table, struct dataset *dataset)
{
    int rc = 0;

    for (size_t at = 0; rc == 0 && at < batch->count; at++) {
        _Alignas(int64_t) char row[ROW_SIZE_MAX] = {0};

        announce(batch, table, at + ANNOUNCED_ROWS, dataset);
        for (int i = 0; rc == 0 && i < table->column_count; i++) {
            rc = put_cell(batch, &table->columns[i], &batch->cells[at][i], dataset, row);
        }
        if (rc == 0) {
            rc = table->add(dataset, row);
        }
    }
    return rc < 0 ? rc : batch->rc;
}

/* ---- both at once ------------------------------------------------------------------------- */

static void *read_on(void *user)
{
    struct reading *reading = user;
    bool is_over = false;

    for (size_t at = 0; !is_over; at = (at + 1) % BATCHES) {
        struct rows_batch *batch = &reading->batches[at];

        (void)pthread_mutex_lock(&reading->lock);
        while (batch->is_full && !reading->is_given_up) {
            (void)pthread_cond_wait(&reading->changed, &reading->lock);
        }
        is_over = reading->is_given_up;
        (void)pthread_mutex_unlock(&reading->lock);
        if (!is_over) {
            fill(reading, batch);
            is_over = batch->is_last;
            (void)pthread_mutex_lock(&reading->lock);
            batch->is_full = true;
            (void)pthread_cond_signal(&reading->changed);
            (void)pthread_mutex_unlock(&reading->lock);
        }
    }
    return NULL;
}

static int take_all(struct reading *reading, struct dataset *dataset)
{
    bool is_over = false;
    int rc = 0;

    for (size_t at = 0; rc == 0 && !is_over; at = (at + 1) % BATCHES) {
        struct rows_batch *batch = &reading->batches[at];

        (void)pthread_mutex_lock(&reading->lock);
        while (!batch->is_full) {
            (void)pthread_cond_wait(&reading->changed, &reading->lock);
        }
        (void)pthread_mutex_unlock(&reading->lock);
        rc = take(batch, reading->table, dataset);
        is_over = batch->is_last;
        (void)pthread_mutex_lock(&reading->lock);
        batch->is_full = false;
        reading->is_given_up = rc < 0;
        (void)pthread_cond_signal(&reading->changed);
        (void)pthread_mutex_unlock(&reading->lock);
    }
    return rc;
}

/* Everything by the caller's thread. */
static int read_alone(struct reading *reading, struct dataset *dataset)
{
    struct rows_batch *batch = &reading->batches[0];
    int rc = 0;

    do {
        fill(reading, batch);
        rc = take(batch, reading->table, dataset);
    } while (rc == 0 && !batch->is_last);
    return rc;
}

static int read_beside(struct reading *reading, struct dataset *dataset)
{
    pthread_t thread;
    int rc = 0;

    if (sysconf(_SC_NPROCESSORS_ONLN) < 2 || pthread_create(&thread, NULL, read_on, reading) != 0) {
        return read_alone(reading, dataset);
    }
    rc = take_all(reading, dataset);
    (void)pthread_join(thread, NULL);
    return rc;
}

int rows_read_all(
    const struct table *table, rows_fill filler, void *source, struct dataset *dataset)
{
    struct reading *reading = calloc(1, sizeof *reading);
    int rc = 0;

    if (reading == NULL) {
        return -ENOMEM;
    }
    assert(table->row_size <= ROW_SIZE_MAX);
    reading->table = table;
    reading->fill = filler;
    reading->source = source;
    (void)pthread_mutex_init(&reading->lock, NULL);
    (void)pthread_cond_init(&reading->changed, NULL);
    fill(reading, &reading->batches[0]);
    rc = take(&reading->batches[0], table, dataset);
    if (rc == 0 && !reading->batches[0].is_last) {
        rc = read_beside(reading, dataset);
    }
    for (size_t i = 0; i < BATCHES; i++) {
        free(reading->batches[i].texts);
    }
    (void)pthread_cond_destroy(&reading->changed);
    (void)pthread_mutex_destroy(&reading->lock);
    free(reading);
    return rc;
}

/* ---- the rows of a statement -------------------------------------------------------------- */

struct stepping {
    const struct table *table;
    sqlite3_stmt *statement;
};

static int keep_row(struct rows_batch *batch, const struct stepping *stepping)
{
    union rows_cell *cells = batch->cells[batch->count++];
    sqlite3_stmt *statement = stepping->statement;
    int rc = 0;

    for (int i = 0; rc == 0 && i < stepping->table->column_count; i++) {
        enum column_kind kind = stepping->table->columns[i].kind;

        if (kind == COLUMN_TEXT || kind == COLUMN_CHAR) {
            const unsigned char *text = sqlite3_column_text(statement, i);

            rc = rows_keep_text(batch, text, (size_t)sqlite3_column_bytes(statement, i), &cells[i]);
        } else {
            cells[i].number =
                kind == COLUMN_NEVER && sqlite3_column_type(statement, i) == SQLITE_NULL
                    ? DATASET_NEVER
                    : sqlite3_column_int64(statement, i);
        }
    }
    return rc;
}

static int step(void *source, struct rows_batch *batch)
{
    const struct stepping *stepping = source;
    int sqlite_rc = SQLITE_ROW;
    int rc = 0;

    while (rc == 0 && batch->count < ROWS_BATCH &&
           (sqlite_rc = sqlite3_step(stepping->statement)) == SQLITE_ROW) {
        rc = keep_row(batch, stepping);
    }
    batch->is_last = sqlite_rc != SQLITE_ROW;
    return rc < 0 ? rc : store_code(sqlite_rc);
}

int table_read_all(const struct table *table, sqlite3_stmt *statement, struct dataset *dataset)
{
    struct stepping stepping = {.table = table, .statement = statement};

    return rows_read_all(table, step, &stepping, dataset);
}
