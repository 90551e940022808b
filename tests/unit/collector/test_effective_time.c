/* test_effective_time.c - when a tap really was. */
#include "collector/storage/effective_time.h"

#include <stdint.h>

#include "collector/storage/storage.h"
#include "proto/messages.h"
#include "tests/unit/suite.h"

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
        {WALL_RTC, NULL, 20000, 3, EFFECTIVE_RTC, 3},
        {WALL_UNSET, NULL, 20000, 3, EFFECTIVE_UNKNOWN, 0},
        {WALL_UNSET, &anchor, UINT64_MAX, 3, EFFECTIVE_UNKNOWN, 0},
        {WALL_RTC, &anchor, UINT64_MAX, 3, EFFECTIVE_RTC, 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct record record = {.type = RECORD_TAP,
            .boot_id = 9,
            .boot_ms = cases[i].boot_ms,
            .wall_ms = cases[i].wall_ms,
            .wall_trust = cases[i].trust};
        struct effective_time time = effective_time(&record, cases[i].anchor);

        assert_int_equal(time.source, cases[i].source);
        assert_true(time.ms == cases[i].ms);
    }
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
        cmocka_unit_test(seconds_are_cut_towards_the_past),
    };

    return cmocka_run_group_tests_name("effective_time", tests, NULL, NULL);
}
