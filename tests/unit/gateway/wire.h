/*
 * wire.h - an uplink_port that is a list of messages and a clock, with a collector's answers.
 */
#ifndef ECM_TESTS_WIRE_H
#define ECM_TESTS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/uplink.h"
#include "proto/messages.h"
#include "proto/topics.h"

enum { WIRE_MESSAGES_MAX = 64 };

struct wire_message {
    char topic[TOPIC_MAX];
    bool retain;
    size_t size;
    uint8_t *bytes;
};

struct wire {
    uint64_t now_us;
    int publish_rc; /* what publish() answers; 0: taken */
    unsigned refused;
    size_t count;
    struct wire_message messages[WIRE_MESSAGES_MAX];
    char subscribed[4][TOPIC_MAX];
    size_t subscribed_count;
};

void wire_init(struct wire *wire);
void wire_done(struct wire *wire);
struct uplink_port wire_port(struct wire *wire);

/* Forget what was sent so far. */
void wire_clear(struct wire *wire);

/* Decode message number index; it must be on .../up. The caller owes up_message_done(). */
void wire_up(const struct wire *wire, size_t index, struct up_message *ret_message);

/* How many messages of this kind are on .../up. */
size_t wire_count_up(const struct wire *wire, enum up_kind kind);

/* The index of the latest message on a topic of this kind, or fail the test. */
size_t wire_last(const struct wire *wire, enum topic_kind kind);

/* An ack of device "gw-test" as bytes. Returns the size. */
struct ack make_ack(uint64_t epoch, uint64_t through_seq);
size_t encode_ack(const struct ack *ack, uint8_t bytes[static SMALL_MESSAGE_MAX]);

#endif
