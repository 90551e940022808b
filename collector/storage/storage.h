/*
 * storage.h - what the collector keeps, and the promises of whoever keeps it.
 *
 * An implementation (storage_sqlite.h; others later) embeds struct storage as its first member.
 * The contract suite in tests/contract runs over every implementation.
 *
 * Three kinds of content:
 *   logs     what devices sent: batches of records, verbatim, append-only, with one high-water
 *            mark a log (device, epoch); what could not be read is in quarantine with its bytes;
 *   tables   the files of docs/RECONCILIATION.md section 1, as imported;
 *   verdicts what reconciliation made of them, one row a slot, with a version for the feed; runs.
 *
 * Durability: when commit() has returned 0, everything since begin() survives a loss of power;
 *             without commit() nothing of it does.
 * Ownership:  whoever opened it calls storage_close(). Values are copied in and out.
 * Threads:    one handle belongs to one thread. Several processes may hold the same store; one at a
 *             time writes, the others wait up to STORAGE_BUSY_MS, then get -EBUSY.
 * Errors:     0; -ENOENT not there; -EBUSY; ECM_EFULL disk full; ECM_ECORRUPT failed its own check;
 *             -EIO; -ENOMEM. After any error inside begin/commit: rollback() and start again.
 */
#ifndef ECM_COLLECTOR_STORAGE_STORAGE_H
#define ECM_COLLECTOR_STORAGE_STORAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/storage/evidence.h"
#include "collector/storage/inputs.h"
#include "collector/visits/dataset.h"

enum { STORAGE_BUSY_MS = 10000, STORAGE_HASH_SIZE = 32, STORAGE_DEVICE_ID_MAX = 32 };

struct err;
struct storage;

/* ---- logs --------------------------------------------------------------------------------- */

/* Where one device's log stands. */
struct storage_log {
    int64_t log_id; /* of this store; small, dense */
    char device_id[STORAGE_DEVICE_ID_MAX + 1];
    uint64_t epoch;
    uint64_t through_seq;                  /* high-water mark: all up to it is here; 0: nothing */
    uint8_t chain_head[STORAGE_HASH_SIZE]; /* after through_seq */
    bool has_public_key;                   /* the first key this device showed */
    uint8_t public_key[32];
};

/* A clock_set record: what places the taps of its boot that were stamped without a sure clock. */
struct storage_anchor {
    uint64_t boot_id, boot_ms, seq;
    int64_t wall_ms;
    uint32_t uncertainty_ms;
};

/*
 * One accepted batch: records first_seq .. first_seq + record_count - 1 of log_id, which are the last
 * ones of the message. A relayed message may begin earlier, with records that were here already.
 */
struct storage_batch {
    int64_t log_id;
    uint64_t first_seq;
    uint32_t record_count;
    int64_t recv_ms;       /* Unix ms, the collector's clock */
    int64_t first_tap_utc; /* every second its taps can ever be placed at lies between these, for */
    int64_t last_tap_utc;  /* finding them; first > last: no taps inside */
    const struct storage_anchor *anchors; /* its sure clock_set records; of a boot the first one */
    size_t anchor_count;                  /* that ever came is kept */
    const struct storage_input *inputs;   /* its case and button records */
    size_t input_count;
    const char *site;     /* of the device, for them; NULL: not known */
    const uint8_t *bytes; /* the message as received, evidence */
    size_t size;
    uint8_t chain_head[STORAGE_HASH_SIZE]; /* after its last record */
    bool signature_is_verified;
    /* Which gateway brought it, empty: the device itself; kept from first_seq on until a batch comes
     * another way. NULL: the way of the batch before. */
    const char *gateway_id;
};

/* From which record on a log came which way. A log without one came from its device. */
struct storage_path {
    char device_id[STORAGE_DEVICE_ID_MAX + 1];
    uint64_t epoch;
    uint64_t first_seq;
    char gateway_id[STORAGE_DEVICE_ID_MAX + 1]; /* empty: the device itself */
};

struct storage_quarantined {
    int64_t recv_ms;
    const char *topic;
    const char *reason;
    const uint8_t *bytes;
    size_t size;
};

struct storage_quarantine_state {
    uint64_t messages, bytes;                /* kept, each with its row */
    uint64_t turned_away, turned_away_bytes; /* ever: there was no room */
};

typedef int (*storage_quarantined_callback)(
    void *user, int64_t quarantine_id, const struct storage_quarantined *message);

/* ---- tables ------------------------------------------------------------------------------- */

/* What an import changed, rows by table in the order of the files' names in section 1. */
struct storage_import_counts {
    uint64_t added, changed, unchanged;
};

/* Which part of the store to load. Zero-initialised: everything. */
struct storage_filter {
    const char *period_id;    /* what bears on this period: see visits/narrow.h; everything when it
                                 is the only period and no person is asked for */
    const char *person_id;    /* only this person */
    int64_t from_utc, to_utc; /* when both are set: instead of a period, only what bears on these
                                 instants and STORAGE_MARGIN_S around them */
};
enum { STORAGE_MARGIN_S = 86400 };

/* ---- verdicts ----------------------------------------------------------------------------- */

/*
 * One slot as the payment feed shows it. Text is borrowed from the caller on the way in and valid
 * until the callback returns on the way out. version is set by the store: it grows with every
 * change of any row, and a row that did not change keeps its own.
 */
struct storage_verdict {
    uint64_t version;
    const char *period_id;
    const char *visit_id;
    int slot;
    const char *person_id;
    const char *line; /* the feed row: one JSON object, canonical key order; see pay/feed.h */
    bool withdrawn;   /* it was in the feed and is no longer: the visit is gone from the roster */
};

typedef int (*storage_verdict_callback)(void *user, const struct storage_verdict *verdict);
typedef int (*storage_path_callback)(void *user, const struct storage_path *path);
typedef int (*storage_log_callback)(void *user, const struct storage_log *log);
typedef int (*storage_person_callback)(void *user, const char *person_id);

/* A finished payment run. */
struct storage_run {
    char run_id[2 * STORAGE_HASH_SIZE + 1];
    const char *period_id;
    int64_t asof_utc;
    int64_t created_utc;
    const char *manifest; /* JSON: inputs, rules, totals, hashes of the outputs */
    const char *lines; /* the pay lines as CSV: model,provider,funder,person,week,rate,kind,pence */
};

typedef int (*storage_run_callback)(void *user, const struct storage_run *run);

/* ---- the contract ------------------------------------------------------------------------- */

struct storage_ops {
    void (*close)(struct storage *storage);

    int (*begin)(struct storage *storage);
    int (*commit)(struct storage *storage);
    void (*rollback)(struct storage *storage);

    /* The log of (device_id, epoch); created with through_seq 0 and chain_head when absent and
     * chain_head is not NULL (inside begin/commit). -ENOENT when absent and chain_head is NULL. */
    int (*log_get)(struct storage *storage, const char *device_id, uint64_t epoch,
        const uint8_t *chain_head, struct storage_log *ret_log);
    /* Append batch and move the high-water mark of its log, inside begin/commit. -EINVAL unless
     * first_seq is through_seq + 1 of that log. */
    int (*batch_append)(struct storage *storage, const struct storage_batch *batch);
    /* The device no longer holds what lies between: move the mark to through_seq and remember the
     * gap (inside begin/commit). */
    int (*log_skip)(struct storage *storage, int64_t log_id, uint64_t through_seq,
        const uint8_t *chain_head, int64_t recv_ms);
    int (*log_set_key)(struct storage *storage, int64_t log_id, const uint8_t *public_key);
    /* Keep a message that could not be used (inside begin/commit). 0; 1: bytes_max (0: any) does
     * not leave room for it, so it was only counted. */
    int (*quarantine)(
        struct storage *storage, const struct storage_quarantined *message, uint64_t bytes_max);
    int (*quarantine_state)(struct storage *storage, struct storage_quarantine_state *ret_state);
    /* Walk what is kept, oldest first; and let go of it up to an id, in a transaction of its own. */
    int (*quarantined)(struct storage *storage, storage_quarantined_callback callback, void *user);
    int (*quarantine_release)(struct storage *storage, int64_t through_id);
    /* Walk the case and button records in order of arrival; non-zero from callback ends the walk
     * with that code. And remember that people were told of one (inside begin/commit). */
    int (*inputs)(
        struct storage *storage, bool only_untold, storage_input_callback callback, void *user);
    int (*input_told)(struct storage *storage, int64_t log_id, uint64_t seq);
    /* Every log. A callback that returns non-zero ends the walk with that code. */
    int (*logs)(struct storage *storage, storage_log_callback callback, void *user);
    /* Walk all paths by log and number; likewise. */
    int (*paths)(struct storage *storage, storage_path_callback callback, void *user);

    /* Lay dataset over the tables in one transaction of its own: a row with a known key replaces
     * (the former row stays in history), an equal row changes nothing; of events and amendments
     * as many copies of equal rows are kept as the richest single import had. */
    int (*import)(struct storage *storage, const struct dataset *dataset, int64_t now_utc,
        struct storage_import_counts *ret_counts, struct err *err);
    /* Add to dataset (initialised by the caller) what filter selects: the tables, and the taps of
     * the logs as events. Order of arrival is kept. -ENOENT: no such period or person. */
    int (*load)(struct storage *storage, const struct storage_filter *filter,
        struct dataset *dataset, struct err *err);

    /* Whom taps of device_id between the two instants can touch: the people whose home the device is
     * in then, and those whose home tag it read then. Each person once. Non-zero from callback ends
     * the walk with that code. */
    int (*persons_at)(struct storage *storage, const char *device_id, int64_t from_utc,
        int64_t to_utc, storage_person_callback callback, void *user);
    /* Whom a correction of that visit (or, visit_id NULL, of that event) touches. As persons_at. */
    int (*persons_of)(struct storage *storage, const char *visit_id, const char *event_id,
        storage_person_callback callback, void *user);
    /* Who has a planned visit that starts or ends after from_utc and not after to_utc, of visits no
     * longer than a day. Each person once. As persons_at. */
    int (*persons_due)(struct storage *storage, int64_t from_utc, int64_t to_utc,
        storage_person_callback callback, void *user);
    /* How many imports and corrections have changed the tables so far: who keeps something derived
     * from them looks here for news. */
    int (*imports)(struct storage *storage, uint64_t *ret_count);

    /* Put the verdicts of a person (or of all: NULL) for a period, in a transaction of its own:
     * rows that differ get a new version, rows of that scope not among them are withdrawn. */
    int (*verdicts_put)(struct storage *storage, const char *period_id, const char *person_id,
        const struct storage_verdict *verdicts, size_t count, uint64_t *ret_changed);
    /* Walk the verdicts with a version above since, in order of version. period_id NULL: all. */
    int (*verdicts)(struct storage *storage, const char *period_id, uint64_t since,
        storage_verdict_callback callback, void *user);

    /* Keep a run. The same run_id again changes nothing. */
    int (*run_put)(struct storage *storage, const struct storage_run *run);
    int (*run_get)(
        struct storage *storage, const char *run_id, storage_run_callback callback, void *user);

    /* Append a correction, and its amendment when not NULL, in a transaction of their own. -EAGAIN
     * when seq is not the one after the last: somebody else appended, so link it anew. */
    int (*correction_append)(struct storage *storage, const struct storage_correction *correction,
        const struct storage_amendment *amendment);
    /* Walk all corrections in order; non-zero from callback ends the walk with that code. */
    int (*corrections)(struct storage *storage, storage_correction_callback callback, void *user);
    /* A number that was never given before: the next, kept with what it is used for. */
    int (*reference_take)(
        struct storage *storage, const char *used_for, int64_t now_utc, int64_t *ret_number);
    /* Walk all batches by log and number; likewise. */
    int (*evidence)(struct storage *storage, storage_evidence_callback callback, void *user);
};

struct storage {
    const struct storage_ops *ops;
};

/* Release. NULL is allowed. */
static inline void storage_close(struct storage *storage)
{
    if (storage != NULL) {
        storage->ops->close(storage);
    }
}

#endif
