/*
 * chain.c - see chain.h.
 *
 * libsodium and not OpenSSL: its Ed25519 takes half the time, which is most of what a batch costs
 * both ends, and it works without OpenSSL's providers, whose tables would double the memory of a
 * process that does not use TLS (docs/PERFORMANCE.md). A key file is what `openssl genpkey
 * -algorithm ed25519` makes.
 */
#include "base/chain.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

static_assert(crypto_hash_sha256_BYTES == CHAIN_SIZE, "a chain head is a SHA-256");
static_assert(crypto_sign_BYTES == SIGNATURE_SIZE, "Ed25519");
static_assert(crypto_sign_PUBLICKEYBYTES == PUBLIC_KEY_SIZE, "Ed25519");

#define PEM_BEGIN "-----BEGIN PRIVATE KEY-----"
#define PEM_END "-----END PRIVATE KEY-----"

enum {
    SEED_SIZE = crypto_sign_SEEDBYTES,
    PEM_MAX_SIZE = 1024, /* one of ours has 119 bytes */
};

/* RFC 8410: PrivateKeyInfo, version 0, id-Ed25519; the 32 bytes of the seed follow. */
static const uint8_t key_prefix[] = {
    0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20};

enum { KEY_SIZE = sizeof key_prefix + SEED_SIZE };

struct chain {
    crypto_hash_sha256_state state;
};

struct signer {
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    uint8_t public_key[PUBLIC_KEY_SIZE];
};

struct chain *chain_new(void)
{
    return sodium_init() < 0 ? NULL : calloc(1, sizeof(struct chain));
}

void chain_free(struct chain *chain)
{
    free(chain);
}

static void hash_two(struct chain *chain, const void *a, size_t a_size, const void *b,
    size_t b_size, uint8_t ret_head[static CHAIN_SIZE])
{
    /* None of these can fail: they return 0 and nothing else. */
    (void)crypto_hash_sha256_init(&chain->state);
    (void)crypto_hash_sha256_update(&chain->state, a, a_size);
    (void)crypto_hash_sha256_update(&chain->state, b, b_size);
    (void)crypto_hash_sha256_final(&chain->state, ret_head);
}

void chain_start(
    struct chain *chain, const char *device_id, uint64_t epoch, uint8_t ret_head[static CHAIN_SIZE])
{
    static const char name[] = "ecm.v1 log"; /* its zero byte is part of the input */
    uint8_t tail[256 + 1 + 8] = {0};
    size_t id_size = strnlen(device_id, 256);

    (void)memcpy(tail, device_id, id_size);
    for (size_t i = 0; i < 8; i++) {
        tail[id_size + 1 + i] = (uint8_t)(epoch >> (56 - 8 * i));
    }
    hash_two(chain, name, sizeof name, tail, id_size + 1 + 8, ret_head);
}

void chain_next(struct chain *chain, const uint8_t head[static CHAIN_SIZE], const uint8_t *record,
    size_t size, uint8_t ret_head[static CHAIN_SIZE])
{
    hash_two(chain, head, CHAIN_SIZE, record, size, ret_head);
}

static int sync_folder_of(const char *path)
{
    char copy[PATH_MAX];
    int fd = -1;
    int rc = 0;

    if (strlen(path) >= sizeof copy) {
        return -ENAMETOOLONG;
    }
    (void)memcpy(copy, path, strlen(path) + 1);
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    rc = fsync(fd) == 0 ? 0 : -errno;
    (void)close(fd);
    return rc;
}

/* The key must be whole on disk before it signs anything: the collector remembers it for
 * ever. */
static int write_key(const char *text, const char *path)
{
    size_t size = strlen(text);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int rc = 0;

    if (fd < 0) {
        return -errno;
    }
    errno = 0;
    if (write(fd, text, size) != (ssize_t)size || fsync(fd) != 0) {
        rc = errno != 0 ? -errno : -EIO;
    }
    if (close(fd) != 0 && rc == 0) {
        rc = -errno;
    }
    if (rc < 0) {
        (void)unlink(path); /* half a key would refuse every later start */
        return rc;
    }
    return sync_folder_of(path);
}

static void take_seed(struct signer *signer, const uint8_t seed[static SEED_SIZE])
{
    (void)crypto_sign_seed_keypair(signer->public_key, signer->secret, seed);
}

static int make_key(struct signer *signer, const char *path, struct err *err)
{
    char text[PEM_MAX_SIZE] = PEM_BEGIN "\n";
    uint8_t key[KEY_SIZE];
    size_t used = strlen(text);
    int rc = 0;

    (void)memcpy(key, key_prefix, sizeof key_prefix);
    randombytes_buf(key + sizeof key_prefix, SEED_SIZE);
    take_seed(signer, key + sizeof key_prefix);
    (void)sodium_bin2base64(
        text + used, sizeof text - used, key, sizeof key, sodium_base64_VARIANT_ORIGINAL);
    used = strlen(text);
    (void)snprintf(text + used, sizeof text - used, "\n%s\n", PEM_END);
    rc = write_key(text, path);
    sodium_memzero(text, sizeof text);
    sodium_memzero(key, sizeof key);
    return rc < 0 ? err_set(err, rc, "device key '%s': %s", path, strerror(-rc)) : 0;
}

/* The seed in the PEM text of a private key; what stands before and behind it is not looked at. */
static int read_seed(const char *text, uint8_t ret_seed[static SEED_SIZE])
{
    const char *begin = strstr(text, PEM_BEGIN);
    const char *end = NULL;
    uint8_t key[KEY_SIZE + 1];
    size_t size = 0;
    int rc = ECM_EFORMAT;

    if (begin == NULL) {
        return rc;
    }
    begin += strlen(PEM_BEGIN);
    if (sodium_base642bin(key, sizeof key, begin, strlen(begin), "\r\n", &size, &end,
            sodium_base64_VARIANT_ORIGINAL) == 0 &&
        size == KEY_SIZE && memcmp(key, key_prefix, sizeof key_prefix) == 0 &&
        strncmp(end, PEM_END, strlen(PEM_END)) == 0) {
        (void)memcpy(ret_seed, key + sizeof key_prefix, SEED_SIZE);
        rc = 0;
    }
    sodium_memzero(key, sizeof key);
    return rc;
}

static int read_key(struct signer *signer, int fd, const char *path, struct err *err)
{
    char text[PEM_MAX_SIZE];
    uint8_t seed[SEED_SIZE];
    struct stat status;
    ssize_t size = 0;
    int rc = 0;

    if (fstat(fd, &status) != 0) {
        return err_set(err, -errno, "device key '%s': %s", path, strerror(errno));
    }
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return err_set(
            err, -EACCES, "device key '%s': others may use it; run: chmod 600 '%s'", path, path);
    }
    size = read(fd, text, sizeof text - 1);
    if (size < 0) {
        return err_set(err, -errno, "device key '%s': %s", path, strerror(errno));
    }
    text[size] = '\0';
    rc = read_seed(text, seed);
    if (rc == 0) {
        take_seed(signer, seed);
    } else {
        (void)err_set(err, rc, "device key '%s': not an Ed25519 key in PEM", path);
    }
    sodium_memzero(text, sizeof text);
    sodium_memzero(seed, sizeof seed);
    return rc;
}

int signer_open(struct signer **ret_signer, const char *path, struct err *err)
{
    struct signer *signer = calloc(1, sizeof *signer);
    int fd = -1;
    int rc = 0;

    if (signer == NULL) {
        return err_set(err, -ENOMEM, "device key: out of memory");
    }
    if (sodium_init() < 0) {
        rc = err_set(err, -EIO, "device key: no random numbers");
        goto fail;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        rc = read_key(signer, fd, path, err);
        (void)close(fd);
    } else if (errno == ENOENT) {
        rc = make_key(signer, path, err);
    } else {
        rc = err_set(err, -errno, "device key '%s': %s", path, strerror(errno));
    }
    if (rc < 0) {
        goto fail;
    }
    *ret_signer = signer;
    return 0;

fail:
    signer_close(signer);
    return rc;
}

void signer_close(struct signer *signer)
{
    if (signer == NULL) {
        return;
    }
    sodium_memzero(signer, sizeof *signer);
    free(signer);
}

void signer_public_key(const struct signer *signer, uint8_t ret_key[static PUBLIC_KEY_SIZE])
{
    (void)memcpy(ret_key, signer->public_key, PUBLIC_KEY_SIZE);
}

int signer_sign(struct signer *signer, const uint8_t *message, size_t size,
    uint8_t ret_signature[static SIGNATURE_SIZE])
{
    return crypto_sign_detached(ret_signature, NULL, message, size, signer->secret) == 0 ? 0 : -EIO;
}

int signature_check(const uint8_t key[static PUBLIC_KEY_SIZE], const uint8_t *message, size_t size,
    const uint8_t signature[static SIGNATURE_SIZE])
{
    if (sodium_init() < 0) {
        return -EIO;
    }
    return crypto_sign_verify_detached(signature, message, size, key) == 0 ? 0 : ECM_ECORRUPT;
}
