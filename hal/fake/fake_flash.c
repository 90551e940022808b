/*
 * fake_flash.c - see fake_flash.h.
 */
#include "hal/fake/fake_flash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WEAK_CELLS_MAX = 4 }; /* of a sector whose erase was cut near its end */

/* splitmix64 */
static uint64_t draw(struct fake_flash *flash)
{
    uint64_t z = flash->random += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static void stick_worn(struct fake_flash *flash)
{
    for (uint32_t i = 0; i < flash->worn_count; i++) {
        flash->bytes[flash->worn[i].offset] = flash->worn[i].value;
    }
}

static void pass_time(struct fake_flash *flash, uint64_t us)
{
    if (flash->clock != NULL) {
        fake_clock_advance_us(flash->clock, us);
    }
}

/* Use one unit. Whether the power goes in it. */
static bool is_cut(struct fake_flash *flash)
{
    flash->units++;
    if (flash->cut_at != 0 && flash->units >= flash->cut_at) {
        flash->is_dead = true;
    }
    return flash->is_dead;
}

static bool is_refused(struct fake_flash *flash)
{
    flash->busy_calls += flash->is_busy ? 1 : 0;
    return flash->is_dead || flash->is_busy;
}

static bool is_inside(const struct fake_flash *flash, uint32_t offset, uint32_t size)
{
    return offset <= flash->base.size && size <= flash->base.size - offset;
}

static int read_bytes(struct hal_flash *base, uint32_t offset, void *bytes, uint32_t size)
{
    struct fake_flash *flash = (struct fake_flash *)base;

    if (!is_inside(flash, offset, size)) {
        return -EINVAL;
    }
    if (is_refused(flash) || fake_fail_now(&flash->fail_read)) {
        return -EIO;
    }
    memcpy(bytes, flash->bytes + offset, size);
    return 0;
}

/* ---- program ------------------------------------------------------------------------------ */

static void program_byte(struct fake_flash *flash, uint32_t offset, uint8_t byte)
{
    flash->raised += (byte & ~flash->bytes[offset]) != 0 ? 1 : 0;
    flash->bytes[offset] &= byte;
    flash->weak[offset] &= byte; /* a bit that was programmed is firm */
}

/* The power goes in this byte: some of the bits that were to become 0 have, weakly. */
static void program_torn(struct fake_flash *flash, uint32_t offset, uint8_t byte)
{
    uint8_t wanted = (uint8_t)(flash->bytes[offset] & ~byte);
    uint8_t weak = wanted & (uint8_t)draw(flash);

    flash->weak[offset] |= weak;
    flash->bytes[offset] &= (uint8_t) ~(weak & (uint8_t)draw(flash));
}

static int program_pages(
    struct hal_flash *base, uint32_t offset, const uint8_t *bytes, uint32_t size)
{
    struct fake_flash *flash = (struct fake_flash *)base;
    uint32_t todo = size;
    bool fails = false;

    if (!is_inside(flash, offset, size) || (offset | size) % HAL_FLASH_PAGE != 0) {
        return -EINVAL;
    }
    if (is_refused(flash)) {
        return -EIO;
    }
    fails = fake_fail_now(&flash->fail_program);
    if (fails) {
        todo = flash->fails_half ? size / 2 : 0;
    }
    flash->is_busy = true;
    flash->programs += size / HAL_FLASH_PAGE;
    pass_time(flash, (uint64_t)size / HAL_FLASH_PAGE * FAKE_FLASH_PAGE_US);
    fails |= is_cut(flash);
    for (uint32_t i = 0; i < todo && !flash->is_dead; i++) {
        if (bytes[i] == 0xFF) {
            continue;
        }
        if (is_cut(flash)) {
            program_torn(flash, offset + i, bytes[i]);
        } else {
            program_byte(flash, offset + i, bytes[i]);
        }
    }
    stick_worn(flash);
    flash->is_busy = false;
    return fails || flash->is_dead ? -EIO : 0;
}

/* ---- erase -------------------------------------------------------------------------------- */

/* Nearly erased: a few cells hold so little charge that they read as 1, mostly. */
static void erase_nearly(struct fake_flash *flash, uint32_t offset)
{
    uint64_t count = 1 + draw(flash) % WEAK_CELLS_MAX;

    memset(flash->bytes + offset, 0xFF, HAL_FLASH_SECTOR);
    memset(flash->weak + offset, 0, HAL_FLASH_SECTOR);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t dice = draw(flash);

        flash->weak[offset + dice % HAL_FLASH_SECTOR] |= (uint8_t)(1u << (dice >> 16) % 8);
    }
}

/* The sector after stage of FAKE_FLASH_ERASE_UNITS: more and more cells read as 1, few firmly. */
static void erase_torn(struct fake_flash *flash, uint32_t offset, int stage)
{
    if (stage == 0) {
        return;
    }
    if (stage >= FAKE_FLASH_ERASE_UNITS - 2) {
        erase_nearly(flash, offset);
        return;
    }
    for (uint32_t i = offset; i < offset + HAL_FLASH_SECTOR; i++) {
        uint64_t dice = draw(flash);
        uint8_t some = (uint8_t)(dice & (dice >> 8) & (dice >> 16)); /* an eighth of the bits */
        uint8_t most = (uint8_t)(dice | (dice >> 8) | (dice >> 16));

        flash->bytes[i] |= stage < FAKE_FLASH_ERASE_UNITS / 2 ? some : most;
        flash->weak[i] |= some;
    }
}

static int erase_sectors(struct hal_flash *base, uint32_t offset, uint32_t size)
{
    struct fake_flash *flash = (struct fake_flash *)base;
    bool fails = false;

    if (!is_inside(flash, offset, size) || (offset | size) % HAL_FLASH_SECTOR != 0) {
        return -EINVAL;
    }
    if (is_refused(flash)) {
        return -EIO;
    }
    fails = fake_fail_now(&flash->fail_erase);
    flash->is_busy = true;
    for (uint32_t at = offset; at < offset + size && !flash->is_dead; at += HAL_FLASH_SECTOR) {
        pass_time(flash, FAKE_FLASH_SECTOR_US);
        flash->erases[at / HAL_FLASH_SECTOR]++;
        if (fails) {
            erase_torn(flash, at, flash->fails_half ? FAKE_FLASH_ERASE_UNITS / 2 : 0);
            break;
        }
        for (int stage = 0; stage < FAKE_FLASH_ERASE_UNITS && !flash->is_dead; stage++) {
            if (is_cut(flash)) {
                erase_torn(flash, at, stage);
            }
        }
        if (!flash->is_dead) {
            memset(flash->bytes + at, 0xFF, HAL_FLASH_SECTOR);
            memset(flash->weak + at, 0, HAL_FLASH_SECTOR);
        }
    }
    stick_worn(flash);
    flash->is_busy = false;
    return fails || flash->is_dead ? -EIO : 0;
}

static const struct hal_flash_ops fake_flash_ops = {
    .read = read_bytes, .program = program_pages, .erase = erase_sectors};

int fake_flash_init(struct fake_flash *flash, uint32_t size, uint64_t seed)
{
    *flash = (struct fake_flash){.base = {.ops = &fake_flash_ops, .size = size}, .random = seed};
    flash->bytes = malloc(size);
    flash->weak = calloc(size, 1);
    flash->erases = calloc(size / HAL_FLASH_SECTOR, sizeof *flash->erases);
    if (flash->bytes == NULL || flash->weak == NULL || flash->erases == NULL) {
        fake_flash_done(flash);
        return -ENOMEM;
    }
    memset(flash->bytes, 0xFF, size);
    return 0;
}

void fake_flash_done(struct fake_flash *flash)
{
    free(flash->bytes);
    free(flash->weak);
    free(flash->erases);
    flash->bytes = NULL;
    flash->weak = NULL;
    flash->erases = NULL;
}

void fake_flash_age(struct fake_flash *flash)
{
    for (uint32_t i = 0; i < flash->base.size; i++) {
        uint64_t eight = 0;

        memcpy(&eight, flash->weak + i / 8 * 8, sizeof eight);
        if (eight == 0) {
            i |= 7; /* nearly all are firm */
        } else if (flash->weak[i] != 0) {
            flash->bytes[i] = (uint8_t)((flash->bytes[i] & ~flash->weak[i]) |
                                        (flash->weak[i] & (uint8_t)draw(flash)));
        }
    }
    stick_worn(flash);
}

void fake_flash_power_on(struct fake_flash *flash)
{
    flash->is_dead = false;
    flash->cut_at = 0;
    fake_flash_age(flash);
}

void fake_flash_wear_out(struct fake_flash *flash, uint32_t offset, uint8_t value)
{
    if (flash->worn_count == FAKE_FLASH_WORN_MAX) {
        abort();
    }
    flash->worn[flash->worn_count].offset = offset;
    flash->worn[flash->worn_count].value = value;
    flash->worn_count++;
    stick_worn(flash);
}
