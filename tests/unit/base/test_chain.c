/* test_chain.c - what was written cannot be changed unseen, and who wrote it can be told. */
#include "base/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

#include "tests/unit/suite.h"

struct fixture {
    struct chain *chain;
    char folder[64];
    char path[96];
};

static int setup(void **state)
{
    struct fixture *fx = calloc(1, sizeof *fx);

    assert_non_null(fx);
    fx->chain = chain_new();
    assert_non_null(fx->chain);
    (void)snprintf(fx->folder, sizeof fx->folder, "/tmp/ecm-chain-XXXXXX");
    assert_non_null(mkdtemp(fx->folder));
    (void)snprintf(fx->path, sizeof fx->path, "%s/device.key", fx->folder);
    *state = fx;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fx = *state;

    chain_free(fx->chain);
    (void)unlink(fx->path);
    (void)rmdir(fx->folder);
    free(fx);
    return 0;
}

/* printf 'ecm.v1 log\0H1\0\0\0\0\0\0\0\0\7' | sha256sum; then that and "abc" hashed again. */
static void the_chain_is_the_one_the_header_describes(void **state)
{
    static const uint8_t start[CHAIN_SIZE] = {0xc8, 0xa9, 0xf7, 0x57, 0xe7, 0x8b, 0x9b, 0xe0, 0x33,
        0xf9, 0x2c, 0x56, 0x91, 0x33, 0xef, 0x37, 0x75, 0x3f, 0x08, 0xe9, 0xf8, 0x06, 0x64, 0x4f,
        0x29, 0x49, 0xeb, 0xa5, 0x89, 0x2a, 0xbb, 0x0e};
    static const uint8_t after_abc[CHAIN_SIZE] = {0x69, 0x54, 0x5f, 0xe6, 0xbf, 0xd1, 0x0b, 0x9e,
        0xfe, 0x1e, 0x02, 0x8a, 0xc4, 0x80, 0xe6, 0x41, 0xeb, 0x2e, 0xa0, 0xce, 0x32, 0xa7, 0x7b,
        0xaf, 0xdc, 0xa7, 0xad, 0x72, 0xb9, 0xca, 0x0b, 0xb4};
    struct fixture *fx = *state;
    uint8_t head[CHAIN_SIZE];

    chain_start(fx->chain, "H1", 7, head);
    assert_memory_equal(head, start, CHAIN_SIZE);
    chain_next(fx->chain, head, (const uint8_t *)"abc", 3, head);
    assert_memory_equal(head, after_abc, CHAIN_SIZE);
}

static void logs_of_two_epochs_or_devices_never_share_a_head(void **state)
{
    struct fixture *fx = *state;
    uint8_t a[CHAIN_SIZE];
    uint8_t b[CHAIN_SIZE];

    chain_start(fx->chain, "H1", 7, a);
    chain_start(fx->chain, "H1", 8, b);
    assert_memory_not_equal(a, b, CHAIN_SIZE);
    chain_start(fx->chain, "H2", 7, b);
    assert_memory_not_equal(a, b, CHAIN_SIZE);
}

static void a_key_is_made_once_for_its_owner_only_and_found_again(void **state)
{
    struct fixture *fx = *state;
    struct signer *signer = NULL;
    uint8_t first[PUBLIC_KEY_SIZE];
    uint8_t second[PUBLIC_KEY_SIZE];
    struct stat status;

    assert_int_equal(signer_open(&signer, fx->path, NULL), 0);
    signer_public_key(signer, first);
    signer_close(signer);
    assert_int_equal(stat(fx->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(signer_open(&signer, fx->path, NULL), 0);
    signer_public_key(signer, second);
    signer_close(signer);
    assert_memory_equal(first, second, PUBLIC_KEY_SIZE);
}

static void a_key_that_others_may_read_is_refused(void **state)
{
    struct fixture *fx = *state;
    struct signer *signer = NULL;
    struct err err;

    assert_int_equal(signer_open(&signer, fx->path, NULL), 0);
    signer_close(signer);
    assert_int_equal(chmod(fx->path, 0640), 0);
    assert_int_equal(signer_open(&signer, fx->path, &err), -EACCES);
    assert_non_null(strstr(err.text, "chmod 600"));
}

static void a_file_that_is_no_key_is_refused_and_kept(void **state)
{
    struct fixture *fx = *state;
    struct signer *signer = NULL;
    int fd = open(fx->path, O_WRONLY | O_CREAT, 0600);

    assert_int_equal(write(fd, "junk", 4), 4);
    (void)close(fd);
    assert_int_equal(signer_open(&signer, fx->path, NULL), ECM_EFORMAT);
    assert_int_equal(access(fx->path, F_OK), 0);
}

/* RFC 8410, 10.3: the private key, and the public one that belongs to it. */
static void a_key_that_openssl_made_is_taken(void **state)
{
    static const char pem[] = "-----BEGIN PRIVATE KEY-----\r\n"
                              "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\r\n"
                              "-----END PRIVATE KEY-----\r\n";
    static const uint8_t wanted[PUBLIC_KEY_SIZE] = {0x19, 0xbf, 0x44, 0x09, 0x69, 0x84, 0xcd, 0xfe,
        0x85, 0x41, 0xba, 0xc1, 0x67, 0xdc, 0x3b, 0x96, 0xc8, 0x50, 0x86, 0xaa, 0x30, 0xb6, 0xb6,
        0xcb, 0x0c, 0x5c, 0x38, 0xad, 0x70, 0x31, 0x66, 0xe1};
    struct fixture *fx = *state;
    struct signer *signer = NULL;
    uint8_t key[PUBLIC_KEY_SIZE];
    int fd = open(fx->path, O_WRONLY | O_CREAT, 0600);

    assert_int_equal(write(fd, pem, sizeof pem - 1), sizeof pem - 1);
    (void)close(fd);
    assert_int_equal(signer_open(&signer, fx->path, NULL), 0);
    signer_public_key(signer, key);
    assert_memory_equal(key, wanted, PUBLIC_KEY_SIZE);
    signer_close(signer);
}

static void half_a_key_or_one_of_another_kind_is_refused(void **state)
{
    static const char *const texts[] = {
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp",
        "-----BEGIN PRIVATE KEY-----\n"
        "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n",
        "-----BEGIN PRIVATE KEY-----\n" /* id-X25519 */
        "MC4CAQAwBQYDK2VuBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
        "-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n"
        "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhCAAAA\n"
        "-----END PRIVATE KEY-----\n",
    };
    struct fixture *fx = *state;
    struct signer *signer = NULL;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int fd = open(fx->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

        assert_int_equal(write(fd, texts[i], strlen(texts[i])), strlen(texts[i]));
        (void)close(fd);
        assert_int_equal(signer_open(&signer, fx->path, NULL), ECM_EFORMAT);
    }
}

/* RFC 8032, 7.1, test 2. */
static void a_signature_is_ed25519(void **state)
{
    static const uint8_t key[PUBLIC_KEY_SIZE] = {0x3d, 0x40, 0x17, 0xc3, 0xe8, 0x43, 0x89, 0x5a,
        0x92, 0xb7, 0x0a, 0xa7, 0x4d, 0x1b, 0x7e, 0xbc, 0x9c, 0x98, 0x2c, 0xcf, 0x2e, 0xc4, 0x96,
        0x8c, 0xc0, 0xcd, 0x55, 0xf1, 0x2a, 0xf4, 0x66, 0x0c};
    static const uint8_t signature[SIGNATURE_SIZE] = {0x92, 0xa0, 0x09, 0xa9, 0xf0, 0xd4, 0xca,
        0xb8, 0x72, 0x0e, 0x82, 0x0b, 0x5f, 0x64, 0x25, 0x40, 0xa2, 0xb2, 0x7b, 0x54, 0x16, 0x50,
        0x3f, 0x8f, 0xb3, 0x76, 0x22, 0x23, 0xeb, 0xdb, 0x69, 0xda, 0x08, 0x5a, 0xc1, 0xe4, 0x3e,
        0x15, 0x99, 0x6e, 0x45, 0x8f, 0x36, 0x13, 0xd0, 0xf1, 0x1d, 0x8c, 0x38, 0x7b, 0x2e, 0xae,
        0xb4, 0x30, 0x2a, 0xee, 0xb0, 0x0d, 0x29, 0x16, 0x12, 0xbb, 0x0c, 0x00};

    (void)state;
    assert_int_equal(signature_check(key, (const uint8_t *)"r", 1, signature), 0);
    assert_int_equal(signature_check(key, (const uint8_t *)"s", 1, signature), ECM_ECORRUPT);
}

static void a_changed_message_or_another_key_fails_the_signature(void **state)
{
    struct fixture *fx = *state;
    struct signer *signer = NULL;
    uint8_t key[PUBLIC_KEY_SIZE];
    uint8_t signature[SIGNATURE_SIZE];
    uint8_t message[5] = "taps";

    assert_int_equal(signer_open(&signer, fx->path, NULL), 0);
    signer_public_key(signer, key);
    for (int i = 0; i < 3; i++) { /* a signer can be used again */
        assert_int_equal(signer_sign(signer, message, sizeof message, signature), 0);
        assert_int_equal(signature_check(key, message, sizeof message, signature), 0);
    }
    message[0] ^= 1;
    assert_int_equal(signature_check(key, message, sizeof message, signature), ECM_ECORRUPT);
    message[0] ^= 1;
    key[0] ^= 1;
    assert_int_equal(signature_check(key, message, sizeof message, signature), ECM_ECORRUPT);
    signer_close(signer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_chain_is_the_one_the_header_describes, setup, teardown),
        cmocka_unit_test_setup_teardown(
            logs_of_two_epochs_or_devices_never_share_a_head, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_key_is_made_once_for_its_owner_only_and_found_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_that_others_may_read_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_no_key_is_refused_and_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_that_openssl_made_is_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(
            half_a_key_or_one_of_another_kind_is_refused, setup, teardown),
        cmocka_unit_test(a_signature_is_ed25519),
        cmocka_unit_test_setup_teardown(
            a_changed_message_or_another_key_fails_the_signature, setup, teardown),
    };

    return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
