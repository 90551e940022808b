/*
 * reader_log.h - the log of a tag reader on the host, behind the session's port. What was appended is
 * in a file, so that the reader can be killed; what is done is in memory only, as in flash between
 * two headers.
 */
#ifndef ECM_TESTS_INTEGRATION_LINK_READER_LOG_H
#define ECM_TESTS_INTEGRATION_LINK_READER_LOG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "firmware/link/session.h"

struct chain;
struct reader_entry {
    size_t size;
    uint8_t bytes[RECORD_BYTES_MAX];
    uint8_t chain[MESSAGE_HASH_SIZE]; /* after it */
};

struct reader_log {
    FILE *file;
    struct chain *chain;
    uint64_t epoch;
    uint8_t first_head[MESSAGE_HASH_SIZE];
    struct reader_entry *entries; /* [0] is record 1 */
    size_t count, capacity;
    uint64_t done;
    uint64_t limit; /* most records that are not done: full above */
};

void reader_log_open(
    struct reader_log *log, const char *path, const char *device_id, uint64_t new_epoch);
void reader_log_close(struct reader_log *log);

/* Store record under the next seq. 0, or -ENOSPC. */
int reader_log_append(struct reader_log *log, struct record *record);

struct session_log_port reader_log_port(struct reader_log *log);

#endif
