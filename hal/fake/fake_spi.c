/*
 * fake_spi.c - see fake_spi.h.
 */
#include "hal/fake/fake_spi.h"

#include <errno.h>
#include <string.h>

static int exchange_bytes(struct hal_spi *base, const struct hal_spi_exchange *exchange)
{
    struct fake_spi *spi = (struct fake_spi *)base;

    if (fake_fail_now(&spi->fail)) {
        return -EIO;
    }
    if (spi->inner != NULL) {
        return hal_spi_exchange(spi->inner, exchange);
    }
    if (exchange->rx != NULL) {
        memset(exchange->rx, 0xFF, exchange->size);
    }
    return 0;
}

static const struct hal_spi_ops fake_spi_ops = {.exchange = exchange_bytes};

void fake_spi_init(struct fake_spi *spi, struct hal_spi *inner)
{
    *spi = (struct fake_spi){.base = {.ops = &fake_spi_ops}, .inner = inner};
}
