/* test_down.c - ack, state, command, result and alert. */
#include "proto/messages.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/proto/wire.h"
#include "tests/unit/suite.h"

static uint8_t buffer[SMALL_MESSAGE_MAX];

/* ---- ack ---------------------------------------------------------------------------------- */

static struct ack an_ack(void)
{
    return (struct ack){
        .device_id = "GW-0001",
        .epoch = 3,
        .through_seq = INT64_MAX,
        .chain_head = {0xaa},
        .wants_resend = true,
        .resend_from_seq = 12,
        .reason = "record 12 is damaged",
        .collector_unix_ms = 1602051540123,
        .collector_id = "centre-1",
    };
}

static void an_ack_comes_back_as_it_went(void **state)
{
    struct ack ack = an_ack();
    struct ack back;
    size_t size = 0;

    (void)state;
    assert_int_equal(ack_encode(&ack, buffer, sizeof buffer, &size), 0);
    assert_int_equal(ack_decode(buffer, size, &back), 0);
    assert_string_equal(back.device_id, ack.device_id);
    assert_int_equal(back.epoch, 3);
    assert_int_equal(back.through_seq, INT64_MAX);
    assert_memory_equal(back.chain_head, ack.chain_head, MESSAGE_HASH_SIZE);
    assert_true(back.wants_resend);
    assert_int_equal(back.resend_from_seq, 12);
    assert_string_equal(back.reason, ack.reason);
    assert_int_equal(back.collector_unix_ms, ack.collector_unix_ms);
    assert_string_equal(back.collector_id, "centre-1");
}

static void an_ack_that_wants_nothing_again_says_so(void **state)
{
    struct ack ack = an_ack();
    struct ack back;
    size_t size = 0;

    (void)state;
    ack.wants_resend = false; /* whatever resend_from_seq holds */
    ack.through_seq = 0;
    ack.reason[0] = '\0';
    assert_int_equal(ack_encode(&ack, buffer, sizeof buffer, &size), 0);
    assert_int_equal(ack_decode(buffer, size, &back), 0);
    assert_false(back.wants_resend);
    assert_int_equal(back.resend_from_seq, 0);
}

static void assert_ack_refused(const struct ack *ack)
{
    size_t size = 99;

    assert_int_equal(ack_encode(ack, buffer, sizeof buffer, &size), -EINVAL);
    assert_int_equal(size, 99);
}

static void an_ack_outside_the_limits_is_not_encoded(void **state)
{
    struct ack bad;

    (void)state;
    bad = an_ack(), bad.device_id[0] = '\0', assert_ack_refused(&bad);
    bad = an_ack(), bad.collector_id[0] = '#', assert_ack_refused(&bad);
    bad = an_ack(), bad.through_seq = UINT64_MAX, assert_ack_refused(&bad);
    bad = an_ack(), bad.resend_from_seq = 0, assert_ack_refused(&bad);
    bad = an_ack(), bad.resend_from_seq = UINT64_MAX, assert_ack_refused(&bad);
    bad = an_ack(), bad.reason[0] = '\r', assert_ack_refused(&bad);
    bad = an_ack(), bad.collector_unix_ms = INT64_MAX, assert_ack_refused(&bad);
}

static void a_truncated_ack_is_malformed_at_every_length(void **state)
{
    struct ack ack = an_ack();
    struct ack back = {.epoch = 99};
    size_t size = 0;

    (void)state;
    assert_int_equal(ack_encode(&ack, buffer, sizeof buffer, &size), 0);
    for (size_t cut = 0; cut < size; cut++) {
        assert_int_equal(ack_decode(buffer, cut, &back), -EBADMSG);
    }
    assert_int_equal(back.epoch, 99);
    for (size_t capacity = 0; capacity < size; capacity++) {
        size_t untouched = 99;

        assert_int_equal(ack_encode(&ack, buffer, capacity, &untouched), -ENOBUFS);
        assert_int_equal(untouched, 99);
    }
}

static struct wire ack_wire(const char *device, const char *collector, size_t chain)
{
    static const uint8_t ones[40] = {1};
    struct wire wire = {0};

    wire_text(&wire, 1, device);
    wire_bytes(&wire, 4, ones, chain);
    wire_text(&wire, 8, collector);
    return wire;
}

static void an_ack_with_a_bad_part_is_malformed(void **state)
{
    struct wire wire = ack_wire("GW1", "C1", 32);
    struct ack ack;

    (void)state;
    assert_int_equal(ack_decode(wire.bytes, wire.size, &ack), 0);
    wire_text(&wire, 77, "a newer field");
    assert_int_equal(ack_decode(wire.bytes, wire.size, &ack), 0);
    wire = ack_wire("G 1", "C1", 32),
    assert_int_equal(ack_decode(wire.bytes, wire.size, &ack), -EBADMSG);
    wire = ack_wire("GW1", "C/", 32),
    assert_int_equal(ack_decode(wire.bytes, wire.size, &ack), -EBADMSG);
    wire = ack_wire("GW1", "C1", 31),
    assert_int_equal(ack_decode(wire.bytes, wire.size, &ack), -EBADMSG);
    wire = ack_wire("GW1", "C1", 32), wire_text(&wire, 8, "C1");
    assert_int_equal(ack_decode(wire.bytes, wire.size, &ack), -EBADMSG);
}

/* ---- state -------------------------------------------------------------------------------- */

static struct device_state a_state(void)
{
    return (struct device_state){
        .device_id = "GW-0001",
        .online = true,
        .epoch = 1,
        .head_seq = 20,
        .acked_seq = 19,
        .oldest_seq = 2,
        .boot_id = 5,
        .uptime_ms = 6,
        .wall_ms = 7,
        .wall_trust = WALL_RTC,
        .wall_uncertainty_ms = 8,
        .version = "0.1.0",
        .taps_total = 9,
        .taps_refused = 10,
        .reader_resets = 11,
        .reader_ok = true,
        .outbox_bytes = 12,
        .outbox_bytes_max = 13,
        .drain_eta_s = 14,
        .case_open = true,
        .assist_pressed = true,
        .case_openings = 15,
        .assist_calls = 16,
    };
}

static void a_state_comes_back_as_it_went(void **state)
{
    struct device_state sent = a_state();
    struct device_state back;
    size_t size = 0;

    (void)state;
    assert_int_equal(state_encode(&sent, buffer, sizeof buffer, &size), 0);
    assert_int_equal(state_decode(buffer, size, &back), 0);
    assert_string_equal(back.device_id, sent.device_id);
    assert_string_equal(back.version, sent.version);
    assert_int_equal(back.online, sent.online);
    assert_int_equal(back.epoch, sent.epoch);
    assert_int_equal(back.head_seq, sent.head_seq);
    assert_int_equal(back.acked_seq, sent.acked_seq);
    assert_int_equal(back.oldest_seq, sent.oldest_seq);
    assert_int_equal(back.boot_id, sent.boot_id);
    assert_int_equal(back.uptime_ms, sent.uptime_ms);
    assert_int_equal(back.wall_ms, sent.wall_ms);
    assert_int_equal(back.wall_trust, sent.wall_trust);
    assert_int_equal(back.wall_uncertainty_ms, sent.wall_uncertainty_ms);
    assert_int_equal(back.taps_total, sent.taps_total);
    assert_int_equal(back.taps_refused, sent.taps_refused);
    assert_int_equal(back.reader_resets, sent.reader_resets);
    assert_int_equal(back.reader_ok, sent.reader_ok);
    assert_int_equal(back.outbox_bytes, sent.outbox_bytes);
    assert_int_equal(back.outbox_bytes_max, sent.outbox_bytes_max);
    assert_int_equal(back.drain_eta_s, sent.drain_eta_s);
    assert_true(back.case_open && back.assist_pressed);
    assert_int_equal(back.case_openings, sent.case_openings);
    assert_int_equal(back.assist_calls, sent.assist_calls);
}

static void a_will_needs_little_more_than_the_name(void **state)
{
    struct device_state will = {.device_id = "GW-0001", .wall_uncertainty_ms = UINT32_MAX};
    struct device_state back;
    size_t size = 0;

    (void)state;
    assert_int_equal(state_encode(&will, buffer, sizeof buffer, &size), 0);
    assert_int_equal(size, 9);
    assert_int_equal(state_decode(buffer, size, &back), 0);
    assert_false(back.online);
    assert_int_equal(back.wall_uncertainty_ms, UINT32_MAX);
}

static void assert_state_refused(const struct device_state *refused)
{
    size_t size = 99;

    assert_int_equal(state_encode(refused, buffer, sizeof buffer, &size), -EINVAL);
    assert_int_equal(size, 99);
}

static void a_state_outside_the_limits_is_not_encoded(void **state)
{
    struct device_state bad;

    (void)state;
    bad = a_state(), bad.device_id[0] = '\0', assert_state_refused(&bad);
    bad = a_state(), bad.acked_seq = 21, assert_state_refused(&bad);
    bad = a_state(), bad.head_seq = UINT64_MAX, assert_state_refused(&bad);
    bad = a_state(), bad.oldest_seq = UINT64_MAX, assert_state_refused(&bad);
    bad = a_state(), bad.uptime_ms = UINT64_MAX, assert_state_refused(&bad);
    bad = a_state(), bad.wall_ms = INT64_MIN, assert_state_refused(&bad);
    bad = a_state(), bad.wall_trust = (enum wall_trust)3, assert_state_refused(&bad);
    bad = a_state(), bad.version[0] = '\xff', assert_state_refused(&bad);
    bad = a_state(), bad.taps_total = UINT64_MAX, assert_state_refused(&bad);
    bad = a_state(), bad.taps_refused = UINT64_MAX, assert_state_refused(&bad);
    bad = a_state(), bad.reader_resets = UINT64_MAX, assert_state_refused(&bad);
    bad = a_state(), bad.outbox_bytes = UINT64_MAX, assert_state_refused(&bad);
    bad = a_state(), bad.outbox_bytes_max = UINT64_MAX, assert_state_refused(&bad);
}

static void a_state_with_a_bad_part_is_malformed(void **state)
{
    struct wire wire = {0};
    struct device_state back = {.epoch = 99};

    (void)state;
    wire_text(&wire, 1, "GW1");
    wire_number(&wire, 10, 3); /* a trust of a newer version */
    assert_int_equal(state_decode(wire.bytes, wire.size, &back), 0);
    assert_int_equal(back.wall_trust, WALL_UNSET);
    back.epoch = 99;
    wire = (struct wire){0};
    wire_text(&wire, 1, "GW1");
    wire_number(&wire, 5, 1); /* acked above head */
    assert_int_equal(state_decode(wire.bytes, wire.size, &back), -EBADMSG);
    wire = (struct wire){0};
    wire_number(&wire, 3, 1); /* nobody's */
    assert_int_equal(state_decode(wire.bytes, wire.size, &back), -EBADMSG);
    assert_int_equal(state_decode(wire.bytes, 0, &back), -EBADMSG);
    assert_int_equal(back.epoch, 99);
}

/* ---- command, result, alert --------------------------------------------------------------- */

static void a_command_and_its_result_come_back(void **state)
{
    struct command command = {.command_id = UINT64_MAX, .name = "blink", .argument = "3 s"};
    struct command_result result = {.command_id = 8, .code = -110, .text = "no answer"};
    struct command command_back;
    struct command_result result_back;
    size_t size = 0;

    (void)state;
    assert_int_equal(command_encode(&command, buffer, sizeof buffer, &size), 0);
    assert_int_equal(command_decode(buffer, size, &command_back), 0);
    assert_int_equal(command_back.command_id, UINT64_MAX);
    assert_string_equal(command_back.name, "blink");
    assert_string_equal(command_back.argument, "3 s");
    assert_int_equal(command_result_encode(&result, buffer, sizeof buffer, &size), 0);
    assert_int_equal(command_result_decode(buffer, size, &result_back), 0);
    assert_int_equal(result_back.command_id, 8);
    assert_int_equal(result_back.code, -110);
    assert_string_equal(result_back.text, "no answer");
}

static void bad_commands_are_refused_both_ways(void **state)
{
    struct command bad = {.command_id = 1};
    struct command_result bad_result = {.text = "\x01"};
    struct wire wire = {0};
    size_t size = 0;

    (void)state;
    assert_int_equal(command_encode(&bad, buffer, sizeof buffer, &size), -EINVAL);
    strcpy(bad.name, "blink");
    strcpy(bad.argument, "\xc3\x28");
    assert_int_equal(command_encode(&bad, buffer, sizeof buffer, &size), -EINVAL);
    assert_int_equal(command_result_encode(&bad_result, buffer, sizeof buffer, &size), -EINVAL);
    wire_fixed64(&wire, 1, 5); /* no name */
    assert_int_equal(command_decode(wire.bytes, wire.size, &bad), -EBADMSG);
    wire_text(&wire, 3, "\x02");
    assert_int_equal(command_result_decode(wire.bytes, wire.size, &bad_result), -EBADMSG);
    assert_int_equal(command_decode(wire.bytes, 0, &bad), -EBADMSG);
    assert_int_equal(command_result_decode(wire.bytes, 0, &bad_result), -EBADMSG);
}

static void an_alert_comes_back_with_and_without_a_device(void **state)
{
    struct alert alert = {.device_id = "GW1", .event = "outbox-full", .text = "t", .unix_ms = 5};
    struct alert back;
    size_t size = 0;

    (void)state;
    assert_int_equal(alert_encode(&alert, buffer, sizeof buffer, &size), 0);
    assert_int_equal(alert_decode(buffer, size, &back), 0);
    assert_string_equal(back.device_id, "GW1");
    assert_string_equal(back.event, "outbox-full");
    assert_string_equal(back.text, "t");
    assert_int_equal(back.unix_ms, 5);
    alert.device_id[0] = '\0';
    assert_int_equal(alert_encode(&alert, buffer, sizeof buffer, &size), 0);
    assert_int_equal(alert_decode(buffer, size, &back), 0);
    assert_string_equal(back.device_id, "");
}

static void bad_alerts_are_refused_both_ways(void **state)
{
    struct alert good = {.event = "e"};
    struct alert bad;
    struct wire wire = {0};
    size_t size = 0;

    (void)state;
    bad = good, bad.event[0] = '\0';
    assert_int_equal(alert_encode(&bad, buffer, sizeof buffer, &size), -EINVAL);
    bad = good, strcpy(bad.device_id, "a b");
    assert_int_equal(alert_encode(&bad, buffer, sizeof buffer, &size), -EINVAL);
    bad = good, bad.unix_ms = INT64_MIN;
    assert_int_equal(alert_encode(&bad, buffer, sizeof buffer, &size), -EINVAL);
    bad = good, strcpy(bad.text, "\n");
    assert_int_equal(alert_encode(&bad, buffer, sizeof buffer, &size), -EINVAL);
    wire_text(&wire, 1, "GW1"); /* no event */
    assert_int_equal(alert_decode(wire.bytes, wire.size, &bad), -EBADMSG);
    assert_int_equal(alert_decode(wire.bytes, 0, &bad), -EBADMSG);
}

static void messages_above_1024_bytes_are_malformed(void **state)
{
    static const uint8_t zeros[SMALL_MESSAGE_MAX];
    struct wire wire = {0};
    struct command_result result;

    (void)state;
    wire_bytes(&wire, 100, zeros, SMALL_MESSAGE_MAX - 4);
    assert_int_equal(wire.size, SMALL_MESSAGE_MAX);
    assert_int_equal(command_result_decode(wire.bytes, wire.size, &result), 0);
    wire = (struct wire){0};
    wire_bytes(&wire, 100, zeros, SMALL_MESSAGE_MAX - 3);
    assert_int_equal(command_result_decode(wire.bytes, wire.size, &result), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ack_comes_back_as_it_went),
        cmocka_unit_test(an_ack_that_wants_nothing_again_says_so),
        cmocka_unit_test(an_ack_outside_the_limits_is_not_encoded),
        cmocka_unit_test(a_truncated_ack_is_malformed_at_every_length),
        cmocka_unit_test(an_ack_with_a_bad_part_is_malformed),
        cmocka_unit_test(a_state_comes_back_as_it_went),
        cmocka_unit_test(a_will_needs_little_more_than_the_name),
        cmocka_unit_test(a_state_outside_the_limits_is_not_encoded),
        cmocka_unit_test(a_state_with_a_bad_part_is_malformed),
        cmocka_unit_test(a_command_and_its_result_come_back),
        cmocka_unit_test(bad_commands_are_refused_both_ways),
        cmocka_unit_test(an_alert_comes_back_with_and_without_a_device),
        cmocka_unit_test(bad_alerts_are_refused_both_ways),
        cmocka_unit_test(messages_above_1024_bytes_are_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
