/*
 * test_crypto.c - the tag reader's hash, signature and chain against published values, and against
 * what the gateway computes with another library.
 */
#include "firmware/crypto/crypto.h"

#include <errno.h>
#include <string.h>

#include "base/chain.h"
#include "tests/unit/suite.h"

/* FIPS 180-4, example of one block. */
static void sha256_of_abc_is_the_published_one(void **state)
{
    static const uint8_t expected[CRYPTO_HASH_SIZE] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf,
        0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
        0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    struct crypto_sha256 hash;
    uint8_t found[CRYPTO_HASH_SIZE];

    (void)state;
    crypto_sha256_init(&hash);
    crypto_sha256_add(&hash, "a", 1);
    crypto_sha256_add(&hash, "bc", 2);
    crypto_sha256_end(&hash, found);
    assert_memory_equal(found, expected, sizeof found);
}

/* RFC 8032, section 7.1, test 1: the empty message. */
static void ed25519_signature_is_the_published_one(void **state)
{
    static const uint8_t seed[CRYPTO_SEED_SIZE] = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60,
        0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69,
        0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
    static const uint8_t expected[8] = {0xe5, 0x56, 0x43, 0x00, 0xc3, 0x60, 0xac, 0x72};
    static const uint8_t expected_key[8] = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7};
    uint8_t signature[CRYPTO_SIGNATURE_SIZE];
    uint8_t key[CRYPTO_KEY_SIZE];

    (void)state;
    crypto_public_key(seed, key);
    assert_memory_equal(key, expected_key, sizeof expected_key);
    crypto_sign(seed, (const uint8_t *)"", 0, signature);
    assert_memory_equal(signature, expected, sizeof expected);
    assert_int_equal(crypto_verify(key, (const uint8_t *)"", 0, signature), 0);
    assert_int_equal(crypto_verify(key, (const uint8_t *)"x", 1, signature), -EBADMSG);
    signature[63] ^= 1;
    assert_int_equal(crypto_verify(key, (const uint8_t *)"", 0, signature), -EBADMSG);
}

static void gateway_accepts_what_the_tag_reader_signs(void **state)
{
    static const uint8_t message[] = "a batch";
    uint8_t seed[CRYPTO_SEED_SIZE] = {7};
    uint8_t key[CRYPTO_KEY_SIZE];
    uint8_t signature[CRYPTO_SIGNATURE_SIZE];

    (void)state;
    crypto_public_key(seed, key);
    crypto_sign(seed, message, sizeof message, signature);
    assert_int_equal(signature_check(key, message, sizeof message, signature), 0);
}

static void chain_is_the_gateways(void **state)
{
    static const char *const ids[] = {"PR-0007", "x", "a-device-id-of-thirty-two-letters"};
    struct chain *chain = chain_new();
    uint8_t ours[CRYPTO_HASH_SIZE];
    uint8_t theirs[CHAIN_SIZE];
    uint8_t record[112];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char id[33] = {0};

        (void)memcpy(id, ids[i], strnlen(ids[i], 32));
        crypto_chain_start(id, UINT64_C(0x8877665544332211), ours);
        chain_start(chain, id, UINT64_C(0x8877665544332211), theirs);
        assert_memory_equal(ours, theirs, sizeof ours);
        for (size_t n = 1; n <= sizeof record; n++) {
            memset(record, (int)n, n);
            crypto_chain_next(ours, record, n, ours);
            chain_next(chain, theirs, record, n, theirs);
            assert_memory_equal(ours, theirs, sizeof ours);
        }
    }
    chain_free(chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_of_abc_is_the_published_one),
        cmocka_unit_test(ed25519_signature_is_the_published_one),
        cmocka_unit_test(gateway_accepts_what_the_tag_reader_signs),
        cmocka_unit_test(chain_is_the_gateways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
