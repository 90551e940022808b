/* test_properties.c - what holds of every payment, tried on random periods. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/pay/adjust.h"
#include "collector/pay/tally.h"
#include "tests/unit/suite.h"
#include "tests/unit/visits/chance.h"

enum { ROUNDS = 100 };

static const char models[] = "ABC";
static const int64_t always = INT64_MIN;
static const int32_t no_offset = 0;

/* What was planned, missed and cancelled, counted here once more without the tally. */
static void assert_tallies_count(const struct world *world, const struct pay_tallies *tallies)
{
    struct pay_tally wanted = {0};
    struct pay_tally sum = {0};

    for (size_t i = 0; i < world->result.slots_count; i++) {
        const struct visits_slot *slot = &world->result.slots[i];
        const struct planned_row *planned = &world->dataset.planned[slot->planned];
        int64_t length_s = planned->end_utc - planned->start_utc;
        bool is_missed = slot->status == SLOT_MISSED || slot->status == SLOT_SAME_CARER;

        wanted.planned_s += length_s;
        wanted.missed_s += is_missed ? length_s : 0;
        wanted.cancelled_s += slot->status == SLOT_CANC_NOTICE ? length_s : 0;
    }
    for (size_t i = 0; i < tallies->count; i++) {
        sum.planned_s += tallies->rows[i].planned_s;
        sum.missed_s += tallies->rows[i].missed_s;
        sum.cancelled_s += tallies->rows[i].cancelled_s;
    }
    assert_int_equal(sum.planned_s, wanted.planned_s);
    assert_int_equal(sum.missed_s, wanted.missed_s);
    assert_int_equal(sum.cancelled_s, wanted.cancelled_s);
}

/* Reconcile world and pay it; the identity must hold. Its lines as CSV, which the caller frees. */
static char *pay(struct world *world)
{
    const struct local_days days = {&always, &no_offset, 1};
    const struct period_row period = {
        .start_day = 0, .end_day = CHANCE_DAYS, .end_utc = world->period.end_utc};
    struct pay_rates rates = {0};
    struct pay_problem problem = {0};
    uint32_t *people = pay_index_people(&world->dataset);
    struct pay_run run = {.period = &world->period, .models = models};
    struct text text = {0};
    char *csv = NULL;

    world_reconcile(world);
    assert_non_null(people);
    assert_int_equal(pay_rates_init(&rates, &world->dataset), 0);
    run.input = (struct pay_input){.dataset = &world->dataset,
        .visits_params = &world->params,
        .result = &world->result,
        .period = &period,
        .days = &days,
        .params = &pay_default_params,
        .rates = &rates,
        .people = people};
    for (const char *model = models; *model != '\0'; model++) {
        struct pay_tallies tallies = {0};

        if (pay_model(&run.input, *model, &run.lines, &problem) < 0) {
            fail_msg("%s", problem.text);
        }
        assert_int_equal(tallies_init(&tallies, &world->dataset), 0);
        assert_int_equal(tally_model(&run.input, *model, &run.lines, &tallies, &problem), 0);
        if (!tallies_hold(&tallies, &world->dataset, &problem)) {
            fail_msg("model %c: %s", *model, problem.text);
        }
        assert_tallies_count(world, &tallies);
        tallies_done(&tallies);
    }
    adjust_add_lines(&text, &run);
    csv = strdup(text_end(&text));
    assert_non_null(csv);
    assert_int_equal(text.rc, 0);
    text_done(&text);
    pay_lines_done(&run.lines);
    pay_rates_done(&rates);
    free(people);
    return csv;
}

static void assert_pays(const char *expected, struct world *world)
{
    char *csv = pay(world);

    assert_string_equal(expected, csv);
    free(csv);
}

static void order_and_parts_never_matter_and_the_identity_always_holds(void **state)
{
    unsigned seed = 20260311;
    size_t capped = 0;
    size_t guaranteed = 0;

    (void)state;
    printf("seed %u\n", seed);
    for (int round = 0; round < ROUNDS; round++) {
        struct world whole;
        struct world parts;
        char *csv = NULL;

        chance_fill(&whole, &seed);
        csv = pay(&whole);
        capped += strstr(csv, ",CAPPED,") != NULL ? 1 : 0;
        guaranteed += strstr(csv, ",GUARANTEE,") != NULL ? 1 : 0;
        chance_split(&parts, &whole, &seed);
        assert_pays(csv, &parts);
        chance_shuffle(&whole, &seed);
        assert_pays(csv, &whole);
        free(csv);
        world_done(&whole);
        world_done(&parts);
    }
    assert_true(capped > 0 && guaranteed > 0);
}

/* Whatever is on, held or paid: the account comes out, and neither order nor parts matter. */
static void the_identity_holds_with_every_choice_of_repairs(void **state)
{
    static const char *const choices[] = {"all", "all:pay", "direction:pay,leaving:pay",
        "boundary:pay,direction", "leaving:pay,arrival:pay"};
    unsigned seed = 20260314;
    size_t repaired = 0;

    (void)state;
    printf("seed %u\n", seed);
    for (int round = 0; round < ROUNDS; round++) {
        struct world whole;
        struct world parts;
        char *csv = NULL;

        chance_fill(&whole, &seed);
        assert_null(repair_parse(&whole.params.repairs, choices[round % 5]));
        csv = pay(&whole);
        repaired += whole.result.repairs_count;
        chance_split(&parts, &whole, &seed);
        assert_pays(csv, &parts);
        chance_shuffle(&whole, &seed);
        assert_pays(csv, &whole);
        free(csv);
        world_done(&whole);
        world_done(&parts);
    }
    assert_true(repaired > ROUNDS);
}

static void tap_that_is_added_and_voided_pays_the_same(void **state)
{
    unsigned seed = 20260312;

    (void)state;
    printf("seed %u\n", seed);
    for (int round = 0; round < ROUNDS; round++) {
        struct world world;
        char *csv = NULL;

        chance_fill(&world, &seed);
        csv = pay(&world);
        chance_add_ghost(&world, &seed);
        world_void(&world, "exorcism", "ghost");
        assert_pays(csv, &world);
        free(csv);
        world_done(&world);
    }
}

/* The last number of the row of csv that begins with an identity; 0 when there is none. */
static int64_t pence_of(const char *csv, const char *identity, size_t size)
{
    for (const char *row = csv; *row != '\0'; row = strchr(row, '\n') + 1) {
        if (strncmp(row, identity, size) == 0 && row[size] == ',') {
            const char *end = strchr(row, '\n');
            const char *comma = memrchr(row, ',', (size_t)(end - row));

            return strtoll(comma + 1, NULL, 10);
        }
    }
    return 0;
}

/* Of every line of csv: old + adjustment = new. */
static void assert_adds_up(const char *csv, const char *olds, const char *posted, const char *news)
{
    for (const char *row = strchr(csv, '\n') + 1; *row != '\0'; row = strchr(row, '\n') + 1) {
        const char *end = strchr(row, '\n');
        const char *comma = memrchr(row, ',', (size_t)(end - row));
        size_t size = (size_t)(comma - row);

        assert_int_equal(
            pence_of(olds, row, size) + pence_of(posted, row, size), pence_of(news, row, size));
    }
}

static void run_1_and_its_adjustments_are_run_2_line_by_line(void **state)
{
    unsigned seed = 20260313;
    size_t differing = 0;

    (void)state;
    printf("seed %u\n", seed);
    for (int round = 0; round < ROUNDS; round++) {
        struct world world;
        struct text posted = {0};
        char *olds = NULL;
        char *news = NULL;
        int64_t asof = 0;

        chance_fill(&world, &seed);
        asof = world.period.asof_utc;
        world.period.asof_utc = NINE + (int64_t)chance_draw(&seed, CHANCE_DAYS) * 86400;
        olds = pay(&world);
        world.period.asof_utc = asof;
        news = pay(&world);
        assert_int_equal(adjust_write(&posted, olds, news), 0);
        assert_adds_up(olds, olds, text_end(&posted), news);
        assert_adds_up(news, olds, text_end(&posted), news);
        differing += strcmp(olds, news) != 0 ? 1 : 0;
        text_done(&posted);
        free(olds);
        free(news);
        world_done(&world);
    }
    assert_true(differing > ROUNDS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_and_parts_never_matter_and_the_identity_always_holds),
        cmocka_unit_test(the_identity_holds_with_every_choice_of_repairs),
        cmocka_unit_test(tap_that_is_added_and_voided_pays_the_same),
        cmocka_unit_test(run_1_and_its_adjustments_are_run_2_line_by_line),
    };

    return cmocka_run_group_tests_name("pay_properties", tests, NULL, NULL);
}
