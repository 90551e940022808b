/*
 * emu_spi.h - an emu_pn532 as a hal_spi with its IRQ and RESET lines.
 *
 * Bytes are reversed here as the wire would see them. Waiting for IRQ sleeps on the emulator's
 * clock until the chip has something to say: a fake_clock jumps there, a real one waits.
 *
 * Ownership: the struct is the caller's; the emulator is borrowed.
 */
#ifndef ECM_HAL_FAKE_EMU_SPI_H
#define ECM_HAL_FAKE_EMU_SPI_H

#include "hal/fake/emu_pn532.h"
#include "hal/gpio.h"
#include "hal/spi.h"

struct emu_spi {
    struct hal_spi spi; /* first */
    struct hal_gpio_in irq;
    struct hal_gpio_out reset;
    struct emu_pn532 *emu;
    uint32_t byte_ns; /* wire time of a byte, 8000 (1 MHz) unless changed */
};

void emu_spi_init(struct emu_spi *port, struct emu_pn532 *emu);

#endif
