/*
 * fake_serial.h - a hal_serial that fails on demand, in front of another one.
 *
 * Ownership: the struct is the caller's; inner is borrowed, NULL means a line on which nothing
 * ever comes (reading does not wait then).
 */
#ifndef ECM_HAL_FAKE_FAKE_SERIAL_H
#define ECM_HAL_FAKE_FAKE_SERIAL_H

#include "hal/fake/fake_fail.h"
#include "hal/serial.h"

struct fake_serial {
    struct hal_serial base; /* first */
    struct hal_serial *inner;
    struct fake_fail fail; /* counts read, write and flush; a failing one is -EIO */
};

void fake_serial_init(struct fake_serial *serial, struct hal_serial *inner);

#endif
