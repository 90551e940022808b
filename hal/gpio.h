/*
 * gpio.h - single lines: one that is driven, one that is watched.
 *
 * Levels are physical: true is the high voltage. Whether low means "active" is the driver's
 * knowledge, not the line's.
 *
 * A watched line reports falling edges. An edge that happened before the line was armed is no
 * event, so never wait for an edge without looking at the level first.
 *
 * Threads:  one line belongs to one thread.
 * Blocking: only wait_edge().
 */
#ifndef ECM_HAL_GPIO_H
#define ECM_HAL_GPIO_H

#include <stdbool.h>
#include <stdint.h>

enum {
    HAL_GPIO_NO_FD = -1, /* nothing to poll(): look at the level every few milliseconds */
    HAL_GPIO_TOLD = -2,  /* nothing to poll(), but who moves the line also wakes its owner */
};

struct hal_gpio_out;
struct hal_gpio_in;

struct hal_gpio_out_ops {
    /* 0, or -EIO. */
    int (*set)(struct hal_gpio_out *line, bool level);
};

struct hal_gpio_in_ops {
    /* 0 low, 1 high, -EIO. */
    int (*level)(struct hal_gpio_in *line);
    /*
     * Wait for a falling edge, then forget all that are queued. 1 when there was one, 0 when
     * there was none in timeout_us, -EIO. A timeout of 0 only forgets what is queued.
     */
    int (*wait_edge)(struct hal_gpio_in *line, uint64_t timeout_us);
    /* A descriptor that is readable while edges are queued, HAL_GPIO_NO_FD or HAL_GPIO_TOLD. */
    int (*fd)(struct hal_gpio_in *line);
};

struct hal_gpio_out {
    const struct hal_gpio_out_ops *ops;
};

struct hal_gpio_in {
    const struct hal_gpio_in_ops *ops;
};

static inline int hal_gpio_set(struct hal_gpio_out *line, bool level)
{
    return line->ops->set(line, level);
}

static inline int hal_gpio_level(struct hal_gpio_in *line)
{
    return line->ops->level(line);
}

static inline int hal_gpio_wait_edge(struct hal_gpio_in *line, uint64_t timeout_us)
{
    return line->ops->wait_edge(line, timeout_us);
}

static inline int hal_gpio_fd(struct hal_gpio_in *line)
{
    return line->ops->fd(line);
}

#endif
