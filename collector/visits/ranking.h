/*
 * ranking.h - put some of a dataset's texts in the order of their bytes.
 *
 * People and carers are compared millions of times; ranked once, they compare as numbers.
 * Ownership: ranking_done() frees; a zeroed ranking is an empty one.
 */
#ifndef ECM_COLLECTOR_VISITS_RANKING_H
#define ECM_COLLECTOR_VISITS_RANKING_H

#include <stddef.h>
#include <stdint.h>

#include "collector/visits/dataset.h"

#define RANKING_NONE UINT32_MAX

struct ranking {
    text_id *ids; /* by rank, after ranking_sort() */
    size_t count;
    size_t capacity;
    uint32_t *ranks; /* by text id, RANKING_NONE for those not noted */
    size_t bound;
};

/* Take id in, once however often. 0 or -ENOMEM. */
int ranking_note(struct ranking *ranking, text_id id);

/* Give every id its rank. Nothing may be noted afterwards. */
void ranking_sort(struct ranking *ranking, const struct dataset *dataset);

void ranking_done(struct ranking *ranking);

/* The rank of id, or RANKING_NONE. */
static inline uint32_t ranking_of(const struct ranking *ranking, text_id id)
{
    return id < ranking->bound ? ranking->ranks[id] : RANKING_NONE;
}

#endif
