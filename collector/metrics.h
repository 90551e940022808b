/*
 * metrics.h - what a collector tells on its socket (base/metrics.h). No device is named.
 *
 * Pure: numbers in, text out. The names, and what to watch for, are in docs/OPERATIONS.md.
 */
#ifndef ECM_COLLECTOR_METRICS_H
#define ECM_COLLECTOR_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"
#include "collector/ingest/ingest.h"
#include "collector/live/live.h"
#include "collector/storage/storage.h"

struct collector_numbers {
    const char *id, *version;
    bool is_broker_up;
    bool is_store_ok;
    struct ingest_counts ingest;
    struct ingest_gauges devices;
    struct live_counts live;
    struct live_backlog backlog;
    struct storage_quarantine_state quarantine;
    uint64_t quarantine_bytes_max;
    uint64_t store_bytes;     /* file and write-ahead log */
    uint64_t calls, openings; /* people were told of */
    uint64_t io_age_ms;       /* since the network thread last turned */
    uint64_t uptime_s;
};

/* Returns the size of text. */
size_t metrics_of_collector(
    const struct collector_numbers *numbers, char text[static METRICS_SIZE]);

#endif
