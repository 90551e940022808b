/* part.c - see part.h: pair, sort, match, append, person after person. */
#include "collector/visits/part.h"

#include <errno.h>
#include <stdlib.h>

/* M1 but for the number, which follows from the order the slots are made in. */
static int compare_planned(const void *left, const void *right, void *context)
{
    const struct dataset *dataset = context;
    const struct planned_row *a = &dataset->planned[*(const uint32_t *)left];
    const struct planned_row *b = &dataset->planned[*(const uint32_t *)right];

    if (a->start_utc != b->start_utc) {
        return a->start_utc < b->start_utc ? -1 : 1;
    }
    if (a->end_utc != b->end_utc) {
        return a->end_utc < b->end_utc ? -1 : 1;
    }
    return dataset_compare(dataset, a->visit_id, b->visit_id);
}

/* P1. */
static enum slot_status status_of_plan(const struct part *part, const struct planned_row *row)
{
    if (row->cancel_utc > part->period->asof_utc) {
        return SLOT_MISSED; /* until something is found for it */
    }
    return row->cancel_utc <= row->start_utc - part->params->notice_s ? SLOT_CANC_NOTICE
                                                                      : SLOT_CANC_SHORT;
}

/* Append the slots of one planned visit; there is room for all. */
static void add_slots(struct part *part, uint32_t planned)
{
    const struct planned_row *row = &part->dataset->planned[planned];
    enum slot_status status = status_of_plan(part, row);

    for (int32_t number = 1; number <= row->carers_required; number++) {
        part->slots[part->slots_count++] = (struct visits_slot){.planned = planned,
            .attendance = VISITS_NONE,
            .number = (uint16_t)number,
            .status = (uint8_t)status};
    }
}

/* Plans come in order of time, mostly. */
static bool is_in_order(const uint32_t *rows, size_t count, void *context)
{
    for (size_t i = 1; i < count; i++) {
        if (compare_planned(&rows[i - 1], &rows[i], context) > 0) {
            return false;
        }
    }
    return true;
}

static void make_slots(struct part *part, size_t rank)
{
    const struct plan *plan = &part->shared->plan;
    uint32_t *rows = &plan->rows[plan->firsts[rank]];
    size_t count = plan->firsts[rank + 1] - plan->firsts[rank];
    /* qsort_r() wants a writable context; compare_planned() only reads it. */
    union {
        const struct dataset *in;
        void *out;
    } context = {.in = part->dataset};

    if (!is_in_order(rows, count, context.out)) {
        qsort_r(rows, count, sizeof *rows, compare_planned, context.out);
    }
    for (size_t i = 0; i < count; i++) {
        add_slots(part, rows[i]);
    }
}

static int reserve_scratch(struct part *part, size_t slots, size_t attendances)
{
    if (slots > part->match_capacity) {
        free(part->starts);
        free(part->matched);
        free(part->pairs);
        part->match_capacity = slots * 2;
        part->starts = malloc(part->match_capacity * sizeof *part->starts);
        part->matched = malloc(part->match_capacity * sizeof *part->matched);
        part->pairs = malloc(part->match_capacity * sizeof *part->pairs);
    }
    if (attendances > part->anchors_capacity) {
        free(part->anchors);
        part->anchors_capacity = attendances * 2;
        part->anchors = malloc(part->anchors_capacity * sizeof *part->anchors);
    }
    if ((slots > 0 && (part->starts == NULL || part->matched == NULL || part->pairs == NULL)) ||
        (attendances > 0 && part->anchors == NULL)) {
        return -ENOMEM;
    }
    return 0;
}

static int64_t cost_of_pair(void *user, size_t slot, size_t attendance)
{
    const struct part *part = user;
    const struct planned_row *planned =
        &part->dataset->planned[part->slots[part->matched[slot]].planned];

    return visits_cost(part->dataset, part->params, planned,
        &part->attendances.rows[part->first_attendance + attendance])
        .sum;
}

/* M7, first half: what a matched slot is called. */
static enum slot_status status_of_match(enum attendance_status status)
{
    switch (status) {
    case ATTENDANCE_OK:
        return SLOT_OK;
    case ATTENDANCE_NO_OUT:
        return SLOT_HELD_NO_OUT;
    case ATTENDANCE_NO_IN:
        return SLOT_HELD_NO_IN;
    case ATTENDANCE_HELD:
        return SLOT_HELD_REPAIR;
    }
    return SLOT_OK;
}

/* M8: slots of a visit lie side by side, lower numbers first. */
static bool is_same_carer(const struct part *part, size_t index)
{
    const struct visits_slot *slot = &part->slots[index];
    text_id carer = part->attendances.rows[slot->attendance].carer_id;

    for (size_t lower = 1; lower < slot->number; lower++) {
        const struct visits_slot *other = &part->slots[index - lower];

        if (other->attendance != VISITS_NONE &&
            part->attendances.rows[other->attendance].carer_id == carer) {
            return true;
        }
    }
    return false;
}

static void apply_pairs(struct part *part, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct visits_slot *slot = &part->slots[part->matched[i]];
        struct visits_attendance *attendance = NULL;

        if (part->pairs[i] == MATCH_NONE) {
            continue;
        }
        slot->attendance = (uint32_t)part->first_attendance + part->pairs[i];
        attendance = &part->attendances.rows[slot->attendance];
        attendance->slot = part->matched[i];
        slot->status = (uint8_t)(is_same_carer(part, part->matched[i])
                                     ? SLOT_SAME_CARER
                                     : status_of_match((enum attendance_status)attendance->status));
    }
}

static int match_person(struct part *part, size_t first_slot)
{
    size_t attendances = part->attendances.count - part->first_attendance;
    struct match_problem problem = {.window = part->params->window_s,
        .unmatched = part->params->unmatched_cost,
        .cost = cost_of_pair,
        .user = part};
    int rc = reserve_scratch(part, part->slots_count - first_slot, attendances);

    if (rc < 0) {
        return rc;
    }
    for (size_t i = first_slot; i < part->slots_count; i++) {
        if (part->slots[i].status == SLOT_MISSED) {
            part->starts[problem.slots] = part->dataset->planned[part->slots[i].planned].start_utc;
            part->matched[problem.slots++] = (uint32_t)i;
        }
    }
    for (size_t i = 0; i < attendances; i++) {
        part->anchors[i] =
            visits_anchor(part->params, &part->attendances.rows[part->first_attendance + i]);
    }
    problem.starts = part->starts;
    problem.anchors = part->anchors;
    problem.attendances = attendances;
    rc = match_solve(&problem, &part->space, part->pairs, NULL);
    if (rc == 0) {
        apply_pairs(part, problem.slots);
    }
    return rc;
}

/* Take back what match_person() did. */
static void unmatch_person(struct part *part, size_t first_slot)
{
    for (size_t i = first_slot; i < part->slots_count; i++) {
        struct visits_slot *slot = &part->slots[i];

        if (slot->attendance != VISITS_NONE) {
            part->attendances.rows[slot->attendance].slot = VISITS_NONE;
            slot->attendance = VISITS_NONE;
            slot->status = SLOT_MISSED;
        }
    }
}

/* R1, R4, the matching, R2, R3; see repair_person.h. exceptions: as many as before this person. */
static int repair_and_match(
    struct part *part, struct repair_person *person, size_t first_slot, size_t exceptions)
{
    const struct attendance_rules *rules = person->rules;
    bool is_changed = false;
    int rc = repair_directions(person, &is_changed);

    person->slots = part->slots;
    if (rc == 0 && is_changed) {
        part->attendances.count = part->first_attendance;
        part->exceptions.count = exceptions;
        rc = attendances_pair(rules, person->person_id, person->taps, person->taps_count,
            &part->exceptions, &part->attendances);
    }
    repair_hold(person);
    if (rc == 0) {
        rc = repair_boundaries(person);
    }
    attendances_sort(rules, &part->attendances, part->first_attendance);
    if (rc == 0) {
        rc = match_person(part, first_slot);
    }
    if (rc == 0) {
        rc = repair_missing(person, &is_changed);
    }
    if (rc == 0 && is_changed) {
        unmatch_person(part, first_slot);
        attendances_sort(rules, &part->attendances, part->first_attendance);
        rc = match_person(part, first_slot);
    }
    if (rc == 0) {
        repair_settle(person);
    }
    return rc;
}

static int take_taps(struct part *part, size_t rank, size_t *ret_count)
{
    const struct taps *taps = &part->shared->taps;
    size_t count = taps->firsts[rank + 1] - taps->firsts[rank];

    if (count > part->taps_capacity) {
        free(part->taps);
        part->taps_capacity = count * 2;
        part->taps = malloc(part->taps_capacity * sizeof *part->taps);
        if (part->taps == NULL) {
            part->taps_capacity = 0;
            return -ENOMEM;
        }
    }
    taps_get(taps, part->dataset, rank, part->taps);
    taps_sort(part->dataset, part->taps, count);
    *ret_count = count;
    return 0;
}

static int do_person(struct part *part, size_t rank)
{
    const struct attendance_rules rules = {.dataset = part->dataset,
        .params = part->params,
        .period = part->period,
        .carers = &part->shared->carers};
    text_id person_id = part->shared->people.ids[rank];
    size_t first_slot = part->slots_count;
    size_t first_exception = part->exceptions.count;
    size_t taps_count = 0;
    int rc = take_taps(part, rank, &taps_count);

    part->first_attendance = part->attendances.count;
    if (rc == 0) {
        rc = attendances_pair(
            &rules, person_id, part->taps, taps_count, &part->exceptions, &part->attendances);
    }
    if (rc == 0) {
        make_slots(part, rank);
    }
    if (rc == 0 && !repair_is_on(&part->params->repairs)) {
        rc = match_person(part, first_slot);
    } else if (rc == 0) {
        struct repair_person person = {.rules = &rules,
            .person_id = person_id,
            .taps = part->taps,
            .taps_count = taps_count,
            .slots = part->slots,
            .slots_from = first_slot,
            .slots_to = part->slots_count,
            .attendances = &part->attendances,
            .first_attendance = part->first_attendance,
            .list = &part->repairs,
            .first_repair = part->repairs.count};

        rc = repair_and_match(part, &person, first_slot, first_exception);
    }
    if (rc == 0 &&
        (part->slots_count > first_slot || part->attendances.count > part->first_attendance)) {
        part->persons[part->persons_count++] = (struct visits_person){.person_id = person_id,
            .slots_from = (uint32_t)first_slot,
            .slots_to = (uint32_t)part->slots_count,
            .attendances_from = (uint32_t)part->first_attendance,
            .attendances_to = (uint32_t)part->attendances.count};
    }
    return rc;
}

static void free_scratch(struct part *part)
{
    match_done(&part->space);
    free(part->taps);
    free(part->starts);
    free(part->matched);
    free(part->pairs);
    free(part->anchors);
}

/*
 * Room for all that can come of the part, at once: growing would copy, and leave holes. A tap makes
 * at most one attendance; what is never written to costs no memory.
 */
static int reserve_all(struct part *part)
{
    const struct shared *shared = part->shared;
    size_t people = part->end_rank - part->first_rank;
    size_t taps = shared->taps.firsts[part->end_rank] - shared->taps.firsts[part->first_rank];
    size_t slots = 0;

    for (size_t i = shared->plan.firsts[part->first_rank]; i < shared->plan.firsts[part->end_rank];
         i++) {
        slots += (size_t)part->dataset->planned[shared->plan.rows[i]].carers_required;
    }
    part->persons = malloc((people + 1) * sizeof *part->persons);
    part->slots = malloc((slots + 1) * sizeof *part->slots);
    part->attendances.rows = malloc((taps + 1) * sizeof *part->attendances.rows);
    part->attendances.capacity = taps + 1;
    return part->persons == NULL || part->slots == NULL || part->attendances.rows == NULL ? -ENOMEM
                                                                                          : 0;
}

int part_do(struct part *part)
{
    part->rc = reserve_all(part);
    for (size_t rank = part->first_rank; part->rc == 0 && rank < part->end_rank; rank++) {
        part->rc = do_person(part, rank);
    }
    free_scratch(part);
    return part->rc;
}
