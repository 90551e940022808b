/*
 * pn532_spi.h - a PN532 on SPI, with or without its IRQ line.
 *
 * The chip sends and takes the least significant bit first, the bus (hal/spi.h) the most
 * significant: bytes are reversed here. With an IRQ line the bus is quiet until the chip has
 * something to say; without one its status byte is asked for every millisecond.
 *
 * Source: UM0701-02 section 6.2.5, AN10609_3 (mode 0, IRQ handshake).
 * Ownership: the struct is the caller's; it borrows spi, irq and clock for its whole life.
 */
#ifndef ECM_HAL_CHIP_PN532_SPI_H
#define ECM_HAL_CHIP_PN532_SPI_H

#include <stdbool.h>

#include "hal/chip/pn532_frame.h"
#include "hal/chip/pn532_link.h"
#include "hal/clock.h"
#include "hal/gpio.h"
#include "hal/spi.h"

enum { PN532_SPI_READ_MAX = PN532_FRAME_MAX + 8 }; /* 8: a preamble may be longer */

struct pn532_spi {
    struct pn532_link link; /* first */
    struct hal_spi *spi;
    struct hal_gpio_in *irq; /* or NULL */
    struct hal_clock *clock;
    bool wake_next;
    uint8_t buffer[1 + PN532_SPI_READ_MAX];
};

/* irq may be NULL. */
void pn532_spi_init(
    struct pn532_spi *link, struct hal_spi *spi, struct hal_gpio_in *irq, struct hal_clock *clock);

#endif
