/*
 * test_direction.c - in, out or the same again.
 */
#include "tests/unit/suite.h"

#include <string.h>

#include "tap/direction.h"

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE };

static struct direction direction;

static struct record tap_at(unsigned tag, uint64_t boot_ms)
{
    struct record record = {
        .type = RECORD_TAP, .boot_id = 1, .boot_ms = boot_ms, .wall_trust = WALL_SYNCED};

    record.wall_ms = 1700000000000 + (int64_t)boot_ms;
    record.tap.uid_size = 7;
    record.tap.uid[0] = (uint8_t)tag;
    record.tap.uid[1] = (uint8_t)(tag >> 8);
    return record;
}

/* Decide and remember a tap on reader 0, as if it was stored. */
static struct record tap_on(unsigned tag, uint64_t boot_ms)
{
    struct record record = tap_at(tag, boot_ms);

    direction_decide(&direction, 0, &record);
    direction_remember(&direction, 0, &record);
    return record;
}

static void take_away(unsigned tag)
{
    struct record record = tap_at(tag, 0);

    direction_gone(&direction, 0, record.tap.uid, record.tap.uid_size);
}

/* Tap and take the tag away. */
static struct record touch(unsigned tag, uint64_t boot_ms)
{
    struct record record = tap_on(tag, boot_ms);

    take_away(tag);
    return record;
}

static void assert_tap(const struct record *record, enum tap_direction expected, uint32_t flags)
{
    assert_int_equal(record->tap.direction, expected);
    assert_int_equal(record->tap.flags & TAP_FLAG_BOUNCE, flags);
}

static int start(void **state)
{
    (void)state;
    direction_init(&direction, 0);
    return 0;
}

static void the_first_tap_is_in_the_next_out_the_next_in(void **state)
{
    struct record first = touch(1, 0);
    struct record second = touch(1, 30 * MINUTE);
    struct record third = touch(1, 60 * MINUTE);

    (void)state;
    assert_tap(&first, TAP_IN, 0);
    assert_tap(&second, TAP_OUT, 0);
    assert_tap(&third, TAP_IN, 0);
}

static void tags_do_not_know_of_each_other(void **state)
{
    struct record first = touch(1, 0);
    struct record second = touch(2, 1 * MINUTE);
    struct record third = touch(1, 30 * MINUTE);
    struct record fourth = touch(2, 31 * MINUTE);

    (void)state;
    assert_tap(&first, TAP_IN, 0);
    assert_tap(&second, TAP_IN, 0);
    assert_tap(&third, TAP_OUT, 0);
    assert_tap(&fourth, TAP_OUT, 0);
}

static void a_nervous_second_tap_means_the_same_again(void **state)
{
    static const uint64_t later_ms[] = {1, 500, 10 * 1000, 119999};

    (void)state;
    for (size_t i = 0; i < sizeof later_ms / sizeof later_ms[0]; i++) {
        struct record first = {0};
        struct record second = {0};
        struct record leaving = {0};

        direction_init(&direction, 0);
        first = touch(1, 0);
        second = touch(1, later_ms[i]);
        leaving = touch(1, 30 * MINUTE);
        assert_tap(&first, TAP_IN, 0);
        assert_tap(&second, TAP_IN, TAP_FLAG_BOUNCE);
        assert_tap(&leaving, TAP_OUT, 0);
    }
}

static void a_nervous_second_tap_on_leaving_does_not_arrive(void **state)
{
    struct record second = {0};

    (void)state;
    (void)touch(1, 0);
    (void)touch(1, 30 * MINUTE);
    second = touch(1, 30 * MINUTE + 5000);
    assert_tap(&second, TAP_OUT, TAP_FLAG_BOUNCE);
}

static void two_minutes_after_a_tap_the_next_one_counts(void **state)
{
    struct record second = {0};

    (void)state;
    (void)touch(1, 0);
    second = touch(1, DIRECTION_BOUNCE_MS);
    assert_tap(&second, TAP_OUT, 0);
}

static void bounces_do_not_extend_the_two_minutes(void **state)
{
    struct record last = {0};

    (void)state;
    (void)touch(1, 0);
    (void)touch(1, 60 * 1000);
    (void)touch(1, 110 * 1000);
    last = touch(1, 121 * 1000);
    assert_tap(&last, TAP_OUT, 0);
}

static void a_tag_left_on_the_reader_all_night_stays_one_tap(void **state)
{
    struct record again = {0};
    struct record morning = {0};

    (void)state;
    (void)tap_on(1, 0);
    again = tap_on(1, 3 * HOUR);
    assert_tap(&again, TAP_IN, TAP_FLAG_BOUNCE);
    take_away(1);
    morning = touch(1, 3 * HOUR + MINUTE);
    assert_tap(&morning, TAP_OUT, 0);
}

static void a_tag_laid_on_a_forgotten_one_is_its_own(void **state)
{
    struct record second = {0};
    struct record leaving = {0};

    (void)state;
    (void)tap_on(1, 0);
    second = touch(2, MINUTE);
    assert_tap(&second, TAP_IN, 0);
    leaving = touch(2, 20 * MINUTE);
    assert_tap(&leaving, TAP_OUT, 0);
}

static void another_reader_does_not_know_what_lies_on_this_one(void **state)
{
    struct record elsewhere = tap_at(1, 10 * MINUTE);

    (void)state;
    (void)tap_on(1, 0);
    direction_decide(&direction, 1, &elsewhere);
    assert_tap(&elsewhere, TAP_OUT, 0);
}

static void a_reader_that_broke_down_does_not_swallow_a_leaving(void **state)
{
    struct record leaving = {0};

    (void)state;
    (void)tap_on(1, 0);
    direction_forget_present(&direction, 0);
    leaving = tap_on(1, 30 * MINUTE);
    assert_tap(&leaving, TAP_OUT, 0);
}

static void a_forgotten_tap_out_does_not_turn_the_next_visit_round(void **state)
{
    struct record next = {0};

    (void)state;
    (void)touch(1, 0);
    next = touch(1, 4ull * HOUR);
    assert_tap(&next, TAP_IN, 0);
}

static void the_limit_is_the_homes_own(void **state)
{
    struct record leaving = {0};

    (void)state;
    direction_init(&direction, 14 * 3600);
    (void)touch(1, 0);
    leaving = touch(1, 13ull * HOUR);
    assert_tap(&leaving, TAP_OUT, 0);
}

static void a_tap_that_was_not_stored_changes_nothing(void **state)
{
    struct record refused = tap_at(1, 0);
    struct record stored = {0};

    (void)state;
    direction_decide(&direction, 0, &refused);
    stored = touch(1, 5000);
    assert_tap(&stored, TAP_IN, 0);
}

static void a_random_number_is_always_in(void **state)
{
    struct record first = tap_at(1, 0);
    struct record second = tap_at(1, 1000);

    (void)state;
    first.tap.flags = TAP_FLAG_RANDOM_UID;
    second.tap.flags = TAP_FLAG_RANDOM_UID;
    direction_decide(&direction, 0, &first);
    direction_remember(&direction, 0, &first);
    direction_decide(&direction, 0, &second);
    assert_tap(&second, TAP_IN, 0);
    assert_int_equal(second.tap.flags, TAP_FLAG_RANDOM_UID);
}

static void the_tag_tapped_longest_ago_makes_room(void **state)
{
    struct record oldest = {0};
    struct record newest = {0};

    (void)state;
    for (unsigned tag = 0; tag <= DIRECTION_TAGS_MAX; tag++) {
        (void)touch(tag, tag);
    }
    newest = touch(DIRECTION_TAGS_MAX, 30 * MINUTE);
    oldest = touch(0, 30 * MINUTE);
    assert_tap(&newest, TAP_OUT, 0);
    assert_tap(&oldest, TAP_IN, 0);
}

/* ---- after a restart ---------------------------------------------------------------------- */

/* Rebuild from log[count - 1] down to log[0] at the moment of now. */
static void replay(const struct record *log, size_t count, const struct record *now)
{
    struct direction_replay cursor = {0};

    direction_init(&direction, 0);
    for (size_t i = count; i > 0; i--) {
        if (!direction_replay(&direction, &cursor, &log[i - 1], now)) {
            break;
        }
    }
}

static void an_open_check_in_survives_a_restart_of_the_daemon(void **state)
{
    struct record log[2] = {tap_at(2, 0), tap_at(1, 5000)};
    struct record now = tap_at(0, 10 * MINUTE);
    struct record leaving = {0};

    (void)state;
    log[0].tap.direction = TAP_IN;
    log[1].tap.direction = TAP_IN;
    replay(log, 2, &now);
    leaving = touch(1, 30 * MINUTE);
    assert_tap(&leaving, TAP_OUT, 0);
    leaving = touch(2, 30 * MINUTE);
    assert_tap(&leaving, TAP_OUT, 0);
}

static void an_open_check_in_survives_a_power_cut_without_a_clock(void **state)
{
    struct record log[1] = {tap_at(1, 5000)};
    struct record now = tap_at(0, 1000);
    struct record leaving = tap_at(1, 10 * MINUTE);

    (void)state;
    log[0].tap.direction = TAP_IN;
    log[0].wall_trust = WALL_UNSET;
    now.boot_id = leaving.boot_id = 2;
    now.wall_trust = leaving.wall_trust = WALL_UNSET;
    replay(log, 1, &now);
    direction_decide(&direction, 0, &leaving);
    assert_tap(&leaving, TAP_OUT, 0);
}

static void leaving_just_after_a_power_cut_is_no_bounce(void **state)
{
    struct record log[1] = {tap_at(1, 5000)};
    struct record now = tap_at(0, 1000);
    struct record leaving = tap_at(1, 30 * 1000);

    (void)state;
    log[0].tap.direction = TAP_IN;
    log[0].wall_trust = WALL_UNSET;
    now.boot_id = leaving.boot_id = 2;
    replay(log, 1, &now);
    direction_decide(&direction, 0, &leaving);
    assert_tap(&leaving, TAP_OUT, 0);
}

static void a_check_in_of_unknown_age_runs_out_with_the_limit(void **state)
{
    struct record log[1] = {tap_at(1, 5000)};
    struct record now = tap_at(0, 1000);
    struct record next = tap_at(1, 5ull * HOUR);

    (void)state;
    log[0].tap.direction = TAP_IN;
    log[0].wall_trust = WALL_UNSET;
    now.boot_id = next.boot_id = 2;
    replay(log, 1, &now);
    direction_decide(&direction, 0, &next);
    assert_tap(&next, TAP_IN, 0);
}

static void an_old_check_in_of_another_boot_does_not_count(void **state)
{
    struct record log[1] = {tap_at(1, 0)};
    struct record now = tap_at(0, 0);
    struct record next = tap_at(1, MINUTE);

    (void)state;
    log[0].tap.direction = TAP_IN;
    now.boot_id = next.boot_id = 2;
    now.wall_ms += 6ll * HOUR;
    next.wall_ms = now.wall_ms + MINUTE;
    replay(log, 1, &now);
    direction_decide(&direction, 0, &next);
    assert_tap(&next, TAP_IN, 0);
}

static void a_later_trusted_stamp_dates_an_earlier_check_in(void **state)
{
    struct record log[2] = {tap_at(1, 0), {.type = RECORD_CLOCK_SET}};
    struct record now = tap_at(0, 0);
    struct record next = tap_at(1, MINUTE);

    (void)state;
    log[0].tap.direction = TAP_IN;
    log[0].wall_trust = WALL_UNSET;
    log[0].wall_ms = 0;
    log[1].boot_id = 1;
    log[1].boot_ms = 60 * MINUTE;
    log[1].wall_ms = 1700000000000 + 60 * MINUTE;
    log[1].wall_trust = WALL_SYNCED;
    now.boot_id = next.boot_id = 2;
    now.wall_ms = 1700000000000 + 6ll * HOUR;
    next.wall_ms = now.wall_ms + MINUTE;
    replay(log, 2, &now);
    direction_decide(&direction, 0, &next);
    assert_tap(&next, TAP_IN, 0);
}

static void bounces_in_the_log_do_not_hide_what_they_repeat(void **state)
{
    struct record log[2] = {tap_at(1, 0), tap_at(1, 60 * 1000)};
    struct record now = tap_at(0, 90 * 1000);
    struct record leaving = {0};

    (void)state;
    log[0].tap.direction = TAP_IN;
    log[1].tap.direction = TAP_IN;
    log[1].tap.flags = TAP_FLAG_BOUNCE;
    replay(log, 2, &now);
    leaving = touch(1, 125 * 1000);
    assert_tap(&leaving, TAP_OUT, 0);
}

static void a_closed_check_in_stays_closed_over_a_restart(void **state)
{
    struct record log[2] = {tap_at(1, 0), tap_at(1, 20 * MINUTE)};
    struct record now = tap_at(0, 30 * MINUTE);
    struct record next = {0};

    (void)state;
    log[0].tap.direction = TAP_IN;
    log[1].tap.direction = TAP_OUT;
    replay(log, 2, &now);
    next = touch(1, 60 * MINUTE);
    assert_tap(&next, TAP_IN, 0);
}

static void replay_keeps_the_newest_tags_of_a_long_log(void **state)
{
    static struct record log[DIRECTION_TAGS_MAX + 50];
    const size_t count = sizeof log / sizeof log[0];
    struct record now = tap_at(0, 10 * MINUTE);
    struct record newest = {0};
    struct record oldest = {0};

    (void)state;
    for (unsigned tag = 0; tag < count; tag++) {
        log[tag] = tap_at(tag, tag);
        log[tag].tap.direction = TAP_IN;
    }
    replay(log, count, &now);
    newest = touch((unsigned)count - 1, 30 * MINUTE);
    oldest = touch(0, 30 * MINUTE);
    assert_tap(&newest, TAP_OUT, 0);
    assert_tap(&oldest, TAP_IN, 0);
}

#define TEST(name) cmocka_unit_test_setup(name, start)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_tap_is_in_the_next_out_the_next_in),
        TEST(tags_do_not_know_of_each_other),
        TEST(a_nervous_second_tap_means_the_same_again),
        TEST(a_nervous_second_tap_on_leaving_does_not_arrive),
        TEST(two_minutes_after_a_tap_the_next_one_counts),
        TEST(bounces_do_not_extend_the_two_minutes),
        TEST(a_tag_left_on_the_reader_all_night_stays_one_tap),
        TEST(a_tag_laid_on_a_forgotten_one_is_its_own),
        TEST(another_reader_does_not_know_what_lies_on_this_one),
        TEST(a_reader_that_broke_down_does_not_swallow_a_leaving),
        TEST(a_forgotten_tap_out_does_not_turn_the_next_visit_round),
        TEST(the_limit_is_the_homes_own),
        TEST(a_tap_that_was_not_stored_changes_nothing),
        TEST(a_random_number_is_always_in),
        TEST(the_tag_tapped_longest_ago_makes_room),
        TEST(an_open_check_in_survives_a_restart_of_the_daemon),
        TEST(an_open_check_in_survives_a_power_cut_without_a_clock),
        TEST(leaving_just_after_a_power_cut_is_no_bounce),
        TEST(a_check_in_of_unknown_age_runs_out_with_the_limit),
        TEST(an_old_check_in_of_another_boot_does_not_count),
        TEST(a_later_trusted_stamp_dates_an_earlier_check_in),
        TEST(bounces_in_the_log_do_not_hide_what_they_repeat),
        TEST(a_closed_check_in_stays_closed_over_a_restart),
        TEST(replay_keeps_the_newest_tags_of_a_long_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
