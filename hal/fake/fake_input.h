/*
 * fake_input.h - a contact that a test moves, with a queue like the kernel's, and that fails on
 * demand.
 *
 * Ownership: the struct is the caller's; clock is borrowed.
 */
#ifndef ECM_HAL_FAKE_FAKE_INPUT_H
#define ECM_HAL_FAKE_FAKE_INPUT_H

#include <stddef.h>

#include "hal/clock.h"
#include "hal/fake/fake_fail.h"
#include "hal/input.h"

enum { FAKE_INPUT_EDGES_MAX = 16 };

struct fake_input {
    struct hal_input base; /* first */
    struct hal_clock *clock;
    struct fake_fail fail; /* counts read_edge and level */
    int fd;                /* what fd() says: HAL_INPUT_NO_FD, or HAL_INPUT_TOLD when set so */
    bool level;
    size_t count; /* of edges that nobody has read */
    struct {
        bool level;
        uint64_t at_us;
    } edges[FAKE_INPUT_EDGES_MAX];
};

/* The line starts at level, without an edge. */
void fake_input_init(struct fake_input *input, struct hal_clock *clock, bool level);

/* It moves to level at this moment of clock; nothing when it is there. The seventeenth edge that
 * nobody has read is lost, the level is not. */
void fake_input_set(struct fake_input *input, bool level);

#endif
