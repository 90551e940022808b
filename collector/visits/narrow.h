/*
 * narrow.h - of a dataset that holds several periods, what bears on one.
 *
 * A run of one of several periods sees: planned visits that start in it; taps stamped within a
 * margin around it (stamped far ahead of their receipt, E4: received within that), and of an id
 * that has such a copy every other copy (E2); corrections that add a tap within it; every VOID.
 * storage/ loads by the same rule; this is for files.
 */
#ifndef ECM_COLLECTOR_VISITS_NARROW_H
#define ECM_COLLECTOR_VISITS_NARROW_H

#include "collector/visits/dataset.h"

struct narrow_window {
    int64_t start_utc, end_utc; /* of the period, end exclusive */
    int64_t margin_s;           /* on either side, for taps; both ends belong to it */
    int64_t future_s;           /* E4 */
};

/* Drop the rows that do not bear on window. 0 or -ENOMEM; nothing is dropped then. */
int narrow_dataset(struct dataset *dataset, const struct narrow_window *window);

#endif
