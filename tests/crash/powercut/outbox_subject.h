/*
 * outbox_subject.h - the gateway's outbox on the simulated disk, with a ledger of its promises.
 *
 * A record is known by its number, which lies in boot_ms, so that it is recognised under another
 * seq after a salvage.
 */
#ifndef ECM_TESTS_CRASH_POWERCUT_OUTBOX_SUBJECT_H
#define ECM_TESTS_CRASH_POWERCUT_OUTBOX_SUBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/outbox.h"
#include "tests/crash/powercut/sweep.h"

#define OUTBOX_FILE DISK_ROOT "outbox.db"

enum { LEDGER_SEQS = 2048, LEDGER_ATTEMPTS = 128 };

struct outbox_state {
    struct outbox *box; /* NULL: not open */
    uint64_t bytes_max;
    bool may_renew; /* a set-aside is part of this work */

    uint64_t epoch; /* 0: none was ever shown to us */
    uint64_t head;  /* the last seq given out with success */
    uint64_t acked; /* the furthest ack we ever gave */
    uint64_t number_of[LEDGER_SEQS];
    uint64_t next_number;
    uint64_t attempts[LEDGER_ATTEMPTS]; /* numbers refused since: any may lie at head + 1 */
    unsigned attempt_count;
    const char *surprise; /* the first thing that outbox.h does not allow */
    int surprise_code;
};

/* Start with nothing on the disk and nothing promised. */
void outbox_state_init(struct outbox_state *state);

/* 0 or outbox_open()'s error. Takes notice of what a cut left of an unconfirmed record. */
int outbox_state_open(struct outbox_state *state);

/* Append count records; failures are part of life. */
void outbox_state_append(struct outbox_state *state, unsigned count);
void outbox_state_ack(struct outbox_state *state, uint64_t seq);
void outbox_state_keep_house(struct outbox_state *state, int64_t wall_ms);
void outbox_state_renew(struct outbox_state *state);

void outbox_state_close(void *state);

/* What sweep.h works with. */
struct sweep_subject outbox_subject(
    const char *name, struct outbox_state *state, void (*work)(void *state));

/* Salvage what is on the disk once, and expect no more than that from now on. */
void outbox_state_forgive_damage(struct outbox_state *state);

/* Stop as by a loss of power at which all writes survived: the WAL stays as it is. */
void outbox_state_crash(struct outbox_state *state);

#endif
