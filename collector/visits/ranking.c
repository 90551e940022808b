/* ranking.c - see ranking.h. */
#include "collector/visits/ranking.h"

#include <errno.h>
#include <stdlib.h>

enum { COUNT_START = 64 };

static int cover(struct ranking *ranking, text_id id)
{
    size_t bound = ranking->bound < COUNT_START ? COUNT_START : ranking->bound;
    uint32_t *ranks = NULL;

    while (bound <= id) {
        bound *= 2;
    }
    ranks = realloc(ranking->ranks, bound * sizeof *ranks);
    if (ranks == NULL) {
        return -ENOMEM;
    }
    for (size_t i = ranking->bound; i < bound; i++) {
        ranks[i] = RANKING_NONE;
    }
    ranking->ranks = ranks;
    ranking->bound = bound;
    return 0;
}

int ranking_note(struct ranking *ranking, text_id id)
{
    if (id >= ranking->bound && cover(ranking, id) < 0) {
        return -ENOMEM;
    }
    if (ranking->ranks[id] != RANKING_NONE) {
        return 0;
    }
    if (ranking->count == ranking->capacity) {
        size_t capacity = ranking->capacity == 0 ? COUNT_START : ranking->capacity * 2;
        text_id *ids = realloc(ranking->ids, capacity * sizeof *ids);

        if (ids == NULL) {
            return -ENOMEM;
        }
        ranking->ids = ids;
        ranking->capacity = capacity;
    }
    ranking->ranks[id] = 0; /* noted; the rank comes with ranking_sort() */
    ranking->ids[ranking->count++] = id;
    return 0;
}

static int compare_ids(const void *a, const void *b, void *dataset)
{
    return dataset_compare(dataset, *(const text_id *)a, *(const text_id *)b);
}

void ranking_sort(struct ranking *ranking, const struct dataset *dataset)
{
    if (ranking->count > 0) {
        /* qsort_r() wants a writable context; compare_ids() only reads it. */
        union {
            const struct dataset *in;
            void *out;
        } context = {.in = dataset};

        qsort_r(ranking->ids, ranking->count, sizeof *ranking->ids, compare_ids, context.out);
    }
    for (size_t i = 0; i < ranking->count; i++) {
        ranking->ranks[ranking->ids[i]] = (uint32_t)i;
    }
}

void ranking_done(struct ranking *ranking)
{
    free(ranking->ids);
    free(ranking->ranks);
    *ranking = (struct ranking){0};
}
