/*
 * progress.h - tell the person at the terminal that work goes on; say nothing to a file or pipe.
 */
#ifndef ECM_COLLECTOR_CLI_PROGRESS_H
#define ECM_COLLECTOR_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what;
    bool is_shown; /* standard error is a terminal */
    int percent;   /* last shown; -1: nothing is on the line */
};

struct progress progress_start(const char *what);

/* done of total; user is the struct progress. */
void progress_show(void *user, uint64_t done, uint64_t total);

/* A whole line of its own, to a terminal or not. user is the struct progress. */
void progress_notice(void *user, const char *text);

/* Clear the line. */
void progress_end(struct progress *progress);

#endif
