/*
 * fake_clock.h - a clock that moves only when told to.
 *
 * Sleeping moves it on by exactly the time slept, so code that waits runs at once.
 *
 * Ownership: the struct is the caller's.
 * Threads:   one clock belongs to one thread.
 */
#ifndef ECM_HAL_FAKE_FAKE_CLOCK_H
#define ECM_HAL_FAKE_FAKE_CLOCK_H

#include <stdint.h>

#include "hal/clock.h"

struct fake_clock {
    struct hal_clock base; /* first */
    uint64_t boot_us;
    int64_t wall_minus_boot_us;
    enum hal_clock_trust trust;
    uint32_t uncertainty_ms;
};

/* A machine that has just booted, its wall clock showing wall_ms and not to be trusted. */
void fake_clock_init(struct fake_clock *clock, uint64_t boot_id, int64_t wall_ms);

void fake_clock_advance_us(struct fake_clock *clock, uint64_t duration_us);

/* Move to a boot time; a time already past is ignored. */
void fake_clock_advance_to_us(struct fake_clock *clock, uint64_t boot_us);

/* NTP has set the clock to wall_ms and knows it to within uncertainty_ms. */
void fake_clock_sync(struct fake_clock *clock, int64_t wall_ms, uint32_t uncertainty_ms);

/* The wall clock is now believed as far as trust says; what it shows does not change. */
void fake_clock_set_trust(
    struct fake_clock *clock, enum hal_clock_trust trust, uint32_t uncertainty_ms);

/* Step the wall clock; boot time and trust stay. */
void fake_clock_step_wall(struct fake_clock *clock, int64_t delta_ms);

/* Another boot: boot time starts at 0, the wall clock shows wall_ms and is not trusted. */
void fake_clock_reboot(struct fake_clock *clock, uint64_t boot_id, int64_t wall_ms);

#endif
