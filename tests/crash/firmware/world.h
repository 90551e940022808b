/*
 * world.h - a flash log on a chip that loses power, and a memory of what was promised.
 *
 * Promised is what flashlog_append() confirmed, and what could be read after a start (it may have
 * been sent). After each start: the epoch is the same; every promised record that is not done is
 * there once, with its bytes, in order; no seq names another record than before; a stored chain
 * head is the right one.
 */
#ifndef ECM_TESTS_CRASH_FIRMWARE_WORLD_H
#define ECM_TESTS_CRASH_FIRMWARE_WORLD_H

#include "firmware/flashlog/flashlog.h"
#include "hal/fake/fake_flash.h"

enum { WORLD_MEMORY = 1 << 14 }; /* records remembered; more than a small chip holds */

struct world {
    struct fake_flash flash;
    struct hal_flash *seen; /* what the log is given: the chip, or a careless driver before it */
    struct flashlog log;
    uint32_t sectors;
    bool is_open;

    uint64_t epoch;    /* 0: nothing was promised yet */
    uint64_t promised; /* seq */
    uint64_t done;     /* as told to the log */
    uint32_t attempts;
    uint32_t attempt_of[WORLD_MEMORY]; /* which attempt became record seq, at seq % WORLD_MEMORY */
    uint32_t attempts_before; /* made when the newest promise was: the later ones are open */

    uint64_t appends;
    uint64_t starts;
    uint64_t lost;       /* promised records that are missing or have other bytes */
    uint64_t duplicates; /* seqs that name two records, or came twice */
    uint64_t wrong;      /* epoch, order, chain, a log that did not open */
};

void world_init(struct world *world, uint32_t sectors, uint64_t seed);
void world_done(struct world *world);

/* Become a copy of from, cells and memory, with other dice. */
void world_copy(struct world *world, const struct world *from, uint64_t seed);

/* Power on, open, compare with what was promised. false: the power went again. */
bool world_start(struct world *world);

/* Each false when the power went. Full is no failure, unless everything is done. */
bool world_append(struct world *world);
bool world_prepare(struct world *world);
bool world_done_part(struct world *world, uint64_t percent); /* of what is not done */

/* Everything that is not done is there. false when the power went. */
bool world_check(struct world *world);

/* lost, duplicates and wrong together. */
uint64_t world_faults(const struct world *world);

#endif
