/* narrow.c - see narrow.h. */
#include "collector/visits/narrow.h"

#include <errno.h>
#include <stdlib.h>

static bool is_within(const struct narrow_window *window, int64_t utc)
{
    return utc >= window->start_utc - window->margin_s && utc <= window->end_utc + window->margin_s;
}

static bool bears(const struct narrow_window *window, const struct event_row *event)
{
    return is_within(window, event->ts_utc) ||
           (event->ts_utc > event->recv_utc + window->future_s &&
               is_within(window, event->recv_utc));
}

/* wanted: by event id. */
static void narrow_events(struct dataset *dataset, const bool *wanted)
{
    size_t kept = 0;

    for (size_t i = 0; i < dataset->events_count; i++) {
        if (wanted[dataset->events[i].event_id]) {
            dataset->events[kept++] = dataset->events[i];
        }
    }
    dataset->events_count = kept;
}

static void narrow_planned(struct dataset *dataset, const struct narrow_window *window)
{
    size_t kept = 0;

    for (size_t i = 0; i < dataset->planned_count; i++) {
        int64_t start_utc = dataset->planned[i].start_utc;

        if (start_utc >= window->start_utc && start_utc < window->end_utc) {
            dataset->planned[kept++] = dataset->planned[i];
        }
    }
    dataset->planned_count = kept;
}

static void narrow_amendments(struct dataset *dataset, const struct narrow_window *window)
{
    size_t kept = 0;

    for (size_t i = 0; i < dataset->amendments_count; i++) {
        const struct amendment_row *row = &dataset->amendments[i];

        if (row->is_void || is_within(window, row->ts_utc)) {
            dataset->amendments[kept++] = *row;
        }
    }
    dataset->amendments_count = kept;
}

int narrow_dataset(struct dataset *dataset, const struct narrow_window *window)
{
    bool *wanted = calloc(dataset_text_count(dataset), sizeof *wanted);

    if (wanted == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < dataset->events_count; i++) {
        if (bears(window, &dataset->events[i])) {
            wanted[dataset->events[i].event_id] = true;
        }
    }
    narrow_events(dataset, wanted);
    narrow_planned(dataset, window);
    narrow_amendments(dataset, window);
    free(wanted);
    return 0;
}
