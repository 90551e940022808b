/* test_effective_time.c - when a tap really was. */
#include "collector/storage/effective_time.h"

#include <stdint.h>

#include "collector/storage/storage.h"
#include "proto/messages.h"
#include "tests/unit/suite.h"

#define NOW_MS INT64_C(1788220800000)

static const struct storage_anchor anchor = {
    .boot_id = 9, .boot_ms = 50000, .wall_ms = 1000000, .uncertainty_ms = 5};

static void every_kind_of_stamp_is_placed_by_the_best_evidence(void **state)
{
    const struct {
        enum wall_trust trust;
        const struct storage_anchor *anchor;
        uint64_t boot_ms;
        int64_t wall_ms;
        enum effective_source source;
        int64_t ms;
    } cases[] = {
        {WALL_SYNCED, NULL, 1, 777, EFFECTIVE_STAMPED, 777},
        {WALL_SYNCED, &anchor, 1, 777, EFFECTIVE_STAMPED, 777},
        {WALL_UNSET, &anchor, 20000, 3, EFFECTIVE_ANCHORED, 970000},
        {WALL_UNSET, &anchor, 50000, 3, EFFECTIVE_ANCHORED, 1000000},
        {WALL_UNSET, &anchor, 60000, 3, EFFECTIVE_ANCHORED, 1010000},
        {WALL_RTC, &anchor, 20000, 3, EFFECTIVE_ANCHORED, 970000},
        {WALL_RTC, NULL, 20000, NOW_MS, EFFECTIVE_RTC, NOW_MS},
        {WALL_RTC, NULL, 20000, 946684800000, EFFECTIVE_UNKNOWN, 0}, /* 2000: no battery */
        {WALL_UNSET, NULL, 20000, 3, EFFECTIVE_UNKNOWN, 0},
        {WALL_UNSET, &anchor, UINT64_MAX, 3, EFFECTIVE_UNKNOWN, 0},
        {WALL_RTC, &anchor, UINT64_MAX, NOW_MS, EFFECTIVE_RTC, NOW_MS},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct record record = {.type = RECORD_TAP,
            .boot_id = 9,
            .boot_ms = cases[i].boot_ms,
            .wall_ms = cases[i].wall_ms,
            .wall_trust = cases[i].trust};
        struct effective_time time = effective_time(&record, cases[i].anchor, NULL);

        assert_int_equal(time.source, cases[i].source);
        assert_true(time.ms == cases[i].ms);
    }
}

static void an_anchor_is_worth_less_the_further_away_it_is(void **state)
{
    struct storage_anchor late = {.boot_id = 9, .boot_ms = 36000000, .uncertainty_ms = 5};
    struct record record = {.boot_id = 9, .wall_trust = WALL_UNSET};

    (void)state;
    assert_int_equal(effective_time(&record, &late, NULL).uncertainty_ms, 5 + 3600);
    record.boot_ms = 35990000;
    assert_int_equal(effective_time(&record, &late, NULL).uncertainty_ms, 5 + 1);
    record.boot_ms = 72000000;
    assert_int_equal(effective_time(&record, &late, NULL).uncertainty_ms, 5 + 3600);
    late.uncertainty_ms = UINT32_MAX;
    assert_int_equal(effective_time(&record, &late, NULL).uncertainty_ms, EFFECTIVE_NO_IDEA);
}

static void a_boot_between_two_others_has_bounds(void **state)
{
    const struct {
        enum wall_trust trust;
        bool has_from;
        int64_t from_ms, to_ms, wall_ms;
        enum effective_source source;
        int64_t ms;
        uint32_t uncertainty_ms;
    } cases[] = {
        /* 10 s into the boot: between from + 10 s and to. */
        {WALL_UNSET, true, 1000000, 1410000, 3, EFFECTIVE_BETWEEN, 1210000, 200000},
        {WALL_UNSET, true, 1000000, 1610000, 3, EFFECTIVE_BETWEEN, 1310000, 300000},
        {WALL_UNSET, true, 1000000, 1610001, 3, EFFECTIVE_UNKNOWN, 0, UINT32_MAX},
        {WALL_UNSET, true, 1000000, 1010000, 3, EFFECTIVE_BETWEEN, 1010000, 0},
        {WALL_UNSET, true, 1000000, 1009999, 3, EFFECTIVE_UNKNOWN, 0, UINT32_MAX},
        {WALL_UNSET, false, 0, 1010000, 3, EFFECTIVE_UNKNOWN, 0, UINT32_MAX},
        /* A battery clock is believed as far as the bounds and 300 s allow. */
        {WALL_RTC, true, 1000000, 9000000, 2000000, EFFECTIVE_RTC, 2000000, 7000000},
        {WALL_RTC, true, 1000000, 9000000, 710000, EFFECTIVE_RTC, 710000, 8290000},
        {WALL_RTC, true, 1000000, 9000000, 709999, EFFECTIVE_UNKNOWN, 0, UINT32_MAX},
        {WALL_RTC, true, 1000000, 9000000, 9300000, EFFECTIVE_RTC, 9300000, 8290000},
        {WALL_RTC, true, 1000000, 9000000, 9300001, EFFECTIVE_UNKNOWN, 0, UINT32_MAX},
        {WALL_RTC, false, 0, 9000000, 9300001, EFFECTIVE_UNKNOWN, 0, UINT32_MAX},
        {WALL_RTC, false, 0, 9000000, 3, EFFECTIVE_RTC, 3, UINT32_MAX},
        {WALL_RTC, true, 1000000, 1410000, 9300001, EFFECTIVE_BETWEEN, 1210000, 200000},
        {WALL_RTC, true, 1000000, 9000000, INT64_MIN, EFFECTIVE_UNKNOWN, 0, UINT32_MAX},
        {WALL_SYNCED, true, 1000000, 9000000, 3, EFFECTIVE_STAMPED, 3, UINT32_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct effective_bounds bounds = {.has_from = cases[i].has_from,
            .from_ms = NOW_MS + cases[i].from_ms,
            .to_ms = NOW_MS + cases[i].to_ms};
        const struct record record = {.boot_ms = 10000,
            .wall_ms = NOW_MS + cases[i].wall_ms,
            .wall_trust = cases[i].trust,
            .wall_uncertainty_ms = UINT32_MAX};
        struct effective_time time = effective_time(&record, NULL, &bounds);

        assert_int_equal(time.source, cases[i].source);
        assert_true(time.ms == (cases[i].source == EFFECTIVE_UNKNOWN ? 0 : NOW_MS + cases[i].ms));
        assert_int_equal(time.uncertainty_ms, cases[i].uncertainty_ms);
    }
}

static void a_battery_clock_that_was_moved_is_doubted_by_as_much(void **state)
{
    struct effective_bounds bounds = {
        .has_from = true, .from_ms = NOW_MS, .to_ms = NOW_MS + 60000, .step_ms = 300000};
    struct record record = {.boot_ms = 10000,
        .wall_ms = NOW_MS + 30000,
        .wall_trust = WALL_RTC,
        .wall_uncertainty_ms = UINT32_MAX};

    (void)state;
    assert_int_equal(effective_time(&record, NULL, &bounds).source, EFFECTIVE_RTC);
    assert_int_equal(effective_time(&record, NULL, &bounds).uncertainty_ms, 300000);
    bounds.step_ms++;
    assert_int_equal(effective_time(&record, NULL, &bounds).source, EFFECTIVE_BETWEEN);
    bounds.from_ms = INT64_MAX;
    assert_int_equal(effective_time(&record, NULL, &bounds).source, EFFECTIVE_UNKNOWN);
}

static void seconds_are_cut_towards_the_past(void **state)
{
    (void)state;
    assert_int_equal(effective_seconds(1999), 1);
    assert_int_equal(effective_seconds(2000), 2);
    assert_int_equal(effective_seconds(-1), -1);
    assert_int_equal(effective_seconds(-1000), -1);
    assert_int_equal(effective_seconds(-1001), -2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_stamp_is_placed_by_the_best_evidence),
        cmocka_unit_test(an_anchor_is_worth_less_the_further_away_it_is),
        cmocka_unit_test(a_boot_between_two_others_has_bounds),
        cmocka_unit_test(a_battery_clock_that_was_moved_is_doubted_by_as_much),
        cmocka_unit_test(seconds_are_cut_towards_the_past),
    };

    return cmocka_run_group_tests_name("effective_time", tests, NULL, NULL);
}
