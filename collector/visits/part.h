/*
 * part.h - the people of a range of ranks, reconciled one after another. Inside visits/ only.
 *
 * What one person needs fits in a cache, and nothing one person does can change another's result.
 * So parts share only what nobody writes any more, and may be done by different threads.
 */
#ifndef ECM_COLLECTOR_VISITS_PART_H
#define ECM_COLLECTOR_VISITS_PART_H

#include "collector/visits/attendance.h"
#include "collector/visits/exceptions.h"
#include "collector/visits/match.h"
#include "collector/visits/ranking.h"
#include "collector/visits/repair_person.h"
#include "collector/visits/taps.h"
#include "collector/visits/visits.h"

/* Planned visits of the period by the rank of their person. */
struct plan {
    uint32_t *rows; /* indexes into dataset->planned */
    size_t *firsts; /* by rank, one more at the end */
};

/* What all parts share: made by visits_begin(), only read by part_do(). */
struct shared {
    const struct dataset *dataset;
    const struct visits_params *params;
    struct visits_period period;
    struct ranking people;
    struct ranking carers;
    struct exceptions exceptions; /* of single taps */
    struct taps taps;
    struct plan plan;
};

/* The people of a range of ranks, and what comes of them. Indexes count within the part. */
struct part {
    const struct shared *shared;
    const struct dataset *dataset;
    const struct visits_params *params;
    const struct visits_period *period;
    size_t first_rank, end_rank;
    int rc;
    struct exceptions exceptions;
    struct attendance_list attendances;
    struct visits_slot *slots;
    size_t slots_count;
    struct visits_person *persons;
    size_t persons_count;
    struct repair_list repairs;
    /* scratch of the person in hand */
    struct tap *taps;
    size_t taps_capacity;
    struct match_space space;
    int64_t *starts;
    uint32_t *matched; /* slot indexes that take part in matching */
    uint32_t *pairs;
    size_t match_capacity;
    int64_t *anchors;
    size_t anchors_capacity;
    size_t first_attendance;
};

/* Do everybody of the part. 0 or -ENOMEM, which is also left in part->rc. */
int part_do(struct part *part);

#endif
