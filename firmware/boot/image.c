/*
 * image.c - see image.h.
 */
#include "firmware/boot/image.h"

#include <errno.h>
#include <string.h>

#include "firmware/boot/little.h"
#include "hal/crc32.h"

static const uint8_t magic[4] = {'E', 'C', 'M', 'I'};

enum { FORMAT = 1, CRC_AT = IMAGE_PAGE - 4, CHUNK = 256 };

/* Text of a fixed size, filled up with zeros; zeros only at its end. */
static bool get_text(char *ret_text, const uint8_t *at, size_t size)
{
    size_t used = strnlen((const char *)at, size);

    for (size_t i = 0; i < size; i++) {
        if (i < used ? at[i] < 0x20 || at[i] > 0x7E : at[i] != 0) {
            return false;
        }
    }
    if (used == 0 || used == size) {
        return false;
    }
    (void)memcpy(ret_text, at, size);
    return true;
}

void image_put(uint8_t page[static IMAGE_PAGE], const struct image *image)
{
    (void)memset(page, 0xFF, IMAGE_PAGE);
    (void)memcpy(page, magic, sizeof magic);
    page[4] = FORMAT;
    page[5] = image->slot;
    page[6] = page[7] = 0;
    little_put4(page + 8, image->offset);
    little_put4(page + 12, image->size);
    little_put4(page + 16, image->version);
    (void)memcpy(page + 20, image->board, IMAGE_BOARD_MAX + 1);
    (void)memcpy(page + 36, image->version_text, IMAGE_VERSION_MAX + 1);
    (void)memcpy(page + 68, image->hash, CRYPTO_HASH_SIZE);
    little_put4(page + CRC_AT, crc32_of(0, page, CRC_AT));
}

bool image_get(const uint8_t page[static IMAGE_PAGE], struct image *ret_image)
{
    struct image image = {.slot = page[5],
        .offset = little_get4(page + 8),
        .size = little_get4(page + 12),
        .version = little_get4(page + 16)};

    if (memcmp(page, magic, sizeof magic) != 0 || page[4] != FORMAT ||
        little_get4(page + CRC_AT) != crc32_of(0, page, CRC_AT) || image.slot >= IMAGE_SLOTS ||
        image.size < IMAGE_PROGRAM_MIN || !get_text(image.board, page + 20, sizeof image.board) ||
        !get_text(image.version_text, page + 36, sizeof image.version_text)) {
        return false;
    }
    (void)memcpy(image.hash, page + 68, CRYPTO_HASH_SIZE);
    *ret_image = image;
    return true;
}

static int hash_program(struct hal_flash *flash, uint32_t offset, uint32_t size,
    uint8_t ret_hash[static CRYPTO_HASH_SIZE])
{
    struct crypto_sha256 hash;
    uint8_t bytes[CHUNK];

    crypto_sha256_init(&hash);
    while (size > 0) {
        uint32_t now = size < sizeof bytes ? size : (uint32_t)sizeof bytes;
        int rc = hal_flash_read(flash, offset, bytes, now);

        if (rc < 0) {
            return rc;
        }
        crypto_sha256_add(&hash, bytes, now);
        offset += now;
        size -= now;
    }
    crypto_sha256_end(&hash, ret_hash);
    return 0;
}

int image_check(struct hal_flash *flash, const struct boot_layout *layout, uint8_t slot,
    struct image *ret_image)
{
    uint8_t page[IMAGE_PAGE];
    uint8_t hash[CRYPTO_HASH_SIZE];
    struct image image;
    int rc = hal_flash_read(flash, layout->slot[slot], page, sizeof page);

    if (rc < 0) {
        return rc;
    }
    if (!image_get(page, &image)) {
        return -ENOENT;
    }
    if (image.slot != slot || image.offset != layout->slot[slot] ||
        image.size > layout->slot_size - IMAGE_PAGE) {
        return -EBADMSG;
    }
    rc = hash_program(flash, layout->slot[slot] + IMAGE_PAGE, image.size, hash);
    if (rc == 0 && memcmp(hash, image.hash, sizeof hash) != 0) {
        rc = -EBADMSG;
    }
    if (rc == 0) {
        *ret_image = image;
    }
    return rc;
}
