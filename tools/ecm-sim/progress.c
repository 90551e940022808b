/*
 * progress.c - printf and patience.
 */
#include "tools/ecm-sim/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR_WIDTH = 40 };

#define BAR_EVERY_US 100000u
#define LINE_EVERY_US 5000000u

void progress_init(struct progress *progress, bool is_quiet)
{
    *progress = (struct progress){.is_quiet = is_quiet, .is_terminal = isatty(STDERR_FILENO) == 1};
}

void progress_show(
    struct progress *progress, uint64_t now_us, const char *what, uint64_t done, uint64_t total)
{
    char bar[BAR_WIDTH + 1];
    uint64_t filled = total == 0 ? BAR_WIDTH : done * BAR_WIDTH / total;

    if (progress->next_us == 0 && !progress->is_terminal) {
        progress->next_us = now_us + LINE_EVERY_US;
    }
    if (progress->is_quiet || now_us < progress->next_us) {
        return;
    }
    progress->next_us = now_us + (progress->is_terminal ? BAR_EVERY_US : LINE_EVERY_US);
    if (!progress->is_terminal) {
        (void)fprintf(stderr, "%s: %" PRIu64 " of %" PRIu64 "\n", what, done, total);
        return;
    }
    memset(bar, ' ', BAR_WIDTH);
    memset(bar, '#', filled < BAR_WIDTH ? (size_t)filled : BAR_WIDTH);
    bar[BAR_WIDTH] = '\0';
    (void)fprintf(stderr, "\r%-24.24s [%s] %" PRIu64 "/%" PRIu64 " ", what, bar, done, total);
    progress->has_bar = true;
}

void progress_done(struct progress *progress)
{
    if (progress->has_bar) {
        (void)fputs("\r\033[K", stderr);
        progress->has_bar = false;
    }
}
