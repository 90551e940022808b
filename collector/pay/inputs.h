/*
 * inputs.h - what a run saw, in one fixed form, so that it can be hashed.
 *
 * Only what is visible at the as-of counts (rule E1): what arrived later changes neither the
 * result of a run nor its id. Tables are written in an order of their own, small ones by their bytes,
 * planned visits and amendments by their id; only events in the order of arrival, which counts (E2).
 *
 * Pure.
 */
#ifndef ECM_COLLECTOR_PAY_INPUTS_H
#define ECM_COLLECTOR_PAY_INPUTS_H

#include <stdint.h>

#include "collector/pay/outputs.h"
#include "collector/pay/text.h"
#include "collector/visits/dataset.h"

enum { INPUT_COUNT = 11 };

struct input_table {
    const char *name; /* "planned" */
    void (*write)(struct text *text, const struct dataset *dataset, int64_t asof_utc);
};

/* In the order of their names. */
extern const struct input_table input_tables[INPUT_COUNT];

/*
 * Append what a run's id is the SHA-256 of: the period, the as-of, every rule with its version
 * and its numbers, and the hash of each of input_tables (in hex).
 */
void inputs_add_identity(
    struct text *text, const struct pay_run *run, const char *const hashes[INPUT_COUNT]);

enum { RUN_FILES_MAX = 24 };

/* The files a run wrote. */
struct run_files {
    const char *names[RUN_FILES_MAX];
    const char *hashes[RUN_FILES_MAX]; /* in hex */
    size_t count;
};

/* Append manifest.json: the identity, the run's id, and the hash of every file that was written. */
void inputs_add_manifest(struct text *text, const struct pay_run *run, const char *run_id,
    const char *const input_hashes[INPUT_COUNT], const struct run_files *files);

#endif
