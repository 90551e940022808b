/*
 * clock_pico.h - the clock of an RP2040: its 64-bit microsecond timer, and a wall time it was told.
 *
 * Boot time is the timer, which starts at 0 with every reset. Wall time is unset until somebody who
 * knows (the link to the gateway, a DS3231) sets it; from then on its uncertainty grows by
 * CLOCK_PICO_DRIFT_PPM, which is more than a Pico's crystal is off.
 *
 * Ownership: the struct is the caller's.
 */
#ifndef ECM_HAL_PICO_CLOCK_PICO_H
#define ECM_HAL_PICO_CLOCK_PICO_H

#include "hal/clock.h"

enum { CLOCK_PICO_DRIFT_PPM = 50 };

struct clock_pico {
    struct hal_clock base; /* first */
    int64_t wall_minus_boot_us;
    uint64_t set_us; /* boot time of the last setting */
    enum hal_clock_trust trust;
    uint32_t uncertainty_ms; /* at that moment */
};

/* boot_id comes from random_pico_u64(). */
void clock_pico_init(struct clock_pico *clock);

/* At boot_us it was wall_us, within uncertainty_ms. Boot time does not change. */
void clock_pico_set(struct clock_pico *clock, uint64_t boot_us, int64_t wall_us,
    enum hal_clock_trust trust, uint32_t uncertainty_ms);

/* A random number from the jitter of the ring oscillator. */
uint64_t random_pico_u64(void);

#endif
