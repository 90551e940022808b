/*
 * evidence.h - what a store keeps so that others can check it: corrections as a chain, the messages
 * of devices as received, the runs.
 *
 * Part of the contract of storage.h; the same errors and threads.
 */
#ifndef ECM_COLLECTOR_STORAGE_EVIDENCE_H
#define ECM_COLLECTOR_STORAGE_EVIDENCE_H

#include <stddef.h>
#include <stdint.h>

struct storage_run;

/* A correction as it was signed for. Append-only: there is no way to change or remove one. */
struct storage_correction {
    int64_t seq;      /* 1, 2, 3, ... without a gap */
    const char *line; /* one JSON object */
    const char *hash; /* hex; links it to the one before, see docs/RECONCILIATION.md */
};

/* What a correction of a tap leaves among the amendments, in the same transaction. */
struct storage_amendment {
    const char *amend_id;
    int64_t created_utc;
    int is_void; /* else ADD */
    const char *person_id, *carer_id;
    const char *kind; /* "I", "O", "" */
    int64_t ts_utc;
    const char *event_id;
    const char *reason_code;
};

/* A stored batch with its log's id: see storage_log, and storage_batch for where it begins. */
struct storage_evidence {
    int64_t log_id;
    uint64_t first_seq;
    uint32_t record_count;
    const uint8_t *bytes; /* the message */
    size_t size;
};

typedef int (*storage_correction_callback)(void *user, const struct storage_correction *correction);
typedef int (*storage_evidence_callback)(void *user, const struct storage_evidence *evidence);

#endif
