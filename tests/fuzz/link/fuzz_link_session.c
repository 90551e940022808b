/*
 * fuzz_link_session.c - the tag reader against any gateway: raw bytes, and frames with a right check
 * sum and number, so that what is behind them is reached. Frees nothing it was not told, and takes a
 * right welcome afterwards.
 *
 * Input: operations. 0 wait: ms/8. 1 tap. 2 raw: size, bytes. 3 frame: type, size, payload. Others:
 * a welcome or an ack with marks of the next three bytes.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "firmware/link/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORDS = 64, RECORD_SIZE = 60 };

static struct world {
    struct session session;
    uint64_t now_us;
    uint64_t head, done;
    uint64_t told; /* highest done that any answer said */
    uint8_t tx_seq;
    uint8_t type; /* of the request that is out */
    uint8_t records[RECORDS + 1][RECORD_SIZE];
} world;

static void take_request(void *user, const uint8_t *bytes, size_t size)
{
    static struct link_decoder decoder;
    struct link_frame frame;
    unsigned count = 0;

    (void)user;
    link_decoder_init(&decoder);
    for (size_t i = 0; i < size; i++) {
        if (link_decoder_take(&decoder, bytes[i], &frame)) {
            world.tx_seq = frame.tx_seq;
            world.type = frame.type;
            count++;
        }
    }
    assert(count == 1);
}

static bool take_anchor(void *user, const struct record *record)
{
    uint8_t bytes[RECORD_BYTES_MAX];
    struct record anchor = *record;
    size_t size = 0;

    (void)user;
    anchor.seq = 1;
    assert(record_encode(&anchor, bytes, sizeof bytes, &size) == 0);
    return true;
}

static void tell_state(void *user, struct link_state *ret_state)
{
    (void)user;
    ret_state->reader_ok = true;
}

static int do_command(void *user, const struct command *command, struct command_result *ret_result)
{
    (void)user;
    memcpy(ret_result->text, command->name, sizeof command->name);
    return 0;
}

static uint64_t epoch(void *user)
{
    (void)user;
    return 5;
}

static uint64_t head(void *user)
{
    (void)user;
    return world.head;
}

static uint64_t done(void *user)
{
    (void)user;
    return world.done;
}

static uint64_t oldest(void *user)
{
    (void)user;
    return 1;
}

static int read_record(
    void *user, uint64_t from_seq, uint64_t *ret_seq, const uint8_t **ret_bytes, size_t *ret_size)
{
    (void)user;
    assert(from_seq > 0);
    if (from_seq > world.head) {
        return -ENOENT;
    }
    *ret_seq = from_seq;
    *ret_bytes = world.records[from_seq];
    *ret_size = 1 + from_seq % RECORD_SIZE;
    return 0;
}

static int chain_before(void *user, uint64_t seq, uint8_t ret_head[static MESSAGE_HASH_SIZE])
{
    (void)user;
    assert(seq >= 1 && seq <= world.head + 1);
    memset(ret_head, (int)seq, MESSAGE_HASH_SIZE);
    return seq % 7 == 0 ? -ENOENT : 0;
}

static void set_done(void *user, uint64_t seq)
{
    (void)user;
    assert(seq > world.done && seq <= world.head && seq <= world.told);
    world.done = seq;
}

static void chain_next(void *user, const uint8_t head_before[static MESSAGE_HASH_SIZE],
    const uint8_t *record, size_t size, uint8_t ret_head[static MESSAGE_HASH_SIZE])
{
    (void)user;
    (void)record;
    memmove(ret_head, head_before, MESSAGE_HASH_SIZE);
    ret_head[0] = (uint8_t)(ret_head[0] + size);
}

static int take_offer(void *user, const struct link_update_offer *offer)
{
    (void)user;
    assert(offer->size > 0);
    return 0;
}

static bool want_block(void *user, struct link_update_request *ret_request)
{
    (void)user;
    ret_request->size = 1024;
    return world.head % 2 == 1;
}

static void take_block(void *user, uint32_t offset, const uint8_t *data, size_t size)
{
    uint8_t sum = (uint8_t)offset;

    (void)user;
    assert(size <= LINK_UPDATE_DATA_MAX);
    for (size_t i = 0; i < size; i++) {
        sum = (uint8_t)(sum + data[i]);
    }
    world.records[0][0] = sum;
}

static bool has_result(void *user, struct link_update_result *ret_result)
{
    (void)user;
    (void)ret_result;
    return world.head % 5 == 4;
}

static void told_result(void *user)
{
    (void)user;
}

static void start(void)
{
    static const uint8_t key[MESSAGE_KEY_SIZE] = {1};
    const struct session_conf conf = {.device_id = "PR-1",
        .version = "1",
        .board = "fuzz",
        .boot_id = 7,
        .public_key = key,
        .baud = 115200,
        .protocol_min = 1,
        .protocol_max = 2};
    const struct session_ports ports = {.send = take_request,
        .anchor = take_anchor,
        .state = tell_state,
        .command = do_command,
        .log = {NULL, epoch, head, done, oldest, read_record, chain_before, set_done},
        .crypto = {NULL, chain_next, NULL},
        .update = {NULL, take_offer, want_block, take_block, has_result, told_result}};

    memset(&world, 0, sizeof world);
    world.now_us = 1000;
    session_init(&world.session, &conf, &ports);
}

/* A frame with everything right but perhaps its payload. */
static void answer(uint8_t type, const uint8_t *payload, size_t size)
{
    static uint8_t bytes[LINK_FRAME_MAX];
    bool is_first = type == LINK_WELCOME || type == LINK_REFUSAL;
    const struct link_frame frame = {
        (uint8_t)(is_first ? 1 : world.session.protocol), type, 0, world.tx_seq, payload, size};
    size_t length = link_frame_encode(&frame, bytes, sizeof bytes);
    struct link_ack ack;
    struct link_welcome welcome;

    if (link_ack_decode(payload, size, &ack) == 0 && ack.done_seq > world.told) {
        world.told = ack.done_seq;
    }
    if (link_welcome_decode(payload, size, &welcome) == 0 && welcome.done_seq > world.told) {
        world.told = welcome.done_seq;
    }
    session_on_bytes(&world.session, world.now_us, bytes, length);
}

static void put_varint_field(uint8_t *bytes, size_t *size, uint8_t field, uint8_t value)
{
    if (value != 0) {
        bytes[(*size)++] = (uint8_t)(field << 3);
        bytes[(*size)++] = value & 0x7f;
    }
}

/* fixed64 epoch 5; the marks as given. */
static size_t make_ack(uint8_t *bytes, uint8_t held, uint8_t done_seq, uint8_t resend)
{
    static const uint8_t epoch_5[] = {0x09, 5, 0, 0, 0, 0, 0, 0, 0};
    size_t size = sizeof epoch_5;

    memcpy(bytes, epoch_5, sizeof epoch_5);
    put_varint_field(bytes, &size, 2, held);
    put_varint_field(bytes, &size, 3, done_seq);
    put_varint_field(bytes, &size, 4, resend);
    return size;
}

static size_t make_welcome(uint8_t *bytes, uint8_t protocol, uint8_t held, uint8_t done_seq)
{
    static const uint8_t boot_7[] = {0x09, 7, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t name[] = {0x1a, 2, 'G', 'W', 0x21, 5, 0, 0, 0, 0, 0, 0, 0};
    size_t size = sizeof boot_7;

    memcpy(bytes, boot_7, sizeof boot_7);
    put_varint_field(bytes, &size, 2, protocol);
    memcpy(bytes + size, name, sizeof name);
    size += sizeof name;
    put_varint_field(bytes, &size, 5, held);
    put_varint_field(bytes, &size, 6, done_seq);
    return size;
}

static size_t step(const uint8_t *data, size_t size)
{
    uint8_t bytes[64];
    size_t count = size > 1 ? data[1] : 0;

    switch (data[0] % 6) {
    case 0:
        world.now_us += (uint64_t)count * 8000;
        break;
    case 1:
        world.head += world.head < RECORDS ? 1 : 0;
        count = 0;
        break;
    case 2:
        count = count + 2 <= size ? count : size - (size > 1 ? 2 : 1);
        if (size > 2) {
            session_on_bytes(&world.session, world.now_us, data + 2, count);
        }
        session_tick(&world.session, world.now_us);
        return 2 + count;
    case 3:
        count = size > 2 ? data[2] : 0;
        count = count + 3 <= size ? count : size - (size > 2 ? 3 : size);
        if (size > 2) {
            answer(data[1], data + 3, count);
        }
        session_tick(&world.session, world.now_us);
        return 3 + count;
    case 4:
        if (size > 3) {
            answer(LINK_WELCOME, bytes, make_welcome(bytes, data[1], data[2], data[3]));
        }
        session_tick(&world.session, world.now_us);
        return 4;
    default:
        if (size > 3) {
            answer(LINK_ACK, bytes, make_ack(bytes, data[1], data[2], data[3]));
        }
        session_tick(&world.session, world.now_us);
        return 4;
    }
    session_tick(&world.session, world.now_us);
    return 2;
}

static bool is_greeting(void)
{
    return session_is_waiting(&world.session) && world.type == LINK_HELLO;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t bytes[64];
    struct session_status status;

    start();
    session_tick(&world.session, world.now_us);
    for (size_t at = 0; at < size;) {
        at += step(data + at, size - at);
        assert(session_due_us(&world.session) == 0 || !session_is_waiting(&world.session) ||
               session_due_us(&world.session) <= world.now_us + 5 * 1000 * 1000);
    }
    /* Whatever was: a gateway that answers is welcome again within a minute. */
    for (int i = 0; i < 200 && !is_greeting(); i++) {
        world.now_us += 1000 * 1000;
        session_tick(&world.session, world.now_us);
    }
    assert(is_greeting());
    session_on_bytes(&world.session, world.now_us, (const uint8_t *)"", 1);
    answer(LINK_WELCOME, bytes, make_welcome(bytes, 1, (uint8_t)world.done, (uint8_t)world.done));
    session_get_status(&world.session, &status);
    assert(status.phase == SESSION_READY);
    return 0;
}
