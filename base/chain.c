/*
 * chain.c - see chain.h.
 *
 * One EVP_MD_CTX is kept for the life of a chain: fetching SHA-256 anew for every record
 * costs more than hashing a tap does.
 */
#include "base/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <libgen.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

struct chain {
    EVP_MD *sha256;
    EVP_MD_CTX *context;
};

struct signer {
    EVP_PKEY *key;
    EVP_MD_CTX *context;
};

struct chain *chain_new(void)
{
    struct chain *chain = calloc(1, sizeof *chain);

    if (chain == NULL) {
        return NULL;
    }
    chain->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    chain->context = EVP_MD_CTX_new();
    if (chain->sha256 == NULL || chain->context == NULL) {
        chain_free(chain);
        return NULL;
    }
    return chain;
}

void chain_free(struct chain *chain)
{
    if (chain == NULL) {
        return;
    }
    EVP_MD_CTX_free(chain->context);
    EVP_MD_free(chain->sha256);
    free(chain);
}

/* SHA-256 of a then b. A failure here means the library itself is broken: a chain with a
 * hole in it must never be written, so stop. */
static void hash_two(struct chain *chain, const void *a, size_t a_size, const void *b,
    size_t b_size, uint8_t ret_head[static CHAIN_SIZE])
{
    unsigned size = 0;

    if (EVP_DigestInit_ex2(chain->context, chain->sha256, NULL) != 1 ||
        EVP_DigestUpdate(chain->context, a, a_size) != 1 ||
        EVP_DigestUpdate(chain->context, b, b_size) != 1 ||
        EVP_DigestFinal_ex(chain->context, ret_head, &size) != 1 || size != CHAIN_SIZE) {
        abort();
    }
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
static int write_key(EVP_PKEY *key, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = NULL;
    int rc = 0;

    if (fd < 0) {
        return -errno;
    }
    file = fdopen(fd, "w");
    if (file == NULL) {
        rc = -errno;
        (void)close(fd);
        return rc;
    }
    if (PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) != 1 || fflush(file) != 0 ||
        fsync(fd) != 0) {
        rc = errno != 0 ? -errno : -EIO;
    }
    if (fclose(file) != 0 && rc == 0) {
        rc = -errno;
    }
    if (rc < 0) {
        (void)unlink(path); /* half a key would refuse every later start */
        return rc;
    }
    return sync_folder_of(path);
}

static int make_key(struct signer *signer, const char *path, struct err *err)
{
    int rc = 0;

    signer->key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (signer->key == NULL) {
        return err_set(err, -ENOMEM, "device key: cannot make an Ed25519 key");
    }
    rc = write_key(signer->key, path);
    if (rc < 0) {
        return err_set(err, rc, "device key '%s': %s", path, strerror(-rc));
    }
    return 0;
}

static int read_key(struct signer *signer, FILE *file, const char *path, struct err *err)
{
    struct stat status;

    if (fstat(fileno(file), &status) != 0) {
        return err_set(err, -errno, "device key '%s': %s", path, strerror(errno));
    }
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return err_set(
            err, -EACCES, "device key '%s': others may use it; run: chmod 600 '%s'", path, path);
    }
    signer->key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    if (signer->key == NULL || EVP_PKEY_is_a(signer->key, "ED25519") != 1) {
        return err_set(err, ECM_EFORMAT, "device key '%s': not an Ed25519 key in PEM", path);
    }
    return 0;
}

int signer_open(struct signer **ret_signer, const char *path, struct err *err)
{
    struct signer *signer = calloc(1, sizeof *signer);
    FILE *file = NULL;
    int rc = 0;

    if (signer == NULL) {
        return err_set(err, -ENOMEM, "device key: out of memory");
    }
    signer->context = EVP_MD_CTX_new();
    if (signer->context == NULL) {
        rc = err_set(err, -ENOMEM, "device key: out of memory");
        goto fail;
    }
    file = fopen(path, "re");
    if (file != NULL) {
        rc = read_key(signer, file, path, err);
        (void)fclose(file);
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
    EVP_MD_CTX_free(signer->context);
    EVP_PKEY_free(signer->key);
    free(signer);
}

void signer_public_key(const struct signer *signer, uint8_t ret_key[static PUBLIC_KEY_SIZE])
{
    size_t size = PUBLIC_KEY_SIZE;

    if (EVP_PKEY_get_raw_public_key(signer->key, ret_key, &size) != 1) {
        abort(); /* signer_open() accepts Ed25519 keys only, and those have one */
    }
}

int signer_sign(struct signer *signer, const uint8_t *message, size_t size,
    uint8_t ret_signature[static SIGNATURE_SIZE])
{
    size_t signature_size = SIGNATURE_SIZE;

    if (EVP_MD_CTX_reset(signer->context) != 1 ||
        EVP_DigestSignInit(signer->context, NULL, NULL, NULL, signer->key) != 1 ||
        EVP_DigestSign(signer->context, ret_signature, &signature_size, message, size) != 1) {
        return -ENOMEM;
    }
    return 0;
}

int signature_check(const uint8_t key[static PUBLIC_KEY_SIZE], const uint8_t *message, size_t size,
    const uint8_t signature[static SIGNATURE_SIZE])
{
    EVP_PKEY *public_key =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, PUBLIC_KEY_SIZE);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int rc = ECM_ECORRUPT;

    if (public_key != NULL && context != NULL &&
        EVP_DigestVerifyInit(context, NULL, NULL, NULL, public_key) == 1 &&
        EVP_DigestVerify(context, signature, SIGNATURE_SIZE, message, size) == 1) {
        rc = 0;
    }
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(public_key);
    return rc;
}
