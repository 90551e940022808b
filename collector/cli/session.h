/*
 * session.h - what a command works on: a dataset from files or from a store, one period of it, and
 * what reconciliation made of that.
 *
 * Ownership: session_close() frees everything, also after a failure half-way; a zeroed session
 *            is allowed. Blocking: reads files, the store, and the system's time zones.
 */
#ifndef ECM_COLLECTOR_CLI_SESSION_H
#define ECM_COLLECTOR_CLI_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/tzif.h"
#include "collector/cli/jobs.h"
#include "collector/corrections/correction_log.h"
#include "collector/pay/pay.h"
#include "collector/storage/storage.h"
#include "collector/visits/visits.h"

#define SESSION_ZONE_DEFAULT "Europe/London"

struct err;

/* Where the data are and what is asked of them. */
struct source {
    const char *from;         /* a folder of files, or NULL */
    const char *store;        /* a store, or NULL; exactly one of the two */
    const char *period_id;    /* NULL: the only one there is */
    bool is_stretch;          /* without period_id: all periods that hold days of these as one */
    int32_t from_day, to_day; /* with is_stretch: local dates, [from, to) */
    const char *person_id;    /* NULL: everybody; stores only */
    const char *zone;
    int64_t asof_utc;
    bool has_asof; /* else: now */
    struct repair_params repairs;
};

struct session {
    struct storage *storage; /* NULL with files */
    struct dataset dataset;
    struct tzif tzif;
    struct local_days days;
    const struct period_row *period; /* one of the dataset's, or stretch */
    struct period_row stretch;
    size_t stretch_periods; /* how many it joins; 0: it is none */
    struct visits_period visits_period;
    struct visits_params visits_params; /* the default ones, with the repairs asked for */
    struct corrections corrections;     /* of the store, all of them */
    struct visits_result result;
    struct pay_rates rates;
    uint32_t *people;
    struct pay_input input; /* all of the above, for pay/ */
};

/*
 * Open, load, choose the period. ECM_EFORMAT, -ENOENT or -EINVAL when the input is at fault;
 * otherwise what the files or the store said. err says it in one line.
 */
int session_open(struct session *session, const struct source *source, struct err *err);

/*
 * Lay the store's corrections over what is loaded, reconcile it, and get ready to pay for it.
 * -ENOMEM, or what corrections_read() says.
 */
int session_reconcile(struct session *session, struct err *err);

/*
 * The same, on all processors, and beside it the caller's jobs, which may read the dataset with the
 * corrections laid over. Also what the first of them that failed said.
 */
int session_reconcile_beside(
    struct session *session, const struct job *beside, size_t count, struct err *err);

void session_close(struct session *session);

/* The period as the store filters it: loads nothing, only opens. For feed and import. */
int session_open_store(struct session *session, const char *path, bool must_exist, struct err *err);

#endif
