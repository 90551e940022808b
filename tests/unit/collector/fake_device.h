/*
 * fake_device.h - a device's log, as far as the collector can tell: numbered records, the chain
 * over them, and batches signed with a key.
 */
#ifndef ECM_TESTS_UNIT_COLLECTOR_FAKE_DEVICE_H
#define ECM_TESTS_UNIT_COLLECTOR_FAKE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/messages.h"

struct chain;
struct signer;

enum { FAKE_RECORDS_MAX = 2560 };

struct fake_device {
    char id[DEVICE_ID_MAX + 1];
    uint64_t epoch;
    uint64_t boot_id;
    uint64_t head_seq;
    uint8_t heads[FAKE_RECORDS_MAX + 1][MESSAGE_HASH_SIZE]; /* after record n; 0: the start */
    uint8_t records[FAKE_RECORDS_MAX + 1][128];
    size_t sizes[FAKE_RECORDS_MAX + 1];
    struct chain *chain;
    struct signer *signer; /* NULL: batches are not signed; the caller's */
};

struct fake_message {
    uint8_t bytes[BATCH_BYTES_MAX];
    size_t size;
};

/* Every failure in here fails the test. */
void fake_device_init(struct fake_device *device, const char *id, uint64_t epoch);
void fake_device_done(struct fake_device *device);

/* Add one record; its seq is set. */
void fake_device_add(struct fake_device *device, struct record record);
/* A tap of tag number `tag` at a synced wall time. */
void fake_device_tap(
    struct fake_device *device, uint8_t tag, enum tap_direction direction, int64_t wall_ms);
/* count taps, a minute apart. */
void fake_device_taps(struct fake_device *device, size_t count, int64_t wall_ms);

/* The message that carries records first..last. */
void fake_device_batch(const struct fake_device *device, uint64_t first_seq, uint64_t last_seq,
    struct fake_message *ret_message);
/* oldest_seq 1. */
void fake_device_hello(
    const struct fake_device *device, uint64_t acked_seq, struct fake_message *ret_message);

#endif
