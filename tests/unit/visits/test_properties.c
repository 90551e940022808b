/* test_properties.c - what holds of every reconciliation, tried on random ones. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splitting_every_table_changes_nothing),
        cmocka_unit_test(tap_that_is_added_and_voided_changes_nothing_but_is_named),
        cmocka_unit_test(what_comes_after_the_as_of_changes_nothing),
    };

    return cmocka_run_group_tests_name("visits_properties", tests, NULL, NULL);
}
