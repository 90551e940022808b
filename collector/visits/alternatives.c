/* alternatives.c - see alternatives.h. */
#include "collector/visits/alternatives.h"

#include <errno.h>
#include <stdlib.h>

#include "collector/visits/match.h"

/* One person's matching, set up again. */
struct again {
    const struct dataset *dataset;
    const struct visits_params *params;
    const struct visits_result *result;
    const struct visits_person *person;
    uint32_t *slots; /* indexes of those that took part */
    int64_t *starts;
    int64_t *anchors;
    uint32_t *pairs;
    size_t count;
    size_t forbidden_slot; /* a pair that must not be; out of range: none */
    size_t forbidden_attendance;
};

static const struct visits_person *find_person(const struct visits_result *result, size_t slot)
{
    const struct visits_person *person = result->people;

    while (slot >= person->slots_to) {
        person++;
    }
    return person;
}

static int64_t cost(void *user, size_t slot, size_t attendance)
{
    const struct again *again = user;
    const struct visits_result *result = again->result;

    if (slot == again->forbidden_slot && attendance == again->forbidden_attendance) {
        return MATCH_NEVER;
    }
    return visits_cost(again->dataset, again->params,
        &again->dataset->planned[result->slots[again->slots[slot]].planned],
        &result->attendances[again->person->attendances_from + attendance])
        .sum;
}

static int set_up(struct again *again)
{
    const struct visits_result *result = again->result;
    const struct visits_person *person = again->person;
    size_t slots = person->slots_to - person->slots_from;
    size_t attendances = person->attendances_to - person->attendances_from;

    again->slots = malloc((slots + 1) * sizeof *again->slots);
    again->starts = malloc((slots + 1) * sizeof *again->starts);
    again->pairs = malloc((slots + 1) * sizeof *again->pairs);
    again->anchors = malloc((attendances + 1) * sizeof *again->anchors);
    if (again->slots == NULL || again->starts == NULL || again->pairs == NULL ||
        again->anchors == NULL) {
        return -ENOMEM;
    }
    for (size_t i = person->slots_from; i < person->slots_to; i++) {
        const struct visits_slot *slot = &result->slots[i];

        if (slot->status != SLOT_CANC_NOTICE && slot->status != SLOT_CANC_SHORT) {
            again->starts[again->count] = again->dataset->planned[slot->planned].start_utc;
            again->slots[again->count++] = (uint32_t)i;
        }
    }
    for (size_t i = 0; i < attendances; i++) {
        again->anchors[i] =
            visits_anchor(again->params, &result->attendances[person->attendances_from + i]);
    }
    return 0;
}

static int solve(struct again *again, int64_t *ret_cost)
{
    const struct match_problem problem = {.starts = again->starts,
        .slots = again->count,
        .anchors = again->anchors,
        .attendances = again->person->attendances_to - again->person->attendances_from,
        .window = again->params->window_s,
        .unmatched = again->params->unmatched_cost,
        .cost = cost,
        .user = again};
    struct match_space space = {0};
    int rc = match_solve(&problem, &space, again->pairs, ret_cost);

    match_done(&space);
    return rc;
}

static size_t position_of(const struct again *again, size_t slot)
{
    size_t at = 0;

    while (again->slots[at] != slot) {
        at++;
    }
    return at;
}

int visits_find_runner_up(const struct dataset *dataset, const struct visits_params *params,
    const struct visits_result *result, size_t slot, struct visits_runner_up *ret_runner_up)
{
    struct again again = {.dataset = dataset,
        .params = params,
        .result = result,
        .person = find_person(result, slot),
        .forbidden_slot = SIZE_MAX};
    int64_t best = 0;
    int64_t second = 0;
    size_t position = 0;
    int rc = set_up(&again);

    if (rc == 0) {
        rc = solve(&again, &best);
    }
    if (rc == 0) {
        position = position_of(&again, slot);
        again.forbidden_slot = position;
        again.forbidden_attendance = again.pairs[position];
        rc = solve(&again, &second);
    }
    if (rc == 0) {
        *ret_runner_up = (struct visits_runner_up){
            .attendance = again.pairs[position] == MATCH_NONE
                              ? VISITS_NONE
                              : again.person->attendances_from + again.pairs[position],
            .extra_cost = second - best};
    }
    free(again.slots);
    free(again.starts);
    free(again.pairs);
    free(again.anchors);
    return rc;
}

struct visits_nearest visits_find_nearest(const struct dataset *dataset,
    const struct visits_params *params, const struct visits_result *result, size_t slot)
{
    const struct visits_person *person = find_person(result, slot);
    const struct planned_row *planned = &dataset->planned[result->slots[slot].planned];
    struct visits_nearest nearest = {.reach = REACH_NOTHING, .attendance = VISITS_NONE};

    for (uint32_t i = person->attendances_from; i < person->attendances_to; i++) {
        struct visits_cost cost_of_it =
            visits_cost(dataset, params, planned, &result->attendances[i]);

        if (nearest.attendance == VISITS_NONE || cost_of_it.ds < nearest.cost.ds) {
            nearest.attendance = i;
            nearest.cost = cost_of_it;
        }
    }
    if (nearest.attendance == VISITS_NONE) {
        return nearest;
    }
    if (!nearest.cost.is_eligible) {
        nearest.reach = REACH_TOO_FAR;
    } else {
        nearest.reach = result->attendances[nearest.attendance].slot != VISITS_NONE
                            ? REACH_TAKEN
                            : REACH_TOO_DEAR;
    }
    return nearest;
}

static const struct visits_person *find_visitor(
    const struct visits_result *result, size_t attendance)
{
    const struct visits_person *person = result->people;

    while (attendance >= person->attendances_to) {
        person++;
    }
    return person;
}

struct visits_nearest_slot visits_find_nearest_slot(const struct dataset *dataset,
    const struct visits_params *params, const struct visits_result *result, size_t attendance)
{
    const struct visits_person *person = find_visitor(result, attendance);
    struct visits_nearest_slot nearest = {.reach = REACH_NOTHING, .slot = VISITS_NONE};
    const struct visits_slot *slot = NULL;

    for (uint32_t i = person->slots_from; i < person->slots_to; i++) {
        struct visits_cost cost_of_it = visits_cost(dataset, params,
            &dataset->planned[result->slots[i].planned], &result->attendances[attendance]);

        if (nearest.slot == VISITS_NONE || cost_of_it.ds < nearest.cost.ds) {
            nearest.slot = i;
            nearest.cost = cost_of_it;
        }
    }
    if (nearest.slot == VISITS_NONE) {
        return nearest;
    }
    slot = &result->slots[nearest.slot];
    nearest.is_cancelled = slot->status == SLOT_CANC_NOTICE || slot->status == SLOT_CANC_SHORT;
    nearest.reach = !nearest.cost.is_eligible         ? REACH_TOO_FAR
                    : slot->attendance != VISITS_NONE ? REACH_TAKEN
                                                      : REACH_TOO_DEAR;
    return nearest;
}
