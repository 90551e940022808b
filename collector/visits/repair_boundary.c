/*
 * repair_boundary.c - R4: one attendance over visits planned back to back; see repair.h.
 *
 * A carer who stays from one visit into the next taps in once and out once, or so quickly that S5
 * merges the two. Where the plan has visits at this person that follow each other within gap_s, all
 * of them this carer's, and the attendance begins at the first and lasts well into the last, it is split:
 * at the carer's own taps near a boundary, else the stay is divided as the plan divides the time, which
 * is at the planned boundary when the carer came and left as planned. (Splitting at the planned boundary
 * itself made the first visit of a late carer too short and the second too long: see docs/REPAIRS.md.)
 * Not when anybody else was there for one of them, nor when this carer was there again.
 */
#include <errno.h>
#include <stdlib.h>

#include "collector/visits/repair_person.h"

enum { CHAIN_MAX = 4, GAPS_MAX = 16 };
enum { STAY_PART = 3, SURE_PART = 2 }; /* so much of the last visit at least: a third, a half */

/* The visits an attendance lies over, and where it is cut. */
struct chain {
    size_t attendance;
    uint32_t slots[CHAIN_MAX]; /* number 1 of each visit */
    size_t count;
    struct visits_attendance parts[CHAIN_MAX];
    bool has_own_taps; /* at every boundary */
    bool is_near;      /* both ends are near the plan */
};

/* The unpaid gaps within a merged attendance: out, and in again. */
struct gap {
    const struct tap *out, *in;
};

static int64_t distance(int64_t a, int64_t b)
{
    return a < b ? b - a : a - b;
}

static const struct planned_row *planned_of(const struct repair_person *person, uint32_t slot)
{
    return &person->rules->dataset->planned[person->slots[slot].planned];
}

static bool can_follow(const struct repair_person *person, const struct visits_slot *slot,
    const struct visits_attendance *whole)
{
    const struct planned_row *planned = &person->rules->dataset->planned[slot->planned];

    return slot->number == 1 && slot->status == SLOT_MISSED &&
           visits_is_rostered(person->rules->dataset, planned->roster_carers, whole->carer_id);
}

/* The instant at which an nth part of a planned visit is over. */
static int64_t into(const struct planned_row *planned, int nth)
{
    return planned->start_utc + (planned->end_utc - planned->start_utc) / nth;
}

/* Where a visit stands to begin the chain: the attendance begins before it is nearly over. */
static bool can_begin(const struct repair_person *person, const struct planned_row *planned,
    const struct visits_attendance *whole)
{
    const struct repair_params *params = &person->rules->params->repairs;

    return whole->in_utc >= planned->start_utc - params->far_s &&
           whole->in_utc <= planned->end_utc - params->part_min_s;
}

/* Slots are in order of planned start. */
static void find_chain(
    const struct repair_person *person, const struct visits_attendance *whole, struct chain *chain)
{
    const struct repair_params *params = &person->rules->params->repairs;

    chain->count = 0;
    for (size_t i = person->slots_from; i < person->slots_to && chain->count < CHAIN_MAX; i++) {
        const struct planned_row *planned = planned_of(person, (uint32_t)i);
        int64_t gap_s = 0;

        if (!can_follow(person, &person->slots[i], whole)) {
            continue;
        }
        if (chain->count == 0) {
            if (can_begin(person, planned, whole)) {
                chain->slots[chain->count++] = (uint32_t)i;
            }
            continue;
        }
        gap_s = planned->start_utc - planned_of(person, chain->slots[chain->count - 1])->end_utc;
        if (gap_s < 0) {
            continue;
        }
        if (gap_s > params->gap_s || whole->out_utc < into(planned, STAY_PART)) {
            break;
        }
        chain->slots[chain->count++] = (uint32_t)i;
    }
}

/* Whether an attendance is of this visit too: half of its time, or an end that is near. */
static bool is_there(const struct repair_person *person, const struct visits_attendance *other,
    const struct planned_row *planned)
{
    int64_t from = planned->start_utc;
    int64_t to = planned->end_utc;

    if (other->status != ATTENDANCE_OK && other->status != ATTENDANCE_HELD) {
        return distance(visits_anchor(person->rules->params, other), from) <=
               person->rules->params->repairs.far_s;
    }
    from = other->in_utc > from ? other->in_utc : from;
    to = other->out_utc < to ? other->out_utc : to;
    return to - from >= (planned->end_utc - planned->start_utc) / 2;
}

/* Whether other attendances leave no room for whole at one of the visits. */
static bool is_served(const struct repair_person *person, const struct visits_attendance *whole,
    const struct planned_row *planned)
{
    int32_t others = 0;

    for (size_t i = person->first_attendance; i < person->attendances->count; i++) {
        const struct visits_attendance *other = &person->attendances->rows[i];

        if (other == whole || !is_there(person, other, planned)) {
            continue;
        }
        if (other->carer_id == whole->carer_id) {
            return true;
        }
        others++;
    }
    return others >= planned->carers_required;
}

/* ---- where to cut --------------------------------------------------------------------------- */

static size_t find_gaps(const struct repair_person *person, const struct visits_attendance *whole,
    struct gap gaps[GAPS_MAX])
{
    const struct tap *out = NULL;
    size_t count = 0;

    for (size_t i = 0; i < person->taps_count && count < GAPS_MAX; i++) {
        const struct tap *tap = &person->taps[i];

        if (person->rules->carers->ids[tap->carer] != whole->carer_id ||
            tap->ts_utc <= whole->in_utc || tap->ts_utc >= whole->out_utc) {
            continue;
        }
        if (tap->kind == 'O' && out == NULL) {
            out = tap; /* a bounce of it counts for nothing */
        } else if (tap->kind == 'I' && out != NULL) {
            gaps[count++] = (struct gap){out, tap};
            out = NULL;
        }
    }
    return count;
}

/* End one part and begin the next: at own taps when they are near, else as planned. */
static void cut(const struct repair_params *params, const struct gap *gaps, size_t gaps_count,
    int64_t end_utc, int64_t start_utc, struct visits_attendance *part,
    struct visits_attendance *next)
{
    part->out_utc = end_utc;
    part->out_id = 0;
    next->in_utc = start_utc;
    next->in_id = 0;
    for (size_t g = 0; g < gaps_count; g++) {
        if (distance(gaps[g].out->ts_utc, end_utc) <= params->near_s &&
            distance(gaps[g].in->ts_utc, start_utc) <= params->near_s) {
            part->out_utc = gaps[g].out->ts_utc;
            part->out_id = gaps[g].out->id;
            next->in_utc = gaps[g].in->ts_utc;
            next->in_id = gaps[g].in->id;
            return;
        }
    }
}

static int32_t worked(
    const struct visits_attendance *part, const struct gap *gaps, size_t gaps_count)
{
    int64_t worked_s = part->out_utc - part->in_utc;

    for (size_t g = 0; g < gaps_count; g++) {
        int64_t from = gaps[g].out->ts_utc > part->in_utc ? gaps[g].out->ts_utc : part->in_utc;
        int64_t to = gaps[g].in->ts_utc < part->out_utc ? gaps[g].in->ts_utc : part->out_utc;

        worked_s -= to > from ? to - from : 0;
    }
    return (int32_t)worked_s;
}

/* Where an instant of the plan lies in the stay, when the stay is divided as the plan is. */
static int64_t divide(const struct repair_person *person, const struct visits_attendance *whole,
    const struct chain *chain, int64_t planned_utc)
{
    int64_t start_utc = planned_of(person, chain->slots[0])->start_utc;
    int64_t end_utc = planned_of(person, chain->slots[chain->count - 1])->end_utc;

    return whole->in_utc +
           (planned_utc - start_utc) * (whole->out_utc - whole->in_utc) / (end_utc - start_utc);
}

/* Fill in the parts. false: one would be too short. */
static bool cut_chain(
    const struct repair_person *person, const struct visits_attendance *whole, struct chain *chain)
{
    const struct repair_params *params = &person->rules->params->repairs;
    struct gap gaps[GAPS_MAX];
    size_t gaps_count = find_gaps(person, whole, gaps);

    chain->has_own_taps = true;
    for (size_t i = 0; i < chain->count; i++) {
        chain->parts[i] = *whole;
        chain->parts[i].evidence |= ATTENDANCE_REPAIRED;
    }
    for (size_t i = 0; i + 1 < chain->count; i++) {
        int64_t end_utc =
            divide(person, whole, chain, planned_of(person, chain->slots[i])->end_utc);
        int64_t start_utc =
            divide(person, whole, chain, planned_of(person, chain->slots[i + 1])->start_utc);

        cut(params, gaps, gaps_count, end_utc, start_utc, &chain->parts[i], &chain->parts[i + 1]);
        chain->has_own_taps = chain->has_own_taps && chain->parts[i].out_id != 0;
    }
    for (size_t i = 0; i < chain->count; i++) {
        struct visits_attendance *part = &chain->parts[i];

        part->worked_s = worked(part, gaps, gaps_count);
        if (part->worked_s < params->part_min_s) {
            return false;
        }
    }
    return true;
}

/* ---- the repair ----------------------------------------------------------------------------- */

static bool fits(
    const struct repair_person *person, const struct visits_attendance *whole, struct chain *chain)
{
    const struct repair_params *params = &person->rules->params->repairs;
    int64_t in_off_s = 0;
    int64_t out_off_s = 0;

    find_chain(person, whole, chain);
    if (chain->count < 2) {
        return false;
    }
    in_off_s = distance(whole->in_utc, planned_of(person, chain->slots[0])->start_utc);
    out_off_s =
        distance(whole->out_utc, planned_of(person, chain->slots[chain->count - 1])->end_utc);
    if (out_off_s > params->far_s) {
        return false;
    }
    for (size_t i = 0; i < chain->count; i++) {
        if (is_served(person, whole, planned_of(person, chain->slots[i]))) {
            return false;
        }
    }
    chain->is_near =
        in_off_s <= params->near_s && out_off_s <= params->near_s &&
        whole->out_utc >= into(planned_of(person, chain->slots[chain->count - 1]), SURE_PART);
    return cut_chain(person, whole, chain);
}

static bool is_released(const struct repair_person *person, const struct chain *chain)
{
    for (size_t i = 1; i < chain->count; i++) {
        const struct planned_row *planned = planned_of(person, chain->slots[i]);

        for (unsigned number = 1; number <= (unsigned)planned->carers_required; number++) {
            if (!repair_is_released(planned, number)) {
                continue;
            }
            return true;
        }
    }
    return false;
}

static int note(struct repair_person *person, const struct chain *chain, size_t i, bool is_held)
{
    const struct visits_attendance *part = &chain->parts[i];
    const struct visits_repair repair = {.slot = VISITS_NONE,
        .attendance = VISITS_NONE,
        .planned = person->slots[chain->slots[i]].planned,
        .carer_id = part->carer_id,
        .tap_id = chain->parts[0].in_id,
        .in_utc = part->in_utc,
        .out_utc = part->out_utc,
        .inferred_s = part->worked_s,
        .rule = REPAIR_BOUNDARY,
        .basis = chain->has_own_taps ? BASIS_OWN_TAPS : BASIS_PLAN,
        .is_held = is_held};

    return repair_add(person->list, &repair);
}

/* Split the attendance, or propose to. */
static int apply(struct repair_person *person, const struct chain *chain)
{
    const struct repair_params *params = &person->rules->params->repairs;
    bool is_held =
        !is_released(person, chain) && (params->policies[REPAIR_BOUNDARY] != REPAIR_PAY ||
                                           !(chain->is_near || chain->has_own_taps));
    int rc = 0;

    if (!is_held) {
        person->attendances->rows[chain->attendance] = chain->parts[0];
    }
    for (size_t i = 0; rc == 0 && i < chain->count; i++) {
        rc = note(person, chain, i, is_held); /* of a proposal only what was missed stays */
        if (rc == 0 && !is_held && i > 0) {
            rc = attendances_append(person->attendances, &chain->parts[i]);
        }
    }
    return rc;
}

/* Every split is found before the first is made: so that none depends on another. */
int repair_boundaries(struct repair_person *person)
{
    size_t count = person->attendances->count - person->first_attendance;
    struct chain *chains = NULL;
    size_t found = 0;
    int rc = 0;

    if (person->rules->params->repairs.policies[REPAIR_BOUNDARY] == REPAIR_OFF || count == 0) {
        return 0;
    }
    chains = malloc(count * sizeof *chains);
    if (chains == NULL) {
        return -ENOMEM;
    }
    for (size_t i = person->first_attendance; i < person->attendances->count; i++) {
        const struct visits_attendance *whole = &person->attendances->rows[i];

        chains[found].attendance = i;
        if (whole->status == ATTENDANCE_OK && (whole->evidence & ATTENDANCE_DOUBTFUL) == 0 &&
            fits(person, whole, &chains[found])) {
            found++;
        }
    }
    for (size_t i = 0; rc == 0 && i < found; i++) {
        rc = apply(person, &chains[i]);
    }
    free(chains);
    return rc;
}
