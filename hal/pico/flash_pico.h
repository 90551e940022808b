/*
 * flash_pico.h - the flash chip of a Pico (hal/flash.h), which the program also runs from.
 *
 * Meanwhile nothing runs from flash: interrupts are off and the SDK's own functions are in RAM. Each
 * page and each sector is an operation of its own, so that between two of them interrupts are
 * taken and the watchdog is fed.
 *
 * Ownership: the struct is the caller's. One core only: the second one is never started.
 */
#ifndef ECM_HAL_PICO_FLASH_PICO_H
#define ECM_HAL_PICO_FLASH_PICO_H

#include "hal/flash.h"

struct flash_pico {
    struct hal_flash flash; /* first */
};

void flash_pico_init(struct flash_pico *flash);

#endif
