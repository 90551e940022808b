/*
 * taps.h - which events count as taps (rules E1 to E7).
 *
 * Inside visits/ only. The table says which taps are whose, bucketed by the rank of the person,
 * and holds of each no more than where it lies; taps_get() fetches one person's, taps_sort() puts
 * them in the order of E7. A whole year's taps need eight bytes each so, and one person's fit in
 * the cache.
 * Ownership: taps_done() frees; a zeroed table is an empty one.
 */
#ifndef ECM_COLLECTOR_VISITS_TAPS_H
#define ECM_COLLECTOR_VISITS_TAPS_H

#include "collector/visits/exceptions.h"
#include "collector/visits/ranking.h"
#include "collector/visits/visits.h"

struct tap {
    int64_t ts_utc;
    text_id id;
    uint32_t carer;   /* rank */
    char kind;        /* 'I' or 'O' */
    uint8_t evidence; /* ATTENDANCE_* */
    uint16_t uncertainty_s;
};

/* Where a tap comes from. */
struct tap_source {
    uint32_t index; /* of the event; events_count + that of the amendment, of an ADD */
    uint32_t carer; /* rank */
};

struct taps {
    struct tap_source *rows;
    size_t *firsts; /* by rank of the person, one more at the end */
};

/*
 * Sift the dataset's events and amendments as seen at asof_utc. people and carers must rank
 * everyone the dataset names. 0 or -ENOMEM.
 */
int taps_collect(const struct dataset *dataset, const struct visits_params *params,
    int64_t asof_utc, const struct ranking *people, const struct ranking *carers,
    struct exceptions *exceptions, struct taps *ret_taps);
void taps_done(struct taps *taps);

/* Write the taps of the person of that rank to ret_taps, which has room for all of them. */
void taps_get(
    const struct taps *taps, const struct dataset *dataset, size_t rank, struct tap *ret_taps);

/* E7: by carer, time, O before I, id. */
void taps_sort(const struct dataset *dataset, struct tap *rows, size_t count);

#endif
