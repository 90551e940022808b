/*
 * offline_gateway.c - one whole gateway that spends a month without a collector.
 *
 *     offline_gateway FOLDER PORT TAPS DEVICE [FILL_FOLDER]
 *
 * Makes TAPS taps over 30 simulated days, each committed by itself as in life, while nobody answers
 * on PORT; closes and opens the outbox again; says "full" and waits for the broker. Records are signed. With
 * FILL_FOLDER (in memory, say) the taps are made there and the outbox is copied to FOLDER before it
 * is opened again: a busy disk needs an hour for a million commits. While the
 * backlog drains, a carer taps every TAP_EVERY_US of real time, and the wait from the moment the
 * tag is there until the light shows is measured with everything that the loop was busy with.
 * What it finds goes to stdout, a name and a value a line; offline.py runs it and checks.
 *
 * The core, the outbox file and the MQTT session are the daemon's own. Reader, lamp and calendar
 * are fakes; a tag's number is the number of its tap.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mqtt.h"
#include "gateway/gateway.h"
#include "hal/fake/fake_clock.h"
#include "hal/fake/fake_feedback.h"
#include "hal/fake/fake_reader.h"

enum {
    TAP_EVERY_US = 5000,
    SAMPLES_MAX = 1 << 18,
    TELL_EVERY_US = 200000,
    PATH_SIZE = 512,
    TURN_MAX_MS = 1000,
    MONTH_S = 30 * 86400,
    MOVE_STEP = 1 << 20,
};
#define START_MS 1788220800000 /* 2026-09-01 */

struct bench {
    const char *folder;
    const char *fill_folder; /* NULL: folder */
    uint16_t port;
    unsigned taps;
    const char *device;
    char path[PATH_SIZE];
    char key_path[PATH_SIZE];
    struct fake_clock clock;
    struct fake_feedback feedback;
    struct fake_reader reader;
    struct mqtt_io *io;
    struct mqtt_session *session;
    struct gateway *gateway;
    unsigned tapped;
    size_t samples;
    uint32_t wait_us[SAMPLES_MAX];
};

static void check(int is_good, const char *what)
{
    if (!is_good) {
        (void)fprintf(stderr, "offline_gateway: %s\n", what);
        exit(1);
    }
}

static void tell(const char *name, uint64_t value)
{
    (void)printf("%s %" PRIu64 "\n", name, value);
    (void)fflush(stdout);
}

/* A line of /proc/self/status in KiB. */
static uint64_t memory_kib(const char *name)
{
    char line[128] = "";
    unsigned long kib = 0;
    FILE *file = fopen("/proc/self/status", "re");

    check(file != NULL, "no /proc/self/status");
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            kib = strtoul(line + strlen(name) + 1, NULL, 10);
        }
    }
    (void)fclose(file);
    return kib;
}

static void tell_memory(const char *when)
{
    char name[64] = "";

    (void)snprintf(name, sizeof name, "rss_kib_%s", when);
    tell(name, memory_kib("VmRSS"));
    (void)snprintf(name, sizeof name, "anon_kib_%s", when);
    tell(name, memory_kib("RssAnon"));
}

/* ---- ports -------------------------------------------------------------------------------- */

static void on_connected(void *user)
{
    gateway_on_connected(((struct bench *)user)->gateway);
}

static void on_disconnected(void *user, const char *reason, unsigned retry_ms)
{
    gateway_on_disconnected(((struct bench *)user)->gateway, reason, retry_ms);
}

static void on_message(void *user, const char *topic, const uint8_t *payload, size_t size)
{
    gateway_on_message(((struct bench *)user)->gateway, topic, payload, size);
}

static int publish(void *user, const char *topic, const uint8_t *payload, size_t size, bool retain)
{
    struct bench *bench = user;

    return bench->session == NULL ? -ENOTCONN
                                  : mqtt_publish(bench->session, topic, payload, size, 0, retain);
}

static int subscribe(void *user, const char *topic)
{
    return mqtt_subscribe(((struct bench *)user)->session, topic, 0);
}

static uint64_t now_us(void *user)
{
    (void)user;
    return loop_now_us();
}

static void open_gateway(struct bench *bench)
{
    const struct gateway_conf conf = {.site = "bench",
        .device = bench->device,
        .outbox_path = bench->path,
        .key_path = bench->key_path,
        .version = "bench"};
    const struct gateway_ports ports = {
        .clock = &bench->clock.base,
        .feedback = &bench->feedback.base,
        .readers = {&bench->reader.base},
        .reader_count = 1,
        .uplink = {bench, publish, subscribe, now_us},
    };
    struct err err = {0};

    check(gateway_open(&bench->gateway, &conf, &ports, &err) == 0, err.text);
}

static void open_session(struct bench *bench)
{
    static const struct mqtt_handler handler = {on_connected, on_disconnected, on_message};
    const struct mqtt_conf conf = {.host = "127.0.0.1",
        .port = bench->port,
        .client_id = bench->device,
        .keepalive_s = 30,
        .backoff_max_ms = 1000};
    struct err err = {0};

    check(mqtt_io_open(&bench->io, &err) == 0, err.text);
    check(
        mqtt_session_open(&bench->session, bench->io, &conf, &handler, bench, &err) == 0, err.text);
}

/* ---- taps and turns ----------------------------------------------------------------------- */

static void tap(struct bench *bench)
{
    struct fake_reader_step step = {.at_us = bench->clock.boot_us};
    unsigned n = ++bench->tapped;

    step.event.kind = HAL_READER_TAG;
    step.event.detected_us = bench->clock.boot_us;
    step.event.tag.tech = HAL_TAG_TYPE2;
    step.event.tag.uid_size = 7;
    for (int i = 0; i < 4; i++) {
        step.event.tag.uid[6 - i] = (uint8_t)(n >> (8 * i));
    }
    step.event.tag.uid[0] = 4;
    fake_reader_play(&bench->reader, &step, 1);
    gateway_poll_reader(bench->gateway, 0);
}

static struct gateway_due turn(struct bench *bench)
{
    struct gateway_due due = {0};

    mqtt_io_dispatch(bench->io);
    gateway_tick(bench->gateway, &due);
    return due;
}

static void fill(struct bench *bench)
{
    uint64_t start_us = loop_now_us();

    for (unsigned n = 0; n < bench->taps; n++) {
        fake_clock_advance_us(&bench->clock, MONTH_S * UINT64_C(1000000) / bench->taps);
        tap(bench);
        (void)turn(bench);
    }
    tell("fill_ms", (loop_now_us() - start_us) / 1000);
}

/* The closed outbox to where it is drained from; on the disk when this returns. */
static void move_outbox(struct bench *bench)
{
    char to_path[PATH_SIZE] = "";
    int from = open(bench->path, O_RDONLY | O_CLOEXEC);
    int to = -1;
    ssize_t moved = 1;

    (void)snprintf(to_path, sizeof to_path, "%s/outbox.db", bench->folder);
    to = open(to_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    check(from >= 0 && to >= 0, "cannot move the outbox");
    while (moved > 0) {
        moved = sendfile(to, from, NULL, MOVE_STEP);
    }
    check(moved == 0 && fsync(to) == 0 && unlink(bench->path) == 0, "cannot move the outbox");
    (void)close(from);
    (void)close(to);
    memcpy(bench->path, to_path, sizeof to_path);
}

static void reopen(struct bench *bench)
{
    uint64_t start_us = 0;

    gateway_close(bench->gateway);
    if (bench->fill_folder != NULL) {
        move_outbox(bench);
    }
    start_us = loop_now_us();
    open_gateway(bench);
    tell("reopen_ms", (loop_now_us() - start_us) / 1000);
}

static void wait_for_work(struct bench *bench, const struct gateway_due *due, uint64_t next_us)
{
    uint64_t now = loop_now_us();
    uint64_t until = due->uplink_us < next_us ? due->uplink_us : next_us;
    int wait_ms = until > now ? (int)((until - now + 999) / 1000) : 0;
    struct pollfd fd = {.fd = mqtt_io_fd(bench->io), .events = POLLIN};

    (void)poll(&fd, 1, wait_ms < TURN_MAX_MS ? wait_ms : TURN_MAX_MS);
}

static void measured_tap(struct bench *bench, uint64_t since_us)
{
    fake_clock_advance_us(&bench->clock, TAP_EVERY_US);
    tap(bench);
    check(bench->samples < SAMPLES_MAX, "drains too slowly to measure");
    bench->wait_us[bench->samples++] = (uint32_t)(loop_now_us() - since_us);
}

static void tell_progress(const struct device_state *state)
{
    (void)printf("progress %" PRIu64 " %" PRIu64 " %u %" PRIu64 " %" PRIu64 "\n", state->acked_seq,
        state->head_seq, state->drain_eta_s, memory_kib("VmRSS"), memory_kib("RssAnon"));
    (void)fflush(stdout);
}

/* Until the collector has what waited, the carer goes on tapping; then until it has all. */
static void drain(struct bench *bench)
{
    struct device_state state = {0};
    uint64_t waiting_seq = 0;
    uint64_t start_us = 0;
    uint64_t end_us = 0;
    uint64_t next_tap_us = 0;
    uint64_t next_tell_us = 0;
    uint64_t first_acked = 0;

    gateway_state(bench->gateway, &state);
    waiting_seq = state.head_seq;
    do {
        struct gateway_due due = turn(bench);
        uint64_t now = loop_now_us();
        bool is_tapping = start_us != 0 && end_us == 0;

        /* One a turn: on a disk that takes longer than that for each, the backlog must move too. */
        if (is_tapping && now >= next_tap_us) {
            measured_tap(bench, next_tap_us);
            next_tap_us += TAP_EVERY_US;
            now = loop_now_us();
        }
        gateway_state(bench->gateway, &state);
        if (start_us == 0 && state.acked_seq > 0) {
            start_us = now;
            first_acked = state.acked_seq;
            next_tap_us = now;
        }
        if (end_us == 0 && state.acked_seq >= waiting_seq) {
            end_us = now;
        }
        if (now >= next_tell_us) {
            tell_progress(&state);
            next_tell_us = now + TELL_EVERY_US;
        }
        wait_for_work(bench, &due, is_tapping ? next_tap_us : UINT64_MAX);
    } while (end_us == 0 || state.acked_seq < state.head_seq);
    tell("drain_start_us", start_us);
    tell("drain_end_us", end_us);
    tell("drain_ms", (end_us - start_us) / 1000);
    tell("drained", waiting_seq - first_acked);
    tell("head_seq", state.head_seq);
}

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

static void tell_waits(struct bench *bench)
{
    check(bench->samples > 0, "drained before the carer could tap once");
    qsort(bench->wait_us, bench->samples, sizeof bench->wait_us[0], compare);
    tell("green_samples", bench->samples);
    tell("green_p50_us", bench->wait_us[bench->samples / 2]);
    tell("green_p99_us", bench->wait_us[bench->samples * 99 / 100]);
    tell("green_max_us", bench->wait_us[bench->samples - 1]);
}

static void tell_disk(struct bench *bench)
{
    struct device_state state = {0};
    char path[PATH_SIZE + 8] = "";
    struct stat file = {0};
    struct stat wal = {0};

    gateway_state(bench->gateway, &state);
    (void)snprintf(path, sizeof path, "%s-wal", bench->path);
    check(stat(bench->path, &file) == 0, "no outbox file");
    (void)stat(path, &wal);
    tell("disk_bytes", (uint64_t)file.st_size + (uint64_t)wal.st_size);
    tell("outbox_bytes", state.outbox_bytes);
    tell("outbox_bytes_max", state.outbox_bytes_max);
    tell("taps_refused", state.taps_refused);
}

int main(int argc, char **argv)
{
    static struct bench bench;

    check(argc == 5 || argc == 6, "usage: offline_gateway FOLDER PORT TAPS DEVICE [FILL_FOLDER]");
    log_set_level(LOG_LEVEL_ERR);
    bench.folder = argv[1];
    bench.port = (uint16_t)strtoul(argv[2], NULL, 10);
    bench.taps = (unsigned)strtoul(argv[3], NULL, 10);
    check(bench.taps > 0, "TAPS must be above 0");
    bench.device = argv[4];
    bench.fill_folder = argc == 6 ? argv[5] : NULL;
    (void)snprintf(bench.path, sizeof bench.path, "%s/outbox.db",
        argc == 6 ? bench.fill_folder : bench.folder);
    (void)snprintf(bench.key_path, sizeof bench.key_path, "%s/device.key", bench.folder);
    fake_clock_init(&bench.clock, 1, START_MS);
    fake_clock_sync(&bench.clock, START_MS, 5);
    fake_feedback_init(&bench.feedback);
    fake_reader_init(&bench.reader, "spi0", &bench.clock.base);
    open_gateway(&bench);
    open_session(&bench);
    tell_memory("empty");
    fill(&bench);
    tell_memory("full");
    tell_disk(&bench);
    reopen(&bench);
    tell_memory("reopened");
    (void)printf("full\n");
    (void)fflush(stdout);
    drain(&bench);
    tell_memory("drained");
    tell_waits(&bench);
    tell("taps", bench.tapped);
    tell("refused_lights", bench.feedback.per_pattern[HAL_FEEDBACK_REFUSED]);
    gateway_close(bench.gateway);
    mqtt_session_close(bench.session);
    mqtt_io_close(bench.io);
    return 0;
}
