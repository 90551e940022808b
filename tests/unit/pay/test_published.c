/*
 * test_published.c - the published tables that a contract must come out at (docs/CONTRACTS.md),
 * a test for each row.
 */
#include "collector/pay/compose.h"

#include <string.h>

#include "base/tzif.h"
#include "collector/pay/pay.h"
#include "tests/unit/pay/contract_cases.h"
#include "tests/unit/suite.h"

enum { HOUR_S = 3600, DAY_S = 86400 };

static struct contract_words in_units(int64_t unit_min, enum contract_direction direction)
{
    struct contract_words words = plain_words();

    words.unit_min = unit_min;
    words.direction = (int)direction;
    return words;
}

static void nearest_15_is_the_8_minute_rule_in_every_band(void **state)
{
    static const int64_t bands[][3] = {{0, 7, 0}, {8, 22, 15}, {23, 37, 30}, {38, 52, 45},
        {53, 67, 60}, {68, 82, 75}, {83, 97, 90}, {98, 112, 105}};
    struct contract_words words = in_units(15, DIRECTION_NEAREST);

    (void)state;
    for (size_t i = 0; i < sizeof bands / sizeof bands[0]; i++) {
        for (int64_t minutes = bands[i][0]; minutes <= bands[i][1]; minutes++) {
            assert_int_equal(rounded_min(&words, minutes), bands[i][2]);
        }
    }
}

/* Planned 09:00-12:30, actual 08:57-12:35. */
static int64_t morning(const struct contract_words *words)
{
    static const int64_t planned[] = {540, 750};
    static const int64_t actual[] = {537, 755};

    return paid_min(words, planned, actual);
}

static void morning_planned_is_210(void **state)
{
    struct contract_words words = plain_words();

    (void)state;
    words.source = SOURCE_PLANNED;
    assert_int_equal(morning(&words), 210);
}

static void morning_exact_is_218(void **state)
{
    struct contract_words words = plain_words();

    (void)state;
    assert_int_equal(morning(&words), 218);
}

static void morning_capped_at_planned_is_210(void **state)
{
    struct contract_words words = plain_words();

    (void)state;
    words.source = SOURCE_CAPPED;
    assert_int_equal(morning(&words), 210);
}

static void morning_nearest_15_of_the_length_is_225(void **state)
{
    struct contract_words words = in_units(15, DIRECTION_NEAREST);

    (void)state;
    assert_int_equal(morning(&words), 225);
}

static void morning_nearest_15_of_each_end_is_210(void **state)
{
    struct contract_words words = in_units(15, DIRECTION_NEAREST);

    (void)state;
    words.round_of = ROUND_EACH_END;
    assert_int_equal(morning(&words), 210);
}

static void morning_down_is_210(void **state)
{
    struct contract_words words = in_units(15, DIRECTION_DOWN);

    (void)state;
    assert_int_equal(morning(&words), 210);
}

static void morning_up_is_225(void **state)
{
    struct contract_words words = in_units(15, DIRECTION_UP);

    (void)state;
    assert_int_equal(morning(&words), 225);
}

static void unit_that_starts_at_6_of_15(void **state)
{
    static const int64_t rows[][2] = {{5, 0}, {6, 1}, {20, 1}, {21, 2}, {22, 2}, {36, 3}};
    struct contract_words words = in_units(15, DIRECTION_THRESHOLD);

    (void)state;
    words.starts_at_min = 6;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(rounded_min(&words, rows[i][0]), rows[i][1] * 15);
    }
}

static void round_down_to_15_makes_45_of_59_minutes(void **state)
{
    struct contract_words words = in_units(15, DIRECTION_DOWN);

    (void)state;
    assert_int_equal(rounded_min(&words, 59), 45);
}

static void round_down_to_whole_hours_makes_2_of_2_55(void **state)
{
    struct contract_words words = in_units(60, DIRECTION_DOWN);

    (void)state;
    assert_int_equal(rounded_min(&words, 175), 120);
}

static void minimum_of_30_makes_30_of_12_minutes(void **state)
{
    static const int64_t planned[] = {540, 600};
    static const int64_t actual[] = {540, 552};
    struct contract_words words = plain_words();

    (void)state;
    words.minimum_min = 30;
    assert_int_equal(paid_min(&words, planned, actual), 30);
}

static void carry_over_makes_2_units_of_5_9_6_and_10_lost_minutes(void **state)
{
    static const int64_t lengths[] = {35, 54, 21, 40};
    static const int64_t lost[] = {5, 9, 6, 10};
    struct contract_words words = in_units(15, DIRECTION_DOWN);
    struct contract contract;
    int64_t sum_s = 0;

    (void)state;
    words.carry_scope = SCOPE_MONTH;
    contract = compile(&words);
    for (size_t i = 0; i < 4; i++) {
        const struct compose_slot slot = {
            .status = SLOT_OK, .out_utc = lengths[i] * 60, .worked_s = lengths[i] * 60};
        const struct compose_visit visit = {
            .end_utc = 3600, .slots = &slot, .slot_count = 1, .days = &utc_days};
        struct compose_result result;

        compose_visit(&contract, &visit, &result, NULL);
        assert_int_equal(result.lost_s, lost[i] * 60);
        sum_s += result.lost_s;
    }
    assert_int_equal(compose_carry_over(&contract, sum_s), 2 * 900);
}

static void envelope_of_15_hours_tops_the_second_visit_up_to_6(void **state)
{
    static const int64_t actual_h[] = {4, 7, 6};
    static const int64_t capped_h[] = {4, 5, 5};
    static const int64_t topped_h[] = {4, 6, 5};
    struct contract_words words = plain_words();
    struct compose_result results[3];
    struct contract contract;

    (void)state;
    words.visit_cap_percent = 100;
    contract = compile(&words);
    for (size_t i = 0; i < 3; i++) {
        const struct compose_slot slot = {
            .status = SLOT_OK, .out_utc = actual_h[i] * HOUR_S, .worked_s = actual_h[i] * HOUR_S};
        const struct compose_visit visit = {
            .end_utc = 5 * HOUR_S, .slots = &slot, .slot_count = 1, .days = &utc_days};

        compose_visit(&contract, &visit, &results[i], NULL);
        assert_int_equal(results[i].paid_s, capped_h[i] * HOUR_S);
    }
    compose_envelope(15 * HOUR_S, true, results, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(results[i].paid_s, topped_h[i] * HOUR_S);
    }
}

static void guarantee_of_80_percent_of_1000_hours(void **state)
{
    static const int64_t rows_h[][2] = {{700, 800}, {800, 800}, {950, 950}};
    struct contract_words words = plain_words();
    struct contract contract;

    (void)state;
    words.guarantee_percent = 80;
    words.lines_per = LINES_PROVIDER;
    words.lines_seconds = SECONDS_TRUNCATE;
    (void)strcpy(words.guarantee_funder, "LA");
    contract = compile(&words);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(
            compose_guarantee(&contract, 1000 * 60, rows_h[i][0] * 60), rows_h[i][1] * 60);
    }
}

static int64_t price(const struct contract_words *words, int32_t day, int64_t minutes)
{
    struct contract contract = compile(words);

    return compose_price(contract_tariff(&contract, day), 0, minutes * 60);
}

static void flat_bands_of_5_10_15_and_20_pounds(void **state)
{
    static const int64_t rows[][2] = {{15, 500}, {16, 1000}, {31, 1500}, {46, 2000}};
    struct contract_words words = plain_words();

    (void)state;
    (void)strcpy(words.price[DAY_WEEKDAY], "bands 15:5.00 30:10.00 45:15.00 60:20.00");
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(price(&words, 0, rows[i][0]), rows[i][1]);
    }
}

static void price_of_16_pounds_for_30_and_20_for_45_then_24_an_hour(void **state)
{
    static const int64_t rows[][2] = {{20, 800}, {30, 1600}, {45, 2000}, {50, 2200}, {60, 2600}};
    struct contract_words words = plain_words();

    (void)state;
    (void)strcpy(words.price[DAY_WEEKDAY], "points 30:16.00 45:20.00 hour 24.00");
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(price(&words, 0, rows[i][0]), rows[i][1]);
    }
}

/* 2026: Friday 3 April is Good Friday, a bank holiday; the day before is a weekday. */
static struct contract_words day_card(void)
{
    static const char weekend[] = "bands 30:11.50 45:15.00 60:17.50";
    struct contract_words words = plain_words();

    (void)strcpy(words.price[DAY_WEEKDAY], "bands 30:10.50 45:14.00 60:16.50");
    (void)strcpy(words.price[DAY_SATURDAY], weekend);
    (void)strcpy(words.price[DAY_SUNDAY], weekend);
    (void)strcpy(words.price[DAY_BANK_HOLIDAY], "bands 30:21.00 45:28.00 60:33.00");
    (void)strcpy(words.bank_holidays, "2026-04-03 2026-04-06");
    return words;
}

static void check_card(const char *date, const int64_t pence[3])
{
    static const int64_t minutes[] = {60, 45, 30};
    struct contract_words words = day_card();
    int32_t day = 0;

    assert_true(contract_read_date(date, &day));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(price(&words, day, minutes[i]), pence[i]);
    }
}

static void day_card_on_a_weekday(void **state)
{
    (void)state;
    check_card("2026-04-02", (const int64_t[]){1650, 1400, 1050});
}

static void day_card_at_the_weekend(void **state)
{
    (void)state;
    check_card("2026-04-04", (const int64_t[]){1750, 1500, 1150});
    check_card("2026-04-05", (const int64_t[]){1750, 1500, 1150});
}

static void day_card_on_a_bank_holiday(void **state)
{
    (void)state;
    check_card("2026-04-03", (const int64_t[]){3300, 2800, 2100});
    check_card("2026-04-06", (const int64_t[]){3300, 2800, 2100});
}

static void special_day_goes_before_bank_holiday_and_that_before_the_weekday(void **state)
{
    struct contract_words words = day_card();
    struct contract contract;
    int32_t day = 0;

    (void)state;
    (void)strcpy(words.special_days, "2026-04-06");
    (void)strcpy(words.price[DAY_SPECIAL], "hour 40.00");
    contract = compile(&words);
    assert_true(contract_read_date("2026-04-06", &day));
    assert_int_equal(contract_day_type(&contract, day), DAY_SPECIAL);
    assert_int_equal(contract_day_type(&contract, day - 1), DAY_SUNDAY);
    assert_int_equal(contract_day_type(&contract, day - 2), DAY_SATURDAY);
    assert_int_equal(contract_day_type(&contract, day - 3), DAY_BANK_HOLIDAY);
    assert_int_equal(contract_day_type(&contract, day - 4), DAY_WEEKDAY);
}

/* Two carers came at once, for so many minutes each. */
static int64_t pair_min(const struct contract_words *words, int64_t first, int64_t second)
{
    struct contract contract = compile(words);
    const struct compose_slot slots[] = {
        {.status = SLOT_OK, .out_utc = first * 60, .worked_s = first * 60},
        {.status = SLOT_OK, .out_utc = second * 60, .worked_s = second * 60}};
    const struct compose_visit visit = {
        .end_utc = 1800, .slots = slots, .slot_count = 2, .days = &utc_days};
    struct compose_result results[2];

    compose_visit(&contract, &visit, results, NULL);
    return (results[0].paid_s + results[1].paid_s) / 60;
}

static void two_carers_with_30_and_20_minutes_each_rounded_are_45(void **state)
{
    struct contract_words words = in_units(15, DIRECTION_NEAREST);

    (void)state;
    assert_int_equal(pair_min(&words, 30, 20), 45);
}

static void two_carers_with_30_and_20_minutes_averaged_are_60(void **state)
{
    struct contract_words words = in_units(15, DIRECTION_NEAREST);

    (void)state;
    words.double_handed = DOUBLE_AVERAGE;
    assert_int_equal(pair_min(&words, 30, 20), 60);
}

static void two_carers_for_half_an_hour_are_one_carer_hour(void **state)
{
    struct contract_words words = plain_words();

    (void)state;
    assert_int_equal(pair_min(&words, 30, 30), 60);
}

/* From 22:00 local on date to 10:00 local the next day. */
static int64_t night_h(const char *date)
{
    struct tzif tzif;
    struct local_days days;
    int32_t day = 0;
    int64_t midnight = 0;
    int64_t length_s = 0;

    assert_int_equal(tzif_load(&tzif, "Europe/London", NULL), 0);
    days = (struct local_days){tzif.at_utc, tzif.offset_s, tzif.count};
    assert_true(contract_read_date(date, &day));
    midnight = (int64_t)day * DAY_S;
    length_s = local_to_utc(&days, midnight + DAY_S + 10 * HOUR_S) -
               local_to_utc(&days, midnight + 22 * HOUR_S);
    tzif_done(&tzif);
    assert_int_equal(length_s % HOUR_S, 0);
    return length_s / HOUR_S;
}

static void night_when_the_clocks_go_forward_has_11_hours(void **state)
{
    (void)state;
    assert_int_equal(night_h("2026-03-28"), 11);
}

static void night_when_the_clocks_go_back_has_13_hours(void **state)
{
    (void)state;
    assert_int_equal(night_h("2026-10-24"), 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearest_15_is_the_8_minute_rule_in_every_band),
        cmocka_unit_test(morning_planned_is_210),
        cmocka_unit_test(morning_exact_is_218),
        cmocka_unit_test(morning_capped_at_planned_is_210),
        cmocka_unit_test(morning_nearest_15_of_the_length_is_225),
        cmocka_unit_test(morning_nearest_15_of_each_end_is_210),
        cmocka_unit_test(morning_down_is_210),
        cmocka_unit_test(morning_up_is_225),
        cmocka_unit_test(unit_that_starts_at_6_of_15),
        cmocka_unit_test(round_down_to_15_makes_45_of_59_minutes),
        cmocka_unit_test(round_down_to_whole_hours_makes_2_of_2_55),
        cmocka_unit_test(minimum_of_30_makes_30_of_12_minutes),
        cmocka_unit_test(carry_over_makes_2_units_of_5_9_6_and_10_lost_minutes),
        cmocka_unit_test(envelope_of_15_hours_tops_the_second_visit_up_to_6),
        cmocka_unit_test(guarantee_of_80_percent_of_1000_hours),
        cmocka_unit_test(flat_bands_of_5_10_15_and_20_pounds),
        cmocka_unit_test(price_of_16_pounds_for_30_and_20_for_45_then_24_an_hour),
        cmocka_unit_test(day_card_on_a_weekday),
        cmocka_unit_test(day_card_at_the_weekend),
        cmocka_unit_test(day_card_on_a_bank_holiday),
        cmocka_unit_test(special_day_goes_before_bank_holiday_and_that_before_the_weekday),
        cmocka_unit_test(two_carers_with_30_and_20_minutes_each_rounded_are_45),
        cmocka_unit_test(two_carers_with_30_and_20_minutes_averaged_are_60),
        cmocka_unit_test(two_carers_for_half_an_hour_are_one_carer_hour),
        cmocka_unit_test(night_when_the_clocks_go_forward_has_11_hours),
        cmocka_unit_test(night_when_the_clocks_go_back_has_13_hours),
    };

    return cmocka_run_group_tests_name("published tables", tests, NULL, NULL);
}
