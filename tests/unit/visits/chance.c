/* chance.c - see chance.h. */
#include "tests/unit/visits/chance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/suite.h"

#define FOR_EVER INT64_C(1099511627776)
#define GHOST "ghost"

enum { DAY_S = 86400, END_S = CHANCE_DAYS * DAY_S, SEEN_BY = END_S + 7 * DAY_S };

static const char *const cards[] = {"K1", "K2", "K3", "K4", "K9"};
static const char *const devices[] = {"H1", "H2", "H3", "H9"};
static const char *const people[] = {"S1", "S2", "S3"};

#define PICK(seed, list) (list)[chance_draw((seed), sizeof(list) / sizeof(list)[0])]

size_t chance_draw(unsigned *seed, size_t bound)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % bound;
}

/* A quarter of an hour of a few days, so that visits and taps crowd. */
static int64_t quarter(unsigned *seed)
{
    int64_t day = (int64_t)chance_draw(seed, 3) * 5;

    return day * DAY_S + NINE + (int64_t)chance_draw(seed, 40) * 900;
}

static void add_second_provider(struct world *world)
{
    const struct person_row person = {.person_id = world_text(world, "S3"),
        .funder = world_text(world, "NHS"),
        .provider_id = world_text(world, "P2")};
    const struct device_row device = {
        .device_id = world_text(world, "H3"), .person_id = person.person_id, .to_utc = FOR_EVER};
    const struct carer_row carer = {
        .carer_id = world_text(world, "C4"), .provider_id = person.provider_id};
    const struct card_row card = {
        .card_uid = world_text(world, "K4"), .carer_id = carer.carer_id, .to_utc = FOR_EVER};

    assert_int_equal(dataset_add_person(&world->dataset, &person), 0);
    assert_int_equal(dataset_add_device(&world->dataset, &device), 0);
    assert_int_equal(dataset_add_carer(&world->dataset, &carer), 0);
    assert_int_equal(dataset_add_card(&world->dataset, &card), 0);
}

static void add_money(struct world *world, unsigned *seed)
{
    static const char *const providers[] = {"P1", "P2"};
    static const char *const funders[] = {"LA", "NHS"};

    for (size_t p = 0; p < 2; p++) {
        /* From an unattainable guarantee to a cap that cuts. */
        const struct provider_row provider = {.provider_id = world_text(world, providers[p]),
            .contract_minutes = (int64_t)chance_draw(seed, 2500)};

        assert_int_equal(dataset_add_provider(&world->dataset, &provider), 0);
        for (size_t i = 0; i < 4; i++) {
            const struct rate_row rate = {.provider_id = provider.provider_id,
                .funder = world_text(world, funders[i % 2]),
                .from_day = i < 2 ? -1 : 6,
                .to_day = i < 2 ? 6 : CHANCE_DAYS + 7,
                .pence_per_hour = 1500 + (int64_t)chance_draw(seed, 1000)};

            assert_int_equal(dataset_add_rate(&world->dataset, &rate), 0);
        }
    }
}

static void add_visits(struct world *world, unsigned *seed)
{
    for (int i = 0; i < CHANCE_VISITS; i++) {
        char id[16];
        int64_t start = quarter(seed);
        struct planned_row *row = NULL;
        const char *person = PICK(seed, people);

        (void)snprintf(id, sizeof id, "V%d", i);
        row = world_plan(world, id, start, start + 600 + (int64_t)chance_draw(seed, 60) * 60);
        row->person_id = world_text(world, person);
        row->provider_id = world_text(world, strcmp(person, "S3") == 0 ? "P2" : "P1");
        row->carers_required = 1 + (int32_t)chance_draw(seed, 2);
        row->roster_carers = world_text(world, chance_draw(seed, 2) == 0 ? "C1|C2" : "C4");
        if (chance_draw(seed, 6) == 0) {
            row->cancel_utc = start - (int64_t)chance_draw(seed, 48) * 3600;
        }
    }
}

static void add_taps(struct world *world, unsigned *seed)
{
    for (int i = 0; i < CHANCE_TAPS; i++) {
        char id[16];
        struct event_row *row = NULL;

        (void)snprintf(id, sizeof id, "e%zu", chance_draw(seed, CHANCE_TAPS * 4));
        row = world_tap(world, id, chance_draw(seed, 2) == 0 ? 'I' : 'O',
            quarter(seed) + (int64_t)chance_draw(seed, 1800) - 900);
        row->card_uid = world_text(world, PICK(seed, cards));
        row->device_id = world_text(world, PICK(seed, devices));
        /* Most at once, some days late, a few before their own time. */
        row->recv_utc += (int64_t)chance_draw(seed, 3) - (chance_draw(seed, 20) == 0 ? 600 : 0) +
                         (chance_draw(seed, 10) == 0 ? 3 * DAY_S : 0);
    }
    for (int i = 0; i < 4; i++) {
        char id[16];
        char event[16];

        (void)snprintf(id, sizeof id, "a%d", i);
        (void)world_add(world, id, i % 2 == 0 ? 'I' : 'O', quarter(seed));
        (void)snprintf(id, sizeof id, "v%d", i);
        (void)snprintf(event, sizeof event, "e%zu", chance_draw(seed, CHANCE_TAPS * 4));
        world_void(world, id, event);
    }
}

void chance_fill(struct world *world, unsigned *seed)
{
    world_init(world);
    world->period.end_utc = END_S;
    world->period.asof_utc = SEEN_BY;
    add_second_provider(world);
    add_money(world, seed);
    add_visits(world, seed);
    add_taps(world, seed);
}

static text_id same(struct world *to, const struct world *from, text_id id)
{
    return world_text(to, dataset_text(&from->dataset, id));
}

/* Add row i of n, the rows from cut on before the others, with its texts as those of to. */
#define SPLIT(name, rows, row_type, ...)                                                           \
    for (size_t n = from->dataset.rows##_count, cut = chance_draw(seed, n + 1), i = 0; i < n;      \
         i++) {                                                                                    \
        struct row_type row = from->dataset.rows[(cut + i) % n];                                   \
        text_id *const ids[] = {__VA_ARGS__};                                                      \
                                                                                                   \
        for (size_t t = 0; t < sizeof ids / sizeof ids[0]; t++) {                                  \
            *ids[t] = same(to, from, *ids[t]);                                                     \
        }                                                                                          \
        assert_int_equal(dataset_add_##name(&to->dataset, &row), 0);                               \
    }

void chance_split(struct world *to, const struct world *from, unsigned *seed)
{
    *to = (struct world){.period = from->period, .params = from->params};
    assert_int_equal(dataset_init(&to->dataset), 0);
    SPLIT(event, events, event_row, &row.event_id, &row.device_id, &row.card_uid)
    SPLIT(amendment, amendments, amendment_row, &row.amend_id, &row.person_id, &row.carer_id,
        &row.event_id, &row.reason_code)
    SPLIT(planned, planned, planned_row, &row.visit_id, &row.person_id, &row.provider_id,
        &row.roster_carers)
    SPLIT(device, devices, device_row, &row.device_id, &row.person_id)
    SPLIT(card, cards, card_row, &row.card_uid, &row.carer_id)
    SPLIT(carer, carers, carer_row, &row.carer_id, &row.provider_id)
    SPLIT(person, people, person_row, &row.person_id, &row.funder, &row.zone, &row.provider_id)
    SPLIT(rate, rates, rate_row, &row.provider_id, &row.funder)
    SPLIT(provider, providers, provider_row, &row.provider_id, &row.zone, &row.lot, &row.tier)
}

static void swap(void *a, void *b, size_t size)
{
    char kept[128];

    assert_true(size <= sizeof kept);
    (void)memcpy(kept, a, size);
    (void)memcpy(a, b, size);
    (void)memcpy(b, kept, size);
}

#define SHUFFLE(rows)                                                                              \
    for (size_t i = world->dataset.rows##_count; i > 1; i--) {                                     \
        swap(&world->dataset.rows[i - 1], &world->dataset.rows[chance_draw(seed, i)],              \
            sizeof world->dataset.rows[0]);                                                        \
    }

void chance_shuffle(struct world *world, unsigned *seed)
{
    SHUFFLE(events)
    SHUFFLE(amendments)
    SHUFFLE(planned)
    SHUFFLE(devices)
    SHUFFLE(cards)
    SHUFFLE(carers)
    SHUFFLE(people)
    SHUFFLE(rates)
    SHUFFLE(providers)
}

void chance_add_ghost(struct world *world, unsigned *seed)
{
    struct event_row *row =
        world_tap(world, GHOST, chance_draw(seed, 2) == 0 ? 'I' : 'O', quarter(seed));

    row->card_uid = world_text(world, PICK(seed, cards));
    row->device_id = world_text(world, PICK(seed, devices));
}

void chance_add_later(struct world *world, unsigned *seed)
{
    int64_t later = world->period.asof_utc + 1 + (int64_t)chance_draw(seed, 100);
    size_t voided = chance_draw(seed, world->dataset.events_count);
    struct amendment_row *row = NULL;

    world_void(
        world, "later-void", dataset_text(&world->dataset, world->dataset.events[voided].event_id));
    world->dataset.amendments[world->dataset.amendments_count - 1].created_utc = later;
    row = world_add(world, "later-add", 'I', quarter(seed));
    row->created_utc = later;
    world_tap(world, "later-tap", 'O', quarter(seed))->recv_utc = later;
    for (size_t i = 0; i < world->dataset.planned_count; i++) {
        if (world->dataset.planned[i].cancel_utc == DATASET_NEVER) {
            world->dataset.planned[i].cancel_utc = later;
        }
    }
}

static void add_attendance(FILE *file, const struct world *world, uint32_t index)
{
    const struct dataset *dataset = &world->dataset;
    const struct visits_attendance *a = NULL;

    if (index == VISITS_NONE) {
        (void)fputs(" nobody\n", file);
        return;
    }
    a = &world->result.attendances[index];
    (void)fprintf(file, " %s %s in %s %lld out %s %lld worked %d status %u evidence %u\n",
        dataset_text(dataset, a->person_id), dataset_text(dataset, a->carer_id),
        dataset_text(dataset, a->in_id), (long long)a->in_utc, dataset_text(dataset, a->out_id),
        (long long)a->out_utc, a->worked_s, a->status, a->evidence);
}

char *chance_words(const struct world *world)
{
    const struct dataset *dataset = &world->dataset;
    const struct visits_result *result = &world->result;
    char *words = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&words, &size);

    assert_non_null(file);
    for (size_t i = 0; i < result->slots_count; i++) {
        const struct visits_slot *slot = &result->slots[i];

        (void)fprintf(file, "%s.%u %s",
            dataset_text(dataset, dataset->planned[slot->planned].visit_id), slot->number,
            slot_status_name((enum slot_status)slot->status));
        add_attendance(file, world, slot->attendance);
    }
    for (uint32_t i = 0; i < result->attendances_count; i++) {
        add_attendance(file, world, i);
    }
    for (size_t i = 0; i < result->exceptions_count; i++) {
        const struct visits_exception *e = &result->exceptions[i];

        if (strcmp(dataset_text(dataset, e->ref), GHOST) != 0) {
            (void)fprintf(file, "%s %s %lld %s\n",
                visits_exception_name((enum visits_exception_code)e->code),
                dataset_text(dataset, e->ref), (long long)e->ts_utc,
                dataset_text(dataset, e->detail));
        }
    }
    assert_int_equal(fclose(file), 0);
    return words;
}
