/*
 * The tag reader's program over fakes: what is green is in the flash, and nothing else is green.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "firmware/crypto/crypto.h"
#include "rig.h"

static int setup(void **state)
{
    static struct rig rig;

    rig_init(&rig);
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    rig_done(*state);
    return 0;
}

static enum hal_feedback_pattern last_shown(const struct rig *rig)
{
    return fake_feedback_last(&rig->feedback);
}

static void a_start_is_a_record_with_the_version(void **state)
{
    struct rig *rig = *state;
    struct record record = rig_record(rig, 1);

    assert_int_equal(record.type, RECORD_BOOT);
    assert_string_equal(record.note.text, "1.2.3");
    assert_int_equal(record.boot_id, rig->clock.base.boot_id);
    assert_int_equal(record.wall_trust, WALL_UNSET);
    assert_int_equal(last_shown(rig), HAL_FEEDBACK_READY);
}

static void a_tap_is_stored_and_then_shown(void **state)
{
    struct rig *rig = *state;
    uint64_t at_us = rig->clock.boot_us;
    struct record record;

    rig_tap(rig, 9);
    record = rig_record(rig, 2);
    assert_int_equal(last_shown(rig), HAL_FEEDBACK_IN);
    assert_int_equal(record.type, RECORD_TAP);
    assert_int_equal(record.boot_ms, at_us / 1000);
    assert_string_equal(record.tap.reader, "tagreader");
    assert_int_equal(record.tap.uid[6], 9);
    assert_int_equal(record.tap.direction, TAP_IN);
    assert_int_equal(rig->feedback.per_pattern[HAL_FEEDBACK_IN], 1);
}

static void the_next_tap_leaves_and_a_bounce_means_the_same(void **state)
{
    struct rig *rig = *state;

    rig_tap(rig, 1);
    rig_tap(rig, 1);
    rig_run(rig, RIG_BOUNCE_US);
    rig_tap(rig, 1);
    assert_int_equal(rig_record(rig, 3).tap.direction, TAP_IN);
    assert_int_equal(rig_record(rig, 3).tap.flags, TAP_FLAG_BOUNCE);
    assert_int_equal(rig_record(rig, 4).tap.direction, TAP_OUT);
    assert_int_equal(last_shown(rig), HAL_FEEDBACK_OUT);
}

static void who_is_here_is_known_after_a_restart(void **state)
{
    struct rig *rig = *state;

    for (uint8_t i = 0; i < 40; i++) {
        rig_tap(rig, i);
    }
    assert_int_equal(rig_restart(rig), 0);
    rig_run(rig, RIG_BOUNCE_US);
    rig_tap(rig, 3);
    assert_int_equal(last_shown(rig), HAL_FEEDBACK_OUT);
    rig_tap(rig, 200);
    assert_int_equal(last_shown(rig), HAL_FEEDBACK_IN);
}

static void a_flash_that_fails_is_red(void **state)
{
    struct rig *rig = *state;

    rig->flash.is_dead = true;
    rig_tap(rig, 1);
    assert_int_equal(last_shown(rig), HAL_FEEDBACK_REFUSED);
    assert_int_equal(rig->app.counters.taps_refused, 1);
    assert_int_equal(rig->feedback.per_pattern[HAL_FEEDBACK_IN], 0);
}

static void a_tap_that_was_not_stored_has_not_happened(void **state)
{
    struct rig *rig = *state;

    rig->flash.is_dead = true;
    rig_tap(rig, 1);
    rig->flash.is_dead = false;
    rig_tap(rig, 1);
    assert_int_equal(last_shown(rig), HAL_FEEDBACK_IN);
}

static void a_full_log_is_red_until_the_collector_has_something(void **state)
{
    struct rig *rig = *state;
    uint64_t head = 0;

    for (int i = 0; i < 400 && last_shown(rig) != HAL_FEEDBACK_REFUSED; i++) {
        rig_tap(rig, (uint8_t)i);
    }
    assert_int_equal(last_shown(rig), HAL_FEEDBACK_REFUSED);
    head = flashlog_head(&rig->app.log);
    assert_true(head > (RIG_SECTORS - FLASHLOG_RESERVE - 1) * FLASHLOG_SECTOR_RECORDS);
    for (uint64_t seq = 1; seq <= head; seq++) {
        (void)rig_record(rig, seq);
    }
    assert_int_equal(flashlog_done(&rig->app.log, head - 10), 0);
    rig_tap(rig, 250);
    assert_int_equal(last_shown(rig), HAL_FEEDBACK_IN);
}

static void the_chain_goes_on_after_a_restart(void **state)
{
    struct rig *rig = *state;
    uint8_t head[CRYPTO_HASH_SIZE];
    struct flashlog_item item;

    for (uint8_t i = 0; i < 45; i++) {
        rig_tap(rig, i);
    }
    assert_int_equal(rig_restart(rig), 0);
    crypto_chain_start(RIG_DEVICE, flashlog_epoch(&rig->app.log), head);
    for (uint64_t seq = 1; seq <= flashlog_head(&rig->app.log); seq++) {
        assert_int_equal(flashlog_read(&rig->app.log, seq, &item), 0);
        crypto_chain_next(head, item.bytes, item.size, head);
    }
    assert_memory_equal(rig->app.chain, head, sizeof head);
}

static void the_log_of_another_reader_is_refused_and_left_alone(void **state)
{
    struct rig *rig = *state;
    uint32_t programs = 0;

    rig_tap(rig, 1);
    rig->app.conf.device_id = "PR-0008";
    programs = rig->flash.programs;
    {
        const struct app_ports ports = rig->app.ports;
        const struct app_conf conf = rig->app.conf;

        assert_int_equal(app_start(&rig->app, &ports, &conf), -EXDEV);
    }
    rig_tap(rig, 2);
    assert_int_equal(last_shown(rig), HAL_FEEDBACK_REFUSED);
    assert_int_equal(rig->flash.programs, programs);
}

/* The power goes in every unit of flash work that a tap needs, and in those of the start after it. */
static void no_power_cut_takes_a_tap_that_was_green(void **state)
{
    struct rig *rig = *state;
    uint8_t number = 0;

    for (uint64_t unit = 1; unit < 200; unit++) {
        uint32_t greens = rig->feedback.per_pattern[HAL_FEEDBACK_IN];
        uint64_t head = flashlog_head(&rig->app.log);
        bool was_green = false;

        rig->flash.cut_at = rig->flash.units + unit;
        rig_tap(rig, ++number);
        was_green = rig->feedback.per_pattern[HAL_FEEDBACK_IN] > greens;
        while (rig_restart(rig) < 0) {
        }
        (void)flashlog_done(&rig->app.log, head);
        if (was_green) {
            assert_int_equal(rig_record(rig, head + 1).tap.uid[6], number);
        }
    }
}

/* 31 taps fill a sector; the next one is erased in between, not on the way to green. */
static void no_erase_stands_between_a_tap_and_its_light(void **state)
{
    enum { GREEN_US = 5000 };
    struct rig *rig = *state;

    rig_run(rig, RIG_TAP_US);
    for (int i = 0; i < 3 * FLASHLOG_SECTOR_RECORDS; i++) {
        uint64_t at_us = rig->clock.boot_us;
        uint32_t shown = rig->feedback.count % FAKE_FEEDBACK_SHOWN_MAX;

        rig_tap(rig, (uint8_t)i);
        assert_true(rig->feedback.shown[shown].at_us - at_us < GREEN_US);
    }
    assert_true(rig->app.counters.prepares >= 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_start_is_a_record_with_the_version),
        TEST(a_tap_is_stored_and_then_shown),
        TEST(the_next_tap_leaves_and_a_bounce_means_the_same),
        TEST(who_is_here_is_known_after_a_restart),
        TEST(a_flash_that_fails_is_red),
        TEST(a_tap_that_was_not_stored_has_not_happened),
        TEST(a_full_log_is_red_until_the_collector_has_something),
        TEST(the_chain_goes_on_after_a_restart),
        TEST(the_log_of_another_reader_is_refused_and_left_alone),
        TEST(no_power_cut_takes_a_tap_that_was_green),
        TEST(no_erase_stands_between_a_tap_and_its_light),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
