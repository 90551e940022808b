/*
 * inspect.h - what a batch says about itself, before anything is believed. Inside ingest/ only.
 *
 * Pure: values in, values out.
 */
#ifndef ECM_COLLECTOR_INGEST_INSPECT_H
#define ECM_COLLECTOR_INGEST_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/storage/storage.h"
#include "proto/messages.h"

struct chain;

struct inspection {
    bool chain_is_whole;   /* from the head before it to the head it claims */
    size_t unreadable;     /* records that do not decode, or are not where they say */
    int64_t first_tap_utc; /* see struct storage_batch */
    int64_t last_tap_utc;
    size_t anchor_count;
    struct storage_anchor anchors[BATCH_RECORDS_MAX];
    size_t input_count;
    struct storage_input inputs[BATCH_RECORDS_MAX];
};

/* From the record from_seq of the batch on. head: the chain before it. recv_ms: when it came. */
void inspect_batch(struct chain *chain, const struct batch *batch, uint64_t from_seq,
    const uint8_t *head, int64_t recv_ms, struct inspection *ret_inspection);

#endif
