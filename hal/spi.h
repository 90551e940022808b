/*
 * spi.h - one device on a serial peripheral bus.
 *
 * An exchange is one chip-select period: select, optional wake-up pause, bytes both ways at the
 * same time, deselect. Bytes go out most significant bit first, mode 0, always; a chip that wants
 * the other order gets its bytes reversed by its driver, because few controllers can do it.
 *
 * Threads:  one device belongs to one thread.
 * Blocking: exchange() takes as long as the wire needs.
 */
#ifndef ECM_HAL_SPI_H
#define ECM_HAL_SPI_H

#include <stddef.h>
#include <stdint.h>

enum { HAL_SPI_EXCHANGE_MAX = 512 }; /* bytes of one exchange, at least this many work */

struct hal_spi_exchange {
    const uint8_t *tx; /* NULL: zeros */
    uint8_t *rx;       /* NULL: dropped; may be the same memory as tx */
    size_t size;       /* of each of them */
    uint32_t wake_us;  /* chip select is held this long before the first byte */
};

struct hal_spi;

struct hal_spi_ops {
    /* 0, -EINVAL when size is 0 or too large, -EIO when the bus did not do it. */
    int (*exchange)(struct hal_spi *spi, const struct hal_spi_exchange *exchange);
};

struct hal_spi {
    const struct hal_spi_ops *ops;
};

static inline int hal_spi_exchange(struct hal_spi *spi, const struct hal_spi_exchange *exchange)
{
    return spi->ops->exchange(spi, exchange);
}

#endif
