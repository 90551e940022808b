/*
 * store_subject.h - the collector's store on the simulated disk, with a ledger of its promises.
 *
 * What is written follows from its number alone: batch first_seq always has the same bytes, import
 * number n the same rows, generation g of the verdicts the same lines.
 */
#ifndef ECM_TESTS_CRASH_POWERCUT_STORE_SUBJECT_H
#define ECM_TESTS_CRASH_POWERCUT_STORE_SUBJECT_H

#include <stdint.h>

#include "collector/storage/storage.h"
#include "tests/crash/powercut/sweep.h"

#define STORE_FILE DISK_ROOT "store.db"

struct store_promise {
    uint64_t kept;  /* confirmed up to this number */
    uint64_t tried; /* and perhaps, unconfirmed, up to this one */
};

struct store_state {
    struct storage *storage; /* NULL: not open */
    struct store_promise seq, imports, verdicts;
    const char *surprise; /* the first thing that storage.h does not allow */
    int surprise_code;
};

void store_state_init(struct store_state *state);
int store_state_open(struct store_state *state);
void store_state_close(void *state);

/* Each is one transaction. Failures are part of life. */
void store_state_take_batches(struct store_state *state, unsigned count);
void store_state_import(struct store_state *state);
void store_state_put_verdicts(struct store_state *state);

/* What sweep.h works with. */
struct sweep_subject store_subject(
    const char *name, struct store_state *state, void (*work)(void *state));

#endif
