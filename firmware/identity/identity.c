/*
 * identity.c - the page that says who a tag reader is.
 */
#include "firmware/identity/identity.h"

#include <string.h>

#include "hal/crc32.h"

enum {
    AT_ID = 8,
    AT_LIMIT = 44,
    AT_SEED = 48,
    AT_UPDATE_KEY = 80,
    AT_REST = 112,
    AT_CRC = 252,
};

static const char magic[] = "ECMRDR01";

static uint32_t get_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static void put_u32(uint8_t *bytes, uint32_t number)
{
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(number >> (8 * i));
    }
}

/* One that was given is not all zeros. */
static bool get_key(const uint8_t *bytes, uint8_t ret_key[IDENTITY_KEY_SIZE])
{
    uint8_t any = 0;

    memcpy(ret_key, bytes, IDENTITY_KEY_SIZE);
    for (int i = 0; i < IDENTITY_KEY_SIZE; i++) {
        any |= bytes[i];
    }
    return any != 0;
}

/* The characters of topics.h, and nothing behind the 0. */
static bool id_is_valid(const uint8_t *bytes)
{
    static const char others[] = "-_.";
    int size = 0;

    while (size <= IDENTITY_ID_MAX && bytes[size] != 0) {
        uint8_t c = bytes[size];

        if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
            memchr(others, c, sizeof others - 1) == NULL) {
            return false;
        }
        size++;
    }
    if (size == 0 || size > IDENTITY_ID_MAX) {
        return false;
    }
    for (; size <= IDENTITY_ID_MAX; size++) {
        if (bytes[size] != 0) {
            return false;
        }
    }
    return true;
}

bool identity_get(const uint8_t page[static IDENTITY_PAGE], struct identity *ret_identity)
{
    struct identity identity = {0};

    if (memcmp(page, magic, sizeof magic - 1) != 0 ||
        get_u32(page + AT_CRC) != crc32_of(0, page, AT_CRC) || !id_is_valid(page + AT_ID)) {
        return false;
    }
    memcpy(identity.device_id, page + AT_ID, sizeof identity.device_id);
    identity.home_limit_s = get_u32(page + AT_LIMIT);
    identity.has_seed = get_key(page + AT_SEED, identity.seed);
    identity.has_update_key = get_key(page + AT_UPDATE_KEY, identity.update_key);
    *ret_identity = identity;
    return true;
}

void identity_put(uint8_t page[static IDENTITY_PAGE], const struct identity *identity)
{
    memset(page, 0, AT_REST);
    memset(page + AT_REST, 0xff, AT_CRC - AT_REST);
    memcpy(page, magic, sizeof magic - 1);
    memcpy(page + AT_ID, identity->device_id, sizeof identity->device_id);
    page[AT_ID + IDENTITY_ID_MAX] = 0;
    put_u32(page + AT_LIMIT, identity->home_limit_s);
    if (identity->has_seed) {
        memcpy(page + AT_SEED, identity->seed, IDENTITY_KEY_SIZE);
    }
    if (identity->has_update_key) {
        memcpy(page + AT_UPDATE_KEY, identity->update_key, IDENTITY_KEY_SIZE);
    }
    put_u32(page + AT_CRC, crc32_of(0, page, AT_CRC));
}
