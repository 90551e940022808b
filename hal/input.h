/*
 * input.h - a contact or a button: a line whose changes are told with their time.
 *
 * gpio.h watches a line for one driver that waits for it. This one is for people and doors: both
 * edges matter, and one that came while the program was waiting for a disk must not be lost. So
 * edges queue (in the kernel), each with its own time, and level() is the truth when the queue was
 * too small: who has read all edges looks at the level last.
 *
 * Levels are physical, bounces are included: see gateway/contact.h for what is made of them.
 *
 * Ownership: who opened it closes it by the port's own function.
 * Threads:   one input belongs to one thread.
 * Blocking:  nothing here waits.
 */
#ifndef ECM_HAL_INPUT_H
#define ECM_HAL_INPUT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    HAL_INPUT_NO_FD = -1, /* nothing to poll(): read the edges every few milliseconds */
    HAL_INPUT_TOLD = -2,  /* nothing to poll(), but who moves the line also wakes its owner */
};

enum hal_input_bias {
    HAL_INPUT_PULL_UP,
    HAL_INPUT_PULL_DOWN,
    HAL_INPUT_NO_BIAS, /* the board has a resistor of its own */
};

struct hal_input_edge {
    bool level;      /* after the edge: true is the high voltage */
    uint64_t age_us; /* how long ago it was */
};

struct hal_input;

struct hal_input_ops {
    /* The oldest edge that nobody has read: 1; none: 0; -EIO. The queue holds 16 or more; what does
     * not fit in it is lost. */
    int (*read_edge)(struct hal_input *input, struct hal_input_edge *ret_edge);
    /* 0 low, 1 high, -EIO. */
    int (*level)(struct hal_input *input);
    /* A descriptor that is readable while edges are queued, HAL_INPUT_NO_FD or HAL_INPUT_TOLD. */
    int (*fd)(struct hal_input *input);
};

struct hal_input {
    const struct hal_input_ops *ops;
};

static inline int hal_input_read_edge(struct hal_input *input, struct hal_input_edge *ret_edge)
{
    return input->ops->read_edge(input, ret_edge);
}

static inline int hal_input_level(struct hal_input *input)
{
    return input->ops->level(input);
}

static inline int hal_input_fd(struct hal_input *input)
{
    return input->ops->fd(input);
}

#endif
