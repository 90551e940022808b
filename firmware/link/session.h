/*
 * session.h - the tag reader's side of the link: hands the log to whatever gateway is there.
 *
 * The reader asks, the gateway answers; one request is out at a time. Repeated after 250 ms, 500 ms
 * ... 4 s; after SESSION_TRIES without an answer it is hello again. A batch that got no answer is
 * cut in half, down to one record: on a bad line short frames come through. Two marks come back:
 *   held  the gateway has committed it: not sent to this gateway again
 *   done  the collector has committed it: may be freed
 * Only done frees. A gateway that knows nothing (another one, a new card) says so in its welcome
 * and gets everything that is not done. docs/PROTOCOL.md, "The link".
 *
 * Use:   session_init(); then session_on_bytes() for what the line brings, and session_tick() after
 *        it, after each record that was appended, and no later than session_due_us().
 *        Erase flash only while !session_is_waiting(): then nothing is on its way to us.
 *
 * Portable C11, a pure state machine: no allocation, no clock, no waiting; the ports do what they
 * do before they return. Memory: sizeof(struct session), about 4.5 KiB. All times are the boot
 * clock in microseconds.
 */
#ifndef ECM_FIRMWARE_LINK_SESSION_H
#define ECM_FIRMWARE_LINK_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firmware/link/timesync.h"
#include "proto/link.h"
#include "proto/link_frame.h"

enum {
    SESSION_TRIES = 5,
    SESSION_TIMEOUT_US = 250 * 1000,
    SESSION_TIMEOUT_MAX_US = 4 * 1000 * 1000,
    SESSION_TIME_EVERY_US = 60 * 1000 * 1000,
    SESSION_TIME_BURST = 4,                 /* exchanges at once after a welcome */
    SESSION_POLL_MIN_US = 1000 * 1000,      /* while something is held and not done */
    SESSION_POLL_MAX_US = 15 * 1000 * 1000, /* else */
    SESSION_FULL_US = 5 * 1000 * 1000,      /* the gateway was full: try again */
    SESSION_REFUSED_US = 10 * 1000 * 1000,  /* it refused: say hello again */
    SESSION_PROTOCOL = LINK_VERSION,
};

/* The log, which the owner keeps (firmware/flashlog). */
struct session_log_port {
    void *user;
    uint64_t (*epoch)(void *user);
    uint64_t (*head)(void *user);   /* newest record; 0: none ever */
    uint64_t (*done)(void *user);   /* everything up to it may be freed */
    uint64_t (*oldest)(void *user); /* oldest readable; head + 1: none. May be slow */
    /* The first readable record from from_seq on: bytes are borrowed until the next call of this
     * port. 0; -ENOENT: none; -EIO. A later seq than asked: what lies between is damaged. */
    int (*read)(void *user, uint64_t from_seq, uint64_t *ret_seq, const uint8_t **ret_bytes,
        size_t *ret_size);
    /* The chain head before record seq, oldest to head + 1. 0, -ENOENT: not known any more. */
    int (*chain_before)(void *user, uint64_t seq, uint8_t ret_head[static MESSAGE_HASH_SIZE]);
    /* The collector has everything up to seq, which is not above head. */
    void (*set_done)(void *user, uint64_t seq);
};

/* The two things that need cryptography (firmware/crypto). sign NULL: batches go unsigned. */
struct session_crypto_port {
    void *user;
    /* SHA-256(head record): base/chain.h. ret_head may be head. */
    void (*chain_next)(void *user, const uint8_t head[static MESSAGE_HASH_SIZE],
        const uint8_t *record, size_t size, uint8_t ret_head[static MESSAGE_HASH_SIZE]);
    /* Ed25519 with the reader's own key. May take 100 ms. */
    void (*sign)(void *user, const uint8_t *input, size_t size,
        uint8_t ret_signature[static MESSAGE_SIGNATURE_SIZE]);
};

/* The receiver of updates (firmware/boot). Optional: all NULL. */
struct session_update_port {
    void *user;
    /* There is this update. 0: wanted, or -errno: not (wrong board, same version, refused before).
     * Asked once an offer and connection. */
    int (*offer)(void *user, const struct link_update_offer *offer);
    /* Whether a block is wanted, and which: size 1 to LINK_UPDATE_DATA_MAX. */
    bool (*wants)(void *user, struct link_update_request *ret_request);
    /* A block that was wanted. May erase and program. size 0: no longer offered. */
    void (*block)(void *user, uint32_t offset, const uint8_t *data, size_t size);
    /* Whether there is a result to tell. It is told until result_told(). */
    bool (*result)(void *user, struct link_update_result *ret_result);
    void (*result_told)(void *user);
};

struct session_ports {
    void *user;
    /* Send bytes, a whole frame. They stay as they are until session_tick() sends again, which is
     * not before an answer or SESSION_TIMEOUT_US: may be sent by interrupts or DMA. */
    void (*send)(void *user, const uint8_t *bytes, size_t size);
    /* Append this clock_set record (all but its seq). false: could not; asked again. */
    bool (*anchor)(void *user, const struct record *record);
    /* How the reader is. head_seq, wall_trust, frames_bad, timeouts are filled in afterwards. */
    void (*state)(void *user, struct link_state *ret_state);
    /* Do command; 0 or -errno, and a sentence in ret_result->text. */
    int (*command)(void *user, const struct command *command, struct command_result *ret_result);
    struct session_log_port log;
    struct session_crypto_port crypto;
    struct session_update_port update;
};

struct session_conf {
    const char *device_id; /* borrowed, as are the next three */
    const char *version;
    const char *board;
    const char *failed_update; /* the version that was tried last and rolled back; NULL: none */
    uint64_t boot_id;
    const uint8_t *public_key; /* MESSAGE_KEY_SIZE bytes; NULL: none */
    uint32_t baud;             /* of the line, to know how long a frame takes; 0: no time */
    uint32_t protocol_min, protocol_max; /* 0: SESSION_PROTOCOL. Others are for tests */
};

enum session_phase {
    SESSION_GREETING, /* no gateway, as far as is known */
    SESSION_READY,
    SESSION_REFUSED, /* the gateway refuses; says hello again after SESSION_REFUSED_US */
};

/* For lamps, logs and the field engineer. */
struct session_status {
    enum session_phase phase;
    char gateway_id[DEVICE_ID_MAX + 1]; /* empty: none was ever met */
    char refusal[RECORD_TEXT_MAX + 1];  /* why; empty: it did not */
    enum link_refusal_code refusal_code;
    bool gateway_is_full;
    bool is_rolled_back; /* the gateway knows more of this log than there is: begin a new one */
    uint64_t held_seq;
    uint64_t exchanges, timeouts, frames_bad;
};

enum session_request {
    SESSION_NOTHING,
    SESSION_HELLO,
    SESSION_BATCH,
    SESSION_TIME,
    SESSION_STATE,
    SESSION_UPDATE_REQUEST,
    SESSION_UPDATE_RESULT,
    SESSION_COMMAND_RESULT,
};

/* The caller's memory, private. */
struct session {
    struct session_conf conf;
    struct session_ports ports;
    struct timesync sync;
    struct link_decoder decoder;
    struct session_status status;

    enum session_request waiting; /* for the answer to this */
    uint8_t tx_seq;
    uint8_t protocol;
    unsigned tries;   /* of the request that is out */
    unsigned tried;   /* of the one that is made in its place */
    uint64_t sent_us; /* when it went out last */
    uint64_t answer_due_us;
    uint64_t quiet_us; /* not before this: refused */
    uint64_t unknown;  /* kinds of request this gateway does not know: bits */

    uint64_t next_seq;   /* to send next */
    size_t batch_limit;  /* records in the next batch */
    uint64_t resent_seq; /* a wish to send again from here was followed */
    uint64_t hole_seq;   /* what is before this and not sent is not readable; 0: no hole */
    uint64_t chain_seq;  /* chain is the head before this record; 0: unknown */
    uint8_t chain[MESSAGE_HASH_SIZE];
    uint64_t full_us; /* no batch before this */

    uint64_t time_due_us;
    unsigned time_burst;
    uint64_t poll_due_us;
    uint64_t poll_us;

    bool has_result; /* of a command, to be told */
    struct command_result result;
    uint64_t command_id; /* last one done */
    bool has_command;    /* ... there was one */
    bool has_offer;      /* was shown to the receiver */
    uint8_t offer[LINK_IMAGE_HASH_SIZE];

    size_t frame_size;
    uint8_t frame[LINK_FRAME_MAX];
    uint8_t payload[LINK_PAYLOAD_MAX];
    uint8_t records[LINK_PAYLOAD_MAX];
};

/* ports and what conf points to outlive the session. conf and ports are copied. */
void session_init(
    struct session *session, const struct session_conf *conf, const struct session_ports *ports);

/* Bytes that had come by now_us. Any. */
void session_on_bytes(struct session *session, uint64_t now_us, const uint8_t *bytes, size_t size);

/* Send what is due, notice what did not come. */
void session_tick(struct session *session, uint64_t now_us);

/* When session_tick() is wanted next; 0: at once. */
uint64_t session_due_us(const struct session *session);

/* Whether an answer is expected: no erase now. */
bool session_is_waiting(const struct session *session);

/* The clock that the link keeps; for stamps, and for the battery clock. */
struct timesync *session_clock(struct session *session);

void session_get_status(const struct session *session, struct session_status *ret_status);

#endif
