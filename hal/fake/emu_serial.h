/*
 * emu_serial.h - an emu_pn532 as a hal_serial (its high speed UART), with its RESET line.
 *
 * Waiting for bytes sleeps on the emulator's clock until the chip has something to say.
 *
 * Ownership: the struct is the caller's; the emulator is borrowed.
 */
#ifndef ECM_HAL_FAKE_EMU_SERIAL_H
#define ECM_HAL_FAKE_EMU_SERIAL_H

#include "hal/fake/emu_pn532.h"
#include "hal/gpio.h"
#include "hal/serial.h"

struct emu_serial {
    struct hal_serial serial; /* first */
    struct hal_gpio_out reset;
    struct emu_pn532 *emu;
    uint32_t byte_ns; /* wire time of a byte, 86806 (115200 baud, 8N1) unless changed */
};

void emu_serial_init(struct emu_serial *port, struct emu_pn532 *emu);

#endif
