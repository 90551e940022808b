/*
 * nl_stored.c - every tap in a collector's store: event number, sequence number, bytes of the record.
 *
 * Usage: nl_stored STORE
 * Reads the batches as they were received, in the order of arrival, so that a record kept twice is
 * printed twice. The collector must have stopped.
 */
#include <sqlite3.h>

#include "proto/messages.h"
#include "tests/bench/never-loses/nl.h"

static void print_record(const struct bytes_view *view)
{
    struct record record = {0};
    uint32_t number = 0;

    if (record_decode(view->bytes, view->size, &record) < 0) {
        nl_die("a record cannot be decoded");
    }
    if (record.type != RECORD_TAP) {
        return;
    }
    for (size_t i = 0; i < sizeof number; i++) {
        number |= (uint32_t)record.tap.uid[1 + i] << (8 * i);
    }
    printf("%u %llu %zu\n", number, (unsigned long long)record.seq, view->size);
}

static void print_batch(const uint8_t *bytes, size_t size)
{
    struct up_message message = {0};

    if (up_message_decode(bytes, size, &message) < 0 || message.kind != UP_BATCH) {
        nl_die("a batch cannot be decoded");
    }
    for (size_t i = 0; i < message.batch.record_count; i++) {
        print_record(&message.batch.records[i]);
    }
    up_message_done(&message);
}

int main(int argc, char **argv)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *select = NULL;
    int rc = 0;

    if (argc != 2) {
        nl_die("usage: nl_stored STORE");
    }
    if (sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "SELECT bytes FROM batch ORDER BY batch_id", -1, &select, NULL) !=
            SQLITE_OK) {
        nl_die(sqlite3_errmsg(db));
    }
    while ((rc = sqlite3_step(select)) == SQLITE_ROW) {
        print_batch(sqlite3_column_blob(select, 0), (size_t)sqlite3_column_bytes(select, 0));
    }
    if (rc != SQLITE_DONE) {
        nl_die(sqlite3_errmsg(db));
    }
    (void)sqlite3_finalize(select);
    (void)sqlite3_close(db);
    return 0;
}
