/*
 * relay_subject.h - the gateway's relay and its store on the simulated disk, between two tag readers
 * and a collector, with a ledger of what each was told.
 *
 * The two promises of docs/PROTOCOL.md, "The link": what a tag reader was told is held, the gateway
 * brings to the collector without it, after any loss of power; what it was told is done, the collector
 * has. Records follow from their log and seq alone.
 */
#ifndef ECM_TESTS_CRASH_POWERCUT_RELAY_SUBJECT_H
#define ECM_TESTS_CRASH_POWERCUT_RELAY_SUBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/relay.h"
#include "hal/fake/fake_clock.h"
#include "proto/link_frame.h"
#include "tests/crash/powercut/sweep.h"

#define RELAY_FILE DISK_ROOT "relay.db"

enum { RELAY_SIDES = 2, RELAY_ACKS_MAX = 64 };

/* One tag reader, its log, and what the collector has of it. */
struct relay_side {
    int line; /* -1: not here */
    struct link_decoder decoder;
    uint8_t tx_seq;
    uint64_t head;      /* records it ever made */
    uint64_t held_told; /* by a welcome or an ack; what it goes on from */
    uint64_t held_kept; /* the furthest of these ever: a promise */
    uint64_t done_told;
    uint64_t mark; /* the collector's */
    bool is_full;  /* said the last ack */
};

struct relay_state {
    struct relay *relay; /* NULL: not open */
    uint64_t bytes_max;
    bool may_renew; /* a set-aside is part of this work: the tag readers send again */
    struct fake_clock clock;
    uint64_t now_us;
    struct relay_side sides[RELAY_SIDES];
    struct ack acks[RELAY_ACKS_MAX]; /* on their way from the collector */
    unsigned ack_count;
    const char *surprise; /* the first thing that is not allowed */
};

void relay_state_init(struct relay_state *state);

/* 0 or relay_open()'s error. Both tag readers say hello. */
int relay_state_open(struct relay_state *state);
void relay_state_close(void *state);

/* Each tag reader hands over count batches, both in one commit. Failures are part of life. */
void relay_state_take(struct relay_state *state, unsigned count);

/* The collector gets what the gateway sends, and answers, until nothing more comes. */
void relay_state_collect(struct relay_state *state);

void relay_state_keep_house(struct relay_state *state, int64_t wall_ms);

/* Whether the last batch was refused for want of room. */
bool relay_state_is_full(const struct relay_state *state);

/* Stop as by a loss of power at which all writes survived. */
void relay_state_crash(struct relay_state *state);

/* What sweep.h works with. */
struct sweep_subject relay_subject(
    const char *name, struct relay_state *state, void (*work)(void *state));

#endif
