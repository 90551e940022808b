/*
 * verify.h - check what a store and the folders of runs claim, by reckoning it again.
 *
 * Nothing here uses the code that made what it checks, but for the reading of messages and files.
 *
 * Each function writes what it found to out, a line a thing, and returns how many things are not as
 * they should be, or a negative code when it could not look (err says why).
 */
#ifndef ECM_COLLECTOR_CLI_VERIFY_H
#define ECM_COLLECTOR_CLI_VERIFY_H

#include <stdio.h>

struct err;
struct storage;

/* The chain of corrections, and that each correction of a tap has its amendment. */
int verify_corrections(struct storage *storage, FILE *out, struct err *err);

/* The chain and the signatures over what devices sent. Gaps are named, but are no fault. */
int verify_logs(struct storage *storage, FILE *out, struct err *err);

/*
 * A run's folder: its id from its identity, and every file against the manifest's hashes. With a
 * store (else NULL): that manifest and lines are those the store kept.
 */
int verify_run(const char *folder, struct storage *storage, FILE *out, struct err *err);

/* ecm-verify, and ecm-pay verify. */
int cmd_verify(int argc, char **argv);

#endif
