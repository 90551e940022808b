/*
 * show.h - what an operator can get out of a store, beside the running collector or without it.
 *
 * Errors: negative codes with a sentence in err.
 */
#ifndef ECM_COLLECTOR_SHOW_H
#define ECM_COLLECTOR_SHOW_H

#include <stdio.h>

struct err;

/* Opened cases and pressed buttons as tab-separated lines with a header, oldest first. */
int show_inputs(const char *store_path, FILE *out, struct err *err);

/*
 * Move the quarantine into folder, which must exist: a file for each message, named by its number,
 * and a line for each in index.tsv there. The store lets go of them when all is on disk; after a
 * failure it still has them all, and the files of the attempt may be deleted. Says on out how many.
 */
int show_take_quarantine(const char *store_path, const char *folder, FILE *out, struct err *err);

#endif
