/*
 * test_inputs_told.c - a pressed button becomes an alert at least once, whatever fails, and with the
 * time of the press.
 */
#include "collector/inputs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "collector/ingest/ingest.h"
#include "collector/storage/storage_sqlite.h"
#include "proto/topics.h"
#include "tests/unit/collector/fake_device.h"
#include "tests/unit/collector/faulty_storage.h"
#include "tests/unit/suite.h"

#define DAY_MS INT64_C(1603065600000)

enum { ALERTS_MAX = 256 };

struct fixture {
    struct storage *store;
    struct faulty_storage faulty;
    struct ingest *ingest;
    struct inputs inputs;
    struct fake_device device;
    int64_t now_ms;
    int publish_rc;
    struct alert alerts[ALERTS_MAX];
    char topic[TOPIC_MAX];
    size_t alert_count;
};

static struct fake_message message;

static int take_publish(void *user, const char *topic, const uint8_t *bytes, size_t size)
{
    struct fixture *fx = user;
    struct topic parsed;

    assert_int_equal(topic_parse(topic, &parsed), 0);
    if (fx->publish_rc < 0 || parsed.kind != TOPIC_ALERT) {
        return fx->publish_rc;
    }
    assert_true(fx->alert_count < ALERTS_MAX);
    assert_int_equal(alert_decode(bytes, size, &fx->alerts[fx->alert_count++]), 0);
    (void)snprintf(fx->topic, sizeof fx->topic, "%s", topic);
    return 0;
}

static int64_t tell_now(void *user)
{
    return ((struct fixture *)user)->now_ms;
}

static int setup(void **state)
{
    struct fixture *fx = calloc(1, sizeof *fx);

    assert_non_null(fx);
    log_set_level((enum log_level)0);
    assert_int_equal(storage_sqlite_open(&fx->store, ":memory:", 0, NULL), 0);
    faulty_storage_init(&fx->faulty, fx->store);
    fx->now_ms = DAY_MS;
    fx->inputs =
        (struct inputs){.storage = &fx->faulty.storage, .publish = take_publish, .user = fx};
    fake_device_init(&fx->device, "GW-1", 5);
    const struct ingest_ports ports = {
        .storage = fx->store, .publish = take_publish, .now_ms = tell_now, .user = fx};
    assert_int_equal(ingest_open(&fx->ingest, &ports, "centre", NULL), 0);
    *state = fx;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fx = *state;

    ingest_close(fx->ingest);
    storage_close(fx->store);
    fake_device_done(&fx->device);
    free(fx);
    return 0;
}

/* The device's newest record reaches the collector and is committed. */
static void deliver(struct fixture *fx)
{
    fake_device_batch(&fx->device, fx->device.head_seq, fx->device.head_seq, &message);
    ingest_message(fx->ingest, "ecm/v1/home/GW-1/up", message.bytes, message.size);
    assert_int_equal(ingest_commit(fx->ingest), 0);
}

static void happens(struct fixture *fx, enum record_type type, bool is_active, int64_t wall_ms,
    enum wall_trust trust)
{
    struct record record = {
        .type = type, .boot_id = 7, .boot_ms = 1000, .wall_ms = wall_ms, .wall_trust = trust};

    record.input.active = is_active;
    fake_device_add(&fx->device, record);
    deliver(fx);
}

static void a_press_is_told_once_with_its_own_time(void **state)
{
    struct fixture *fx = *state;

    happens(fx, RECORD_BUTTON, true, DAY_MS - 7200000, WALL_SYNCED);
    assert_int_equal(inputs_tell(&fx->inputs), 0);
    assert_int_equal(fx->alert_count, 1);
    assert_string_equal(fx->topic, "ecm/v1/home/alert");
    assert_string_equal(fx->alerts[0].device_id, "GW-1");
    assert_string_equal(fx->alerts[0].event, "help-called");
    assert_int_equal(fx->alerts[0].unix_ms, DAY_MS - 7200000);
    assert_non_null(strstr(fx->alerts[0].text, "120 min later"));
    assert_int_equal(inputs_tell(&fx->inputs), 0);
    assert_int_equal(fx->alert_count, 1);
    assert_int_equal(fx->inputs.calls, 1);
}

static void an_opened_case_is_told_and_its_closing_is_no_alert(void **state)
{
    struct fixture *fx = *state;

    happens(fx, RECORD_TAMPER, true, DAY_MS, WALL_SYNCED);
    happens(fx, RECORD_TAMPER, false, DAY_MS, WALL_SYNCED);
    assert_int_equal(inputs_tell(&fx->inputs), 0);
    assert_int_equal(fx->alert_count, 1);
    assert_string_equal(fx->alerts[0].event, "case-opened");
    assert_int_equal(fx->inputs.openings, 1);
    assert_int_equal(inputs_tell(&fx->inputs), 0);
    assert_int_equal(fx->alert_count, 1);
}

static void a_press_at_an_unknown_time_is_told_now_and_says_so(void **state)
{
    struct fixture *fx = *state;

    happens(fx, RECORD_BUTTON, true, 5000, WALL_UNSET);
    assert_int_equal(inputs_tell(&fx->inputs), 0);
    assert_int_equal(fx->alerts[0].unix_ms, DAY_MS);
    assert_non_null(strstr(fx->alerts[0].text, "not known"));
}

static void without_a_broker_it_waits(void **state)
{
    struct fixture *fx = *state;

    happens(fx, RECORD_BUTTON, true, DAY_MS, WALL_SYNCED);
    fx->publish_rc = -ENOTCONN;
    assert_int_equal(inputs_tell(&fx->inputs), -ENOTCONN);
    assert_int_equal(fx->inputs.calls, 0);
    fx->publish_rc = 0;
    assert_int_equal(inputs_tell(&fx->inputs), 0);
    assert_int_equal(fx->alert_count, 1);
}

static void more_than_fit_at_once_are_all_told(void **state)
{
    struct fixture *fx = *state;
    int rc = 1;

    for (int i = 0; i < 2 * INPUTS_A_TIME + 3; i++) {
        happens(fx, RECORD_BUTTON, true, DAY_MS + i, WALL_SYNCED);
    }
    for (int i = 0; i < 4 && rc > 0; i++) {
        rc = inputs_tell(&fx->inputs);
    }
    assert_int_equal(rc, 0);
    assert_int_equal(fx->alert_count, 2 * INPUTS_A_TIME + 3);
    for (size_t i = 0; i < fx->alert_count; i++) {
        assert_int_equal(fx->alerts[i].unix_ms, DAY_MS + (int64_t)i);
    }
}

static void whichever_store_call_fails_each_is_told_at_least_once(void **state)
{
    struct fixture *fx = *state;
    unsigned calls = 1;

    for (unsigned n = 0; n <= calls; n++) {
        fx->alert_count = 0;
        happens(fx, RECORD_BUTTON, true, DAY_MS + n, WALL_SYNCED);
        happens(fx, RECORD_TAMPER, true, DAY_MS + n, WALL_SYNCED);
        fx->faulty.calls = 0;
        fx->faulty.fail_at = n; /* 0: none */
        assert_int_equal(inputs_tell(&fx->inputs), n == 0 ? 0 : -EIO);
        calls = n == 0 ? fx->faulty.calls : calls;
        fx->faulty.fail_at = 0;
        assert_int_equal(inputs_tell(&fx->inputs), 0);
        assert_in_range(fx->alert_count, 2, 4); /* again rather than not at all */
        assert_int_equal(inputs_tell(&fx->inputs), 0);
        assert_in_range(fx->alert_count, 2, 4);
    }
    assert_int_equal(calls, 5); /* walk, begin, told twice, commit */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_press_is_told_once_with_its_own_time),
        TEST(an_opened_case_is_told_and_its_closing_is_no_alert),
        TEST(a_press_at_an_unknown_time_is_told_now_and_says_so),
        TEST(without_a_broker_it_waits),
        TEST(more_than_fit_at_once_are_all_told),
        TEST(whichever_store_call_fails_each_is_told_at_least_once),
    };

    return cmocka_run_group_tests_name("inputs", tests, NULL, NULL);
}
