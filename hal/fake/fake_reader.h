/*
 * fake_reader.h - a hal_reader that plays a list of events by the clock.
 *
 * Ownership: the struct is the caller's; clock and events are borrowed.
 */
#ifndef ECM_HAL_FAKE_FAKE_READER_H
#define ECM_HAL_FAKE_FAKE_READER_H

#include <stddef.h>

#include "hal/clock.h"
#include "hal/reader.h"

struct fake_reader_step {
    uint64_t at_us; /* boot time from which poll() reports it; never before the step in front */
    struct hal_reader_event event;
};

struct fake_reader {
    struct hal_reader base; /* first */
    struct hal_clock *clock;
    const struct fake_reader_step *steps;
    size_t count;
    size_t next;
};

void fake_reader_init(struct fake_reader *reader, const char *name, struct hal_clock *clock);

/* Play steps from the first. */
void fake_reader_play(
    struct fake_reader *reader, const struct fake_reader_step *steps, size_t count);

#endif
