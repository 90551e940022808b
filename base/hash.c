/*
 * hash.c - see hash.h.
 *
 * Small pieces are gathered first: a call into OpenSSL for every number of a million rows costs
 * more than the hashing.
 */
#include "base/hash.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { GATHERED_MAX = 16384 };

struct hash {
    EVP_MD_CTX *context;
    size_t gathered;
    uint8_t bytes[GATHERED_MAX];
};

/* These calls fail only when SHA-256 itself is missing, which no caller could mend. */
static void start(struct hash *hash)
{
    int ok = EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL);

    assert(ok == 1);
    hash->gathered = 0;
}

static void update(struct hash *hash, const void *bytes, size_t size)
{
    int ok = EVP_DigestUpdate(hash->context, bytes, size);

    assert(ok == 1);
}

struct hash *hash_new(void)
{
    struct hash *hash = malloc(sizeof *hash);

    if (hash == NULL) {
        return NULL;
    }
    hash->context = EVP_MD_CTX_new();
    if (hash->context == NULL) {
        free(hash);
        return NULL;
    }
    start(hash);
    return hash;
}

void hash_free(struct hash *hash)
{
    if (hash != NULL) {
        EVP_MD_CTX_free(hash->context);
        free(hash);
    }
}

void hash_add(struct hash *hash, const void *bytes, size_t size)
{
    if (size > GATHERED_MAX - hash->gathered) {
        update(hash, hash->bytes, hash->gathered);
        hash->gathered = 0;
    }
    if (size > GATHERED_MAX) {
        update(hash, bytes, size);
        return;
    }
    (void)memcpy(hash->bytes + hash->gathered, bytes, size);
    hash->gathered += size;
}

void hash_finish(struct hash *hash, char ret_hex[static HASH_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[EVP_MAX_MD_SIZE];
    int ok = 0;

    update(hash, hash->bytes, hash->gathered);
    ok = EVP_DigestFinal_ex(hash->context, digest, NULL);
    assert(ok == 1);
    for (size_t i = 0; i < HASH_SIZE; i++) {
        ret_hex[2 * i] = digits[digest[i] >> 4];
        ret_hex[2 * i + 1] = digits[digest[i] & 0x0f];
    }
    ret_hex[2 * HASH_SIZE] = '\0';
    start(hash);
}
