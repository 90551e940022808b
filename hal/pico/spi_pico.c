/*
 * spi_pico.c - one exchange is one chip-select period.
 */
#include "hal/pico/spi_pico.h"

#include <errno.h>

#include <hardware/gpio.h>
#include <hardware/spi.h>
#include <pico/time.h>

static void move_bytes(spi_inst_t *bus, const struct hal_spi_exchange *exchange)
{
    if (exchange->tx != NULL && exchange->rx != NULL) {
        (void)spi_write_read_blocking(bus, exchange->tx, exchange->rx, exchange->size);
    } else if (exchange->tx != NULL) {
        (void)spi_write_blocking(bus, exchange->tx, exchange->size);
    } else if (exchange->rx != NULL) {
        (void)spi_read_blocking(bus, 0, exchange->rx, exchange->size);
    } else {
        for (size_t i = 0; i < exchange->size; i++) {
            const uint8_t zero = 0;

            (void)spi_write_blocking(bus, &zero, 1);
        }
    }
}

static int exchange_bytes(struct hal_spi *base, const struct hal_spi_exchange *exchange)
{
    const struct spi_pico *spi = (const struct spi_pico *)base;

    if (exchange->size == 0 || exchange->size > HAL_SPI_EXCHANGE_MAX) {
        return -EINVAL;
    }
    gpio_put(spi->cs, false);
    if (exchange->wake_us > 0) {
        sleep_us(exchange->wake_us);
    }
    move_bytes(SPI_INSTANCE(spi->bus), exchange);
    gpio_put(spi->cs, true);
    return 0;
}

static const struct hal_spi_ops spi_pico_ops = {.exchange = exchange_bytes};

void spi_pico_init(
    struct spi_pico *spi, unsigned bus, const struct spi_pico_pins *pins, unsigned hz)
{
    *spi = (struct spi_pico){.spi = {.ops = &spi_pico_ops}, .bus = bus, .cs = pins->cs};
    (void)spi_init(SPI_INSTANCE(bus), hz); /* mode 0, 8 bits, most significant first: its preset */
    gpio_set_function(pins->sck, GPIO_FUNC_SPI);
    gpio_set_function(pins->mosi, GPIO_FUNC_SPI);
    gpio_set_function(pins->miso, GPIO_FUNC_SPI);
    gpio_init(pins->cs);
    gpio_put(pins->cs, true);
    gpio_set_dir(pins->cs, GPIO_OUT);
}
