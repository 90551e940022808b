/*
 * visits.c - the reconciliation from end to end; see visits.h.
 *
 * Everybody is ranked, taps and planned visits are bucketed by person, and then person after
 * person is finished: pair, sort, match, append. What one person needs fits in a cache, and
 * nothing one person does can change another's result.
 */
#include "collector/visits/visits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/visits/attendance.h"
#include "collector/visits/exceptions.h"
#include "collector/visits/match.h"
#include "collector/visits/ranking.h"
#include "collector/visits/repair_person.h"
#include "collector/visits/taps.h"

enum { COUNT_START = 1024 };

/* Planned visits of the period by the rank of their person. */
struct plan {
    uint32_t *rows; /* indexes into dataset->planned */
    size_t *firsts; /* by rank, one more at the end */
};

struct work {
    const struct dataset *dataset;
    const struct visits_params *params;
    const struct visits_period *period;
    struct ranking people;
    struct ranking carers;
    struct exceptions exceptions;
    struct taps taps;
    struct plan plan;
    struct attendance_list attendances;
    struct visits_slot *slots;
    size_t slots_count;
    size_t slots_capacity;
    struct visits_person *persons;
    size_t persons_count;
    struct repair_list repairs;
    /* scratch of the person in hand */
    struct match_space space;
    int64_t *starts;
    uint32_t *matched; /* slot indexes that take part in matching */
    uint32_t *pairs;
    size_t match_capacity;
    int64_t *anchors;
    size_t anchors_capacity;
    size_t first_attendance;
};

static bool is_in_period(const struct work *work, const struct planned_row *planned)
{
    return planned->start_utc >= work->period->start_utc &&
           planned->start_utc < work->period->end_utc;
}

/* Note everyone whom any table names: 0 or -ENOMEM. */
static int rank_people(struct work *work)
{
    const struct dataset *dataset = work->dataset;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < dataset->people_count; i++) {
        rc = ranking_note(&work->people, dataset->people[i].person_id);
    }
    for (size_t i = 0; rc == 0 && i < dataset->devices_count; i++) {
        rc = ranking_note(&work->people, dataset->devices[i].person_id);
    }
    for (size_t i = 0; rc == 0 && i < dataset->home_tags_count; i++) {
        rc = ranking_note(&work->people, dataset->home_tags[i].person_id);
    }
    for (size_t i = 0; rc == 0 && i < dataset->planned_count; i++) {
        rc = ranking_note(&work->people, dataset->planned[i].person_id);
    }
    for (size_t i = 0; rc == 0 && i < dataset->amendments_count; i++) {
        rc = dataset->amendments[i].is_void
                 ? 0
                 : ranking_note(&work->people, dataset->amendments[i].person_id);
    }
    ranking_sort(&work->people, dataset);
    return rc;
}

static int rank_carers(struct work *work)
{
    const struct dataset *dataset = work->dataset;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < dataset->carers_count; i++) {
        rc = ranking_note(&work->carers, dataset->carers[i].carer_id);
    }
    for (size_t i = 0; rc == 0 && i < dataset->cards_count; i++) {
        rc = ranking_note(&work->carers, dataset->cards[i].carer_id);
    }
    for (size_t i = 0; rc == 0 && i < dataset->carried_readers_count; i++) {
        rc = ranking_note(&work->carers, dataset->carried_readers[i].carer_id);
    }
    for (size_t i = 0; rc == 0 && i < dataset->amendments_count; i++) {
        rc = dataset->amendments[i].is_void
                 ? 0
                 : ranking_note(&work->carers, dataset->amendments[i].carer_id);
    }
    ranking_sort(&work->carers, dataset);
    return rc;
}

static int bucket_plan(struct work *work)
{
    const struct dataset *dataset = work->dataset;
    size_t people = work->people.count;
    struct plan *plan = &work->plan;

    plan->firsts = calloc(people + 2, sizeof *plan->firsts);
    plan->rows = malloc((dataset->planned_count + 1) * sizeof *plan->rows);
    if (plan->firsts == NULL || plan->rows == NULL) {
        return -ENOMEM;
    }
    /* Count at [rank + 2]; after summing, [rank + 1] is where the next row of rank goes, and
     * has become the end of rank, the start of rank + 1, when all are placed. */
    for (size_t i = 0; i < dataset->planned_count; i++) {
        if (is_in_period(work, &dataset->planned[i])) {
            plan->firsts[ranking_of(&work->people, dataset->planned[i].person_id) + 2]++;
        }
    }
    for (size_t rank = 2; rank < people + 2; rank++) {
        plan->firsts[rank] += plan->firsts[rank - 1];
    }
    for (size_t i = 0; i < dataset->planned_count; i++) {
        if (is_in_period(work, &dataset->planned[i])) {
            size_t rank = ranking_of(&work->people, dataset->planned[i].person_id);

            plan->rows[plan->firsts[rank + 1]++] = (uint32_t)i;
        }
    }
    return 0;
}

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
static enum slot_status status_of_plan(const struct work *work, const struct planned_row *row)
{
    if (row->cancel_utc > work->period->asof_utc) {
        return SLOT_MISSED; /* until something is found for it */
    }
    return row->cancel_utc <= row->start_utc - work->params->notice_s ? SLOT_CANC_NOTICE
                                                                      : SLOT_CANC_SHORT;
}

static int reserve_slots(struct work *work, size_t count)
{
    size_t capacity = work->slots_capacity;
    struct visits_slot *slots = NULL;

    if (work->slots_count + count <= capacity) {
        return 0;
    }
    capacity = capacity < COUNT_START ? COUNT_START : capacity + capacity / 2;
    if (capacity < work->slots_count + count) {
        capacity = work->slots_count + count;
    }
    slots = realloc(work->slots, capacity * sizeof *slots);
    if (slots == NULL) {
        return -ENOMEM;
    }
    work->slots = slots;
    work->slots_capacity = capacity;
    return 0;
}

/* Append the slots of one planned visit. */
static int add_slots(struct work *work, uint32_t planned)
{
    const struct planned_row *row = &work->dataset->planned[planned];
    enum slot_status status = status_of_plan(work, row);

    if (reserve_slots(work, (size_t)row->carers_required) < 0) {
        return -ENOMEM;
    }
    for (int32_t number = 1; number <= row->carers_required; number++) {
        work->slots[work->slots_count++] = (struct visits_slot){.planned = planned,
            .attendance = VISITS_NONE,
            .number = (uint16_t)number,
            .status = (uint8_t)status};
    }
    return 0;
}

static int make_slots(struct work *work, size_t rank)
{
    uint32_t *rows = &work->plan.rows[work->plan.firsts[rank]];
    size_t count = work->plan.firsts[rank + 1] - work->plan.firsts[rank];
    /* qsort_r() wants a writable context; compare_planned() only reads it. */
    union {
        const struct dataset *in;
        void *out;
    } context = {.in = work->dataset};
    int rc = 0;

    if (count > 1) {
        qsort_r(rows, count, sizeof *rows, compare_planned, context.out);
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = add_slots(work, rows[i]);
    }
    return rc;
}

static int reserve_scratch(struct work *work, size_t slots, size_t attendances)
{
    if (slots > work->match_capacity) {
        free(work->starts);
        free(work->matched);
        free(work->pairs);
        work->match_capacity = slots * 2;
        work->starts = malloc(work->match_capacity * sizeof *work->starts);
        work->matched = malloc(work->match_capacity * sizeof *work->matched);
        work->pairs = malloc(work->match_capacity * sizeof *work->pairs);
    }
    if (attendances > work->anchors_capacity) {
        free(work->anchors);
        work->anchors_capacity = attendances * 2;
        work->anchors = malloc(work->anchors_capacity * sizeof *work->anchors);
    }
    if ((slots > 0 && (work->starts == NULL || work->matched == NULL || work->pairs == NULL)) ||
        (attendances > 0 && work->anchors == NULL)) {
        return -ENOMEM;
    }
    return 0;
}

static int64_t cost_of_pair(void *user, size_t slot, size_t attendance)
{
    const struct work *work = user;
    const struct planned_row *planned =
        &work->dataset->planned[work->slots[work->matched[slot]].planned];

    return visits_cost(work->dataset, work->params, planned,
        &work->attendances.rows[work->first_attendance + attendance])
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
static bool is_same_carer(const struct work *work, size_t index)
{
    const struct visits_slot *slot = &work->slots[index];
    text_id carer = work->attendances.rows[slot->attendance].carer_id;

    for (size_t lower = 1; lower < slot->number; lower++) {
        const struct visits_slot *other = &work->slots[index - lower];

        if (other->attendance != VISITS_NONE &&
            work->attendances.rows[other->attendance].carer_id == carer) {
            return true;
        }
    }
    return false;
}

static void apply_pairs(struct work *work, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct visits_slot *slot = &work->slots[work->matched[i]];
        struct visits_attendance *attendance = NULL;

        if (work->pairs[i] == MATCH_NONE) {
            continue;
        }
        slot->attendance = (uint32_t)work->first_attendance + work->pairs[i];
        attendance = &work->attendances.rows[slot->attendance];
        attendance->slot = work->matched[i];
        slot->status = (uint8_t)(is_same_carer(work, work->matched[i])
                                     ? SLOT_SAME_CARER
                                     : status_of_match((enum attendance_status)attendance->status));
    }
}

static int match_person(struct work *work, size_t first_slot)
{
    size_t attendances = work->attendances.count - work->first_attendance;
    struct match_problem problem = {.window = work->params->window_s,
        .unmatched = work->params->unmatched_cost,
        .cost = cost_of_pair,
        .user = work};
    int rc = reserve_scratch(work, work->slots_count - first_slot, attendances);

    if (rc < 0) {
        return rc;
    }
    for (size_t i = first_slot; i < work->slots_count; i++) {
        if (work->slots[i].status == SLOT_MISSED) {
            work->starts[problem.slots] = work->dataset->planned[work->slots[i].planned].start_utc;
            work->matched[problem.slots++] = (uint32_t)i;
        }
    }
    for (size_t i = 0; i < attendances; i++) {
        work->anchors[i] =
            visits_anchor(work->params, &work->attendances.rows[work->first_attendance + i]);
    }
    problem.starts = work->starts;
    problem.anchors = work->anchors;
    problem.attendances = attendances;
    rc = match_solve(&problem, &work->space, work->pairs, NULL);
    if (rc == 0) {
        apply_pairs(work, problem.slots);
    }
    return rc;
}

/* Take back what match_person() did. */
static void unmatch_person(struct work *work, size_t first_slot)
{
    for (size_t i = first_slot; i < work->slots_count; i++) {
        struct visits_slot *slot = &work->slots[i];

        if (slot->attendance != VISITS_NONE) {
            work->attendances.rows[slot->attendance].slot = VISITS_NONE;
            slot->attendance = VISITS_NONE;
            slot->status = SLOT_MISSED;
        }
    }
}

/* R1, R4, the matching, R2, R3; see repair_person.h. exceptions: as many as before this person. */
static int repair_and_match(
    struct work *work, struct repair_person *person, size_t first_slot, size_t exceptions)
{
    const struct attendance_rules *rules = person->rules;
    bool is_changed = false;
    int rc = repair_directions(person, &is_changed);

    person->slots = work->slots;
    if (rc == 0 && is_changed) {
        work->attendances.count = work->first_attendance;
        work->exceptions.count = exceptions;
        rc = attendances_pair(rules, person->person_id, person->taps, person->taps_count,
            &work->exceptions, &work->attendances);
    }
    repair_hold(person);
    if (rc == 0) {
        rc = repair_boundaries(person);
    }
    attendances_sort(rules, &work->attendances, work->first_attendance);
    if (rc == 0) {
        rc = match_person(work, first_slot);
    }
    if (rc == 0) {
        rc = repair_missing(person, &is_changed);
    }
    if (rc == 0 && is_changed) {
        unmatch_person(work, first_slot);
        attendances_sort(rules, &work->attendances, work->first_attendance);
        rc = match_person(work, first_slot);
    }
    if (rc == 0) {
        repair_settle(person);
    }
    return rc;
}

static int do_person(struct work *work, size_t rank)
{
    const struct attendance_rules rules = {.dataset = work->dataset,
        .params = work->params,
        .period = work->period,
        .carers = &work->carers};
    struct tap *taps = &work->taps.rows[work->taps.firsts[rank]];
    size_t taps_count = work->taps.firsts[rank + 1] - work->taps.firsts[rank];
    text_id person_id = work->people.ids[rank];
    size_t first_slot = work->slots_count;
    size_t first_exception = work->exceptions.count;
    int rc = 0;

    work->first_attendance = work->attendances.count;
    taps_sort(work->dataset, taps, taps_count);
    rc = attendances_pair(
        &rules, person_id, taps, taps_count, &work->exceptions, &work->attendances);
    if (rc == 0) {
        rc = make_slots(work, rank);
    }
    if (rc == 0 && !repair_is_on(&work->params->repairs)) {
        rc = match_person(work, first_slot);
    } else if (rc == 0) {
        struct repair_person person = {.rules = &rules,
            .person_id = person_id,
            .taps = taps,
            .taps_count = taps_count,
            .slots = work->slots,
            .slots_from = first_slot,
            .slots_to = work->slots_count,
            .attendances = &work->attendances,
            .first_attendance = work->first_attendance,
            .list = &work->repairs,
            .first_repair = work->repairs.count};

        rc = repair_and_match(work, &person, first_slot, first_exception);
    }
    if (rc == 0 &&
        (work->slots_count > first_slot || work->attendances.count > work->first_attendance)) {
        work->persons[work->persons_count++] = (struct visits_person){.person_id = person_id,
            .slots_from = (uint32_t)first_slot,
            .slots_to = (uint32_t)work->slots_count,
            .attendances_from = (uint32_t)work->first_attendance,
            .attendances_to = (uint32_t)work->attendances.count};
    }
    return rc;
}

static int prepare(struct work *work)
{
    int rc = rank_people(work);

    if (rc == 0) {
        rc = rank_carers(work);
    }
    if (rc == 0) {
        rc = bucket_plan(work);
    }
    if (rc == 0) {
        rc = taps_collect(work->dataset, work->params, work->period->asof_utc, &work->people,
            &work->carers, &work->exceptions, &work->taps);
    }
    if (rc == 0) {
        work->persons = malloc((work->people.count + 1) * sizeof *work->persons);
        rc = work->persons == NULL ? -ENOMEM : 0;
    }
    return rc;
}

static int compare_repairs(const void *left, const void *right, void *dataset)
{
    const struct visits_repair *a = left;
    const struct visits_repair *b = right;
    int order = 0;

    if (a->slot != b->slot) {
        return a->slot < b->slot ? -1 : 1;
    }
    if (a->rule != b->rule) {
        return a->rule < b->rule ? -1 : 1;
    }
    order = dataset_compare(dataset, a->carer_id, b->carer_id);
    return order != 0 ? order : dataset_compare(dataset, a->tap_id, b->tap_id);
}

static void sort_repairs(struct work *work)
{
    /* qsort_r() wants a writable context; compare_repairs() only reads it. */
    union {
        const struct dataset *in;
        void *out;
    } context = {.in = work->dataset};

    if (work->repairs.count > 1) {
        qsort_r(work->repairs.rows, work->repairs.count, sizeof *work->repairs.rows,
            compare_repairs, context.out);
    }
}

static void free_scratch(struct work *work)
{
    ranking_done(&work->people);
    ranking_done(&work->carers);
    taps_done(&work->taps);
    free(work->plan.rows);
    free(work->plan.firsts);
    match_done(&work->space);
    free(work->starts);
    free(work->matched);
    free(work->pairs);
    free(work->anchors);
}

static uint64_t count_visible(const struct dataset *dataset, int64_t asof_utc)
{
    uint64_t count = 0;

    for (size_t i = 0; i < dataset->events_count; i++) {
        count += dataset->events[i].recv_utc <= asof_utc ? 1 : 0;
    }
    return count;
}

int visits_reconcile(const struct dataset *dataset, const struct visits_params *params,
    const struct visits_period *period, struct visits_result *ret_result)
{
    struct work work = {.dataset = dataset, .params = params, .period = period};
    struct visits_result result = {0};
    int rc = prepare(&work);

    for (size_t rank = 0; rc == 0 && rank < work.people.count; rank++) {
        rc = do_person(&work, rank);
    }
    if (rc == 0) {
        exceptions_sort(&work.exceptions, dataset);
        sort_repairs(&work);
    }
    free_scratch(&work);
    result = (struct visits_result){.people = work.persons,
        .people_count = work.persons_count,
        .slots = work.slots,
        .slots_count = work.slots_count,
        .attendances = work.attendances.rows,
        .attendances_count = work.attendances.count,
        .exceptions = work.exceptions.rows,
        .exceptions_count = work.exceptions.count,
        .repairs = work.repairs.rows,
        .repairs_count = work.repairs.count,
        .events_visible = count_visible(dataset, period->asof_utc)};
    if (rc < 0) {
        visits_done(&result);
        return rc;
    }
    *ret_result = result;
    return 0;
}

void visits_done(struct visits_result *result)
{
    free(result->people);
    free(result->slots);
    free(result->attendances);
    free(result->exceptions);
    free(result->repairs);
    free(result->overlaps_s);
    *result = (struct visits_result){0};
}
