/*
 * test_contact.c - from edges to changes: bounces, held and stuck buttons, slow looks, broken lines.
 */
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "gateway/contact.h"
#include "hal/fake/fake_clock.h"
#include "hal/fake/fake_input.h"

enum { CHANGES_MAX = 16384, DEBOUNCE_MS = 30 };

struct rig {
    struct fake_clock clock;
    struct fake_input line;
    struct contact contact;
    int open_rc; /* what opening gives */
    int opened, closed;
    struct contact_change changes[CHANGES_MAX];
    size_t count;
};

static int open_line(void *user, struct hal_input **ret_input, struct err *err)
{
    struct rig *rig = user;

    if (rig->open_rc < 0) {
        return err_set(err, rig->open_rc, "no such line");
    }
    rig->opened++;
    *ret_input = &rig->line.base;
    return 0;
}

static void close_line(void *user, struct hal_input *input)
{
    struct rig *rig = user;

    assert_ptr_equal(input, &rig->line.base);
    rig->closed++;
}

/* Take all that the contact has to say now. */
static void look(struct rig *rig)
{
    struct contact_change change;

    for (;;) {
        contact_poll(&rig->contact, rig->clock.boot_us, &change);
        if (change.event == CONTACT_NOTHING) {
            return;
        }
        assert_true(rig->count < CHANGES_MAX);
        rig->changes[rig->count++] = change;
    }
}

static void pass(struct rig *rig, uint64_t ms)
{
    fake_clock_advance_us(&rig->clock, ms * 1000);
}

/* Let time pass, looking whenever the contact asks for it, as the daemon does. */
static void live(struct rig *rig, uint64_t ms)
{
    uint64_t end_us = rig->clock.boot_us + ms * 1000;

    while (rig->clock.boot_us < end_us) {
        uint64_t due_us = contact_due_us(&rig->contact, rig->clock.boot_us);

        due_us = due_us > rig->clock.boot_us ? due_us : rig->clock.boot_us + 1;
        fake_clock_advance_to_us(&rig->clock, due_us < end_us ? due_us : end_us);
        look(rig);
    }
}

/* The button is to ground: low is pressed. */
static void press(struct rig *rig)
{
    fake_input_set(&rig->line, false);
}

static void let_go(struct rig *rig)
{
    fake_input_set(&rig->line, true);
}

static void begin(struct rig *rig)
{
    const struct contact_conf conf = {
        .open = open_line,
        .close = close_line,
        .user = rig,
        .active_low = true,
        .debounce_ms = DEBOUNCE_MS,
    };

    contact_init(&rig->contact, &conf);
    look(rig);
    live(rig, 100);
}

static int setup(void **state)
{
    static struct rig rig;

    memset(&rig, 0, sizeof rig);
    fake_clock_init(&rig.clock, 1, 0);
    fake_clock_advance_us(&rig.clock, 5000000);
    fake_input_init(&rig.line, &rig.clock.base, true);
    *state = &rig;
    return 0;
}

static size_t count_of(const struct rig *rig, enum contact_event event)
{
    size_t count = 0;

    for (size_t i = 0; i < rig->count; i++) {
        count += rig->changes[i].event == event;
    }
    return count;
}

/* ---- changes ------------------------------------------------------------------------------ */

static void the_level_at_the_start_is_told_once(void **state)
{
    struct rig *rig = *state;

    begin(rig);
    live(rig, 60000);
    assert_int_equal(rig->count, 1);
    assert_int_equal(rig->changes[0].event, CONTACT_OFF);
    assert_true(rig->changes[0].is_first);
}

static void a_press_is_one_on_and_one_off_dated_to_their_edges(void **state)
{
    struct rig *rig = *state;
    uint64_t pressed_us = 0;

    begin(rig);
    pressed_us = rig->clock.boot_us;
    press(rig);
    live(rig, 400);
    let_go(rig);
    live(rig, 400);
    assert_int_equal(rig->count, 3);
    assert_int_equal(rig->changes[1].event, CONTACT_ON);
    assert_int_equal(rig->changes[1].at_us, pressed_us);
    assert_false(rig->changes[1].is_first);
    assert_int_equal(rig->changes[2].event, CONTACT_OFF);
    assert_int_equal(rig->changes[2].at_us, pressed_us + 400000);
}

static void bounces_are_no_presses_and_their_end_dates_the_change(void **state)
{
    struct rig *rig = *state;

    begin(rig);
    for (int i = 0; i < 5; i++) { /* 2 ms apart */
        press(rig);
        live(rig, 2);
        let_go(rig);
        live(rig, 2);
    }
    press(rig);
    live(rig, 300);
    assert_int_equal(rig->count, 2);
    assert_int_equal(rig->changes[1].event, CONTACT_ON);
}

static void a_spike_shorter_than_the_debounce_time_is_nothing(void **state)
{
    struct rig *rig = *state;

    begin(rig);
    press(rig);
    live(rig, DEBOUNCE_MS - 1);
    let_go(rig);
    live(rig, 1000);
    assert_int_equal(rig->count, 1);
}

static void a_press_that_was_over_before_anybody_looked_is_told_whole(void **state)
{
    struct rig *rig = *state;
    uint64_t pressed_us = 0;

    begin(rig);
    pressed_us = rig->clock.boot_us;
    press(rig);
    pass(rig, 100);
    let_go(rig);
    pass(rig, 900); /* the disk was slow */
    look(rig);
    assert_int_equal(rig->count, 3);
    assert_int_equal(rig->changes[1].event, CONTACT_ON);
    assert_int_equal(rig->changes[1].at_us, pressed_us);
    assert_int_equal(rig->changes[2].event, CONTACT_OFF);
    assert_int_equal(rig->changes[2].at_us, pressed_us + 100000);
}

static void a_queue_that_was_too_small_does_not_hide_the_level(void **state)
{
    struct rig *rig = *state;

    begin(rig);
    for (int i = 0; i < 40; i++) { /* more than it holds */
        press(rig);
        pass(rig, 1);
        let_go(rig);
        pass(rig, 1);
    }
    press(rig);
    live(rig, 200);
    assert_int_equal(rig->changes[rig->count - 1].event, CONTACT_ON);
}

/* ---- what must not flood ------------------------------------------------------------------ */

static void a_button_held_all_night_is_one_change(void **state)
{
    struct rig *rig = *state;

    begin(rig);
    press(rig);
    live(rig, 8ull * 3600 * 1000);
    assert_int_equal(rig->count, 2);
}

static void presses_without_end_become_one_and_are_told_as_again(void **state)
{
    struct rig *rig = *state;

    begin(rig);
    for (int i = 0; i < 100; i++) {
        press(rig);
        live(rig, 500);
        let_go(rig);
        live(rig, 500);
    }
    assert_int_equal(count_of(rig, CONTACT_ON), CONTACT_PRESSES_MAX);
    assert_int_equal(count_of(rig, CONTACT_OFF), CONTACT_PRESSES_MAX); /* the first level too */
    assert_int_equal(count_of(rig, CONTACT_AGAIN), 100 - CONTACT_PRESSES_MAX);
    live(rig, CONTACT_HOLD_US / 1000);
    assert_int_equal(rig->changes[rig->count - 1].event, CONTACT_OFF);
    assert_int_equal(rig->changes[rig->count - 1].at_us, 5100000 + 99500000);
}

static void whatever_a_line_does_the_changes_in_ten_minutes_are_bounded(void **state)
{
    struct rig *rig = *state;
    static const unsigned periods_ms[] = {3, 29, 31, 77, 500, 5000, 30000, 61000, 65000};

    for (size_t i = 0; i < sizeof periods_ms / sizeof periods_ms[0]; i++) {
        (void)setup(state);
        begin(rig);
        rig->count = 0;
        for (uint64_t ms = 0; ms < CONTACT_WINDOW_US / 1000; ms += 2 * periods_ms[i]) {
            press(rig);
            live(rig, periods_ms[i]);
            let_go(rig);
            live(rig, periods_ms[i]);
        }
        assert_in_range(
            count_of(rig, CONTACT_ON) + count_of(rig, CONTACT_OFF), 1, CONTACT_CHANGES_PER_10_MIN);
    }
}

static void a_line_that_never_keeps_still_counts_as_pressed(void **state)
{
    struct rig *rig = *state;
    uint64_t began_us = 0;

    begin(rig);
    began_us = rig->clock.boot_us;
    for (int i = 0; i < 400; i++) {
        press(rig);
        live(rig, 5);
        let_go(rig);
        live(rig, 5);
    }
    assert_int_equal(rig->count, 2);
    assert_int_equal(rig->changes[1].event, CONTACT_ON);
    assert_int_equal(rig->changes[1].at_us, began_us);
    live(rig, 1000);
    assert_int_equal(rig->changes[rig->count - 1].event, CONTACT_OFF);
}

static void a_bouncing_line_is_left_alone_for_the_debounce_time(void **state)
{
    struct rig *rig = *state;

    begin(rig);
    press(rig);
    look(rig);
    assert_int_equal(contact_fd(&rig->contact, rig->clock.boot_us), -1);
    assert_int_equal(contact_due_us(&rig->contact, rig->clock.boot_us), rig->clock.boot_us + 10000);
}

/* ---- broken lines ------------------------------------------------------------------------- */

static void a_line_that_is_not_there_is_told_once_and_tried_for_ever(void **state)
{
    struct rig *rig = *state;

    rig->open_rc = -ENOENT;
    begin(rig);
    live(rig, 3600000);
    assert_int_equal(rig->count, 1);
    assert_int_equal(rig->changes[0].event, CONTACT_FAULT);
    assert_string_equal(rig->changes[0].text, "no such line");
    rig->open_rc = 0;
    live(rig, CONTACT_RETRY_MAX_US / 1000 + 100);
    assert_int_equal(rig->changes[1].event, CONTACT_RECOVERED);
    assert_int_equal(rig->changes[2].event, CONTACT_OFF);
    assert_true(rig->changes[2].is_first);
    assert_int_equal(rig->count, 3);
}

/* The same minute with the N-th call to the line failing, for every N. */
static void every_call_to_the_line_may_fail_and_the_level_is_known_in_the_end(void **state)
{
    struct rig *rig = *state;
    uint32_t calls = UINT32_MAX;

    for (uint32_t n = 1; n <= calls; n++) {
        (void)setup(state);
        rig->line.fail.at = n;
        begin(rig);
        press(rig);
        live(rig, 500);
        let_go(rig);
        live(rig, 500);
        press(rig);
        live(rig, 4000); /* beyond the first wait before the line is opened again */
        assert_true(rig->contact.is_known && rig->contact.is_active);
        assert_in_range(count_of(rig, CONTACT_FAULT), 0, 1);
        assert_int_equal(count_of(rig, CONTACT_FAULT), count_of(rig, CONTACT_RECOVERED));
        assert_int_equal(rig->opened, rig->closed + 1);
        calls = rig->line.fail.calls < 400 ? rig->line.fail.calls : 400;
    }
    assert_in_range(calls, 100, 400);
    contact_done(&rig->contact);
    assert_int_equal(rig->opened, rig->closed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_level_at_the_start_is_told_once, setup),
        cmocka_unit_test_setup(a_press_is_one_on_and_one_off_dated_to_their_edges, setup),
        cmocka_unit_test_setup(bounces_are_no_presses_and_their_end_dates_the_change, setup),
        cmocka_unit_test_setup(a_spike_shorter_than_the_debounce_time_is_nothing, setup),
        cmocka_unit_test_setup(a_press_that_was_over_before_anybody_looked_is_told_whole, setup),
        cmocka_unit_test_setup(a_queue_that_was_too_small_does_not_hide_the_level, setup),
        cmocka_unit_test_setup(a_button_held_all_night_is_one_change, setup),
        cmocka_unit_test_setup(presses_without_end_become_one_and_are_told_as_again, setup),
        cmocka_unit_test_setup(whatever_a_line_does_the_changes_in_ten_minutes_are_bounded, setup),
        cmocka_unit_test_setup(a_line_that_never_keeps_still_counts_as_pressed, setup),
        cmocka_unit_test_setup(a_bouncing_line_is_left_alone_for_the_debounce_time, setup),
        cmocka_unit_test_setup(a_line_that_is_not_there_is_told_once_and_tried_for_ever, setup),
        cmocka_unit_test_setup(
            every_call_to_the_line_may_fail_and_the_level_is_known_in_the_end, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
