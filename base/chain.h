/*
 * chain.h - the SHA-256 chain over a device's log, and the Ed25519 signature over its head.
 *
 * head[0]  = SHA-256("ecm.v1 log" 00 device_id 00 epoch as 8 bytes, most significant first)
 * head[n]  = SHA-256(head[n-1] || the encoded bytes of record n, as stored and as sent)
 *
 * So whoever knows head[n] knows that no record up to n was changed, removed or inserted.
 * The signature is Ed25519 (RFC 8032) over the bytes that proto/messages.h composes.
 *
 * Threads: a struct chain and a struct signer belong to one thread. Nothing here blocks, except
 * the two functions that read and write key files.
 */
#ifndef ECM_BASE_CHAIN_H
#define ECM_BASE_CHAIN_H

#include <stddef.h>
#include <stdint.h>

enum { CHAIN_SIZE = 32, SIGNATURE_SIZE = 64, PUBLIC_KEY_SIZE = 32 };

struct err;
struct chain;
struct signer;

/* A reusable hasher. NULL when memory is out, or the system has no random numbers to begin with. */
struct chain *chain_new(void);
void chain_free(struct chain *chain);

/* The head before record 1 of this log. */
void chain_start(struct chain *chain, const char *device_id, uint64_t epoch,
    uint8_t ret_head[static CHAIN_SIZE]);

/* The head after one more record. ret_head may be head. */
void chain_next(struct chain *chain, const uint8_t head[static CHAIN_SIZE], const uint8_t *record,
    size_t size, uint8_t ret_head[static CHAIN_SIZE]);

/*
 * Open the private key (PKCS#8 in PEM, RFC 8410, not encrypted) at path; when the file is absent make a key and write it there with
 * mode 0600, synced. -EACCES when others may read the file; ECM_EFORMAT when it is not an Ed25519
 * key.
 */
int signer_open(struct signer **ret_signer, const char *path, struct err *err);
void signer_close(struct signer *signer);
void signer_public_key(const struct signer *signer, uint8_t ret_key[static PUBLIC_KEY_SIZE]);

/* 0 or -EIO. */
int signer_sign(struct signer *signer, const uint8_t *message, size_t size,
    uint8_t ret_signature[static SIGNATURE_SIZE]);

/* 0 when the signature is right, ECM_ECORRUPT when it is not, -EIO as for chain_new(). */
int signature_check(const uint8_t key[static PUBLIC_KEY_SIZE], const uint8_t *message, size_t size,
    const uint8_t signature[static SIGNATURE_SIZE]);

#endif
