/*
 * outbox.h - the log of this device: every record it ever made and has not yet thrown away.
 *
 * A record is in the outbox before the carer sees green, and no record leaves it before the
 * collector has said that it holds it. What was appended survives a loss of power.
 *
 * Identity: (device id, epoch, seq). The epoch is random and made with the file; seq comes from a
 *           counter row in the transaction that stores the record, grows by 1 and is never given
 *           out twice, also not after deletion.
 * Damage:   a file that fails its check is set aside whole as <path>.bad.<unix s> (its -wal
 *           beside it under the same name) and what can be read of its unacked records is taken
 *           over into a new epoch, taps flagged TAP_FLAG_RECOVERED. See outbox_salvage.c.
 * Full:     unacked records are never dropped. When the budget is used up the oldest acked ones
 *           make room; when there are none, outbox_append() says ECM_EFULL and everything else
 *           goes on working.
 *
 * Ownership: the caller owns the struct outbox from outbox_open() until outbox_close().
 * Threads:   one outbox belongs to one thread. Never fork with one open. A second process that
 *            opens the same file gets -EBUSY.
 * Blocking:  append waits for the disk (one fdatasync); open and renew may read the whole file.
 * Memory:    about 300 KiB at most, much less for a small log.
 */
#ifndef ECM_GATEWAY_OUTBOX_H
#define ECM_GATEWAY_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/chain.h"

#define OUTBOX_BYTES_DEFAULT (256ull << 20)
#define OUTBOX_BYTES_MIN (128ull << 10)

enum { OUTBOX_PATH_MAX = 400, OUTBOX_NO_CLOCK = -1 };

struct err;
struct outbox;
struct record;

struct outbox_conf {
    const char *path;
    const char *device_id; /* part of the identity; a file of another device is refused */
    uint64_t bytes_max;    /* at least OUTBOX_BYTES_MIN */
};

/* What outbox_open() or outbox_renew() had to repair. All zero: nothing. */
struct outbox_repair {
    bool was_set_aside;
    char set_aside[OUTBOX_PATH_MAX + 40]; /* the file's new name */
    uint64_t salvaged;                    /* records taken over */
    uint64_t lost;                        /* records known to be there and not readable */
};

/*
 * Open the outbox at path, creating it when absent.
 *
 * Errors: -EBUSY another process has it; ECM_EFORMAT a valid database that is not an outbox, or
 * of a newer format; -EINVAL another device's outbox, or a limit; ECM_EFULL, -EIO, -EACCES ... the
 * disk. Damage is not an error: ret_repair says what was done. On failure *ret_box is left alone.
 */
int outbox_open(struct outbox **ret_box, const struct outbox_conf *conf,
    struct outbox_repair *ret_repair, struct err *err);

/* Release box. NULL is allowed. */
void outbox_close(struct outbox *box);

/*
 * Store record under the next seq, which is written into record->seq.
 *
 * When this returns 0 the record is on the medium. ECM_EFULL, -EIO, ECM_ECORRUPT: it counts as
 * not stored and its seq will be given to the next one. (After -EIO a restart may bring it back:
 * it was written, only not known to be.) -EINVAL: a value that record_encode() refuses.
 */
int outbox_append(struct outbox *box, struct record *record);

uint64_t outbox_epoch(const struct outbox *box);
uint64_t outbox_head_seq(const struct outbox *box);   /* newest record; 0: none ever */
uint64_t outbox_acked_seq(const struct outbox *box);  /* everything up to it is at the collector */
uint64_t outbox_oldest_seq(const struct outbox *box); /* oldest held; head + 1: none */
uint64_t outbox_taps(const struct outbox *box);       /* stored since this log began */

/* Bytes in use, for the state message. The budget is what outbox_open() was given. */
uint64_t outbox_bytes(struct outbox *box);
uint64_t outbox_bytes_max(const struct outbox *box);

/* The chain head after record seq; seq from oldest - 1 to head, else -ENOENT. */
int outbox_chain_at(struct outbox *box, uint64_t seq, uint8_t ret_head[static CHAIN_SIZE]);

struct outbox_item {
    uint64_t seq;
    const uint8_t *bytes; /* valid during the call */
    size_t size;
    const uint8_t *chain; /* CHAIN_SIZE bytes: the head after this record */
};

/* Return false to stop. Must not call the outbox. */
typedef bool (*outbox_visit)(void *user, const struct outbox_item *item);

/*
 * Show the records from from_seq on, oldest first, each checked against the chain. 0;
 * ECM_ECORRUPT when a record is missing or is not what was stored (those before it were shown).
 */
int outbox_read(struct outbox *box, uint64_t from_seq, outbox_visit visit, void *user);

/* Show the records newest first, unchecked. */
int outbox_read_back(struct outbox *box, outbox_visit visit, void *user);

/*
 * Everything up to seq is at the collector. Not above head (-EINVAL); lower than before is no
 * change. Costs no write: it goes to disk with the next append or outbox_keep_house(). Forgetting
 * an ack in a power cut is harmless, the collector tells it again.
 */
int outbox_ack(struct outbox *box, uint64_t seq);

/* The collector lost what it had acked beyond seq (restored from a backup): we owe it again. */
void outbox_unack(struct outbox *box, uint64_t seq);

/*
 * Write the ack down, remember the day it was given, and delete records that were acked keep_days
 * ago, a bounded number a call. wall_ms is now, OUTBOX_NO_CLOCK when the clock is not trusted
 * (then nothing is deleted by age). Does nothing when there is nothing to do.
 */
int outbox_keep_house(struct outbox *box, int64_t wall_ms, unsigned keep_days);

/*
 * Begin a new epoch: this log can no longer be continued (damaged, or rolled back to an older
 * state than the collector has seen). The file is set aside and its unacked records are taken
 * over, as at start. On failure the box refuses everything with -EIO until it is opened anew;
 * nothing is lost.
 */
int outbox_renew(struct outbox *box, struct outbox_repair *ret_repair, struct err *err);

#endif
