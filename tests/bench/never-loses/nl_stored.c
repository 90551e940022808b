/*
 * nl_stored.c - every tap in a collector's store: event number, sequence number, bytes of the record.
 *
 * Usage: nl_stored STORE
 * Reads the batches as they were received, in the order of arrival, so that a record kept twice is
 * printed twice. A message may begin with records that an earlier one had: the row says which is the
 * first that counts, and every reader of the store begins there (storage.h). How many such there were
 * is said on standard error. The collector must have stopped.
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

/* How many records of the batch lie before the first that counts. */
static size_t print_batch(const uint8_t *bytes, size_t size, uint64_t first_seq)
{
    struct up_message message = {0};
    size_t known = 0;

    if (up_message_decode(bytes, size, &message) < 0 || message.kind != UP_BATCH) {
        nl_die("a batch cannot be decoded");
    }
    if (message.batch.first_seq > first_seq) {
        nl_die("a batch begins after its first record");
    }
    known = (size_t)(first_seq - message.batch.first_seq);
    for (size_t i = known; i < message.batch.record_count; i++) {
        print_record(&message.batch.records[i]);
    }
    up_message_done(&message);
    return known;
}

int main(int argc, char **argv)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *select = NULL;
    size_t known = 0;
    int rc = 0;

    if (argc != 2) {
        nl_die("usage: nl_stored STORE");
    }
    if (sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "SELECT bytes, first_seq FROM batch ORDER BY batch_id", -1, &select,
            NULL) != SQLITE_OK) {
        nl_die(sqlite3_errmsg(db));
    }
    while ((rc = sqlite3_step(select)) == SQLITE_ROW) {
        known += print_batch(sqlite3_column_blob(select, 0),
            (size_t)sqlite3_column_bytes(select, 0), (uint64_t)sqlite3_column_int64(select, 1));
    }
    if (rc != SQLITE_DONE) {
        nl_die(sqlite3_errmsg(db));
    }
    if (known > 0) {
        (void)fprintf(
            stderr, "%zu records came once more, at the head of a batch with new ones\n", known);
    }
    (void)sqlite3_finalize(select);
    (void)sqlite3_close(db);
    return 0;
}
