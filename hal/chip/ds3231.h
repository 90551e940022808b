/*
 * ds3231.h - the battery clock DS3231 over hal/i2c.h.
 *
 * It counts civil time in UTC, years 2000 to 2199 (its century bit is kept), and remembers whether
 * it ever stopped: after an empty battery its time is worth nothing, and reading says so. It is off
 * by at most 2 ppm, a minute a year (3.5 ppm below 0 and above 40 degrees Celsius).
 *
 * Source: Maxim DS3231 data sheet, rev 10: registers in table 1, oscillator stop flag (OSF) in 0Fh.
 * Threads: one. Blocking: a transfer of 9 bytes, 1 ms at 100 kHz.
 * Errors:  -ENODEV nobody there; -EIO the bus; -EBADMSG registers that are no time; -ENODATA the clock
 *          has stopped since it was set.
 */
#ifndef ECM_HAL_CHIP_DS3231_H
#define ECM_HAL_CHIP_DS3231_H

#include <stdbool.h>
#include <stdint.h>

#include "hal/i2c.h"

enum {
    DS3231_ADDRESS = 0x68,
    DS3231_RESOLUTION_MS = 1000, /* it tells whole seconds, as they begin */
};

/* Unix seconds UTC. 0 and *ret_unix_s, or an error. */
int ds3231_read(struct hal_i2c *i2c, int64_t *ret_unix_s);

/* Set it, and clear the flag that it had stopped. -EINVAL outside 2000 to 2199. */
int ds3231_write(struct hal_i2c *i2c, int64_t unix_s);

#endif
