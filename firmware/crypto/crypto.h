/*
 * crypto.h - what the tag reader needs of cryptography: SHA-256, Ed25519, and the chain over its log.
 *
 * crypto_sodium.c does it with libsodium, on the Pico and on the host; it is the only file that
 * knows. The chain and the signature are those of base/chain.h, byte for byte (a test compares).
 *
 * Threads:  pure.
 * Blocking: on a Cortex-M0+ at 125 MHz about 0.5 ms a KiB hashed, and a second for a signature or
 *           its check (estimates; docs/READER.md has what was measured).
 */
#ifndef ECM_FIRMWARE_CRYPTO_CRYPTO_H
#define ECM_FIRMWARE_CRYPTO_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

enum {
    CRYPTO_HASH_SIZE = 32,
    CRYPTO_SEED_SIZE = 32, /* what is kept secret and made by chance */
    CRYPTO_KEY_SIZE = 32,  /* public */
    CRYPTO_SIGNATURE_SIZE = 64,
};

/* The caller's memory, private. */
struct crypto_sha256 {
    uint64_t state[14];
};

void crypto_sha256_init(struct crypto_sha256 *hash);
void crypto_sha256_add(struct crypto_sha256 *hash, const void *bytes, size_t size);
void crypto_sha256_end(struct crypto_sha256 *hash, uint8_t ret_hash[static CRYPTO_HASH_SIZE]);

/* The head before record 1 of this log. */
void crypto_chain_start(
    const char *device_id, uint64_t epoch, uint8_t ret_head[static CRYPTO_HASH_SIZE]);

/* The head after one more record. ret_head may be head. */
void crypto_chain_next(const uint8_t head[static CRYPTO_HASH_SIZE], const uint8_t *record,
    size_t size, uint8_t ret_head[static CRYPTO_HASH_SIZE]);

/* The public key that belongs to seed (RFC 8032, section 5.1.5). */
void crypto_public_key(
    const uint8_t seed[static CRYPTO_SEED_SIZE], uint8_t ret_key[static CRYPTO_KEY_SIZE]);

void crypto_sign(const uint8_t seed[static CRYPTO_SEED_SIZE], const uint8_t *message, size_t size,
    uint8_t ret_signature[static CRYPTO_SIGNATURE_SIZE]);

/* 0 when the signature is right, -EBADMSG when it is not. */
int crypto_verify(const uint8_t key[static CRYPTO_KEY_SIZE], const uint8_t *message, size_t size,
    const uint8_t signature[static CRYPTO_SIGNATURE_SIZE]);

#endif
