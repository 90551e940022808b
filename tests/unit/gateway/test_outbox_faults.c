/*
 * test_outbox_faults.c - every disk call fails once, at every place: what was promised stays.
 *
 * Each sweep runs the same scenario with call 1, 2, 3 ... failing, until a run makes fewer calls
 * than that; so no place is left out. After each run the file is opened with a good disk and
 * compared with what the outbox had said.
 */
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "tests/unit/gateway/fault_vfs.h"
#include "tests/unit/gateway/outbox_help.h"

enum { SWEEP_MAX = 20000 };

static struct readout readout;

static void clean(const struct scratch *scratch)
{
    static const char *const suffixes[] = {"", "-wal", ".new", ".salvage", ".salvage-wal"};

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char name[SCRATCH_PATH_SIZE + 16] = "";

        (void)snprintf(name, sizeof name, "%s%s", scratch->path, suffixes[i]);
        (void)unlink(name);
    }
}

/* What the outbox said is stored, by tap number; and what it refused, which may turn up or not. */
struct promises {
    uint64_t count;
    uint64_t tap[512];
};

static void append_or_not(struct outbox *box, uint64_t first, uint64_t last, struct promises *said)
{
    for (uint64_t n = first; n <= last; n++) {
        struct record record = make_tap(n);

        if (outbox_append(box, &record) == 0) {
            said->tap[said->count++] = n;
        }
    }
}

/* Every promised tap is there, in order, once. */
static void check_promises(struct outbox *box, uint64_t oldest, const struct promises *said)
{
    size_t at = 0;

    assert_int_equal(read_out(box, oldest, &readout), 0);
    for (size_t i = 0; i < readout.count && at < said->count; i++) {
        at += tap_number(&readout.records[i]) == said->tap[at];
    }
    if (at != said->count) {
        fail_msg("promised tap %llu is gone", (unsigned long long)said->tap[at]);
    }
}

static void sweep_append(const struct scratch *scratch, bool forever, enum fault_vfs_kind kind)
{
    unsigned at = 1;
    unsigned calls = 0;

    for (; at < SWEEP_MAX; at++) {
        struct promises said = {0};
        struct outbox *box = NULL;

        clean(scratch);
        fault_vfs_set(0, false, kind);
        box = open_box(scratch);
        fault_vfs_set(at, forever, kind);
        append_or_not(box, 1, 40, &said);
        calls = fault_vfs_calls();
        outbox_close(box);
        fault_vfs_set(0, false, kind);
        box = open_box(scratch);
        check_promises(box, 1, &said);
        outbox_close(box);
        if (calls < at) {
            assert_int_equal(said.count, 40);
            break;
        }
    }
    assert_true(at > 40 && at < SWEEP_MAX);
}

static void no_promised_tap_is_lost_when_any_disk_call_fails_once(void **state)
{
    sweep_append(*state, false, FAULT_VFS_IO_ERROR);
}

static void no_promised_tap_is_lost_when_the_disk_dies_at_any_call(void **state)
{
    sweep_append(*state, true, FAULT_VFS_IO_ERROR);
}

static void no_promised_tap_is_lost_when_the_disk_fills_at_any_write(void **state)
{
    sweep_append(*state, true, FAULT_VFS_DISK_FULL);
}

static void a_disk_that_fills_up_is_told_as_full(void **state)
{
    const struct scratch *scratch = *state;
    struct outbox *box = open_box(scratch);
    struct record record = make_tap(1);

    fault_vfs_set(1, true, FAULT_VFS_DISK_FULL);
    assert_int_equal(outbox_append(box, &record), ECM_EFULL);
    fault_vfs_set(0, false, FAULT_VFS_DISK_FULL);
    assert_int_equal(outbox_append(box, &record), 0);
    assert_int_equal(record.seq, 1);
    outbox_close(box);
}

static void taps_are_stored_again_after_a_fault_has_passed(void **state)
{
    const struct scratch *scratch = *state;

    for (unsigned at = 1; at <= 8; at++) {
        struct promises said = {0};
        struct outbox *box = NULL;

        clean(scratch);
        fault_vfs_set(0, false, FAULT_VFS_IO_ERROR);
        box = open_box(scratch);
        fault_vfs_set(at, false, FAULT_VFS_IO_ERROR);
        append_or_not(box, 1, 10, &said);
        assert_true(said.count >= 9);
        assert_int_equal(said.tap[said.count - 1], 10);
        assert_int_equal(outbox_head_seq(box), said.count);
        outbox_close(box);
    }
}

/* Fill a small box, ack a part, and go on: appends that delete. */
static void no_unacked_tap_is_lost_when_making_room_fails_anywhere(void **state)
{
    const struct scratch *scratch = *state;
    unsigned calls = 0;
    unsigned at = 1;

    for (; at < SWEEP_MAX; at++) {
        struct promises said = {0};
        struct outbox *box = NULL;
        uint64_t n = 1;
        struct record record = make_tap(n);

        clean(scratch);
        fault_vfs_set(0, false, FAULT_VFS_IO_ERROR);
        box = open_small_box(scratch, OUTBOX_BYTES_MIN);
        while (outbox_append(box, &record) == 0) {
            record = make_tap(++n);
        }
        assert_int_equal(outbox_ack(box, n - 101), 0);
        for (uint64_t old = n - 100; old < n; old++) {
            said.tap[said.count++] = old;
        }
        fault_vfs_set(at, false, FAULT_VFS_IO_ERROR);
        append_or_not(box, n, n + 4, &said);
        calls = fault_vfs_calls();
        outbox_close(box);
        fault_vfs_set(0, false, FAULT_VFS_IO_ERROR);
        box = open_small_box(scratch, OUTBOX_BYTES_MIN);
        assert_true(outbox_oldest_seq(box) <= n - 100);
        check_promises(box, n - 100, &said);
        outbox_close(box);
        if (calls < at) {
            break;
        }
    }
    assert_true(at > 10 && at < SWEEP_MAX);
}

/* Opening with a fault anywhere either works or says so; the log is whole afterwards. */
static void opening_fails_cleanly_at_any_disk_call(void **state)
{
    const struct scratch *scratch = *state;
    const struct outbox_conf conf = {scratch->path, "gw-test", OUTBOX_BYTES_DEFAULT};
    struct outbox *box = open_box(scratch);
    unsigned at = 1;

    append_taps(box, 1, 60);
    outbox_close(box);
    for (; at < SWEEP_MAX; at++) {
        struct outbox_repair repair = {0};
        struct err err = {0};
        unsigned calls = 0;
        int rc = 0;

        box = NULL;
        fault_vfs_set(at, false, FAULT_VFS_IO_ERROR);
        rc = outbox_open(&box, &conf, &repair, &err);
        calls = fault_vfs_calls();
        fault_vfs_set(0, false, FAULT_VFS_IO_ERROR);
        assert_int_equal(rc == 0, box != NULL);
        assert_int_equal(rc < 0, err.text[0] != '\0');
        outbox_close(box);
        box = open_box(scratch);
        assert_int_equal(outbox_head_seq(box), 60);
        outbox_close(box);
        if (calls < at) {
            break;
        }
    }
    assert_true(at > 1 && at < SWEEP_MAX);
}

static void a_first_start_cut_off_anywhere_leaves_a_file_that_opens(void **state)
{
    const struct scratch *scratch = *state;
    const struct outbox_conf conf = {scratch->path, "gw-test", OUTBOX_BYTES_DEFAULT};
    unsigned at = 1;

    for (; at < SWEEP_MAX; at++) {
        struct outbox_repair repair = {0};
        struct outbox *box = NULL;
        unsigned calls = 0;

        clean(scratch);
        fault_vfs_set(at, true, FAULT_VFS_IO_ERROR);
        (void)outbox_open(&box, &conf, &repair, NULL);
        calls = fault_vfs_calls();
        outbox_close(box);
        fault_vfs_set(0, false, FAULT_VFS_IO_ERROR);
        box = open_box(scratch);
        append_taps(box, 1, 1);
        outbox_close(box);
        if (calls < at) {
            break;
        }
    }
    assert_true(at > 3 && at < SWEEP_MAX);
}

/* Renewal with a fault anywhere: the owed taps are in the old log or in the new one, once. */
static void renewing_loses_nothing_when_any_disk_call_fails(void **state)
{
    const struct scratch *scratch = *state;
    unsigned at = 1;

    for (; at < SWEEP_MAX; at++) {
        struct outbox_repair repair = {0};
        struct promises said = {0};
        struct outbox *box = NULL;
        unsigned calls = 0;

        clean(scratch);
        fault_vfs_set(0, false, FAULT_VFS_IO_ERROR);
        box = open_box(scratch);
        append_or_not(box, 1, 30, &said);
        fault_vfs_set(at, false, FAULT_VFS_IO_ERROR);
        (void)outbox_renew(box, &repair, NULL);
        calls = fault_vfs_calls();
        outbox_close(box);
        fault_vfs_set(0, false, FAULT_VFS_IO_ERROR);
        box = open_repaired(scratch, &repair);
        assert_int_equal(outbox_head_seq(box), 30);
        check_promises(box, 1, &said);
        outbox_close(box);
        if (calls < at) {
            break;
        }
    }
    assert_true(at > 10 && at < SWEEP_MAX);
}

static int install(void **state)
{
    (void)state;
    fault_vfs_install();
    return 0;
}

#define OUTBOX_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OUTBOX_TEST(no_promised_tap_is_lost_when_any_disk_call_fails_once),
        OUTBOX_TEST(no_promised_tap_is_lost_when_the_disk_dies_at_any_call),
        OUTBOX_TEST(no_promised_tap_is_lost_when_the_disk_fills_at_any_write),
        OUTBOX_TEST(a_disk_that_fills_up_is_told_as_full),
        OUTBOX_TEST(taps_are_stored_again_after_a_fault_has_passed),
        OUTBOX_TEST(no_unacked_tap_is_lost_when_making_room_fails_anywhere),
        OUTBOX_TEST(opening_fails_cleanly_at_any_disk_call),
        OUTBOX_TEST(a_first_start_cut_off_anywhere_leaves_a_file_that_opens),
        OUTBOX_TEST(renewing_loses_nothing_when_any_disk_call_fails),
    };

    return cmocka_run_group_tests(tests, install, NULL);
}
