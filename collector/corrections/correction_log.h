/*
 * correction_log.h - corrections: what they say, how they are linked, what they do to a dataset.
 *
 * A correction lies over what was tapped or planned and changes neither. Its line is one JSON
 * object with its keys in a fixed order; hash[n] = SHA-256(hash[n-1] LF line[n]) in hex, where
 * hash[0] is "ecm.v1 corrections".
 *
 *   ADD      a tap that is missing          VOID     a tap that does not count
 *   PLAN     other times for a visit        RELEASE  a parked visit is to be paid
 *   UNDO     an earlier correction no longer counts from now on
 *
 * A run as of X sees corrections made up to X.
 */
#ifndef ECM_COLLECTOR_CORRECTIONS_CORRECTION_LOG_H
#define ECM_COLLECTOR_CORRECTIONS_CORRECTION_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "collector/pay/compose_run.h"
#include "collector/storage/storage.h"

enum correction_action {
    CORRECTION_ADD,
    CORRECTION_VOID,
    CORRECTION_PLAN,
    CORRECTION_RELEASE,
    CORRECTION_UNDO
};

enum { CORRECTION_TEXT_SIZE = 201, CORRECTION_ID_SIZE = 65 };

struct correction {
    int64_t seq, created_utc;
    enum correction_action action;
    char who[CORRECTION_ID_SIZE], reason[CORRECTION_ID_SIZE], memo[CORRECTION_TEXT_SIZE];
    char person_id[CORRECTION_ID_SIZE], carer_id[CORRECTION_ID_SIZE]; /* ADD */
    char kind;                                                        /* ADD: 'I' or 'O' */
    int64_t ts_utc;                                                   /* ADD */
    char event_id[CORRECTION_ID_SIZE];                                /* VOID */
    char visit_id[CORRECTION_ID_SIZE];                                /* PLAN, RELEASE */
    int64_t start_utc, end_utc;                                       /* PLAN */
    int64_t slot;                                                     /* RELEASE */
    int64_t undone_seq;                                               /* UNDO */
};

struct corrections {
    struct correction *rows;
    size_t count, capacity;
    char head[HASH_HEX_SIZE]; /* after the last; before the first it is empty */
};

/* "ADD" and so on. */
const char *correction_action_name(enum correction_action action);

/* The id that the amendment of a correction has: "C000001". */
void correction_amend_id(int64_t seq, char ret_id[static CORRECTION_ID_SIZE]);

/*
 * Read all corrections of a store and check every link on the way. ECM_ECORRUPT, and err names the
 * first correction that is not what was signed for.
 */
int corrections_read(struct corrections *ret_corrections, struct storage *storage, struct err *err);
void corrections_done(struct corrections *corrections);

/* Append one, linked to those that were read; sets its seq. -EAGAIN: somebody else was faster. */
int corrections_append(const struct corrections *corrections, struct correction *correction,
    struct storage *storage, struct err *err);

/* Whether the correction is in force as of asof_utc: made by then, and not undone by then. */
bool correction_is_in_force(
    const struct corrections *corrections, const struct correction *correction, int64_t asof_utc);

/* Lay over dataset what is not there as an amendment already: plans, and what was undone. */
void corrections_apply(
    const struct corrections *corrections, int64_t asof_utc, struct dataset *dataset);

/* The releases in force, as a new array (the caller frees it). 0 or -ENOMEM. */
int corrections_releases(const struct corrections *corrections, int64_t asof_utc,
    const struct dataset *dataset, struct compose_release **ret_releases, size_t *ret_count);

#endif
