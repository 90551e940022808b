/*
 * test_timetrust.c - stamps say what was believed; anchors say when belief changed.
 */
#include "tests/unit/suite.h"

#include "gateway/timetrust.h"
#include "hal/fake/fake_clock.h"

static struct fake_clock fake;
static struct timetrust timetrust;
static struct record anchor;

/* A Pi without battery clock, 10 s after power-up, showing 1 January 2020. */
static int start(void **state)
{
    (void)state;
    fake_clock_init(&fake, 42, 1577836800000);
    fake_clock_advance_us(&fake, 10000000);
    timetrust_init(&timetrust, &fake.base);
    return 0;
}

static bool take_anchor(void)
{
    bool is_due = timetrust_check(&timetrust, &anchor);

    if (is_due) {
        timetrust_anchored(&timetrust, &anchor);
    }
    return is_due;
}

static void a_stamp_says_what_the_clock_says(void **state)
{
    struct record record = {0};

    (void)state;
    fake_clock_sync(&fake, 1700000000000, 7);
    timetrust_stamp(&timetrust, &record);
    assert_int_equal(record.boot_id, 42);
    assert_int_equal(record.boot_ms, 10000);
    assert_int_equal(record.wall_ms, 1700000000000);
    assert_int_equal(record.wall_trust, WALL_SYNCED);
    assert_int_equal(record.wall_uncertainty_ms, 7);
}

static void every_trust_of_the_clock_is_told(void **state)
{
    struct record record = {0};

    (void)state;
    fake_clock_set_trust(&fake, HAL_CLOCK_RTC, 2000);
    timetrust_stamp(&timetrust, &record);
    assert_int_equal(record.wall_trust, WALL_RTC);
    fake_clock_set_trust(&fake, HAL_CLOCK_UNSET, UINT32_MAX);
    timetrust_stamp(&timetrust, &record);
    assert_int_equal(record.wall_trust, WALL_UNSET);
}

static void a_stamp_of_a_moment_ago_is_that_moment_on_both_clocks(void **state)
{
    struct record record = {0};

    (void)state;
    fake_clock_sync(&fake, 1700000000000, 0);
    fake_clock_advance_us(&fake, 90000);
    timetrust_stamp_at(&timetrust, 10000000, &record);
    assert_int_equal(record.boot_ms, 10000);
    assert_int_equal(record.wall_ms, 1700000000000);
}

static void a_stamp_is_never_in_the_future(void **state)
{
    struct record record = {0};

    (void)state;
    timetrust_stamp_at(&timetrust, 99000000, &record);
    assert_int_equal(record.boot_ms, 10000);
}

static void an_unset_clock_that_just_runs_needs_no_anchor(void **state)
{
    (void)state;
    fake_clock_advance_us(&fake, 3600ull * 1000000);
    assert_false(take_anchor());
}

static void the_first_sync_of_a_boot_is_anchored_once(void **state)
{
    (void)state;
    fake_clock_advance_us(&fake, 5000000);
    fake_clock_sync(&fake, 1700000000000, 3);
    assert_true(take_anchor());
    assert_int_equal(anchor.type, RECORD_CLOCK_SET);
    assert_int_equal(anchor.boot_ms, 15000);
    assert_int_equal(anchor.wall_ms, 1700000000000);
    assert_int_equal(anchor.wall_trust, WALL_SYNCED);
    fake_clock_advance_us(&fake, 3600ull * 1000000);
    assert_false(take_anchor());
}

static void the_anchor_says_what_the_clock_would_have_shown(void **state)
{
    (void)state;
    fake_clock_advance_us(&fake, 5000000);
    fake_clock_sync(&fake, 1700000000000, 3);
    assert_true(take_anchor());
    assert_int_equal(anchor.clock_set.wall_before_ms, 1577836800000 + 15000);
}

static void an_earlier_tap_gets_its_true_time_from_the_anchor(void **state)
{
    struct record tap = {0};

    (void)state;
    timetrust_stamp(&timetrust, &tap);
    fake_clock_advance_us(&fake, 600ull * 1000000);
    fake_clock_sync(&fake, 1700000600000, 3);
    assert_true(take_anchor());
    assert_int_equal(anchor.wall_ms - (int64_t)(anchor.boot_ms - tap.boot_ms), 1700000000000);
}

static void a_clock_that_is_synced_at_start_is_anchored(void **state)
{
    (void)state;
    fake_clock_sync(&fake, 1700000000000, 3);
    timetrust_init(&timetrust, &fake.base);
    assert_true(take_anchor());
    assert_false(take_anchor());
}

static void an_anchor_stays_due_until_it_was_stored(void **state)
{
    (void)state;
    fake_clock_sync(&fake, 1700000000000, 3);
    assert_true(timetrust_check(&timetrust, &anchor));
    assert_true(timetrust_check(&timetrust, &anchor));
    timetrust_anchored(&timetrust, &anchor);
    assert_false(timetrust_check(&timetrust, &anchor));
}

static void a_step_either_way_is_anchored(void **state)
{
    static const int64_t steps_ms[] = {1001, -1001, 3600000, -3600000};

    (void)state;
    fake_clock_sync(&fake, 1700000000000, 3);
    assert_true(take_anchor());
    for (size_t i = 0; i < sizeof steps_ms / sizeof steps_ms[0]; i++) {
        int64_t before = anchor.wall_ms;

        fake_clock_step_wall(&fake, steps_ms[i]);
        assert_true(take_anchor());
        assert_int_equal(anchor.wall_ms - before, steps_ms[i]);
        assert_int_equal(anchor.clock_set.wall_before_ms, before);
    }
}

static void small_corrections_are_not_anchored_until_they_add_up(void **state)
{
    (void)state;
    fake_clock_sync(&fake, 1700000000000, 3);
    assert_true(take_anchor());
    fake_clock_step_wall(&fake, 600);
    assert_false(take_anchor());
    fake_clock_step_wall(&fake, 600);
    assert_true(take_anchor());
}

static void a_battery_clock_found_after_start_is_anchored(void **state)
{
    (void)state;
    fake_clock_set_trust(&fake, HAL_CLOCK_RTC, 2000);
    assert_true(take_anchor());
    fake_clock_set_trust(&fake, HAL_CLOCK_SYNCED, 5);
    assert_true(take_anchor());
}

static void losing_trust_and_getting_it_back_is_no_anchor(void **state)
{
    (void)state;
    fake_clock_sync(&fake, 1700000000000, 3);
    assert_true(take_anchor());
    fake_clock_set_trust(&fake, HAL_CLOCK_UNSET, UINT32_MAX);
    assert_false(take_anchor());
    fake_clock_set_trust(&fake, HAL_CLOCK_SYNCED, 5);
    assert_false(take_anchor());
}

#define TEST(name) cmocka_unit_test_setup(name, start)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stamp_says_what_the_clock_says),
        TEST(every_trust_of_the_clock_is_told),
        TEST(a_stamp_of_a_moment_ago_is_that_moment_on_both_clocks),
        TEST(a_stamp_is_never_in_the_future),
        TEST(an_unset_clock_that_just_runs_needs_no_anchor),
        TEST(the_first_sync_of_a_boot_is_anchored_once),
        TEST(the_anchor_says_what_the_clock_would_have_shown),
        TEST(an_earlier_tap_gets_its_true_time_from_the_anchor),
        TEST(a_clock_that_is_synced_at_start_is_anchored),
        TEST(an_anchor_stays_due_until_it_was_stored),
        TEST(a_step_either_way_is_anchored),
        TEST(small_corrections_are_not_anchored_until_they_add_up),
        TEST(a_battery_clock_found_after_start_is_anchored),
        TEST(losing_trust_and_getting_it_back_is_no_anchor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
