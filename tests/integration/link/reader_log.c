/* reader_log.c - see reader_log.h. */
#include "tests/integration/link/reader_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/chain.h"

static void add(struct reader_log *log, const uint8_t *bytes, size_t size)
{
    struct reader_entry *entry = NULL;
    const uint8_t *before = log->count > 0 ? log->entries[log->count - 1].chain : log->first_head;
    uint8_t head[MESSAGE_HASH_SIZE];

    memcpy(head, before, sizeof head);
    if (log->count == log->capacity) {
        log->capacity = 2 * log->capacity + 64;
        log->entries = realloc(log->entries, log->capacity * sizeof *log->entries);
        if (log->entries == NULL) {
            abort();
        }
    }
    entry = &log->entries[log->count++];
    entry->size = size;
    memcpy(entry->bytes, bytes, size);
    chain_next(log->chain, head, bytes, size, entry->chain);
}

void reader_log_open(
    struct reader_log *log, const char *path, const char *device_id, uint64_t new_epoch)
{
    uint16_t size = 0;
    uint8_t bytes[RECORD_BYTES_MAX];

    *log = (struct reader_log){.chain = chain_new(), .limit = UINT64_MAX};
    log->file = fopen(path, "a+be");
    if (log->chain == NULL || log->file == NULL) {
        abort();
    }
    rewind(log->file);
    if (fread(&log->epoch, sizeof log->epoch, 1, log->file) != 1) {
        log->epoch = new_epoch;
        (void)fseek(log->file, 0, SEEK_END);
        (void)fwrite(&log->epoch, sizeof log->epoch, 1, log->file);
        (void)fflush(log->file);
        (void)fseek(log->file, 0, SEEK_END);
    }
    chain_start(log->chain, device_id, log->epoch, log->first_head);
    while (fread(&size, sizeof size, 1, log->file) == 1 && size <= sizeof bytes &&
           fread(bytes, size, 1, log->file) == 1) {
        add(log, bytes, size);
    }
    (void)fseek(log->file, 0, SEEK_END); /* from reading to writing */
}

void reader_log_close(struct reader_log *log)
{
    (void)fclose(log->file);
    chain_free(log->chain);
    free(log->entries);
}

int reader_log_append(struct reader_log *log, struct record *record)
{
    uint8_t bytes[RECORD_BYTES_MAX];
    size_t size = 0;
    uint16_t length = 0;
    int rc = 0;

    if (log->count - log->done >= log->limit) {
        return -ENOSPC;
    }
    record->seq = log->count + 1;
    rc = record_encode(record, bytes, sizeof bytes, &size);
    if (rc < 0) {
        return rc;
    }
    length = (uint16_t)size;
    if (fwrite(&length, sizeof length, 1, log->file) != 1 ||
        fwrite(bytes, size, 1, log->file) != 1 || fflush(log->file) != 0) {
        return -EIO;
    }
    add(log, bytes, size);
    return 0;
}

/* ---- the port ----------------------------------------------------------------------------- */

static uint64_t get_epoch(void *user)
{
    return ((struct reader_log *)user)->epoch;
}

static uint64_t get_head(void *user)
{
    return ((struct reader_log *)user)->count;
}

static uint64_t get_done(void *user)
{
    return ((struct reader_log *)user)->done;
}

static uint64_t get_oldest(void *user)
{
    (void)user;
    return 1;
}

static int read_entry(
    void *user, uint64_t from_seq, uint64_t *ret_seq, const uint8_t **ret_bytes, size_t *ret_size)
{
    struct reader_log *log = user;

    if (from_seq == 0 || from_seq > log->count) {
        return -ENOENT;
    }
    *ret_seq = from_seq;
    *ret_bytes = log->entries[from_seq - 1].bytes;
    *ret_size = log->entries[from_seq - 1].size;
    return 0;
}

static int get_chain_before(void *user, uint64_t seq, uint8_t ret_head[static MESSAGE_HASH_SIZE])
{
    struct reader_log *log = user;

    if (seq == 0 || seq > log->count + 1) {
        return -ENOENT;
    }
    memcpy(ret_head, seq == 1 ? log->first_head : log->entries[seq - 2].chain, MESSAGE_HASH_SIZE);
    return 0;
}

static void set_done(void *user, uint64_t seq)
{
    ((struct reader_log *)user)->done = seq;
}

struct session_log_port reader_log_port(struct reader_log *log)
{
    return (struct session_log_port){
        log, get_epoch, get_head, get_done, get_oldest, read_entry, get_chain_before, set_done};
}
