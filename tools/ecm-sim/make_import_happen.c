/*
 * make_import_happen.c - what becomes of a planned visit.
 *
 * Two tables hold the distributions of the reference week: how long after the planned start a
 * carer comes, and which part of the planned time they stay; a third how long a tap takes to
 * arrive, from seconds to the days a home may be without network.
 */
#include <errno.h>

#include "tools/ecm-sim/make_import_parts.h"
#include "tools/ecm-sim/random.h"

/* A point of a distribution: this share of all lies below value. Between points it is even. */
struct quantile {
    int64_t millionths;
    int64_t value;
};

static const struct quantile arrival_s[] = {{0, -900}, {10000, -677}, {50000, -530}, {100000, -379},
    {250000, 77}, {500000, 648}, {750000, 1110}, {900000, 1806}, {950000, 3658}, {990000, 5370},
    {1000000, 5990}};

static const struct quantile stay_permille[] = {{0, 380}, {10000, 524}, {50000, 634}, {100000, 764},
    {250000, 898}, {500000, 959}, {750000, 1004}, {900000, 1041}, {950000, 1064}, {990000, 1234},
    {1000000, 2000}};

static const struct quantile delay_s[] = {{0, 1}, {10000, 1}, {50000, 2}, {250000, 9}, {500000, 17},
    {800000, 28}, {900000, 1753}, {920000, 6395}, {950000, 15547}, {970000, 27643},
    {980000, 116090}, {990000, 206948}, {995000, 255369}, {999000, 665630}, {1000000, 773000}};

/* Chances in a million. */
enum {
    CHANCE = 1000000,
    NOBODY_COMES = 15500,
    OTHER_CARER = 56000,
    FORGETS_IN = 7800,
    FORGETS_OUT = 21000,
    IS_PUT_RIGHT = 680000, /* a forgotten tap, by a correction */
    TAPS_AGAIN = 18500,
    ARRIVES_TWICE = 10100,
    STEPS_OUT = 4000,
    STRAY_TAP = 700, /* later voided */
    UNPLANNED = 2200,
    CLOCK_AHEAD = 180,
    UNKNOWN_CARD = 170,
};
enum { AHEAD_S = 7200, MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400, OFFICE_DAYS = 5 };

/* Everything about the attendance in hand. */
struct happening {
    struct import_making *making;
    struct random random;
    uint32_t person;
};

static int64_t draw(struct random *random, const struct quantile *points)
{
    int64_t at = random_between(random, 0, CHANCE - 1);

    while (points[1].millionths <= at) {
        points++;
    }
    return points[0].value + (points[1].value - points[0].value) * (at - points[0].millionths) /
                                 (points[1].millionths - points[0].millionths);
}

static bool happens(struct random *random, int64_t millionths)
{
    return random_between(random, 1, CHANCE) <= millionths;
}

static int append_tap(struct import_making *making, const struct import_tap *tap)
{
    if (import_reserve(
            (void **)&making->taps, making->tap_count, &making->tap_capacity, sizeof *tap) < 0) {
        return -ENOMEM;
    }
    making->taps[making->tap_count++] = *tap;
    return 0;
}

/* One tap that gets through; perhaps twice. */
static int tap_once(struct happening *now, struct import_carer carer, char kind, int64_t ts_utc)
{
    struct import_tap row = {.ts_utc = ts_utc,
        .recv_utc = ts_utc + draw(&now->random, delay_s),
        .person = now->person,
        .number = ++now->making->people[now->person].taps,
        .carer = carer,
        .kind = kind,
        .is_unknown_card = happens(&now->random, UNKNOWN_CARD)};
    int rc = 0;

    if (happens(&now->random, CLOCK_AHEAD)) {
        row.recv_utc = ts_utc + random_between(&now->random, 1, 20);
        row.ts_utc = row.recv_utc + AHEAD_S - random_between(&now->random, 1, 20);
    }
    rc = append_tap(now->making, &row);
    if (rc == 0 && happens(&now->random, ARRIVES_TWICE)) {
        row.recv_utc += random_between(&now->random, 1, 2 * HOUR_S);
        rc = append_tap(now->making, &row);
    }
    return rc;
}

/* One tap, perhaps held to the reader again. */
static int tap(struct happening *now, struct import_carer carer, char kind, int64_t ts_utc)
{
    int rc = tap_once(now, carer, kind, ts_utc);

    if (rc == 0 && happens(&now->random, TAPS_AGAIN)) {
        rc = tap_once(now, carer, kind, ts_utc + random_between(&now->random, 2, 115));
    }
    return rc;
}

static int correct(struct happening *now, const struct import_correction *correction)
{
    struct import_making *making = now->making;

    if (import_reserve((void **)&making->corrections, making->correction_count,
            &making->correction_capacity, sizeof *correction) < 0) {
        return -ENOMEM;
    }
    making->corrections[making->correction_count++] = *correction;
    return 0;
}

/* A forgotten tap: the office may add it within some days, to the minute. */
static int forget(struct happening *now, struct import_carer carer, char kind, int64_t ts_utc)
{
    struct import_correction correction = {
        .ts_utc = ts_utc - ts_utc % MINUTE_S, .person = now->person, .carer = carer, .kind = kind};

    if (!happens(&now->random, IS_PUT_RIGHT)) {
        return 0;
    }
    correction.created_utc = ts_utc + random_between(&now->random, DAY_S / 2, OFFICE_DAYS * DAY_S);
    return correct(now, &correction);
}

/* An arrival that was none, found out later. */
static int stray(struct happening *now, struct import_carer carer, int64_t ts_utc)
{
    struct import_correction correction = {.person = now->person, .kind = 'V'};
    int rc = tap_once(now, carer, 'I', ts_utc);

    correction.number = now->making->people[now->person].taps;
    correction.created_utc = ts_utc + random_between(&now->random, DAY_S / 2, OFFICE_DAYS * DAY_S);
    return rc < 0 ? rc : correct(now, &correction);
}

static int attend(struct happening *now, struct import_carer carer, int64_t in_utc, int64_t out_utc)
{
    int64_t middle_utc = in_utc + (out_utc - in_utc) / 2;
    bool forgets_in = happens(&now->random, FORGETS_IN);
    bool forgets_out = happens(&now->random, FORGETS_OUT);
    int rc = forgets_in ? forget(now, carer, 'I', in_utc) : tap(now, carer, 'I', in_utc);

    if (rc == 0 && happens(&now->random, STEPS_OUT)) {
        rc = tap(now, carer, 'O', middle_utc - random_between(&now->random, 30, 290));
        if (rc == 0) {
            rc = tap(now, carer, 'I', middle_utc + random_between(&now->random, 0, 290));
        }
    }
    if (rc == 0) {
        rc = forgets_out ? forget(now, carer, 'O', out_utc) : tap(now, carer, 'O', out_utc);
    }
    if (rc == 0 && happens(&now->random, STRAY_TAP)) {
        rc = stray(now, carer, out_utc + random_between(&now->random, 1, 3) * HOUR_S);
    }
    return rc;
}

static struct import_carer any_carer(struct happening *now, uint8_t provider)
{
    size_t count = now->making->pools[provider].count;

    return (struct import_carer){.provider = provider,
        .number = (uint16_t)random_between(&now->random, 0, (int64_t)count - 1)};
}

/* Somebody looks in whom nobody planned. */
static int look_in(struct happening *now, uint8_t provider, int64_t near_utc)
{
    int64_t in_utc = near_utc + random_between(&now->random, 9000, 14400);

    return attend(now, any_carer(now, provider), in_utc,
        in_utc + random_between(&now->random, 12 * MINUTE_S, 28 * MINUTE_S));
}

int import_happen(struct import_making *making, size_t index)
{
    const struct import_visit *visit = &making->visits[index];
    const struct import_person *person = &making->people[visit->person];
    struct happening now = {.making = making,
        .random = random_stream(making->what->seed, "import happening", index),
        .person = visit->person};
    int64_t in_utc = visit->start_utc + draw(&now.random, arrival_s);
    int64_t out_utc =
        in_utc + (visit->end_utc - visit->start_utc) * draw(&now.random, stay_permille) / 1000;
    int rc = 0;

    for (int k = 0; rc == 0 && visit->cancel_utc == 0 && k < (person->is_double ? 2 : 1); k++) {
        struct import_carer carer = happens(&now.random, OTHER_CARER)
                                        ? any_carer(&now, person->provider)
                                        : visit->carers[k];

        if (!happens(&now.random, NOBODY_COMES)) {
            rc = attend(&now, carer, in_utc + random_between(&now.random, -30, 30),
                out_utc + random_between(&now.random, -30, 30));
        }
    }
    if (rc == 0 && happens(&now.random, UNPLANNED)) {
        rc = look_in(&now, person->provider, visit->end_utc);
    }
    return rc;
}
