/* world.c - see world.h. */
#include "tests/unit/visits/world.h"

#include <string.h>

#include "tests/unit/suite.h"

#define FOR_EVER INT64_C(1099511627776)

text_id world_text(struct world *world, const char *text)
{
    text_id id = 0;

    assert_int_equal(dataset_intern(&world->dataset, text, strlen(text), &id), 0);
    return id;
}

static void add_person(struct world *world, const char *person, const char *device)
{
    const struct person_row row = {.person_id = world_text(world, person),
        .funder = world_text(world, "LA"),
        .provider_id = world_text(world, "P1")};
    const struct device_row home = {.device_id = world_text(world, device),
        .person_id = row.person_id,
        .from_utc = 0,
        .to_utc = FOR_EVER};

    assert_int_equal(dataset_add_person(&world->dataset, &row), 0);
    assert_int_equal(dataset_add_device(&world->dataset, &home), 0);
}

static void add_carer(struct world *world, const char *carer, const char *card)
{
    const struct carer_row row = {
        .carer_id = world_text(world, carer), .provider_id = world_text(world, "P1")};
    const struct card_row own = {.card_uid = world_text(world, card),
        .carer_id = row.carer_id,
        .from_utc = 0,
        .to_utc = FOR_EVER};

    assert_int_equal(dataset_add_carer(&world->dataset, &row), 0);
    assert_int_equal(dataset_add_card(&world->dataset, &own), 0);
}

void world_init(struct world *world)
{
    *world = (struct world){.period = {.start_utc = 0, .end_utc = WEEK_S, .asof_utc = ASOF},
        .params = visits_default_params};
    assert_int_equal(dataset_init(&world->dataset), 0);
    add_person(world, "S1", "H1");
    add_person(world, "S2", "H2");
    add_carer(world, "C1", "K1");
    add_carer(world, "C2", "K2");
    add_carer(world, "C3", "K3");
}

void world_done(struct world *world)
{
    visits_done(&world->result);
    dataset_done(&world->dataset);
}

struct planned_row *world_plan(struct world *world, const char *visit, int64_t start, int64_t end)
{
    const struct planned_row row = {.visit_id = world_text(world, visit),
        .person_id = world_text(world, "S1"),
        .provider_id = world_text(world, "P1"),
        .start_utc = start,
        .end_utc = end,
        .carers_required = 1,
        .roster_carers = world_text(world, "C1"),
        .cancel_utc = DATASET_NEVER};

    assert_int_equal(dataset_add_planned(&world->dataset, &row), 0);
    return &world->dataset.planned[world->dataset.planned_count - 1];
}

struct event_row *world_tap(struct world *world, const char *id, char kind, int64_t ts)
{
    const struct event_row row = {.recv_utc = ts + 5,
        .event_id = world_text(world, id),
        .device_id = world_text(world, "H1"),
        .card_uid = world_text(world, "K1"),
        .kind = kind,
        .ts_utc = ts,
        .arrival = (uint32_t)world->dataset.events_count};

    assert_int_equal(dataset_add_event(&world->dataset, &row), 0);
    return &world->dataset.events[world->dataset.events_count - 1];
}

struct amendment_row *world_add(struct world *world, const char *id, char kind, int64_t ts)
{
    const struct amendment_row row = {.amend_id = world_text(world, id),
        .created_utc = ts + 3600,
        .person_id = world_text(world, "S1"),
        .carer_id = world_text(world, "C1"),
        .kind = kind,
        .ts_utc = ts};

    assert_int_equal(dataset_add_amendment(&world->dataset, &row), 0);
    return &world->dataset.amendments[world->dataset.amendments_count - 1];
}

void world_void(struct world *world, const char *id, const char *event)
{
    const struct amendment_row row = {.amend_id = world_text(world, id),
        .created_utc = 1,
        .is_void = true,
        .event_id = world_text(world, event)};

    assert_int_equal(dataset_add_amendment(&world->dataset, &row), 0);
}

void world_reconcile(struct world *world)
{
    visits_done(&world->result);
    assert_int_equal(
        visits_reconcile(&world->dataset, &world->params, &world->period, &world->result), 0);
}

const struct visits_slot *world_slot(const struct world *world, size_t i)
{
    assert_true(i < world->result.slots_count);
    return &world->result.slots[i];
}

const struct visits_attendance *world_attendance(const struct world *world, size_t i)
{
    assert_true(i < world->result.attendances_count);
    return &world->result.attendances[i];
}

size_t world_exceptions(const struct world *world, enum visits_exception_code code)
{
    size_t count = 0;

    for (size_t i = 0; i < world->result.exceptions_count; i++) {
        count += world->result.exceptions[i].code == code ? 1 : 0;
    }
    return count;
}
