/*
 * i2c.h - one device on an I2C bus.
 *
 * Threads:  one device belongs to one thread.
 * Blocking: as long as the wire needs, at most HAL_I2C_TIMEOUT_MS.
 */
#ifndef ECM_HAL_I2C_H
#define ECM_HAL_I2C_H

#include <stddef.h>
#include <stdint.h>

enum { HAL_I2C_TIMEOUT_MS = 20, HAL_I2C_TRANSFER_MAX = 32 };

struct hal_i2c;

struct hal_i2c_ops {
    /*
     * Write tx_size bytes, then, after a repeated start, read rx_size bytes; either size may be 0.
     * 0; -ENODEV when nobody answers at this address; -EINVAL a size; -EIO when the bus did not do it.
     */
    int (*transfer)(
        struct hal_i2c *i2c, const uint8_t *tx, size_t tx_size, uint8_t *rx, size_t rx_size);
};

struct hal_i2c {
    const struct hal_i2c_ops *ops;
};

static inline int hal_i2c_transfer(
    struct hal_i2c *i2c, const uint8_t *tx, size_t tx_size, uint8_t *rx, size_t rx_size)
{
    return i2c->ops->transfer(i2c, tx, tx_size, rx, rx_size);
}

#endif
