/*
 * sqlite_places.c - where the events of each device lie, one list of them a row.
 *
 * The lists of an import are made device by device, so a short one costs a row a device, and a long
 * one a row for every so many events: of each a window of time reads a few.
 */
#include "collector/storage/sqlite_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "collector/storage/event_block.h"
#include "collector/storage/sqlite_event_import.h"

enum { LIST_MAX = 256 };

/* The new events, by device and then in order: a counting sort. */
static uint32_t *sort_by_device(const struct event_laying *laying)
{
    const struct dataset *dataset = laying->dataset;
    size_t texts = dataset_text_count(dataset);
    uint32_t *firsts = calloc(texts + 1, sizeof *firsts);
    uint32_t *sorted = calloc(laying->new_count, sizeof *sorted);

    if (firsts == NULL || sorted == NULL) {
        free(firsts);
        free(sorted);
        return NULL;
    }
    for (size_t i = 0; i < dataset->events_count; i++) {
        firsts[dataset->events[i].device_id + 1] += laying->places[i] != 0 ? 1 : 0;
    }
    for (size_t i = 1; i <= texts; i++) {
        firsts[i] += firsts[i - 1];
    }
    for (size_t i = 0; i < dataset->events_count; i++) {
        if (laying->places[i] != 0) {
            sorted[firsts[dataset->events[i].device_id]++] = (uint32_t)i;
        }
    }
    free(firsts);
    return sorted;
}

struct list {
    struct event_bytes bytes;
    size_t count;
    int64_t first_utc, last_utc;
};

static int list_add(struct list *list, const struct event_row *row, int64_t number)
{
    const struct event_place place = {.number = number,
        .at_utc = event_at(row->ts_utc, row->recv_utc),
        .is_ahead = event_is_ahead(row->ts_utc, row->recv_utc)};

    if (list->count == 0 || place.at_utc < list->first_utc) {
        list->first_utc = place.at_utc;
    }
    if (list->count == 0 || row->ts_utc > list->last_utc) {
        list->last_utc = row->ts_utc;
    }
    list->count++;
    return event_bytes_add_place(&list->bytes, &place);
}

static int list_put(
    struct list *list, const struct dataset *dataset, text_id device_id, sqlite3_stmt *put)
{
    int rc = 0;

    (void)sqlite3_bind_text(put, 1, dataset_text(dataset, device_id), -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(put, 2, list->first_utc);
    (void)sqlite3_bind_int64(put, 3, list->last_utc);
    (void)sqlite3_bind_blob(put, 4, list->bytes.bytes, (int)list->bytes.size, SQLITE_STATIC);
    rc = store_run(put);
    list->count = 0;
    event_bytes_clear(&list->bytes);
    return rc;
}

static int put_lists(const struct event_laying *laying, const uint32_t *sorted, sqlite3_stmt *put)
{
    const struct dataset *dataset = laying->dataset;
    struct list list = {.count = 0};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < laying->new_count; i++) {
        const struct event_row *row = &dataset->events[sorted[i]];
        bool is_last = i + 1 == laying->new_count ||
                       dataset->events[sorted[i + 1]].device_id != row->device_id;

        rc = list_add(&list, row, laying->newest_before + laying->places[sorted[i]]);
        if (rc == 0 && (is_last || list.count == LIST_MAX)) {
            rc = list_put(&list, dataset, row->device_id, put);
        }
    }
    free(list.bytes.bytes);
    return rc;
}

int event_places_put(const struct event_laying *laying)
{
    uint32_t *sorted = sort_by_device(laying);
    sqlite3_stmt *put = NULL;
    int rc = sorted == NULL ? -ENOMEM
                            : store_prepare(laying->store,
                                  "INSERT INTO event_places(device_id, first_utc, last_utc, places)"
                                  " VALUES (?1, ?2, ?3, ?4)",
                                  &put);

    if (rc == 0) {
        rc = put_lists(laying, sorted, put);
    }
    (void)sqlite3_finalize(put);
    free(sorted);
    return rc;
}
