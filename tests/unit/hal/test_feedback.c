/*
 * test_feedback.c - what the carer sees and hears, on lines.
 */
#include <errno.h>

#include "hal/fake/fake_feedback.h"
#include "hal/fake/fake_gpio.h"
#include "hal/linux/feedback_gpio.h"
#include "tests/unit/suite.h"

enum { PATTERN_MS_MAX = 5000 };

struct panel {
    struct fake_gpio_out green;
    struct fake_gpio_out red;
    struct fake_gpio_out amber;
    struct fake_gpio_out buzzer;
    struct feedback_gpio feedback;
};

static struct panel panel;

static int set_up(void **state)
{
    const struct feedback_gpio_lines lines = {.green = &panel.green.base,
        .red = &panel.red.base,
        .amber = &panel.amber.base,
        .buzzer = &panel.buzzer.base};

    (void)state;
    fake_gpio_out_init(&panel.green, NULL);
    fake_gpio_out_init(&panel.red, NULL);
    fake_gpio_out_init(&panel.amber, NULL);
    fake_gpio_out_init(&panel.buzzer, NULL);
    feedback_gpio_init(&panel.feedback, &lines);
    return 0;
}

/* How a pattern looks from outside. */
struct seen {
    int green_ms;
    int red_ms;
    int amber_ms;
    int tone_ms;
    int tones; /* how often the buzzer starts */
    int end_ms;
};

static struct seen watch(enum hal_feedback_pattern pattern)
{
    struct seen seen = {0};
    bool was_loud = false;
    int due_ms = 0;

    assert_int_equal(hal_feedback_show(&panel.feedback.base, pattern, 0), 0);
    for (int ms = 0; ms < PATTERN_MS_MAX; ms++) {
        if (ms >= due_ms && due_ms != HAL_FEEDBACK_IDLE_MS) {
            int wait = hal_feedback_step(&panel.feedback.base, (uint64_t)ms * 1000);

            due_ms = wait == HAL_FEEDBACK_IDLE_MS ? wait : ms + wait;
            seen.end_ms = ms;
        }
        seen.green_ms += panel.green.level;
        seen.red_ms += panel.red.level;
        seen.amber_ms += panel.amber.level;
        seen.tone_ms += panel.buzzer.level;
        seen.tones += panel.buzzer.level && !was_loud;
        was_loud = panel.buzzer.level;
    }
    return seen;
}

static void arrival_is_one_long_green_and_one_tone(void **state)
{
    struct seen seen = watch(HAL_FEEDBACK_IN);

    (void)state;
    assert_int_equal(seen.green_ms, 1000);
    assert_int_equal(seen.tones, 1);
    assert_int_equal(seen.red_ms + seen.amber_ms, 0);
}

static void leaving_is_two_short_greens_and_two_tones(void **state)
{
    struct seen seen = watch(HAL_FEEDBACK_OUT);

    (void)state;
    assert_int_equal(seen.green_ms, 300);
    assert_int_equal(seen.tones, 2);
    assert_int_equal(seen.red_ms + seen.amber_ms, 0);
}

static void not_stored_is_red_and_a_long_tone(void **state)
{
    struct seen seen = watch(HAL_FEEDBACK_REFUSED);

    (void)state;
    assert_int_equal(seen.green_ms + seen.amber_ms, 0);
    assert_int_equal(seen.red_ms, 3000);
    assert_int_equal(seen.tones, 1);
    assert_int_equal(seen.tone_ms, 1500);
}

static void an_unknown_tag_is_amber_and_one_tone(void **state)
{
    struct seen seen = watch(HAL_FEEDBACK_UNKNOWN);

    (void)state;
    assert_int_equal(seen.amber_ms, 1000);
    assert_int_equal(seen.green_ms + seen.red_ms, 0);
    assert_int_equal(seen.tones, 1);
}

static void every_pattern_ends_dark_and_silent(void **state)
{
    (void)state;
    for (int i = HAL_FEEDBACK_OFF; i < HAL_FEEDBACK_PATTERNS; i++) {
        (void)watch((enum hal_feedback_pattern)i);
        assert_false(panel.green.level || panel.red.level || panel.amber.level);
        assert_false(panel.buzzer.level);
        assert_int_equal(
            hal_feedback_step(&panel.feedback.base, PATTERN_MS_MAX * 1000), HAL_FEEDBACK_IDLE_MS);
    }
}

static void a_new_pattern_takes_over_at_once(void **state)
{
    (void)state;
    assert_int_equal(hal_feedback_show(&panel.feedback.base, HAL_FEEDBACK_REFUSED, 0), 0);
    assert_true(panel.red.level);
    assert_int_equal(hal_feedback_show(&panel.feedback.base, HAL_FEEDBACK_IN, 100000), 0);
    assert_false(panel.red.level);
    assert_true(panel.green.level);
}

static void without_an_amber_lamp_green_and_red_stand_for_it(void **state)
{
    (void)state;
    panel.feedback.lines.amber = NULL;
    assert_int_equal(hal_feedback_show(&panel.feedback.base, HAL_FEEDBACK_UNKNOWN, 0), 0);
    assert_true(panel.green.level && panel.red.level);
}

static void a_dead_lamp_does_not_silence_the_rest(void **state)
{
    (void)state;
    panel.green.fail.at = panel.green.fail.calls + 1;
    panel.green.fail.forever = true;
    assert_int_equal(hal_feedback_show(&panel.feedback.base, HAL_FEEDBACK_IN, 0), -EIO);
    assert_true(panel.buzzer.level);
}

static void a_late_step_skips_what_is_over(void **state)
{
    (void)state;
    assert_int_equal(hal_feedback_show(&panel.feedback.base, HAL_FEEDBACK_OUT, 0), 0);
    assert_int_equal(hal_feedback_step(&panel.feedback.base, 310000), 140);
    assert_true(panel.green.level);
    assert_int_equal(hal_feedback_step(&panel.feedback.base, 60000000), HAL_FEEDBACK_IDLE_MS);
    assert_false(panel.green.level);
}

static void the_fake_remembers_what_was_shown(void **state)
{
    struct fake_feedback fake;

    (void)state;
    fake_feedback_init(&fake);
    assert_int_equal(fake_feedback_last(&fake), HAL_FEEDBACK_OFF);
    fake.fail.at = 2;
    assert_int_equal(hal_feedback_show(&fake.base, HAL_FEEDBACK_IN, 7), 0);
    assert_int_equal(hal_feedback_show(&fake.base, HAL_FEEDBACK_OUT, 8), -EIO);
    assert_int_equal(fake_feedback_last(&fake), HAL_FEEDBACK_IN);
    assert_int_equal(fake.per_pattern[HAL_FEEDBACK_IN], 1);
    assert_int_equal(fake.shown[0].at_us, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(arrival_is_one_long_green_and_one_tone, set_up),
        cmocka_unit_test_setup(leaving_is_two_short_greens_and_two_tones, set_up),
        cmocka_unit_test_setup(not_stored_is_red_and_a_long_tone, set_up),
        cmocka_unit_test_setup(an_unknown_tag_is_amber_and_one_tone, set_up),
        cmocka_unit_test_setup(every_pattern_ends_dark_and_silent, set_up),
        cmocka_unit_test_setup(a_new_pattern_takes_over_at_once, set_up),
        cmocka_unit_test_setup(without_an_amber_lamp_green_and_red_stand_for_it, set_up),
        cmocka_unit_test_setup(a_dead_lamp_does_not_silence_the_rest, set_up),
        cmocka_unit_test_setup(a_late_step_skips_what_is_over, set_up),
        cmocka_unit_test_setup(the_fake_remembers_what_was_shown, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
