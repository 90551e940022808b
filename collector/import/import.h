/*
 * import.h - read the files of docs/RECONCILIATION.md section 1 into a dataset.
 *
 * Everything is checked, row by row and across files; the first fault ends the import with one
 * line that names file, line, column and reason:
 *
 *     planned.csv:17: planned_end_utc: not after planned_start_utc
 *
 * Nothing of the input is kept from a caller who ignores the error: on failure the dataset is
 * good for dataset_done() only.
 *
 * Threads: the caller's. To read large files it starts some of its own (pipeline.h), all of which
 *          have ended when a call returns; callbacks come in the caller's thread.
 * Blocking: reads files.
 * Errors:  ECM_EFORMAT the content is refused; -errno a file cannot be read; -ENOENT a file that
 *          must be there is not; -ENOMEM.
 */
#ifndef ECM_COLLECTOR_IMPORT_IMPORT_H
#define ECM_COLLECTOR_IMPORT_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/visits/dataset.h"

struct err;

/* Who wants to hear how it goes. Any callback may be NULL. */
struct import_watch {
    /* Something worth a line: a file passed over. */
    void (*notice)(void *user, const char *text);
    /* From time to time: bytes read of all bytes to read. */
    void (*progress)(void *user, uint64_t done, uint64_t total);
    void *user;
};

/*
 * Add what lies at path: a folder with files of the known names, or one such file. Files of
 * other names in a folder are passed over with a notice. must_be_complete: every file that is
 * not optional must be there; references are checked against the files that are.
 */
int import_path(const char *path, bool must_be_complete, const struct import_watch *watch,
    struct dataset *dataset, struct err *err);

/*
 * Add the rows of one table from memory, for tests and fuzzing. name as in the folder
 * ("planned.csv"). No check across files.
 */
int import_bytes(
    const char *name, const char *bytes, size_t size, struct dataset *dataset, struct err *err);

#endif
