/*
 * load.c - many devices at once, each with its window, against a real broker and collector.
 *
 * Usage: collector_load PORT HOMES BATCHES RECORDS WINDOW
 * Every device is a session of its own; all batches are made and signed before the clock starts.
 * A device has at most WINDOW batches under way and goes back to the collector's mark when asked,
 * or when nothing was acknowledged for a while. Prints one line of key=value.
 */
#include <inttypes.h>
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

enum { QUIET_MS = 3000 };

struct home {
    char id[DEVICE_ID_MAX + 1];
    char up[TOPIC_MAX], ack[TOPIC_MAX];
    uint8_t **batches;
    size_t *sizes;
    size_t next, acked;
    uint64_t last_ack_ms;
    bool is_connected;
    uint8_t hello[SMALL_MESSAGE_MAX];
    size_t hello_size;
    struct mqtt_session *session;
};

static struct home *homes;
static size_t home_count, batch_count, record_count, window;
static size_t done_count, connected_count, resends;
static bool is_started;
static uint64_t bytes_total;

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void die(const char *what)
{
    (void)fprintf(stderr, "collector_load: %s\n", what);
    exit(1);
}

/* ---- making ------------------------------------------------------------------------------- */

static void make_batch(struct home *home, size_t index, struct chain *chain, struct signer *signer,
    uint8_t *head, uint64_t epoch)
{
    static uint8_t records[BATCH_RECORDS_MAX][RECORD_BYTES_MAX];
    static uint8_t bytes[BATCH_BYTES_MAX];
    struct bytes_view views[BATCH_RECORDS_MAX];
    uint8_t input[BATCH_SIGNING_INPUT_MAX];
    struct batch batch = {.epoch = epoch,
        .first_seq = index * record_count + 1,
        .record_count = record_count,
        .records = views,
        .head_seq = batch_count * record_count,
        .has_signature = true};

    (void)memcpy(batch.device_id, home->id, sizeof batch.device_id);
    for (size_t i = 0; i < record_count; i++) {
        struct record record = {.seq = batch.first_seq + i,
            .type = RECORD_TAP,
            .boot_id = epoch ^ 0x5555,
            .boot_ms = 60000 * (batch.first_seq + i),
            .wall_ms = INT64_C(1603065600000) + (int64_t)(batch.first_seq + i) * 60000,
            .wall_trust = WALL_SYNCED,
            .wall_uncertainty_ms = 20,
            .tap = {.reader = "spi0",
                .uid = {4, 1, 2, 3, 4, 5, (uint8_t)i},
                .uid_size = 7,
                .tech = TAP_TECH_TYPE2,
                .direction = i % 2 == 0 ? TAP_IN : TAP_OUT}};

        if (record_encode(&record, records[i], sizeof records[i], &views[i].size) < 0) {
            die("a record cannot be encoded");
        }
        views[i].bytes = records[i];
        chain_next(chain, head, records[i], views[i].size, head);
    }
    (void)memcpy(batch.chain_head, head, sizeof batch.chain_head);
    if (signer_sign(signer, input, batch_signing_input(&batch, input), batch.signature) < 0 ||
        batch_encode(&batch, bytes, sizeof bytes, &home->sizes[index]) < 0) {
        die("a batch cannot be encoded");
    }
    home->batches[index] = malloc(home->sizes[index]);
    if (home->batches[index] == NULL) {
        die("out of memory");
    }
    (void)memcpy(home->batches[index], bytes, home->sizes[index]);
    bytes_total += home->sizes[index];
}

static void make_home(struct home *home, size_t number, struct chain *chain, struct signer *signer)
{
    uint64_t epoch = UINT64_C(0x9e3779b97f4a7c15) * (number + 1);
    struct hello hello = {.epoch = epoch,
        .head_seq = batch_count * record_count,
        .oldest_seq = 1,
        .version = "load",
        .has_public_key = true};
    uint8_t head[CHAIN_SIZE];

    (void)snprintf(home->id, sizeof home->id, "LOAD-%05zu", number);
    (void)topic_format(home->up, "bench", home->id, TOPIC_UP);
    (void)topic_format(home->ack, "bench", home->id, TOPIC_ACK);
    chain_start(chain, home->id, epoch, head);
    (void)memcpy(hello.device_id, home->id, sizeof hello.device_id);
    (void)memcpy(hello.chain_before_oldest, head, sizeof head);
    signer_public_key(signer, hello.public_key);
    home->batches = calloc(batch_count, sizeof *home->batches);
    home->sizes = calloc(batch_count, sizeof *home->sizes);
    if (home->batches == NULL || home->sizes == NULL ||
        hello_encode(&hello, home->hello, sizeof home->hello, &home->hello_size) < 0) {
        die("a home cannot be made");
    }
    for (size_t i = 0; i < batch_count; i++) {
        make_batch(home, i, chain, signer, head, epoch);
    }
}

/* ---- sending ------------------------------------------------------------------------------ */

static void fill_window(struct home *home)
{
    while (is_started && home->is_connected && home->next < batch_count &&
           home->next < home->acked + window) {
        if (mqtt_publish(home->session, home->up, home->batches[home->next],
                home->sizes[home->next], 0, false) < 0) {
            return;
        }
        home->next++;
    }
}

static void on_connected(void *user)
{
    struct home *home = user;

    if (!home->is_connected) {
        connected_count++;
    }
    home->is_connected = true;
    (void)mqtt_subscribe(home->session, home->ack, 0);
    (void)mqtt_publish(home->session, home->up, home->hello, home->hello_size, 0, false);
}

static void on_disconnected(void *user, const char *reason, unsigned retry_ms)
{
    struct home *home = user;

    (void)reason;
    (void)retry_ms;
    if (home->is_connected) {
        connected_count--;
    }
    home->is_connected = false;
}

static void on_message(void *user, const char *topic, const uint8_t *payload, size_t size)
{
    struct home *home = user;
    struct ack ack;
    size_t through = 0;

    (void)topic;
    if (ack_decode(payload, size, &ack) < 0) {
        die("an acknowledgement cannot be read");
    }
    through = (size_t)ack.through_seq / record_count;
    if (ack.wants_resend && home->next > through) {
        home->next = through;
        resends++;
    }
    if (through > home->acked) {
        home->acked = through;
        home->last_ack_ms = now_ms();
        if (home->next < through) {
            home->next = through;
        }
        if (through == batch_count) {
            done_count++;
        }
    }
    fill_window(home);
}

static const struct mqtt_handler handler = {
    .connected = on_connected, .disconnected = on_disconnected, .message = on_message};

static void run(struct mqtt_io *io)
{
    struct pollfd ready = {.fd = mqtt_io_fd(io), .events = POLLIN};
    uint64_t looked_ms = now_ms();

    while (done_count < home_count) {
        (void)poll(&ready, 1, 100);
        mqtt_io_dispatch(io);
        if (!is_started && connected_count == home_count) {
            return;
        }
        if (!is_started || now_ms() - looked_ms < 200) {
            continue;
        }
        looked_ms = now_ms();
        for (size_t i = 0; i < home_count; i++) {
            if (homes[i].acked < batch_count && looked_ms - homes[i].last_ack_ms > QUIET_MS) {
                homes[i].next = homes[i].acked;
                homes[i].last_ack_ms = looked_ms;
                resends++;
            }
            fill_window(&homes[i]);
        }
    }
}

static size_t number_of(const char *text)
{
    char *end = NULL;
    unsigned long number = strtoul(text, &end, 10);

    if (number == 0 || *end != '\0') {
        die("usage: collector_load PORT HOMES BATCHES RECORDS WINDOW");
    }
    return number;
}

static void open_sessions(struct mqtt_io *io, uint16_t port)
{
    struct err err = {.text = ""};

    for (size_t i = 0; i < home_count; i++) {
        const struct mqtt_conf conf = {.host = "127.0.0.1",
            .port = port,
            .client_id = homes[i].id,
            .keepalive_s = 60,
            .backoff_min_ms = 200};

        if (mqtt_session_open(&homes[i].session, io, &conf, &handler, &homes[i], &err) < 0) {
            die(err.text);
        }
    }
}

int main(int argc, char **argv)
{
    struct mqtt_io *io = NULL;
    struct chain *chain = chain_new();
    struct signer *signer = NULL;
    struct err err = {.text = ""};
    char key[64];
    uint64_t from_ms = 0, took_ms = 0;
    uint16_t port = argc == 6 ? (uint16_t)number_of(argv[1]) : 0;

    if (port == 0) {
        die("usage: collector_load PORT HOMES BATCHES RECORDS WINDOW");
    }
    home_count = number_of(argv[2]);
    batch_count = number_of(argv[3]);
    record_count = number_of(argv[4]);
    window = number_of(argv[5]);
    homes = calloc(home_count, sizeof *homes);
    (void)snprintf(key, sizeof key, "/tmp/collector-load-%d.pem", (int)time(NULL));
    if (homes == NULL || chain == NULL || signer_open(&signer, key, &err) < 0 ||
        mqtt_io_open(&io, &err) < 0) {
        die(err.text);
    }
    (void)remove(key);
    for (size_t i = 0; i < home_count; i++) {
        make_home(&homes[i], i, chain, signer);
    }
    open_sessions(io, port);
    run(io);
    is_started = true;
    from_ms = now_ms();
    for (size_t i = 0; i < home_count; i++) {
        homes[i].last_ack_ms = from_ms;
        fill_window(&homes[i]);
    }
    run(io);
    took_ms = now_ms() - from_ms;
    (void)printf("records=%zu bytes=%" PRIu64 " ms=%" PRIu64 " records_per_s=%" PRIu64
                 " resends=%zu\n",
        home_count * batch_count * record_count, bytes_total, took_ms,
        (uint64_t)(home_count * batch_count * record_count) * 1000 / (took_ms + 1), resends);
    (void)fflush(stdout);
    _Exit(0); /* a thousand graceful disconnects measure nothing */
}
