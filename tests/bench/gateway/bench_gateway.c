/*
 * bench_gateway.c - tap detected -> committed -> feedback, over 10,000 taps, beside its floor.
 *
 * The whole core on a real outbox file in FOLDER (default: the current folder, which must be on a
 * real disk), over a fake reader and lamp. In the same run and by turns, so that a noisy disk
 * hits all three alike: a write + fdatasync of as many bytes as a record has, and a bare SQLite
 * insert with the same settings (WAL, FULL). Prints p50, p99 and the ratios, and VmRSS.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/err.h"
#include "base/log.h"
#include "gateway/gateway.h"
#include "hal/fake/fake_feedback.h"
#include "hal/fake/fake_reader.h"
#include "hal/linux/clock_linux.h"

enum { TAPS = 10000, RECORD_SIZE = 96, PATH_SIZE = 512 };

struct bench {
    struct clock_linux clock;
    struct fake_feedback feedback;
    struct fake_reader reader;
    struct gateway *gateway;
    sqlite3 *db;
    sqlite3_stmt *insert;
    int fd;
    uint32_t tap_ns[TAPS];
    uint32_t sync_ns[TAPS];
    uint32_t sqlite_ns[TAPS];
};

static uint64_t now_ns(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void check(int is_good, const char *what)
{
    if (!is_good) {
        (void)fprintf(stderr, "bench_gateway: %s\n", what);
        exit(1);
    }
}

static int take(void *user, const char *topic, const uint8_t *payload, size_t size, bool retain)
{
    (void)user;
    (void)topic;
    (void)payload;
    (void)size;
    (void)retain;
    return 0;
}

static int subscribe(void *user, const char *topic)
{
    (void)user;
    (void)topic;
    return 0;
}

static uint64_t now_us(void *user)
{
    (void)user;
    return now_ns() / 1000;
}

static void open_gateway(struct bench *bench, const char *folder)
{
    char path[PATH_SIZE] = "";
    const struct gateway_conf conf = {
        .site = "bench", .device = "gw-bench", .outbox_path = path, .version = "bench"};
    const struct gateway_ports ports = {
        .clock = &bench->clock.base,
        .feedback = &bench->feedback.base,
        .readers = {&bench->reader.base},
        .reader_count = 1,
        .uplink = {bench, take, subscribe, now_us},
    };
    struct err err = {0};

    (void)snprintf(path, sizeof path, "%s/bench-outbox.db", folder);
    (void)unlink(path);
    check(gateway_open(&bench->gateway, &conf, &ports, &err) == 0, err.text);
}

static void open_floors(struct bench *bench, const char *folder)
{
    char path[PATH_SIZE] = "";

    (void)snprintf(path, sizeof path, "%s/bench-floor.bin", folder);
    bench->fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    check(bench->fd >= 0, "cannot create bench-floor.bin");
    (void)snprintf(path, sizeof path, "%s/bench-floor.db", folder);
    (void)unlink(path);
    check(sqlite3_open(path, &bench->db) == SQLITE_OK, "cannot create bench-floor.db");
    check(sqlite3_exec(bench->db,
              "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
              " PRAGMA wal_autocheckpoint=256;"
              " CREATE TABLE record (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL)",
              NULL, NULL, NULL) == SQLITE_OK,
        sqlite3_errmsg(bench->db));
    check(sqlite3_prepare_v2(bench->db, "INSERT INTO record (bytes) VALUES (zeroblob(96))", -1,
              &bench->insert, NULL) == SQLITE_OK,
        sqlite3_errmsg(bench->db));
}

/* From the chip's report to the lamp: detected_us is the moment this begins. */
static void tap(struct bench *bench, unsigned n)
{
    struct fake_reader_step step = {.at_us = 0};
    uint64_t start_ns = 0;

    step.event.kind = HAL_READER_TAG;
    step.event.tag.uid_size = 7;
    memcpy(step.event.tag.uid, &n, sizeof n);
    fake_reader_play(&bench->reader, &step, 1);
    start_ns = now_ns();
    step.event.detected_us = start_ns / 1000;
    gateway_poll_reader(bench->gateway, 0);
    bench->tap_ns[n] = (uint32_t)(now_ns() - start_ns);
}

static void floors(struct bench *bench, unsigned n)
{
    static const char bytes[RECORD_SIZE] = {0};
    uint64_t start_ns = now_ns();

    check(write(bench->fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes, "write");
    check(fdatasync(bench->fd) == 0, "fdatasync");
    bench->sync_ns[n] = (uint32_t)(now_ns() - start_ns);
    start_ns = now_ns();
    check(sqlite3_step(bench->insert) == SQLITE_DONE, sqlite3_errmsg(bench->db));
    (void)sqlite3_reset(bench->insert);
    bench->sqlite_ns[n] = (uint32_t)(now_ns() - start_ns);
}

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

static void report(const char *name, uint32_t *ns, const uint32_t *floor_ns)
{
    const size_t p50 = TAPS / 2;
    const size_t p99 = TAPS * 99 / 100;

    qsort(ns, TAPS, sizeof *ns, compare);
    printf("%-34s p50 %7.3f ms  p99 %7.3f ms  max %8.3f ms", name, ns[p50] / 1e6, ns[p99] / 1e6,
        ns[TAPS - 1] / 1e6);
    if (floor_ns != NULL) {
        printf("  x%.2f at p50, x%.2f at p99", (double)ns[p50] / floor_ns[p50],
            (double)ns[p99] / floor_ns[p99]);
    }
    printf("\n");
}

static void report_memory(void)
{
    char line[128] = "";
    FILE *file = fopen("/proc/self/status", "re");

    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmRSS", 5) == 0 || strncmp(line, "RssAnon", 7) == 0) {
            printf("%s", line);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

int main(int argc, char **argv)
{
    static struct bench bench;
    const char *folder = argc > 1 ? argv[1] : ".";

    log_set_level(LOG_LEVEL_ERR);
    check(clock_linux_open(&bench.clock) == 0, "no clock");
    fake_feedback_init(&bench.feedback);
    fake_reader_init(&bench.reader, "spi0", &bench.clock.base);
    open_gateway(&bench, folder);
    open_floors(&bench, folder);
    for (unsigned n = 0; n < TAPS; n++) {
        tap(&bench, n);
        floors(&bench, n);
    }
    check(bench.feedback.per_pattern[HAL_FEEDBACK_REFUSED] == 0, "a tap was refused");
    report("write + fdatasync of 96 bytes", bench.sync_ns, NULL);
    report("bare SQLite insert, WAL and FULL", bench.sqlite_ns, bench.sync_ns);
    report("tap detected, committed, shown", bench.tap_ns, bench.sync_ns);
    report_memory();
    gateway_close(bench.gateway);
    (void)sqlite3_finalize(bench.insert);
    (void)sqlite3_close(bench.db);
    (void)close(bench.fd);
    return 0;
}
