/*
 * messages.h - the values that cross the wire and lie in the logs, and their bytes.
 *
 * The schema is proto/ecm.proto (package ecm.v1); this is the only door to it: nothing outside
 * proto/ sees protobuf. Every decode function takes any bytes whatsoever.
 *
 * A record's bytes are made once, by the device, and never again: the outbox stores them, the
 * batch carries them, the chain (base/chain.h) hashes them and the collector keeps them, so that
 * fields and record types this version does not know survive.
 *
 * Ownership: encode functions write into the caller's buffer. up_message_decode() allocates;
 *            see up_message_done(). Everything else is plain values.
 * Errors:    plain -errno, so that this folder needs nothing of ours: -EINVAL a value to be
 *            encoded is outside its limits, -ENOBUFS the buffer is too small; -EBADMSG the bytes
 *            are not a message within the limits, -ENOMEM. Outputs are untouched on failure.
 * Limits:    those below and in proto/ecm.proto. Ids are topic_name_is_valid(); text is UTF-8
 *            without control characters; Unix times lie in years 1 to 9999; sequence numbers and
 *            durations are below 2^63. Enum values of a newer version are read as the "unknown"
 *            or least trusted one. One value has one encoding: bytes that decode but are not
 *            written that way are -EBADMSG.
 */
#ifndef ECM_PROTO_MESSAGES_H
#define ECM_PROTO_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/tag_reader_state.h"

enum {
    DEVICE_ID_MAX = 32,     /* bytes; letters, digits, '-', '_', '.' */
    READER_NAME_MAX = 40,   /* "spi0", "tagreader:PR-0007" */
    TAG_UID_MAX = 10,       /* 4, 7 or 10 are used */
    RECORD_TEXT_MAX = 120,  /* free text of a fault, a version, a file name */
    RECORD_BYTES_MAX = 512, /* one encoded record */
    BATCH_RECORDS_MAX = 256,
    BATCH_BYTES_MAX = 65536,  /* one encoded batch */
    SMALL_MESSAGE_MAX = 1024, /* hello, ack, command, result, alert */
    STATE_MESSAGE_MAX = 8192,
    MESSAGE_HASH_SIZE = 32,
    MESSAGE_SIGNATURE_SIZE = 64,
    MESSAGE_KEY_SIZE = 32,
};

/* ---- records ------------------------------------------------------------------------------ */

enum record_type {
    RECORD_UNKNOWN = 0, /* decoded, but made by a newer device: keep its bytes */
    RECORD_TAP,
    RECORD_BOOT,
    RECORD_CLOCK_SET,
    RECORD_TAMPER,
    RECORD_BUTTON,
    RECORD_READER_FAULT,
    RECORD_CONFIG_APPLIED,
    RECORD_UPDATE_APPLIED,
};

enum wall_trust { WALL_UNSET = 0, WALL_RTC = 1, WALL_SYNCED = 2 };

enum tap_direction { TAP_IN = 1, TAP_OUT = 2 };

enum tap_tech {
    TAP_TECH_UNKNOWN,
    TAP_TECH_TYPE2,
    TAP_TECH_TYPE4,
    TAP_TECH_NTAG424,
    TAP_TECH_CLASSIC
};

enum {
    TAP_FLAG_BOUNCE = 1u << 0,     /* the same tag again at once; nothing new happened */
    TAP_FLAG_RELAYED = 1u << 1,    /* not set by tag readers: the collector knows the way */
    TAP_FLAG_RECOVERED = 1u << 2,  /* salvaged from a damaged log */
    TAP_FLAG_SELF_TEST = 1u << 3,  /* a field engineer's test tag: never paid */
    TAP_FLAG_RANDOM_UID = 1u << 4, /* the tag gives another number each time (phone wallets) */
};
struct tap {
    char reader[READER_NAME_MAX + 1];
    uint8_t uid[TAG_UID_MAX];
    uint8_t uid_size;
    enum tap_tech tech;
    bool has_sun;
    uint8_t sun_picc[16], sun_mac[8];
    enum tap_direction direction;
    uint32_t flags;
};
struct record {
    uint64_t seq;
    enum record_type type;
    /* The stamp, common to all types. */
    uint64_t boot_id;
    uint64_t boot_ms; /* CLOCK_BOOTTIME in that boot */
    int64_t wall_ms;  /* Unix ms as the device believed */
    enum wall_trust wall_trust;
    uint32_t wall_uncertainty_ms; /* UINT32_MAX: unknown */
    union {
        struct tap tap;
        /* CLOCK_SET: the stamp itself is the anchor; this is what the wall clock said before. */
        struct {
            int64_t wall_before_ms;
        } clock_set;
        /* TAMPER: open; BUTTON: pressed (of which button). */
        struct {
            bool active;
            uint32_t which;
        } input;
        /* BOOT: software version; READER_FAULT: reader and sentence; CONFIG, UPDATE: name. */
        struct {
            char text[RECORD_TEXT_MAX + 1];
        } note;
    };
};

/* 0, -ENOBUFS, -EINVAL. The bytes for equal values are equal. */
int record_encode(const struct record *record, uint8_t *bytes, size_t capacity, size_t *ret_size);

/* 0, -EBADMSG, -ENOMEM. A type (or a direction) of a newer version is RECORD_UNKNOWN with seq and
 * stamp filled. */
int record_decode(const uint8_t *bytes, size_t size, struct record *ret_record);

/* ---- what a device sends on .../up -------------------------------------------------------- */

struct bytes_view {
    const uint8_t *bytes;
    size_t size;
};

struct batch {
    char device_id[DEVICE_ID_MAX + 1];
    uint64_t epoch;
    uint64_t first_seq; /* 1 or more; records are first_seq, first_seq + 1, ... */
    size_t record_count;
    const struct bytes_view *records; /* encoded; borrowed */
    uint64_t head_seq; /* the newest record this device has; not before the last one here */
    uint8_t chain_head[MESSAGE_HASH_SIZE]; /* after the last record here */
    bool has_signature;
    uint8_t signature[MESSAGE_SIGNATURE_SIZE]; /* over batch_signing_input() */
};

struct hello {
    char device_id[DEVICE_ID_MAX + 1];
    uint64_t epoch;
    uint64_t head_seq;   /* newest record; 0: none yet */
    uint64_t acked_seq;  /* what the device believes is safe */
    uint64_t oldest_seq; /* oldest record still held; head_seq + 1: none */
    uint8_t chain_before_oldest[MESSAGE_HASH_SIZE];
    uint64_t boot_id;
    char version[RECORD_TEXT_MAX + 1];
    bool has_public_key;
    uint8_t public_key[MESSAGE_KEY_SIZE];
};

enum up_kind { UP_HELLO = 1, UP_BATCH = 2 };

struct up_message {
    enum up_kind kind;
    struct hello hello;
    struct batch batch;
    void *storage; /* what batch.records borrows from; up_message_done() */
};

int hello_encode(const struct hello *hello, uint8_t *bytes, size_t capacity, size_t *ret_size);

/* -EINVAL for no record, above BATCH_RECORDS_MAX records or BATCH_BYTES_MAX bytes. A record is
 * not looked into. */
int batch_encode(const struct batch *batch, uint8_t *bytes, size_t capacity, size_t *ret_size);

/* 0, -EBADMSG, -ENOMEM. On success the caller owes up_message_done(). bytes may go away. */
int up_message_decode(const uint8_t *bytes, size_t size, struct up_message *ret_message);
void up_message_done(struct up_message *message);

enum { BATCH_SIGNING_INPUT_MAX = 16 + DEVICE_ID_MAX + 1 + 24 + MESSAGE_HASH_SIZE };

/*
 * What the device's key signs: "ecm.v1 batch" 00, device_id 00, epoch, first_seq, last_seq (each
 * 8 bytes, most significant first), chain_head. Returns the size written.
 */
size_t batch_signing_input(
    const struct batch *batch, uint8_t ret_input[static BATCH_SIGNING_INPUT_MAX]);

/* ---- what a device reads on .../ack ------------------------------------------------------- */

struct ack {
    char device_id[DEVICE_ID_MAX + 1];
    uint64_t epoch;
    uint64_t through_seq;                  /* every record up to it is committed at the collector */
    uint8_t chain_head[MESSAGE_HASH_SIZE]; /* the collector's, after through_seq */
    bool wants_resend;                     /* send again from resend_from_seq */
    uint64_t resend_from_seq;
    char reason[RECORD_TEXT_MAX + 1]; /* why something was refused; empty: nothing was */
    int64_t collector_unix_ms;
    char collector_id[DEVICE_ID_MAX + 1]; /* not empty */
};

int ack_encode(const struct ack *ack, uint8_t *bytes, size_t capacity, size_t *ret_size);
int ack_decode(const uint8_t *bytes, size_t size, struct ack *ret_ack);

/* ---- .../state (retained heartbeat and will) ---------------------------------------------- */

struct device_state {
    char device_id[DEVICE_ID_MAX + 1];
    bool online;
    uint64_t epoch;
    uint64_t head_seq, acked_seq, oldest_seq;
    uint64_t boot_id;
    uint64_t uptime_ms;
    int64_t wall_ms;
    enum wall_trust wall_trust;
    uint32_t wall_uncertainty_ms;
    char version[RECORD_TEXT_MAX + 1];
    uint64_t taps_total;                  /* stored since this log began */
    uint64_t taps_refused, reader_resets; /* shown red; since boot */
    bool reader_ok;
    uint64_t outbox_bytes, outbox_bytes_max;
    uint32_t drain_eta_s;           /* until all is acked at the present rate; 0: nothing owed */
    bool case_open, assist_pressed; /* false too when there is none */
    uint64_t case_openings, assist_calls; /* since the program started */
    size_t tag_reader_count;
    struct tag_reader_state tag_readers[TAG_READERS_IN_STATE_MAX];
};

int state_encode(
    const struct device_state *state, uint8_t *bytes, size_t capacity, size_t *ret_size);
int state_decode(const uint8_t *bytes, size_t size, struct device_state *ret_state);

/* ---- .../cmd and .../cmd/result ----------------------------------------------------------- */

struct command {
    uint64_t command_id;            /* echoed in the result */
    char name[READER_NAME_MAX + 1]; /* "blink", "self-test", "state"; not empty */
    char argument[RECORD_TEXT_MAX + 1];
};

struct command_result {
    uint64_t command_id;
    int32_t code; /* 0: done */
    char text[RECORD_TEXT_MAX + 1];
};

int command_encode(const struct command *c, uint8_t *bytes, size_t capacity, size_t *ret_size);
int command_decode(const uint8_t *bytes, size_t size, struct command *ret_command);
int command_result_encode(
    const struct command_result *r, uint8_t *bytes, size_t capacity, size_t *ret_size);
int command_result_decode(const uint8_t *bytes, size_t size, struct command_result *ret_result);

/* ---- ecm/v1/{site}/alert ------------------------------------------------------------------ */

struct alert {
    char device_id[DEVICE_ID_MAX + 1]; /* empty: the collector itself */
    char event[READER_NAME_MAX + 1];   /* the event id of docs/OPERATIONS.md */
    char text[RECORD_TEXT_MAX + 1];
    int64_t unix_ms;
};

int alert_encode(const struct alert *alert, uint8_t *bytes, size_t capacity, size_t *ret_size);
int alert_decode(const uint8_t *bytes, size_t size, struct alert *ret_alert);

#endif
