/* test_link_scenes.c - a tag reader and a gateway, scene by scene (rig.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
/* after setjmp.h */
#include <cmocka.h>

#include "base/log.h"
#include "proto/tag_reader_state.h"
#include "tests/unit/link/rig.h"

static int setup(void **state)
{
    log_set_level(LOG_LEVEL_ERR);
    *state = rig_new(42);
    rig_gateway_start(*state, 0);
    rig_gateway_start(*state, 1);
    return 0;
}

static int teardown(void **state)
{
    rig_free(*state);
    return 0;
}

static void taps(struct rig *rig, int reader, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        rig_tap(rig, reader);
    }
}

static struct session_status status_of(const struct rig *rig, int reader)
{
    struct session_status status;

    session_get_status(&rig->readers[reader].session, &status);
    return status;
}

static void held_is_told_after_the_commit_and_frees_nothing(void **state)
{
    struct rig *rig = *state;

    rig_set_online(rig, 0, false);
    taps(rig, 0, 30);
    rig_plug(rig, 0, 0);
    rig_run(rig, 5000);
    assert_int_equal(status_of(rig, 0).held_seq, rig->readers[0].head);
    assert_int_equal(rig->readers[0].done, 0);
    rig_set_online(rig, 0, true);
    assert_true(rig_run_until_done(rig, 0, 20000));
}

static void a_gateway_with_another_card_gets_everything_again(void **state)
{
    struct rig *rig = *state;

    rig_set_online(rig, 0, false);
    taps(rig, 0, 30);
    rig_plug(rig, 0, 0);
    rig_run(rig, 5000);
    rig_gateway_stop(rig, 0);
    rig_gateway_wipe(rig, 0);
    rig_gateway_start(rig, 0);
    rig_set_online(rig, 0, true);
    assert_true(rig_run_until_done(rig, 0, 60000));
}

static void a_gateway_that_was_cut_off_goes_on_from_its_disk(void **state)
{
    struct rig *rig = *state;

    rig_set_online(rig, 0, false);
    taps(rig, 0, 30);
    rig_plug(rig, 0, 0);
    rig_run(rig, 5000);
    rig_gateway_stop(rig, 0);
    rig_pull(rig, 0);
    rig_gateway_start(rig, 0);
    rig_set_online(rig, 0, true);
    rig_run(rig, 3000);
    assert_int_equal(rig->readers[0].mark, rig->readers[0].head); /* without its tag reader */
}

static void a_second_reader_of_the_name_is_refused_while_the_first_answers(void **state)
{
    struct rig *rig = *state;

    (void)snprintf(rig->readers[1].id, sizeof rig->readers[1].id, "%s", rig->readers[0].id);
    taps(rig, 0, 3);
    rig_plug(rig, 0, 0);
    assert_true(rig_run_until_done(rig, 0, 20000));
    rig_plug(rig, 1, 0);
    rig_run(rig, 3000);
    assert_int_equal(status_of(rig, 1).phase, SESSION_REFUSED);
    assert_int_equal(status_of(rig, 1).refusal_code, LINK_REFUSED_TWICE);
    assert_string_equal(rig->gateways[0].alert, "tag-reader-twice");
    assert_int_equal(rig->gateways[0].alerts, 1);
    rig_pull(rig, 0);
    rig_run(rig, 15000);
    assert_int_equal(status_of(rig, 1).phase, SESSION_READY); /* another log, the same key */
}

static void an_update_that_was_rolled_back_is_told_once_and_stays_in_the_state(void **state)
{
    struct rig *rig = *state;
    struct tag_reader_state seen = {0};

    rig_plug(rig, 0, 0);
    rig_run(rig, 3000);
    rig->readers[0].failed_update = "9.9.9";
    for (int boot = 0; boot < 3; boot++) {
        rig_reader_boot(rig, 0);
        rig_run(rig, 3000);
    }
    assert_string_equal(rig->gateways[0].alert, "tag-reader-update-failed");
    assert_int_equal(rig->gateways[0].alerts, 1);
    assert_int_equal(relay_readers(rig->gateways[0].relay, &seen, 1), 1);
    assert_string_equal(seen.failed_update, "9.9.9");
    rig->readers[0].failed_update = NULL; /* another one was taken */
    rig_reader_boot(rig, 0);
    rig_run(rig, 3000);
    assert_int_equal(relay_readers(rig->gateways[0].relay, &seen, 1), 1);
    assert_string_equal(seen.failed_update, "");
}

static void a_reader_with_another_key_is_refused_for_a_day(void **state)
{
    struct rig *rig = *state;

    taps(rig, 0, 3);
    rig_plug(rig, 0, 0);
    assert_true(rig_run_until_done(rig, 0, 20000));
    rig_pull(rig, 0);
    rig->public_key[0] ^= 1;
    (void)snprintf(rig->readers[1].id, sizeof rig->readers[1].id, "%s", rig->readers[0].id);
    rig_reader_boot(rig, 1);
    rig->is_signing = false; /* it signs, but not with the key it shows: nobody looks here */
    rig_plug(rig, 1, 0);
    rig_run(rig, 3000);
    assert_int_equal(status_of(rig, 1).refusal_code, LINK_REFUSED_KEY);
    assert_string_equal(rig->gateways[0].alert, "tag-reader-key");
    rig->now_us += UINT64_C(25) * 3600 * 1000000;
    rig_run(rig, 3000);
    assert_int_equal(status_of(rig, 1).phase, SESSION_READY);
}

static void a_command_is_done_once_and_answered(void **state)
{
    struct rig *rig = *state;
    const struct command blink = {.command_id = 99, .name = "blink"};

    rig_plug(rig, 0, 0);
    rig_run(rig, 3000);
    assert_int_equal(relay_command(rig->gateways[0].relay, "PR-9", &blink), -2);
    assert_int_equal(relay_command(rig->gateways[0].relay, "PR-1", &blink), 0);
    assert_int_equal(relay_command(rig->gateways[0].relay, "PR-1", &blink), -16);
    rig->noise.changed = 20;
    rig_run(rig, 60000);
    assert_int_equal(rig->gateways[0].results, 1);
    assert_int_equal(rig->readers[0].commands, 1);
    assert_int_equal(rig->gateways[0].result.command_id, 99);
}

static void a_hole_in_the_flash_costs_what_is_in_it_and_is_said(void **state)
{
    struct rig *rig = *state;

    taps(rig, 0, 60);
    rig->readers[0].hole_from = 20;
    rig->readers[0].hole_to = 25;
    rig_plug(rig, 0, 0);
    assert_true(rig_run_until_done(rig, 0, 240000));
    assert_string_equal(rig->gateways[0].alert, "tag-reader-gap");
}

static void an_unsynced_gateway_does_not_make_the_reader_believe(void **state)
{
    struct rig *rig = *state;
    struct record now = {0};

    fake_clock_set_trust(&rig->clock, HAL_CLOCK_UNSET, UINT32_MAX);
    rig_plug(rig, 0, 0);
    rig_run(rig, 3000);
    timesync_stamp(session_clock(&rig->readers[0].session), 3000000, &now);
    assert_int_equal(now.wall_trust, WALL_UNSET);
    assert_int_equal(rig->readers[0].head, 0);
    fake_clock_set_trust(&rig->clock, HAL_CLOCK_SYNCED, 5);
    rig_run(rig, 65000);
    timesync_stamp(session_clock(&rig->readers[0].session), 66000000, &now);
    assert_int_equal(now.wall_trust, WALL_SYNCED);
    assert_in_range(now.wall_uncertainty_ms, 6, 20);
    assert_int_equal(rig->readers[0].head, 1); /* the anchor */
}

static void a_version_that_only_one_speaks_is_refused_and_asked_again(void **state)
{
    struct rig *rig = *state;

    rig_gateway_stop(rig, 0);
    rig->gateways[0].protocol_min = 2;
    rig->gateways[0].protocol_max = 3;
    rig_gateway_start(rig, 0);
    taps(rig, 0, 3);
    rig_plug(rig, 0, 0);
    rig_run(rig, 3000);
    assert_int_equal(status_of(rig, 0).refusal_code, LINK_REFUSED_VERSION);
    assert_string_equal(rig->gateways[0].alert, "tag-reader-version");
    rig_gateway_stop(rig, 0);
    rig->gateways[0].protocol_min = 1;
    rig_gateway_start(rig, 0);
    assert_true(rig_run_until_done(rig, 0, 60000)); /* served in version 1 */
}

static void a_full_gateway_says_so_and_goes_on_when_there_is_room(void **state)
{
    struct rig *rig = *state;

    rig_gateway_stop(rig, 0);
    rig->gateways[0].bytes_max = 256 << 10;
    rig_gateway_start(rig, 0);
    rig_set_online(rig, 0, false);
    taps(rig, 0, 4000);
    rig_plug(rig, 0, 0);
    rig_run(rig, 60000);
    assert_true(status_of(rig, 0).gateway_is_full);
    assert_in_range(status_of(rig, 0).held_seq, 100, 3500);
    assert_int_equal(rig->readers[0].done, 0);
    assert_string_equal(rig->gateways[0].alert, "relay-full");
    rig_set_online(rig, 0, true);
    assert_true(rig_run_until_done(rig, 0, 240000));
}

/* The gateway has lost it, the reader has freed it but its flash still holds it. */
static void a_restored_collector_gets_from_the_flash_what_no_gateway_has(void **state)
{
    struct rig *rig = *state;

    taps(rig, 0, 100);
    rig_plug(rig, 0, 0);
    assert_true(rig_run_until_done(rig, 0, 30000));
    rig_gateway_stop(rig, 0);
    rig_gateway_wipe(rig, 0);
    rig->readers[0].mark = 37;
    rig_gateway_start(rig, 0);
    rig_run(rig, 200000);
    assert_int_equal(rig->readers[0].mark, rig->readers[0].head);
}

static void a_restored_collector_gets_from_the_gateway_what_it_kept(void **state)
{
    struct rig *rig = *state;

    taps(rig, 0, 100);
    rig_plug(rig, 0, 0);
    assert_true(rig_run_until_done(rig, 0, 30000));
    rig_pull(rig, 0);
    rig->readers[0].mark = 37;
    rig_set_online(rig, 0, false);
    rig_plug(rig, 0, 0);
    rig_set_online(rig, 0, true);
    rig->readers[0].oldest = 100; /* its flash has moved on */
    rig_run(rig, 20000);
    assert_int_equal(rig->readers[0].mark, rig->readers[0].head);
}

static void what_a_gateway_tells_about_its_readers(void **state)
{
    struct rig *rig = *state;
    struct tag_reader_state readers[8];
    struct relay_counts counts;

    taps(rig, 0, 20);
    taps(rig, 1, 10);
    rig_plug(rig, 0, 0);
    rig_plug(rig, 1, 0);
    assert_true(rig_run_until_done(rig, 0, 30000));
    assert_true(rig_run_until_done(rig, 1, 30000));
    rig_pull(rig, 0);
    rig_run(rig, 5000);
    assert_int_equal(relay_readers(rig->gateways[0].relay, readers, 8), 2);
    assert_string_equal(readers[0].device_id, "PR-2");
    assert_true(readers[0].is_online && readers[0].reader_ok);
    assert_false(readers[1].is_online);
    assert_int_equal(readers[1].done_seq, rig->readers[0].head);
    assert_in_range(readers[1].silent_s, 4, 21);
    relay_counts(rig->gateways[0].relay, &counts);
    assert_int_equal(counts.owed, 0);
    assert_int_equal(counts.lines, 1);
    assert_int_equal(counts.records, rig->readers[0].head + rig->readers[1].head);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(held_is_told_after_the_commit_and_frees_nothing),
        SCENE(a_gateway_with_another_card_gets_everything_again),
        SCENE(a_gateway_that_was_cut_off_goes_on_from_its_disk),
        SCENE(a_second_reader_of_the_name_is_refused_while_the_first_answers),
        SCENE(an_update_that_was_rolled_back_is_told_once_and_stays_in_the_state),
        SCENE(a_reader_with_another_key_is_refused_for_a_day),
        SCENE(a_command_is_done_once_and_answered),
        SCENE(a_hole_in_the_flash_costs_what_is_in_it_and_is_said),
        SCENE(an_unsynced_gateway_does_not_make_the_reader_believe),
        SCENE(a_version_that_only_one_speaks_is_refused_and_asked_again),
        SCENE(a_full_gateway_says_so_and_goes_on_when_there_is_room),
        SCENE(a_restored_collector_gets_from_the_flash_what_no_gateway_has),
        SCENE(a_restored_collector_gets_from_the_gateway_what_it_kept),
        SCENE(what_a_gateway_tells_about_its_readers),
    };

    return cmocka_run_group_tests_name("link scenes", tests, NULL, NULL);
}
