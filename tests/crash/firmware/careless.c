/*
 * careless.c - see careless.h.
 */
#include "tests/crash/firmware/careless.h"

#include <stdbool.h>
#include <string.h>

static bool is_all(const uint8_t *bytes, size_t size, uint8_t value)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != value) {
            return false;
        }
    }
    return true;
}

static int read_careless(struct hal_flash *base, uint32_t offset, void *bytes, uint32_t size)
{
    struct careless *careless = (struct careless *)base;
    int rc = hal_flash_read(careless->inner, offset, bytes, size);

    if (rc == 0 && careless->has_kept && offset >= careless->kept_offset &&
        offset + size <= careless->kept_offset + HAL_FLASH_PAGE) {
        memcpy(bytes, careless->kept + (offset - careless->kept_offset), size);
        careless->has_kept = 0; /* once: the read that was to verify */
    }
    return rc;
}

/* Whether the driver thinks that the page need not be programmed. */
static bool is_spared(struct careless *careless, uint32_t offset, const uint8_t *bytes)
{
    uint8_t there[HAL_FLASH_PAGE];

    if (hal_flash_read(careless->inner, offset, there, sizeof there) < 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof there; i++) {
        if ((there[i] & bytes[i]) != there[i]) {
            return false;
        }
    }
    return careless->kind == CARELESS_AGAIN;
}

static int program_careless(
    struct hal_flash *base, uint32_t offset, const uint8_t *bytes, uint32_t size)
{
    struct careless *careless = (struct careless *)base;

    if (careless->kind == CARELESS_VERIFY) {
        careless->kept_offset = offset;
        careless->has_kept = 1;
        memcpy(careless->kept, bytes, HAL_FLASH_PAGE);
    }
    if (size == HAL_FLASH_PAGE && is_spared(careless, offset, bytes)) {
        return 0;
    }
    return hal_flash_program(careless->inner, offset, bytes, size);
}

static int erase_careless(struct hal_flash *base, uint32_t offset, uint32_t size)
{
    struct careless *careless = (struct careless *)base;
    uint8_t there[HAL_FLASH_SECTOR];

    careless->has_kept = 0;
    if (careless->kind == CARELESS_ERASE && size == sizeof there &&
        hal_flash_read(careless->inner, offset, there, size) == 0 &&
        is_all(there, sizeof there, 0xFF)) {
        return 0;
    }
    return hal_flash_erase(careless->inner, offset, size);
}

static const struct hal_flash_ops careless_ops = {
    .read = read_careless, .program = program_careless, .erase = erase_careless};

void careless_init(struct careless *careless, struct hal_flash *inner, enum careless_kind kind)
{
    *careless = (struct careless){
        .base = {.ops = &careless_ops, .size = inner->size}, .inner = inner, .kind = kind};
}
