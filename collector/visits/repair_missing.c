/*
 * repair_missing.c - R2 and R3: the tap on leaving, or on arriving, is missing; see repair.h.
 *
 * How long the visit took is taken from, in this order: the other carer of the same visit, when both
 * came (or left) together; what visits of this person with that planned length usually take, by
 * whoever; the plan. Never more than planned. The first two are good evidence, the second only when
 * most visits agree; the plan by itself never is. A time that another tap of the carer contradicts, or
 * that lies too near the as-of (the tap may still be on its way), is not inferred at all.
 */
#include <stdlib.h>

#include "collector/visits/repair_person.h"

enum { LENGTHS_MAX = 64, PERCENT = 100 };

struct estimate {
    int64_t worked_s;
    enum repair_basis basis;
    bool is_good;
    text_id other_id;
    int32_t usual_count;
};

static int64_t distance(int64_t a, int64_t b)
{
    return a < b ? b - a : a - b;
}

static int64_t length_of(const struct planned_row *planned)
{
    return planned->end_utc - planned->start_utc;
}

/* By the other carer of this visit, who came or left together with this one. */
static bool estimate_by_other(const struct repair_person *person, size_t slot_index,
    const struct visits_attendance *own, struct estimate *ret_estimate)
{
    const struct visits_slot *slot = &person->slots[slot_index];
    size_t first = slot_index - (slot->number - 1u);
    size_t count = (size_t)person->rules->dataset->planned[slot->planned].carers_required;
    int32_t together_s = person->rules->params->repairs.together_s;
    bool is_leaving = own->status == ATTENDANCE_NO_OUT;

    for (size_t i = first; i < first + count; i++) {
        const struct visits_attendance *other = NULL;

        if (i == slot_index || person->slots[i].status != SLOT_OK) {
            continue;
        }
        other = &person->attendances->rows[person->slots[i].attendance];
        if ((other->evidence & ATTENDANCE_REPAIRED) != 0 ||
            distance(is_leaving ? other->in_utc : other->out_utc,
                is_leaving ? own->in_utc : own->out_utc) > together_s) {
            continue;
        }
        *ret_estimate = (struct estimate){
            .worked_s = is_leaving ? other->out_utc - own->in_utc : own->out_utc - other->in_utc,
            .basis = BASIS_OTHER_CARER,
            .is_good = true,
            .other_id = other->carer_id};
        return ret_estimate->worked_s > 0;
    }
    return false;
}

/* Whether another carer is known to have been at this visit. */
static bool has_other(const struct repair_person *person, size_t slot_index)
{
    const struct visits_slot *slot = &person->slots[slot_index];
    size_t first = slot_index - (slot->number - 1u);
    size_t count = (size_t)person->rules->dataset->planned[slot->planned].carers_required;

    for (size_t i = first; i < first + count; i++) {
        if (i != slot_index && person->slots[i].status == SLOT_OK) {
            return true;
        }
    }
    return false;
}

static int compare(const void *left, const void *right)
{
    int32_t a = *(const int32_t *)left;
    int32_t b = *(const int32_t *)right;

    return (a > b) - (a < b);
}

/* By what visits of this person and length take: the middle one, the shorter when there are two. */
static bool estimate_by_usual(const struct repair_person *person, const struct planned_row *planned,
    struct estimate *ret_estimate)
{
    const struct visits_params *params = person->rules->params;
    int32_t lengths[LENGTHS_MAX];
    int32_t count = 0;
    int32_t alike = 0;
    int32_t middle = 0;

    for (size_t i = person->slots_from; i < person->slots_to && count < LENGTHS_MAX; i++) {
        const struct visits_slot *slot = &person->slots[i];
        const struct visits_attendance *attendance = NULL;

        if (slot->status != SLOT_OK ||
            length_of(&person->rules->dataset->planned[slot->planned]) != length_of(planned)) {
            continue;
        }
        attendance = &person->attendances->rows[slot->attendance];
        if ((attendance->evidence & ATTENDANCE_REPAIRED) == 0) {
            lengths[count++] = attendance->worked_s;
        }
    }
    if (count < params->repairs.usual_visits) {
        return false;
    }
    qsort(lengths, (size_t)count, sizeof lengths[0], compare);
    middle = lengths[(count - 1) / 2];
    for (int32_t i = 0; i < count; i++) {
        alike += distance(lengths[i], middle) <= params->length_s ? 1 : 0;
    }
    *ret_estimate = (struct estimate){.worked_s = middle,
        .basis = BASIS_USUAL_LENGTH,
        .is_good = alike * PERCENT >= count * params->repairs.usual_percent,
        .usual_count = count};
    return true;
}

static struct estimate estimate_length(
    const struct repair_person *person, size_t slot_index, const struct visits_attendance *own)
{
    const struct planned_row *planned =
        &person->rules->dataset->planned[person->slots[slot_index].planned];
    struct estimate estimate = {.worked_s = length_of(planned), .basis = BASIS_PLAN};

    if (!estimate_by_other(person, slot_index, own, &estimate)) {
        (void)estimate_by_usual(person, planned, &estimate);
        /* Two who did not come together: what this one did nobody can tell. */
        estimate.is_good = estimate.is_good && !has_other(person, slot_index);
    }
    if (estimate.worked_s > length_of(planned)) {
        estimate.worked_s = length_of(planned);
    }
    return estimate;
}

/* Whether another tap of this carer lies within, or the as-of too near. */
static bool is_contradicted(const struct repair_person *person, const struct visits_attendance *own,
    int64_t in_utc, int64_t out_utc)
{
    if (out_utc + person->rules->params->repairs.settle_s > person->rules->period->asof_utc) {
        return true;
    }
    for (size_t i = person->first_attendance; i < person->attendances->count; i++) {
        const struct visits_attendance *other = &person->attendances->rows[i];

        if (other != own && other->carer_id == own->carer_id &&
            ((other->in_utc != VISITS_NO_TIME && other->in_utc >= in_utc &&
                 other->in_utc < out_utc) ||
                (other->out_utc != VISITS_NO_TIME && other->out_utc > in_utc &&
                    other->out_utc <= out_utc))) {
            return true;
        }
    }
    return false;
}

/* Whether the repair is only proposed. */
static bool is_held(const struct repair_person *person, enum repair_rule rule, size_t slot_index,
    const struct visits_attendance *own, bool is_good)
{
    const uint8_t *policies = person->rules->params->repairs.policies;
    const struct visits_slot *slot = &person->slots[slot_index];
    bool rests_on_r1 = (own->evidence & (ATTENDANCE_REPAIRED | ATTENDANCE_BESIDE)) != 0;

    if (repair_is_released(&person->rules->dataset->planned[slot->planned], slot->number)) {
        return false;
    }
    return policies[rule] != REPAIR_PAY || !is_good || (own->evidence & ATTENDANCE_DOUBTFUL) != 0 ||
           (rests_on_r1 && policies[REPAIR_DIRECTION] != REPAIR_PAY);
}

static int repair_one(
    struct repair_person *person, size_t slot_index, enum repair_rule rule, bool *ret_changed)
{
    const struct visits_slot *slot = &person->slots[slot_index];
    struct visits_attendance *own = &person->attendances->rows[slot->attendance];
    struct estimate estimate = estimate_length(person, slot_index, own);
    int64_t in_utc = rule == REPAIR_LEAVING ? own->in_utc : own->out_utc - estimate.worked_s;
    int64_t out_utc = in_utc + estimate.worked_s;
    struct visits_repair repair = {.slot = VISITS_NONE,
        .attendance = VISITS_NONE,
        .planned = slot->planned,
        .carer_id = own->carer_id,
        .tap_id = rule == REPAIR_LEAVING ? own->in_id : own->out_id,
        .other_id = estimate.other_id,
        .in_utc = in_utc,
        .out_utc = out_utc,
        .inferred_s = (int32_t)estimate.worked_s,
        .usual_count = estimate.usual_count,
        .rule = (uint8_t)rule,
        .basis = (uint8_t)estimate.basis};

    if (is_contradicted(person, own, in_utc, out_utc)) {
        return 0;
    }
    repair.is_held = is_held(person, rule, slot_index, own, estimate.is_good);
    if (!repair.is_held) {
        own->in_utc = in_utc;
        own->out_utc = out_utc;
        own->worked_s = (int32_t)estimate.worked_s;
        own->status = ATTENDANCE_OK;
        own->evidence |= ATTENDANCE_REPAIRED;
        *ret_changed = true;
    }
    return repair_add(person->list, &repair);
}

int repair_missing(struct repair_person *person, bool *ret_changed)
{
    const uint8_t *policies = person->rules->params->repairs.policies;
    int rc = 0;

    *ret_changed = false;
    for (size_t i = person->slots_from; rc == 0 && i < person->slots_to; i++) {
        if (person->slots[i].status == SLOT_HELD_NO_OUT && policies[REPAIR_LEAVING] != REPAIR_OFF) {
            rc = repair_one(person, i, REPAIR_LEAVING, ret_changed);
        } else if (person->slots[i].status == SLOT_HELD_NO_IN &&
                   policies[REPAIR_ARRIVAL] != REPAIR_OFF) {
            rc = repair_one(person, i, REPAIR_ARRIVAL, ret_changed);
        }
    }
    return rc;
}
