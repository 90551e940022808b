/*
 * bundle.c - see bundle.h.
 */
#include "firmware/boot/bundle.h"

#include <errno.h>
#include <string.h>

#include "firmware/boot/little.h"

static const uint8_t magic[6] = {'E', 'C', 'M', 'U', 'P', 'D'};
static const char context[16] = "ecm.v1 firmware"; /* signed before the header, zero byte and all */

enum {
    FORMAT = 1,
    BOARD_AT = 16,
    VERSION_AT = 32,
    IMAGE_AT = 64,
    IMAGE_SIZE = 40,
};

void bundle_put(uint8_t header[static BUNDLE_HEADER], const struct bundle *bundle)
{
    (void)memset(header, 0, BUNDLE_HEADER);
    (void)memcpy(header, magic, sizeof magic);
    header[6] = FORMAT;
    little_put4(header + 8, bundle->flags);
    little_put4(header + 12, bundle->image[0].version);
    (void)memcpy(header + BOARD_AT, bundle->image[0].board, IMAGE_BOARD_MAX + 1);
    (void)memcpy(header + VERSION_AT, bundle->image[0].version_text, IMAGE_VERSION_MAX + 1);
    for (size_t i = 0; i < IMAGE_SLOTS; i++) {
        uint8_t *at = header + IMAGE_AT + i * IMAGE_SIZE;

        little_put4(at, bundle->image[i].offset);
        little_put4(at + 4, bundle->image[i].size);
        (void)memcpy(at + 8, bundle->image[i].hash, CRYPTO_HASH_SIZE);
    }
}

void bundle_message(
    const uint8_t header[static BUNDLE_HEADER], uint8_t ret_message[static BUNDLE_MESSAGE])
{
    (void)memcpy(ret_message, context, sizeof context);
    (void)memcpy(ret_message + sizeof context, header, BUNDLE_SIGNATURE_AT);
}

void bundle_sign(uint8_t header[static BUNDLE_HEADER], const struct bundle *bundle,
    const uint8_t seed[static CRYPTO_SEED_SIZE])
{
    uint8_t message[BUNDLE_MESSAGE];

    bundle_put(header, bundle);
    bundle_message(header, message);
    crypto_sign(seed, message, sizeof message, header + BUNDLE_SIGNATURE_AT);
}

/* The text of a fixed field must be printable, end, and be followed by zeros. */
static bool is_text(const uint8_t *at, size_t size)
{
    size_t used = strnlen((const char *)at, size);

    for (size_t i = 0; i < size; i++) {
        if (i < used ? at[i] < 0x20 || at[i] > 0x7E : at[i] != 0) {
            return false;
        }
    }
    return used > 0 && used < size;
}

int bundle_parse(const uint8_t header[static BUNDLE_HEADER], struct bundle *ret_bundle)
{
    struct bundle bundle = {.flags = little_get4(header + 8)};

    if (memcmp(header, magic, sizeof magic) != 0) {
        return -EBADMSG;
    }
    if (header[6] != FORMAT || header[7] != 0 || bundle.flags > BUNDLE_FLAG_ALLOW_OLDER) {
        return -EPROTONOSUPPORT;
    }
    if (!is_text(header + BOARD_AT, IMAGE_BOARD_MAX + 1) ||
        !is_text(header + VERSION_AT, IMAGE_VERSION_MAX + 1)) {
        return -EBADMSG;
    }
    for (size_t i = 0; i < IMAGE_SLOTS; i++) {
        const uint8_t *at = header + IMAGE_AT + i * IMAGE_SIZE;
        struct image *image = &bundle.image[i];

        image->slot = (uint8_t)i;
        image->version = little_get4(header + 12);
        (void)memcpy(image->board, header + BOARD_AT, sizeof image->board);
        (void)memcpy(image->version_text, header + VERSION_AT, sizeof image->version_text);
        image->offset = little_get4(at);
        image->size = little_get4(at + 4);
        (void)memcpy(image->hash, at + 8, CRYPTO_HASH_SIZE);
        if (image->size < IMAGE_PROGRAM_MIN || image->offset % HAL_FLASH_SECTOR != 0) {
            return -EBADMSG;
        }
    }
    *ret_bundle = bundle;
    return 0;
}

int bundle_verify(
    const uint8_t header[static BUNDLE_HEADER], const uint8_t key[static CRYPTO_KEY_SIZE])
{
    uint8_t message[BUNDLE_MESSAGE];

    bundle_message(header, message);
    return crypto_verify(key, message, sizeof message, header + BUNDLE_SIGNATURE_AT) == 0 ? 0
                                                                                          : -EACCES;
}

uint64_t bundle_offset_of(const struct bundle *bundle, uint8_t slot)
{
    return BUNDLE_HEADER + (slot == 0 ? 0 : (uint64_t)bundle->image[0].size);
}

void bundle_hash(
    const uint8_t header[static BUNDLE_HEADER], uint8_t ret_hash[static CRYPTO_HASH_SIZE])
{
    struct crypto_sha256 hash;

    crypto_sha256_init(&hash);
    crypto_sha256_add(&hash, header, BUNDLE_HEADER);
    crypto_sha256_end(&hash, ret_hash);
}
