/*
 * pn532_hsu.h - a PN532 on its high speed UART (115200 8N1).
 *
 * A stream has no chip select: frames are found by their start code, noise between them is
 * dropped, and the first bytes after a sleep are a wake-up call that the chip throws away.
 *
 * Source: UM0701-02 section 6.2.3.
 * Ownership: the struct is the caller's; it borrows serial and clock for its whole life.
 */
#ifndef ECM_HAL_CHIP_PN532_HSU_H
#define ECM_HAL_CHIP_PN532_HSU_H

#include <stdbool.h>

#include "hal/chip/pn532_frame.h"
#include "hal/chip/pn532_link.h"
#include "hal/clock.h"
#include "hal/serial.h"

struct pn532_hsu {
    struct pn532_link link; /* first */
    struct hal_serial *serial;
    struct hal_clock *clock;
    bool has_noise; /* bytes that are no frame were dropped since the last one */
    size_t size;    /* bytes in buffer */
    uint8_t buffer[PN532_FRAME_MAX + 32];
};

void pn532_hsu_init(struct pn532_hsu *link, struct hal_serial *serial, struct hal_clock *clock);

#endif
