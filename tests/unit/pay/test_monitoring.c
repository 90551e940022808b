/* test_monitoring.c - contract monitoring on cases small enough to count by hand. */
#include "collector/pay/monitoring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/suite.h"

enum { DAY_S = 86400, MONDAY = 18540 /* 2020-10-05 */, SLOTS_MAX = 16 };

/* One person, two providers P1 (zone N, lot 1) and P2 (zone S, lot 1), slots as a test adds them. */
struct fixture {
    struct dataset dataset;
    struct visits_slot slots[SLOTS_MAX];
    struct visits_attendance attendances[SLOTS_MAX];
    struct visits_person person;
    struct visits_result result;
    struct period_row period;
    struct local_days days;
    struct pay_rates rates;
    uint32_t *people;
    struct pay_input input;
    struct monitoring_params params;
    struct monitoring monitoring;
    struct pay_problem problem;
};

/* A slot of half an hour at 10:00 on a day. */
struct slot_case {
    const char *provider;
    int day;
    enum slot_status status;
    const char *carer; /* NULL: nobody came */
    int32_t late_s;    /* tapped in so long after the planned start */
    int32_t worked_s;
    uint8_t evidence;
    uint16_t number; /* 0 is 1; more continues the visit before */
    int32_t carers_required;
};

static const int64_t always = INT64_MIN;
static const int32_t no_offset = 0;

static text_id intern(struct fixture *fx, const char *text)
{
    text_id id = 0;

    assert_int_equal(dataset_intern(&fx->dataset, text, strlen(text), &id), 0);
    return id;
}

static void add_provider(struct fixture *fx, const char *name, const char *zone)
{
    const struct provider_row provider = {
        .provider_id = intern(fx, name), .zone = intern(fx, zone), .lot = intern(fx, "1")};
    const struct rate_row rate = {.provider_id = provider.provider_id,
        .funder = intern(fx, "LA"),
        .from_day = MONDAY,
        .to_day = MONDAY + 14,
        .pence_per_hour = 1001};

    assert_int_equal(dataset_add_provider(&fx->dataset, &provider), 0);
    assert_int_equal(dataset_add_rate(&fx->dataset, &rate), 0);
}

static int setup(void **state)
{
    struct fixture *fx = calloc(1, sizeof *fx);
    struct person_row person;

    assert_non_null(fx);
    assert_int_equal(dataset_init(&fx->dataset), 0);
    add_provider(fx, "P2", "S"); /* not in the order of their names */
    add_provider(fx, "P1", "N");
    person = (struct person_row){
        .person_id = intern(fx, "S1"), .funder = intern(fx, "LA"), .provider_id = intern(fx, "P1")};
    assert_int_equal(dataset_add_person(&fx->dataset, &person), 0);
    fx->period = (struct period_row){.start_day = MONDAY,
        .end_day = MONDAY + 14,
        .start_utc = (int64_t)MONDAY * DAY_S,
        .end_utc = (int64_t)(MONDAY + 14) * DAY_S};
    fx->days = (struct local_days){&always, &no_offset, 1};
    fx->params = monitoring_default_params;
    fx->params.from_day = MONDAY;
    fx->params.to_day = MONDAY + 14;
    *state = fx;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fx = *state;

    monitoring_done(&fx->monitoring);
    pay_rates_done(&fx->rates);
    free(fx->people);
    dataset_done(&fx->dataset);
    free(fx);
    return 0;
}

static void add_attendance(
    struct fixture *fx, const struct slot_case *slot_case, int64_t start, uint32_t slot)
{
    bool has_out = slot_case->status != SLOT_HELD_NO_OUT;

    fx->attendances[fx->result.attendances_count++] =
        (struct visits_attendance){.in_utc = start + slot_case->late_s,
            .out_utc = has_out ? start + slot_case->late_s + slot_case->worked_s : VISITS_NO_TIME,
            .person_id = intern(fx, "S1"),
            .carer_id = intern(fx, slot_case->carer),
            .worked_s = has_out ? slot_case->worked_s : 0,
            .slot = slot,
            .status = has_out ? ATTENDANCE_OK : ATTENDANCE_NO_OUT,
            .evidence = slot_case->evidence};
}

static void add(struct fixture *fx, struct slot_case slot_case)
{
    size_t i = fx->result.slots_count++;
    int64_t start = (int64_t)(MONDAY + slot_case.day) * DAY_S + 36000;
    const struct planned_row row = {.visit_id = intern(fx, "V"),
        .person_id = intern(fx, "S1"),
        .provider_id = intern(fx, slot_case.provider),
        .start_utc = start,
        .end_utc = start + 1800,
        .carers_required = slot_case.carers_required == 0 ? 1 : slot_case.carers_required,
        .cancel_utc = DATASET_NEVER};

    assert_true(i < SLOTS_MAX);
    if (slot_case.number <= 1) {
        assert_int_equal(dataset_add_planned(&fx->dataset, &row), 0);
    }
    fx->slots[i] = (struct visits_slot){.planned = (uint32_t)(fx->dataset.planned_count - 1),
        .attendance =
            slot_case.carer != NULL ? (uint32_t)fx->result.attendances_count : VISITS_NONE,
        .number = slot_case.number == 0 ? 1 : slot_case.number,
        .status = (uint8_t)slot_case.status};
    if (slot_case.carer != NULL) {
        add_attendance(fx, &slot_case, start, (uint32_t)i);
    }
}

static int make(struct fixture *fx)
{
    fx->person = (struct visits_person){.person_id = intern(fx, "S1"),
        .slots_to = (uint32_t)fx->result.slots_count,
        .attendances_to = (uint32_t)fx->result.attendances_count};
    fx->result.people = &fx->person;
    fx->result.people_count = 1;
    fx->result.slots = fx->slots;
    fx->result.attendances = fx->attendances;
    assert_int_equal(pay_rates_init(&fx->rates, &fx->dataset), 0);
    fx->people = pay_index_people(&fx->dataset);
    assert_non_null(fx->people);
    fx->input = (struct pay_input){.dataset = &fx->dataset,
        .visits_params = &visits_default_params,
        .result = &fx->result,
        .period = &fx->period,
        .days = &fx->days,
        .params = &pay_default_params,
        .rates = &fx->rates,
        .people = fx->people};
    return monitoring_make(&fx->monitoring, &fx->input, &fx->params, &fx->problem);
}

static int64_t number(const struct monitoring_row *row, const char *name)
{
    for (size_t i = 0; i < MONITORING_NUMBERS; i++) {
        if (strcmp(monitoring_numbers[i].name, name) == 0) {
            return monitoring_numbers[i].value(&row->counts, &pay_default_params);
        }
    }
    fail_msg("there is no number %s", name);
    return -1;
}

static int64_t total(const struct fixture *fx, const char *name)
{
    return number(&fx->monitoring.total, name);
}

/* One slot of each status: 7 slots, 5 of them not cancelled. */
static void every_status_is_counted_where_it_belongs(void **state)
{
    struct fixture *fx = *state;

    add(fx, (struct slot_case){"P1", 0, SLOT_OK, "C1", 0, 1800, 0, 0, 0});
    add(fx, (struct slot_case){"P1", 1, SLOT_HELD_NO_OUT, "C1", 0, 0, 0, 0, 0});
    add(fx,
        (struct slot_case){.provider = "P1", .day = 2, .status = SLOT_HELD_NO_IN, .carer = "C1"});
    add(fx, (struct slot_case){.provider = "P1", .day = 3, .status = SLOT_MISSED});
    add(fx, (struct slot_case){.provider = "P1", .day = 4, .status = SLOT_SAME_CARER});
    add(fx, (struct slot_case){.provider = "P1", .day = 5, .status = SLOT_CANC_NOTICE});
    add(fx, (struct slot_case){.provider = "P1", .day = 6, .status = SLOT_CANC_SHORT});
    assert_int_equal(make(fx), 0);
    assert_int_equal(total(fx, "planned"), 5);
    assert_int_equal(total(fx, "delivered"), 1);
    assert_int_equal(total(fx, "held"), 2);
    assert_int_equal(total(fx, "missed"), 1);
    assert_int_equal(total(fx, "same_carer"), 1);
    assert_int_equal(total(fx, "cancelled_notice"), 1);
    assert_int_equal(total(fx, "cancelled_short"), 1);
    assert_int_equal(total(fx, "delivered_permille"), 200);
    assert_int_equal(total(fx, "missed_permille"), 200);
    assert_int_equal(total(fx, "attended"), 3);
    assert_int_equal(total(fx, "planned_min"), 210);
    assert_int_equal(total(fx, "paid_min"), 60); /* OK and CANC_SHORT */
}

/* Late is more than the band: a second makes the difference. */
static void a_band_of_lateness_begins_one_second_after_it(void **state)
{
    static const int32_t late_s[] = {900, 901, 1800, 1801, 3600, 3601, -5000};
    struct fixture *fx = *state;

    for (int i = 0; i < 7; i++) {
        add(fx, (struct slot_case){"P1", i, SLOT_OK, "C1", late_s[i], 1800, 0, 0, 0});
    }
    assert_int_equal(make(fx), 0);
    assert_int_equal(total(fx, "late_1"), 5);
    assert_int_equal(total(fx, "late_2"), 3);
    assert_int_equal(total(fx, "late_3"), 1);
}

/* Planned 1800 s: 1350 is not short, 1349 is. (1350 + 1349 + 2251) / 3 = 1650. */
static void short_and_the_mean_length_come_from_worked_seconds(void **state)
{
    struct fixture *fx = *state;

    add(fx, (struct slot_case){"P1", 0, SLOT_OK, "C1", 0, 1350, 0, 0, 0});
    add(fx, (struct slot_case){"P1", 1, SLOT_OK, "C1", 0, 1349, 0, 0, 0});
    add(fx, (struct slot_case){"P1", 2, SLOT_OK, "C1", 0, 2251, 0, 0, 0});
    assert_int_equal(make(fx), 0);
    assert_int_equal(total(fx, "short"), 1);
    assert_int_equal(total(fx, "mean_planned_s"), 1800);
    assert_int_equal(total(fx, "mean_worked_s"), 1650);
    assert_int_equal(total(fx, "length_permille"), 917); /* 4950 / 5400 */
    assert_int_equal(total(fx, "actual_min"), 83);       /* 82.5, half up */
}

/* Four attended: one with taps at both ends, one edited, two with a tap missing. */
static void only_two_taps_without_an_edit_are_electronic(void **state)
{
    struct fixture *fx = *state;

    add(fx, (struct slot_case){"P1", 0, SLOT_OK, "C1", 0, 1800, 0, 0, 0});
    add(fx, (struct slot_case){"P1", 1, SLOT_OK, "C1", 0, 1800, ATTENDANCE_MANUAL, 0, 0});
    add(fx, (struct slot_case){"P1", 2, SLOT_HELD_NO_OUT, "C1", 0, 0, 0, 0, 0});
    add(fx, (struct slot_case){"P1", 3, SLOT_HELD_NO_OUT, "C1", 0, 0, 0, 0, 0});
    assert_int_equal(make(fx), 0);
    assert_int_equal(total(fx, "ecm"), 1);
    assert_int_equal(total(fx, "ecm_permille"), 250);
}

/* Two that rest on a repair, one paid and one held; neither is electronic. */
static void what_was_repaired_or_is_proposed_is_counted(void **state)
{
    struct fixture *fx = *state;
    struct visits_repair repairs[] = {{.slot = 1}, {.slot = 2, .is_held = true}};

    add(fx, (struct slot_case){"P1", 0, SLOT_OK, "C1", 0, 1800, 0, 0, 0});
    add(fx, (struct slot_case){"P1", 1, SLOT_OK, "C1", 0, 1800, ATTENDANCE_REPAIRED, 0, 0});
    add(fx, (struct slot_case){"P1", 2, SLOT_HELD_REPAIR, "C1", 0, 0, 0, 0, 0});
    fx->result.repairs = repairs;
    fx->result.repairs_count = 2;
    assert_int_equal(make(fx), 0);
    assert_int_equal(total(fx, "repaired"), 1);
    assert_int_equal(total(fx, "proposed"), 1);
    assert_int_equal(total(fx, "held"), 1);
    assert_int_equal(total(fx, "ecm"), 1);
}

/* Week 0: C1 C1 C2 C3 C4 is 4 carers; week 1: C1 C4 C4 is 2. C1, C4 have 3 each, C2, C3 one. */
static void continuity_counts_carers_by_week_and_the_usual_ones_over_all_dates(void **state)
{
    static const char *const carers[] = {"C1", "C1", "C2", "C3", "C4", "C1", "C4", "C4"};
    static const int days[] = {0, 1, 2, 3, 4, 7, 8, 13};
    struct fixture *fx = *state;

    for (int i = 0; i < 8; i++) {
        add(fx, (struct slot_case){"P1", days[i], SLOT_OK, carers[i], 0, 1800, 0, 0, 0});
    }
    assert_int_equal(make(fx), 0);
    assert_int_equal(total(fx, "person_weeks"), 2);
    assert_int_equal(total(fx, "carers_a_week_milli"), 3000);
    assert_int_equal(total(fx, "usual"), 7);
    assert_int_equal(total(fx, "usual_permille"), 875);
}

static void how_many_carers_are_usual_is_a_parameter(void **state)
{
    static const char *const carers[] = {"C1", "C2", "C2", "C3", "C3", "C3"};
    struct fixture *fx = *state;

    for (int i = 0; i < 6; i++) {
        add(fx, (struct slot_case){"P1", i, SLOT_OK, carers[i], 0, 1800, 0, 0, 0});
    }
    fx->params.usual_carers = 1;
    assert_int_equal(make(fx), 0);
    assert_int_equal(total(fx, "usual"), 3);
}

/* Three visits for two: both came; one came; cancelled. A visit for one is none of them. */
static void both_came_when_every_slot_of_the_visit_is_attended(void **state)
{
    struct fixture *fx = *state;

    add(fx, (struct slot_case){"P1", 0, SLOT_OK, "C1", 0, 1800, 0, 1, 2});
    add(fx, (struct slot_case){"P1", 0, SLOT_HELD_NO_OUT, "C2", 0, 0, 0, 2, 2});
    add(fx, (struct slot_case){"P1", 1, SLOT_OK, "C1", 0, 1800, 0, 1, 2});
    add(fx, (struct slot_case){"P1", 1, SLOT_MISSED, NULL, 0, 0, 0, 2, 2});
    add(fx, (struct slot_case){"P1", 2, SLOT_CANC_SHORT, NULL, 0, 0, 0, 1, 2});
    add(fx, (struct slot_case){"P1", 2, SLOT_CANC_SHORT, NULL, 0, 0, 0, 2, 2});
    add(fx, (struct slot_case){"P1", 3, SLOT_OK, "C1", 0, 1800, 0, 1, 1});
    assert_int_equal(make(fx), 0);
    assert_int_equal(total(fx, "double_visits"), 2);
    assert_int_equal(total(fx, "double_both"), 1);
}

/*
 * 1001 p an hour, a line of one week: 1 unit is paid half_up(1001, 4) = 250, and with the two
 * units of the held slot it would be half_up(3003, 4) = 751: 501 more, where the held slot alone
 * would round to half_up(2002, 4) = 501 and three units one by one to 750.
 */
static void held_money_is_the_difference_of_whole_lines(void **state)
{
    struct fixture *fx = *state;

    add(fx, (struct slot_case){"P1", 0, SLOT_OK, "C1", 0, 900, 0, 0, 0});
    add(fx, (struct slot_case){"P1", 1, SLOT_HELD_NO_OUT, "C1", 0, 0, 0, 0, 0});
    assert_int_equal(make(fx), 0);
    assert_int_equal(total(fx, "paid_min"), 15);
    assert_int_equal(total(fx, "paid_pence"), 250);
    assert_int_equal(total(fx, "held_pence"), 501);
}

/* Each of two weeks is a line: 250 each, not half_up(2002, 4) = 501. */
static void each_week_is_rounded_by_itself(void **state)
{
    struct fixture *fx = *state;

    add(fx, (struct slot_case){"P1", 0, SLOT_OK, "C1", 0, 900, 0, 0, 0});
    add(fx, (struct slot_case){"P1", 7, SLOT_OK, "C1", 0, 900, 0, 0, 0});
    assert_int_equal(make(fx), 0);
    assert_int_equal(total(fx, "paid_pence"), 500);
    assert_int_equal(total(fx, "held_pence"), 0);
}

static void rows_are_in_the_order_of_their_keys_and_add_up(void **state)
{
    struct fixture *fx = *state;

    add(fx, (struct slot_case){"P2", 0, SLOT_OK, "C1", 0, 1800, 0, 0, 0});
    add(fx, (struct slot_case){"P2", 1, SLOT_MISSED, NULL, 0, 0, 0, 0, 0});
    add(fx, (struct slot_case){"P1", 2, SLOT_OK, "C1", 0, 1800, 0, 0, 0});
    assert_int_equal(make(fx), 0);
    assert_int_equal(fx->monitoring.count, 2);
    assert_string_equal(dataset_text(&fx->dataset, fx->monitoring.rows[0].key), "P1");
    assert_string_equal(dataset_text(&fx->dataset, fx->monitoring.rows[1].key), "P2");
    assert_int_equal(number(&fx->monitoring.rows[0], "planned"), 1);
    assert_int_equal(number(&fx->monitoring.rows[1], "planned"), 2);
    assert_int_equal(number(&fx->monitoring.rows[1], "paid_pence"), 501);
    assert_int_equal(total(fx, "planned"), 3);
    assert_int_equal(total(fx, "paid_pence"), 1002);
}

static void zone_and_lot_are_those_of_the_visits_provider(void **state)
{
    static const enum monitoring_by ways[] = {MONITORING_ZONE, MONITORING_LOT, MONITORING_FUNDER};
    static const char *const firsts[] = {"N", "1", "LA"};
    static const size_t counts[] = {2, 1, 1};
    struct fixture *fx = *state;

    add(fx, (struct slot_case){"P1", 0, SLOT_OK, "C1", 0, 1800, 0, 0, 0});
    add(fx, (struct slot_case){"P2", 1, SLOT_OK, "C1", 0, 1800, 0, 0, 0});
    assert_int_equal(make(fx), 0);
    for (size_t i = 0; i < 3; i++) {
        fx->params.by = ways[i];
        monitoring_done(&fx->monitoring);
        assert_int_equal(
            monitoring_make(&fx->monitoring, &fx->input, &fx->params, &fx->problem), 0);
        assert_int_equal(fx->monitoring.count, counts[i]);
        assert_string_equal(dataset_text(&fx->dataset, fx->monitoring.rows[0].key), firsts[i]);
    }
}

static void only_the_dates_asked_for_count(void **state)
{
    struct fixture *fx = *state;

    for (int day = 0; day < 4; day++) {
        add(fx, (struct slot_case){"P1", day, SLOT_OK, "C1", 0, 1800, 0, 0, 0});
    }
    fx->params.from_day = MONDAY + 1;
    fx->params.to_day = MONDAY + 3;
    assert_int_equal(make(fx), 0);
    assert_int_equal(total(fx, "planned"), 2);
    assert_int_equal(total(fx, "actual_min"), 60);
    assert_int_equal(total(fx, "paid_min"), 60);
}

/* An unplanned attendance was worked all the same, for the person's provider P1. */
static void unplanned_work_is_actual_but_not_delivered(void **state)
{
    struct fixture *fx = *state;

    add(fx, (struct slot_case){"P2", 0, SLOT_OK, "C1", 0, 1800, 0, 0, 0});
    add_attendance(fx, &(struct slot_case){.status = SLOT_OK, .carer = "C1", .worked_s = 1200},
        (int64_t)(MONDAY + 1) * DAY_S, VISITS_NONE);
    assert_int_equal(make(fx), 0);
    assert_int_equal(total(fx, "delivered"), 1);
    assert_int_equal(number(&fx->monitoring.rows[0], "actual_min"), 20);
    assert_int_equal(number(&fx->monitoring.rows[1], "actual_min"), 30);
}

static void without_a_slot_every_share_is_nought(void **state)
{
    struct fixture *fx = *state;

    assert_int_equal(make(fx), 0);
    assert_int_equal(fx->monitoring.count, 0);
    for (size_t i = 0; i < MONITORING_NUMBERS; i++) {
        assert_int_equal(total(fx, monitoring_numbers[i].name), 0);
    }
}

static void a_held_slot_without_a_rate_is_an_error_that_names_it(void **state)
{
    struct fixture *fx = *state;

    fx->dataset.rates_count = 1; /* P2's is left */
    add(fx, (struct slot_case){"P1", 0, SLOT_HELD_NO_OUT, "C1", 0, 0, 0, 0, 0});
    assert_int_equal(make(fx), -ENOENT);
    assert_non_null(strstr(fx->problem.text, "P1"));
}

static void params_out_of_range_are_refused(void **state)
{
    struct fixture *fx = *state;
    const struct monitoring_params good = fx->params;

    assert_int_equal(make(fx), 0);
    for (int i = 0; i < 5; i++) {
        fx->params = good;
        fx->params.to_day = i == 0 ? good.from_day : good.to_day;
        fx->params.usual_carers = i == 1 ? 0 : i == 2 ? MONITORING_USUAL_MAX + 1 : 3;
        fx->params.late_s[0] = i == 3 ? -1 : good.late_s[0];
        fx->params.late_s[1] = i == 4 ? good.late_s[2] : good.late_s[1];
        assert_int_equal(
            monitoring_make(&fx->monitoring, &fx->input, &fx->params, &fx->problem), -EINVAL);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(every_status_is_counted_where_it_belongs),
        CASE(a_band_of_lateness_begins_one_second_after_it),
        CASE(short_and_the_mean_length_come_from_worked_seconds),
        CASE(only_two_taps_without_an_edit_are_electronic),
        CASE(what_was_repaired_or_is_proposed_is_counted),
        CASE(continuity_counts_carers_by_week_and_the_usual_ones_over_all_dates),
        CASE(how_many_carers_are_usual_is_a_parameter),
        CASE(both_came_when_every_slot_of_the_visit_is_attended),
        CASE(held_money_is_the_difference_of_whole_lines),
        CASE(each_week_is_rounded_by_itself),
        CASE(rows_are_in_the_order_of_their_keys_and_add_up),
        CASE(zone_and_lot_are_those_of_the_visits_provider),
        CASE(only_the_dates_asked_for_count),
        CASE(unplanned_work_is_actual_but_not_delivered),
        CASE(without_a_slot_every_share_is_nought),
        CASE(a_held_slot_without_a_rate_is_an_error_that_names_it),
        CASE(params_out_of_range_are_refused),
    };
#undef CASE

    return cmocka_run_group_tests_name("monitoring", tests, NULL, NULL);
}
