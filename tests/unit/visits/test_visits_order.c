/* test_visits_order.c - in whatever order rows lie, the result is the same. */
#include "collector/visits/visits.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/suite.h"
#include "tests/unit/visits/world.h"

enum { ROUNDS = 300, TAPS = 60, VISITS = 12 };

static size_t draw(unsigned *seed, size_t bound)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % bound;
}

static void swap(void *a, void *b, size_t size)
{
    char kept[128];

    assert_true(size <= sizeof kept);
    (void)memcpy(kept, a, size);
    (void)memcpy(a, b, size);
    (void)memcpy(b, kept, size);
}

#define SHUFFLE(dataset, table, seed)                                                              \
    for (size_t i = (dataset)->table##_count; i > 1; i--) {                                        \
        swap(&(dataset)->table[i - 1], &(dataset)->table[draw(seed, i)],                           \
            sizeof(dataset)->table[0]);                                                            \
    }

/* Two people, three carers, taps that bounce, repeat, conflict and are made good by hand. */
static void fill(struct world *world, unsigned *seed)
{
    static const char *const cards[] = {"K1", "K2", "K3", "K9"};
    static const char *const devices[] = {"H1", "H2"};

    for (int i = 0; i < VISITS; i++) {
        char id[16];
        int64_t start = NINE + (int64_t)draw(seed, 40) * 900;
        struct planned_row *row = NULL;

        (void)snprintf(id, sizeof id, "V%d", i);
        row = world_plan(world, id, start, start + HALF_HOUR);
        row->person_id = world_text(world, draw(seed, 2) == 0 ? "S1" : "S2");
        row->carers_required = 1 + (int32_t)draw(seed, 2);
    }
    for (int i = 0; i < TAPS; i++) {
        char id[16];
        struct event_row *row = NULL;

        (void)snprintf(id, sizeof id, "e%zu", draw(seed, TAPS));
        row = world_tap(
            world, id, draw(seed, 2) == 0 ? 'I' : 'O', NINE + (int64_t)draw(seed, 600) * 60);
        row->card_uid = world_text(world, cards[draw(seed, 4)]);
        row->device_id = world_text(world, devices[draw(seed, 2)]);
        row->recv_utc += (int64_t)draw(seed, 3);
    }
    (void)world_add(world, "a1", 'O', NINE + 1234);
    world_void(world, "a2", "e1");
}

/* What a result says, independent of where rows of the dataset lie. */
static void write_down(const struct world *world, char *text, size_t size)
{
    const struct visits_result *result = &world->result;
    size_t used = 0;

    for (size_t i = 0; i < result->slots_count && used < size; i++) {
        const struct visits_slot *slot = &result->slots[i];

        used += (size_t)snprintf(text + used, size - used, "%s.%d %d %u\n",
            dataset_text(&world->dataset, world->dataset.planned[slot->planned].visit_id),
            slot->number, slot->status, slot->attendance);
    }
    for (size_t i = 0; i < result->attendances_count && used < size; i++) {
        const struct visits_attendance *a = &result->attendances[i];

        used += (size_t)snprintf(text + used, size - used, "%u %u %lld %lld %u %u %d %u\n",
            a->person_id, a->carer_id, (long long)a->in_utc, (long long)a->out_utc, a->in_id,
            a->out_id, a->worked_s, a->slot);
    }
    for (size_t i = 0; i < result->exceptions_count && used < size; i++) {
        const struct visits_exception *e = &result->exceptions[i];

        used += (size_t)snprintf(text + used, size - used, "%d %u %lld %u\n", e->code, e->ref,
            (long long)e->ts_utc, e->detail);
    }
    assert_true(used < size);
}

static void order_of_rows_never_matters(void **state)
{
    static char before[65536];
    static char after[65536];
    unsigned seed = 20240601;

    (void)state;
    printf("seed %u\n", seed);
    for (int round = 0; round < ROUNDS; round++) {
        struct world world;

        world_init(&world);
        fill(&world, &seed);
        world_reconcile(&world);
        write_down(&world, before, sizeof before);
        SHUFFLE(&world.dataset, events, &seed);
        SHUFFLE(&world.dataset, planned, &seed);
        SHUFFLE(&world.dataset, cards, &seed);
        SHUFFLE(&world.dataset, devices, &seed);
        SHUFFLE(&world.dataset, people, &seed);
        SHUFFLE(&world.dataset, amendments, &seed);
        world_reconcile(&world);
        write_down(&world, after, sizeof after);
        assert_string_equal(before, after);
        world_done(&world);
    }
}

static void person_alone_comes_out_as_among_others(void **state)
{
    static char before[65536];
    static char after[65536];
    struct world world;
    unsigned seed = 7;

    (void)state;
    world_init(&world);
    (void)world_plan(&world, "V1", NINE, NINE + HALF_HOUR);
    (void)world_tap(&world, "e1", 'I', NINE);
    (void)world_tap(&world, "e2", 'O', NINE + HALF_HOUR);
    world_reconcile(&world);
    write_down(&world, before, sizeof before);
    for (int i = 0; i < TAPS; i++) {
        char id[16];

        (void)snprintf(id, sizeof id, "x%d", i);
        world_tap(&world, id, 'I', NINE + (int64_t)draw(&seed, 600) * 60)->device_id =
            world_text(&world, "H2");
    }
    world_reconcile(&world);
    world.result.attendances_count = 1; /* S1 comes before S2 */
    world.result.exceptions_count = 0;
    write_down(&world, after, sizeof after);
    assert_string_equal(before, after);
    world_done(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_of_rows_never_matters),
        cmocka_unit_test(person_alone_comes_out_as_among_others),
    };

    return cmocka_run_group_tests_name("visits_order", tests, NULL, NULL);
}
