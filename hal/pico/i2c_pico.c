/*
 * i2c_pico.c - a write, a repeated start, a read.
 */
#include "hal/pico/i2c_pico.h"

#include <errno.h>

#include <hardware/gpio.h>
#include <hardware/i2c.h>
#include <pico/error.h>

enum { TIMEOUT_US = HAL_I2C_TIMEOUT_MS * 1000 };

static int code_from(int rc)
{
    if (rc >= 0) {
        return 0;
    }
    return rc == PICO_ERROR_GENERIC ? -ENODEV : -EIO; /* generic: nobody acknowledged */
}

static int transfer(
    struct hal_i2c *base, const uint8_t *tx, size_t tx_size, uint8_t *rx, size_t rx_size)
{
    const struct i2c_pico *i2c = (const struct i2c_pico *)base;
    int rc = 0;

    if (tx_size > HAL_I2C_TRANSFER_MAX || rx_size > HAL_I2C_TRANSFER_MAX) {
        return -EINVAL;
    }
    if (tx_size > 0) {
        rc = code_from(
            i2c_write_timeout_us(i2c0, i2c->address, tx, tx_size, rx_size > 0, TIMEOUT_US));
    }
    if (rc == 0 && rx_size > 0) {
        rc = code_from(i2c_read_timeout_us(i2c0, i2c->address, rx, rx_size, false, TIMEOUT_US));
    }
    return rc;
}

static const struct hal_i2c_ops i2c_pico_ops = {.transfer = transfer};

void i2c_pico_init(struct i2c_pico *i2c, unsigned sda, unsigned scl, unsigned hz, uint8_t address)
{
    *i2c = (struct i2c_pico){.i2c = {.ops = &i2c_pico_ops}, .address = address};
    (void)i2c_init(i2c0, hz);
    gpio_set_function(sda, GPIO_FUNC_I2C);
    gpio_set_function(scl, GPIO_FUNC_I2C);
    gpio_pull_up(sda);
    gpio_pull_up(scl);
}
