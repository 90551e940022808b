/*
 * test_repairs.c - R1, R2 and R3 by hand: taps read the wrong way round, a tap that is missing.
 * Every case is a person S1 and a carer C1 who come at NINE and at NOON for half an hour.
 */
#include "collector/visits/repair.h"

#include <string.h>

#include "tests/unit/suite.h"
#include "tests/unit/visits/world.h"

enum { NOON = 43200, EVENING = 72000, DAY_S = 86400, MINUTE_S = 60 };

static int start_world(void **state)
{
    static struct world world;

    world_init(&world);
    *state = &world;
    return 0;
}

static int end_world(void **state)
{
    world_done(*state);
    return 0;
}

static void choose(struct world *world, const char *repairs)
{
    assert_null(repair_parse(&world->params.repairs, repairs));
}

static void plan_two(struct world *world)
{
    world_plan(world, "V1", NINE, NINE + HALF_HOUR);
    world_plan(world, "V2", NOON, NOON + HALF_HOUR);
}

/* V1's tap on leaving was forgotten, so the reader took the next two the wrong way round. */
static void forget_to_leave(struct world *world)
{
    plan_two(world);
    world_tap(world, "a", 'I', NINE);
    world_tap(world, "b", 'O', NOON + 120);
    world_tap(world, "c", 'I', NOON + 120 + HALF_HOUR);
}

/* Plain days of so many minutes at NINE, from tomorrow on: a usual length. */
static void make_usual(struct world *world, int count, int minutes)
{
    for (int day = 1; day <= count; day++) {
        char id[] = "U0", in[] = "ui0", out[] = "uo0";
        int64_t start = NINE + (int64_t)day * DAY_S;

        id[1] = in[2] = out[2] = (char)('0' + day);
        world_plan(world, id, start, start + HALF_HOUR);
        world_tap(world, in, 'I', start);
        world_tap(world, out, 'O', start + (int64_t)minutes * MINUTE_S);
    }
}

/* A second carer for V1, K2's, by a visit for two. */
static void add_second(struct world *world, const char *id, char kind, int64_t ts)
{
    world_tap(world, id, kind, ts)->card_uid = world_text(world, "K2");
}

static void assert_attends(
    const struct world *world, size_t slot, enum slot_status status, int64_t in, int64_t out)
{
    const struct visits_attendance *attendance = NULL;

    assert_string_equal(slot_status_name((enum slot_status)world_slot(world, slot)->status),
        slot_status_name(status));
    assert_true(world_slot(world, slot)->attendance != VISITS_NONE);
    attendance = world_attendance(world, world_slot(world, slot)->attendance);
    assert_int_equal(attendance->in_utc, in);
    assert_int_equal(attendance->out_utc, out);
}

static const struct visits_repair *repair_of(const struct world *world, size_t slot)
{
    size_t at = visits_first_repair(&world->result, slot);

    assert_true(at < world->result.repairs_count && world->result.repairs[at].slot == slot);
    return &world->result.repairs[at];
}

static bool is_repaired(const struct world *world, size_t slot)
{
    struct visits_flags flags;

    visits_flags(&world->dataset, &world->params, &world->result, slot, &flags);
    return flags.is_set[FLAG_REPAIRED];
}

/* ---- choosing ------------------------------------------------------------------------------- */

static void no_repair_is_on_unless_asked_for(void **state)
{
    struct world *world = *state;

    assert_false(repair_is_on(&visits_default_params.repairs));
    forget_to_leave(world);
    world_reconcile(world);
    assert_int_equal(world->result.repairs_count, 0);
    assert_attends(world, 0, SLOT_OK, NINE, NOON + 120);
    assert_int_equal(world_slot(world, 1)->status, SLOT_HELD_NO_OUT);
}

static void a_choice_is_read_or_refused_as_a_whole(void **state)
{
    struct repair_params params = visits_default_params.repairs;

    (void)state;
    assert_null(repair_parse(&params, "leaving:pay,boundary"));
    assert_int_equal(params.policies[REPAIR_LEAVING], REPAIR_PAY);
    assert_int_equal(params.policies[REPAIR_BOUNDARY], REPAIR_HOLD);
    assert_int_equal(params.policies[REPAIR_DIRECTION], REPAIR_OFF);
    assert_string_equal(repair_parse(&params, "all:pay,leavings"), "leavings");
    assert_string_equal(repair_parse(&params, "all:"), "all:");
    assert_string_equal(repair_parse(&params, "all:paying"), "all:paying");
    assert_string_equal(repair_parse(&params, ""), "");
    assert_string_equal(repair_parse(&params, "all,"), "");
    assert_int_equal(params.policies[REPAIR_DIRECTION], REPAIR_OFF);
    assert_null(repair_parse(&params, "all:pay,arrival:hold"));
    assert_int_equal(params.policies[REPAIR_DIRECTION], REPAIR_PAY);
    assert_int_equal(params.policies[REPAIR_ARRIVAL], REPAIR_HOLD);
    assert_null(repair_parse(&params, "none"));
    assert_false(repair_is_on(&params));
}

/* ---- R1 ------------------------------------------------------------------------------------- */

static void taps_after_a_forgotten_one_are_turned_back(void **state)
{
    struct world *world = *state;

    forget_to_leave(world);
    choose(world, "direction:pay");
    world_reconcile(world);
    assert_attends(world, 0, SLOT_HELD_NO_OUT, NINE, VISITS_NO_TIME);
    assert_attends(world, 1, SLOT_OK, NOON + 120, NOON + 120 + HALF_HOUR);
    assert_false(is_repaired(world, 0));
    assert_true(is_repaired(world, 1));
    assert_int_equal(repair_of(world, 1)->inferred_s, HALF_HOUR);
    assert_int_equal(repair_of(world, 1)->read_as, 'I');
    assert_int_equal(world->dataset.events[1].kind, 'O'); /* the tap itself is as it was */
    assert_int_equal(world_exceptions(world, EXCEPTION_NO_OUT), 1);
}

static void what_was_turned_back_is_held_when_the_site_says_so(void **state)
{
    struct world *world = *state;

    forget_to_leave(world);
    choose(world, "direction:hold");
    world_reconcile(world);
    assert_int_equal(world_slot(world, 0)->status, SLOT_HELD_NO_OUT);
    assert_attends(world, 1, SLOT_HELD_REPAIR, NOON + 120, NOON + 120 + HALF_HOUR);
    assert_int_equal(
        world_attendance(world, world_slot(world, 1)->attendance)->status, ATTENDANCE_HELD);
    assert_true(repair_of(world, 1)->is_held);
}

static void releasing_the_slot_accepts_what_is_proposed(void **state)
{
    struct world *world = *state;

    forget_to_leave(world);
    choose(world, "direction:hold");
    world->dataset.planned[1].released_slots = 1;
    world_reconcile(world);
    assert_attends(world, 1, SLOT_OK, NOON + 120, NOON + 120 + HALF_HOUR);
    assert_false(repair_of(world, 1)->is_held);
}

static void a_whole_day_that_was_shifted_comes_right(void **state)
{
    struct world *world = *state;

    forget_to_leave(world);
    world_plan(world, "V3", EVENING, EVENING + HALF_HOUR);
    world_tap(world, "d", 'O', EVENING);
    world_tap(world, "e", 'I', EVENING + 1500);
    world_plan(world, "V4", NINE + DAY_S, NINE + DAY_S + HALF_HOUR);
    world_tap(world, "f", 'O', NINE + DAY_S + 60);
    world_tap(world, "g", 'I', NINE + DAY_S + 1800);
    choose(world, "direction:pay");
    world_reconcile(world);
    assert_int_equal(world_slot(world, 0)->status, SLOT_HELD_NO_OUT);
    assert_attends(world, 1, SLOT_OK, NOON + 120, NOON + 120 + HALF_HOUR);
    assert_attends(world, 2, SLOT_OK, EVENING, EVENING + 1500);
    assert_attends(world, 3, SLOT_OK, NINE + DAY_S + 60, NINE + DAY_S + 1800);
}

static void a_forgotten_arrival_is_told_from_a_forgotten_leaving(void **state)
{
    struct world *world = *state;

    world_plan(world, "V1", NINE, NINE + 2 * HALF_HOUR);
    world_plan(world, "V2", NOON, NOON + HALF_HOUR);
    world_tap(world, "a", 'I', NINE + 2 * HALF_HOUR); /* in truth she left then */
    world_tap(world, "b", 'O', NOON);
    world_tap(world, "c", 'I', NOON + HALF_HOUR);
    choose(world, "direction:pay");
    world_reconcile(world);
    assert_attends(world, 0, SLOT_HELD_NO_IN, VISITS_NO_TIME, NINE + 2 * HALF_HOUR);
    assert_attends(world, 1, SLOT_OK, NOON, NOON + HALF_HOUR);
}

static void a_tap_between_both_readings_is_held(void **state)
{
    struct world *world = *state;

    world_plan(world, "V1", NINE, NINE + 900);
    world_plan(world, "V2", NOON, NOON + HALF_HOUR);
    world_tap(world, "a", 'I', NINE + 480); /* late, or leaving early: nobody can tell */
    world_tap(world, "b", 'O', NOON);
    world_tap(world, "c", 'I', NOON + HALF_HOUR);
    choose(world, "all:pay");
    world_reconcile(world);
    assert_int_equal(world_slot(world, 0)->status, SLOT_HELD_NO_OUT);
    assert_true(repair_of(world, 0)->is_held);
    assert_int_equal(repair_of(world, 0)->rule, REPAIR_DIRECTION);
    assert_int_equal(repair_of(world, 0)->read_as, 'I'); /* as the reader had it */
    assert_true((world_attendance(world, world_slot(world, 0)->attendance)->evidence &
                    ATTENDANCE_DOUBTFUL) != 0);
    assert_attends(world, 1, SLOT_OK, NOON, NOON + HALF_HOUR);
}

static void bounces_follow_the_tap_they_belong_to(void **state)
{
    struct world *world = *state;

    forget_to_leave(world);
    world_tap(world, "b2", 'O', NOON + 150);
    world_tap(world, "c2", 'I', NOON + 120 + HALF_HOUR + 30);
    choose(world, "direction:pay");
    world_reconcile(world);
    assert_attends(world, 1, SLOT_OK, NOON + 120, NOON + 120 + HALF_HOUR);
    assert_int_equal(world_exceptions(world, EXCEPTION_BOUNCE), 2);
}

static void a_long_visit_that_was_planned_long_stays_as_it_is(void **state)
{
    struct world *world = *state;

    world_plan(world, "V1", NINE, NOON);
    world_plan(world, "V2", NOON + HALF_HOUR, NOON + 2 * HALF_HOUR);
    world_tap(world, "a", 'I', NINE);
    world_tap(world, "b", 'O', NOON + 900);
    choose(world, "direction:pay");
    world_reconcile(world);
    assert_int_equal(world->result.repairs_count, 0);
    assert_attends(world, 0, SLOT_OK, NINE, NOON + 900);
}

static void a_long_stay_is_not_read_again_without_a_visit_that_explains_it(void **state)
{
    struct world *world = *state;

    world_plan(world, "V1", NINE, NINE + HALF_HOUR);
    world_tap(world, "a", 'I', NINE);
    world_tap(world, "b", 'O', NINE + 3 * HALF_HOUR);
    choose(world, "direction:pay");
    world_reconcile(world);
    assert_int_equal(world->result.repairs_count, 0);
    assert_attends(world, 0, SLOT_OK, NINE, NINE + 3 * HALF_HOUR);
}

static void another_carers_visit_is_no_reason_to_read_again(void **state)
{
    struct world *world = *state;

    plan_two(world);
    world->dataset.planned[1].roster_carers = world_text(world, "C2");
    world_tap(world, "a", 'I', NINE);
    world_tap(world, "b", 'O', NOON - 900); /* stayed the morning */
    add_second(world, "x", 'I', NOON);
    add_second(world, "y", 'O', NOON + HALF_HOUR);
    choose(world, "direction:pay");
    world_reconcile(world);
    assert_int_equal(world->result.repairs_count, 0);
    assert_attends(world, 0, SLOT_OK, NINE, NOON - 900);
}

/* ---- R2 ------------------------------------------------------------------------------------- */

static void a_forgotten_leaving_is_after_the_usual_length(void **state)
{
    struct world *world = *state;

    world_plan(world, "V1", NINE, NINE + HALF_HOUR);
    world_tap(world, "a", 'I', NINE + 60);
    make_usual(world, 5, 25);
    choose(world, "leaving:pay");
    world->params.repairs.usual_visits = 5;
    world_reconcile(world);
    assert_attends(world, 0, SLOT_OK, NINE + 60, NINE + 60 + 25 * MINUTE_S);
    assert_int_equal(repair_of(world, 0)->basis, BASIS_USUAL_LENGTH);
    assert_int_equal(repair_of(world, 0)->usual_count, 5);
    assert_int_equal(repair_of(world, 0)->inferred_s, 25 * MINUTE_S);
    assert_int_equal(world_attendance(world, 0)->out_id, 0); /* no tap says so */
    assert_int_equal(world_exceptions(world, EXCEPTION_NO_OUT), 1);
}

static void too_few_visits_make_no_usual_length(void **state)
{
    struct world *world = *state;

    world_plan(world, "V1", NINE, NINE + HALF_HOUR);
    world_tap(world, "a", 'I', NINE + 60);
    make_usual(world, 5, 25);
    choose(world, "leaving:pay");
    world->params.repairs.usual_visits = 6;
    world_reconcile(world);
    assert_int_equal(world_slot(world, 0)->status, SLOT_HELD_NO_OUT);
    assert_true(repair_of(world, 0)->is_held);
    assert_int_equal(repair_of(world, 0)->basis, BASIS_PLAN);
    assert_int_equal(repair_of(world, 0)->out_utc, NINE + 60 + HALF_HOUR);
    assert_true(is_repaired(world, 0));
}

static void visits_that_differ_make_no_usual_length_to_pay_by(void **state)
{
    struct world *world = *state;

    world_plan(world, "V1", NINE, NINE + HALF_HOUR);
    world_tap(world, "a", 'I', NINE);
    make_usual(world, 5, 25);
    world->dataset.events[2].ts_utc -= 900; /* one of five: 10 minutes */
    choose(world, "leaving:pay");
    world->params.repairs.usual_visits = 5;
    world->params.repairs.usual_percent = 80;
    world_reconcile(world);
    assert_int_equal(world_slot(world, 0)->status, SLOT_OK);
    world->params.repairs.usual_percent = 81;
    world_reconcile(world);
    assert_int_equal(world_slot(world, 0)->status, SLOT_HELD_NO_OUT);
    assert_true(repair_of(world, 0)->is_held);
}

static void no_more_than_planned_is_inferred(void **state)
{
    struct world *world = *state;

    world_plan(world, "V1", NINE, NINE + HALF_HOUR);
    world_tap(world, "a", 'I', NINE);
    make_usual(world, 6, 35);
    choose(world, "leaving:pay");
    world_reconcile(world);
    assert_attends(world, 0, SLOT_OK, NINE, NINE + HALF_HOUR);
}

/* V1 for C1 and C2, who both came; C1's tap on leaving is missing. */
static void plan_for_two(struct world *world, int64_t second_came)
{
    struct planned_row *visit = world_plan(world, "V1", NINE, NINE + HALF_HOUR);

    visit->carers_required = 2;
    visit->roster_carers = world_text(world, "C1|C2");
    world_tap(world, "a", 'I', NINE);
    add_second(world, "x", 'I', second_came);
    add_second(world, "y", 'O', NINE + 1200);
}

static void a_carer_left_when_the_other_one_left(void **state)
{
    struct world *world = *state;

    plan_for_two(world, NINE + 600);
    choose(world, "leaving:pay");
    world_reconcile(world);
    assert_attends(world, 0, SLOT_OK, NINE, NINE + 1200);
    assert_int_equal(repair_of(world, 0)->basis, BASIS_OTHER_CARER);
    assert_int_equal(repair_of(world, 0)->other_id, world_text(world, "C2"));
}

static void carers_who_came_apart_tell_nothing_of_each_other(void **state)
{
    struct world *world = *state;

    plan_for_two(world, NINE + 601);
    make_usual(world, 6, 30);
    choose(world, "leaving:pay");
    world_reconcile(world);
    assert_int_equal(world_slot(world, 0)->status, SLOT_HELD_NO_OUT);
    assert_true(repair_of(world, 0)->is_held);
}

static void a_tap_that_may_still_come_is_not_inferred(void **state)
{
    struct world *world = *state;

    world_plan(world, "V1", NINE, NINE + HALF_HOUR);
    world_tap(world, "a", 'I', NINE);
    choose(world, "leaving:pay");
    world->period.asof_utc = NINE + HALF_HOUR + 7199;
    world_reconcile(world);
    assert_int_equal(world->result.repairs_count, 0);
    world->period.asof_utc++;
    world_reconcile(world);
    assert_int_equal(world->result.repairs_count, 1);
}

static void a_tap_of_the_carer_in_between_forbids_it(void **state)
{
    struct world *world = *state;

    world_plan(world, "V1", NINE, NINE + HALF_HOUR);
    world_tap(world, "a", 'I', NINE);
    world_tap(world, "b", 'I', NINE + 1000);
    choose(world, "leaving:pay");
    world_reconcile(world);
    assert_int_equal(world_slot(world, 0)->status, SLOT_HELD_NO_OUT);
    assert_int_equal(world->result.repairs_count, 0);
}

static void what_rests_on_a_held_reading_is_held(void **state)
{
    struct world *world = *state;

    forget_to_leave(world);
    make_usual(world, 6, 30);
    choose(world, "direction:hold,leaving:pay");
    world_reconcile(world);
    assert_int_equal(world_slot(world, 0)->status, SLOT_HELD_NO_OUT);
    assert_true(repair_of(world, 0)->is_held);
    choose(world, "direction:pay,leaving:pay");
    world_reconcile(world);
    assert_attends(world, 0, SLOT_OK, NINE, NINE + HALF_HOUR);
}

static void a_released_slot_is_paid_by_the_plan_too(void **state)
{
    struct world *world = *state;

    world_plan(world, "V1", NINE, NINE + HALF_HOUR)->released_slots = 1;
    world_tap(world, "a", 'I', NINE + 300);
    choose(world, "leaving:hold");
    world_reconcile(world);
    assert_attends(world, 0, SLOT_OK, NINE + 300, NINE + 300 + HALF_HOUR);
}

/* ---- R3 ------------------------------------------------------------------------------------- */

static void a_forgotten_arrival_is_the_usual_length_before(void **state)
{
    struct world *world = *state;

    world_plan(world, "V1", NINE, NINE + HALF_HOUR);
    world_tap(world, "a", 'O', NINE + HALF_HOUR);
    make_usual(world, 6, 25);
    choose(world, "arrival:pay");
    world_reconcile(world);
    assert_attends(world, 0, SLOT_OK, NINE + 300, NINE + HALF_HOUR);
    assert_int_equal(repair_of(world, 0)->rule, REPAIR_ARRIVAL);
    assert_int_equal(world_attendance(world, 0)->in_id, 0);
}

static void leaving_and_arrival_are_chosen_apart(void **state)
{
    struct world *world = *state;

    world_plan(world, "V1", NINE, NINE + HALF_HOUR);
    world_tap(world, "a", 'O', NINE + HALF_HOUR);
    make_usual(world, 6, 25);
    choose(world, "leaving:pay");
    world_reconcile(world);
    assert_int_equal(world_slot(world, 0)->status, SLOT_HELD_NO_IN);
    assert_int_equal(world->result.repairs_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_world, end_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_repair_is_on_unless_asked_for),
        TEST(a_choice_is_read_or_refused_as_a_whole),
        TEST(taps_after_a_forgotten_one_are_turned_back),
        TEST(what_was_turned_back_is_held_when_the_site_says_so),
        TEST(releasing_the_slot_accepts_what_is_proposed),
        TEST(a_whole_day_that_was_shifted_comes_right),
        TEST(a_forgotten_arrival_is_told_from_a_forgotten_leaving),
        TEST(a_tap_between_both_readings_is_held),
        TEST(bounces_follow_the_tap_they_belong_to),
        TEST(a_long_visit_that_was_planned_long_stays_as_it_is),
        TEST(a_long_stay_is_not_read_again_without_a_visit_that_explains_it),
        TEST(another_carers_visit_is_no_reason_to_read_again),
        TEST(a_forgotten_leaving_is_after_the_usual_length),
        TEST(too_few_visits_make_no_usual_length),
        TEST(visits_that_differ_make_no_usual_length_to_pay_by),
        TEST(no_more_than_planned_is_inferred),
        TEST(a_carer_left_when_the_other_one_left),
        TEST(carers_who_came_apart_tell_nothing_of_each_other),
        TEST(a_tap_that_may_still_come_is_not_inferred),
        TEST(a_tap_of_the_carer_in_between_forbids_it),
        TEST(what_rests_on_a_held_reading_is_held),
        TEST(a_released_slot_is_paid_by_the_plan_too),
        TEST(a_forgotten_arrival_is_the_usual_length_before),
        TEST(leaving_and_arrival_are_chosen_apart),
    };

    return cmocka_run_group_tests_name("repairs", tests, NULL, NULL);
}
