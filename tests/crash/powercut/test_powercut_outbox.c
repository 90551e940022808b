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
#include "tests/crash/powercut/outbox_subject.h"
#include "tests/crash/powercut/sweep.h"
#include "tests/unit/suite.h"

enum {
    FRAME_SIZE = 24 + 4096,
    FRAMES_BEFORE_CHECKPOINT = 256,
    FEW_RECORDS = 60,
};

#define DAY_MS INT64_C(86400000)
#define START_MS (INT64_C(1603065600000) / DAY_MS * DAY_MS)

static struct outbox_state state;

/* ---- what lies on the disk before --------------------------------------------------------- */

static struct disk_image *nothing(void)
{
    disk_format();
    outbox_state_init(&state);
    return disk_save();
}

/* A clean stop after FEW_RECORDS, a third of them acked. */
static struct disk_image *stopped_log(void)
{
    struct disk_image *image = NULL;

    disk_format();
    outbox_state_init(&state);
    assert_int_equal(outbox_state_open(&state), 0);
    outbox_state_append(&state, FEW_RECORDS);
    outbox_state_ack(&state, FEW_RECORDS / 3);
    outbox_state_keep_house(&state, START_MS);
    outbox_state_close(&state);
    disk_power_on(DISK_KEEP_NONE, 0);
    image = disk_save();
    assert_int_equal(state.head, FEW_RECORDS);
    return image;
}

/* After a cut: a WAL that reaches its checkpoint with the next few records. */
static struct disk_image *log_before_checkpoint(void)
{
    const size_t enough = (FRAMES_BEFORE_CHECKPOINT - 8) * (size_t)FRAME_SIZE;

    disk_format();
    outbox_state_init(&state);
    assert_int_equal(outbox_state_open(&state), 0);
    while (disk_size(disk_find(OUTBOX_FILE "-wal")) < enough) {
        outbox_state_append(&state, 1);
    }
    outbox_state_crash(&state);
    return disk_save();
}

/* Full to the smallest budget, nothing acked. */
static struct disk_image *full_log(void)
{
    disk_format();
    outbox_state_init(&state);
    state.bytes_max = OUTBOX_BYTES_MIN;
    assert_int_equal(outbox_state_open(&state), 0);
    while (state.attempt_count == 0) {
        outbox_state_append(&state, 1);
    }
    outbox_state_close(&state);
    disk_power_on(DISK_KEEP_NONE, 0);
    return disk_save();
}

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
        outbox_state_keep_house(s, START_MS + day * DAY_MS);
    }
    outbox_state_keep_house(s, -1);
}

static void delete_what_is_old(void *subject_state)
{
    struct outbox_state *s = subject_state;

    if (outbox_state_open(s) < 0) {
        return;
    }
    outbox_state_keep_house(s, START_MS + 91 * DAY_MS);
    outbox_state_append(s, 2);
    outbox_state_ack(s, s->head);
    outbox_state_keep_house(s, START_MS + 92 * DAY_MS);
    outbox_state_keep_house(s, START_MS + 190 * DAY_MS);
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

static struct sweep_subject subject(const char *name, void (*work)(void *state))
{
    return (struct sweep_subject){.name = name,
        .state = &state,
        .state_size = sizeof state,
        .work = work,
        .close = outbox_state_close,
        .go_on = outbox_state_go_on,
        .check = outbox_state_check};
}

/* ---- cuts --------------------------------------------------------------------------------- */

static void cut_everywhere(const char *name, struct disk_image *base, void (*work)(void *state))
{
    const struct sweep_subject it = subject(name, work);
    struct sweep_tally tally = {0};

    sweep_cuts(&it, base, sweep_seeds(), &tally);
    disk_image_free(base);
    assert_nothing_wrong(&tally);
}

static void a_confirmed_record_survives_a_cut_at_any_operation(void **unused)
{
    (void)unused;
    cut_everywhere("append", log_before_checkpoint(), append_over_a_checkpoint);
}

static void acks_cost_no_record_wherever_the_power_goes(void **unused)
{
    (void)unused;
    cut_everywhere("ack, keep house", stopped_log(), ack_and_keep_house);
}

static void deletion_by_age_takes_acked_records_only_wherever_the_power_goes(void **unused)
{
    (void)unused;
    cut_everywhere("delete by age", stopped_log(), delete_what_is_old);
}

static void making_room_takes_acked_records_only_wherever_the_power_goes(void **unused)
{
    (void)unused;
    cut_everywhere("make room", full_log(), make_room_in_a_full_log);
}

static void the_first_start_can_be_cut_anywhere(void **unused)
{
    (void)unused;
    cut_everywhere("first start", nothing(), start_for_the_first_time);
}

static void a_start_after_a_cut_can_be_cut_anywhere(void **unused)
{
    (void)unused;
    cut_everywhere("start on a WAL", log_before_checkpoint(), just_start);
}

static void a_new_epoch_owes_every_unacked_record_wherever_the_power_goes(void **unused)
{
    struct disk_image *base = stopped_log();

    (void)unused;
    state.may_renew = true;
    cut_everywhere("renew", base, begin_a_new_epoch);
}

static void a_second_cut_during_recovery_costs_nothing(void **unused)
{
    const struct sweep_subject append = subject("append", append_over_a_checkpoint);
    const struct sweep_subject renew = subject("renew", begin_a_new_epoch);
    struct sweep_tally tally = {0};
    struct disk_image *base = log_before_checkpoint();

    (void)unused;
    sweep_cuts_twice(&append, base, sweep_seeds() > 2 ? 1 : 9, &tally);
    disk_image_free(base);
    base = stopped_log();
    state.may_renew = true;
    sweep_cuts_twice(&renew, base, sweep_seeds() > 2 ? 3 : 60, &tally);
    disk_image_free(base);
    assert_nothing_wrong(&tally);
}

/* ---- the sweep can fail ------------------------------------------------------------------- */

static void without_the_sync_of_the_wal_the_sweep_finds_losses(void **unused)
{
    const struct sweep_subject it = subject("append, WAL never synced", append_over_a_checkpoint);
    struct disk_image *base = log_before_checkpoint();
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
        subject("append, database never synced", append_over_a_checkpoint);
    struct disk_image *base = log_before_checkpoint();
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
        cmocka_unit_test(a_second_cut_during_recovery_costs_nothing),
        cmocka_unit_test(without_the_sync_of_the_wal_the_sweep_finds_losses),
        cmocka_unit_test(without_the_sync_of_the_database_the_sweep_finds_damage),
    };

    sweep_arguments(argc, argv);
    vfs_shim_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
