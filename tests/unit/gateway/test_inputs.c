/*
 * test_inputs.c - case and button in a gateway over fakes: recorded first, then shown, then told; once,
 * through restarts, full disks and broken lines.
 */
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "gateway/gateway.h"
#include "gateway/gateway_internal.h"
#include "hal/fake/fake_clock.h"
#include "hal/fake/fake_feedback.h"
#include "hal/fake/fake_input.h"
#include "hal/fake/fake_reader.h"
#include "tests/unit/gateway/outbox_help.h"
#include "tests/unit/gateway/wire.h"

enum { SEEN_MAX = 4096, BUDGET_SMALL = 256 * 1024 };

struct home {
    struct scratch *scratch;
    struct fake_clock clock;
    struct fake_feedback feedback;
    struct fake_reader reader;
    struct wire wire;
    struct fake_input lines[GATEWAY_INPUTS]; /* both open to high: the case is shut at low */
    struct gateway *gateway;
    uint64_t budget;
    size_t seen_count; /* tamper and button records, stored or not */
    struct record seen[SEEN_MAX];
    int seen_rc[SEEN_MAX];
    uint32_t shown_before[SEEN_MAX]; /* how much had been shown when it was stored */
};

static int open_line(void *user, struct hal_input **ret_input, struct err *err)
{
    (void)err;
    *ret_input = user;
    return 0;
}

static void close_line(void *user, struct hal_input *input)
{
    assert_ptr_equal(user, input);
}

static void on_record(void *user, const struct record *record, int rc)
{
    struct home *home = user;

    if (record->type != RECORD_TAMPER && record->type != RECORD_BUTTON) {
        return;
    }
    assert_true(home->seen_count < SEEN_MAX);
    home->shown_before[home->seen_count] = home->feedback.count;
    home->seen[home->seen_count] = *record;
    home->seen_rc[home->seen_count++] = rc;
}

/* Start, and let the first levels settle. */
static void start(struct home *home)
{
    const struct gateway_conf conf = {
        .site = "site",
        .device = "gw-test",
        .outbox_path = home->scratch->path,
        .version = "1.2",
        .outbox_bytes_max = home->budget,
    };
    const struct gateway_ports ports = {
        .clock = &home->clock.base,
        .feedback = &home->feedback.base,
        .readers = {&home->reader.base},
        .reader_count = 1,
        .uplink = wire_port(&home->wire),
        .inputs = {{open_line, close_line, &home->lines[0], false, 100},
            {open_line, close_line, &home->lines[1], true, 30}},
        .on_record = on_record,
        .on_record_user = home,
    };
    struct err err = {0};

    if (gateway_open(&home->gateway, &conf, &ports, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

/* As the daemon does it: a tick whenever one is due. */
static void live(struct home *home, uint64_t ms)
{
    uint64_t end_us = home->clock.boot_us + ms * 1000;

    while (home->clock.boot_us < end_us) {
        uint64_t was_us = home->clock.boot_us;
        struct gateway_due due = {0};

        gateway_tick(home->gateway, &due);
        due.clock_us = due.clock_us > was_us ? due.clock_us : was_us + 1000;
        fake_clock_advance_to_us(&home->clock, due.clock_us < end_us ? due.clock_us : end_us);
        home->wire.now_us += home->clock.boot_us - was_us;
    }
    gateway_tick(home->gateway, &(struct gateway_due){0});
}

/* Power off and on; the line levels stay. */
static void restart(struct home *home, uint64_t boot_id)
{
    gateway_close(home->gateway);
    fake_clock_reboot(&home->clock, boot_id, 1700000000000);
    fake_clock_advance_us(&home->clock, 1000000);
    for (size_t i = 0; i < GATEWAY_INPUTS; i++) {
        fake_input_init(&home->lines[i], &home->clock.base, home->lines[i].level);
    }
    start(home);
    live(home, 1000);
}

static int setup_with(void **state, uint64_t budget, bool case_is_open)
{
    struct home *home = calloc(1, sizeof *home);

    assert_non_null(home);
    log_set_level((enum log_level)0);
    assert_int_equal(scratch_setup((void **)&home->scratch), 0);
    home->budget = budget;
    fake_clock_init(&home->clock, 77, 1700000000000);
    fake_clock_sync(&home->clock, 1700000000000, 5);
    fake_clock_advance_us(&home->clock, 10000000);
    fake_feedback_init(&home->feedback);
    fake_reader_init(&home->reader, "spi0", &home->clock.base);
    wire_init(&home->wire);
    fake_input_init(&home->lines[0], &home->clock.base, case_is_open);
    fake_input_init(&home->lines[1], &home->clock.base, true);
    start(home);
    live(home, 1000);
    *state = home;
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, 0, false);
}

static int setup_open(void **state)
{
    return setup_with(state, 0, true);
}

static int setup_small(void **state)
{
    return setup_with(state, BUDGET_SMALL, false);
}

static int teardown(void **state)
{
    struct home *home = *state;

    gateway_close(home->gateway);
    wire_done(&home->wire);
    (void)scratch_teardown((void **)&home->scratch);
    free(home);
    return 0;
}

static void open_case(struct home *home, bool is_open)
{
    fake_input_set(&home->lines[INPUT_CASE], is_open);
    live(home, 500);
}

static void press(struct home *home, bool is_pressed)
{
    fake_input_set(&home->lines[INPUT_ASSIST], !is_pressed);
    live(home, 500);
}

/* Record number index of those seen. */
static void assert_seen(
    const struct home *home, size_t index, enum record_type type, bool is_active)
{
    assert_true(index < home->seen_count);
    assert_int_equal(home->seen[index].type, type);
    assert_int_equal(home->seen[index].input.active, is_active);
    assert_int_equal(home->seen[index].input.which, 0);
}

static size_t count_alerts(const struct home *home, const char *event)
{
    size_t count = 0;
    struct alert alert = {0};

    for (size_t i = 0; i < home->wire.count; i++) {
        const struct wire_message *message = &home->wire.messages[i];

        if (strcmp(message->topic, "ecm/v1/site/alert") == 0) {
            assert_int_equal(alert_decode(message->bytes, message->size, &alert), 0);
            count += strcmp(alert.event, event) == 0;
        }
    }
    return count;
}

/* ---- recorded, shown, told ---------------------------------------------------------------- */

static void at_rest_nothing_is_recorded(void **state)
{
    struct home *home = *state;

    live(home, 3600000);
    restart(home, 78);
    assert_int_equal(home->seen_count, 0);
}

static void a_press_is_recorded_and_only_then_shown_and_told(void **state)
{
    struct home *home = *state;
    struct device_state now = {0};

    gateway_on_connected(home->gateway);
    wire_clear(&home->wire);
    press(home, true);
    assert_int_equal(home->seen_count, 1);
    assert_seen(home, 0, RECORD_BUTTON, true);
    assert_int_equal(home->seen[0].boot_ms, 11000); /* of the edge */
    assert_int_equal(home->seen[0].wall_ms, 1700000011000);
    assert_int_equal(fake_feedback_last(&home->feedback), HAL_FEEDBACK_CALL);
    assert_int_equal(home->shown_before[0], home->feedback.count - 1);
    assert_int_equal(count_alerts(home, "help-called"), 1);
    gateway_state(home->gateway, &now);
    assert_true(now.assist_pressed);
    assert_int_equal(now.assist_calls, 1);

    press(home, false);
    assert_int_equal(home->seen_count, 2);
    assert_seen(home, 1, RECORD_BUTTON, false);
    assert_int_equal(home->feedback.per_pattern[HAL_FEEDBACK_CALL], 1);
    gateway_state(home->gateway, &now);
    assert_false(now.assist_pressed);
}

static void an_opened_case_is_recorded_shown_and_told(void **state)
{
    struct home *home = *state;
    struct device_state now = {0};

    gateway_on_connected(home->gateway);
    open_case(home, true);
    assert_seen(home, 0, RECORD_TAMPER, true);
    assert_int_equal(fake_feedback_last(&home->feedback), HAL_FEEDBACK_CASE);
    assert_int_equal(count_alerts(home, "case-opened"), 1);
    gateway_state(home->gateway, &now);
    assert_true(now.case_open);
    assert_int_equal(now.case_openings, 1);
    open_case(home, false);
    assert_seen(home, 1, RECORD_TAMPER, false);
    assert_int_equal(home->seen_count, 2);
}

static void a_press_without_a_network_is_told_with_its_own_time_when_there_is_one(void **state)
{
    struct home *home = *state;
    struct alert alert = {0};
    size_t index = 0;

    press(home, true);
    live(home, 3600000);
    assert_int_equal(count_alerts(home, "help-called"), 0);
    gateway_on_connected(home->gateway);
    assert_int_equal(count_alerts(home, "help-called"), 1);
    index = wire_last(&home->wire, TOPIC_ALERT);
    assert_int_equal(
        alert_decode(home->wire.messages[index].bytes, home->wire.messages[index].size, &alert), 0);
    assert_string_equal(alert.device_id, "gw-test");
    assert_int_equal(alert.unix_ms, 1700000011000);
}

static void a_call_is_not_driven_out_by_the_alert_that_follows_it(void **state)
{
    struct home *home = *state;

    press(home, true);
    open_case(home, true);
    gateway_on_connected(home->gateway);
    assert_int_equal(count_alerts(home, "help-called"), 1);
    assert_int_equal(count_alerts(home, "case-opened"), 1);
}

static void a_change_asks_for_a_state_message_at_once(void **state)
{
    struct home *home = *state;
    struct device_state told = {0};
    size_t index = 0;

    gateway_on_connected(home->gateway);
    live(home, 5000);
    wire_clear(&home->wire);
    open_case(home, true);
    live(home, 2000);
    index = wire_last(&home->wire, TOPIC_STATE);
    assert_int_equal(
        state_decode(home->wire.messages[index].bytes, home->wire.messages[index].size, &told), 0);
    assert_true(told.case_open);
}

/* ---- starts ------------------------------------------------------------------------------- */

static void a_case_found_open_is_recorded_once_and_not_at_every_start(void **state)
{
    struct home *home = *state;

    assert_int_equal(home->seen_count, 1);
    assert_seen(home, 0, RECORD_TAMPER, true);
    for (uint64_t boot = 78; boot < 90; boot++) {
        restart(home, boot);
    }
    assert_int_equal(home->seen_count, 1);
    open_case(home, false);
    assert_seen(home, 1, RECORD_TAMPER, false);
}

static void a_case_that_was_opened_without_power_is_recorded_at_the_start(void **state)
{
    struct home *home = *state;

    open_case(home, true);
    open_case(home, false);
    home->lines[INPUT_CASE].level = true;
    restart(home, 78);
    assert_int_equal(home->seen_count, 3);
    assert_seen(home, 2, RECORD_TAMPER, true);
    assert_int_equal(home->seen[2].boot_id, 78);
    home->lines[INPUT_CASE].level = false;
    restart(home, 79);
    assert_seen(home, 3, RECORD_TAMPER, false);
}

static void a_button_that_is_stuck_is_one_record_through_all_starts(void **state)
{
    struct home *home = *state;

    press(home, true);
    for (uint64_t boot = 78; boot < 84; boot++) {
        restart(home, boot);
        live(home, 600000);
    }
    assert_int_equal(home->seen_count, 1);
    assert_int_equal(home->feedback.per_pattern[HAL_FEEDBACK_CALL], 1);
}

/* ---- what goes wrong ---------------------------------------------------------------------- */

static void fill_outbox(struct home *home)
{
    struct record record = {.type = RECORD_READER_FAULT};

    timetrust_stamp(&home->gateway->timetrust, &record);
    (void)snprintf(record.note.text, sizeof record.note.text, "%0100d", 0);
    for (int i = 0; outbox_append(home->gateway->box, &record) == 0; i++) {
        assert_true(i < 10000);
    }
}

static void make_room(struct home *home)
{
    outbox_ack(home->gateway->box, outbox_head_seq(home->gateway->box));
    assert_int_equal(outbox_keep_house(home->gateway->box, OUTBOX_NO_CLOCK, 90), 0);
}

static void a_press_that_cannot_be_stored_is_red_told_and_stored_later_with_its_time(void **state)
{
    struct home *home = *state;
    uint64_t pressed_ms = 0;

    gateway_on_connected(home->gateway);
    fill_outbox(home);
    pressed_ms = home->clock.boot_us / 1000;
    press(home, true);
    assert_int_equal(fake_feedback_last(&home->feedback), HAL_FEEDBACK_REFUSED);
    assert_int_equal(count_alerts(home, "help-called"), 1);
    press(home, false);
    live(home, 25000);
    assert_int_equal(home->feedback.per_pattern[HAL_FEEDBACK_REFUSED], 1);
    assert_true(home->seen_count < 6); /* tried now and then, not all the time */

    make_room(home);
    live(home, 12000);
    assert_int_equal(fake_feedback_last(&home->feedback), HAL_FEEDBACK_CALL);
    assert_seen(home, home->seen_count - 2, RECORD_BUTTON, true);
    assert_int_equal(home->seen[home->seen_count - 2].boot_ms, pressed_ms);
    assert_seen(home, home->seen_count - 1, RECORD_BUTTON, false);
    assert_int_equal(home->seen[home->seen_count - 1].boot_ms, pressed_ms + 500);
    assert_int_equal(home->seen_rc[home->seen_count - 1], 0);
    assert_int_equal(count_alerts(home, "help-called"), 1);
}

static void a_button_nobody_leaves_alone_does_not_flood_the_log(void **state)
{
    struct home *home = *state;

    for (int i = 0; i < 3600; i++) { /* an hour, once a second */
        fake_input_set(&home->lines[INPUT_ASSIST], i % 2 == 0);
        live(home, 1000);
    }
    assert_in_range(home->seen_count, 2, 2 * CONTACT_PRESSES_MAX);
    /* Every press was answered: the record that stands covers it. */
    assert_in_range(home->feedback.per_pattern[HAL_FEEDBACK_CALL], 1790, 1800);
    fake_input_set(&home->lines[INPUT_ASSIST], true);
    live(home, 61000);
    assert_seen(home, home->seen_count - 1, RECORD_BUTTON, false);
}

static void a_line_that_fails_is_told_and_a_tap_goes_on(void **state)
{
    struct home *home = *state;

    home->lines[INPUT_CASE].fail = (struct fake_fail){.at = 1, .forever = true};
    live(home, 2000);
    /* Without a descriptor it is looked at every 10 ms; here it fails. */
    assert_true(health_is_bad(&home->gateway->health, HEALTH_CASE));
    assert_false(health_is_bad(&home->gateway->health, HEALTH_ASSIST));
    assert_true(gateway_is_alive(home->gateway));
    press(home, true);
    assert_seen(home, 0, RECORD_BUTTON, true);
    home->lines[INPUT_CASE].fail = (struct fake_fail){.at = 0};
    live(home, 61000);
    assert_false(health_is_bad(&home->gateway->health, HEALTH_CASE));
    assert_int_equal(home->seen_count, 1);
}

static void move(struct home *home, enum input_kind kind, bool level)
{
    fake_input_set(&home->lines[kind], level);
    live(home, 150);
}

/* Open and shut, press and let go, with the N-th call to each line failing, for every N. */
static void whichever_call_to_a_line_fails_the_log_ends_with_what_is_the_case(void **state)
{
    struct home *home = *state;
    uint32_t calls = 0;

    for (uint32_t n = 0; n <= calls; n++) { /* 0: none fails */
        home->seen_count = 0;
        home->lines[0].fail = home->lines[1].fail = (struct fake_fail){.at = n};
        move(home, INPUT_CASE, true);
        move(home, INPUT_ASSIST, false);
        move(home, INPUT_CASE, false);
        move(home, INPUT_ASSIST, true);
        move(home, INPUT_CASE, true);
        calls = home->lines[0].fail.calls > calls ? home->lines[0].fail.calls : calls;
        live(home, CONTACT_RETRY_MIN_US / 1000 + 300);
        assert_int_equal(home->gateway->inputs[INPUT_CASE].logged, INPUT_ON);
        assert_int_equal(home->gateway->inputs[INPUT_ASSIST].logged, INPUT_OFF);
        assert_in_range(home->seen_count, 1, 5);
        move(home, INPUT_CASE, false);
        for (size_t i = 0; i < INPUT_COUNT; i++) { /* no press of the run before counts */
            home->gateway->inputs[i].contact.pressed = 0;
        }
    }
    assert_in_range(calls, 100, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(at_rest_nothing_is_recorded),
        TEST(a_press_is_recorded_and_only_then_shown_and_told),
        TEST(an_opened_case_is_recorded_shown_and_told),
        TEST(a_press_without_a_network_is_told_with_its_own_time_when_there_is_one),
        TEST(a_call_is_not_driven_out_by_the_alert_that_follows_it),
        TEST(a_change_asks_for_a_state_message_at_once),
        cmocka_unit_test_setup_teardown(
            a_case_found_open_is_recorded_once_and_not_at_every_start, setup_open, teardown),
        TEST(a_case_that_was_opened_without_power_is_recorded_at_the_start),
        TEST(a_button_that_is_stuck_is_one_record_through_all_starts),
        cmocka_unit_test_setup_teardown(
            a_press_that_cannot_be_stored_is_red_told_and_stored_later_with_its_time, setup_small,
            teardown),
        TEST(a_button_nobody_leaves_alone_does_not_flood_the_log),
        TEST(a_line_that_fails_is_told_and_a_tap_goes_on),
        TEST(whichever_call_to_a_line_fails_the_log_ends_with_what_is_the_case),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
