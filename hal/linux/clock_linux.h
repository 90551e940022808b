/*
 * clock_linux.h - hal_clock on the kernel's clocks.
 *
 * Boot time is CLOCK_BOOTTIME. Wall time is believed as far as the kernel says: synced when
 * adjtimex() does not report it as unsynchronised, with its own maximum error; rtc when the kernel
 * set it from a battery clock at boot (hctosys); else unset. The verdict is renewed once a second.
 *
 * Ownership: the struct is the caller's and holds nothing that must be released.
 */
#ifndef ECM_HAL_LINUX_CLOCK_LINUX_H
#define ECM_HAL_LINUX_CLOCK_LINUX_H

#include <stdbool.h>

#include "hal/clock.h"

struct clock_linux {
    struct hal_clock base; /* first */
    bool has_rtc;          /* the kernel set the clock from it */
    uint64_t judged_us;    /* boot time of the verdict below; 0: none yet */
    enum hal_clock_trust trust;
    uint32_t uncertainty_ms;
};

/* 0, or -EIO when the kernel does not tell its boot id. */
int clock_linux_open(struct clock_linux *clock);

#endif
