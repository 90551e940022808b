/*
 * test_fakes.c - the simulated clock and the reader that plays a list.
 */
#include "hal/fake/fake_clock.h"
#include "hal/fake/fake_fail.h"
#include "hal/fake/fake_reader.h"
#include "tests/unit/suite.h"

static void time_passes_only_when_told_to(void **state)
{
    struct fake_clock clock;
    struct hal_clock_reading reading;

    (void)state;
    fake_clock_init(&clock, 11, 1700000000000);
    hal_clock_read(&clock.base, &reading);
    assert_int_equal(reading.boot_us, 0);
    assert_int_equal(reading.wall_ms, 1700000000000);
    assert_int_equal(reading.trust, HAL_CLOCK_UNSET);
    assert_int_equal(reading.uncertainty_ms, UINT32_MAX);
    hal_clock_sleep_us(&clock.base, 1500);
    fake_clock_advance_us(&clock, 500);
    hal_clock_read(&clock.base, &reading);
    assert_int_equal(reading.boot_us, 2000);
    assert_int_equal(reading.wall_ms, 1700000000002);
}

static void the_wall_clock_steps_and_boot_time_does_not(void **state)
{
    struct fake_clock clock;
    struct hal_clock_reading reading;

    (void)state;
    fake_clock_init(&clock, 11, 0);
    fake_clock_advance_us(&clock, 9000000);
    fake_clock_sync(&clock, 1700000000000, 40);
    fake_clock_step_wall(&clock, -3600000);
    hal_clock_read(&clock.base, &reading);
    assert_int_equal(reading.boot_us, 9000000);
    assert_int_equal(reading.wall_ms, 1699996400000);
    assert_int_equal(reading.trust, HAL_CLOCK_SYNCED);
    assert_int_equal(reading.uncertainty_ms, 40);
    fake_clock_set_trust(&clock, HAL_CLOCK_RTC, 2000);
    hal_clock_read(&clock.base, &reading);
    assert_int_equal(reading.trust, HAL_CLOCK_RTC);
}

static void a_reboot_starts_boot_time_anew(void **state)
{
    struct fake_clock clock;
    struct hal_clock_reading reading;

    (void)state;
    fake_clock_init(&clock, 11, 0);
    fake_clock_advance_to_us(&clock, 5000);
    fake_clock_advance_to_us(&clock, 3000); /* never back */
    assert_int_equal(hal_clock_boot_us(&clock.base), 5000);
    fake_clock_sync(&clock, 1700000000000, 40);
    fake_clock_reboot(&clock, 12, 86400000);
    hal_clock_read(&clock.base, &reading);
    assert_int_equal(clock.base.boot_id, 12);
    assert_int_equal(reading.boot_us, 0);
    assert_int_equal(reading.wall_ms, 86400000);
    assert_int_equal(reading.trust, HAL_CLOCK_UNSET);
}

static void call_n_fails_once_or_for_ever(void **state)
{
    struct fake_fail once = {.at = 2};
    struct fake_fail forever = {.at = 2, .forever = true};
    struct fake_fail never = {.at = 0};

    (void)state;
    for (int call = 1; call <= 4; call++) {
        assert_int_equal(fake_fail_now(&once), call == 2);
        assert_int_equal(fake_fail_now(&forever), call >= 2);
        assert_false(fake_fail_now(&never));
    }
    assert_int_equal(once.calls, 4);
}

static void a_played_reader_says_each_thing_at_its_time(void **state)
{
    static const struct fake_reader_step steps[] = {
        {1000, {.kind = HAL_READER_TAG, .tag = {.uid = {4, 2}, .uid_size = 7}}},
        {1000, {.kind = HAL_READER_GONE}},
        {9000, {.kind = HAL_READER_FAULT, .text = "gone"}},
    };
    struct fake_clock clock;
    struct fake_reader reader;
    struct hal_reader_event event;

    (void)state;
    fake_clock_init(&clock, 1, 0);
    fake_reader_init(&reader, "test", &clock.base);
    assert_int_equal(hal_reader_due_us(&reader.base), UINT64_MAX);
    fake_reader_play(&reader, steps, 3);
    hal_reader_poll(&reader.base, &event);
    assert_int_equal(event.kind, HAL_READER_NONE);
    assert_int_equal(hal_reader_due_us(&reader.base), 1000);
    fake_clock_advance_us(&clock, 1000);
    hal_reader_poll(&reader.base, &event);
    assert_int_equal(event.kind, HAL_READER_TAG);
    assert_int_equal(event.detected_us, 1000);
    hal_reader_poll(&reader.base, &event);
    assert_int_equal(event.kind, HAL_READER_GONE);
    hal_reader_poll(&reader.base, &event);
    assert_int_equal(event.kind, HAL_READER_NONE);
    fake_clock_advance_to_us(&clock, 9000);
    hal_reader_poll(&reader.base, &event);
    assert_string_equal(event.text, "gone");
    assert_int_equal(hal_reader_fd(&reader.base), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_passes_only_when_told_to),
        cmocka_unit_test(the_wall_clock_steps_and_boot_time_does_not),
        cmocka_unit_test(a_reboot_starts_boot_time_anew),
        cmocka_unit_test(call_n_fails_once_or_for_ever),
        cmocka_unit_test(a_played_reader_says_each_thing_at_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
