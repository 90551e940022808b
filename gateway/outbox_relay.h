/*
 * outbox_relay.h - what tag readers handed over: their batches, verbatim, until the collector has them
 * and for some weeks after.
 *
 * A file of its own beside the outbox, with a budget of its own: tag readers can fill it and can
 * damage it, and the gateway's own taps never notice. Settings and promises are those of the outbox
 * (outbox_db.c): what relay_store_commit() said 0 to survives a loss of power.
 *
 * Damage: the file is set aside whole as <path>.bad.<unix s> and a new one is begun. Nothing is
 *         taken over: a tag reader keeps everything that is not done, and sends it again to a
 *         gateway that says it holds nothing.
 * Full:   batches that are done make room, oldest first; when there are none relay_store_put() says
 *         ECM_EFULL, the batch is not held and the tag reader keeps it.
 *
 * A log is (device, epoch). Batches of one log may overlap: a tag reader that was at another gateway
 * meanwhile cuts its batches elsewhere.
 *
 * Threads:  one thread. A second process gets -EBUSY.
 * Blocking: commit waits for the disk.
 */
#ifndef ECM_GATEWAY_OUTBOX_RELAY_H
#define ECM_GATEWAY_OUTBOX_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/messages.h"

#define RELAY_STORE_BYTES_MIN (256ull << 10)

struct err;
struct relay_store;

struct relay_store_log {
    int64_t log_id; /* of this file */
    char device_id[DEVICE_ID_MAX + 1];
    uint64_t epoch;
    uint64_t held_seq; /* everything up to it is here, or done */
    uint64_t done_seq; /* everything up to it is at the collector; not above held_seq */
    bool has_public_key;
    uint8_t public_key[MESSAGE_KEY_SIZE];
};

struct relay_store_batch {
    uint64_t first_seq, last_seq;
    uint8_t chain_before[MESSAGE_HASH_SIZE]; /* zeros: not known */
    uint8_t chain_after[MESSAGE_HASH_SIZE];
    const uint8_t *bytes; /* the message; on the way out valid until the next call */
    size_t size;
};

/*
 * Open or create. ret_set_aside: the name a damaged file was given, empty: it was sound.
 * Errors: as outbox_open().
 */
int relay_store_open(struct relay_store **ret_store, const char *path, uint64_t bytes_max,
    char *ret_set_aside, size_t set_aside_size, struct err *err);
void relay_store_close(struct relay_store *store);

typedef int (*relay_store_visit)(void *user, const struct relay_store_log *log);

/* Walk the logs of which something is kept; the others are forgotten. Non-zero ends the walk. */
int relay_store_logs(struct relay_store *store, relay_store_visit visit, void *user);

/*
 * The next three gather in one transaction, which relay_store_commit() ends. After any error all
 * that was gathered is undone.
 */

/* Keep log as it is now; log_id 0: it is new, and gets one. */
int relay_store_put_log(struct relay_store *store, struct relay_store_log *log);

/* Keep a batch, unless one with the same beginning that goes as far is here. */
int relay_store_put(
    struct relay_store *store, int64_t log_id, const struct relay_store_batch *batch);

/* Batches of log_id up to done_seq are done since day (days since 1970; 0: not known), so they may make
 * room. */
int relay_store_mark_done(
    struct relay_store *store, int64_t log_id, uint64_t done_seq, int64_t day);

/* 0; or the code of what failed now or before: then nothing was kept since the last commit. */
int relay_store_commit(struct relay_store *store);

/* The batch that holds from_seq, or else the first one after it. 0 or -ENOENT. */
int relay_store_next(struct relay_store *store, int64_t log_id, uint64_t from_seq,
    struct relay_store_batch *ret_batch);

/*
 * Batches of log_id up to done_seq are done since wall_ms; those done keep_days ago are deleted, a
 * bounded number a call. OUTBOX_NO_CLOCK: nothing is deleted by age. Commits by itself.
 */
int relay_store_keep_house(struct relay_store *store, const struct relay_store_log *log,
    int64_t wall_ms, unsigned keep_days);

uint64_t relay_store_bytes(struct relay_store *store);
uint64_t relay_store_bytes_max(const struct relay_store *store);

#endif
