/*
 * test_outbox_damage.c - a damaged log is set aside whole and what can be read of it goes on.
 */
#include "tests/unit/suite.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "tests/unit/gateway/outbox_help.h"

enum { PAGE = 4096 };

static struct readout readout;
static struct outbox_repair repair;

/* An outbox of taps 1 to count, acked to acked_seq, closed. Returns its epoch. */
static uint64_t leave_taps(const struct scratch *scratch, uint64_t count, uint64_t acked_seq)
{
    struct outbox *box = open_box(scratch);
    uint64_t epoch = outbox_epoch(box);

    append_taps(box, 1, count);
    assert_int_equal(outbox_ack(box, acked_seq), 0);
    outbox_close(box);
    return epoch;
}

static void change(const struct scratch *scratch, const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(scratch->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_file_that_is_no_database_is_set_aside(void **state)
{
    const struct scratch *scratch = *state;
    uint64_t epoch = leave_taps(scratch, 50, 0);
    long size = file_size(scratch->path);
    struct outbox *box = NULL;

    scribble(scratch->path, 0, PAGE, 0xff);
    box = open_repaired(scratch, &repair);
    assert_true(repair.was_set_aside);
    assert_int_equal(repair.salvaged, 0);
    assert_int_equal(file_size(repair.set_aside), size);
    assert_int_not_equal(outbox_epoch(box), epoch);
    append_taps(box, 1, 1);
    outbox_close(box);
}

static void a_broken_page_costs_its_own_records_and_no_others(void **state)
{
    const struct scratch *scratch = *state;
    struct outbox *box = NULL;
    uint64_t last = 0;

    (void)leave_taps(scratch, 400, 0);
    scribble(scratch->path, 8 * PAGE, PAGE, 0xa5);
    box = open_repaired(scratch, &repair);
    assert_true(repair.was_set_aside);
    assert_true(repair.lost > 0 && repair.lost < 60);
    assert_int_equal(repair.salvaged + repair.lost, 400);
    assert_int_equal(read_out(box, 1, &readout), 0);
    assert_int_equal(readout.count, repair.salvaged);
    for (size_t i = 0; i < readout.count; i++) {
        assert_true(tap_number(&readout.records[i]) > last);
        last = tap_number(&readout.records[i]);
        assert_int_equal(readout.records[i].boot_ms, last * 1000);
        assert_int_equal(readout.records[i].tap.flags, TAP_FLAG_RECOVERED);
    }
    assert_int_equal(last, 400);
    outbox_close(box);
}

static void any_broken_page_leaves_a_working_outbox(void **state)
{
    const struct scratch *scratch = *state;
    long pages = 0;

    (void)leave_taps(scratch, 120, 0);
    pages = file_size(scratch->path) / PAGE;
    assert_true(pages > 5);
    for (long page = 0; page < pages; page++) {
        struct outbox *box = NULL;

        (void)unlink(scratch->path);
        (void)leave_taps(scratch, 120, 0);
        scribble(scratch->path, page * PAGE, PAGE, 0x5a);
        box = open_repaired(scratch, &repair);
        append_taps(box, 500, 500);
        assert_int_equal(read_out(box, 1, &readout), 0);
        assert_int_equal(tap_number(&readout.records[readout.count - 1]), 500);
        if (repair.was_set_aside) {
            assert_int_equal(readout.count, repair.salvaged + 1);
        }
        outbox_close(box);
    }
}

static void acked_records_are_not_sent_again_from_a_damaged_log(void **state)
{
    const struct scratch *scratch = *state;
    struct outbox *box = NULL;

    (void)leave_taps(scratch, 100, 90);
    change(scratch, "DELETE FROM record WHERE seq = 100");
    box = open_repaired(scratch, &repair);
    assert_true(repair.was_set_aside);
    assert_int_equal(repair.salvaged, 9);
    assert_int_equal(repair.lost, 1);
    assert_int_equal(read_out(box, 1, &readout), 0);
    assert_int_equal(tap_number(&readout.records[0]), 91);
    assert_int_equal(readout.records[0].seq, 1);
    outbox_close(box);
}

static void a_changed_record_is_not_taken_over(void **state)
{
    const struct scratch *scratch = *state;
    struct outbox *box = NULL;

    (void)leave_taps(scratch, 10, 0);
    change(scratch,
        "UPDATE record SET bytes = (SELECT bytes FROM record WHERE seq = 5) WHERE seq = 6;"
        "UPDATE log SET next_seq = 12");
    box = open_repaired(scratch, &repair);
    assert_true(repair.was_set_aside);
    assert_int_equal(repair.salvaged, 9);
    assert_int_equal(read_out(box, 1, &readout), 0);
    assert_int_equal(tap_number(&readout.records[4]), 5);
    assert_int_equal(tap_number(&readout.records[5]), 7);
    outbox_close(box);
}

static void a_changed_record_is_noticed_when_it_is_read(void **state)
{
    const struct scratch *scratch = *state;
    struct outbox *box = NULL;

    (void)leave_taps(scratch, 10, 0);
    change(scratch, "UPDATE record SET bytes = x'00' WHERE seq = 6");
    box = open_box(scratch);
    assert_int_equal(read_out(box, 1, &readout), ECM_ECORRUPT);
    assert_int_equal(readout.count, 5);
    assert_int_equal(read_out(box, 7, &readout), 0);
    outbox_close(box);
}

static void a_missing_record_is_noticed_when_it_is_read(void **state)
{
    const struct scratch *scratch = *state;
    struct outbox *box = NULL;

    (void)leave_taps(scratch, 10, 0);
    change(scratch, "DELETE FROM record WHERE seq = 6");
    box = open_box(scratch);
    assert_int_equal(read_out(box, 3, &readout), ECM_ECORRUPT);
    assert_int_equal(readout.count, 3);
    outbox_close(box);
}

static void a_head_that_disagrees_with_the_records_is_damage(void **state)
{
    static const char *const lies[] = {
        "UPDATE log SET next_seq = next_seq + 1",
        "UPDATE log SET next_seq = next_seq - 1",
        "UPDATE log SET oldest_seq = 2",
        "UPDATE log SET acked_seq = next_seq",
        "UPDATE log SET epoch = 0",
        "UPDATE log SET chain_before_oldest = x'00'",
        "DELETE FROM log",
        "UPDATE record SET chain = x'00' WHERE seq = 10",
    };
    const struct scratch *scratch = *state;

    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct outbox *box = NULL;

        (void)unlink(scratch->path);
        (void)leave_taps(scratch, 10, 0);
        change(scratch, lies[i]);
        box = open_repaired(scratch, &repair);
        assert_true(repair.was_set_aside);
        assert_true(repair.salvaged >= 9);
        append_taps(box, 11, 11);
        outbox_close(box);
    }
}

static void the_wal_of_a_damaged_file_goes_with_it(void **state)
{
    const struct scratch *scratch = *state;
    char wal[sizeof repair.set_aside + 8] = "";
    struct outbox *box = NULL;
    FILE *file = NULL;

    (void)leave_taps(scratch, 30, 0);
    (void)snprintf(wal, sizeof wal, "%s-wal", scratch->path);
    file = fopen(wal, "wb");
    assert_non_null(file);
    assert_int_equal(fputs("not a WAL", file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
    scribble(scratch->path, 0, 100, 0);
    box = open_repaired(scratch, &repair);
    assert_true(repair.was_set_aside);
    (void)snprintf(wal, sizeof wal, "%s-wal", repair.set_aside);
    assert_int_equal(file_size(wal), 9);
    outbox_close(box);
}

static void copy_file(const char *from, const char *to)
{
    char bytes[PAGE];
    FILE *source = fopen(from, "rb");
    FILE *target = fopen(to, "wb");
    size_t size = 0;

    assert_true(source != NULL && target != NULL);
    while ((size = fread(bytes, 1, sizeof bytes, source)) > 0) {
        assert_int_equal(fwrite(bytes, 1, size, target), size);
    }
    assert_int_equal(fclose(source) | fclose(target), 0);
}

static void records_that_were_only_in_the_wal_are_taken_over(void **state)
{
    const struct scratch *scratch = *state;
    char wal[SCRATCH_PATH_SIZE + 16] = "";
    char kept[SCRATCH_PATH_SIZE + 16] = "";
    struct outbox *box = open_box(scratch);

    (void)snprintf(wal, sizeof wal, "%s-wal", scratch->path);
    (void)snprintf(kept, sizeof kept, "%s/kept", scratch->folder);
    outbox_close(box);
    copy_file(scratch->path, kept);
    box = open_box(scratch);
    append_taps(box, 1, 20);
    /* As a power cut leaves it: the database of before, and all that is new in the WAL. */
    (void)snprintf(kept, sizeof kept, "%s/kept-wal", scratch->folder);
    copy_file(wal, kept);
    outbox_close(box);
    (void)snprintf(wal, sizeof wal, "%s/kept", scratch->folder);
    assert_int_equal(rename(wal, scratch->path), 0);
    scribble(scratch->path, 2 * PAGE, PAGE, 0x5a); /* an old page that the WAL replaces */
    (void)snprintf(wal, sizeof wal, "%s-wal", scratch->path);
    assert_int_equal(rename(kept, wal), 0);

    box = open_repaired(scratch, &repair);
    assert_int_equal(read_out(box, 1, &readout), 0);
    assert_int_equal(readout.count, 20);
    outbox_close(box);
}

static void renewing_begins_an_epoch_with_the_unacked_records(void **state)
{
    const struct scratch *scratch = *state;
    struct outbox *box = open_box(scratch);
    uint64_t epoch = outbox_epoch(box);

    append_taps(box, 1, 10);
    assert_int_equal(outbox_ack(box, 6), 0);
    assert_int_equal(outbox_renew(box, &repair, NULL), 0);
    assert_int_not_equal(outbox_epoch(box), epoch);
    assert_int_equal(repair.salvaged, 4);
    assert_int_equal(repair.lost, 0);
    assert_int_equal(outbox_acked_seq(box), 0);
    assert_int_equal(outbox_head_seq(box), 4);
    assert_int_equal(outbox_taps(box), 4);
    append_taps(box, 11, 11);
    assert_int_equal(read_out(box, 1, &readout), 0);
    assert_int_equal(readout.count, 5);
    assert_int_equal(tap_number(&readout.records[0]), 7);
    assert_int_equal(tap_number(&readout.records[4]), 11);
    outbox_close(box);
    assert_true(file_size(repair.set_aside) > 0);
}

static void two_repairs_in_one_second_keep_both_files(void **state)
{
    struct outbox *box = open_box(*state);
    struct outbox_repair first = {0};

    append_taps(box, 1, 3);
    assert_int_equal(outbox_renew(box, &first, NULL), 0);
    assert_int_equal(outbox_renew(box, &repair, NULL), 0);
    assert_string_not_equal(first.set_aside, repair.set_aside);
    assert_true(file_size(first.set_aside) > 0);
    assert_true(file_size(repair.set_aside) > 0);
    assert_int_equal(repair.salvaged, 3);
    outbox_close(box);
}

static void a_record_recovered_twice_is_flagged_and_otherwise_unchanged(void **state)
{
    struct outbox *box = open_box(*state);

    append_taps(box, 1, 1);
    assert_int_equal(outbox_renew(box, &repair, NULL), 0);
    assert_int_equal(outbox_renew(box, &repair, NULL), 0);
    assert_int_equal(read_out(box, 1, &readout), 0);
    assert_int_equal(readout.count, 1);
    assert_int_equal(readout.records[0].tap.flags, TAP_FLAG_RECOVERED);
    assert_int_equal(readout.records[0].boot_ms, 1000);
    outbox_close(box);
}

static void other_records_are_taken_over_too(void **state)
{
    struct outbox *box = open_box(*state);
    struct record boot = {.type = RECORD_BOOT, .boot_id = 5};
    struct record anchor = {.type = RECORD_CLOCK_SET, .boot_id = 5, .wall_ms = 99};

    (void)snprintf(boot.note.text, sizeof boot.note.text, "1.2.3");
    assert_int_equal(outbox_append(box, &boot), 0);
    assert_int_equal(outbox_append(box, &anchor), 0);
    assert_int_equal(outbox_renew(box, &repair, NULL), 0);
    assert_int_equal(read_out(box, 1, &readout), 0);
    assert_int_equal(readout.count, 2);
    assert_string_equal(readout.records[0].note.text, "1.2.3");
    assert_int_equal(readout.records[1].type, RECORD_CLOCK_SET);
    assert_int_equal(readout.records[1].wall_ms, 99);
    outbox_close(box);
}

/* ---- interrupted ------------------------------------------------------------------------- */

static void move(const struct scratch *scratch, const char *from, const char *to)
{
    char source[SCRATCH_PATH_SIZE + 32] = "";
    char target[SCRATCH_PATH_SIZE + 32] = "";

    (void)snprintf(source, sizeof source, "%s%s", scratch->path, from);
    (void)snprintf(target, sizeof target, "%s%s", scratch->path, to);
    assert_int_equal(rename(source, target), 0);
}

static void a_swap_cut_off_before_the_old_file_moved_is_finished(void **state)
{
    const struct scratch *scratch = *state;
    uint64_t epoch = leave_taps(scratch, 3, 0);
    struct outbox *box = NULL;

    move(scratch, "", ".built");
    (void)leave_taps(scratch, 5, 0);
    move(scratch, ".built", ".new");
    box = open_repaired(scratch, &repair);
    assert_true(repair.was_set_aside);
    assert_int_equal(outbox_epoch(box), epoch);
    assert_int_equal(outbox_head_seq(box), 3);
    assert_true(file_size(repair.set_aside) > 0);
    outbox_close(box);
}

static void a_swap_cut_off_after_the_old_file_moved_is_finished(void **state)
{
    const struct scratch *scratch = *state;
    uint64_t epoch = leave_taps(scratch, 3, 0);
    struct outbox *box = NULL;

    move(scratch, "", ".new");
    box = open_repaired(scratch, &repair);
    assert_int_equal(outbox_epoch(box), epoch);
    assert_int_equal(outbox_head_seq(box), 3);
    assert_int_equal(count_files(scratch, ".new"), 0);
    outbox_close(box);
}

static void a_half_built_log_is_thrown_away(void **state)
{
    const struct scratch *scratch = *state;
    struct outbox *box = NULL;

    (void)leave_taps(scratch, 3, 0);
    move(scratch, "", ".salvage");
    (void)leave_taps(scratch, 8, 0);
    change(scratch, "DELETE FROM record WHERE seq = 8");
    box = open_repaired(scratch, &repair);
    assert_int_equal(repair.salvaged, 7);
    assert_int_equal(outbox_head_seq(box), 7);
    assert_int_equal(count_files(scratch, ".salvage"), 0);
    outbox_close(box);
}

static void a_renewal_that_fails_loses_nothing_and_refuses_until_reopened(void **state)
{
    const struct scratch *scratch = *state;
    char obstacle[SCRATCH_PATH_SIZE + 16] = "";
    struct outbox *box = open_box(scratch);
    struct record record = make_tap(4);
    struct err err = {0};

    append_taps(box, 1, 3);
    (void)snprintf(obstacle, sizeof obstacle, "%s.salvage", scratch->path);
    assert_int_equal(mkdir(obstacle, 0700), 0);
    assert_true(outbox_renew(box, &repair, &err) < 0);
    assert_int_not_equal(err.text[0], '\0');
    assert_int_equal(outbox_append(box, &record), -EIO);
    assert_int_equal(outbox_keep_house(box, OUTBOX_NO_CLOCK, 90), -EIO);
    assert_int_equal(outbox_bytes(box), 0);
    assert_int_equal(read_out(box, 1, &readout), -ENOENT);
    outbox_close(box);

    assert_int_equal(rmdir(obstacle), 0);
    box = open_box(scratch);
    assert_int_equal(outbox_head_seq(box), 3);
    outbox_close(box);
}

#define OUTBOX_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OUTBOX_TEST(a_file_that_is_no_database_is_set_aside),
        OUTBOX_TEST(a_broken_page_costs_its_own_records_and_no_others),
        OUTBOX_TEST(any_broken_page_leaves_a_working_outbox),
        OUTBOX_TEST(acked_records_are_not_sent_again_from_a_damaged_log),
        OUTBOX_TEST(a_changed_record_is_not_taken_over),
        OUTBOX_TEST(a_changed_record_is_noticed_when_it_is_read),
        OUTBOX_TEST(a_missing_record_is_noticed_when_it_is_read),
        OUTBOX_TEST(a_head_that_disagrees_with_the_records_is_damage),
        OUTBOX_TEST(the_wal_of_a_damaged_file_goes_with_it),
        OUTBOX_TEST(records_that_were_only_in_the_wal_are_taken_over),
        OUTBOX_TEST(renewing_begins_an_epoch_with_the_unacked_records),
        OUTBOX_TEST(two_repairs_in_one_second_keep_both_files),
        OUTBOX_TEST(a_record_recovered_twice_is_flagged_and_otherwise_unchanged),
        OUTBOX_TEST(other_records_are_taken_over_too),
        OUTBOX_TEST(a_swap_cut_off_before_the_old_file_moved_is_finished),
        OUTBOX_TEST(a_swap_cut_off_after_the_old_file_moved_is_finished),
        OUTBOX_TEST(a_half_built_log_is_thrown_away),
        OUTBOX_TEST(a_renewal_that_fails_loses_nothing_and_refuses_until_reopened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
