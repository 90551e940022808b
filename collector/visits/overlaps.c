/*
 * overlaps.c - carers who were in two homes at once; see visits_find_overlaps() in visits.h.
 *
 * A carer's complete attendances are walked in order of their beginning. Each is compared with
 * the later ones that begin before it ends; a carer has a handful of those at most, unless the
 * taps are wild, and then COMPARED_MAX bounds the work: the flag needs no exact sum by then.
 */
#include <errno.h>
#include <stdlib.h>

#include "collector/visits/visits.h"

enum { COMPARED_MAX = 64 };

static int compare(const void *left, const void *right, void *context)
{
    const struct visits_attendance *rows = context;
    const struct visits_attendance *a = &rows[*(const uint32_t *)left];
    const struct visits_attendance *b = &rows[*(const uint32_t *)right];

    if (a->carer_id != b->carer_id) {
        return a->carer_id < b->carer_id ? -1 : 1;
    }
    if (a->in_utc != b->in_utc) {
        return a->in_utc < b->in_utc ? -1 : 1;
    }
    /* Attendances lie in a fixed order, so their index breaks ties for good. */
    return *(const uint32_t *)left < *(const uint32_t *)right ? -1 : 1;
}

static void compare_with_later(const struct visits_result *result, const uint32_t *order,
    size_t count, size_t at, int32_t *overlaps_s)
{
    const struct visits_attendance *own = &result->attendances[order[at]];

    for (size_t i = at + 1; i < count && i <= at + COMPARED_MAX; i++) {
        const struct visits_attendance *other = &result->attendances[order[i]];
        int64_t end = own->out_utc < other->out_utc ? own->out_utc : other->out_utc;

        if (other->carer_id != own->carer_id || other->in_utc >= own->out_utc) {
            return;
        }
        if (other->person_id != own->person_id && end > other->in_utc) {
            overlaps_s[order[at]] += (int32_t)(end - other->in_utc);
            overlaps_s[order[i]] += (int32_t)(end - other->in_utc);
        }
    }
}

int visits_find_overlaps(struct visits_result *result)
{
    uint32_t *order = malloc((result->attendances_count + 1) * sizeof *order);
    int32_t *overlaps_s = calloc(result->attendances_count + 1, sizeof *overlaps_s);
    size_t count = 0;

    if (order == NULL || overlaps_s == NULL) {
        free(order);
        free(overlaps_s);
        return -ENOMEM;
    }
    for (size_t i = 0; i < result->attendances_count; i++) {
        if (result->attendances[i].status == ATTENDANCE_OK) {
            order[count++] = (uint32_t)i;
        }
    }
    if (count > 1) {
        qsort_r(order, count, sizeof *order, compare, result->attendances);
    }
    for (size_t at = 0; at < count; at++) {
        compare_with_later(result, order, count, at, overlaps_s);
    }
    free(order);
    free(result->overlaps_s);
    result->overlaps_s = overlaps_s;
    return 0;
}
