/*
 * fake_serial.h - a hal_serial that fails on demand, in front of another one.
 *
 * Ownership: the struct is the caller's; inner and clock are borrowed and may be NULL. Without
 *            inner nothing ever comes; without clock too, reading does not even wait.
 */
#ifndef ECM_HAL_FAKE_FAKE_SERIAL_H
#define ECM_HAL_FAKE_FAKE_SERIAL_H

#include "hal/clock.h"
#include "hal/fake/fake_fail.h"
#include "hal/serial.h"

struct fake_serial {
    struct hal_serial base; /* first */
    struct hal_serial *inner;
    struct hal_clock *clock; /* without inner: reading sleeps on it */
    struct fake_fail fail;   /* counts read, write and flush; a failing one is -EIO */
};

void fake_serial_init(struct fake_serial *serial, struct hal_serial *inner);

#endif
