/*
 * visits.c - the reconciliation from end to end; see visits.h.
 *
 * Everybody is ranked, taps and planned visits are bucketed by person; then the people are cut into
 * parts, each of which is worked off by itself (part.c), and what comes of them is joined.
 */
#include "collector/visits/visits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/visits/part.h"

struct visits_work {
    struct shared shared;
    unsigned part_count;
    struct part parts[];
};

static bool is_in_period(const struct shared *shared, const struct planned_row *planned)
{
    return planned->start_utc >= shared->period.start_utc &&
           planned->start_utc < shared->period.end_utc;
}

/* Note everyone whom any table names: 0 or -ENOMEM. */
static int rank_people(struct shared *shared)
{
    const struct dataset *dataset = shared->dataset;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < dataset->people_count; i++) {
        rc = ranking_note(&shared->people, dataset->people[i].person_id);
    }
    for (size_t i = 0; rc == 0 && i < dataset->devices_count; i++) {
        rc = ranking_note(&shared->people, dataset->devices[i].person_id);
    }
    for (size_t i = 0; rc == 0 && i < dataset->home_tags_count; i++) {
        rc = ranking_note(&shared->people, dataset->home_tags[i].person_id);
    }
    for (size_t i = 0; rc == 0 && i < dataset->planned_count; i++) {
        rc = ranking_note(&shared->people, dataset->planned[i].person_id);
    }
    for (size_t i = 0; rc == 0 && i < dataset->amendments_count; i++) {
        rc = dataset->amendments[i].is_void
                 ? 0
                 : ranking_note(&shared->people, dataset->amendments[i].person_id);
    }
    ranking_sort(&shared->people, dataset);
    return rc;
}

static int rank_carers(struct shared *shared)
{
    const struct dataset *dataset = shared->dataset;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < dataset->carers_count; i++) {
        rc = ranking_note(&shared->carers, dataset->carers[i].carer_id);
    }
    for (size_t i = 0; rc == 0 && i < dataset->cards_count; i++) {
        rc = ranking_note(&shared->carers, dataset->cards[i].carer_id);
    }
    for (size_t i = 0; rc == 0 && i < dataset->carried_readers_count; i++) {
        rc = ranking_note(&shared->carers, dataset->carried_readers[i].carer_id);
    }
    for (size_t i = 0; rc == 0 && i < dataset->amendments_count; i++) {
        rc = dataset->amendments[i].is_void
                 ? 0
                 : ranking_note(&shared->carers, dataset->amendments[i].carer_id);
    }
    ranking_sort(&shared->carers, dataset);
    return rc;
}

static int bucket_plan(struct shared *shared)
{
    const struct dataset *dataset = shared->dataset;
    size_t people = shared->people.count;
    struct plan *plan = &shared->plan;

    plan->firsts = calloc(people + 2, sizeof *plan->firsts);
    plan->rows = malloc((dataset->planned_count + 1) * sizeof *plan->rows);
    if (plan->firsts == NULL || plan->rows == NULL) {
        return -ENOMEM;
    }
    /* Count at [rank + 2]; after summing, [rank + 1] is where the next row of rank goes, and
     * has become the end of rank, the start of rank + 1, when all are placed. */
    for (size_t i = 0; i < dataset->planned_count; i++) {
        if (is_in_period(shared, &dataset->planned[i])) {
            plan->firsts[ranking_of(&shared->people, dataset->planned[i].person_id) + 2]++;
        }
    }
    for (size_t rank = 2; rank < people + 2; rank++) {
        plan->firsts[rank] += plan->firsts[rank - 1];
    }
    for (size_t i = 0; i < dataset->planned_count; i++) {
        if (is_in_period(shared, &dataset->planned[i])) {
            size_t rank = ranking_of(&shared->people, dataset->planned[i].person_id);

            plan->rows[plan->firsts[rank + 1]++] = (uint32_t)i;
        }
    }
    return 0;
}

static int prepare(struct shared *shared)
{
    int rc = rank_people(shared);

    if (rc == 0) {
        rc = rank_carers(shared);
    }
    if (rc == 0) {
        rc = bucket_plan(shared);
    }
    if (rc == 0) {
        rc = taps_collect(shared->dataset, shared->params, shared->period.asof_utc, &shared->people,
            &shared->carers, &shared->exceptions, &shared->taps);
    }
    return rc;
}

/* Cut the people into parts of about as many taps. */
static void share_out(struct visits_work *all)
{
    struct shared *shared = &all->shared;
    size_t people = shared->people.count;
    size_t taps = shared->taps.firsts[people];
    size_t rank = 0;

    for (unsigned i = 0; i < all->part_count; i++) {
        struct part *part = &all->parts[i];

        *part = (struct part){.shared = shared,
            .dataset = shared->dataset,
            .params = shared->params,
            .period = &shared->period,
            .first_rank = rank,
            .rc = -EINVAL}; /* until it is done */
        while (rank < people && (i + 1 == all->part_count ||
                                    shared->taps.firsts[rank] < taps / all->part_count * (i + 1))) {
            rank++;
        }
        part->end_rank = rank;
    }
}

static void shared_done(struct shared *shared)
{
    ranking_done(&shared->people);
    ranking_done(&shared->carers);
    taps_done(&shared->taps);
    free(shared->plan.rows);
    free(shared->plan.firsts);
}

int visits_do_part(struct visits_work *work, unsigned part)
{
    return part_do(&work->parts[part]);
}

int visits_begin(const struct dataset *dataset, const struct visits_params *params,
    const struct visits_period *period, unsigned parts, struct visits_work **ret_work)
{
    struct visits_work *work = calloc(1, sizeof *work + parts * sizeof work->parts[0]);
    int rc = 0;

    if (work == NULL) {
        return -ENOMEM;
    }
    work->part_count = parts;
    work->shared = (struct shared){.dataset = dataset, .params = params, .period = *period};
    rc = prepare(&work->shared);
    if (rc < 0) {
        free(work->shared.exceptions.rows);
        shared_done(&work->shared);
        free(work);
        return rc;
    }
    share_out(work);
    *ret_work = work;
    return 0;
}

/* Append count rows of row_size to *rows, which has room for *have. 0 or -ENOMEM. */
static int append(void **rows, size_t *have, const void *more, size_t count, size_t row_size)
{
    void *grown = NULL;

    if (count == 0) {
        return 0;
    }
    grown = realloc(*rows, (*have + count) * row_size);
    if (grown == NULL) {
        return -ENOMEM;
    }
    (void)memcpy((char *)grown + *have * row_size, more, count * row_size);
    *rows = grown;
    *have += count;
    return 0;
}

/* Let the indexes of a part count within the whole. */
static void shift(struct part *part, size_t slots, size_t attendances)
{
    for (size_t i = 0; i < part->slots_count; i++) {
        if (part->slots[i].attendance != VISITS_NONE) {
            part->slots[i].attendance += (uint32_t)attendances;
        }
    }
    for (size_t i = 0; i < part->attendances.count; i++) {
        if (part->attendances.rows[i].slot != VISITS_NONE) {
            part->attendances.rows[i].slot += (uint32_t)slots;
        }
    }
    for (size_t i = 0; i < part->repairs.count; i++) {
        struct visits_repair *repair = &part->repairs.rows[i];

        repair->slot += repair->slot == VISITS_NONE ? 0 : (uint32_t)slots;
        repair->attendance += repair->attendance == VISITS_NONE ? 0 : (uint32_t)attendances;
    }
    for (size_t i = 0; i < part->persons_count; i++) {
        part->persons[i].slots_from += (uint32_t)slots;
        part->persons[i].slots_to += (uint32_t)slots;
        part->persons[i].attendances_from += (uint32_t)attendances;
        part->persons[i].attendances_to += (uint32_t)attendances;
    }
}

/* Move what came of a part to the end of the result. */
static int join(struct visits_result *result, struct part *part)
{
    int rc = 0;

    shift(part, result->slots_count, result->attendances_count);
    rc = append((void **)&result->slots, &result->slots_count, part->slots, part->slots_count,
        sizeof *part->slots);
    free(part->slots);
    if (rc == 0) {
        rc = append((void **)&result->attendances, &result->attendances_count,
            part->attendances.rows, part->attendances.count, sizeof *part->attendances.rows);
    }
    free(part->attendances.rows);
    if (rc == 0) {
        rc = append((void **)&result->people, &result->people_count, part->persons,
            part->persons_count, sizeof *part->persons);
    }
    free(part->persons);
    if (rc == 0) {
        rc = append((void **)&result->exceptions, &result->exceptions_count, part->exceptions.rows,
            part->exceptions.count, sizeof *part->exceptions.rows);
    }
    free(part->exceptions.rows);
    if (rc == 0) {
        rc = append((void **)&result->repairs, &result->repairs_count, part->repairs.rows,
            part->repairs.count, sizeof *part->repairs.rows);
    }
    free(part->repairs.rows);
    return rc;
}

/* The result begins as the first part, which is the only one for who has one thread. */
static struct visits_result begin_result(const struct part *first)
{
    struct visits_result result = {.people = first->persons,
        .people_count = first->persons_count,
        .slots = first->slots,
        .slots_count = first->slots_count,
        .attendances = first->attendances.rows,
        .attendances_count = first->attendances.count,
        .exceptions = first->exceptions.rows,
        .exceptions_count = first->exceptions.count,
        .repairs = first->repairs.rows,
        .repairs_count = first->repairs.count};

    return result;
}

static uint64_t count_visible(const struct dataset *dataset, int64_t asof_utc)
{
    uint64_t count = 0;

    for (size_t i = 0; i < dataset->events_count; i++) {
        count += dataset->events[i].recv_utc <= asof_utc ? 1 : 0;
    }
    return count;
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

static void sort_repairs(struct visits_result *result, const struct dataset *dataset)
{
    /* qsort_r() wants a writable context; compare_repairs() only reads it. */
    union {
        const struct dataset *in;
        void *out;
    } context = {.in = dataset};

    if (result->repairs_count > 1) {
        qsort_r(result->repairs, result->repairs_count, sizeof *result->repairs, compare_repairs,
            context.out);
    }
}

int visits_end(struct visits_work *work, struct visits_result *ret_result)
{
    struct visits_result result = begin_result(&work->parts[0]);
    struct shared *shared = &work->shared;
    int rc = work->parts[0].rc;

    shared_done(shared);
    for (unsigned i = 1; i < work->part_count; i++) {
        rc = rc == 0 ? work->parts[i].rc : rc;
        if (rc == 0) {
            rc = join(&result, &work->parts[i]);
        } else {
            struct visits_result dropped = begin_result(&work->parts[i]);

            visits_done(&dropped);
        }
    }
    if (rc == 0) {
        rc = append((void **)&result.exceptions, &result.exceptions_count, shared->exceptions.rows,
            shared->exceptions.count, sizeof *shared->exceptions.rows);
    }
    free(shared->exceptions.rows);
    if (rc == 0) {
        exceptions_sort(result.exceptions, result.exceptions_count, shared->dataset);
        sort_repairs(&result, shared->dataset);
        result.events_visible = count_visible(shared->dataset, shared->period.asof_utc);
        *ret_result = result;
    } else {
        visits_done(&result);
    }
    free(work);
    return rc;
}

int visits_reconcile(const struct dataset *dataset, const struct visits_params *params,
    const struct visits_period *period, struct visits_result *ret_result)
{
    struct visits_work *work = NULL;
    int rc = visits_begin(dataset, params, period, 1, &work);

    if (rc < 0) {
        return rc;
    }
    (void)visits_do_part(work, 0); /* visits_end() tells how it went */
    return visits_end(work, ret_result);
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
