/*
 * tap.c - one device that sends the taps it is given, and waits until all are acknowledged.
 *
 * Usage: collector_tap PORT SITE DEVICE EPOCH UID:KIND:UNIX_SECONDS...   KIND is I or O
 * Prints "acked N". Exit status 1 when that did not happen within 15 s.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/chain.h"
#include "base/err.h"
#include "base/mqtt.h"
#include "proto/messages.h"
#include "proto/topics.h"

enum { TAPS_MAX = 64, WAIT_S = 15 };

struct device {
    struct mqtt_session *session;
    char up[TOPIC_MAX], ack[TOPIC_MAX];
    uint8_t message[BATCH_BYTES_MAX];
    size_t size;
    uint64_t head_seq, through_seq;
    uint64_t epoch;
};

static void die(const char *what)
{
    (void)fprintf(stderr, "collector_tap: %s\n", what);
    exit(1);
}

static void on_connected(void *user)
{
    struct device *device = user;

    (void)mqtt_subscribe(device->session, device->ack, 0);
    (void)mqtt_publish(device->session, device->up, device->message, device->size, 0, false);
}

static void on_disconnected(void *user, const char *reason, unsigned retry_ms)
{
    (void)user;
    (void)reason;
    (void)retry_ms;
}

static void on_message(void *user, const char *topic, const uint8_t *payload, size_t size)
{
    struct device *device = user;
    struct ack ack;

    (void)topic;
    if (ack_decode(payload, size, &ack) == 0 && ack.epoch == device->epoch) {
        device->through_seq = ack.through_seq;
    }
}

static const struct mqtt_handler handler = {
    .connected = on_connected, .disconnected = on_disconnected, .message = on_message};

/* UID:KIND:SECONDS */
static void parse_tap(const char *text, struct record *record)
{
    const char *colon = strchr(text, ':');
    size_t digits = colon != NULL ? (size_t)(colon - text) : 0;

    if (digits == 0 || digits % 2 != 0 || digits > 2 * TAG_UID_MAX ||
        (colon[1] != 'I' && colon[1] != 'O') || colon[2] != ':') {
        die("a tap is UID:KIND:UNIX_SECONDS");
    }
    record->tap = (struct tap){.reader = "spi0",
        .uid_size = (uint8_t)(digits / 2),
        .tech = TAP_TECH_TYPE2,
        .direction = colon[1] == 'I' ? TAP_IN : TAP_OUT};
    for (size_t i = 0; i < digits / 2; i++) {
        const char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};

        record->tap.uid[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    record->wall_ms = strtoll(colon + 3, NULL, 10) * 1000;
}

static void make_message(struct device *device, const char *id, int count, char **texts)
{
    static uint8_t records[TAPS_MAX][RECORD_BYTES_MAX];
    struct bytes_view views[TAPS_MAX];
    struct batch batch = {
        .epoch = device->epoch, .first_seq = 1, .record_count = (size_t)count, .records = views};
    struct chain *chain = chain_new();

    if (chain == NULL || count < 1 || count > TAPS_MAX) {
        die("one tap to sixty-four");
    }
    (void)snprintf(batch.device_id, sizeof batch.device_id, "%s", id);
    chain_start(chain, id, device->epoch, batch.chain_head);
    for (int i = 0; i < count; i++) {
        struct record record = {.seq = (uint64_t)i + 1,
            .type = RECORD_TAP,
            .boot_id = 1,
            .boot_ms = (uint64_t)i,
            .wall_trust = WALL_SYNCED};

        parse_tap(texts[i], &record);
        if (record_encode(&record, records[i], sizeof records[i], &views[i].size) < 0) {
            die("a tap cannot be encoded");
        }
        views[i].bytes = records[i];
        chain_next(chain, batch.chain_head, records[i], views[i].size, batch.chain_head);
    }
    chain_free(chain);
    batch.head_seq = batch.record_count;
    device->head_seq = batch.head_seq;
    if (batch_encode(&batch, device->message, sizeof device->message, &device->size) < 0) {
        die("the batch cannot be encoded");
    }
}

static bool wait_for_ack(struct mqtt_io *io, struct device *device)
{
    struct pollfd ready = {.fd = mqtt_io_fd(io), .events = POLLIN};
    time_t end = time(NULL) + WAIT_S;
    time_t sent = time(NULL);

    while (device->through_seq < device->head_seq && time(NULL) < end) {
        (void)poll(&ready, 1, 100);
        mqtt_io_dispatch(io);
        if (time(NULL) > sent) { /* a collector that was not there yet */
            sent = time(NULL);
            on_connected(device);
        }
    }
    return device->through_seq >= device->head_seq;
}

int main(int argc, char **argv)
{
    static struct device device;
    struct mqtt_io *io = NULL;
    struct err err = {.text = ""};
    struct mqtt_conf conf = {.host = "127.0.0.1", .keepalive_s = 30, .backoff_min_ms = 100};
    bool is_acked = false;

    if (argc < 6) {
        die("usage: collector_tap PORT SITE DEVICE EPOCH UID:KIND:UNIX_SECONDS...");
    }
    conf.port = (uint16_t)strtoul(argv[1], NULL, 10);
    conf.client_id = argv[3];
    device.epoch = strtoull(argv[4], NULL, 10);
    make_message(&device, argv[3], argc - 5, argv + 5);
    if (topic_format(device.up, argv[2], argv[3], TOPIC_UP) < 0 ||
        topic_format(device.ack, argv[2], argv[3], TOPIC_ACK) < 0) {
        die("no such site or device");
    }
    if (mqtt_io_open(&io, &err) < 0 ||
        mqtt_session_open(&device.session, io, &conf, &handler, &device, &err) < 0) {
        die(err.text);
    }
    is_acked = wait_for_ack(io, &device);
    mqtt_session_close(device.session);
    mqtt_io_close(io);
    (void)printf("acked %llu\n", (unsigned long long)device.through_seq);
    return is_acked ? 0 : 1;
}
