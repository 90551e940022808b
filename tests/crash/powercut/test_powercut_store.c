/*
 * test_powercut_store.c - a cut of the power, or a failing call, at every operation of the
 * collector's store.
 */
#include "tests/crash/lib/disk.h"
#include "tests/crash/lib/vfs_shim.h"
#include "tests/crash/powercut/store_subject.h"
#include "tests/crash/powercut/sweep.h"
#include "tests/unit/suite.h"

static struct store_state state;

/* ---- what lies on the disk before --------------------------------------------------------- */

static struct disk_image *nothing(void)
{
    disk_format();
    store_state_init(&state);
    return disk_save();
}

static void fill_a_little(void)
{
    disk_format();
    store_state_init(&state);
    assert_int_equal(store_state_open(&state), 0);
    store_state_take_batches(&state, 5);
    store_state_import(&state);
    store_state_put_verdicts(&state);
}

static struct disk_image *stopped_store(void)
{
    fill_a_little();
    store_state_close(&state);
    disk_power_on(DISK_KEEP_ALL, 0);
    return disk_save();
}

/* After a cut, with everything still in the WAL. */
static struct disk_image *cut_store(void)
{
    fill_a_little();
    disk_arm(1, DISK_CUT, false);
    store_state_close(&state);
    disk_power_on(DISK_KEEP_ALL, 0);
    return disk_save();
}

/* ---- the work ----------------------------------------------------------------------------- */

static void take_batches(void *subject_state)
{
    if (store_state_open(subject_state) == 0) {
        store_state_take_batches(subject_state, 1);
        store_state_take_batches(subject_state, 4);
        store_state_take_batches(subject_state, 2);
    }
}

static void import_tables(void *subject_state)
{
    if (store_state_open(subject_state) == 0) {
        store_state_import(subject_state);
        store_state_import(subject_state);
    }
}

static void put_verdicts(void *subject_state)
{
    if (store_state_open(subject_state) == 0) {
        store_state_put_verdicts(subject_state);
        store_state_put_verdicts(subject_state);
    }
}

static void just_start(void *subject_state)
{
    (void)store_state_open(subject_state);
}

/* ---- cuts --------------------------------------------------------------------------------- */

static void cut_everywhere(const char *name, struct disk_image *base, void (*work)(void *state))
{
    const struct sweep_subject it = store_subject(name, &state, work);
    struct sweep_tally tally = {0};

    sweep_cuts(&it, base, sweep_seeds(), &tally);
    disk_image_free(base);
    assert_nothing_wrong(&tally);
}

static void committed_batches_survive_a_cut_at_any_operation(void **unused)
{
    (void)unused;
    cut_everywhere("store: batches", stopped_store(), take_batches);
    cut_everywhere("store: batches on a WAL", cut_store(), take_batches);
}

static void an_import_is_there_whole_or_not_at_all(void **unused)
{
    (void)unused;
    cut_everywhere("store: import", stopped_store(), import_tables);
}

static void verdicts_change_together_wherever_the_power_goes(void **unused)
{
    (void)unused;
    cut_everywhere("store: verdicts", stopped_store(), put_verdicts);
}

static void a_store_starts_after_a_cut_at_any_operation_of_its_start(void **unused)
{
    (void)unused;
    cut_everywhere("store: first start", nothing(), just_start);
    cut_everywhere("store: start on a WAL", cut_store(), just_start);
}

static void a_second_cut_during_recovery_costs_nothing(void **unused)
{
    const struct sweep_subject it = store_subject("store: batches", &state, take_batches);
    struct disk_image *base = cut_store();
    struct sweep_tally tally = {0};

    (void)unused;
    sweep_cuts_twice(&it, base, sweep_seeds() > 2 ? 1 : 17, &tally);
    disk_image_free(base);
    assert_nothing_wrong(&tally);
}

static void without_the_sync_of_the_wal_the_sweep_finds_losses(void **unused)
{
    const struct sweep_subject it = store_subject("store, WAL never synced", &state, take_batches);
    struct disk_image *base = stopped_store();
    struct sweep_tally tally = {0};

    (void)unused;
    disk_ignore_syncs("-wal");
    sweep_cuts(&it, base, 1, &tally);
    disk_ignore_syncs(NULL);
    disk_image_free(base);
    assert_true(tally.losses > 0);
}

/* ---- failing calls ------------------------------------------------------------------------ */

static void a_failing_call_is_told_and_costs_nothing(void **unused)
{
    const struct sweep_subject it = store_subject("store: batches", &state, take_batches);
    struct sweep_tally tally = {0};

    (void)unused;
    for (int fault = DISK_EIO_ONCE; fault <= DISK_ENOSPC_ON; fault++) {
        struct disk_image *base = stopped_store();

        sweep_faults(&it, base, (enum disk_fault)fault, &tally);
        disk_image_free(base);
    }
    assert_nothing_wrong(&tally);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(committed_batches_survive_a_cut_at_any_operation),
        cmocka_unit_test(an_import_is_there_whole_or_not_at_all),
        cmocka_unit_test(verdicts_change_together_wherever_the_power_goes),
        cmocka_unit_test(a_store_starts_after_a_cut_at_any_operation_of_its_start),
        cmocka_unit_test(a_second_cut_during_recovery_costs_nothing),
        cmocka_unit_test(without_the_sync_of_the_wal_the_sweep_finds_losses),
        cmocka_unit_test(a_failing_call_is_told_and_costs_nothing),
    };

    sweep_arguments(argc, argv);
    vfs_shim_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
