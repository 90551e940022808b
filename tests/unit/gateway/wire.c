/*
 * wire.c - see wire.h.
 */
#include "tests/unit/gateway/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/suite.h"

static int publish(void *user, const char *topic, const uint8_t *payload, size_t size, bool retain)
{
    struct wire *wire = user;
    struct wire_message *message = &wire->messages[wire->count];

    if (wire->publish_rc < 0) {
        wire->refused++;
        return wire->publish_rc;
    }
    assert_true(wire->count < WIRE_MESSAGES_MAX);
    (void)snprintf(message->topic, sizeof message->topic, "%s", topic);
    message->retain = retain;
    message->size = size;
    message->bytes = malloc(size > 0 ? size : 1);
    assert_non_null(message->bytes);
    memcpy(message->bytes, payload, size);
    wire->count++;
    return 0;
}

static int subscribe(void *user, const char *topic)
{
    struct wire *wire = user;

    assert_true(wire->subscribed_count < 4);
    (void)snprintf(wire->subscribed[wire->subscribed_count++], TOPIC_MAX, "%s", topic);
    return 0;
}

static uint64_t now_us(void *user)
{
    return ((struct wire *)user)->now_us;
}

void wire_init(struct wire *wire)
{
    memset(wire, 0, sizeof *wire);
    wire->now_us = 1000000;
}

void wire_clear(struct wire *wire)
{
    for (size_t i = 0; i < wire->count; i++) {
        free(wire->messages[i].bytes);
    }
    wire->count = 0;
}

void wire_done(struct wire *wire)
{
    wire_clear(wire);
}

struct uplink_port wire_port(struct wire *wire)
{
    return (struct uplink_port){wire, publish, subscribe, now_us};
}

static enum topic_kind kind_of(const struct wire_message *message)
{
    struct topic topic = {0};

    assert_int_equal(topic_parse(message->topic, &topic), 0);
    return topic.kind;
}

void wire_up(const struct wire *wire, size_t index, struct up_message *ret_message)
{
    assert_true(index < wire->count);
    assert_int_equal(kind_of(&wire->messages[index]), TOPIC_UP);
    assert_int_equal(
        up_message_decode(wire->messages[index].bytes, wire->messages[index].size, ret_message), 0);
}

size_t wire_count_up(const struct wire *wire, enum up_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < wire->count; i++) {
        struct up_message message = {0};

        if (kind_of(&wire->messages[i]) == TOPIC_UP) {
            wire_up(wire, i, &message);
            count += message.kind == kind;
            up_message_done(&message);
        }
    }
    return count;
}

size_t wire_last(const struct wire *wire, enum topic_kind kind)
{
    for (size_t i = wire->count; i > 0; i--) {
        if (kind_of(&wire->messages[i - 1]) == kind) {
            return i - 1;
        }
    }
    fail_msg("no message of kind %d was sent", (int)kind);
    return 0;
}

struct ack make_ack(uint64_t epoch, uint64_t through_seq)
{
    struct ack ack = {.epoch = epoch, .through_seq = through_seq};

    (void)snprintf(ack.device_id, sizeof ack.device_id, "gw-test");
    (void)snprintf(ack.collector_id, sizeof ack.collector_id, "col-1");
    return ack;
}

size_t encode_ack(const struct ack *ack, uint8_t bytes[static SMALL_MESSAGE_MAX])
{
    size_t size = 0;

    assert_int_equal(ack_encode(ack, bytes, SMALL_MESSAGE_MAX, &size), 0);
    return size;
}
