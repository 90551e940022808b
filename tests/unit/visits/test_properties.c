/* test_properties.c - what holds of every reconciliation, tried on random ones. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/suite.h"
#include "tests/unit/visits/chance.h"

enum { ROUNDS = 200 };

static void assert_same_words(const char *before, const struct world *world)
{
    char *after = chance_words(world);

    assert_string_equal(before, after);
    free(after);
}

static void splitting_every_table_changes_nothing(void **state)
{
    unsigned seed = 20260301;

    (void)state;
    printf("seed %u\n", seed);
    for (int round = 0; round < ROUNDS; round++) {
        struct world whole;
        struct world parts;
        char *words = NULL;

        chance_fill(&whole, &seed);
        world_reconcile(&whole);
        words = chance_words(&whole);
        chance_split(&parts, &whole, &seed);
        world_reconcile(&parts);
        assert_same_words(words, &parts);
        free(words);
        world_done(&whole);
        world_done(&parts);
    }
}

static void tap_that_is_added_and_voided_changes_nothing_but_is_named(void **state)
{
    unsigned seed = 20260302;
    size_t changes = 0; /* how often the tap alone, before its VOID, made a difference */

    (void)state;
    printf("seed %u\n", seed);
    for (int round = 0; round < ROUNDS; round++) {
        struct world world;
        char *before = NULL;
        char *between = NULL;
        size_t voided = 0;

        chance_fill(&world, &seed);
        world_reconcile(&world);
        voided = world_exceptions(&world, EXCEPTION_VOIDED);
        before = chance_words(&world);
        chance_add_ghost(&world, &seed);
        world_reconcile(&world);
        between = chance_words(&world);
        changes += strcmp(before, between) != 0 ? 1 : 0;
        world_void(&world, "exorcism", "ghost");
        world_reconcile(&world);
        assert_same_words(before, &world);
        assert_int_equal(world_exceptions(&world, EXCEPTION_VOIDED), voided + 1);
        free(before);
        free(between);
        world_done(&world);
    }
    assert_true(changes > ROUNDS / 4);
}

static void what_comes_after_the_as_of_changes_nothing(void **state)
{
    unsigned seed = 20260303;
    size_t changes = 0; /* how often it makes a difference once the as-of has passed it */

    (void)state;
    printf("seed %u\n", seed);
    for (int round = 0; round < ROUNDS; round++) {
        struct world world;
        char *before = NULL;
        char *later = NULL;

        chance_fill(&world, &seed);
        world_reconcile(&world);
        before = chance_words(&world);
        chance_add_later(&world, &seed);
        world_reconcile(&world);
        assert_same_words(before, &world);
        world.period.asof_utc += 1000;
        world_reconcile(&world);
        later = chance_words(&world);
        changes += strcmp(before, later) != 0 ? 1 : 0;
        free(before);
        free(later);
        world_done(&world);
    }
    assert_true(changes > ROUNDS / 4);
}

static struct visits_result reconcile_in_parts(const struct world *world, unsigned parts)
{
    struct visits_result result;
    struct visits_work *work = NULL;

    assert_int_equal(
        visits_begin(&world->dataset, &visits_default_params, &world->period, parts, &work), 0);
    for (unsigned part = parts; part-- > 0;) {
        assert_int_equal(visits_do_part(work, part), 0);
    }
    assert_int_equal(visits_end(work, &result), 0);
    return result;
}

static void assert_same_result(const struct visits_result *a, const struct visits_result *b)
{
    assert_int_equal(a->people_count, b->people_count);
    assert_int_equal(a->slots_count, b->slots_count);
    assert_int_equal(a->attendances_count, b->attendances_count);
    assert_int_equal(a->exceptions_count, b->exceptions_count);
    assert_int_equal(a->events_visible, b->events_visible);
    assert_memory_equal(a->people, b->people, a->people_count * sizeof *a->people);
    for (size_t i = 0; i < a->slots_count; i++) {
        assert_int_equal(a->slots[i].planned, b->slots[i].planned);
        assert_int_equal(a->slots[i].attendance, b->slots[i].attendance);
        assert_int_equal(a->slots[i].number, b->slots[i].number);
        assert_int_equal(a->slots[i].status, b->slots[i].status);
    }
    for (size_t i = 0; i < a->attendances_count; i++) {
        assert_int_equal(a->attendances[i].in_id, b->attendances[i].in_id);
        assert_int_equal(a->attendances[i].out_id, b->attendances[i].out_id);
        assert_int_equal(a->attendances[i].slot, b->attendances[i].slot);
        assert_int_equal(a->attendances[i].worked_s, b->attendances[i].worked_s);
        assert_int_equal(a->attendances[i].evidence, b->attendances[i].evidence);
    }
    for (size_t i = 0; i < a->exceptions_count; i++) {
        assert_int_equal(a->exceptions[i].code, b->exceptions[i].code);
        assert_int_equal(a->exceptions[i].ref, b->exceptions[i].ref);
        assert_int_equal(a->exceptions[i].ts_utc, b->exceptions[i].ts_utc);
        assert_int_equal(a->exceptions[i].detail, b->exceptions[i].detail);
    }
}

static void the_number_of_parts_changes_nothing(void **state)
{
    unsigned seed = 20260304;

    (void)state;
    printf("seed %u\n", seed);
    for (int round = 0; round < ROUNDS; round++) {
        struct world world;
        struct visits_result whole;

        chance_fill(&world, &seed);
        whole = reconcile_in_parts(&world, 1);
        for (unsigned parts = 2; parts <= 5; parts++) {
            struct visits_result result = reconcile_in_parts(&world, parts);

            assert_same_result(&whole, &result);
            visits_done(&result);
        }
        visits_done(&whole);
        world_done(&world);
    }
}

static void part_that_was_not_done_is_an_error(void **state)
{
    unsigned seed = 20260305;
    struct world world;
    struct visits_work *work = NULL;
    struct visits_result result = {.slots_count = 99};

    (void)state;
    chance_fill(&world, &seed);
    assert_int_equal(
        visits_begin(&world.dataset, &visits_default_params, &world.period, 3, &work), 0);
    assert_int_equal(visits_do_part(work, 0), 0);
    assert_int_equal(visits_do_part(work, 2), 0);
    assert_int_equal(visits_end(work, &result), -EINVAL);
    assert_int_equal(result.slots_count, 99);
    world_done(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splitting_every_table_changes_nothing),
        cmocka_unit_test(tap_that_is_added_and_voided_changes_nothing_but_is_named),
        cmocka_unit_test(what_comes_after_the_as_of_changes_nothing),
        cmocka_unit_test(the_number_of_parts_changes_nothing),
        cmocka_unit_test(part_that_was_not_done_is_an_error),
    };

    return cmocka_run_group_tests_name("visits_properties", tests, NULL, NULL);
}
