/*
 * test_powercut_faults.c - any one operation of the outbox fails, once or from then on.
 *
 * Errors are told, nothing that was promised is lost, and when the fault is over the same process
 * goes on. Where a read fails, a new epoch is allowed: what cannot be read back counts as damage,
 * and every unacked record must be in the new log.
 */
#include "tests/crash/lib/disk.h"
#include "tests/crash/lib/vfs_shim.h"
#include "tests/crash/powercut/outbox_bases.h"
#include "tests/crash/powercut/outbox_subject.h"
#include "tests/crash/powercut/sweep.h"
#include "tests/unit/suite.h"

static struct outbox_state state;

static void append_and_keep_house(void *subject_state)
{
    struct outbox_state *s = subject_state;

    if (outbox_state_open(s) == 0) {
        outbox_state_append(s, 8);
        outbox_state_ack(s, s->head > 4 ? s->head - 4 : 0);
        outbox_state_keep_house(s, BASES_START_MS + BASES_DAY_MS);
        outbox_state_append(s, 3);
    }
}

static void delete_and_append(void *subject_state)
{
    struct outbox_state *s = subject_state;

    if (outbox_state_open(s) == 0) {
        outbox_state_keep_house(s, BASES_START_MS + 91 * BASES_DAY_MS);
        outbox_state_append(s, 3);
    }
}

static void fail_everywhere(const char *name, struct disk_image *(*make)(struct outbox_state *),
    void (*work)(void *state), enum disk_fault fault)
{
    struct sweep_subject it = outbox_subject(name, &state, work);
    struct disk_image *base = make(&state);
    struct sweep_tally tally = {0};

    state.may_renew = fault == DISK_EIO_ONCE || fault == DISK_EIO_ON;
    sweep_faults(&it, base, fault, &tally);
    disk_image_free(base);
    assert_nothing_wrong(&tally);
}

static void one_failing_call_costs_no_record(void **unused)
{
    (void)unused;
    fail_everywhere("append", base_before_checkpoint, append_and_keep_house, DISK_EIO_ONCE);
    fail_everywhere("first start", base_nothing, append_and_keep_house, DISK_EIO_ONCE);
    fail_everywhere("delete by age", base_stopped, delete_and_append, DISK_EIO_ONCE);
}

static void a_disk_that_fails_for_a_while_costs_no_record(void **unused)
{
    (void)unused;
    fail_everywhere("append", base_before_checkpoint, append_and_keep_house, DISK_EIO_ON);
    fail_everywhere("first start", base_nothing, append_and_keep_house, DISK_EIO_ON);
    fail_everywhere("delete by age", base_stopped, delete_and_append, DISK_EIO_ON);
}

static void one_moment_without_space_costs_no_record(void **unused)
{
    (void)unused;
    fail_everywhere("append", base_before_checkpoint, append_and_keep_house, DISK_ENOSPC_ONCE);
    fail_everywhere("first start", base_nothing, append_and_keep_house, DISK_ENOSPC_ONCE);
    fail_everywhere("delete by age", base_stopped, delete_and_append, DISK_ENOSPC_ONCE);
}

static void a_disk_that_is_full_for_a_while_costs_no_record(void **unused)
{
    (void)unused;
    fail_everywhere("append", base_before_checkpoint, append_and_keep_house, DISK_ENOSPC_ON);
    fail_everywhere("first start", base_nothing, append_and_keep_house, DISK_ENOSPC_ON);
    fail_everywhere("delete by age", base_stopped, delete_and_append, DISK_ENOSPC_ON);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_failing_call_costs_no_record),
        cmocka_unit_test(a_disk_that_fails_for_a_while_costs_no_record),
        cmocka_unit_test(one_moment_without_space_costs_no_record),
        cmocka_unit_test(a_disk_that_is_full_for_a_while_costs_no_record),
    };

    sweep_arguments(argc, argv);
    vfs_shim_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
