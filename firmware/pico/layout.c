/*
 * layout.c - the parts of the flash.
 */
#include "firmware/pico/layout.h"

#include "boards/pico-reader.h"

#include <hardware/regs/addressmap.h>

extern const char __flash_binary_start; /* by the linker */

const struct boot_layout layout = {
    .control = BOARD_FLASH_CONTROL,
    .slot = {BOARD_FLASH_SLOT_A, BOARD_FLASH_SLOT_B},
    .slot_size = BOARD_FLASH_SLOT_SIZE,
};

uint8_t layout_running_slot(void)
{
    return (uintptr_t)&__flash_binary_start - XIP_BASE >= BOARD_FLASH_SLOT_B ? 1 : 0;
}

bool layout_is_on_trial(struct hal_flash *flash)
{
    struct control control;

    return control_load(&control, flash, &layout) == 0 &&
           control.state.slot[layout_running_slot()].state == BOOT_TRIAL;
}
