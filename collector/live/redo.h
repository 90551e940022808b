/*
 * redo.h - reconcile one period again, for one person or for all, and put the verdicts.
 *
 * What `ecm-pay reconcile` and the daemon both do, so that both put the same rows.
 */
#ifndef ECM_COLLECTOR_LIVE_REDO_H
#define ECM_COLLECTOR_LIVE_REDO_H

#include <stdint.h>

#include "collector/pay/local_days.h"
#include "collector/visits/visits.h"

struct corrections;
struct err;
struct storage;

/* By what rules; everything is borrowed. */
struct redo_rules {
    const struct visits_params *params;
    const struct local_days *days;
    const struct corrections *corrections; /* those of the store */
};

struct redo_scope {
    const char *period_id;
    const char *person_id; /* NULL: everybody */
    int64_t asof_utc;
};

/*
 * The corrections are laid over what is loaded. Reads and writes the store, each in a transaction of
 * its own.
 * -ENOENT: no such period or person (any more); else the store's errors, or -ENOMEM.
 */
int redo_verdicts(struct storage *storage, const struct redo_rules *rules,
    const struct redo_scope *scope, uint64_t *ret_changed, struct err *err);

#endif
