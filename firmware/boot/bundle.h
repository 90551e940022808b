/*
 * bundle.h - an update as a file: a signed header, then one program for each slot.
 *
 * docs/UPDATE.md has the bytes. The signature is over the header alone; the header has the hash of
 * each program. Made by "ecm-field firmware sign".
 *
 * Threads: pure.
 */
#ifndef ECM_FIRMWARE_BOOT_BUNDLE_H
#define ECM_FIRMWARE_BOOT_BUNDLE_H

#include "firmware/boot/image.h"

enum {
    BUNDLE_HEADER = 256,
    BUNDLE_SIGNATURE_AT = BUNDLE_HEADER - CRYPTO_SIGNATURE_SIZE,
    BUNDLE_MESSAGE = 16 + BUNDLE_SIGNATURE_AT, /* bytes that are signed */
    BUNDLE_FLAG_ALLOW_OLDER = 1, /* may replace a newer version: signed, so on purpose */
};

struct bundle {
    uint32_t flags;
    struct image image[IMAGE_SLOTS]; /* board and version are the same in both */
};

/* Fill the header but for its signature, which is zeros. */
void bundle_put(uint8_t header[static BUNDLE_HEADER], const struct bundle *bundle);

/* What the signature is over: "ecm.v1 firmware" 00, then the header up to BUNDLE_SIGNATURE_AT. */
void bundle_message(
    const uint8_t header[static BUNDLE_HEADER], uint8_t ret_message[static BUNDLE_MESSAGE]);

/* Both, and sign it: where the seed is at hand. */
void bundle_sign(uint8_t header[static BUNDLE_HEADER], const struct bundle *bundle,
    const uint8_t seed[static CRYPTO_SEED_SIZE]);

/*
 * Read a header; any bytes may come. 0; -EBADMSG it is none, or says what cannot be;
 * -EPROTONOSUPPORT of a newer format. The signature is not looked at.
 */
int bundle_parse(const uint8_t header[static BUNDLE_HEADER], struct bundle *ret_bundle);

/* 0, or -EACCES: not signed by key. */
int bundle_verify(
    const uint8_t header[static BUNDLE_HEADER], const uint8_t key[static CRYPTO_KEY_SIZE]);

/* Where the program for slot begins in the file. */
uint64_t bundle_offset_of(const struct bundle *bundle, uint8_t slot);

/* What names the bundle in the control record. */
void bundle_hash(
    const uint8_t header[static BUNDLE_HEADER], uint8_t ret_hash[static CRYPTO_HASH_SIZE]);

#endif
