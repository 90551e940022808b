/*
 * spi_pico.h - a device on an RP2040 SPI bus (hal/spi.h); chip select is a GPIO.
 *
 * The PL022 drops its own chip select between bytes in mode 0 and cannot hold it before the
 * first, so it is driven here.
 *
 * Ownership: the struct is the caller's. One device a bus.
 */
#ifndef ECM_HAL_PICO_SPI_PICO_H
#define ECM_HAL_PICO_SPI_PICO_H

#include "hal/spi.h"

struct spi_pico_pins {
    unsigned sck;
    unsigned mosi;
    unsigned miso;
    unsigned cs;
};

struct spi_pico {
    struct hal_spi spi; /* first */
    unsigned bus;       /* 0 or 1 */
    unsigned cs;
};

void spi_pico_init(
    struct spi_pico *spi, unsigned bus, const struct spi_pico_pins *pins, unsigned hz);

#endif
