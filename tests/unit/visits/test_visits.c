/* test_visits.c - the rules of docs/RECONCILIATION.md, one test each, at their edges. */
#include "collector/visits/visits.h"

#include <stdlib.h>

#include "collector/visits/alternatives.h"
#include "tests/unit/suite.h"
#include "tests/unit/visits/world.h"

static int setup(void **state)
{
    struct world *world = malloc(sizeof *world);

    assert_non_null(world);
    world_init(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    world_done(*state);
    free(*state);
    return 0;
}

/* A complete visit at nine and its taps. */
static void visit_at_nine(struct world *world)
{
    (void)world_plan(world, "V1", NINE, NINE + HALF_HOUR);
    (void)world_tap(world, "e1", 'I', NINE);
    (void)world_tap(world, "e2", 'O', NINE + HALF_HOUR);
}

static void assert_only_slot_is(struct world *world, enum slot_status status)
{
    world_reconcile(world);
    assert_int_equal(world->result.slots_count, 1);
    assert_string_equal(
        slot_status_name((enum slot_status)world_slot(world, 0)->status), slot_status_name(status));
}

static void planned_visit_with_both_taps_is_ok(void **state)
{
    struct world *world = *state;

    visit_at_nine(world);
    assert_only_slot_is(world, SLOT_OK);
    assert_int_equal(world_attendance(world, 0)->worked_s, HALF_HOUR);
    assert_int_equal(world->result.exceptions_count, 0);
    assert_int_equal(world->result.events_visible, 2);
}

static void e1_event_received_after_the_as_of_is_not_seen(void **state)
{
    struct world *world = *state;

    visit_at_nine(world);
    world->dataset.events[1].recv_utc = ASOF;
    assert_only_slot_is(world, SLOT_OK);
    world->dataset.events[1].recv_utc = ASOF + 1;
    assert_only_slot_is(world, SLOT_HELD_NO_OUT);
    assert_int_equal(world->result.events_visible, 1);
}

static void e1_amendment_and_cancellation_after_the_as_of_are_not_seen(void **state)
{
    struct world *world = *state;

    (void)world_plan(world, "V1", NINE, NINE + HALF_HOUR);
    world->dataset.planned[0].cancel_utc = ASOF + 1;
    world_add(world, "a1", 'I', NINE)->created_utc = ASOF + 1;
    assert_only_slot_is(world, SLOT_MISSED);
    world->dataset.amendments[0].created_utc = ASOF;
    assert_only_slot_is(world, SLOT_HELD_NO_OUT);
    world->dataset.planned[0].cancel_utc = ASOF;
    assert_only_slot_is(world, SLOT_CANC_SHORT);
}

static void e2_repeat_is_dup_and_a_different_one_conflicts_with_the_first_received(void **state)
{
    struct world *world = *state;

    visit_at_nine(world);
    world_tap(world, "e1", 'I', NINE)->recv_utc = NINE + 50;
    world_tap(world, "e1", 'I', NINE + 1)->recv_utc = NINE + 60;
    world_reconcile(world);
    assert_int_equal(world_exceptions(world, EXCEPTION_DUP_ID), 1);
    assert_int_equal(world_exceptions(world, EXCEPTION_CONFLICT_ID), 1);
    assert_int_equal(world_attendance(world, 0)->in_utc, NINE);
    assert_int_equal(world->result.exceptions[0].ts_utc, NINE + 60);
}

static void e2_of_two_received_in_one_second_the_first_to_arrive_is_kept(void **state)
{
    struct world *world = *state;

    visit_at_nine(world);
    world_tap(world, "e1", 'I', NINE + 1)->recv_utc = NINE + 5;
    world->dataset.events[0].arrival = 9;
    world->dataset.events[2].arrival = 3;
    world_reconcile(world);
    assert_int_equal(world_attendance(world, 0)->in_utc, NINE + 1);
}

static void e3_voided_event_is_dropped(void **state)
{
    struct world *world = *state;

    visit_at_nine(world);
    world_void(world, "a1", "e2");
    assert_only_slot_is(world, SLOT_HELD_NO_OUT);
    assert_int_equal(world_exceptions(world, EXCEPTION_VOIDED), 1);
}

static void e4_tap_more_than_300_s_ahead_of_its_reception_is_dropped(void **state)
{
    struct world *world = *state;

    visit_at_nine(world);
    world->dataset.events[1].recv_utc = NINE + HALF_HOUR - 300;
    assert_only_slot_is(world, SLOT_OK);
    world->dataset.events[1].recv_utc = NINE + HALF_HOUR - 301;
    assert_only_slot_is(world, SLOT_HELD_NO_OUT);
    assert_int_equal(world_exceptions(world, EXCEPTION_CLOCK_FUTURE), 1);
}

static void e5_unknown_card_is_named_before_an_unknown_device(void **state)
{
    struct world *world = *state;
    struct event_row *tap = NULL;

    visit_at_nine(world);
    tap = world_tap(world, "e3", 'I', NINE + 9000);
    tap->card_uid = world_text(world, "K9");
    tap->device_id = world_text(world, "H9");
    tap = world_tap(world, "e4", 'I', NINE + 9000);
    tap->device_id = world_text(world, "H9");
    world_reconcile(world);
    assert_int_equal(world->result.exceptions_count, 2);
    assert_int_equal(world->result.exceptions[0].code, EXCEPTION_UNKNOWN_CARD);
    assert_int_equal(world->result.exceptions[0].detail, world_text(world, "K9"));
    assert_int_equal(world->result.exceptions[1].code, EXCEPTION_UNKNOWN_DEVICE);
    assert_int_equal(world->result.exceptions[1].detail, world_text(world, "H9"));
}

static void e5_card_is_whose_it_was_when_it_was_tapped(void **state)
{
    struct world *world = *state;
    struct card_row later = {.card_uid = world_text(world, "K1"),
        .carer_id = world_text(world, "C2"),
        .from_utc = NINE + HALF_HOUR, /* the second of the tap */
        .to_utc = INT64_C(1) << 40};

    visit_at_nine(world);
    world->dataset.cards[0].to_utc = NINE + HALF_HOUR;
    assert_int_equal(dataset_add_card(&world->dataset, &later), 0);
    world_reconcile(world);
    assert_int_equal(world->result.attendances_count, 2);
    assert_int_equal(world_attendance(world, 0)->status, ATTENDANCE_NO_OUT);
    assert_int_equal(world_attendance(world, 1)->carer_id, world_text(world, "C2"));
}

static void e5_card_is_nobodys_from_the_second_it_was_handed_back(void **state)
{
    struct world *world = *state;

    visit_at_nine(world);
    world->dataset.cards[0].to_utc = NINE + HALF_HOUR + 1;
    assert_only_slot_is(world, SLOT_OK);
    world->dataset.cards[0].to_utc = NINE + HALF_HOUR;
    assert_only_slot_is(world, SLOT_HELD_NO_OUT);
    assert_int_equal(world_exceptions(world, EXCEPTION_UNKNOWN_CARD), 1);
}

static void e5_tag_in_the_home_and_reader_with_the_carer_count_as_well(void **state)
{
    struct world *world = *state;
    struct home_tag_row tag = {
        .tag_uid = world_text(world, "T1"), .person_id = world_text(world, "S1"), .to_utc = ASOF};
    struct carried_reader_row reader = {
        .device_id = world_text(world, "R1"), .carer_id = world_text(world, "C1"), .to_utc = ASOF};

    visit_at_nine(world);
    assert_int_equal(dataset_add_home_tag(&world->dataset, &tag), 0);
    assert_int_equal(dataset_add_carried_reader(&world->dataset, &reader), 0);
    for (size_t i = 0; i < 2; i++) {
        world->dataset.events[i].card_uid = tag.tag_uid;
        world->dataset.events[i].device_id = reader.device_id;
    }
    assert_only_slot_is(world, SLOT_OK);
}

static void e5_two_of_a_kind_are_a_wrong_pair(void **state)
{
    struct world *world = *state;
    struct carried_reader_row reader = {
        .device_id = world_text(world, "R1"), .carer_id = world_text(world, "C1"), .to_utc = ASOF};

    assert_int_equal(dataset_add_carried_reader(&world->dataset, &reader), 0);
    world_tap(world, "e1", 'I', NINE)->device_id = reader.device_id;
    world_reconcile(world);
    assert_int_equal(world_exceptions(world, EXCEPTION_WRONG_PAIR), 1);
    assert_int_equal(world->result.attendances_count, 0);
}

static void e6_added_tap_needs_neither_card_nor_device(void **state)
{
    struct world *world = *state;

    (void)world_plan(world, "V1", NINE, NINE + HALF_HOUR);
    (void)world_tap(world, "e1", 'I', NINE);
    (void)world_add(world, "a1", 'O', NINE + HALF_HOUR);
    assert_only_slot_is(world, SLOT_OK);
    assert_int_equal(world_attendance(world, 0)->out_id, world_text(world, "a1"));
    assert_int_equal(world_attendance(world, 0)->evidence, ATTENDANCE_MANUAL);
}

static void e7_out_comes_before_in_at_the_same_second(void **state)
{
    struct world *world = *state;

    (void)world_tap(world, "e1", 'I', NINE);
    (void)world_tap(world, "e2", 'I', NINE + 5000);
    (void)world_tap(world, "e3", 'O', NINE + 5000);
    (void)world_tap(world, "e4", 'O', NINE + 9000);
    world_reconcile(world);
    assert_int_equal(world->result.attendances_count, 1); /* two, merged across no gap */
    assert_int_equal(world_attendance(world, 0)->worked_s, 9000);
}

static void s1_same_kind_within_120_s_bounces_and_after_that_does_not(void **state)
{
    struct world *world = *state;

    visit_at_nine(world);
    (void)world_tap(world, "e3", 'O', NINE + HALF_HOUR + 120);
    (void)world_tap(world, "e4", 'O', NINE + HALF_HOUR + 240); /* counted from a dropped one */
    world_reconcile(world);
    assert_int_equal(world_exceptions(world, EXCEPTION_BOUNCE), 2);
    world->dataset.events[3].ts_utc = NINE + HALF_HOUR + 241;
    world_reconcile(world);
    assert_int_equal(world_exceptions(world, EXCEPTION_BOUNCE), 1);
    assert_int_equal(world_exceptions(world, EXCEPTION_NO_IN), 1);
}

static void s2_pair_of_57600_s_is_an_attendance_and_one_second_more_is_two_halves(void **state)
{
    struct world *world = *state;

    (void)world_tap(world, "e1", 'I', NINE);
    (void)world_tap(world, "e2", 'O', NINE + 57600);
    world_reconcile(world);
    assert_int_equal(world_attendance(world, 0)->worked_s, 57600);
    world->dataset.events[1].ts_utc++;
    world_reconcile(world);
    assert_int_equal(world->result.attendances_count, 2);
    assert_int_equal(world_attendance(world, 0)->status, ATTENDANCE_NO_OUT);
    assert_int_equal(world_attendance(world, 1)->status, ATTENDANCE_NO_IN);
    assert_int_equal(
        world_attendance(world, 0)->worked_s + world_attendance(world, 1)->worked_s, 0);
}

static void s5_gap_of_600_s_merges_unpaid_and_chains_and_601_does_not(void **state)
{
    struct world *world = *state;

    visit_at_nine(world);
    (void)world_tap(world, "e3", 'I', NINE + HALF_HOUR + 600);
    (void)world_tap(world, "e4", 'O', NINE + HALF_HOUR + 900);
    (void)world_tap(world, "e5", 'I', NINE + HALF_HOUR + 1500);
    (void)world_tap(world, "e6", 'O', NINE + HALF_HOUR + 1600);
    world_reconcile(world);
    assert_int_equal(world->result.attendances_count, 1);
    assert_int_equal(world_attendance(world, 0)->worked_s, HALF_HOUR + 300 + 100);
    assert_int_equal(world_attendance(world, 0)->out_utc, NINE + HALF_HOUR + 1600);
    assert_int_equal(world_exceptions(world, EXCEPTION_MERGED), 2);
    world->dataset.events[4].ts_utc++;
    world_reconcile(world);
    assert_int_equal(world->result.attendances_count, 2);
}

static void s6_anchor_7200_s_outside_the_period_is_part_of_it_and_further_is_not(void **state)
{
    struct world *world = *state;

    world->period.start_utc = NINE;
    (void)world_tap(world, "e1", 'I', NINE - 7200);
    (void)world_tap(world, "e2", 'I', NINE - 7201 - 300);
    (void)world_tap(world, "e3", 'O', WEEK_S + 7200 + 1800);
    (void)world_tap(world, "e4", 'O', WEEK_S + 7201 + 1800 + 300);
    world_reconcile(world);
    assert_int_equal(world->result.attendances_count, 2);
    assert_int_equal(world->result.exceptions_count, 2);
}

static void p1_notice_of_exactly_a_day_is_in_good_time(void **state)
{
    struct world *world = *state;

    visit_at_nine(world);
    world->dataset.planned[0].start_utc += 86400;
    world->dataset.planned[0].end_utc += 86400;
    world->dataset.planned[0].cancel_utc = NINE;
    assert_only_slot_is(world, SLOT_CANC_NOTICE);
    world->dataset.planned[0].cancel_utc = NINE + 1;
    assert_only_slot_is(world, SLOT_CANC_SHORT);
}

static void p1_cancelled_visit_leaves_its_attendance_unplanned(void **state)
{
    struct world *world = *state;

    visit_at_nine(world);
    world->dataset.planned[0].cancel_utc = NINE - 60;
    assert_only_slot_is(world, SLOT_CANC_SHORT);
    assert_true(
        visits_is_unplanned(&visits_default_params, &world->period, world_attendance(world, 0)));
}

static void m1_visit_for_two_has_two_slots_and_each_takes_a_carer(void **state)
{
    struct world *world = *state;

    visit_at_nine(world);
    world->dataset.planned[0].carers_required = 2;
    world_tap(world, "e3", 'I', NINE + 60)->card_uid = world_text(world, "K2");
    world_tap(world, "e4", 'O', NINE + HALF_HOUR)->card_uid = world_text(world, "K2");
    world_reconcile(world);
    assert_int_equal(world->result.slots_count, 2);
    assert_int_equal(world_slot(world, 0)->status, SLOT_OK);
    assert_int_equal(world_slot(world, 1)->status, SLOT_OK);
    assert_int_equal(world_slot(world, 1)->number, 2);
    assert_int_equal(world_attendance(world, world_slot(world, 1)->attendance)->carer_id,
        world_text(world, "C2"));
}

static void m3_cost_is_the_sum_of_its_four_parts(void **state)
{
    struct world *world = *state;
    struct visits_cost cost;

    visit_at_nine(world);
    world->dataset.planned[0].roster_carers = world_text(world, "C11|XC1|C1X");
    world->dataset.events[0].ts_utc = NINE + 101;
    world_reconcile(world);
    cost = visits_cost(&world->dataset, &visits_default_params, &world->dataset.planned[0],
        world_attendance(world, 0));
    assert_int_equal(cost.ds, 101);
    assert_int_equal(cost.dd, 50); /* half of 101, rounded down */
    assert_int_equal(cost.pc, 900);
    assert_int_equal(cost.pi, 0);
    assert_int_equal(cost.sum, 1051);
    world->dataset.planned[0].roster_carers = world_text(world, "C2|C1");
    cost = visits_cost(&world->dataset, &visits_default_params, &world->dataset.planned[0],
        world_attendance(world, 0));
    assert_int_equal(cost.pc, 0);
}

static void m3_attendance_without_a_tap_costs_600_and_no_length(void **state)
{
    struct world *world = *state;
    struct visits_cost cost;

    (void)world_plan(world, "V1", NINE, NINE + HALF_HOUR);
    (void)world_tap(world, "e1", 'O', NINE + HALF_HOUR);
    assert_only_slot_is(world, SLOT_HELD_NO_IN);
    cost = visits_cost(&world->dataset, &visits_default_params, &world->dataset.planned[0],
        world_attendance(world, 0));
    assert_int_equal(cost.ds, 0); /* the anchor is 1800 s before the tap */
    assert_int_equal(cost.dd, 0);
    assert_int_equal(cost.pi, 600);
}

static void m7_attendance_at_the_end_of_the_period_is_not_unplanned(void **state)
{
    struct world *world = *state;

    (void)world_tap(world, "e1", 'I', WEEK_S - 1);
    world_tap(world, "e2", 'I', WEEK_S)->card_uid = world_text(world, "K2");
    world_reconcile(world);
    assert_true(
        visits_is_unplanned(&visits_default_params, &world->period, world_attendance(world, 0)));
    assert_false(
        visits_is_unplanned(&visits_default_params, &world->period, world_attendance(world, 1)));
}

static void m8_one_carer_twice_does_not_make_two_carers(void **state)
{
    struct world *world = *state;

    visit_at_nine(world);
    world->dataset.planned[0].carers_required = 2;
    (void)world_tap(world, "e3", 'I', NINE + HALF_HOUR + 700);
    (void)world_tap(world, "e4", 'O', NINE + HALF_HOUR + 2500);
    world_reconcile(world);
    assert_int_equal(world_slot(world, 0)->status, SLOT_OK);
    assert_int_equal(world_slot(world, 1)->status, SLOT_SAME_CARER);
}

static void visit_outside_the_period_is_no_slot(void **state)
{
    struct world *world = *state;

    (void)world_plan(world, "V1", WEEK_S, WEEK_S + HALF_HOUR);
    (void)world_plan(world, "V2", WEEK_S - 1, WEEK_S + HALF_HOUR);
    world_reconcile(world);
    assert_int_equal(world->result.slots_count, 1);
}

static void tap_without_a_time_is_an_exception_until_it_is_voided(void **state)
{
    struct world *world = *state;
    struct unplaced_row row = {.recv_utc = NINE, .event_id = world_text(world, "u1"), .kind = 'I'};

    assert_int_equal(dataset_add_unplaced(&world->dataset, &row), 0);
    world_reconcile(world);
    assert_int_equal(world_exceptions(world, EXCEPTION_TIME_UNKNOWN), 1);
    world_void(world, "a1", "u1");
    world_reconcile(world);
    assert_int_equal(world_exceptions(world, EXCEPTION_TIME_UNKNOWN), 0);
    assert_int_equal(world_exceptions(world, EXCEPTION_VOIDED), 1);
}

static void flags_say_by_how_much(void **state)
{
    struct world *world = *state;
    struct visits_flags flags;

    visit_at_nine(world);
    world->dataset.events[0].ts_utc = NINE + 901;
    world->dataset.events[0].recv_utc = NINE + 901;
    world->dataset.events[0].evidence = EVENT_CLOCK_SUSPECT | EVENT_TAG_UNVERIFIED;
    world->dataset.events[0].uncertainty_s = 77;
    world->dataset.planned[0].roster_carers = world_text(world, "C2");
    world_reconcile(world);
    visits_flags(&world->dataset, &visits_default_params, &world->result, 0, &flags);
    assert_int_equal(flags.seconds[FLAG_LATE], 901);
    assert_int_equal(flags.seconds[FLAG_SHORT], 901);
    assert_int_equal(flags.seconds[FLAG_CLOCK_SUSPECT], 77);
    assert_int_equal(flags.seconds[FLAG_TAG_UNVERIFIED], 899);
    assert_int_equal(flags.seconds[FLAG_CARER_NOT_ROSTERED], 899);
    assert_false(flags.is_set[FLAG_EARLY] || flags.is_set[FLAG_OVER] || flags.is_set[FLAG_MANUAL]);
    world->dataset.events[0].ts_utc = NINE + 900;
    world->dataset.events[1].ts_utc = NINE + 900 + HALF_HOUR + 450;
    world->dataset.events[1].recv_utc = world->dataset.events[1].ts_utc;
    world_reconcile(world);
    visits_flags(&world->dataset, &visits_default_params, &world->result, 0, &flags);
    assert_false(flags.is_set[FLAG_LATE] || flags.is_set[FLAG_SHORT] || flags.is_set[FLAG_OVER]);
}

static void second_carer_absent_counts_the_seconds_alone(void **state)
{
    struct world *world = *state;
    struct visits_flags flags;

    visit_at_nine(world);
    world->dataset.planned[0].carers_required = 2;
    world_tap(world, "e3", 'I', NINE + 600)->card_uid = world_text(world, "K2");
    world_tap(world, "e4", 'O', NINE + HALF_HOUR + 100)->card_uid = world_text(world, "K2");
    world_reconcile(world);
    visits_flags(&world->dataset, &visits_default_params, &world->result, 0, &flags);
    assert_int_equal(flags.seconds[FLAG_SECOND_CARER_ABSENT], 600);
    visits_flags(&world->dataset, &visits_default_params, &world->result, 1, &flags);
    assert_int_equal(flags.seconds[FLAG_SECOND_CARER_ABSENT], 100);
}

static void carer_in_two_homes_at_once_overlaps_in_both(void **state)
{
    struct world *world = *state;

    visit_at_nine(world);
    world_tap(world, "e3", 'I', NINE + 1500)->device_id = world_text(world, "H2");
    world_tap(world, "e4", 'O', NINE + 3000)->device_id = world_text(world, "H2");
    world_reconcile(world);
    assert_int_equal(visits_find_overlaps(&world->result), 0);
    assert_int_equal(world->result.overlaps_s[0], 300);
    assert_int_equal(world->result.overlaps_s[1], 300);
}

static void runner_up_is_the_next_best_and_says_what_it_costs(void **state)
{
    struct world *world = *state;
    struct visits_runner_up runner_up;

    visit_at_nine(world);
    world_tap(world, "e3", 'I', NINE + 300)->card_uid = world_text(world, "K2");
    world_tap(world, "e4", 'O', NINE + 300 + HALF_HOUR)->card_uid = world_text(world, "K2");
    world_reconcile(world);
    assert_int_equal(visits_find_runner_up(
                         &world->dataset, &visits_default_params, &world->result, 0, &runner_up),
        0);
    assert_int_equal(runner_up.attendance, 1);
    assert_int_equal(runner_up.extra_cost, 300 + 900);
}

static void nearest_says_why_it_was_out_of_reach(void **state)
{
    struct world *world = *state;
    struct visits_nearest nearest;

    visit_at_nine(world);
    (void)world_plan(world, "V2", NINE + 600, NINE + 600 + HALF_HOUR);
    (void)world_plan(world, "V3", NINE + 7201, NINE + 7201 + HALF_HOUR);
    world_reconcile(world);
    nearest = visits_find_nearest(&world->dataset, &visits_default_params, &world->result, 1);
    assert_int_equal(nearest.reach, REACH_TAKEN);
    nearest = visits_find_nearest(&world->dataset, &visits_default_params, &world->result, 2);
    assert_int_equal(nearest.reach, REACH_TOO_FAR);
    assert_int_equal(nearest.cost.ds, 7201);
}

#define RULE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(planned_visit_with_both_taps_is_ok),
        RULE(e1_event_received_after_the_as_of_is_not_seen),
        RULE(e1_amendment_and_cancellation_after_the_as_of_are_not_seen),
        RULE(e2_repeat_is_dup_and_a_different_one_conflicts_with_the_first_received),
        RULE(e2_of_two_received_in_one_second_the_first_to_arrive_is_kept),
        RULE(e3_voided_event_is_dropped),
        RULE(e4_tap_more_than_300_s_ahead_of_its_reception_is_dropped),
        RULE(e5_unknown_card_is_named_before_an_unknown_device),
        RULE(e5_card_is_whose_it_was_when_it_was_tapped),
        RULE(e5_card_is_nobodys_from_the_second_it_was_handed_back),
        RULE(e5_tag_in_the_home_and_reader_with_the_carer_count_as_well),
        RULE(e5_two_of_a_kind_are_a_wrong_pair),
        RULE(e6_added_tap_needs_neither_card_nor_device),
        RULE(e7_out_comes_before_in_at_the_same_second),
        RULE(s1_same_kind_within_120_s_bounces_and_after_that_does_not),
        RULE(s2_pair_of_57600_s_is_an_attendance_and_one_second_more_is_two_halves),
        RULE(s5_gap_of_600_s_merges_unpaid_and_chains_and_601_does_not),
        RULE(s6_anchor_7200_s_outside_the_period_is_part_of_it_and_further_is_not),
        RULE(p1_notice_of_exactly_a_day_is_in_good_time),
        RULE(p1_cancelled_visit_leaves_its_attendance_unplanned),
        RULE(m1_visit_for_two_has_two_slots_and_each_takes_a_carer),
        RULE(m3_cost_is_the_sum_of_its_four_parts),
        RULE(m3_attendance_without_a_tap_costs_600_and_no_length),
        RULE(m7_attendance_at_the_end_of_the_period_is_not_unplanned),
        RULE(m8_one_carer_twice_does_not_make_two_carers),
        RULE(visit_outside_the_period_is_no_slot),
        RULE(tap_without_a_time_is_an_exception_until_it_is_voided),
        RULE(flags_say_by_how_much),
        RULE(second_carer_absent_counts_the_seconds_alone),
        RULE(carer_in_two_homes_at_once_overlaps_in_both),
        RULE(runner_up_is_the_next_best_and_says_what_it_costs),
        RULE(nearest_says_why_it_was_out_of_reach),
    };

    return cmocka_run_group_tests_name("visits", tests, NULL, NULL);
}
