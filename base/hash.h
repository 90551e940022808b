/*
 * hash.h - SHA-256 over whatever comes along.
 *
 * Ownership: hash_free() releases. Threads: one struct hash belongs to one thread.
 */
#ifndef ECM_BASE_HASH_H
#define ECM_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

enum { HASH_SIZE = 32, HASH_HEX_SIZE = 2 * HASH_SIZE + 1 };

struct hash;

/* A fresh hasher. NULL when memory is out. */
struct hash *hash_new(void);
void hash_free(struct hash *hash);

/* Take in size more bytes. */
void hash_add(struct hash *hash, const void *bytes, size_t size);

/* The hash of all bytes so far in lower-case hex, with its zero byte; then start afresh. */
void hash_finish(struct hash *hash, char ret_hex[static HASH_HEX_SIZE]);

#endif
