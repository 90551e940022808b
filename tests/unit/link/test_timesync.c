/* test_timesync.c - what time a tag reader believes, and how far. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* after setjmp.h */
#include <cmocka.h>

#include "firmware/link/timesync.h"

#define WALL_US INT64_C(1767225600000000)
#define SECOND_US 1000000

static struct timesync sync;

/* The gateway's wall clock is WALL_US + boot + offset; each way takes so long. */
static struct timesync_sample exchange(
    uint64_t t1_us, uint64_t out_us, uint64_t back_us, int64_t offset_us, uint32_t uncertainty_ms)
{
    struct timesync_sample sample = {.t1_us = t1_us,
        .t2_us = WALL_US + (int64_t)(t1_us + out_us) + offset_us,
        .t4_us = t1_us + out_us + 500 + back_us,
        .trust = WALL_SYNCED,
        .uncertainty_ms = uncertainty_ms};

    sample.t3_us = sample.t2_us + 500;
    return sample;
}

static void take(uint64_t t1_us, uint64_t out_us, uint64_t back_us, int64_t offset_us)
{
    struct timesync_sample sample = exchange(t1_us, out_us, back_us, offset_us, 1);

    timesync_take(&sync, &sample);
}

static struct record stamp(uint64_t at_us)
{
    struct record record = {0};

    timesync_stamp(&sync, at_us, &record);
    return record;
}

static int setup(void **state)
{
    (void)state;
    timesync_init(&sync, 77);
    return 0;
}

static void without_an_exchange_nothing_is_known(void **state)
{
    struct record record = stamp(5 * SECOND_US);

    (void)state;
    assert_int_equal(record.wall_trust, WALL_UNSET);
    assert_int_equal(record.wall_uncertainty_ms, UINT32_MAX);
    assert_int_equal(record.boot_ms, 5000);
    assert_int_equal(record.boot_id, 77);
    assert_false(timesync_wants_anchor(&sync, 5 * SECOND_US, &record));
}

static void an_exchange_gives_the_time_within_half_of_the_way(void **state)
{
    struct record record;

    (void)state;
    take(SECOND_US, 2000, 6000, 0);
    record = stamp(2 * SECOND_US);
    assert_int_equal(record.wall_trust, WALL_SYNCED);
    /* 2 ms off, because the ways differ; and it says 4 ms of way, 1 of the gateway, drift, rounding. */
    assert_in_range(record.wall_ms, WALL_US / 1000 + 2000 - 3, WALL_US / 1000 + 2000 + 3);
    assert_in_range(record.wall_uncertainty_ms, 5, 7);
}

static void the_best_of_the_last_eight_is_used(void **state)
{
    (void)state;
    take(SECOND_US, 40000, 200, 0);
    take(2 * SECOND_US, 300, 300, 0);
    take(3 * SECOND_US, 200, 60000, 0);
    assert_in_range(stamp(4 * SECOND_US).wall_uncertainty_ms, 1, 3);
    assert_int_equal(stamp(4 * SECOND_US).wall_ms, WALL_US / 1000 + 4000);
    for (uint64_t i = 0; i < 8; i++) {
        take((5 + i) * SECOND_US, 200, 60000, 0);
    }
    assert_in_range(stamp(14 * SECOND_US).wall_uncertainty_ms, 30, 34);
}

static void what_is_believed_grows_worse_and_is_not_called_synced_for_ever(void **state)
{
    (void)state;
    take(SECOND_US, 500, 500, 0);
    assert_in_range(stamp(UINT64_C(3601) * SECOND_US).wall_uncertainty_ms, 360, 363);
    assert_int_equal(stamp(UINT64_C(3601) * SECOND_US).wall_trust, WALL_SYNCED);
    assert_int_equal(stamp(UINT64_C(48) * 3600 * SECOND_US).wall_trust, WALL_RTC);
    /* And a tap before the exchange is less sure too. */
    take(UINT64_C(7200) * SECOND_US, 500, 500, 0);
    assert_true(stamp(UINT64_C(100) * SECOND_US).wall_uncertainty_ms < 20);
}

static void an_unsure_gateway_makes_nobody_surer(void **state)
{
    struct timesync_sample sample = exchange(SECOND_US, 500, 500, 0, UINT32_MAX);
    struct record record;

    (void)state;
    sample.trust = WALL_UNSET;
    timesync_take(&sync, &sample);
    assert_int_equal(stamp(2 * SECOND_US).wall_trust, WALL_UNSET);
    assert_false(timesync_wants_anchor(&sync, 2 * SECOND_US, &record));
    sample.trust = WALL_RTC;
    timesync_take(&sync, &sample);
    assert_int_equal(stamp(2 * SECOND_US).wall_trust, WALL_RTC);
    assert_int_equal(stamp(2 * SECOND_US).wall_uncertainty_ms, UINT32_MAX);
    take(3 * SECOND_US, 500, 500, 5 * SECOND_US);
    assert_int_equal(stamp(4 * SECOND_US).wall_trust, WALL_SYNCED);
    sample = exchange(5 * SECOND_US, 500, 500, -50 * SECOND_US, 1);
    sample.trust = WALL_RTC;
    timesync_take(&sync, &sample);
    assert_int_equal(stamp(6 * SECOND_US).wall_ms, WALL_US / 1000 + 11000);
}

static void the_first_sure_time_and_each_step_are_anchors(void **state)
{
    struct record anchor;

    (void)state;
    take(SECOND_US, 500, 500, 0);
    assert_true(timesync_wants_anchor(&sync, 2 * SECOND_US, &anchor));
    assert_int_equal(anchor.type, RECORD_CLOCK_SET);
    assert_int_equal(anchor.wall_ms, WALL_US / 1000 + 2000);
    assert_int_equal(anchor.clock_set.wall_before_ms, 2000);
    assert_true(timesync_wants_anchor(&sync, 2 * SECOND_US, &anchor)); /* until it is stored */
    timesync_anchored(&sync, &anchor);
    assert_false(timesync_wants_anchor(&sync, 3 * SECOND_US, &anchor));
    take(60 * SECOND_US, 500, 500, 900 * 1000); /* below a second */
    assert_false(timesync_wants_anchor(&sync, 61 * SECOND_US, &anchor));
    take(120 * SECOND_US, 500, 500, 3 * SECOND_US);
    assert_true(timesync_wants_anchor(&sync, 121 * SECOND_US, &anchor));
    assert_int_equal(anchor.wall_ms - anchor.clock_set.wall_before_ms, 3000);
    timesync_anchored(&sync, &anchor);
    assert_false(timesync_wants_anchor(&sync, 122 * SECOND_US, &anchor));
}

static void the_battery_clock_serves_until_a_gateway_knows_better(void **state)
{
    struct record anchor;

    (void)state;
    timesync_take_rtc(&sync, SECOND_US, WALL_US / 1000, 2000);
    assert_int_equal(stamp(2 * SECOND_US).wall_trust, WALL_RTC);
    assert_int_equal(stamp(2 * SECOND_US).wall_ms, WALL_US / 1000 + 1000);
    assert_true(timesync_wants_anchor(&sync, 2 * SECOND_US, &anchor));
    assert_int_equal(anchor.wall_trust, WALL_RTC);
    timesync_anchored(&sync, &anchor);
    take(3 * SECOND_US, 500, 500, -SECOND_US);
    assert_true(timesync_wants_anchor(&sync, 4 * SECOND_US, &anchor)); /* more trust */
    assert_int_equal(anchor.wall_trust, WALL_SYNCED);
}

static void what_cannot_be_is_passed_over(void **state)
{
    struct timesync_sample sample = exchange(SECOND_US, 500, 500, 0, 1);

    (void)state;
    sample.t3_us = sample.t2_us + 10 * SECOND_US; /* longer inside than away */
    timesync_take(&sync, &sample);
    sample = exchange(SECOND_US, 500, 500, 0, 1);
    sample.t4_us = sample.t1_us - 1;
    timesync_take(&sync, &sample);
    sample = exchange(SECOND_US, 500, 500, -WALL_US, 1); /* 1970 */
    timesync_take(&sync, &sample);
    sample = exchange(SECOND_US, 500, 500, INT64_C(6000000000000000), 1); /* after 2200 */
    timesync_take(&sync, &sample);
    timesync_take_rtc(&sync, SECOND_US, 5, 1);
    assert_int_equal(stamp(2 * SECOND_US).wall_trust, WALL_UNSET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_an_exchange_nothing_is_known, setup),
        cmocka_unit_test_setup(an_exchange_gives_the_time_within_half_of_the_way, setup),
        cmocka_unit_test_setup(the_best_of_the_last_eight_is_used, setup),
        cmocka_unit_test_setup(
            what_is_believed_grows_worse_and_is_not_called_synced_for_ever, setup),
        cmocka_unit_test_setup(an_unsure_gateway_makes_nobody_surer, setup),
        cmocka_unit_test_setup(the_first_sure_time_and_each_step_are_anchors, setup),
        cmocka_unit_test_setup(the_battery_clock_serves_until_a_gateway_knows_better, setup),
        cmocka_unit_test_setup(what_cannot_be_is_passed_over, setup),
    };

    return cmocka_run_group_tests_name("timesync", tests, NULL, NULL);
}
