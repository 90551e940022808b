/*
 * sqlite_copies.c - event ids that came more than once.
 *
 * Rule E2 looks at every copy of an id, but a person is loaded by device and a period by time. So an
 * import notes where the copies of an id lie (event_copy), and of which ids one copy may lie inside a
 * window and another outside (event_spread). Both are few.
 */
#include "collector/storage/sqlite_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "collector/storage/event_block.h"
#include "collector/storage/sqlite_event_import.h"

enum { COPIES_START = 1024 };

struct copy {
    text_id id;
    int64_t number;
    int64_t at_utc, ts_utc; /* it may be found at either: see event_at() */
};

struct copies {
    struct copy *rows;
    size_t count, capacity;
};

static int copies_add(struct copies *copies, const struct event_row *row, int64_t number)
{
    if (copies->count == copies->capacity) {
        size_t capacity = copies->capacity == 0 ? COPIES_START : 2 * copies->capacity;
        struct copy *rows = realloc(copies->rows, capacity * sizeof *rows);

        if (rows == NULL) {
            return -ENOMEM;
        }
        copies->rows = rows;
        copies->capacity = capacity;
    }
    copies->rows[copies->count++] =
        (struct copy){row->event_id, number, event_at(row->ts_utc, row->recv_utc), row->ts_utc};
    return 0;
}

static int compare(const void *left, const void *right)
{
    const struct copy *a = left;
    const struct copy *b = right;

    if (a->id != b->id) {
        return a->id < b->id ? -1 : 1;
    }
    return (a->number > b->number) - (a->number < b->number);
}

/* How often an id is there, stored or new; more than twice counts as two. */
static uint8_t *count_ids(const struct event_laying *laying)
{
    const struct dataset *dataset = laying->dataset;
    uint8_t *counts = calloc(dataset_text_count(dataset), sizeof *counts);

    if (counts == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < dataset->events_count; i++) {
        uint8_t *count = &counts[dataset->events[i].event_id];

        *count = (uint8_t)(*count + (laying->places[i] != 0 && *count < 2 ? 1 : 0));
    }
    for (size_t i = 0; i < laying->stored_count; i++) {
        uint8_t *count = &counts[laying->stored[i].row.event_id];

        *count = (uint8_t)(*count + (*count < 2 ? 1 : 0));
    }
    return counts;
}

static int collect(const struct event_laying *laying, const uint8_t *counts, struct copies *copies)
{
    const struct dataset *dataset = laying->dataset;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < dataset->events_count; i++) {
        const struct event_row *row = &dataset->events[i];

        if (laying->places[i] != 0 && counts[row->event_id] > 1) {
            rc = copies_add(copies, row, laying->newest_before + laying->places[i]);
        }
    }
    for (size_t i = 0; rc == 0 && i < laying->stored_count; i++) {
        const struct stored_event *stored = &laying->stored[i];

        if (counts[stored->row.event_id] > 1) {
            rc = copies_add(copies, &stored->row, stored->number);
        }
    }
    return rc;
}

static int put_copy(sqlite3_stmt *put, const struct dataset *dataset, const struct copy *copy)
{
    (void)sqlite3_bind_text(put, 1, dataset_text(dataset, copy->id), -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(put, 2, copy->number);
    return store_run(put);
}

static int put_spread(sqlite3_stmt *put, const struct dataset *dataset, const struct copy *first,
    const struct copy *end)
{
    int64_t first_utc = first->at_utc;
    int64_t last_utc = first->ts_utc;

    for (const struct copy *copy = first + 1; copy < end; copy++) {
        first_utc = copy->at_utc < first_utc ? copy->at_utc : first_utc;
        last_utc = copy->ts_utc > last_utc ? copy->ts_utc : last_utc;
    }
    if (first_utc == last_utc) {
        return 0;
    }
    (void)sqlite3_bind_text(put, 1, dataset_text(dataset, first->id), -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(put, 2, first_utc);
    (void)sqlite3_bind_int64(put, 3, last_utc);
    return store_run(put);
}

static int put_all(const struct event_laying *laying, const struct copies *copies)
{
    const struct copy *end = copies->rows + copies->count;
    sqlite3_stmt *put = NULL;
    sqlite3_stmt *spread = NULL;
    int rc = store_prepare(
        laying->store, "INSERT OR IGNORE INTO event_copy(event_id, number) VALUES (?1, ?2)", &put);

    if (rc == 0) {
        rc = store_prepare(laying->store,
            "INSERT OR REPLACE INTO event_spread(event_id, first_utc, last_utc)"
            " VALUES (?1, ?2, ?3)",
            &spread);
    }
    for (const struct copy *first = copies->rows; rc == 0 && first < end;) {
        const struct copy *copy = first;

        for (; rc == 0 && copy < end && copy->id == first->id; copy++) {
            rc = put_copy(put, laying->dataset, copy);
        }
        if (rc == 0) {
            rc = put_spread(spread, laying->dataset, first, copy);
        }
        first = copy;
    }
    (void)sqlite3_finalize(put);
    (void)sqlite3_finalize(spread);
    return rc;
}

int event_copies_put(const struct event_laying *laying)
{
    uint8_t *counts = count_ids(laying);
    struct copies copies = {0};
    int rc = counts == NULL ? -ENOMEM : collect(laying, counts, &copies);

    if (rc == 0 && copies.count > 0) {
        qsort(copies.rows, copies.count, sizeof *copies.rows, compare);
        rc = put_all(laying, &copies);
    }
    free(counts);
    free(copies.rows);
    return rc;
}
