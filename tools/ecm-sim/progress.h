/*
 * progress.h - how far it is: a bar on a terminal, else a line every five seconds; on standard
 * error, so that standard output stays the result.
 */
#ifndef ECM_TOOLS_SIM_PROGRESS_H
#define ECM_TOOLS_SIM_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool is_quiet;
    bool is_terminal;
    bool has_bar; /* one stands on the terminal's last line */
    uint64_t next_us;
};

void progress_init(struct progress *progress, bool is_quiet);

/* Show done of total when it is time to. what: a few words. */
void progress_show(
    struct progress *progress, uint64_t now_us, const char *what, uint64_t done, uint64_t total);

/* Leave the terminal as it was. */
void progress_done(struct progress *progress);

#endif
