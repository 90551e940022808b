/*
 * sqlite_bounds.c - between which sure instants a boot lies that was never sure of the time.
 *
 * The log is in the order of time, whatever its stamps say. The last synced record in front of the
 * boot was made before the boot began; a boot whose record comes behind it began after this one had
 * ended. Few batches are looked at: evidence from long before or after would not help anybody.
 */
#include "collector/storage/sqlite_internal.h"

#include "base/err.h"
#include "collector/storage/effective_time.h"
#include "proto/messages.h"

#include <errno.h>

/* Batches, each way; the tap's own is among them. */
#define NEARBY "16"

static const char before_sql[] = "SELECT bytes FROM batch WHERE log_id = ?1 AND first_seq <= ?2"
                                 " ORDER BY first_seq DESC LIMIT " NEARBY;
static const char after_sql[] = "SELECT bytes FROM batch WHERE log_id = ?1 AND"
                                " first_seq + record_count > ?2 AND first_seq > ?2 - 1024"
                                " ORDER BY first_seq LIMIT " NEARBY;

struct search {
    const struct record *tap;
    bool is_backwards;
    bool has_found;
    struct record found; /* the sure record nearest to the tap */
    bool has_offset;     /* wall - boot of the tap's own boot, by its battery clock */
    int64_t least_offset_ms, most_offset_ms;
};

static void compare_offsets(struct search *search, const struct record *record)
{
    int64_t offset_ms = 0;

    if (record->wall_trust != WALL_RTC || record->boot_id != search->tap->boot_id ||
        __builtin_sub_overflow(record->wall_ms, record->boot_ms, &offset_ms)) {
        return;
    }
    if (!search->has_offset || offset_ms < search->least_offset_ms) {
        search->least_offset_ms = offset_ms;
    }
    if (!search->has_offset || offset_ms > search->most_offset_ms) {
        search->most_offset_ms = offset_ms;
    }
    search->has_offset = true;
}

/* Whether record is sure, of another boot, and on the wanted side; the nearest one wins. */
static void consider(struct search *search, const struct record *record)
{
    bool is_before = record->seq < search->tap->seq;

    if (record->wall_trust != WALL_SYNCED || record->boot_id == search->tap->boot_id ||
        record->seq == search->tap->seq || is_before != search->is_backwards) {
        return;
    }
    /* Records are shown in rising order: backwards the last one counts, else the first. */
    if (search->is_backwards || !search->has_found) {
        search->found = *record;
        search->has_found = true;
    }
}

static int look_into(struct search *search, sqlite3_stmt *statement)
{
    struct up_message message;
    int rc = up_message_decode(
        sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0), &message);

    if (rc < 0) {
        return rc == -EBADMSG ? ECM_ECORRUPT : rc;
    }
    for (size_t i = 0; message.kind == UP_BATCH && i < message.batch.record_count; i++) {
        struct record record;

        if (record_decode(message.batch.records[i].bytes, message.batch.records[i].size, &record) ==
            0) {
            consider(search, &record);
            compare_offsets(search, &record);
        }
    }
    up_message_done(&message);
    return 0;
}

static int find(struct storage_sqlite *store, int64_t log_id, struct search *search)
{
    bool is_backwards = search->is_backwards;
    sqlite3_stmt *statement = store_statement(store,
        is_backwards ? SLOT_BOUND_BEFORE : SLOT_BOUND_AFTER, is_backwards ? before_sql : after_sql);
    int sqlite_rc = SQLITE_OK;
    int rc = 0;

    if (statement == NULL) {
        return store_failed(store, NULL);
    }
    (void)sqlite3_bind_int64(statement, 1, log_id);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)search->tap->seq);
    while (rc == 0 && !search->has_found && (sqlite_rc = sqlite3_step(statement)) == SQLITE_ROW) {
        rc = look_into(search, statement);
    }
    (void)sqlite3_reset(statement);
    if (rc == 0 && sqlite_rc != SQLITE_ROW && sqlite_rc != SQLITE_DONE) {
        rc = store_code(sqlite_rc);
    }
    return rc;
}

int store_bounds_get(struct storage_sqlite *store, int64_t log_id, const struct record *tap,
    int64_t recv_ms, struct effective_bounds *ret_bounds)
{
    struct search before = {.tap = tap, .is_backwards = true};
    struct search after = {.tap = tap};
    int64_t began_ms = 0;
    int rc = 0;

    compare_offsets(&before, tap);
    rc = find(store, log_id, &before);

    *ret_bounds = (struct effective_bounds){.to_ms = recv_ms};
    if (rc == 0) {
        after.has_offset = before.has_offset;
        after.least_offset_ms = before.least_offset_ms;
        after.most_offset_ms = before.most_offset_ms;
        rc = find(store, log_id, &after);
    }
    if (rc < 0) {
        return rc;
    }
    ret_bounds->has_from = before.has_found;
    ret_bounds->from_ms = before.has_found ? before.found.wall_ms : 0;
    ret_bounds->step_ms = (uint64_t)after.most_offset_ms - (uint64_t)after.least_offset_ms;
    if (after.has_found &&
        !__builtin_sub_overflow(after.found.wall_ms, after.found.boot_ms, &began_ms) &&
        began_ms < recv_ms) {
        ret_bounds->to_ms = began_ms;
    }
    return 0;
}
