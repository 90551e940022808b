/*
 * log_table.h - the logs of all devices, by (device, epoch), as this transaction sees them.
 *
 * Inside ingest/ only. Entries stay where they are until log_table_done().
 */
#ifndef ECM_COLLECTOR_INGEST_LOG_TABLE_H
#define ECM_COLLECTOR_INGEST_LOG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/storage/storage.h"
#include "proto/topics.h"

/* What a device can be reported for; each at most once an hour and log. */
enum ingest_alert {
    ALERT_GAP,
    ALERT_CHAIN,
    ALERT_SIGNATURE,
    ALERT_KEY,
    ALERT_ROLLED_BACK,
    ALERT_REWRITTEN,
    ALERT_RECORD,
    ALERT_TWICE,
    ALERT_RELAY_UNSIGNED,
    ALERT_RELAY_REFUSED,
    ALERT_RELAY_GAP,
    ALERT_COUNT
};

enum { GATEWAYS_MAX = 4 };

struct log_entry {
    struct storage_log log;
    bool is_stale;      /* its transaction was undone: read it again */
    bool is_in_store;   /* false: known here only, no row yet */
    bool is_due;        /* an acknowledgement is owed; in the due list */
    bool wants_resend;  /* ... and it asks for everything after the mark */
    const char *reason; /* ... and says this; NULL: nothing */
    struct log_entry *next_due;
    char site[TOPIC_NAME_MAX + 1];
    char to_device[TOPIC_NAME_MAX + 1]; /* whose ack topic it goes to: a gateway's when relayed */
    bool is_touched;                    /* taps were stored since the last commit */
    int64_t touched_from, touched_to;
    uint64_t refused_seq; /* a batch beginning here had a broken chain; 0: none */
    int64_t heard_ms;     /* last batch */
    int64_t seen_ms;      /* last message of any kind; 0: none since the program started */
    bool is_offline;      /* the broker said so last */
    uint64_t head_seq;    /* newest record the device says it has */
    uint64_t greeted;     /* number of its last hello, counted over all logs; 0: none yet */
    int64_t alerted_ms[ALERT_COUNT];

    bool is_direct;                /* the device itself was heard about this log */
    bool is_path_unsure;           /* the transaction that wrote it was undone: write it again */
    char path[TOPIC_NAME_MAX + 1]; /* way of the last batch; empty: direct */
    char gateways[GATEWAYS_MAX][TOPIC_NAME_MAX + 1]; /* that relayed it, the last ones */
    size_t gateway_turn;
    int64_t gap_since_ms; /* records are missing and gateways are asked; 0: none are */
    int64_t gap_asked_ms;
};

struct log_table {
    struct log_entry **slots;
    size_t capacity, count;
};

/* The entry of (device_id, epoch), or NULL. */
struct log_entry *log_table_find(
    const struct log_table *table, const char *device_id, uint64_t epoch);

/* A new entry, its log as given. NULL when memory is out. */
struct log_entry *log_table_add(struct log_table *table, const struct storage_log *log);

/* Whether another log of the same device said hello after the last hello of entry. */
bool log_table_greeted_since(const struct log_table *table, const struct log_entry *entry);

/* The oldest log of the device that has a key, or NULL. */
const struct log_entry *log_table_key_of(const struct log_table *table, const char *device_id);

/* Whether entry is the newest log of its device. */
bool log_table_is_newest(const struct log_table *table, const struct log_entry *entry);
/* Whether the device ever spoke for itself, by any log. */
bool log_table_is_direct(const struct log_table *table, const char *device_id);

/* Note that gateway_id carries this log. */
void log_entry_add_gateway(struct log_entry *entry, const char *gateway_id);

void log_table_done(struct log_table *table);

#endif
