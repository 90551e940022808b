/*
 * test_powercut_outbox.c - a cut of the power at every operation of the outbox.
 *
 * Needs neither root nor a file system: the disk is simulated (tests/crash/lib/disk.h). Longer with
 * --seeds N.
 */
#include <stdio.h>
#include <string.h>

#include "tests/crash/lib/disk.h"
#include "tests/crash/lib/vfs_shim.h"
#include "tests/crash/powercut/outbox_bases.h"
#include "tests/crash/powercut/outbox_subject.h"
#include "tests/crash/powercut/sweep.h"
#include "tests/unit/suite.h"

static struct outbox_state state;
static uint64_t damaged_hash, damaged_epoch;

/* ---- the work ----------------------------------------------------------------------------- */

static void append_over_a_checkpoint(void *subject_state)
{
    if (outbox_state_open(subject_state) == 0) {
        outbox_state_append(subject_state, 12);
    }
}

static void start_for_the_first_time(void *subject_state)
{
    if (outbox_state_open(subject_state) == 0) {
        outbox_state_append(subject_state, 2);
    }
}

static void just_start(void *subject_state)
{
    (void)outbox_state_open(subject_state);
}

static void ack_and_keep_house(void *subject_state)
{
    struct outbox_state *s = subject_state;

    if (outbox_state_open(s) < 0) {
        return;
    }
    for (int day = 0; day < 4; day++) {
        outbox_state_append(s, 2);
        outbox_state_ack(s, s->acked + 5);
        outbox_state_keep_house(s, BASES_START_MS + day * BASES_DAY_MS);
    }
    outbox_state_keep_house(s, -1);
}

static void delete_what_is_old(void *subject_state)
{
    struct outbox_state *s = subject_state;

    if (outbox_state_open(s) < 0) {
        return;
    }
    outbox_state_keep_house(s, BASES_START_MS + 91 * BASES_DAY_MS);
    outbox_state_append(s, 2);
    outbox_state_ack(s, s->head);
    outbox_state_keep_house(s, BASES_START_MS + 92 * BASES_DAY_MS);
    outbox_state_keep_house(s, BASES_START_MS + 190 * BASES_DAY_MS);
    outbox_state_append(s, 2);
}

static void make_room_in_a_full_log(void *subject_state)
{
    struct outbox_state *s = subject_state;

    if (outbox_state_open(s) == 0) {
        outbox_state_append(s, 1);
        outbox_state_ack(s, s->head / 2);
        outbox_state_append(s, 6);
    }
}

static void begin_a_new_epoch(void *subject_state)
{
    struct outbox_state *s = subject_state;

    if (outbox_state_open(s) == 0) {
        outbox_state_append(s, 1);
        outbox_state_ack(s, s->acked + 3);
        outbox_state_renew(s);
        outbox_state_append(s, 1);
    }
}

/* ---- cuts --------------------------------------------------------------------------------- */

static void cut_everywhere(const char *name, struct disk_image *base, void (*work)(void *state))
{
    const struct sweep_subject it = outbox_subject(name, &state, work);
    struct sweep_tally tally = {0};

    sweep_cuts(&it, base, sweep_seeds(), &tally);
    disk_image_free(base);
    assert_nothing_wrong(&tally);
}

static void a_confirmed_record_survives_a_cut_at_any_operation(void **unused)
{
    (void)unused;
    cut_everywhere("append", base_before_checkpoint(&state), append_over_a_checkpoint);
}

static void acks_cost_no_record_wherever_the_power_goes(void **unused)
{
    (void)unused;
    cut_everywhere("ack, keep house", base_stopped(&state), ack_and_keep_house);
}

static void deletion_by_age_takes_acked_records_only_wherever_the_power_goes(void **unused)
{
    (void)unused;
    cut_everywhere("delete by age", base_stopped(&state), delete_what_is_old);
}

static void making_room_takes_acked_records_only_wherever_the_power_goes(void **unused)
{
    (void)unused;
    cut_everywhere("make room", base_full(&state), make_room_in_a_full_log);
}

static void the_first_start_can_be_cut_anywhere(void **unused)
{
    (void)unused;
    cut_everywhere("first start", base_nothing(&state), start_for_the_first_time);
}

static void a_start_after_a_cut_can_be_cut_anywhere(void **unused)
{
    (void)unused;
    cut_everywhere("start on a WAL", base_before_checkpoint(&state), just_start);
}

static void a_new_epoch_owes_every_unacked_record_wherever_the_power_goes(void **unused)
{
    struct disk_image *base = base_stopped(&state);

    (void)unused;
    state.may_renew = true;
    cut_everywhere("renew", base, begin_a_new_epoch);
}

/* The old file stays beside the new one, with every byte it had. */
static void check_set_aside(void *subject_state, struct sweep_tally *tally)
{
    bool is_there = false;

    outbox_subject("", subject_state, NULL).check(subject_state, tally);
    for (unsigned i = 0; disk_name_at(i) != NULL; i++) {
        const char *name = disk_name_at(i);

        is_there = is_there || (strstr(name, ".bad.") != NULL && strstr(name, "-wal") == NULL &&
                                   disk_hash(disk_find(name)) == damaged_hash);
    }
    if (state.epoch == damaged_epoch || !is_there) {
        sweep_note(tally, &tally->broken, "the damaged file is not there, or not as it was");
    }
}

static void a_damaged_log_is_salvaged_whole_wherever_the_power_goes(void **unused)
{
    struct disk_image *base = base_damaged(&state);
    struct sweep_subject salvage = outbox_subject("salvage", &state, start_for_the_first_time);
    struct sweep_tally tally = {0};

    (void)unused;
    disk_load(base);
    damaged_hash = disk_hash(disk_find(OUTBOX_FILE));
    damaged_epoch = state.epoch;
    salvage.check = check_set_aside;
    sweep_cuts(&salvage, base, sweep_seeds(), &tally);
    disk_image_free(base);
    assert_nothing_wrong(&tally);
}

/* Not how a journalling file system behaves; the swap syncs the folder where the order matters. */
static void a_new_epoch_does_not_rest_on_the_order_of_names(void **unused)
{
    struct disk_image *base = base_stopped(&state);

    (void)unused;
    state.may_renew = true;
    disk_reorder_names(true);
    cut_everywhere("renew, names by lot", base, begin_a_new_epoch);
    disk_reorder_names(false);
}

static void a_second_cut_during_recovery_costs_nothing(void **unused)
{
    const struct sweep_subject append = outbox_subject("append", &state, append_over_a_checkpoint);
    const struct sweep_subject renew = outbox_subject("renew", &state, begin_a_new_epoch);
    struct sweep_tally tally = {0};
    struct disk_image *base = base_before_checkpoint(&state);

    (void)unused;
    sweep_cuts_twice(&append, base, sweep_seeds() > 2 ? 1 : 29, &tally);
    disk_image_free(base);
    base = base_stopped(&state);
    state.may_renew = true;
    sweep_cuts_twice(&renew, base, sweep_seeds() > 2 ? 3 : 120, &tally);
    disk_image_free(base);
    assert_nothing_wrong(&tally);
}

/* ---- the sweep can fail ------------------------------------------------------------------- */

static void without_the_sync_of_the_wal_the_sweep_finds_losses(void **unused)
{
    const struct sweep_subject it =
        outbox_subject("append, WAL never synced", &state, append_over_a_checkpoint);
    struct disk_image *base = base_before_checkpoint(&state);
    struct sweep_tally tally = {0};

    (void)unused;
    disk_ignore_syncs("-wal");
    sweep_cuts(&it, base, 1, &tally);
    disk_ignore_syncs(NULL);
    disk_image_free(base);
    assert_true(tally.losses > 0);
}

static void without_the_sync_of_the_database_the_sweep_finds_damage(void **unused)
{
    const struct sweep_subject it =
        outbox_subject("append, database never synced", &state, append_over_a_checkpoint);
    struct disk_image *base = base_before_checkpoint(&state);
    struct sweep_tally tally = {0};

    (void)unused;
    disk_ignore_syncs(".db");
    sweep_cuts(&it, base, 1, &tally);
    disk_ignore_syncs(NULL);
    disk_image_free(base);
    assert_true(tally.losses + tally.broken > 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_confirmed_record_survives_a_cut_at_any_operation),
        cmocka_unit_test(acks_cost_no_record_wherever_the_power_goes),
        cmocka_unit_test(deletion_by_age_takes_acked_records_only_wherever_the_power_goes),
        cmocka_unit_test(making_room_takes_acked_records_only_wherever_the_power_goes),
        cmocka_unit_test(the_first_start_can_be_cut_anywhere),
        cmocka_unit_test(a_start_after_a_cut_can_be_cut_anywhere),
        cmocka_unit_test(a_new_epoch_owes_every_unacked_record_wherever_the_power_goes),
        cmocka_unit_test(a_damaged_log_is_salvaged_whole_wherever_the_power_goes),
        cmocka_unit_test(a_new_epoch_does_not_rest_on_the_order_of_names),
        cmocka_unit_test(a_second_cut_during_recovery_costs_nothing),
        cmocka_unit_test(without_the_sync_of_the_wal_the_sweep_finds_losses),
        cmocka_unit_test(without_the_sync_of_the_database_the_sweep_finds_damage),
    };

    sweep_arguments(argc, argv);
    vfs_shim_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
