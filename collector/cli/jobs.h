/*
 * jobs.h - do several things at the same time, on as many processors as there are.
 *
 * The engine (visits/, pay/) has no threads: its functions are pure, so a command that has more than
 * one to call may call them side by side. A job writes only what no other job of the same call reads
 * or writes.
 *
 * Threads: jobs_do() starts some, at most JOBS_THREADS_MAX with the caller's, and all have ended when
 * it returns. With one processor, or when no thread can be started, the caller does it all.
 */
#ifndef ECM_COLLECTOR_CLI_JOBS_H
#define ECM_COLLECTOR_CLI_JOBS_H

#include <stddef.h>

#include "base/err.h"

enum { JOBS_THREADS_MAX = 8 };

struct job {
    int (*run)(void *user, struct err *err);
    void *user;
    int rc; /* what it returned */
    struct err err;
};

/* Do all jobs, begun in their order. 0, or code and sentence of the first in order that failed. */
int jobs_do(struct job *jobs, size_t count, struct err *err);

/* How many jobs can run at the same time here. */
unsigned jobs_at_once(void);

#endif
