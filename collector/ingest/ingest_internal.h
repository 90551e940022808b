/*
 * ingest_internal.h - what the files of ingest share. Inside ingest/ only.
 *
 * ingest.c      the transaction, the entries, alerts, messages in, answers out; the only one that logs
 * take_batch.c  what becomes of a batch
 * take_hello.c  what becomes of a hello and of a state
 * relayed.c     what is different when a gateway brings the log of a tag reader
 */
#ifndef ECM_COLLECTOR_INGEST_INGEST_INTERNAL_H
#define ECM_COLLECTOR_INGEST_INGEST_INTERNAL_H

#include "collector/ingest/ingest.h"
#include "collector/ingest/inspect.h"
#include "collector/ingest/log_table.h"
#include "proto/messages.h"
#include "proto/topics.h"

enum { REPLIES_MAX = 64 };

/* An answer to a message that names no log; or about the log of entry to one more gateway. */
struct reply {
    struct topic topic;
    const char *reason;
    const struct log_entry *entry; /* NULL: no log */
};

struct ingest {
    struct ingest_ports ports;
    char collector_id[DEVICE_ID_MAX + 1];
    struct chain *chain;
    struct log_table logs;
    struct log_entry *due;
    struct reply replies[REPLIES_MAX];
    size_t reply_count;
    bool is_begun;
    int failure;      /* the transaction was undone; the caller has not heard yet */
    size_t gathered;  /* bytes in the transaction */
    int64_t begun_ms; /* when it began */
    uint64_t taken_batches, taken_records, taken_inputs;
    uint64_t greetings; /* hellos so far */
    int64_t opened_ms;
    int64_t complained_ms;
    int64_t full_alert_ms; /* when it was last said that the quarantine is full */
    struct ingest_counts counts;
    struct inspection inspection; /* too large for the stack of a callback */
};

/* The store failed: undo, and take nothing more until the caller has heard. */
void ingest_fail(struct ingest *ingest, int rc);
/* Have a transaction open. false: failed. */
bool ingest_begin(struct ingest *ingest);
/* The log of entry is owed an acknowledgement, on the site of topic. */
void ingest_set_due(struct ingest *ingest, const struct topic *topic, struct log_entry *entry);
/* Keep a message's bytes with the reason. */
void ingest_quarantine(struct ingest *ingest, const char *topic, const char *reason,
    const uint8_t *bytes, size_t size);
void ingest_alert_raise(struct ingest *ingest, struct log_entry *entry, enum ingest_alert kind);
/* The entry of a log, made when absent. NULL after a failure. */
struct log_entry *ingest_entry_of(struct ingest *ingest, const char *device_id, uint64_t epoch);
/* Give the log a row. A device keeps its first key through all its logs. false: failed. */
bool ingest_put_in_store(struct ingest *ingest, struct log_entry *entry);

/*
 * Relayed: the topic is that of another device than the message's.
 *
 * Whether a batch may be stored. A device with a known key is believed by its signature only; one
 * that speaks for itself and has no key, not at all; any other, with an alert. false: refused, kept
 * in quarantine, the reason is in entry.
 */
bool ingest_relay_may_store(struct ingest *ingest, const char *name, struct log_entry *entry,
    const struct batch *batch, const uint8_t *bytes, size_t size);
/* Whether the key in a relayed hello may become the device's first. */
bool ingest_relay_may_pin(struct ingest *ingest, const struct log_entry *entry);
/* Records between the mark and hello->oldest_seq are not at this gateway: ask all that may have
 * them. true: nobody had them for INGEST_RELAY_GAP_MS, give them up. */
bool ingest_relay_gap_is_real(
    struct ingest *ingest, const struct topic *topic, struct log_entry *entry);
/* What to write down as the way of this batch; NULL: the same as before. */
const char *ingest_path_of(struct log_entry *entry, const struct topic *topic);

/* name: the topic as text; bytes: the message as it came. */
void ingest_take_batch(struct ingest *ingest, const struct topic *topic, const char *name,
    const struct batch *batch, const uint8_t *bytes, size_t size);
void ingest_take_hello(struct ingest *ingest, const struct topic *topic, const struct hello *hello);
void ingest_take_state(
    struct ingest *ingest, const struct topic *topic, const struct device_state *state);

#endif
