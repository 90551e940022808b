/* test_repair_properties.c - what holds of every reconciliation with repairs, tried on random ones. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/suite.h"
#include "tests/unit/visits/chance.h"

enum { ROUNDS = 200, CHOICES = 4 };

static const char *const choices[CHOICES] = {
    "all", "all:pay", "direction:pay,boundary", "leaving:pay,arrival:pay,boundary:pay"};

static void fill(struct world *world, unsigned *seed, int round)
{
    chance_fill(world, seed);
    assert_null(repair_parse(&world->params.repairs, choices[round % CHOICES]));
    world_reconcile(world);
}

/* The slots of one person (or of all: NULL) and every repair of them, in words the caller frees. */
static char *words_of(const struct world *world, const char *person)
{
    const struct dataset *dataset = &world->dataset;
    const struct visits_result *result = &world->result;
    char *words = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&words, &size);

    assert_non_null(file);
    for (size_t i = 0; i < result->slots_count; i++) {
        const struct visits_slot *slot = &result->slots[i];
        const struct planned_row *planned = &dataset->planned[slot->planned];

        if (person != NULL && strcmp(dataset_text(dataset, planned->person_id), person) != 0) {
            continue;
        }
        (void)fprintf(file, "%s.%u %s", dataset_text(dataset, planned->visit_id), slot->number,
            slot_status_name((enum slot_status)slot->status));
        if (slot->attendance != VISITS_NONE) {
            const struct visits_attendance *a = &result->attendances[slot->attendance];

            (void)fprintf(file, " %s %lld %lld %d", dataset_text(dataset, a->carer_id),
                (long long)a->in_utc, (long long)a->out_utc, a->worked_s);
        }
        for (size_t r = visits_first_repair(result, i);
             r < result->repairs_count && result->repairs[r].slot == i; r++) {
            const struct visits_repair *repair = &result->repairs[r];

            (void)fprintf(file, " [%s %s %s %lld %lld %d %d]",
                repair_rule_name((enum repair_rule)repair->rule),
                repair_basis_name((enum repair_basis)repair->basis),
                dataset_text(dataset, repair->tap_id), (long long)repair->in_utc,
                (long long)repair->out_utc, repair->inferred_s, repair->is_held);
        }
        (void)fputc('\n', file);
    }
    assert_int_equal(fclose(file), 0);
    return words;
}

static void assert_same(const char *words, const struct world *world, const char *person)
{
    char *again = words_of(world, person);

    assert_string_equal(words, again);
    free(again);
}

static void neither_order_nor_parts_matter(void **state)
{
    unsigned seed = 20260321;
    size_t repairs = 0;

    (void)state;
    printf("seed %u\n", seed);
    for (int round = 0; round < ROUNDS; round++) {
        struct world whole;
        struct world parts;
        char *words = NULL;

        fill(&whole, &seed, round);
        repairs += whole.result.repairs_count;
        words = words_of(&whole, NULL);
        chance_split(&parts, &whole, &seed);
        world_reconcile(&parts);
        assert_same(words, &parts, NULL);
        chance_shuffle(&whole, &seed);
        world_reconcile(&whole);
        assert_same(words, &whole, NULL);
        free(words);
        world_done(&whole);
        world_done(&parts);
    }
    assert_true(repairs > ROUNDS);
}

static void a_tap_added_and_voided_changes_no_repair(void **state)
{
    unsigned seed = 20260322;

    (void)state;
    printf("seed %u\n", seed);
    for (int round = 0; round < ROUNDS; round++) {
        struct world world;
        char *words = NULL;

        fill(&world, &seed, round);
        words = words_of(&world, NULL);
        chance_add_ghost(&world, &seed);
        world_void(&world, "exorcism", "ghost");
        world_reconcile(&world);
        assert_same(words, &world, NULL);
        free(words);
        world_done(&world);
    }
}

static void what_comes_after_the_as_of_changes_no_repair(void **state)
{
    unsigned seed = 20260323;

    (void)state;
    printf("seed %u\n", seed);
    for (int round = 0; round < ROUNDS; round++) {
        struct world world;
        char *words = NULL;

        fill(&world, &seed, round);
        words = words_of(&world, NULL);
        chance_add_later(&world, &seed);
        world_reconcile(&world);
        assert_same(words, &world, NULL);
        free(words);
        world_done(&world);
    }
}

/* Keep only what the store loads for one person. */
static void leave_only(struct world *world, const char *person)
{
    struct dataset *dataset = &world->dataset;
    text_id id = world_text(world, person);
    char device[] = "H0";
    text_id device_id = 0;
    size_t kept = 0;

    device[1] = person[1];
    device_id = world_text(world, device);
    for (size_t i = 0; i < dataset->planned_count; i++) {
        if (dataset->planned[i].person_id == id) {
            dataset->planned[kept++] = dataset->planned[i];
        }
    }
    dataset->planned_count = kept;
    kept = 0;
    for (size_t i = 0; i < dataset->events_count; i++) {
        if (dataset->events[i].device_id == device_id) {
            dataset->events[kept++] = dataset->events[i];
        }
    }
    dataset->events_count = kept;
    kept = 0;
    for (size_t i = 0; i < dataset->amendments_count; i++) {
        if (dataset->amendments[i].is_void || dataset->amendments[i].person_id == id) {
            dataset->amendments[kept++] = dataset->amendments[i];
        }
    }
    dataset->amendments_count = kept;
}

/* Copies of one tap at different devices (E2) are left out: alone, a person has other copies. */
static void give_every_tap_its_own_id(struct world *world)
{
    for (size_t i = 0; i < world->dataset.events_count; i++) {
        char id[24];

        (void)snprintf(id, sizeof id, "own%zu", i);
        world->dataset.events[i].event_id = world_text(world, id);
    }
}

static void a_person_alone_is_repaired_as_among_all(void **state)
{
    static const char *const people[] = {"S1", "S2", "S3"};
    unsigned seed = 20260324;

    (void)state;
    printf("seed %u\n", seed);
    for (int round = 0; round < ROUNDS; round++) {
        struct world world;
        char *words = NULL;

        fill(&world, &seed, round);
        give_every_tap_its_own_id(&world);
        world_reconcile(&world);
        words = words_of(&world, people[round % 3]);
        leave_only(&world, people[round % 3]);
        world_reconcile(&world);
        assert_same(words, &world, NULL);
        free(words);
        world_done(&world);
    }
}

static void without_a_choice_nothing_is_repaired(void **state)
{
    unsigned seed = 20260325;

    (void)state;
    printf("seed %u\n", seed);
    for (int round = 0; round < ROUNDS; round++) {
        struct world world;
        char *plain = NULL;
        char *again = NULL;

        chance_fill(&world, &seed);
        world_reconcile(&world);
        plain = chance_words(&world);
        assert_null(repair_parse(&world.params.repairs, "all:pay"));
        world_reconcile(&world);
        assert_null(repair_parse(&world.params.repairs, "none"));
        world_reconcile(&world);
        again = chance_words(&world);
        assert_string_equal(plain, again);
        assert_int_equal(world.result.repairs_count, 0);
        free(plain);
        free(again);
        world_done(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neither_order_nor_parts_matter),
        cmocka_unit_test(a_tap_added_and_voided_changes_no_repair),
        cmocka_unit_test(what_comes_after_the_as_of_changes_no_repair),
        cmocka_unit_test(a_person_alone_is_repaired_as_among_all),
        cmocka_unit_test(without_a_choice_nothing_is_repaired),
    };

    return cmocka_run_group_tests_name("repair_properties", tests, NULL, NULL);
}
