/*
 * test_repair_boundary.c - R4 by hand: one stay over visits planned back to back.
 * V1 at NINE and V2 at HALF for half an hour each, of S1, both C1's.
 */
#include "tests/unit/suite.h"
#include "tests/unit/visits/world.h"

enum { HALF = NINE + HALF_HOUR, TEN = NINE + 2 * HALF_HOUR };

static int start_world(void **state)
{
    static struct world world;

    world_init(&world);
    world_plan(&world, "V1", NINE, HALF);
    world_plan(&world, "V2", HALF, TEN);
    assert_null(repair_parse(&world.params.repairs, "boundary:pay"));
    *state = &world;
    return 0;
}

static int end_world(void **state)
{
    world_done(*state);
    return 0;
}

static void stay(struct world *world, int64_t in, int64_t out)
{
    world_tap(world, "a", 'I', in);
    world_tap(world, "z", 'O', out);
    world_reconcile(world);
}

static const struct visits_attendance *of_slot(const struct world *world, size_t slot)
{
    assert_true(world_slot(world, slot)->attendance != VISITS_NONE);
    return world_attendance(world, world_slot(world, slot)->attendance);
}

static void assert_split(const struct world *world, int64_t in, int64_t cut, int64_t out)
{
    assert_int_equal(world_slot(world, 0)->status, SLOT_OK);
    assert_int_equal(world_slot(world, 1)->status, SLOT_OK);
    assert_int_equal(of_slot(world, 0)->in_utc, in);
    assert_int_equal(of_slot(world, 0)->out_utc, cut);
    assert_int_equal(of_slot(world, 0)->worked_s, cut - in);
    assert_int_equal(of_slot(world, 1)->in_utc, cut);
    assert_int_equal(of_slot(world, 1)->out_utc, out);
    assert_int_equal(of_slot(world, 1)->worked_s, out - cut);
}

/* The second visit is held and shows the whole stay, which stays the first one's. */
static void assert_proposed(const struct world *world)
{
    assert_int_equal(world_slot(world, 0)->status, SLOT_OK);
    assert_int_equal(world_slot(world, 1)->status, SLOT_HELD_REPAIR);
    assert_int_equal(world_slot(world, 1)->attendance, world_slot(world, 0)->attendance);
    assert_int_equal(of_slot(world, 0)->slot, 0);
    assert_int_equal(world->result.repairs_count, 1);
    assert_true(world->result.repairs[0].is_held);
    assert_int_equal(world->result.repairs[0].slot, 1);
}

static void assert_untouched(const struct world *world)
{
    assert_int_equal(world_slot(world, 0)->status, SLOT_OK);
    assert_int_equal(world_slot(world, 1)->status, SLOT_MISSED);
    assert_int_equal(world->result.repairs_count, 0);
}

static void a_stay_as_planned_is_split_at_the_planned_boundary(void **state)
{
    struct world *world = *state;
    struct visits_flags flags;

    stay(world, NINE, TEN);
    assert_split(world, NINE, HALF, TEN);
    assert_int_equal(of_slot(world, 0)->out_id, 0); /* no tap says so */
    visits_flags(&world->dataset, &world->params, &world->result, 1, &flags);
    assert_true(flags.is_set[FLAG_REPAIRED]);
    assert_int_equal(flags.seconds[FLAG_REPAIRED], HALF_HOUR);
    assert_false(flags.is_set[FLAG_LATE] || flags.is_set[FLAG_OVER]);
}

static void a_stay_is_divided_as_the_plan_is(void **state)
{
    struct world *world = *state;

    stay(world, NINE + 600, TEN + 600);
    assert_split(world, NINE + 600, HALF + 600, TEN + 600);
}

static void ends_a_quarter_of_an_hour_off_are_good_evidence_and_no_more(void **state)
{
    struct world *world = *state;

    stay(world, NINE - 900, TEN + 900);
    assert_split(world, NINE - 900, HALF, TEN + 900);
    world->dataset.events[0].ts_utc--;
    world_reconcile(world);
    assert_proposed(world);
    world->dataset.events[0].ts_utc++;
    world->dataset.events[1].ts_utc++;
    world_reconcile(world);
    assert_proposed(world);
}

static void an_end_half_an_hour_off_the_plan_is_the_last_to_be_proposed(void **state)
{
    struct world *world = *state;

    stay(world, NINE, TEN + 1800);
    assert_proposed(world);
    world->dataset.events[1].ts_utc++;
    world_reconcile(world);
    assert_untouched(world);
}

static void who_left_in_the_first_third_of_the_second_visit_was_not_there_for_it(void **state)
{
    struct world *world = *state;

    stay(world, NINE, HALF + 599);
    assert_untouched(world);
    world->dataset.events[1].ts_utc++;
    world_reconcile(world);
    assert_proposed(world);
}

static void who_left_in_the_second_third_is_left_to_a_person(void **state)
{
    struct world *world = *state;

    stay(world, NINE, HALF + 899);
    assert_proposed(world);
    world->dataset.events[1].ts_utc++;
    world_reconcile(world);
    assert_int_equal(world_slot(world, 1)->status, SLOT_OK);
}

static void a_person_who_releases_it_has_it_split(void **state)
{
    struct world *world = *state;

    world->dataset.planned[1].released_slots = 1;
    assert_null(repair_parse(&world->params.repairs, "boundary:hold"));
    stay(world, NINE, TEN);
    assert_split(world, NINE, HALF, TEN);
}

static void hold_means_proposed_however_good_the_evidence(void **state)
{
    struct world *world = *state;

    assert_null(repair_parse(&world->params.repairs, "boundary"));
    stay(world, NINE, TEN);
    assert_proposed(world);
    assert_int_equal(of_slot(world, 0)->worked_s, 2 * HALF_HOUR); /* the week's time is the same */
}

static void own_taps_that_s5_merged_away_are_the_boundary(void **state)
{
    struct world *world = *state;

    world_tap(world, "b", 'O', HALF + 120);
    world_tap(world, "c", 'I', HALF + 300);
    stay(world, NINE, TEN);
    assert_int_equal(of_slot(world, 0)->out_utc, HALF + 120);
    assert_int_equal(of_slot(world, 0)->out_id, world_text(world, "b"));
    assert_int_equal(of_slot(world, 1)->in_utc, HALF + 300);
    assert_int_equal(of_slot(world, 1)->in_id, world_text(world, "c"));
    assert_int_equal(of_slot(world, 0)->worked_s, HALF_HOUR + 120);
    assert_int_equal(of_slot(world, 1)->worked_s, HALF_HOUR - 300);
    assert_int_equal(world->result.repairs[0].basis, BASIS_OWN_TAPS);
}

static void a_gap_elsewhere_is_not_worked(void **state)
{
    struct world *world = *state;

    world_tap(world, "b", 'O', NINE + 600);
    world_tap(world, "c", 'I', NINE + 720);
    stay(world, NINE, TEN);
    assert_int_equal(of_slot(world, 0)->out_utc, HALF);
    assert_int_equal(of_slot(world, 0)->worked_s, HALF_HOUR - 120);
    assert_int_equal(of_slot(world, 1)->worked_s, HALF_HOUR);
}

static void visits_with_a_long_gap_are_not_back_to_back(void **state)
{
    struct world *world = *state;

    world->dataset.planned[1].start_utc = HALF + 600;
    world->dataset.planned[1].end_utc = TEN + 600;
    stay(world, NINE, TEN + 600);
    assert_int_equal(world_slot(world, 1)->status, SLOT_OK);
    assert_int_equal(of_slot(world, 1)->in_utc, HALF + 600); /* the gap itself is nobody's */
    assert_int_equal(of_slot(world, 0)->out_utc, HALF);
    world->dataset.planned[1].start_utc++;
    world_reconcile(world);
    assert_untouched(world);
}

static void a_visit_that_is_not_this_carers_is_not_filled(void **state)
{
    struct world *world = *state;

    world->dataset.planned[1].roster_carers = world_text(world, "C2");
    stay(world, NINE, TEN);
    assert_untouched(world);
}

static void a_visit_somebody_else_came_to_is_not_filled(void **state)
{
    struct world *world = *state;

    world_tap(world, "x", 'I', HALF + 60)->card_uid = world_text(world, "K2");
    stay(world, NINE, TEN);
    assert_int_equal(world->result.repairs_count, 0);
}

static void a_cancelled_visit_is_not_filled(void **state)
{
    struct world *world = *state;

    world->dataset.planned[1].cancel_utc = 0;
    stay(world, NINE, TEN);
    assert_int_equal(world_slot(world, 1)->status, SLOT_CANC_SHORT);
    assert_int_equal(world->result.repairs_count, 0);
}

static void two_carers_who_both_stay_fill_both_slots_of_both_visits(void **state)
{
    struct world *world = *state;

    for (size_t i = 0; i < 2; i++) {
        world->dataset.planned[i].carers_required = 2;
        world->dataset.planned[i].roster_carers = world_text(world, "C1|C2");
    }
    world_tap(world, "x", 'I', NINE + 60)->card_uid = world_text(world, "K2");
    world_tap(world, "y", 'O', TEN + 60)->card_uid = world_text(world, "K2");
    stay(world, NINE, TEN);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(world_slot(world, i)->status, SLOT_OK);
    }
}

static void three_visits_in_a_row_are_split_in_three(void **state)
{
    struct world *world = *state;

    world_plan(world, "V3", TEN, TEN + 900);
    stay(world, NINE, TEN + 900);
    assert_split(world, NINE, HALF, TEN);
    assert_int_equal(world_slot(world, 2)->status, SLOT_OK);
    assert_int_equal(of_slot(world, 2)->in_utc, TEN);
    assert_int_equal(of_slot(world, 2)->out_utc, TEN + 900);
}

static void a_late_stay_that_fits_the_second_visit_better_shows_the_first_as_held(void **state)
{
    struct world *world = *state;

    stay(world, NINE + 1000, TEN);
    assert_int_equal(world_slot(world, 0)->status, SLOT_HELD_REPAIR);
    assert_int_equal(world_slot(world, 1)->status, SLOT_OK);
    assert_int_equal(world->result.repairs_count, 1);
    assert_int_equal(world->result.repairs[0].slot, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_world, end_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stay_as_planned_is_split_at_the_planned_boundary),
        TEST(a_stay_is_divided_as_the_plan_is),
        TEST(ends_a_quarter_of_an_hour_off_are_good_evidence_and_no_more),
        TEST(an_end_half_an_hour_off_the_plan_is_the_last_to_be_proposed),
        TEST(who_left_in_the_first_third_of_the_second_visit_was_not_there_for_it),
        TEST(who_left_in_the_second_third_is_left_to_a_person),
        TEST(a_person_who_releases_it_has_it_split),
        TEST(hold_means_proposed_however_good_the_evidence),
        TEST(own_taps_that_s5_merged_away_are_the_boundary),
        TEST(a_gap_elsewhere_is_not_worked),
        TEST(visits_with_a_long_gap_are_not_back_to_back),
        TEST(a_visit_that_is_not_this_carers_is_not_filled),
        TEST(a_visit_somebody_else_came_to_is_not_filled),
        TEST(a_cancelled_visit_is_not_filled),
        TEST(two_carers_who_both_stay_fill_both_slots_of_both_visits),
        TEST(three_visits_in_a_row_are_split_in_three),
        TEST(a_late_stay_that_fits_the_second_visit_better_shows_the_first_as_held),
    };

    return cmocka_run_group_tests_name("repair_boundary", tests, NULL, NULL);
}
