/*
 * fuzz_link_relay.c - a gateway against any tag readers and any acks: raw bytes, frames with a right
 * check sum, hellos and batches that are right but for their numbers. It holds nothing that it was
 * not given, and serves a right tag reader afterwards.
 *
 * Input: operations; see step().
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "gateway/relay.h"
#include "hal/fake/fake_clock.h"
#include "proto/link_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES = 3 };

static struct world {
    struct relay *relay;
    struct fake_clock clock;
    uint64_t now_us;
    int lines[LINES]; /* -1: closed */
    uint8_t answer;   /* type of the last one */
    struct link_welcome welcome;
    struct link_ack ack;
} world;

static char path[64];

static int publish(void *user, const char *topic, const uint8_t *payload, size_t size, bool retain)
{
    struct up_message up;

    (void)user;
    (void)topic;
    (void)retain;
    /* Only what can be read goes to the collector. */
    assert(up_message_decode(payload, size, &up) == 0);
    up_message_done(&up);
    return 0;
}

static uint64_t tell_now(void *user)
{
    (void)user;
    return world.now_us;
}

static void take_answer(void *user, int line, const uint8_t *bytes, size_t size)
{
    static struct link_decoder decoder;
    struct link_frame frame;

    (void)user;
    (void)line;
    link_decoder_init(&decoder);
    for (size_t i = 0; i < size; i++) {
        if (link_decoder_take(&decoder, bytes[i], &frame)) {
            world.answer = frame.type;
            (void)(frame.type == LINK_WELCOME &&
                   link_welcome_decode(frame.payload, frame.size, &world.welcome));
            (void)(frame.type == LINK_ACK &&
                   link_ack_decode(frame.payload, frame.size, &world.ack));
        }
    }
}

static void take_alert(void *user, const char *event, const char *text)
{
    (void)user;
    assert(event[0] != '\0' && text[0] != '\0');
}

static void take_result(void *user, const struct command_result *result)
{
    (void)user;
    (void)result;
}

static void open_relay(void)
{
    const struct relay_conf conf = {
        .site = "home", .gateway_id = "GW-1", .path = path, .bytes_max = 1 << 20, .keep_days = 90};
    const struct relay_ports ports = {.uplink = {NULL, publish, NULL, tell_now},
        .clock = &world.clock.base,
        .send = take_answer,
        .alert = take_alert,
        .command_done = take_result};

    if (relay_open(&world.relay, &conf, &ports, NULL) != 0) {
        abort();
    }
    for (int i = 0; i < LINES; i++) {
        world.lines[i] = -1;
    }
}

static void start(void)
{
    char wal[80];

    if (path[0] == '\0') {
        (void)snprintf(path, sizeof path, "%s/ecm-fuzz-relay-%d.db",
            access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
        log_set_level(LOG_LEVEL_ERR);
    }
    (void)snprintf(wal, sizeof wal, "%s-wal", path);
    (void)unlink(path);
    (void)unlink(wal);
    memset(&world, 0, sizeof world);
    world.now_us = 1000000;
    fake_clock_init(&world.clock, 3, INT64_C(1767225600000));
    open_relay();
}

static int line_of(uint8_t number)
{
    int *line = &world.lines[number % LINES];

    if (*line < 0) {
        *line = relay_line_open(world.relay, "fuzz");
    }
    return *line;
}

static void send_frame(uint8_t line, uint8_t type, const uint8_t *payload, size_t size)
{
    static uint8_t bytes[LINK_FRAME_MAX];
    const struct link_frame frame = {1, type, 9, 0, payload, size};
    size_t length = link_frame_encode(&frame, bytes, sizeof bytes);

    relay_on_bytes(world.relay, line_of(line), bytes, length);
}

static void say_hello(uint8_t line, const uint8_t *numbers)
{
    uint8_t payload[LINK_SMALL_MAX];
    struct link_hello hello = {.epoch = 1 + numbers[0] % 3,
        .boot_id = 4,
        .head_seq = numbers[1],
        .done_seq = numbers[1] == 0 ? 0 : numbers[2] % (numbers[1] + 1u),
        .oldest_seq = 1 + numbers[3] % (numbers[1] + 1u),
        .has_public_key = numbers[0] % 16 > 2,
        .protocol_min = 1,
        .protocol_max = 1 + numbers[0] % 2};
    size_t size = 0;

    (void)snprintf(hello.device_id, sizeof hello.device_id, "PR-%d", numbers[0] / 64);
    hello.public_key[0] = numbers[0] / 128;
    assert(link_hello_encode(&hello, payload, sizeof payload, &size) == 0);
    send_frame(line, LINK_HELLO, payload, size);
}

static void send_batch(uint8_t line, const uint8_t *numbers)
{
    static const uint8_t record[40] = {8, 1};
    uint8_t payload[LINK_PAYLOAD_MAX];
    struct bytes_view views[LINK_BATCH_RECORDS_MAX];
    struct batch batch = {.records = views,
        .epoch = 1 + numbers[0] % 3,
        .first_seq = 1 + numbers[1],
        .record_count = 1 + numbers[2] % LINK_BATCH_RECORDS_MAX,
        .head_seq = 600};
    size_t size = 0;

    for (size_t i = 0; i < batch.record_count; i++) {
        views[i] = (struct bytes_view){record, 1 + (numbers[3] + i) % sizeof record};
    }
    (void)snprintf(batch.device_id, sizeof batch.device_id, "PR-%d", numbers[0] / 64);
    assert(batch_encode(&batch, payload, sizeof payload, &size) == 0);
    send_frame(line, LINK_BATCH, payload, size);
}

static void take_ack(const uint8_t *numbers)
{
    struct ack ack = {.epoch = 1 + numbers[0] % 3,
        .through_seq = numbers[1],
        .wants_resend = numbers[2] % 2 == 1,
        .resend_from_seq = numbers[3]};

    (void)snprintf(ack.device_id, sizeof ack.device_id, "PR-%d", numbers[0] / 64);
    relay_on_ack(world.relay, &ack);
}

static void tick(void)
{
    uint64_t due_us = 0;

    relay_tick(world.relay, &due_us);
}

/* Numbers: who (device, epoch, key), then as each needs. */
static size_t step(const uint8_t *data, size_t size)
{
    size_t count = 0;

    if (size < 6) {
        return size;
    }
    switch (data[0] % 10) {
    case 0:
    case 1:
        say_hello(data[1], data + 2);
        return 6;
    case 2:
    case 3:
        send_batch(data[1], data + 2);
        return 6;
    case 4:
        take_ack(data + 2);
        return 6;
    case 5: /* raw */
        count = data[2] < size - 3 ? data[2] : size - 3;
        relay_on_bytes(world.relay, line_of(data[1]), data + 3, count);
        return 3 + count;
    case 6: /* any payload in a right frame */
        count = data[3] < size - 4 ? data[3] : size - 4;
        send_frame(data[1], data[2], data + 4, count);
        return 4 + count;
    case 7:
        if (world.lines[data[1] % LINES] >= 0) {
            relay_line_close(world.relay, world.lines[data[1] % LINES]);
            world.lines[data[1] % LINES] = -1;
        }
        return 2;
    case 8:
        if (data[1] % 2 == 0) {
            relay_on_connected(world.relay);
        } else {
            relay_on_disconnected(world.relay);
        }
        return 2;
    default:
        world.now_us += (uint64_t)data[1] * 100000;
        tick();
        if (data[1] == 255) {
            relay_keep_house(world.relay, INT64_C(1767225600000));
            relay_close(world.relay);
            open_relay();
        }
        return 2;
    }
}

/* A tag reader that nobody has heard of yet, on a line of its own. */
static void serve_one_more(void)
{
    static const uint8_t hello[] = {255, 5, 0, 0};
    static const uint8_t batch[] = {255, 0, 4, 0};

    for (int i = 0; i < LINES; i++) {
        if (world.lines[i] >= 0) {
            relay_line_close(world.relay, world.lines[i]);
            world.lines[i] = -1;
        }
    }
    world.now_us += UINT64_C(25) * 3600 * 1000000;
    say_hello(0, hello);
    tick();
    assert(world.answer == LINK_WELCOME || world.answer == LINK_REFUSAL);
    if (world.answer == LINK_WELCOME && world.welcome.held_seq < 5) {
        send_batch(0, batch);
        tick();
        assert(world.answer == LINK_ACK && (world.ack.held_seq >= 5 || world.ack.is_full));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    start();
    for (size_t at = 0; at < size;) {
        at += step(data + at, size - at);
    }
    tick();
    serve_one_more();
    relay_close(world.relay);
    return 0;
}
