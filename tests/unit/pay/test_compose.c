/* test_compose.c - the steps of a contract at their edges, and what a contract may not say. */
#include "collector/pay/compose.h"

#include <string.h>

#include "collector/pay/contract_notation.h"
#include "tests/unit/pay/contract_cases.h"
#include "tests/unit/suite.h"

enum { HOUR_S = 3600 };

static const int64_t nine_to_ten[] = {540, 600};

static struct compose_result one(
    const struct contract *contract, enum slot_status status, int64_t worked_s, int64_t notice_s)
{
    const struct compose_slot slot = {.status = status, .out_utc = worked_s, .worked_s = worked_s};
    const struct compose_visit visit = {.end_utc = HOUR_S,
        .notice_s = notice_s,
        .slots = &slot,
        .slot_count = 1,
        .days = &utc_days};
    struct compose_result result;

    compose_visit(contract, &visit, &result, NULL);
    return result;
}

static void seconds_are_dropped_rounded_or_kept(void **state)
{
    (void)state;
    assert_int_equal(compose_seconds(SECONDS_TRUNCATE, 119), 60);
    assert_int_equal(compose_seconds(SECONDS_NEAREST, 89), 60);
    assert_int_equal(compose_seconds(SECONDS_NEAREST, 90), 120);
    assert_int_equal(compose_seconds(SECONDS_EXACT, 119), 119);
}

static void half_a_unit_in_seconds_makes_a_unit_only_when_seconds_count(void **state)
{
    struct contract_words words = plain_words();
    struct contract contract;

    (void)state;
    words.unit_min = 15;
    contract = compile(&words);
    assert_int_equal(one(&contract, SLOT_OK, 450, 0).paid_s, 900);
    assert_int_equal(one(&contract, SLOT_OK, 449, 0).paid_s, 0);
    words.seconds = SECONDS_TRUNCATE;
    contract = compile(&words);
    assert_int_equal(one(&contract, SLOT_OK, 479, 0).paid_s, 0);
    assert_int_equal(one(&contract, SLOT_OK, 480, 0).paid_s, 900);
}

/* 09:07 to 10:08, by the end rule of each direction. */
static void ends_shrink_when_down_and_grow_when_up(void **state)
{
    static const int64_t actual[] = {547, 608};
    struct contract_words words = plain_words();

    (void)state;
    words.unit_min = 15;
    words.round_of = ROUND_EACH_END;
    words.direction = DIRECTION_DOWN;
    assert_int_equal(paid_min(&words, nine_to_ten, actual), 45);
    words.direction = DIRECTION_UP;
    assert_int_equal(paid_min(&words, nine_to_ten, actual), 75);
    words.direction = DIRECTION_NEAREST;
    assert_int_equal(paid_min(&words, nine_to_ten, actual), 75);
    words.round_of = ROUND_START_THEN_LENGTH; /* 09:00 to 10:08 is 68 */
    assert_int_equal(paid_min(&words, nine_to_ten, actual), 75);
    words.direction = DIRECTION_DOWN;
    assert_int_equal(paid_min(&words, nine_to_ten, actual), 60);
}

static void a_visit_within_one_unit_that_shrinks_is_nothing_and_not_less(void **state)
{
    static const int64_t actual[] = {547, 552};
    struct contract_words words = plain_words();

    (void)state;
    words.unit_min = 15;
    words.round_of = ROUND_EACH_END;
    words.direction = DIRECTION_DOWN;
    assert_int_equal(paid_min(&words, nine_to_ten, actual), 0);
}

static void ends_are_those_of_the_clock_on_the_wall(void **state)
{
    static const int64_t always = INT64_MIN;
    static const int32_t five_minutes = 300;
    const struct local_days odd = {&always, &five_minutes, 1};
    struct contract_words words = plain_words();
    struct contract contract;

    (void)state;
    words.unit_min = 15;
    words.round_of = ROUND_EACH_END;
    contract = compile(&words);
    /* 00:10 UTC is 00:15 there, so it stays; 00:20 UTC is 00:25, so it goes to 00:30. */
    assert_int_equal(compose_round_ends(&contract, &odd, 600, 1200, 0), 900);
    assert_int_equal(compose_round_ends(&contract, &utc_days, 600, 1200, 0), 0);
}

static void half_a_unit_at_an_end_goes_up(void **state)
{
    struct contract_words words = plain_words();
    struct contract contract;

    (void)state;
    words.unit_min = 15;
    words.round_of = ROUND_EACH_END;
    contract = compile(&words);
    assert_int_equal(compose_round_ends(&contract, &utc_days, 0, 450, 0), 900);
    assert_int_equal(compose_round_ends(&contract, &utc_days, 0, 449, 0), 0);
    assert_int_equal(compose_round_ends(&contract, &utc_days, 450, 1800, 0), 900);
}

static void unpaid_gap_of_a_merged_visit_is_not_paid_by_rounding_ends(void **state)
{
    struct contract_words words = plain_words();
    struct contract contract;

    (void)state;
    words.unit_min = 15;
    words.round_of = ROUND_EACH_END;
    contract = compile(&words);
    assert_int_equal(compose_round_ends(&contract, &utc_days, 0, HOUR_S, 600), HOUR_S - 600);
}

static void the_cap_is_in_whole_units_and_keeps_what_it_took(void **state)
{
    struct contract_words words = plain_words();
    struct contract contract;
    struct compose_result result;

    (void)state;
    words.unit_min = 15;
    words.visit_cap_percent = 110; /* 66 minutes, so 60 */
    contract = compile(&words);
    result = one(&contract, SLOT_OK, 90 * 60, 0);
    assert_int_equal(result.paid_s, HOUR_S);
    assert_int_equal(result.excess_s, 1800);
    words.visit_cap_percent = 125;
    contract = compile(&words);
    assert_int_equal(one(&contract, SLOT_OK, 90 * 60, 0).paid_s, 75 * 60);
}

static void floor_and_minimum_are_for_visits_that_took_place(void **state)
{
    struct contract_words words = plain_words();
    struct contract contract;

    (void)state;
    words.visit_floor_percent = 50;
    words.minimum_min = 20;
    contract = compile(&words);
    assert_int_equal(one(&contract, SLOT_OK, 60, 0).paid_s, 1800);
    assert_int_equal(one(&contract, SLOT_OK, 0, 0).paid_s, 0);
    assert_int_equal(one(&contract, SLOT_MISSED, 0, 0).paid_s, 0);
    words.visit_floor_percent = 0;
    contract = compile(&words);
    assert_int_equal(one(&contract, SLOT_OK, 60, 0).paid_s, 1200);
    assert_int_equal(one(&contract, SLOT_OK, 1201, 0).paid_s, 1201);
}

static void each_status_has_its_outcome(void **state)
{
    static const struct {
        enum slot_status status;
        enum compose_outcome outcome;
    } rows[] = {{SLOT_OK, COMPOSE_PAID}, {SLOT_HELD_NO_OUT, COMPOSE_HELD},
        {SLOT_HELD_NO_IN, COMPOSE_HELD}, {SLOT_MISSED, COMPOSE_MISSED},
        {SLOT_SAME_CARER, COMPOSE_MISSED}, {SLOT_CANC_SHORT, COMPOSE_PAID},
        {SLOT_CANC_NOTICE, COMPOSE_PAID}};
    struct contract_words words = plain_words();
    struct contract contract = compile(&words);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct compose_result result = one(&contract, rows[i].status, 1800, 0);

        assert_int_equal(result.outcome, rows[i].outcome);
        assert_int_equal(result.planned_s, HOUR_S);
    }
    words.held = HELD_PLANNED;
    contract = compile(&words);
    assert_int_equal(one(&contract, SLOT_HELD_NO_IN, 0, 0).paid_s, HOUR_S);
    assert_int_equal(one(&contract, SLOT_HELD_NO_OUT, 0, 0).outcome, COMPOSE_PAID);
}

static void cancellation_pays_by_the_band_of_its_notice(void **state)
{
    static const struct {
        int64_t notice_s, paid_s;
    } rows[] = {{48 * HOUR_S, 0}, {48 * HOUR_S - 1, 1800}, {24 * HOUR_S, 1800},
        {24 * HOUR_S - 1, HOUR_S}, {0, HOUR_S}, {-600, HOUR_S}};
    struct contract_words words = plain_words();
    struct contract contract;

    (void)state;
    (void)strcpy(words.cancellation, "48h:0 24h:50 0h:100");
    contract = compile(&words);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct compose_result result = one(&contract, SLOT_CANC_SHORT, 0, rows[i].notice_s);

        assert_int_equal(result.paid_s, rows[i].paid_s);
        assert_int_equal(result.outcome, rows[i].paid_s == 0 ? COMPOSE_CANCELLED : COMPOSE_PAID);
    }
}

static void beyond_the_tolerance_a_visit_is_parked_until_it_is_released(void **state)
{
    struct contract_words words = plain_words();
    struct compose_slot slot = {
        .status = SLOT_OK, .out_utc = HOUR_S - 301, .worked_s = HOUR_S - 301};
    const struct compose_visit visit = {
        .end_utc = HOUR_S, .slots = &slot, .slot_count = 1, .days = &utc_days};
    struct compose_result result;
    struct contract contract;

    (void)state;
    words.tolerance_min = 5;
    contract = compile(&words);
    assert_int_equal(one(&contract, SLOT_OK, HOUR_S - 300, 0).outcome, COMPOSE_PAID);
    assert_int_equal(one(&contract, SLOT_OK, HOUR_S + 300, 0).outcome, COMPOSE_PAID);
    assert_int_equal(one(&contract, SLOT_OK, HOUR_S + 301, 0).outcome, COMPOSE_PARKED);
    compose_visit(&contract, &visit, &result, NULL);
    assert_int_equal(result.outcome, COMPOSE_PARKED);
    assert_int_equal(result.paid_s, 0);
    slot.is_released = true;
    compose_visit(&contract, &visit, &result, NULL);
    assert_int_equal(result.outcome, COMPOSE_PAID);
    assert_int_equal(result.paid_s, HOUR_S - 301);
}

static void overlap_pays_each_the_time_both_were_there(void **state)
{
    const struct compose_slot slots[] = {
        {.status = SLOT_OK, .in_utc = 0, .out_utc = 1800, .worked_s = 1800},
        {.status = SLOT_OK, .in_utc = 600, .out_utc = 2400, .worked_s = 1700}};
    struct compose_slot alone[2];
    struct compose_visit visit = {
        .end_utc = 1800, .slots = slots, .slot_count = 2, .days = &utc_days};
    struct contract_words words = plain_words();
    struct compose_result results[2];
    struct contract contract;

    (void)state;
    words.double_handed = DOUBLE_OVERLAP;
    contract = compile(&words);
    compose_visit(&contract, &visit, results, NULL);
    assert_int_equal(results[0].paid_s, 1200);
    assert_int_equal(results[1].paid_s, 1200);
    (void)memcpy(alone, slots, sizeof alone);
    alone[1].status = SLOT_MISSED;
    visit.slots = alone;
    compose_visit(&contract, &visit, results, NULL);
    assert_int_equal(results[0].paid_s, 0);
    assert_int_equal(results[1].outcome, COMPOSE_MISSED);
}

static void an_envelope_that_is_too_small_pays_the_first_visits(void **state)
{
    struct compose_result results[] = {
        {.paid_s = 100, .excess_s = 50}, {.paid_s = 100}, {.paid_s = 100}};

    (void)state;
    compose_envelope(150, true, results, 3);
    assert_int_equal(results[0].paid_s, 100);
    assert_int_equal(results[1].paid_s, 50);
    assert_int_equal(results[2].paid_s, 0);
    assert_int_equal(results[0].excess_s, 50);
}

static void without_top_up_what_is_left_stays_in_the_envelope(void **state)
{
    struct compose_result results[] = {{.paid_s = 100, .excess_s = 50}};

    (void)state;
    compose_envelope(150, false, results, 1);
    assert_int_equal(results[0].paid_s, 100);
}

static void beyond_the_last_band_the_table_starts_again(void **state)
{
    struct tariff tariff;

    (void)state;
    assert_true(notation_read_tariff("bands 30:10.00 60:15.00", &tariff));
    assert_int_equal(compose_price(&tariff, 0, 3600), 1500);
    assert_int_equal(compose_price(&tariff, 0, 3601), 2500);
    assert_int_equal(compose_price(&tariff, 0, 7200), 3000);
    assert_int_equal(compose_price(&tariff, 0, 0), 0);
}

static void a_longer_visit_never_costs_less(void **state)
{
    static const char *const texts[] = {
        "bands 15:5.00 30:10.00", "hour 17.37", "points 30:16.00 45:20.00 hour 24.00", "rate 133%"};
    struct tariff tariff;

    (void)state;
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        int64_t before = 0;

        assert_true(notation_read_tariff(texts[t], &tariff));
        for (int64_t s = 0; s < 3 * HOUR_S; s++) {
            int64_t now = compose_price(&tariff, 1658, s);

            assert_true(now >= before);
            before = now;
        }
    }
}

static void a_percentage_of_the_rate_is_rounded_to_the_penny(void **state)
{
    struct tariff tariff;

    (void)state;
    assert_true(notation_read_tariff("rate 150%", &tariff));
    assert_int_equal(compose_hourly(&tariff, 1659), 2489); /* 2488.5 */
    assert_true(notation_read_tariff("rate", &tariff));
    assert_int_equal(compose_hourly(&tariff, 1659), 1659);
}

static void what_is_no_price_is_refused(void **state)
{
    static const char *const bad[] = {"", "rates", "rate x", "rate 150", "hour", "hour 1.5",
        "hour 1.505", "hour -1.00", "bands", "bands 30:1.00 30:2.00", "bands 30:2.00 45:1.00",
        "bands 0:1.00", "bands 30:1.00 hour 2.00", "points 30:1.00", "points hour 2.00",
        "bands 1:1 2:1 3:1 4:1 5:1 6:1 7:1 8:1 9:1", "hour 1.00 1.00", "hour 99999.00"};
    struct tariff tariff;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (notation_read_tariff(bad[i], &tariff)) {
            fail_msg("'%s' was taken for a price", bad[i]);
        }
    }
}

static void what_is_no_date_is_refused(void **state)
{
    static const char *const bad[] = {"", "2026-02-29", "2100-02-29", "2026-13-01", "2026-00-01",
        "2026-01-00", "2026-1-01", "2026-01-1", "26-01-01", "2026-01-32", "2026-04-31",
        "2026-01-01x", "1969-12-31"};
    int32_t day = 0;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (contract_read_date(bad[i], &day)) {
            fail_msg("'%s' was taken for a date", bad[i]);
        }
    }
    assert_true(contract_read_date("2024-02-29", &day));
    assert_int_equal(day, 19782);
    assert_true(contract_read_date("2000-03-01", &day));
    assert_int_equal(day, 11017);
    assert_true(contract_read_date("1970-01-01", &day));
    assert_int_equal(day, 0);
}

/* A change to plain words, and the field that then is at fault. */
struct fault {
    const char *field;
    void (*make)(struct contract_words *words);
};

static void no_id(struct contract_words *words)
{
    words->id[0] = '\0';
}
static void no_start(struct contract_words *words)
{
    words->valid_from[0] = '\0';
}
static void ends_first(struct contract_words *words)
{
    (void)strcpy(words->valid_to, "2019-01-01");
}
static void bad_end(struct contract_words *words)
{
    (void)strcpy(words->valid_to, "never");
}
static void no_threshold(struct contract_words *words)
{
    words->direction = DIRECTION_THRESHOLD;
    words->unit_min = 15;
}
static void late_threshold(struct contract_words *words)
{
    no_threshold(words);
    words->starts_at_min = 16;
}
static void ends_without_unit(struct contract_words *words)
{
    words->round_of = ROUND_EACH_END;
}
static void ends_with_threshold(struct contract_words *words)
{
    no_threshold(words);
    words->starts_at_min = 8;
    words->round_of = ROUND_EACH_END;
}
static void ends_shared(struct contract_words *words)
{
    words->unit_min = 15;
    words->round_of = ROUND_EACH_END;
    words->double_handed = DOUBLE_AVERAGE;
}
static void month_envelope(struct contract_words *words)
{
    words->envelope_scope = SCOPE_MONTH;
}
static void pot_without_top_up(struct contract_words *words)
{
    words->envelope_scope = SCOPE_WEEK;
    words->envelope_counts = COUNTS_ALL;
    words->rate_day = RATE_DAY_MONDAY;
}
static void pot_without_week(struct contract_words *words)
{
    pot_without_top_up(words);
    words->envelope_top_up = true;
    words->envelope_scope = SCOPE_PERIOD;
}
static void carry_nearest(struct contract_words *words)
{
    words->unit_min = 15;
    words->carry_scope = SCOPE_MONTH;
}
static void low_cap(struct contract_words *words)
{
    words->lines_per = LINES_PROVIDER;
    words->lines_seconds = SECONDS_TRUNCATE;
    words->guarantee_percent = 80;
    (void)strcpy(words->guarantee_funder, "LA");
    words->guarantee_cap_percent = 70;
}
static void guarantee_by_nobody(struct contract_words *words)
{
    low_cap(words);
    words->guarantee_cap_percent = 110;
    words->guarantee_funder[0] = '\0';
}
static void guarantee_by_person(struct contract_words *words)
{
    low_cap(words);
    words->guarantee_cap_percent = 110;
    words->lines_per = LINES_PERSON_WEEK;
}
static void guarantee_in_seconds(struct contract_words *words)
{
    low_cap(words);
    words->guarantee_cap_percent = 110;
    words->lines_seconds = SECONDS_EXACT;
}
static void no_cancellation(struct contract_words *words)
{
    words->cancellation[0] = '\0';
}
static void bands_rising(struct contract_words *words)
{
    (void)strcpy(words->cancellation, "0h:100 24h:0");
}
static void no_price(struct contract_words *words)
{
    words->price[DAY_WEEKDAY][0] = '\0';
}
static void bad_sunday(struct contract_words *words)
{
    (void)strcpy(words->price[DAY_SUNDAY], "x");
}
static void holiday_without_price(struct contract_words *words)
{
    (void)strcpy(words->bank_holidays, "2026-04-03");
}
static void special_without_price(struct contract_words *words)
{
    (void)strcpy(words->special_days, "2026-04-03");
}
static void dates_falling(struct contract_words *words)
{
    (void)strcpy(words->bank_holidays, "2026-04-06 2026-04-03");
}
static void bands_in_an_envelope(struct contract_words *words)
{
    words->envelope_scope = SCOPE_WEEK;
    (void)strcpy(words->price[DAY_WEEKDAY], "bands 30:10.00");
}
static void pot_by_the_visit_day(struct contract_words *words)
{
    pot_without_top_up(words);
    words->envelope_top_up = true;
    words->rate_day = RATE_DAY_VISIT;
}

static void what_does_not_fit_together_is_refused_by_field(void **state)
{
    static const struct fault faults[] = {{"contract.id", no_id}, {"contract.valid_from", no_start},
        {"contract.valid_to", ends_first}, {"contract.valid_to", bad_end},
        {"rounding.starts_at_min", no_threshold}, {"rounding.starts_at_min", late_threshold},
        {"rounding.unit_min", ends_without_unit}, {"rounding.direction", ends_with_threshold},
        {"rounding.of", ends_shared}, {"envelope.scope", month_envelope},
        {"envelope.top_up", pot_without_top_up}, {"envelope.counts", pot_without_week},
        {"carry_over.scope", carry_nearest}, {"guarantee.cap_percent", low_cap},
        {"guarantee.funder", guarantee_by_nobody}, {"lines.per", guarantee_by_person},
        {"lines.seconds", guarantee_in_seconds}, {"cancellation.bands", no_cancellation},
        {"cancellation.bands", bands_rising}, {"price.weekday", no_price},
        {"price.sunday", bad_sunday}, {"price.bank_holiday", holiday_without_price},
        {"price.special", special_without_price}, {"days.bank_holidays", dates_falling},
        {"price.weekday", bands_in_an_envelope}, {"lines.rate_day", pot_by_the_visit_day}};

    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct contract_words words = plain_words();
        struct contract contract;
        struct text problems = {0};
        size_t size = strlen(faults[i].field);

        faults[i].make(&words);
        assert_int_equal(contract_compile(&words, &contract, &problems), 1);
        assert_string_not_equal(text_end(&problems), "");
        if (strncmp(problems.bytes, faults[i].field, size) != 0 ||
            strstr(problems.bytes, "permitted") == NULL) {
            fail_msg("expected a fault of %s, got: %s", faults[i].field, problems.bytes);
        }
        text_done(&problems);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seconds_are_dropped_rounded_or_kept),
        cmocka_unit_test(half_a_unit_in_seconds_makes_a_unit_only_when_seconds_count),
        cmocka_unit_test(ends_shrink_when_down_and_grow_when_up),
        cmocka_unit_test(a_visit_within_one_unit_that_shrinks_is_nothing_and_not_less),
        cmocka_unit_test(ends_are_those_of_the_clock_on_the_wall),
        cmocka_unit_test(half_a_unit_at_an_end_goes_up),
        cmocka_unit_test(unpaid_gap_of_a_merged_visit_is_not_paid_by_rounding_ends),
        cmocka_unit_test(the_cap_is_in_whole_units_and_keeps_what_it_took),
        cmocka_unit_test(floor_and_minimum_are_for_visits_that_took_place),
        cmocka_unit_test(each_status_has_its_outcome),
        cmocka_unit_test(cancellation_pays_by_the_band_of_its_notice),
        cmocka_unit_test(beyond_the_tolerance_a_visit_is_parked_until_it_is_released),
        cmocka_unit_test(overlap_pays_each_the_time_both_were_there),
        cmocka_unit_test(an_envelope_that_is_too_small_pays_the_first_visits),
        cmocka_unit_test(without_top_up_what_is_left_stays_in_the_envelope),
        cmocka_unit_test(beyond_the_last_band_the_table_starts_again),
        cmocka_unit_test(a_longer_visit_never_costs_less),
        cmocka_unit_test(a_percentage_of_the_rate_is_rounded_to_the_penny),
        cmocka_unit_test(what_is_no_price_is_refused),
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(what_does_not_fit_together_is_refused_by_field),
    };

    return cmocka_run_group_tests_name("compose", tests, NULL, NULL);
}
