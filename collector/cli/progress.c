/* progress.c - see progress.h. */
#include "collector/cli/progress.h"

#include <stdio.h>
#include <unistd.h>

struct progress progress_start(const char *what)
{
    return (struct progress){.what = what, .is_shown = isatty(STDERR_FILENO) == 1, .percent = -1};
}

void progress_show(void *user, uint64_t done, uint64_t total)
{
    struct progress *progress = user;
    int percent = total > 0 ? (int)(done * 100 / total) : 100;

    if (progress->is_shown && percent != progress->percent) {
        progress->percent = percent;
        (void)fprintf(stderr, "\r%s %3d %%", progress->what, percent);
    }
}

void progress_notice(void *user, const char *text)
{
    progress_end(user);
    (void)fprintf(stderr, "%s\n", text);
}

void progress_end(struct progress *progress)
{
    if (progress->percent >= 0) {
        (void)fprintf(stderr, "\r\033[K");
        progress->percent = -1;
    }
}
