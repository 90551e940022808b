/*
 * flash_pico.c - a page or a sector at a time, with interrupts off.
 */
#include "hal/pico/flash_pico.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <hardware/flash.h>
#include <hardware/sync.h>
#include <hardware/watchdog.h>

static bool is_inside(const struct hal_flash *flash, uint32_t offset, uint32_t size)
{
    return offset <= flash->size && size <= flash->size - offset;
}

static int read_bytes(struct hal_flash *flash, uint32_t offset, void *bytes, uint32_t size)
{
    if (!is_inside(flash, offset, size)) {
        return -EINVAL;
    }
    /* Past the cache: what was there before a program or an erase may still be in it. */
    memcpy(bytes, (const void *)(XIP_NOCACHE_NOALLOC_BASE + offset), size);
    return 0;
}

static int program(struct hal_flash *flash, uint32_t offset, const uint8_t *bytes, uint32_t size)
{
    if (!is_inside(flash, offset, size) || (offset | size) % HAL_FLASH_PAGE != 0) {
        return -EINVAL;
    }
    for (uint32_t at = 0; at < size; at += HAL_FLASH_PAGE) {
        uint32_t state = save_and_disable_interrupts();

        flash_range_program(offset + at, bytes + at, HAL_FLASH_PAGE);
        restore_interrupts(state);
        watchdog_update();
    }
    return 0;
}

static int erase(struct hal_flash *flash, uint32_t offset, uint32_t size)
{
    if (!is_inside(flash, offset, size) || (offset | size) % HAL_FLASH_SECTOR != 0) {
        return -EINVAL;
    }
    for (uint32_t at = 0; at < size; at += HAL_FLASH_SECTOR) {
        uint32_t state = save_and_disable_interrupts();

        flash_range_erase(offset + at, HAL_FLASH_SECTOR);
        restore_interrupts(state);
        watchdog_update();
    }
    return 0;
}

static const struct hal_flash_ops flash_pico_ops = {
    .read = read_bytes, .program = program, .erase = erase};

void flash_pico_init(struct flash_pico *flash)
{
    *flash = (struct flash_pico){.flash = {.ops = &flash_pico_ops, .size = PICO_FLASH_SIZE_BYTES}};
}
