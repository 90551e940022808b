/*
 * crypto_sodium.c - see crypto.h. sodium_init() is not called: it only sets up the random numbers,
 * of which nothing here has need, and the choice among faster code, of which a Pico has none.
 */
#include <errno.h>
#include <sodium/crypto_hash_sha256.h>
#include <sodium/crypto_sign_ed25519.h>
#include <sodium/utils.h>
#include <string.h>

#include "firmware/crypto/crypto.h"

_Static_assert(sizeof(struct crypto_sha256) >= sizeof(crypto_hash_sha256_state), "it fits");
_Static_assert(CRYPTO_SEED_SIZE == crypto_sign_ed25519_SEEDBYTES, "seed");
_Static_assert(CRYPTO_KEY_SIZE == crypto_sign_ed25519_PUBLICKEYBYTES, "key");
_Static_assert(CRYPTO_SIGNATURE_SIZE == crypto_sign_ed25519_BYTES, "signature");

enum { ID_MAX = 32 };

void crypto_sha256_init(struct crypto_sha256 *hash)
{
    (void)crypto_hash_sha256_init((crypto_hash_sha256_state *)hash->state);
}

void crypto_sha256_add(struct crypto_sha256 *hash, const void *bytes, size_t size)
{
    (void)crypto_hash_sha256_update((crypto_hash_sha256_state *)hash->state, bytes, size);
}

void crypto_sha256_end(struct crypto_sha256 *hash, uint8_t ret_hash[static CRYPTO_HASH_SIZE])
{
    (void)crypto_hash_sha256_final((crypto_hash_sha256_state *)hash->state, ret_hash);
}

void crypto_chain_start(
    const char *device_id, uint64_t epoch, uint8_t ret_head[static CRYPTO_HASH_SIZE])
{
    static const char name[] = "ecm.v1 log"; /* its zero byte is part of the input */
    uint8_t tail[9] = {0};
    struct crypto_sha256 hash;

    for (size_t i = 0; i < 8; i++) {
        tail[1 + i] = (uint8_t)(epoch >> (56 - 8 * i));
    }
    crypto_sha256_init(&hash);
    crypto_sha256_add(&hash, name, sizeof name);
    crypto_sha256_add(&hash, device_id, strnlen(device_id, ID_MAX));
    crypto_sha256_add(&hash, tail, sizeof tail);
    crypto_sha256_end(&hash, ret_head);
}

void crypto_chain_next(const uint8_t head[static CRYPTO_HASH_SIZE], const uint8_t *record,
    size_t size, uint8_t ret_head[static CRYPTO_HASH_SIZE])
{
    struct crypto_sha256 hash;

    crypto_sha256_init(&hash);
    crypto_sha256_add(&hash, head, CRYPTO_HASH_SIZE);
    crypto_sha256_add(&hash, record, size);
    crypto_sha256_end(&hash, ret_head);
}

void crypto_public_key(
    const uint8_t seed[static CRYPTO_SEED_SIZE], uint8_t ret_key[static CRYPTO_KEY_SIZE])
{
    uint8_t secret[crypto_sign_ed25519_SECRETKEYBYTES];

    (void)crypto_sign_ed25519_seed_keypair(ret_key, secret, seed);
    sodium_memzero(secret, sizeof secret);
}

void crypto_sign(const uint8_t seed[static CRYPTO_SEED_SIZE], const uint8_t *message, size_t size,
    uint8_t ret_signature[static CRYPTO_SIGNATURE_SIZE])
{
    uint8_t key[CRYPTO_KEY_SIZE];
    uint8_t secret[crypto_sign_ed25519_SECRETKEYBYTES];

    (void)crypto_sign_ed25519_seed_keypair(key, secret, seed);
    (void)crypto_sign_ed25519_detached(ret_signature, NULL, message, size, secret);
    sodium_memzero(secret, sizeof secret);
}

int crypto_verify(const uint8_t key[static CRYPTO_KEY_SIZE], const uint8_t *message, size_t size,
    const uint8_t signature[static CRYPTO_SIGNATURE_SIZE])
{
    return crypto_sign_ed25519_verify_detached(signature, message, size, key) == 0 ? 0 : -EBADMSG;
}
