/*
 * clock.h - what time it is, and how far that can be believed.
 *
 * Two clocks: boot time only ever counts up within one boot (CLOCK_BOOTTIME on Linux), wall time
 * is what the calendar says and may step. A port (hal/linux, hal/fake) embeds struct hal_clock as
 * the first member of its own struct.
 *
 * Ownership: whoever opened the port closes it by the port's own function.
 * Threads:   one clock belongs to one thread.
 */
#ifndef ECM_HAL_CLOCK_H
#define ECM_HAL_CLOCK_H

#include <stdint.h>

enum hal_clock_trust {
    HAL_CLOCK_UNSET = 0,  /* nothing ever set the wall clock in this boot */
    HAL_CLOCK_RTC = 1,    /* set from a battery clock */
    HAL_CLOCK_SYNCED = 2, /* the kernel says it is synchronised (NTP) */
};

struct hal_clock_reading {
    uint64_t boot_us; /* since this boot */
    int64_t wall_ms;  /* Unix milliseconds UTC */
    enum hal_clock_trust trust;
    uint32_t uncertainty_ms; /* wall_ms is within this of the truth; UINT32_MAX: unknown */
};

struct hal_clock;

struct hal_clock_ops {
    /* Both clocks at one instant. Cannot fail. */
    void (*read)(struct hal_clock *clock, struct hal_clock_reading *ret_reading);
    /* Wait. A simulated clock moves on instead. */
    void (*sleep_us)(struct hal_clock *clock, uint64_t duration_us);
};

struct hal_clock {
    const struct hal_clock_ops *ops;
    uint64_t boot_id; /* random, another one each boot */
};

static inline void hal_clock_read(struct hal_clock *clock, struct hal_clock_reading *ret_reading)
{
    clock->ops->read(clock, ret_reading);
}

static inline uint64_t hal_clock_boot_us(struct hal_clock *clock)
{
    struct hal_clock_reading reading;

    clock->ops->read(clock, &reading);
    return reading.boot_us;
}

static inline void hal_clock_sleep_us(struct hal_clock *clock, uint64_t duration_us)
{
    clock->ops->sleep_us(clock, duration_us);
}

#endif
