/*
 * stored_tool.c - every tap of one device in a collector's store, with its effective time.
 *
 *   pico-stored STORE DEVICE    each as "epoch seq uid flags effective_ms source
 *                               verified uncertainty_ms"
 *
 * In the order of arrival, so that a record kept twice is printed twice. A message may begin with
 * records that an earlier one had: like every reader of the store this one begins at the first that
 * counts. The collector must have stopped. The effective time is the collector's own rule over the
 * collector's own anchors.
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/storage/effective_time.h"
#include "collector/storage/storage.h"
#include "proto/messages.h"

static sqlite3 *db;

static void die(const char *why)
{
    (void)fprintf(stderr, "pico-stored: %s\n", why);
    exit(1);
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        die(sqlite3_errmsg(db));
    }
    return statement;
}

static bool find_anchor(int64_t log_id, uint64_t boot_id, struct storage_anchor *ret_anchor)
{
    sqlite3_stmt *select = prepare("SELECT boot_ms, wall_ms, uncertainty_ms, seq FROM anchor "
                                   "WHERE log_id = ?1 AND boot_id = ?2");
    bool is_found = false;

    (void)sqlite3_bind_int64(select, 1, log_id);
    (void)sqlite3_bind_int64(select, 2, (int64_t)boot_id);
    if (sqlite3_step(select) == SQLITE_ROW) {
        *ret_anchor = (struct storage_anchor){.boot_id = boot_id,
            .boot_ms = (uint64_t)sqlite3_column_int64(select, 0),
            .wall_ms = sqlite3_column_int64(select, 1),
            .uncertainty_ms = (uint32_t)sqlite3_column_int64(select, 2),
            .seq = (uint64_t)sqlite3_column_int64(select, 3)};
        is_found = true;
    }
    (void)sqlite3_finalize(select);
    return is_found;
}

static void print_tap(int64_t log_id, uint64_t epoch, const struct record *record, bool verified)
{
    static const char *const sources[] = {"unknown", "stamped", "anchored", "rtc", "between"};
    struct storage_anchor anchor;
    bool has_anchor = find_anchor(log_id, record->boot_id, &anchor);
    struct effective_time time = effective_time(record, has_anchor ? &anchor : NULL, NULL);

    printf("%016" PRIx64 " %" PRIu64 " ", epoch, record->seq);
    for (int i = 0; i < record->tap.uid_size; i++) {
        printf("%02X", record->tap.uid[i]);
    }
    printf(" %u %" PRId64 " %s %d %" PRIu32 "\n", (unsigned)record->tap.flags, time.ms,
        sources[time.source], verified, time.uncertainty_ms);
}

static void print_batch(sqlite3_stmt *row)
{
    uint64_t first_seq = (uint64_t)sqlite3_column_int64(row, 3);
    struct up_message message = {0};

    if (up_message_decode(
            sqlite3_column_blob(row, 0), (size_t)sqlite3_column_bytes(row, 0), &message) < 0 ||
        message.kind != UP_BATCH || message.batch.first_seq > first_seq) {
        die("a batch cannot be decoded, or begins after its first record");
    }
    for (size_t i = (size_t)(first_seq - message.batch.first_seq); i < message.batch.record_count;
         i++) {
        const struct bytes_view *view = &message.batch.records[i];
        struct record record = {0};

        if (record_decode(view->bytes, view->size, &record) < 0) {
            die("a record cannot be decoded");
        }
        if (record.type == RECORD_TAP) {
            print_tap(sqlite3_column_int64(row, 1), message.batch.epoch, &record,
                sqlite3_column_int(row, 2) != 0);
        }
    }
    up_message_done(&message);
}

int main(int argc, char **argv)
{
    sqlite3_stmt *select = NULL;
    int rc = 0;

    if (argc != 3) {
        die("usage: pico-stored STORE DEVICE");
    }
    if (sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
        die(sqlite3_errmsg(db));
    }
    select = prepare(
        "SELECT bytes, log_id, signature_is_verified, first_seq FROM batch JOIN log USING(log_id) "
        "WHERE device_id = ?1 ORDER BY batch_id");
    (void)sqlite3_bind_text(select, 1, argv[2], -1, SQLITE_STATIC);
    while ((rc = sqlite3_step(select)) == SQLITE_ROW) {
        print_batch(select);
    }
    if (rc != SQLITE_DONE) {
        die(sqlite3_errmsg(db));
    }
    (void)sqlite3_finalize(select);
    (void)sqlite3_close(db);
    return 0;
}
