/*
 * layout.h - what both images, boot loader and application, know of the flash they lie in.
 */
#ifndef ECM_FIRMWARE_PICO_LAYOUT_H
#define ECM_FIRMWARE_PICO_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "firmware/boot/control.h"

enum { LAYOUT_WATCHDOG_MS = 8000 };

extern const struct boot_layout layout;

/* The slot this program was linked for, by its own address. */
uint8_t layout_running_slot(void);

/* Whether the program that runs has still to prove itself. */
bool layout_is_on_trial(struct hal_flash *flash);

#endif
