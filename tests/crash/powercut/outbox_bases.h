/*
 * outbox_bases.h - what lies on the simulated disk before a sweep begins.
 *
 * Each starts from an empty disk and nothing promised, and gives the caller an image to free.
 */
#ifndef ECM_TESTS_CRASH_POWERCUT_OUTBOX_BASES_H
#define ECM_TESTS_CRASH_POWERCUT_OUTBOX_BASES_H

#include "tests/crash/powercut/outbox_subject.h"

enum { BASES_FEW_RECORDS = 60 };

#define BASES_DAY_MS INT64_C(86400000)
#define BASES_START_MS (INT64_C(1603065600000) / BASES_DAY_MS * BASES_DAY_MS)

struct disk_image *base_nothing(struct outbox_state *state);

/* A clean stop after BASES_FEW_RECORDS, a third of them acked at BASES_START_MS. */
struct disk_image *base_stopped(struct outbox_state *state);

/* The same, with a page of records overwritten; what a salvage without a cut cannot
 * read is no longer expected. */
struct disk_image *base_damaged(struct outbox_state *state);

/* After a cut: a WAL that reaches its checkpoint with the next few records. */
struct disk_image *base_before_checkpoint(struct outbox_state *state);

/* Full to the smallest budget, nothing acked. */
struct disk_image *base_full(struct outbox_state *state);

#endif
