/*
 * alternatives.h - what else could have been, for explaining a slot to a person.
 *
 * Computed on demand for one slot: a run needs none of it.
 */
#ifndef ECM_COLLECTOR_VISITS_ALTERNATIVES_H
#define ECM_COLLECTOR_VISITS_ALTERNATIVES_H

#include "collector/visits/visits.h"

/* The best matching of the person's day in which this slot does not get what it got. */
struct visits_runner_up {
    uint32_t attendance; /* what the slot would get, or VISITS_NONE: it would be missed */
    int64_t extra_cost;  /* by how much the whole would cost more; 0: a tie, broken by M6 */
};

/* slot must be matched. 0 or -ENOMEM. */
int visits_find_runner_up(const struct dataset *dataset, const struct visits_params *params,
    const struct visits_result *result, size_t slot, struct visits_runner_up *ret_runner_up);

enum visits_reach {
    REACH_NOTHING,  /* the person had no attendance at all */
    REACH_TOO_FAR,  /* the nearest lies outside the window (M3) */
    REACH_TAKEN,    /* the nearest was matched to another slot */
    REACH_TOO_DEAR, /* the nearest was free, but matching it costs more than leaving both (M4) */
};

/* The attendance whose anchor lies nearest to a slot, and why it was not the slot's. */
struct visits_nearest {
    enum visits_reach reach;
    uint32_t attendance; /* VISITS_NONE with REACH_NOTHING */
    struct visits_cost cost;
};

struct visits_nearest visits_find_nearest(const struct dataset *dataset,
    const struct visits_params *params, const struct visits_result *result, size_t slot);

/* The slot whose planned start lies nearest to an attendance that was matched to none. */
struct visits_nearest_slot {
    enum visits_reach reach; /* REACH_NOTHING: nothing was planned for this person */
    uint32_t slot;           /* VISITS_NONE with REACH_NOTHING */
    bool is_cancelled;       /* it was: P1, so it took no part; reach means nothing then */
    struct visits_cost cost;
};

struct visits_nearest_slot visits_find_nearest_slot(const struct dataset *dataset,
    const struct visits_params *params, const struct visits_result *result, size_t attendance);

#endif
