/*
 * test_gateway.c - the core over fakes: what the carer is shown, what is stored, what is said.
 */
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "gateway/gateway.h"
#include "gateway/gateway_internal.h"
#include "hal/fake/fake_clock.h"
#include "hal/fake/fake_feedback.h"
#include "hal/fake/fake_reader.h"
#include "tests/unit/gateway/outbox_help.h"
#include "tests/unit/gateway/wire.h"

enum { SEEN_MAX = 64, MINUTE_MS = 60000 };

struct home {
    struct scratch *scratch;
    struct fake_clock clock;
    struct fake_feedback feedback;
    struct fake_reader reader;
    struct fake_reader_step steps[1];
    struct wire wire;
    struct gateway *gateway;
    struct record seen[SEEN_MAX]; /* what on_record was told */
    int seen_rc[SEEN_MAX];
    size_t seen_count;
    uint64_t budget;
};

static void on_record(void *user, const struct record *record, int rc)
{
    struct home *home = user;

    assert_true(home->seen_count < SEEN_MAX);
    home->seen[home->seen_count] = *record;
    home->seen_rc[home->seen_count++] = rc;
}

static void open_home(struct home *home)
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
        .on_record = on_record,
        .on_record_user = home,
    };
    struct err err = {0};

    if (gateway_open(&home->gateway, &conf, &ports, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

static int setup(void **state)
{
    struct home *home = calloc(1, sizeof *home);

    assert_non_null(home);
    log_set_level((enum log_level)0);
    assert_int_equal(scratch_setup((void **)&home->scratch), 0);
    fake_clock_init(&home->clock, 77, 1700000000000);
    fake_clock_sync(&home->clock, 1700000000000, 5);
    fake_clock_advance_us(&home->clock, 10000000);
    fake_feedback_init(&home->feedback);
    fake_reader_init(&home->reader, "spi0", &home->clock.base);
    wire_init(&home->wire);
    open_home(home);
    *state = home;
    return 0;
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

static void happen(struct home *home, const struct hal_reader_event *event)
{
    home->steps[0].at_us = home->clock.boot_us;
    home->steps[0].event = *event;
    home->steps[0].event.detected_us = home->clock.boot_us;
    fake_reader_play(&home->reader, home->steps, 1);
    gateway_poll_reader(home->gateway, 0);
}

static struct hal_reader_event tag_event(enum hal_reader_event_kind kind, uint8_t tag)
{
    struct hal_reader_event event = {.kind = kind};

    event.tag.uid_size = 4;
    event.tag.uid[0] = 0x10;
    event.tag.uid[3] = tag;
    event.tag.tech = HAL_TAG_TYPE2;
    return event;
}

/* Tap and take away. */
static void touch(struct home *home, uint8_t tag)
{
    const struct hal_reader_event come = tag_event(HAL_READER_TAG, tag);
    const struct hal_reader_event go = tag_event(HAL_READER_GONE, tag);

    happen(home, &come);
    happen(home, &go);
}

static void pass(struct home *home, uint64_t ms)
{
    struct gateway_due due = {0};

    fake_clock_advance_us(&home->clock, ms * 1000);
    home->wire.now_us += ms * 1000;
    gateway_tick(home->gateway, &due);
}

static const struct record *last_seen(const struct home *home)
{
    assert_true(home->seen_count > 0);
    return &home->seen[home->seen_count - 1];
}

static void give_ack(struct home *home, uint64_t epoch, uint64_t through_seq)
{
    const struct ack ack = make_ack(epoch, through_seq);
    struct gateway_due due = {0};
    uint8_t bytes[SMALL_MESSAGE_MAX] = {0};
    size_t size = encode_ack(&ack, bytes);

    gateway_on_message(home->gateway, "ecm/v1/site/gw-test/ack", bytes, size);
    gateway_tick(home->gateway, &due);
}

/* ---- taps --------------------------------------------------------------------------------- */

static void starting_logs_the_boot_and_the_synced_clock(void **state)
{
    struct home *home = *state;

    assert_int_equal(home->seen_count, 2);
    assert_int_equal(home->seen[0].type, RECORD_BOOT);
    assert_string_equal(home->seen[0].note.text, "1.2");
    assert_int_equal(home->seen[0].boot_id, 77);
    assert_int_equal(home->seen[1].type, RECORD_CLOCK_SET);
    assert_int_equal(home->seen[1].seq, 2);
}

static void a_reader_that_works_shows_ready(void **state)
{
    struct home *home = *state;

    gateway_poll_reader(home->gateway, 0);
    assert_int_equal(fake_feedback_last(&home->feedback), HAL_FEEDBACK_READY);
    gateway_poll_reader(home->gateway, 0);
    assert_int_equal(home->feedback.count, 1);
}

static void arriving_is_one_long_green_and_leaving_two_short(void **state)
{
    struct home *home = *state;

    touch(home, 1);
    assert_int_equal(fake_feedback_last(&home->feedback), HAL_FEEDBACK_IN);
    assert_int_equal(last_seen(home)->tap.direction, TAP_IN);
    pass(home, 30 * MINUTE_MS);
    touch(home, 1);
    assert_int_equal(fake_feedback_last(&home->feedback), HAL_FEEDBACK_OUT);
    assert_int_equal(last_seen(home)->tap.direction, TAP_OUT);
}

static void a_tap_carries_what_the_reader_said(void **state)
{
    struct home *home = *state;
    struct hal_reader_event event = tag_event(HAL_READER_TAG, 9);
    const struct record *record = NULL;

    event.tag.tech = HAL_TAG_NTAG424;
    event.tag.has_sun = true;
    memset(event.tag.sun_picc, 0xaa, sizeof event.tag.sun_picc);
    memset(event.tag.sun_mac, 0xbb, sizeof event.tag.sun_mac);
    happen(home, &event);
    record = last_seen(home);
    assert_int_equal(record->type, RECORD_TAP);
    assert_string_equal(record->tap.reader, "spi0");
    assert_int_equal(record->tap.uid_size, 4);
    assert_memory_equal(record->tap.uid, event.tag.uid, 4);
    assert_int_equal(record->tap.tech, TAP_TECH_NTAG424);
    assert_true(record->tap.has_sun);
    assert_memory_equal(record->tap.sun_picc, event.tag.sun_picc, 16);
    assert_memory_equal(record->tap.sun_mac, event.tag.sun_mac, 8);
    assert_int_equal(record->wall_ms, 1700000010000);
    assert_int_equal(record->wall_trust, WALL_SYNCED);
}

static void a_tap_is_stamped_with_its_detection_not_its_storing(void **state)
{
    struct home *home = *state;
    struct hal_reader_event event = tag_event(HAL_READER_TAG, 1);

    home->steps[0].at_us = home->clock.boot_us;
    home->steps[0].event = event;
    home->steps[0].event.detected_us = home->clock.boot_us;
    fake_reader_play(&home->reader, home->steps, 1);
    fake_clock_advance_us(&home->clock, 700000);
    gateway_poll_reader(home->gateway, 0);
    assert_int_equal(last_seen(home)->boot_ms, 10000);
    assert_int_equal(last_seen(home)->wall_ms, 1700000010000);
}

static void a_second_tap_at_once_is_shown_the_same_and_flagged(void **state)
{
    struct home *home = *state;

    touch(home, 1);
    pass(home, 8000);
    touch(home, 1);
    assert_int_equal(fake_feedback_last(&home->feedback), HAL_FEEDBACK_IN);
    assert_int_equal(home->feedback.per_pattern[HAL_FEEDBACK_IN], 2);
    assert_int_equal(last_seen(home)->tap.flags, TAP_FLAG_BOUNCE);
    assert_int_equal(last_seen(home)->seq, 4);
}

static void a_phone_wallet_is_stored_and_shown_amber(void **state)
{
    struct home *home = *state;
    struct hal_reader_event event = tag_event(HAL_READER_TAG, 1);

    event.tag.uid_is_random = true;
    happen(home, &event);
    assert_int_equal(fake_feedback_last(&home->feedback), HAL_FEEDBACK_UNKNOWN);
    assert_int_equal(last_seen(home)->tap.flags, TAP_FLAG_RANDOM_UID);
    assert_int_equal(home->seen_rc[home->seen_count - 1], 0);
}

static void two_carers_who_tap_together_are_both_stored_and_shown(void **state)
{
    struct home *home = *state;
    const struct hal_reader_event first = tag_event(HAL_READER_TAG, 1);
    const struct hal_reader_event second = tag_event(HAL_READER_TAG, 2);
    struct device_state now = {0};

    /* Both cards lie there; neither has left when the other comes, then both go, then both again. */
    happen(home, &first);
    happen(home, &second);
    assert_int_equal(home->feedback.per_pattern[HAL_FEEDBACK_IN], 2);
    for (uint8_t tag = 1; tag <= 2; tag++) {
        const struct hal_reader_event gone = tag_event(HAL_READER_GONE, tag);

        happen(home, &gone);
    }
    pass(home, 30 * MINUTE_MS);
    happen(home, &first);
    happen(home, &second);
    assert_int_equal(home->feedback.per_pattern[HAL_FEEDBACK_OUT], 2);
    gateway_state(home->gateway, &now);
    assert_int_equal(now.taps_total, 4);
    assert_int_equal(now.taps_refused, 0);
}

static void a_lamp_that_fails_does_not_unstore_the_tap(void **state)
{
    struct home *home = *state;

    home->feedback.fail.at = 1;
    home->feedback.fail.forever = true;
    touch(home, 1);
    assert_int_equal(home->seen_rc[home->seen_count - 1], 0);
    assert_true(health_is_bad(&home->gateway->health, HEALTH_FEEDBACK));
    home->feedback.fail.at = 0;
    touch(home, 2);
    assert_false(health_is_bad(&home->gateway->health, HEALTH_FEEDBACK));
}

static void an_open_check_in_survives_a_power_cut(void **state)
{
    struct home *home = *state;

    touch(home, 1);
    gateway_close(home->gateway);
    fake_clock_reboot(&home->clock, 78, 0);
    open_home(home);
    pass(home, 20 * MINUTE_MS);
    touch(home, 1);
    assert_int_equal(fake_feedback_last(&home->feedback), HAL_FEEDBACK_OUT);
}

/* ---- trouble ------------------------------------------------------------------------------ */

static int setup_small(void **state)
{
    struct home *home = NULL;

    (void)setup((void **)&home);
    gateway_close(home->gateway);
    home->budget = OUTBOX_BYTES_MIN;
    open_home(home);
    *state = home;
    return 0;
}

static void a_tap_that_is_not_stored_is_shown_red_and_changes_nothing(void **state)
{
    struct home *home = *state;
    struct device_state now = {0};
    uint64_t head = 0;

    for (unsigned i = 0; fake_feedback_last(&home->feedback) != HAL_FEEDBACK_REFUSED; i++) {
        assert_true(i < 5000);
        home->seen_count = 0;
        touch(home, (uint8_t)i);
    }
    assert_int_equal(home->seen_rc[home->seen_count - 1], ECM_EFULL);
    assert_true(health_is_bad(&home->gateway->health, HEALTH_OUTBOX));
    gateway_state(home->gateway, &now);
    assert_int_equal(now.taps_refused, 1);
    head = now.head_seq;

    gateway_on_connected(home->gateway);
    give_ack(home, now.epoch, head);
    home->seen_count = 0;
    pass(home, 10);
    touch(home, 250);
    assert_int_equal(fake_feedback_last(&home->feedback), HAL_FEEDBACK_IN);
    assert_int_equal(last_seen(home)->seq, head + 1);
    assert_false(health_is_bad(&home->gateway->health, HEALTH_OUTBOX));
}

static void a_broken_reader_is_logged_once_and_its_recovery_shown(void **state)
{
    struct home *home = *state;
    struct hal_reader_event fault = {.kind = HAL_READER_FAULT, .text = "no answer"};
    struct hal_reader_event recovered = {.kind = HAL_READER_RECOVERED};
    char line[GATEWAY_STATUS_SIZE] = "";
    struct device_state now = {0};

    happen(home, &fault);
    assert_int_equal(last_seen(home)->type, RECORD_READER_FAULT);
    assert_string_equal(last_seen(home)->note.text, "spi0: no answer");
    assert_non_null(strstr(gateway_status(home->gateway, line), "reader: no answer"));
    gateway_state(home->gateway, &now);
    assert_false(now.reader_ok);
    assert_int_equal(now.reader_resets, 1);
    happen(home, &recovered);
    assert_int_equal(fake_feedback_last(&home->feedback), HAL_FEEDBACK_READY);
    gateway_state(home->gateway, &now);
    assert_true(now.reader_ok);
}

static void the_clock_is_anchored_when_it_is_set(void **state)
{
    struct home *home = *state;

    gateway_close(home->gateway);
    fake_clock_reboot(&home->clock, 78, 5000);
    open_home(home);
    home->seen_count = 0;
    pass(home, MINUTE_MS);
    assert_int_equal(home->seen_count, 0);
    assert_true(health_is_bad(&home->gateway->health, HEALTH_CLOCK));
    fake_clock_sync(&home->clock, 1700009000000, 5);
    pass(home, MINUTE_MS);
    assert_int_equal(home->seen_count, 1);
    assert_int_equal(home->seen[0].type, RECORD_CLOCK_SET);
    assert_false(health_is_bad(&home->gateway->health, HEALTH_CLOCK));
}

static void a_log_that_was_rolled_back_goes_on_in_a_new_epoch(void **state)
{
    struct home *home = *state;
    struct device_state before = {0};
    struct device_state after = {0};
    struct alert alert = {0};
    size_t index = 0;

    touch(home, 1);
    gateway_state(home->gateway, &before);
    gateway_on_connected(home->gateway);
    give_ack(home, before.epoch, before.head_seq + 50);
    gateway_state(home->gateway, &after);
    assert_int_not_equal(after.epoch, before.epoch);
    assert_int_equal(after.taps_total, 1);
    assert_true(after.head_seq >= before.head_seq);
    index = wire_last(&home->wire, TOPIC_ALERT);
    assert_int_equal(
        alert_decode(home->wire.messages[index].bytes, home->wire.messages[index].size, &alert), 0);
    assert_string_equal(alert.event, "outbox-renewed");
    pass(home, 30 * MINUTE_MS);
    touch(home, 1);
    assert_int_equal(fake_feedback_last(&home->feedback), HAL_FEEDBACK_OUT);
}

static void a_damaged_outbox_does_not_stop_the_start(void **state)
{
    struct home *home = *state;
    struct alert alert = {0};
    size_t index = 0;

    gateway_close(home->gateway);
    scribble(home->scratch->path, 0, 4096, 0xee);
    open_home(home);
    gateway_on_connected(home->gateway);
    index = wire_last(&home->wire, TOPIC_ALERT);
    assert_int_equal(
        alert_decode(home->wire.messages[index].bytes, home->wire.messages[index].size, &alert), 0);
    assert_string_equal(alert.event, "outbox-renewed");
    touch(home, 1);
    assert_int_equal(fake_feedback_last(&home->feedback), HAL_FEEDBACK_IN);
}

static void a_name_that_cannot_stand_in_a_topic_is_refused(void **state)
{
    struct home *home = *state;
    const struct gateway_conf conf = {
        .site = "site", .device = "gw/test", .outbox_path = "x", .version = "1"};
    const struct gateway_ports ports = {.clock = &home->clock.base};
    struct gateway *gateway = NULL;
    struct err err = {0};

    assert_int_equal(gateway_open(&gateway, &conf, &ports, &err), -EINVAL);
    assert_non_null(strstr(err.text, "gw/test"));
    assert_null(gateway);
}

/* ---- the network -------------------------------------------------------------------------- */

static void connecting_subscribes_greets_and_tells_the_state(void **state)
{
    struct home *home = *state;
    struct device_state told = {0};
    size_t index = 0;

    gateway_on_connected(home->gateway);
    assert_int_equal(home->wire.subscribed_count, 2);
    assert_string_equal(home->wire.subscribed[0], "ecm/v1/site/gw-test/ack");
    assert_string_equal(home->wire.subscribed[1], "ecm/v1/site/gw-test/cmd");
    assert_int_equal(wire_count_up(&home->wire, UP_HELLO), 1);
    index = wire_last(&home->wire, TOPIC_STATE);
    assert_true(home->wire.messages[index].retain);
    assert_int_equal(
        state_decode(home->wire.messages[index].bytes, home->wire.messages[index].size, &told), 0);
    assert_true(told.online);
    assert_int_equal(told.head_seq, 2);
    assert_true(told.outbox_bytes > 0);
}

static void a_tap_goes_up_as_soon_as_the_collector_has_answered(void **state)
{
    struct home *home = *state;
    struct device_state now = {0};
    struct gateway_due due = {0};

    gateway_state(home->gateway, &now);
    gateway_on_connected(home->gateway);
    give_ack(home, now.epoch, 2);
    wire_clear(&home->wire);
    touch(home, 1);
    gateway_tick(home->gateway, &due);
    assert_int_equal(wire_count_up(&home->wire, UP_BATCH), 1);
}

static void the_state_is_told_every_five_minutes_and_when_something_changes(void **state)
{
    struct home *home = *state;
    struct hal_reader_event fault = {.kind = HAL_READER_FAULT, .text = "no answer"};
    struct device_state now = {0};

    gateway_state(home->gateway, &now);
    gateway_on_connected(home->gateway);
    give_ack(home, now.epoch, 2);
    wire_clear(&home->wire);
    pass(home, 299000);
    assert_int_equal(home->wire.count, 0);
    pass(home, 1001);
    assert_int_equal(home->wire.count, 1);
    (void)wire_last(&home->wire, TOPIC_STATE);
    wire_clear(&home->wire);
    pass(home, 5000);
    happen(home, &fault);
    pass(home, 1);
    (void)wire_last(&home->wire, TOPIC_STATE);
}

static void a_clean_stop_says_offline(void **state)
{
    struct home *home = *state;
    struct device_state told = {0};
    size_t index = 0;

    gateway_on_connected(home->gateway);
    wire_clear(&home->wire);
    gateway_close(home->gateway);
    home->gateway = NULL;
    index = wire_last(&home->wire, TOPIC_STATE);
    assert_int_equal(
        state_decode(home->wire.messages[index].bytes, home->wire.messages[index].size, &told), 0);
    assert_false(told.online);
    assert_true(home->wire.messages[index].retain);
}

static void the_will_says_offline(void **state)
{
    struct home *home = *state;
    char topic[TOPIC_MAX] = "";
    uint8_t bytes[SMALL_MESSAGE_MAX] = {0};
    struct device_state told = {0};
    size_t size = 0;

    assert_int_equal(gateway_will(home->gateway, topic, bytes, sizeof bytes, &size), 0);
    assert_string_equal(topic, "ecm/v1/site/gw-test/state");
    assert_int_equal(state_decode(bytes, size, &told), 0);
    assert_string_equal(told.device_id, "gw-test");
    assert_false(told.online);
}

static void a_silent_collector_is_trouble_and_its_answer_ends_it(void **state)
{
    struct home *home = *state;
    struct device_state now = {0};

    gateway_state(home->gateway, &now);
    gateway_on_connected(home->gateway);
    for (unsigned i = 0; i < 30; i++) {
        pass(home, 1000);
    }
    assert_true(health_is_bad(&home->gateway->health, HEALTH_COLLECTOR));
    give_ack(home, now.epoch, 2);
    assert_false(health_is_bad(&home->gateway->health, HEALTH_COLLECTOR));
}

static void run(struct home *home, const char *name, struct command_result *ret_result)
{
    struct command command = {.command_id = 5};
    uint8_t bytes[SMALL_MESSAGE_MAX] = {0};
    size_t size = 0;
    size_t index = 0;

    (void)snprintf(command.name, sizeof command.name, "%s", name);
    assert_int_equal(command_encode(&command, bytes, sizeof bytes, &size), 0);
    gateway_on_message(home->gateway, "ecm/v1/site/gw-test/cmd", bytes, size);
    index = wire_last(&home->wire, TOPIC_CMD_RESULT);
    assert_int_equal(command_result_decode(home->wire.messages[index].bytes,
                         home->wire.messages[index].size, ret_result),
        0);
    assert_int_equal(ret_result->command_id, 5);
}

static void commands_are_done_and_answered(void **state)
{
    struct home *home = *state;
    struct hal_reader_event fault = {.kind = HAL_READER_FAULT, .text = "no answer"};
    struct command_result result = {0};

    gateway_on_connected(home->gateway);
    run(home, "blink", &result);
    assert_int_equal(result.code, 0);
    assert_int_equal(fake_feedback_last(&home->feedback), HAL_FEEDBACK_READY);
    run(home, "state", &result);
    assert_int_equal(result.code, 0);
    run(home, "self-test", &result);
    assert_int_equal(result.code, 0);
    assert_string_equal(result.text, "ok");
    happen(home, &fault);
    run(home, "self-test", &result);
    assert_int_equal(result.code, 1);
    assert_string_equal(result.text, "reader: no answer");
    run(home, "format-disk", &result);
    assert_int_equal(result.code, -ENOSYS);
}

static void messages_that_make_no_sense_are_dropped(void **state)
{
    struct home *home = *state;
    const uint8_t rubbish[] = {0xff, 0xff, 0xff, 0x01};

    gateway_on_connected(home->gateway);
    wire_clear(&home->wire);
    gateway_on_message(home->gateway, "ecm/v1/site/gw-test/ack", rubbish, sizeof rubbish);
    gateway_on_message(home->gateway, "ecm/v1/site/gw-test/cmd", rubbish, sizeof rubbish);
    gateway_on_message(home->gateway, "ecm/v1/site/gw-other/cmd", rubbish, sizeof rubbish);
    gateway_on_message(home->gateway, "ecm/v1/site/gw-test/up", rubbish, sizeof rubbish);
    gateway_on_message(home->gateway, "no/topic/of/ours", rubbish, 0);
    assert_int_equal(home->wire.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(starting_logs_the_boot_and_the_synced_clock),
        TEST(a_reader_that_works_shows_ready),
        TEST(arriving_is_one_long_green_and_leaving_two_short),
        TEST(a_tap_carries_what_the_reader_said),
        TEST(a_tap_is_stamped_with_its_detection_not_its_storing),
        TEST(a_second_tap_at_once_is_shown_the_same_and_flagged),
        TEST(a_phone_wallet_is_stored_and_shown_amber),
        TEST(two_carers_who_tap_together_are_both_stored_and_shown),
        TEST(a_lamp_that_fails_does_not_unstore_the_tap),
        TEST(an_open_check_in_survives_a_power_cut),
        cmocka_unit_test_setup_teardown(
            a_tap_that_is_not_stored_is_shown_red_and_changes_nothing, setup_small, teardown),
        TEST(a_broken_reader_is_logged_once_and_its_recovery_shown),
        TEST(the_clock_is_anchored_when_it_is_set),
        TEST(a_log_that_was_rolled_back_goes_on_in_a_new_epoch),
        TEST(a_damaged_outbox_does_not_stop_the_start),
        TEST(a_name_that_cannot_stand_in_a_topic_is_refused),
        TEST(connecting_subscribes_greets_and_tells_the_state),
        TEST(a_tap_goes_up_as_soon_as_the_collector_has_answered),
        TEST(the_state_is_told_every_five_minutes_and_when_something_changes),
        TEST(a_clean_stop_says_offline),
        TEST(the_will_says_offline),
        TEST(a_silent_collector_is_trouble_and_its_answer_ends_it),
        TEST(commands_are_done_and_answered),
        TEST(messages_that_make_no_sense_are_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
