/*
 * link.h - the messages between a tag reader and a gateway, as values.
 *
 * Frames are proto/link_frame.h; who says what when is docs/PROTOCOL.md, "The link". A LINK_BATCH
 * frame carries batch_encode() of proto/messages.h, a LINK_COMMAND_RESULT frame
 * command_result_encode(). Two implementations of this header write the same bytes: link.c over
 * protobuf-c for Linux, nano/ over nanopb for the tag reader. The reader's has what a reader
 * needs: the encoding of requests and records, the decoding of answers and records.
 *
 * Ownership: everything is copied, but link_update_block.data, which is borrowed from the caller
 *            on the way in and from bytes on the way out.
 * Errors:    0; -EINVAL a value to be encoded is outside its limits, -ENOBUFS the buffer is too
 *            small; -EBADMSG the bytes are not that message within the limits, -ENOMEM (Linux
 *            only). Outputs are untouched on failure.
 * Limits:    those of proto/messages.h and below. Each message but batch and update block is at
 *            most LINK_SMALL_MAX bytes.
 */
#ifndef ECM_PROTO_LINK_H
#define ECM_PROTO_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/messages.h"

enum {
    LINK_SMALL_MAX = 512,
    LINK_NAME_MAX = 40, /* a version, a board */
    LINK_BATCH_RECORDS_MAX = 16,
    LINK_UPDATE_DATA_MAX = 1024,
    LINK_IMAGE_HASH_SIZE = 32,
};

/* ---- tag reader to gateway ---------------------------------------------------------------- */

struct link_hello {
    char device_id[DEVICE_ID_MAX + 1];
    uint64_t epoch;
    uint64_t boot_id;
    uint64_t head_seq;   /* newest record; 0: none yet */
    uint64_t oldest_seq; /* oldest readable; head_seq + 1: none */
    uint64_t done_seq;   /* at the collector, as far as the reader knows; not above head_seq */
    uint8_t chain_before_oldest[MESSAGE_HASH_SIZE];
    uint8_t chain_after_done[MESSAGE_HASH_SIZE];
    bool has_public_key;
    uint8_t public_key[MESSAGE_KEY_SIZE];
    uint32_t protocol_min, protocol_max; /* 1 or more; min not above max */
    char version[LINK_NAME_MAX + 1];
    char board[LINK_NAME_MAX + 1];
    char failed_update[LINK_NAME_MAX + 1]; /* tried last and rolled back; empty: none */
};

struct link_time_request {
    uint64_t t1_us; /* boot clock */
};

struct link_state {
    uint64_t uptime_ms;
    uint64_t head_seq;
    uint64_t taps_total;
    uint64_t taps_refused;
    uint64_t reader_resets;
    bool reader_ok;
    enum wall_trust wall_trust;
    uint64_t log_bytes, log_bytes_max;
    uint32_t supply_mv; /* 0: not measured */
    uint64_t frames_bad;
    uint64_t timeouts;
};

struct link_update_request {
    uint8_t image_sha256[LINK_IMAGE_HASH_SIZE];
    uint32_t offset;
    uint32_t size; /* 1 to LINK_UPDATE_DATA_MAX */
};

struct link_update_result {
    uint8_t image_sha256[LINK_IMAGE_HASH_SIZE];
    int32_t code; /* 0: taken over */
    char text[RECORD_TEXT_MAX + 1];
};

/* ---- gateway to tag reader ---------------------------------------------------------------- */

struct link_welcome {
    uint64_t boot_id; /* of the hello */
    uint32_t protocol;
    char gateway_id[DEVICE_ID_MAX + 1];
    uint64_t epoch;
    uint64_t held_seq;
    uint64_t done_seq;
};

enum link_refusal_code {
    LINK_REFUSED_OTHER,
    LINK_REFUSED_VERSION,
    LINK_REFUSED_TWICE,
    LINK_REFUSED_KEY,
    LINK_REFUSED_UNKNOWN,
    LINK_REFUSED_STRANGER,
    LINK_REFUSED_NO_ROOM,
};

struct link_refusal {
    enum link_refusal_code code;
    char reason[RECORD_TEXT_MAX + 1];
};

struct link_update_offer {
    uint8_t image_sha256[LINK_IMAGE_HASH_SIZE];
    uint32_t size; /* 1 or more */
    char board[LINK_NAME_MAX + 1];
    char version[LINK_NAME_MAX + 1];
};

struct link_ack {
    uint64_t epoch;
    uint64_t held_seq;
    uint64_t done_seq;
    uint64_t resend_from_seq; /* 0: nothing is missing */
    bool is_full;
    bool has_command;
    struct command command;
    bool has_offer;
    struct link_update_offer offer;
};

struct link_time {
    uint64_t t1_us;       /* as asked */
    int64_t t2_us, t3_us; /* Unix microseconds */
    enum wall_trust wall_trust;
    uint32_t wall_uncertainty_ms; /* UINT32_MAX: unknown */
};

struct link_update_block {
    uint32_t offset;
    const uint8_t *data;
    size_t size; /* 0 to LINK_UPDATE_DATA_MAX */
};

/* ---- bytes -------------------------------------------------------------------------------- */

int link_hello_encode(const struct link_hello *m, uint8_t *bytes, size_t capacity, size_t *ret);
int link_time_request_encode(
    const struct link_time_request *m, uint8_t *bytes, size_t capacity, size_t *ret);
int link_state_encode(const struct link_state *m, uint8_t *bytes, size_t capacity, size_t *ret);
int link_update_request_encode(
    const struct link_update_request *m, uint8_t *bytes, size_t capacity, size_t *ret);
int link_update_result_encode(
    const struct link_update_result *m, uint8_t *bytes, size_t capacity, size_t *ret);
int link_welcome_decode(const uint8_t *bytes, size_t size, struct link_welcome *ret);
int link_refusal_decode(const uint8_t *bytes, size_t size, struct link_refusal *ret);
int link_ack_decode(const uint8_t *bytes, size_t size, struct link_ack *ret);
int link_time_decode(const uint8_t *bytes, size_t size, struct link_time *ret);
int link_update_block_decode(const uint8_t *bytes, size_t size, struct link_update_block *ret);

/* On Linux only. */
int link_hello_decode(const uint8_t *bytes, size_t size, struct link_hello *ret);
int link_time_request_decode(const uint8_t *bytes, size_t size, struct link_time_request *ret);
int link_state_decode(const uint8_t *bytes, size_t size, struct link_state *ret);
int link_update_request_decode(const uint8_t *bytes, size_t size, struct link_update_request *ret);
int link_update_result_decode(const uint8_t *bytes, size_t size, struct link_update_result *ret);
int link_welcome_encode(const struct link_welcome *m, uint8_t *bytes, size_t capacity, size_t *ret);
int link_refusal_encode(const struct link_refusal *m, uint8_t *bytes, size_t capacity, size_t *ret);
int link_ack_encode(const struct link_ack *m, uint8_t *bytes, size_t capacity, size_t *ret);
int link_time_encode(const struct link_time *m, uint8_t *bytes, size_t capacity, size_t *ret);
int link_update_block_encode(
    const struct link_update_block *m, uint8_t *bytes, size_t capacity, size_t *ret);

#endif
