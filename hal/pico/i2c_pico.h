/*
 * i2c_pico.h - a device on I2C0 of an RP2040 (hal/i2c.h), with the pull-ups of the chip on.
 *
 * Ownership: the struct is the caller's. One device.
 */
#ifndef ECM_HAL_PICO_I2C_PICO_H
#define ECM_HAL_PICO_I2C_PICO_H

#include "hal/i2c.h"

struct i2c_pico {
    struct hal_i2c i2c; /* first */
    uint8_t address;
};

void i2c_pico_init(struct i2c_pico *i2c, unsigned sda, unsigned scl, unsigned hz, uint8_t address);

#endif
