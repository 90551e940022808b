/*
 * identity.h - who a tag reader is: one page of flash, written when it is provisioned and never by
 * the firmware.
 *
 *   offset  size
 *        0     8   "ECMRDR01"
 *        8    33   device id, ended by 0, the rest 0
 *       44     4   home limit in seconds; 0: the preset
 *       48    32   seed of the device's Ed25519 key; zeros: it does not sign
 *       80    32   public key that updates are signed with; zeros: none is taken
 *      112   140   FF
 *      252     4   CRC-32 (hal/crc32.h) of the 252 bytes before
 *
 * Numbers are little-endian. The seed is as safe as the flash: who holds the reader in his hands and
 * opens it can read it, and sign as this reader and no other.
 *
 * Threads: pure; any bytes may come.
 */
#ifndef ECM_FIRMWARE_IDENTITY_IDENTITY_H
#define ECM_FIRMWARE_IDENTITY_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

enum { IDENTITY_PAGE = 256, IDENTITY_ID_MAX = 32, IDENTITY_KEY_SIZE = 32 };

struct identity {
    char device_id[IDENTITY_ID_MAX + 1];
    uint32_t home_limit_s;
    bool has_seed;
    uint8_t seed[IDENTITY_KEY_SIZE];
    bool has_update_key;
    uint8_t update_key[IDENTITY_KEY_SIZE];
};

/* Whether page holds an identity: then it is in *ret_identity. */
bool identity_get(const uint8_t page[static IDENTITY_PAGE], struct identity *ret_identity);

void identity_put(uint8_t page[static IDENTITY_PAGE], const struct identity *identity);

#endif
