/*
 * test_powercut_relay.c - a cut of the power, or a failing call, at every operation of what a gateway
 * keeps for tag readers: what it told them is held it brings to the collector, and it tells them done of
 * nothing else.
 */
#include <string.h>

#include "base/log.h"
#include "gateway/outbox_relay.h"
#include "tests/crash/lib/disk.h"
#include "tests/crash/lib/vfs_shim.h"
#include "tests/crash/powercut/relay_subject.h"
#include "tests/crash/powercut/sweep.h"
#include "tests/unit/suite.h"

#define START_MS INT64_C(1603065600000)
#define DAY_MS INT64_C(86400000)

enum { DB_PAGE = 4096, SCRIBBLED_PAGE = 4 };

static struct relay_state state;

/* ---- what lies on the disk before --------------------------------------------------------- */

static struct disk_image *nothing(void)
{
    disk_format();
    relay_state_init(&state);
    return disk_save();
}

/* Some of it is done, some is owed. */
static void fill_a_little(void)
{
    disk_format();
    relay_state_init(&state);
    assert_int_equal(relay_state_open(&state), 0);
    relay_state_take(&state, 6);
    relay_state_collect(&state);
    relay_state_keep_house(&state, START_MS);
    relay_state_take(&state, 4);
}

static struct disk_image *stopped(void)
{
    fill_a_little();
    relay_state_close(&state);
    disk_power_on(DISK_KEEP_ALL, 0);
    return disk_save();
}

/* After a cut, with everything still in the WAL. */
static struct disk_image *cut(void)
{
    fill_a_little();
    relay_state_crash(&state);
    return disk_save();
}

static struct disk_image *full(void)
{
    disk_format();
    relay_state_init(&state);
    state.bytes_max = RELAY_STORE_BYTES_MIN;
    assert_int_equal(relay_state_open(&state), 0);
    while (!relay_state_is_full(&state)) {
        relay_state_take(&state, 1);
    }
    relay_state_close(&state);
    disk_power_on(DISK_KEEP_ALL, 0);
    return disk_save();
}

static struct disk_image *damaged(void)
{
    static const uint8_t rubbish[DB_PAGE] = {0xee, 0xee, 0xee};
    struct disk_image *image = stopped();
    int file = 0;

    disk_load(image);
    disk_image_free(image);
    file = disk_find(RELAY_FILE);
    disk_scribble(file, (uint64_t)SCRIBBLED_PAGE * DB_PAGE, rubbish, sizeof rubbish);
    state.may_renew = true;
    return disk_save();
}

/* ---- the work ----------------------------------------------------------------------------- */

static void take_batches(void *subject_state)
{
    if (relay_state_open(subject_state) == 0) {
        relay_state_take(subject_state, 6);
    }
}

static void take_and_bring(void *subject_state)
{
    if (relay_state_open(subject_state) < 0) {
        return;
    }
    for (int day = 0; day < 3; day++) {
        relay_state_take(subject_state, 2);
        relay_state_collect(subject_state);
        relay_state_keep_house(subject_state, START_MS + day * DAY_MS);
        relay_state_take(subject_state, 1);
    }
}

static void delete_what_is_old(void *subject_state)
{
    if (relay_state_open(subject_state) == 0) {
        relay_state_keep_house(subject_state, START_MS + 91 * DAY_MS);
        relay_state_take(subject_state, 1);
        relay_state_collect(subject_state);
        relay_state_keep_house(subject_state, START_MS + 92 * DAY_MS);
        relay_state_keep_house(subject_state, START_MS + 190 * DAY_MS);
        relay_state_take(subject_state, 1);
    }
}

static void make_room(void *subject_state)
{
    if (relay_state_open(subject_state) == 0) {
        relay_state_take(subject_state, 1); /* there is none */
        relay_state_collect(subject_state);
        relay_state_take(subject_state, 3);
    }
}

static void just_start(void *subject_state)
{
    (void)relay_state_open(subject_state);
}

/* ---- cuts --------------------------------------------------------------------------------- */

static void cut_everywhere(const char *name, struct disk_image *base, void (*work)(void *state))
{
    const struct sweep_subject it = relay_subject(name, &state, work);
    struct sweep_tally tally = {0};

    sweep_cuts(&it, base, sweep_seeds(), &tally);
    disk_image_free(base);
    assert_nothing_wrong(&tally);
}

static void what_was_told_as_held_survives_a_cut_at_any_operation(void **unused)
{
    (void)unused;
    cut_everywhere("relay: batches", stopped(), take_batches);
    cut_everywhere("relay: batches on a WAL", cut(), take_batches);
}

static void done_is_told_of_what_the_collector_has_wherever_the_power_goes(void **unused)
{
    (void)unused;
    cut_everywhere("relay: held and done", stopped(), take_and_bring);
}

static void deletion_by_age_takes_done_batches_only_wherever_the_power_goes(void **unused)
{
    (void)unused;
    cut_everywhere("relay: delete by age", stopped(), delete_what_is_old);
}

static void making_room_takes_done_batches_only_wherever_the_power_goes(void **unused)
{
    (void)unused;
    cut_everywhere("relay: make room", full(), make_room);
}

static void a_start_can_be_cut_anywhere(void **unused)
{
    (void)unused;
    cut_everywhere("relay: first start", nothing(), take_batches);
    cut_everywhere("relay: start on a WAL", cut(), just_start);
}

/* The old file stays beside the new one. */
static void check_set_aside(void *subject_state, struct sweep_tally *tally)
{
    bool is_there = false;

    relay_subject("", subject_state, NULL).check(subject_state, tally);
    for (unsigned i = 0; disk_name_at(i) != NULL; i++) {
        is_there = is_there || strstr(disk_name_at(i), ".bad.") != NULL;
    }
    if (!is_there) {
        sweep_note(tally, &tally->broken, "the damaged file is not there");
    }
}

static void a_damaged_store_is_set_aside_and_sent_again_wherever_the_power_goes(void **unused)
{
    struct sweep_subject it = relay_subject("relay: set aside", &state, take_batches);
    struct disk_image *base = damaged();
    struct sweep_tally tally = {0};

    (void)unused;
    it.check = check_set_aside;
    sweep_cuts(&it, base, sweep_seeds(), &tally);
    disk_image_free(base);
    assert_nothing_wrong(&tally);
}

static void a_second_cut_during_recovery_costs_nothing(void **unused)
{
    const struct sweep_subject it = relay_subject("relay: held and done", &state, take_and_bring);
    struct disk_image *base = cut();
    struct sweep_tally tally = {0};

    (void)unused;
    sweep_cuts_twice(&it, base, sweep_seeds() > 2 ? 1 : 41, &tally);
    disk_image_free(base);
    assert_nothing_wrong(&tally);
}

static void without_the_sync_of_the_wal_the_sweep_finds_losses(void **unused)
{
    const struct sweep_subject it = relay_subject("relay, WAL never synced", &state, take_batches);
    struct disk_image *base = stopped();
    struct sweep_tally tally = {0};

    (void)unused;
    disk_ignore_syncs("-wal");
    sweep_cuts(&it, base, 1, &tally);
    disk_ignore_syncs(NULL);
    disk_image_free(base);
    assert_true(tally.losses > 0);
}

/* ---- failing calls ------------------------------------------------------------------------ */

static void a_failing_call_costs_nothing_that_was_told_as_held(void **unused)
{
    const struct sweep_subject it = relay_subject("relay: held and done", &state, take_and_bring);
    struct sweep_tally tally = {0};

    (void)unused;
    for (int fault = DISK_EIO_ONCE; fault <= DISK_ENOSPC_ON; fault++) {
        struct disk_image *base = stopped();

        /* A read that fails counts as damage: the store may be set aside. */
        state.may_renew = fault == DISK_EIO_ONCE || fault == DISK_EIO_ON;
        sweep_faults(&it, base, (enum disk_fault)fault, &tally);
        disk_image_free(base);
    }
    assert_nothing_wrong(&tally);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_told_as_held_survives_a_cut_at_any_operation),
        cmocka_unit_test(done_is_told_of_what_the_collector_has_wherever_the_power_goes),
        cmocka_unit_test(deletion_by_age_takes_done_batches_only_wherever_the_power_goes),
        cmocka_unit_test(making_room_takes_done_batches_only_wherever_the_power_goes),
        cmocka_unit_test(a_start_can_be_cut_anywhere),
        cmocka_unit_test(a_damaged_store_is_set_aside_and_sent_again_wherever_the_power_goes),
        cmocka_unit_test(a_second_cut_during_recovery_costs_nothing),
        cmocka_unit_test(without_the_sync_of_the_wal_the_sweep_finds_losses),
        cmocka_unit_test(a_failing_call_costs_nothing_that_was_told_as_held),
    };

    sweep_arguments(argc, argv);
    log_set_level(
        (enum log_level)(LOG_LEVEL_ERR - 1)); /* a disk that fails says so at each operation */
    vfs_shim_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
