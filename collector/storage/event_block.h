/*
 * event_block.h - imported events as bytes: a stretch of them in order of arrival, and where one
 * device's lie.
 *
 * A block holds up to EVENT_BLOCK_ROWS events, one after another:
 *
 *     recv_utc   signed varint, difference to the event before (the first: to 0)
 *     ts_utc     signed varint, difference to recv_utc
 *     kind       one byte
 *     event_id, device_id, card_uid   each a varint of its size, and itself
 *
 * Places are a list of events of one device, in rising order:
 *
 *     number     varint, difference to the event before (the first: to 0)
 *     is_ahead   one byte, 1 when its time is far ahead: see event_at()
 *     at         signed varint, difference to the event before (the first: to 0)
 *
 * A varint has seven bits a byte, lowest first, the top bit set when more follow; a signed one is
 * folded (0, -1, 1, -2 ...). Differences wrap around at 64 bits. How many there are is kept beside.
 *
 * Ownership: texts that are read lie in the bytes they were read from.
 * Threads:   none; no state but the arguments.
 * Errors:    ECM_ECORRUPT the bytes are none of ours; -ENOMEM.
 */
#ifndef ECM_COLLECTOR_STORAGE_EVENT_BLOCK_H
#define ECM_COLLECTOR_STORAGE_EVENT_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    EVENT_BLOCK_ROWS = 128,
    EVENT_AHEAD_S = 300, /* a time so much later than its receipt says nothing */
};

struct event_text {
    const char *text; /* not ended by a zero byte; none among it */
    uint32_t size;
};

struct event_view {
    int64_t recv_utc, ts_utc;
    char kind;
    struct event_text event_id, device_id, card_uid;
};

struct event_place {
    int64_t number; /* of the event: its place in order of arrival, over all imports */
    int64_t at_utc; /* event_at() */
    bool is_ahead;
};

/* Bytes that grow. Zero-initialise; free(bytes) at the end. */
struct event_bytes {
    uint8_t *bytes;
    size_t size, capacity;
    int64_t recv_before;             /* in a block */
    struct event_place place_before; /* in a list of places */
};

struct event_reader {
    const uint8_t *at, *end;
    int64_t recv_before;
    struct event_place place_before;
};

/* Where an event is looked for: its time or, far ahead of its receipt, the latter. */
static inline bool event_is_ahead(int64_t ts_utc, int64_t recv_utc)
{
    return recv_utc <= INT64_MAX - EVENT_AHEAD_S && ts_utc > recv_utc + EVENT_AHEAD_S;
}

static inline int64_t event_at(int64_t ts_utc, int64_t recv_utc)
{
    return event_is_ahead(ts_utc, recv_utc) ? recv_utc : ts_utc;
}

/* Empty it for the next block or list; the memory stays. */
void event_bytes_clear(struct event_bytes *bytes);

/* Append. 0 or -ENOMEM. */
int event_bytes_add(struct event_bytes *bytes, const struct event_view *event);
int event_bytes_add_place(struct event_bytes *bytes, const struct event_place *place);

void event_reader_init(struct event_reader *reader, const void *bytes, size_t size);

/* The next event, or place: 1; 0 at the end; or ECM_ECORRUPT. */
int event_reader_next(struct event_reader *reader, struct event_view *ret_event);
int event_reader_next_place(struct event_reader *reader, struct event_place *ret_place);

/* A number that equal texts share, the same for ever (FNV-1a, 32 bits): stores keep it. */
uint32_t event_id_hash(const char *text, size_t size);

#endif
