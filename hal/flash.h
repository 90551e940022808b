/*
 * flash.h - a NOR flash chip: the one that a microcontroller also runs its program from.
 *
 * Bits:      erasing a sector makes every bit 1; programming can only make bits 0. A programmed
 *            byte is therefore (old AND new): FF leaves a byte as it is, and a page may be
 *            programmed several times as long as each time only fresh bytes are touched. To
 *            program a 1 where a 0 is does nothing and says nothing.
 * Power:     a cut during program leaves the bytes before some point done, one byte with some of
 *            its bits, and the rest as they were. A cut during erase leaves anything at all, also
 *            a sector that reads as blank and is not: its cells hold too little charge and read
 *            differently on another day. Whoever erases must write down that an erase ended.
 * Offsets:   from the start of the chip, in bytes.
 *
 * Threads:   one chip belongs to one thread; on two cores the other one must stand still.
 * Blocking:  read: microseconds. program: 0.7 ms a page (3 ms at worst). erase: 45 ms a sector
 *            (400 ms at worst; W25Q16JV data sheet, section 9.6). On the RP2040 interrupts are
 *            off and nothing runs from flash meanwhile, and the UART overflows after 2.8 ms at
 *            115200 baud: do not erase while the other side may talk.
 * Errors:    -EINVAL an offset or size outside the chip or not aligned; -EIO the chip did not do
 *            it: what lies there now is unknown.
 */
#ifndef ECM_HAL_FLASH_H
#define ECM_HAL_FLASH_H

#include <stddef.h>
#include <stdint.h>

enum {
    HAL_FLASH_PAGE = 256,    /* program: offset and size are multiples of it */
    HAL_FLASH_SECTOR = 4096, /* erase: offset and size are multiples of it */
};

struct hal_flash;

struct hal_flash_ops {
    /* Any offset, any size within the chip. */
    int (*read)(struct hal_flash *flash, uint32_t offset, void *bytes, uint32_t size);
    /* Returns when it is done. Does not verify: read back what matters. bytes is in RAM. */
    int (*program)(struct hal_flash *flash, uint32_t offset, const uint8_t *bytes, uint32_t size);
    int (*erase)(struct hal_flash *flash, uint32_t offset, uint32_t size);
};

struct hal_flash {
    const struct hal_flash_ops *ops;
    uint32_t size; /* bytes of the whole chip */
};

static inline int hal_flash_read(
    struct hal_flash *flash, uint32_t offset, void *bytes, uint32_t size)
{
    return flash->ops->read(flash, offset, bytes, size);
}

static inline int hal_flash_program(
    struct hal_flash *flash, uint32_t offset, const uint8_t *bytes, uint32_t size)
{
    return flash->ops->program(flash, offset, bytes, size);
}

static inline int hal_flash_erase(struct hal_flash *flash, uint32_t offset, uint32_t size)
{
    return flash->ops->erase(flash, offset, size);
}

#endif
