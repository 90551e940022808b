/*
 * clock_pico.h - the clock of an RP2040: its 64-bit microsecond timer, which starts at 0 with every
 * reset and does not stop in sleep.
 *
 * It knows no wall time and says so (HAL_CLOCK_UNSET): that is the link's (firmware/link/timesync.h).
 *
 * Ownership: the struct is the caller's.
 */
#ifndef ECM_HAL_PICO_CLOCK_PICO_H
#define ECM_HAL_PICO_CLOCK_PICO_H

#include "hal/clock.h"

struct clock_pico {
    struct hal_clock base; /* first */
};

/* boot_id comes from random_pico_u64(). */
void clock_pico_init(struct clock_pico *clock);

/* A random number from the jitter of the ring oscillator, which is good enough to tell boots and
 * logs apart; for keys see docs/READER.md. Never 0. */
uint64_t random_pico_u64(void);

#endif
