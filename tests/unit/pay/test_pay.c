/* test_pay.c - rounding, units, rates, and the three models on small cases. */
#include "collector/pay/pay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/suite.h"

enum { DAY_S = 86400, MONDAY = 18540 }; /* 2020-10-05 */

/* One person, one provider, a handful of slots with a given status and length. */
struct case_data {
    struct dataset dataset;
    struct visits_slot slots[8];
    struct visits_attendance attendances[8];
    struct visits_person person;
    struct visits_result result;
    struct period_row period;
    struct local_days days;
    struct pay_rates rates;
    uint32_t *people;
    struct pay_input input;
    struct pay_lines lines;
};

static const int64_t always = INT64_MIN;
static const int32_t no_offset = 0;

static text_id intern(struct case_data *data, const char *text)
{
    text_id id = 0;

    assert_int_equal(dataset_intern(&data->dataset, text, strlen(text), &id), 0);
    return id;
}

static void add_rate(struct case_data *data, const char *funder, int from, int to, int64_t pence)
{
    const struct rate_row row = {.provider_id = intern(data, "P1"),
        .funder = intern(data, funder),
        .from_day = MONDAY + from,
        .to_day = MONDAY + to,
        .pence_per_hour = pence};

    assert_int_equal(dataset_add_rate(&data->dataset, &row), 0);
}

/* A slot on day of length minutes, worked so many seconds. */
static void add_slot(
    struct case_data *data, enum slot_status status, int day, int minutes, int32_t worked_s)
{
    size_t i = data->result.slots_count++;
    int64_t start = (int64_t)(MONDAY + day) * DAY_S + 36000 + (int64_t)i * 60;
    const struct planned_row row = {.visit_id = intern(data, "V"),
        .person_id = intern(data, "S1"),
        .provider_id = intern(data, "P1"),
        .start_utc = start,
        .end_utc = start + minutes * 60,
        .carers_required = 1,
        .cancel_utc = DATASET_NEVER};

    assert_int_equal(dataset_add_planned(&data->dataset, &row), 0);
    data->slots[i] = (struct visits_slot){.planned = (uint32_t)i,
        .attendance = worked_s > 0 ? (uint32_t)data->result.attendances_count : VISITS_NONE,
        .number = 1,
        .status = (uint8_t)status};
    if (worked_s > 0) {
        data->attendances[data->result.attendances_count++] =
            (struct visits_attendance){.in_utc = start,
                .out_utc = start + worked_s,
                .person_id = row.person_id,
                .worked_s = worked_s,
                .slot = (uint32_t)i};
    }
}

static int setup(void **state)
{
    struct case_data *data = calloc(1, sizeof *data);
    struct person_row person;
    struct provider_row provider;

    assert_non_null(data);
    assert_int_equal(dataset_init(&data->dataset), 0);
    person = (struct person_row){.person_id = intern(data, "S1"),
        .funder = intern(data, "LA"),
        .provider_id = intern(data, "P1")};
    provider = (struct provider_row){.provider_id = intern(data, "P1")};
    assert_int_equal(dataset_add_person(&data->dataset, &person), 0);
    assert_int_equal(dataset_add_provider(&data->dataset, &provider), 0);
    data->period = (struct period_row){.start_day = MONDAY,
        .end_day = MONDAY + 14,
        .start_utc = (int64_t)MONDAY * DAY_S,
        .end_utc = (int64_t)(MONDAY + 14) * DAY_S};
    data->days = (struct local_days){&always, &no_offset, 1};
    *state = data;
    return 0;
}

static int teardown(void **state)
{
    struct case_data *data = *state;

    pay_lines_done(&data->lines);
    pay_rates_done(&data->rates);
    free(data->people);
    dataset_done(&data->dataset);
    free(data);
    return 0;
}

static int pay(struct case_data *data, char model, struct pay_problem *problem)
{
    data->person = (struct visits_person){.person_id = intern(data, "S1"),
        .slots_to = (uint32_t)data->result.slots_count,
        .attendances_to = (uint32_t)data->result.attendances_count};
    data->result.people = &data->person;
    data->result.people_count = 1;
    data->result.slots = data->slots;
    data->result.attendances = data->attendances;
    assert_int_equal(pay_rates_init(&data->rates, &data->dataset), 0);
    data->people = pay_index_people(&data->dataset);
    assert_non_null(data->people);
    data->input = (struct pay_input){.dataset = &data->dataset,
        .visits_params = &visits_default_params,
        .result = &data->result,
        .period = &data->period,
        .days = &data->days,
        .params = &pay_default_params,
        .rates = &data->rates,
        .people = data->people};
    return pay_model(&data->input, model, &data->lines, problem);
}

static const struct pay_line *line(const struct case_data *data, size_t i)
{
    assert_true(i < data->lines.count);
    return &data->lines.rows[i];
}

static void halves_are_rounded_away_from_zero(void **state)
{
    (void)state;
    assert_int_equal(pay_half_up(5, 2), 3);
    assert_int_equal(pay_half_up(-5, 2), -3);
    assert_int_equal(pay_half_up(4, 3), 1);
    assert_int_equal(pay_half_up(5, 3), 2);
    assert_int_equal(pay_half_up(-4, 3), -1);
    assert_int_equal(pay_half_up(0, 4), 0);
    assert_int_equal(pay_half_up(INT64_MAX, 2), INT64_MAX / 2 + 1);
}

static void eight_minutes_begin_a_quarter_and_the_plan_caps_it(void **state)
{
    static const struct {
        int minutes, units;
    } cases[] = {{0, 0}, {7, 0}, {8, 1}, {22, 1}, {23, 2}, {37, 2}, {38, 3}, {52, 3}, {53, 4},
        {67, 4}, {68, 5}, {82, 5}, {83, 6}, {97, 6}, {98, 7}, {112, 7}};
    const struct visits_slot slot = {.status = SLOT_OK};
    struct planned_row planned = {.start_utc = 0, .end_utc = 8 * 3600};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct visits_attendance attendance = {.worked_s = cases[i].minutes * 60};

        assert_int_equal(
            pay_units(&pay_default_params, &planned, &slot, &attendance), cases[i].units);
    }
    planned.end_utc = 29 * 60; /* one whole quarter was bought */
    assert_int_equal(pay_units(&pay_default_params, &planned, &slot,
                         &(const struct visits_attendance){.worked_s = 3600}),
        1);
}

static void only_ok_and_short_notice_earn_units(void **state)
{
    const struct planned_row planned = {.start_utc = 0, .end_utc = 1800};
    const struct visits_attendance attendance = {.worked_s = 1800};

    (void)state;
    for (int status = 0; status < SLOT_STATUS_COUNT; status++) {
        const struct visits_slot slot = {.status = (uint8_t)status};

        assert_int_equal(pay_units(&pay_default_params, &planned, &slot, &attendance),
            status == SLOT_OK || status == SLOT_CANC_SHORT ? 2 : 0);
    }
}

static void a_line_of_model_a_is_rounded_once(void **state)
{
    struct case_data *data = *state;
    struct pay_problem problem;

    add_rate(data, "LA", 0, 14, 1529);
    add_slot(data, SLOT_OK, 0, 15, 900);
    add_slot(data, SLOT_OK, 1, 15, 900);
    add_slot(data, SLOT_MISSED, 2, 15, 0);
    assert_int_equal(pay(data, 'A', &problem), 0);
    assert_int_equal(data->lines.count, 1);
    assert_int_equal(line(data, 0)->quantity, 2);
    assert_int_equal(line(data, 0)->pence, 765); /* 764.5 once, not 382.25 twice */
}

static void model_a_splits_a_week_where_the_rate_changes(void **state)
{
    struct case_data *data = *state;
    struct pay_problem problem;

    add_rate(data, "LA", 0, 3, 1500);
    add_rate(data, "LA", 3, 14, 1600);
    add_slot(data, SLOT_OK, 2, 60, 3600);
    add_slot(data, SLOT_OK, 3, 60, 3600);
    add_slot(data, SLOT_CANC_SHORT, 7, 60, 0);
    assert_int_equal(pay(data, 'A', &problem), 0);
    assert_int_equal(data->lines.count, 3);
    assert_int_equal(line(data, 0)->pence, 1500);
    assert_int_equal(line(data, 1)->pence, 1600);
    assert_int_equal(line(data, 2)->week, 1);
}

static void model_b_pays_no_more_than_the_envelope_and_rates_it_on_the_monday(void **state)
{
    struct case_data *data = *state;
    struct pay_problem problem;

    add_rate(data, "LA", 0, 1, 1500);
    add_rate(data, "LA", 1, 14, 9999);
    add_slot(data, SLOT_OK, 1, 30, 4000);
    add_slot(data, SLOT_CANC_SHORT, 2, 30, 0);
    add_slot(data, SLOT_CANC_NOTICE, 3, 30, 0);
    assert_int_equal(pay(data, 'B', &problem), 0);
    assert_int_equal(data->lines.count, 1);
    assert_int_equal(line(data, 0)->b.planned_s, 3600);
    assert_int_equal(line(data, 0)->b.credit_s, 1800);
    assert_int_equal(line(data, 0)->b.delivered_s, 4000);
    assert_int_equal(line(data, 0)->quantity, 60);
    assert_int_equal(line(data, 0)->pence, 1500);
}

static void model_c_guarantees_four_fifths_and_caps_at_eleven_tenths(void **state)
{
    struct case_data *data = *state;
    struct pay_problem problem;

    add_rate(data, "LA", 0, 13, 1200);
    add_rate(data, "LA", 13, 14, 600);
    add_slot(data, SLOT_HELD_NO_OUT, 0, 60, 0);
    data->dataset.providers[0].contract_minutes = 100;
    assert_int_equal(pay(data, 'C', &problem), 0);
    assert_int_equal(data->lines.count, 2);
    assert_int_equal(line(data, 0)->pence, 1200);
    assert_int_equal(line(data, 1)->kind, PAY_GUARANTEE);
    assert_int_equal(line(data, 1)->quantity, 20);
    assert_int_equal(line(data, 1)->pence, 200); /* at the rate of the last day */
}

static void model_c_shares_a_cap_by_largest_remainders(void **state)
{
    struct case_data *data = *state;
    struct pay_problem problem;

    add_rate(data, "LA", 0, 3, 1200);
    add_rate(data, "LA", 3, 14, 1300);
    add_slot(data, SLOT_OK, 0, 50, 3000);
    add_slot(data, SLOT_OK, 3, 50, 3000);
    data->dataset.providers[0].contract_minutes = 50; /* cap 55: 27.5 each, the lower rate first */
    assert_int_equal(pay(data, 'C', &problem), 0);
    assert_int_equal(data->lines.count, 2);
    assert_int_equal(line(data, 0)->kind, PAY_CAPPED);
    assert_int_equal(line(data, 0)->quantity, 28);
    assert_int_equal(line(data, 1)->quantity, 27);
    assert_int_equal(line(data, 0)->c.base_min, 100);
    assert_int_equal(line(data, 0)->c.cap_min, 55);
}

static void missing_rate_is_named_with_provider_funder_and_day(void **state)
{
    struct case_data *data = *state;
    struct pay_problem problem;

    add_rate(data, "LA", 1, 14, 1500);
    add_slot(data, SLOT_OK, 0, 60, 3600);
    assert_int_equal(pay(data, 'A', &problem), -ENOENT);
    assert_string_equal(problem.text, "no rate of provider P1 for funder LA on 2020-10-05");
}

static void rate_is_no_longer_valid_on_the_day_it_ends(void **state)
{
    struct case_data *data = *state;
    struct pay_problem problem;

    add_rate(data, "LA", 0, 1, 1500);
    add_slot(data, SLOT_OK, 1, 60, 3600);
    assert_int_equal(pay(data, 'A', &problem), -ENOENT);
    assert_string_equal(problem.text, "no rate of provider P1 for funder LA on 2020-10-06");
}

static void last_hour_of_a_summer_day_in_utc_has_the_rate_of_the_next_day(void **state)
{
    static const int32_t summer = 3600;
    static const char models[] = "AC";
    struct case_data *data = *state;
    struct pay_problem problem;

    add_rate(data, "LA", 0, 1, 1500);
    add_rate(data, "LA", 1, 14, 2000);
    data->dataset.providers[0].contract_minutes = 60;
    data->days = (struct local_days){&always, &summer, 1};
    add_slot(data, SLOT_OK, 0, 60, 3600);
    data->dataset.planned[0].start_utc = (int64_t)(MONDAY + 1) * DAY_S - 3600;
    data->dataset.planned[0].end_utc = (int64_t)(MONDAY + 1) * DAY_S;
    assert_int_equal(pay(data, models[0], &problem), 0);
    assert_int_equal(pay_model(&data->input, models[1], &data->lines, &problem), 0);
    assert_int_equal(line(data, 0)->pence_per_hour, 2000);
    assert_int_equal(line(data, 1)->pence_per_hour, 2000);
}

static void unknown_person_provider_and_model_are_named(void **state)
{
    struct case_data *data = *state;
    struct pay_problem problem;

    add_rate(data, "LA", 0, 14, 1500);
    add_slot(data, SLOT_OK, 0, 60, 3600);
    data->dataset.providers[0].provider_id = intern(data, "P2");
    assert_int_equal(pay(data, 'C', &problem), -ENOENT);
    assert_string_equal(problem.text, "provider P1 is not among the providers");
    assert_int_equal(pay_model(&data->input, 'D', &data->lines, &problem), -EINVAL);
    data->people[intern(data, "S1")] = 0;
    assert_int_equal(pay_model(&data->input, 'B', &data->lines, &problem), -ENOENT);
    assert_string_equal(problem.text, "person S1 is not among the people");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static void a_period_begins_with_its_start_and_ends_before_its_end(void **state)
{
    struct case_data *data = *state;
    const struct visits_period period = {
        .start_utc = data->period.start_utc, .end_utc = data->period.end_utc};
    struct visits_attendance attendance = {.slot = VISITS_NONE};

    attendance.in_utc = period.start_utc - 1;
    assert_false(visits_is_unplanned(&visits_default_params, &period, &attendance));
    attendance.in_utc = period.start_utc;
    assert_true(visits_is_unplanned(&visits_default_params, &period, &attendance));
    attendance.in_utc = period.end_utc - 1;
    assert_true(visits_is_unplanned(&visits_default_params, &period, &attendance));
    attendance.in_utc = period.end_utc;
    assert_false(visits_is_unplanned(&visits_default_params, &period, &attendance));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves_are_rounded_away_from_zero),
        cmocka_unit_test(eight_minutes_begin_a_quarter_and_the_plan_caps_it),
        cmocka_unit_test(only_ok_and_short_notice_earn_units),
        CASE(a_line_of_model_a_is_rounded_once),
        CASE(model_a_splits_a_week_where_the_rate_changes),
        CASE(model_b_pays_no_more_than_the_envelope_and_rates_it_on_the_monday),
        CASE(model_c_guarantees_four_fifths_and_caps_at_eleven_tenths),
        CASE(model_c_shares_a_cap_by_largest_remainders),
        CASE(missing_rate_is_named_with_provider_funder_and_day),
        CASE(rate_is_no_longer_valid_on_the_day_it_ends),
        CASE(last_hour_of_a_summer_day_in_utc_has_the_rate_of_the_next_day),
        CASE(unknown_person_provider_and_model_are_named),
        cmocka_unit_test_setup_teardown(
            a_period_begins_with_its_start_and_ends_before_its_end, setup, teardown),
    };

    return cmocka_run_group_tests_name("pay", tests, NULL, NULL);
}
