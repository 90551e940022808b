/*
 * test_outbox.c - what gateway/outbox.h promises while nothing is broken.
 */
#include "tests/unit/suite.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/chain.h"
#include "base/err.h"
#include "tests/unit/gateway/outbox_help.h"

static struct readout readout;

/* ---- identity ----------------------------------------------------------------------------- */

static void a_new_outbox_has_an_epoch_and_no_records(void **state)
{
    struct outbox *box = open_box(*state);

    assert_int_not_equal(outbox_epoch(box), 0);
    assert_int_equal(outbox_head_seq(box), 0);
    assert_int_equal(outbox_acked_seq(box), 0);
    assert_int_equal(outbox_oldest_seq(box), 1);
    assert_int_equal(outbox_taps(box), 0);
    assert_int_equal(read_out(box, 1, &readout), 0);
    assert_int_equal(readout.count, 0);
    outbox_close(box);
}

static void seq_starts_at_1_and_grows_by_1(void **state)
{
    struct outbox *box = open_box(*state);

    for (uint64_t n = 1; n <= 5; n++) {
        struct record record = make_tap(n);

        assert_int_equal(outbox_append(box, &record), 0);
        assert_int_equal(record.seq, n);
        assert_int_equal(outbox_head_seq(box), n);
    }
    outbox_close(box);
}

static void epoch_and_seq_continue_after_a_restart(void **state)
{
    struct outbox *box = open_box(*state);
    uint64_t epoch = outbox_epoch(box);
    struct record record = make_tap(4);

    append_taps(box, 1, 3);
    outbox_close(box);
    box = open_box(*state);
    assert_int_equal(outbox_epoch(box), epoch);
    assert_int_equal(outbox_append(box, &record), 0);
    assert_int_equal(record.seq, 4);
    outbox_close(box);
}

static void two_outboxes_have_different_epochs(void **state)
{
    const struct scratch *scratch = *state;
    struct outbox *box = open_box(scratch);
    uint64_t epoch = outbox_epoch(box);

    outbox_close(box);
    assert_int_equal(unlink(scratch->path), 0);
    box = open_box(scratch);
    assert_int_not_equal(outbox_epoch(box), epoch);
    outbox_close(box);
}

static void seq_is_not_reused_after_everything_was_deleted(void **state)
{
    struct outbox *box = open_box(*state);
    struct record record = make_tap(4);

    append_taps(box, 1, 3);
    assert_int_equal(outbox_ack(box, 3), 0);
    assert_int_equal(outbox_keep_house(box, 1700000000000, 90), 0);
    assert_int_equal(outbox_keep_house(box, 1700000000000 + 91ll * 86400000, 90), 0);
    assert_int_equal(outbox_oldest_seq(box), 4);
    outbox_close(box);
    box = open_box(*state);
    assert_int_equal(outbox_append(box, &record), 0);
    assert_int_equal(record.seq, 4);
    outbox_close(box);
}

static void a_log_of_another_device_is_refused(void **state)
{
    const struct scratch *scratch = *state;
    const struct outbox_conf conf = {scratch->path, "gw-other", OUTBOX_BYTES_DEFAULT};
    struct outbox_repair repair = {0};
    struct outbox *box = open_box(scratch);
    struct outbox *other = NULL;
    struct err err = {0};

    append_taps(box, 1, 1);
    outbox_close(box);
    assert_int_equal(outbox_open(&other, &conf, &repair, &err), -EINVAL);
    assert_non_null(strstr(err.text, "gw-test"));
    assert_null(other);
    assert_int_equal(count_files(scratch, ".bad."), 0);
}

static void only_taps_are_counted_as_taps(void **state)
{
    struct outbox *box = open_box(*state);
    struct record boot = {.type = RECORD_BOOT};

    append_taps(box, 1, 2);
    assert_int_equal(outbox_append(box, &boot), 0);
    assert_int_equal(outbox_taps(box), 2);
    outbox_close(box);
    box = open_box(*state);
    assert_int_equal(outbox_taps(box), 2);
    outbox_close(box);
}

/* ---- storing and reading ------------------------------------------------------------------ */

static void what_was_stored_is_read_back(void **state)
{
    struct outbox *box = open_box(*state);
    struct record record = make_tap(9);

    record.tap.flags = TAP_FLAG_BOUNCE;
    record.tap.direction = TAP_OUT;
    assert_int_equal(outbox_append(box, &record), 0);
    assert_int_equal(read_out(box, 1, &readout), 0);
    assert_int_equal(readout.count, 1);
    assert_int_equal(tap_number(&readout.records[0]), 9);
    assert_int_equal(readout.records[0].tap.flags, TAP_FLAG_BOUNCE);
    assert_int_equal(readout.records[0].tap.direction, TAP_OUT);
    assert_int_equal(readout.records[0].boot_ms, record.boot_ms);
    assert_int_equal(readout.records[0].wall_ms, record.wall_ms);
    assert_string_equal(readout.records[0].tap.reader, "spi0");
    outbox_close(box);
}

static bool compare_bytes(void *user, const struct outbox_item *item)
{
    struct record record = make_tap(item->seq);
    uint8_t bytes[RECORD_BYTES_MAX] = {0};
    size_t size = 0;
    unsigned *count = user;

    record.seq = item->seq;
    assert_int_equal(record_encode(&record, bytes, sizeof bytes, &size), 0);
    assert_int_equal(item->size, size);
    assert_memory_equal(item->bytes, bytes, size);
    (*count)++;
    return true;
}

static void the_encoded_bytes_are_kept_verbatim_over_a_restart(void **state)
{
    struct outbox *box = open_box(*state);
    unsigned count = 0;

    append_taps(box, 1, 20);
    outbox_close(box);
    box = open_box(*state);
    assert_int_equal(outbox_read(box, 1, compare_bytes, &count), 0);
    assert_int_equal(count, 20);
    outbox_close(box);
}

static void reading_starts_where_asked(void **state)
{
    struct outbox *box = open_box(*state);

    append_taps(box, 1, 10);
    assert_int_equal(read_out(box, 7, &readout), 0);
    assert_int_equal(readout.count, 4);
    assert_int_equal(readout.records[0].seq, 7);
    assert_int_equal(readout.records[3].seq, 10);
    outbox_close(box);
}

static void reading_what_is_not_there_is_enoent(void **state)
{
    struct outbox *box = open_box(*state);

    append_taps(box, 1, 3);
    assert_int_equal(read_out(box, 0, &readout), -ENOENT);
    assert_int_equal(read_out(box, 5, &readout), -ENOENT);
    assert_int_equal(read_out(box, 4, &readout), 0);
    assert_int_equal(readout.count, 0);
    outbox_close(box);
}

static bool stop_at_3(void *user, const struct outbox_item *item)
{
    *(uint64_t *)user = item->seq;
    return item->seq < 3;
}

static void a_visitor_can_stop_and_the_outbox_goes_on(void **state)
{
    struct outbox *box = open_box(*state);
    uint64_t last = 0;

    append_taps(box, 1, 5);
    assert_int_equal(outbox_read(box, 1, stop_at_3, &last), 0);
    assert_int_equal(last, 3);
    append_taps(box, 6, 6);
    assert_int_equal(outbox_head_seq(box), 6);
    outbox_close(box);
}

static bool count_down(void *user, const struct outbox_item *item)
{
    uint64_t *expected = user;

    assert_int_equal(item->seq, *expected);
    (*expected)--;
    return true;
}

static void reading_back_shows_the_newest_first(void **state)
{
    struct outbox *box = open_box(*state);
    uint64_t expected = 6;

    append_taps(box, 1, 6);
    assert_int_equal(outbox_read_back(box, count_down, &expected), 0);
    assert_int_equal(expected, 0);
    outbox_close(box);
}

static void a_record_out_of_bounds_is_refused_and_takes_no_seq(void **state)
{
    struct outbox *box = open_box(*state);
    struct record record = make_tap(1);
    struct record good = make_tap(1);

    record.tap.uid_size = TAG_UID_MAX + 1;
    assert_int_equal(outbox_append(box, &record), -EINVAL);
    assert_int_equal(outbox_head_seq(box), 0);
    assert_int_equal(outbox_append(box, &good), 0);
    assert_int_equal(good.seq, 1);
    outbox_close(box);
}

static void limits_of_the_configuration_are_refused(void **state)
{
    const struct scratch *scratch = *state;
    char long_path[OUTBOX_PATH_MAX + 10];
    const struct outbox_conf bad[] = {
        {long_path, "gw-test", OUTBOX_BYTES_DEFAULT},
        {scratch->path, "", OUTBOX_BYTES_DEFAULT},
        {scratch->path, "a-name-that-is-longer-than-32-bytes", OUTBOX_BYTES_DEFAULT},
        {scratch->path, "gw-test", OUTBOX_BYTES_MIN - 1},
    };

    memset(long_path, 'x', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct outbox_repair repair = {0};
        struct outbox *box = NULL;

        assert_int_equal(outbox_open(&box, &bad[i], &repair, NULL), -EINVAL);
        assert_null(box);
    }
}

static void a_folder_that_is_not_there_is_enoent(void **state)
{
    const struct outbox_conf conf = {"/nonexistent/outbox.db", "gw-test", OUTBOX_BYTES_DEFAULT};
    struct outbox_repair repair = {0};
    struct outbox *box = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(outbox_open(&box, &conf, &repair, &err), -ENOENT);
    assert_non_null(strstr(err.text, "/nonexistent/outbox.db"));
}

/* ---- the chain ---------------------------------------------------------------------------- */

static void the_chain_can_be_computed_from_the_records_alone(void **state)
{
    struct outbox *box = open_box(*state);
    struct chain *chain = chain_new();
    uint8_t ours[CHAIN_SIZE] = {0};
    uint8_t theirs[CHAIN_SIZE] = {0};

    append_taps(box, 1, 8);
    assert_non_null(chain);
    chain_start(chain, "gw-test", outbox_epoch(box), ours);
    for (uint64_t seq = 0; seq <= 8; seq++) {
        struct record record = make_tap(seq);
        uint8_t bytes[RECORD_BYTES_MAX] = {0};
        size_t size = 0;

        record.seq = seq;
        if (seq > 0) {
            assert_int_equal(record_encode(&record, bytes, sizeof bytes, &size), 0);
            chain_next(chain, ours, bytes, size, ours);
        }
        assert_int_equal(outbox_chain_at(box, seq, theirs), 0);
        assert_memory_equal(ours, theirs, CHAIN_SIZE);
    }
    chain_free(chain);
    outbox_close(box);
}

static void the_chain_is_known_before_the_oldest_record_after_deletion(void **state)
{
    struct outbox *box = open_box(*state);
    uint8_t before[CHAIN_SIZE] = {0};
    uint8_t after[CHAIN_SIZE] = {0};

    append_taps(box, 1, 10);
    assert_int_equal(outbox_chain_at(box, 4, before), 0);
    assert_int_equal(outbox_ack(box, 4), 0);
    assert_int_equal(outbox_keep_house(box, 1700000000000, 90), 0);
    assert_int_equal(outbox_keep_house(box, 1700000000000 + 91ll * 86400000, 90), 0);
    assert_int_equal(outbox_oldest_seq(box), 5);
    outbox_close(box);

    box = open_box(*state);
    assert_int_equal(outbox_oldest_seq(box), 5);
    assert_int_equal(outbox_chain_at(box, 4, after), 0);
    assert_memory_equal(before, after, CHAIN_SIZE);
    assert_int_equal(outbox_chain_at(box, 3, after), -ENOENT);
    assert_int_equal(outbox_chain_at(box, 11, after), -ENOENT);
    assert_int_equal(read_out(box, 5, &readout), 0);
    assert_int_equal(readout.count, 6);
    outbox_close(box);
}

/* ---- acks and retention ------------------------------------------------------------------- */

static void an_ack_above_the_newest_record_is_refused(void **state)
{
    struct outbox *box = open_box(*state);

    append_taps(box, 1, 3);
    assert_int_equal(outbox_ack(box, 4), -EINVAL);
    assert_int_equal(outbox_acked_seq(box), 0);
    assert_int_equal(outbox_ack(box, 3), 0);
    assert_int_equal(outbox_acked_seq(box), 3);
    outbox_close(box);
}

static void a_late_ack_changes_nothing(void **state)
{
    struct outbox *box = open_box(*state);

    append_taps(box, 1, 9);
    assert_int_equal(outbox_ack(box, 7), 0);
    assert_int_equal(outbox_ack(box, 2), 0);
    assert_int_equal(outbox_acked_seq(box), 7);
    outbox_close(box);
}

static void an_ack_survives_a_clean_stop(void **state)
{
    struct outbox *box = open_box(*state);

    append_taps(box, 1, 9);
    assert_int_equal(outbox_ack(box, 7), 0);
    outbox_close(box);
    box = open_box(*state);
    assert_int_equal(outbox_acked_seq(box), 7);
    outbox_close(box);
}

static void a_collector_that_lost_data_is_owed_it_again(void **state)
{
    struct outbox *box = open_box(*state);

    append_taps(box, 1, 9);
    assert_int_equal(outbox_ack(box, 7), 0);
    outbox_unack(box, 3);
    assert_int_equal(outbox_acked_seq(box), 3);
    outbox_unack(box, 5);
    assert_int_equal(outbox_acked_seq(box), 3);
    outbox_close(box);
    box = open_box(*state);
    assert_int_equal(outbox_acked_seq(box), 3);
    outbox_close(box);
}

static void acked_records_stay_90_days_and_not_longer(void **state)
{
    const int64_t day_ms = 86400000;
    const int64_t start_ms = 1700006400000 / day_ms * day_ms;
    struct outbox *box = open_box(*state);

    append_taps(box, 1, 5);
    assert_int_equal(outbox_ack(box, 5), 0);
    assert_int_equal(outbox_keep_house(box, start_ms, 90), 0);
    append_taps(box, 6, 8);
    assert_int_equal(outbox_ack(box, 8), 0);
    assert_int_equal(outbox_keep_house(box, start_ms + 10 * day_ms, 90), 0);

    assert_int_equal(outbox_keep_house(box, start_ms + 90 * day_ms - 1, 90), 0);
    assert_int_equal(outbox_oldest_seq(box), 1);
    assert_int_equal(outbox_keep_house(box, start_ms + 90 * day_ms, 90), 0);
    assert_int_equal(outbox_oldest_seq(box), 6);
    assert_int_equal(outbox_keep_house(box, start_ms + 100 * day_ms, 90), 0);
    assert_int_equal(outbox_oldest_seq(box), 9);
    outbox_close(box);
}

static void unacked_records_stay_for_ever(void **state)
{
    struct outbox *box = open_box(*state);

    append_taps(box, 1, 5);
    assert_int_equal(outbox_ack(box, 2), 0);
    assert_int_equal(outbox_keep_house(box, 1700000000000, 90), 0);
    assert_int_equal(outbox_keep_house(box, 1700000000000 + 5000ll * 86400000, 90), 0);
    assert_int_equal(outbox_oldest_seq(box), 3);
    assert_int_equal(read_out(box, 3, &readout), 0);
    assert_int_equal(readout.count, 3);
    outbox_close(box);
}

static void nothing_is_deleted_by_age_without_a_trusted_clock(void **state)
{
    struct outbox *box = open_box(*state);

    append_taps(box, 1, 5);
    assert_int_equal(outbox_ack(box, 5), 0);
    assert_int_equal(outbox_keep_house(box, OUTBOX_NO_CLOCK, 90), 0);
    assert_int_equal(outbox_keep_house(box, 1900000000000, 90), 0);
    assert_int_equal(outbox_oldest_seq(box), 1);
    outbox_close(box);
}

static void a_restored_collector_protects_what_it_lost_from_deletion(void **state)
{
    struct outbox *box = open_box(*state);

    append_taps(box, 1, 5);
    assert_int_equal(outbox_ack(box, 5), 0);
    assert_int_equal(outbox_keep_house(box, 1700000000000, 90), 0);
    outbox_unack(box, 2);
    assert_int_equal(outbox_keep_house(box, 1700000000000 + 91ll * 86400000, 90), 0);
    assert_int_equal(outbox_oldest_seq(box), 3);
    outbox_close(box);
}

static void deletion_by_age_is_done_in_bounded_steps(void **state)
{
    struct outbox *box = open_box(*state);

    append_taps(box, 1, 5000);
    assert_int_equal(outbox_ack(box, 5000), 0);
    assert_int_equal(outbox_keep_house(box, 1700000000000, 1), 0);
    assert_int_equal(outbox_keep_house(box, 1700000000000 + 2ll * 86400000, 1), 0);
    assert_int_equal(outbox_oldest_seq(box), 4097);
    assert_int_equal(outbox_keep_house(box, 1700000000000 + 2ll * 86400000, 1), 0);
    assert_int_equal(outbox_oldest_seq(box), 5001);
    outbox_close(box);
}

/* ---- one file, one process, our settings -------------------------------------------------- */

static void a_second_process_is_refused(void **state)
{
    const struct scratch *scratch = *state;
    const struct outbox_conf conf = {scratch->path, "gw-test", OUTBOX_BYTES_DEFAULT};
    struct outbox_repair repair = {0};
    struct outbox *box = NULL;
    struct err err = {0};
    int to_child[2] = {-1, -1};
    int to_us[2] = {-1, -1};
    char byte = 0;
    pid_t child = 0;

    assert_int_equal(pipe(to_child) | pipe(to_us), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool is_open = outbox_open(&box, &conf, &repair, NULL) == 0;

        (void)!write(to_us[1], is_open ? "y" : "n", 1);
        (void)!read(to_child[0], &byte, 1);
        outbox_close(box);
        _exit(0);
    }
    assert_int_equal(read(to_us[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_int_equal(outbox_open(&box, &conf, &repair, &err), -EBUSY);
    assert_non_null(strstr(err.text, "another process"));
    assert_int_equal(write(to_child[1], "x", 1), 1);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(outbox_open(&box, &conf, &repair, &err), 0);
    outbox_close(box);
}

static void there_is_no_shared_memory_file(void **state)
{
    const struct scratch *scratch = *state;
    struct outbox *box = open_box(scratch);

    append_taps(box, 1, 3);
    assert_int_equal(count_files(scratch, "-shm"), 0);
    assert_int_equal(count_files(scratch, "-wal"), 1);
    outbox_close(box);
    assert_int_equal(count_files(scratch, "-wal"), 0);
}

static void a_database_that_is_no_outbox_is_left_alone(void **state)
{
    const struct scratch *scratch = *state;
    const struct outbox_conf conf = {scratch->path, "gw-test", OUTBOX_BYTES_DEFAULT};
    struct outbox_repair repair = {0};
    struct outbox *box = NULL;
    struct err err = {0};
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(scratch->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE other (x)", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(outbox_open(&box, &conf, &repair, &err), ECM_EFORMAT);
    assert_non_null(strstr(err.text, "not an outbox"));
    assert_int_equal(count_files(scratch, ".bad."), 0);
}

static void a_newer_format_is_refused_and_left_alone(void **state)
{
    const struct scratch *scratch = *state;
    const struct outbox_conf conf = {scratch->path, "gw-test", OUTBOX_BYTES_DEFAULT};
    struct outbox_repair repair = {0};
    struct outbox *box = open_box(scratch);
    struct err err = {0};
    sqlite3 *db = NULL;

    append_taps(box, 1, 1);
    outbox_close(box);
    box = NULL;
    assert_int_equal(sqlite3_open(scratch->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=2", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(outbox_open(&box, &conf, &repair, &err), ECM_EFORMAT);
    assert_non_null(strstr(err.text, "format 2"));
    assert_int_equal(count_files(scratch, ".bad."), 0);
}

/* What a SQLite that does not do as it is told would look like: this pragma changes nothing. */
static const char *ignored_pragma;

static int ignore_pragma(void *user, int action, const char *name, const char *value,
    const char *database, const char *trigger)
{
    (void)user;
    (void)database;
    (void)trigger;
    return action == SQLITE_PRAGMA && value != NULL && ignored_pragma != NULL &&
                   strcmp(name, ignored_pragma) == 0
               ? SQLITE_IGNORE
               : SQLITE_OK;
}

static int watch_new_handle(sqlite3 *db, char **message, const struct sqlite3_api_routines *api)
{
    (void)message;
    (void)api;
    return sqlite3_set_authorizer(db, ignore_pragma, NULL);
}

static void ignore_from_now_on(const char *pragma)
{
    ignored_pragma = pragma;
    assert_int_equal(sqlite3_auto_extension((void (*)(void))watch_new_handle), SQLITE_OK);
}

static void obey_again(void)
{
    assert_int_equal(sqlite3_cancel_auto_extension((void (*)(void))watch_new_handle), 1);
    ignored_pragma = NULL;
}

static void a_sqlite_that_ignores_what_our_promise_rests_on_is_refused(void **state)
{
    static const char *const pragmas[] = {"journal_mode", "locking_mode"};
    struct scratch *scratch = *state;
    const struct outbox_conf conf = {
        .path = scratch->path, .device_id = "gw-test", .bytes_max = OUTBOX_BYTES_DEFAULT};
    struct outbox_repair repair = {0};
    struct outbox *box = NULL;

    for (size_t i = 0; i < sizeof pragmas / sizeof pragmas[0]; i++) {
        struct err err = {.text = ""};

        ignore_from_now_on(pragmas[i]);
        assert_int_equal(outbox_open(&box, &conf, &repair, &err), -EIO);
        obey_again();
        assert_null(box);
        assert_non_null(strstr(err.text, pragmas[i]));
        assert_false(repair.was_set_aside);
    }
    outbox_close(open_box(scratch));
}

static void bytes_in_use_grow_with_the_log(void **state)
{
    struct outbox *box = open_box(*state);
    uint64_t before = outbox_bytes(box);

    append_taps(box, 1, 500);
    assert_true(outbox_bytes(box) > before + 500 * 60);
    assert_true(outbox_bytes(box) < before + 500 * 200);
    assert_int_equal(outbox_bytes_max(box), OUTBOX_BYTES_DEFAULT);
    outbox_close(box);
}

#define OUTBOX_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OUTBOX_TEST(a_sqlite_that_ignores_what_our_promise_rests_on_is_refused),
        OUTBOX_TEST(a_new_outbox_has_an_epoch_and_no_records),
        OUTBOX_TEST(seq_starts_at_1_and_grows_by_1),
        OUTBOX_TEST(epoch_and_seq_continue_after_a_restart),
        OUTBOX_TEST(two_outboxes_have_different_epochs),
        OUTBOX_TEST(seq_is_not_reused_after_everything_was_deleted),
        OUTBOX_TEST(a_log_of_another_device_is_refused),
        OUTBOX_TEST(only_taps_are_counted_as_taps),
        OUTBOX_TEST(what_was_stored_is_read_back),
        OUTBOX_TEST(the_encoded_bytes_are_kept_verbatim_over_a_restart),
        OUTBOX_TEST(reading_starts_where_asked),
        OUTBOX_TEST(reading_what_is_not_there_is_enoent),
        OUTBOX_TEST(a_visitor_can_stop_and_the_outbox_goes_on),
        OUTBOX_TEST(reading_back_shows_the_newest_first),
        OUTBOX_TEST(a_record_out_of_bounds_is_refused_and_takes_no_seq),
        OUTBOX_TEST(limits_of_the_configuration_are_refused),
        OUTBOX_TEST(a_folder_that_is_not_there_is_enoent),
        OUTBOX_TEST(the_chain_can_be_computed_from_the_records_alone),
        OUTBOX_TEST(the_chain_is_known_before_the_oldest_record_after_deletion),
        OUTBOX_TEST(an_ack_above_the_newest_record_is_refused),
        OUTBOX_TEST(a_late_ack_changes_nothing),
        OUTBOX_TEST(an_ack_survives_a_clean_stop),
        OUTBOX_TEST(a_collector_that_lost_data_is_owed_it_again),
        OUTBOX_TEST(acked_records_stay_90_days_and_not_longer),
        OUTBOX_TEST(unacked_records_stay_for_ever),
        OUTBOX_TEST(nothing_is_deleted_by_age_without_a_trusted_clock),
        OUTBOX_TEST(a_restored_collector_protects_what_it_lost_from_deletion),
        OUTBOX_TEST(deletion_by_age_is_done_in_bounded_steps),
        OUTBOX_TEST(a_second_process_is_refused),
        OUTBOX_TEST(there_is_no_shared_memory_file),
        OUTBOX_TEST(a_database_that_is_no_outbox_is_left_alone),
        OUTBOX_TEST(a_newer_format_is_refused_and_left_alone),
        OUTBOX_TEST(bytes_in_use_grow_with_the_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
