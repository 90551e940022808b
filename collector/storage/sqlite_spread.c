/*
 * sqlite_spread.c - event ids whose copies lie apart in time.
 *
 * Rule E2 looks at every copy of an id, but a period is loaded by time. So an import notes the few
 * ids of which one copy may lie inside a window and another outside; a load looks among those.
 * An event lies at its own time and, when that is far ahead, also where it was received.
 */
#include "collector/storage/sqlite_internal.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST "CASE WHEN e.ts_utc > e.recv_utc + 300 THEN e.recv_utc ELSE e.ts_utc END"
#define LAST "e.ts_utc" /* receipt counts only when it is earlier */

/* Ids of rows younger than ?1, with all their copies. */
static const char younger_sql[] =
    "INSERT OR REPLACE INTO event_spread(event_id, first_utc, last_utc)"
    " SELECT n.event_id, min(" FIRST "), max(" LAST ")"
    " FROM (SELECT DISTINCT event_id FROM event WHERE event_seq > ?1) n"
    " CROSS JOIN event e ON e.event_id = n.event_id"
    " GROUP BY n.event_id HAVING count(*) > 1 AND min(" FIRST ") < max(" LAST ")";

static const char straddling_sql[] =
    "SELECT EXISTS (SELECT 1 FROM event_spread WHERE (first_utc < ?1 AND last_utc >= ?1)"
    " OR (first_utc <= ?2 AND last_utc > ?2))";

static int64_t first_of(const struct event_row *event)
{
    return event->ts_utc > event->recv_utc + 300 ? event->recv_utc : event->ts_utc;
}

int store_spread_note(struct storage_sqlite *store, int64_t newest_before)
{
    sqlite3_stmt *note = NULL;
    int rc = store_code(sqlite3_prepare_v2(store->db, younger_sql, -1, &note, NULL));

    if (rc == 0) {
        (void)sqlite3_bind_int64(note, 1, newest_before);
        rc = store_code(sqlite3_step(note));
    }
    (void)sqlite3_finalize(note);
    return rc;
}

/* The first and last place of each id, by text id. */
struct spread {
    int64_t first_utc, last_utc;
    uint32_t copies;
};

static int put(struct storage_sqlite *store, const struct dataset *dataset,
    const struct spread *spreads, size_t count)
{
    sqlite3_stmt *insert = NULL;
    int rc = store_code(sqlite3_prepare_v2(store->db,
        "INSERT OR REPLACE INTO event_spread(event_id, first_utc, last_utc) VALUES (?1, ?2, ?3)",
        -1, &insert, NULL));

    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (spreads[i].copies > 1 && spreads[i].first_utc < spreads[i].last_utc) {
            (void)sqlite3_bind_text(
                insert, 1, dataset_text(dataset, (text_id)i), -1, SQLITE_STATIC);
            (void)sqlite3_bind_int64(insert, 2, spreads[i].first_utc);
            (void)sqlite3_bind_int64(insert, 3, spreads[i].last_utc);
            rc = store_run(insert);
        }
    }
    (void)sqlite3_finalize(insert);
    return rc;
}

int store_spread_fill(struct storage_sqlite *store, const struct dataset *dataset)
{
    size_t count = dataset_text_count(dataset);
    struct spread *spreads = malloc(count * sizeof *spreads);
    int rc = 0;

    if (spreads == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        spreads[i] = (struct spread){.first_utc = INT64_MAX, .last_utc = INT64_MIN};
    }
    for (size_t i = 0; i < dataset->events_count; i++) {
        struct spread *spread = &spreads[dataset->events[i].event_id];
        int64_t first = first_of(&dataset->events[i]);
        int64_t last = dataset->events[i].ts_utc;

        spread->first_utc = first < spread->first_utc ? first : spread->first_utc;
        spread->last_utc = last > spread->last_utc ? last : spread->last_utc;
        spread->copies++;
    }
    rc = put(store, dataset, spreads, count);
    free(spreads);
    return rc;
}

int store_spread_reaches(
    struct storage_sqlite *store, const struct store_window *window, bool *ret_reaches)
{
    sqlite3_stmt *find = NULL;
    int rc = store_code(sqlite3_prepare_v2(store->db, straddling_sql, -1, &find, NULL));

    if (rc == 0) {
        (void)sqlite3_bind_int64(find, 1, window->from_utc);
        (void)sqlite3_bind_int64(find, 2, window->to_utc);
        rc = store_code(sqlite3_step(find));
        *ret_reaches = rc == 0 && sqlite3_column_int(find, 0) != 0;
    }
    (void)sqlite3_finalize(find);
    return rc;
}
