/*
 * pipeline.h - the pieces of one file, read by several threads, taken in order by one. Inside
 * import/ only.
 *
 * Reading a piece (fields, numbers, hashes of texts) needs nothing but the piece and is most of the
 * work; taking it (interning, checking, adding) needs the dataset and stays with the caller's
 * thread, in the order of the file, so that the result and the first fault do not depend on threads.
 *
 * Threads: with the caller's as many as there are processors, at most PIPELINE_THREADS_MAX; all others
 * have ended when pipeline_run() returns. Where none can be started the caller does everything.
 */
#ifndef ECM_COLLECTOR_IMPORT_PIPELINE_H
#define ECM_COLLECTOR_IMPORT_PIPELINE_H

#include "collector/import/rows.h"

enum { PIPELINE_THREADS_MAX = 4 };

/* What becomes of a piece; negative ends the file. */
typedef int (*pipeline_take)(void *user, const struct rows *rows);

/*
 * Read the rest of pieces as format says and hand them to take in order. 0, what take returned, or
 * -errno when the file cannot be read or memory is out.
 */
int pipeline_run(
    struct csv_pieces *pieces, const struct rows_format *format, pipeline_take take, void *user);

#endif
