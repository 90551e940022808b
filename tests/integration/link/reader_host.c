/*
 * reader_host.c - a tag reader as a process: the session, clock and codec of the firmware over a log
 * in a file, and a pty for its cable.
 *
 * usage: reader_host ID FOLDER [KEY=VALUE]...   epoch, boot, protocol_min, protocol_max, key (file),
 *        offset_ms (of its boot clock), baud (paces the line; 0: as fast as it goes), noise (of 10,000
 *        bytes, how many are changed), limit (records that are not done)
 * stdin: plug PATH     make a pty and let PATH point to it
 *        pull          hang up and remove PATH
 *        tap COUNT     so many taps
 *        wait WHAT N   until held, done or seq is N
 *        status        one line
 *        quit
 * Each command is answered by one line on stdout.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/chain.h"
#include "base/err.h"
#include "tests/integration/link/reader_log.h"

enum { LINE_SIZE = 512, QUEUE_SIZE = 8192 };

struct host {
    const char *id;
    struct session session;
    struct reader_log log;
    struct signer *signer;
    uint8_t public_key[MESSAGE_KEY_SIZE];
    int master, slave; /* -1: no cable */
    char path[LINE_SIZE];
    uint64_t boot_ns;
    long noise;
    long baud;
    unsigned seed;
    uint64_t taps;
    uint64_t sent; /* bytes */
    /* What is on the wire to the gateway. */
    uint8_t queue[QUEUE_SIZE];
    size_t queued;
    uint64_t wire_us; /* until when it is busy */
    char line[LINE_SIZE];
    size_t line_size;
    const char *wanted; /* of a wait */
    uint64_t wanted_seq;
    struct session_status shown;
};

static struct host host = {.master = -1, .slave = -1};

static uint64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return ((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec - host.boot_ns) / 1000;
}

/* ---- ports -------------------------------------------------------------------------------- */

static void send_frame(void *user, const uint8_t *bytes, size_t size)
{
    (void)user;
    if (host.queued + size <= sizeof host.queue && host.master >= 0) {
        memcpy(host.queue + host.queued, bytes, size);
        host.queued += size;
    }
}

static bool store_anchor(void *user, const struct record *record)
{
    struct record anchor = *record;

    (void)user;
    return reader_log_append(&host.log, &anchor) == 0;
}

static void describe(void *user, struct link_state *ret_state)
{
    (void)user;
    ret_state->uptime_ms = now_us() / 1000;
    ret_state->taps_total = host.taps;
    ret_state->reader_ok = true;
}

static int do_command(void *user, const struct command *command, struct command_result *ret_result)
{
    (void)user;
    (void)snprintf(ret_result->text, sizeof ret_result->text, "did %s", command->name);
    return strcmp(command->name, "blink") == 0 ? 0 : -ENOSYS;
}

static void hash(void *user, const uint8_t head[static MESSAGE_HASH_SIZE], const uint8_t *record,
    size_t size, uint8_t ret_head[static MESSAGE_HASH_SIZE])
{
    (void)user;
    chain_next(host.log.chain, head, record, size, ret_head);
}

static void sign(void *user, const uint8_t *input, size_t size,
    uint8_t ret_signature[static MESSAGE_SIGNATURE_SIZE])
{
    (void)user;
    if (signer_sign(host.signer, input, size, ret_signature) < 0) {
        abort();
    }
}

/* ---- the cable ---------------------------------------------------------------------------- */

static void pull(void)
{
    if (host.master >= 0) {
        (void)unlink(host.path);
        (void)close(host.slave);
        (void)close(host.master);
    }
    host.master = -1;
    host.slave = -1;
    host.queued = 0;
}

/* The slave stays open here as well: else the pty would hang up whenever the gateway restarts. */
static void plug(const char *path)
{
    struct termios raw;
    char name[LINE_SIZE];

    pull();
    if (openpty(&host.master, &host.slave, name, NULL, NULL) != 0 ||
        tcgetattr(host.slave, &raw) != 0) {
        abort();
    }
    cfmakeraw(&raw);
    (void)tcsetattr(host.slave, TCSANOW, &raw);
    (void)fcntl(host.master, F_SETFL, O_NONBLOCK);
    (void)snprintf(host.path, sizeof host.path, "%s", path);
    (void)unlink(path);
    if (symlink(name, path) != 0) {
        abort();
    }
}

static void disturb(uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (rand_r(&host.seed) % 10000 < host.noise) {
            bytes[i] = (uint8_t)rand_r(&host.seed);
        }
    }
}

/* Bytes to the gateway, no faster than the line would carry them. */
static void pump_out(void)
{
    uint64_t now = now_us();
    size_t size = host.queued;
    ssize_t taken = 0;

    if (host.master < 0 || size == 0 || now < host.wire_us) {
        return;
    }
    if (host.baud > 0 && size > 64) {
        size = 64;
    }
    disturb(host.queue, size);
    taken = write(host.master, host.queue, size);
    if (taken > 0) {
        memmove(host.queue, host.queue + taken, host.queued - (size_t)taken);
        host.queued -= (size_t)taken;
        host.sent += (uint64_t)taken;
        if (host.baud > 0) {
            uint64_t from = host.wire_us > now - 2000 ? host.wire_us : now;

            host.wire_us = from + (uint64_t)taken * 10u * 1000000u / (uint64_t)host.baud;
        }
    }
}

static void pump_in(void)
{
    uint8_t bytes[256];
    ssize_t size = host.master < 0 ? 0 : read(host.master, bytes, sizeof bytes);

    if (size > 0) {
        disturb(bytes, (size_t)size);
        session_on_bytes(&host.session, now_us(), bytes, (size_t)size);
    }
}

/* ---- commands ----------------------------------------------------------------------------- */

static void tap(unsigned long count)
{
    for (unsigned long i = 0; i < count; i++) {
        struct record record = {.type = RECORD_TAP};

        timesync_stamp(session_clock(&host.session), now_us(), &record);
        (void)snprintf(record.tap.reader, sizeof record.tap.reader, "nfc0");
        record.tap.uid_size = 7;
        memcpy(record.tap.uid, "\x04\x01\x02\x03\x04\x05\x06", 7);
        record.tap.tech = TAP_TECH_TYPE2;
        record.tap.direction = host.taps % 2 == 0 ? TAP_IN : TAP_OUT;
        if (reader_log_append(&host.log, &record) < 0) {
            printf("full after %lu\n", i);
            return;
        }
        host.taps++;
    }
    printf("ok head=%zu\n", host.log.count);
}

static uint64_t value_of(const char *what)
{
    struct session_status status;

    session_get_status(&host.session, &status);
    return strcmp(what, "done") == 0   ? host.log.done
           : strcmp(what, "held") == 0 ? status.held_seq
                                       : host.log.count;
}

static void show_status(void)
{
    static const char *const phases[] = {"greeting", "ready", "refused"};
    struct session_status status;
    struct record now = {0};

    session_get_status(&host.session, &status);
    timesync_stamp(session_clock(&host.session), now_us(), &now);
    printf("phase=%s gateway=%s head=%zu held=%llu done=%llu full=%d rolled_back=%d code=%d "
           "trust=%d wall_ms=%lld uncertainty_ms=%u exchanges=%llu timeouts=%llu bad=%llu "
           "sent=%llu refusal=%s\n",
        phases[status.phase], status.gateway_id, host.log.count,
        (unsigned long long)status.held_seq, (unsigned long long)host.log.done,
        status.gateway_is_full, status.is_rolled_back, (int)status.refusal_code,
        (int)now.wall_trust, (long long)now.wall_ms, now.wall_uncertainty_ms,
        (unsigned long long)status.exchanges, (unsigned long long)status.timeouts,
        (unsigned long long)status.frames_bad, (unsigned long long)host.sent, status.refusal);
}

static bool run_command(char *line)
{
    char word[16] = "";
    char argument[LINE_SIZE] = "";
    unsigned long long last = 0;

    (void)sscanf(line, "%15s %511s %llu", word, argument, &last);
    if (strcmp(word, "quit") == 0) {
        return false;
    }
    if (strcmp(word, "plug") == 0) {
        plug(argument);
        puts("ok");
    } else if (strcmp(word, "pull") == 0) {
        pull();
        puts("ok");
    } else if (strcmp(word, "tap") == 0) {
        tap(strtoul(argument, NULL, 10));
    } else if (strcmp(word, "wait") == 0) {
        host.wanted = strcmp(argument, "done") == 0 ? "done" : "held";
        host.wanted_seq = last;
    } else {
        show_status();
    }
    return true;
}

static bool read_commands(void)
{
    ssize_t size =
        read(STDIN_FILENO, host.line + host.line_size, sizeof host.line - 1 - host.line_size);
    char *end = NULL;

    if (size <= 0) {
        return false;
    }
    host.line_size += (size_t)size;
    host.line[host.line_size] = '\0';
    while ((end = strchr(host.line, '\n')) != NULL) {
        *end = '\0';
        if (!run_command(host.line)) {
            return false;
        }
        host.line_size -= (size_t)(end + 1 - host.line);
        memmove(host.line, end + 1, host.line_size + 1);
    }
    return true;
}

static void answer_wait(void)
{
    if (host.wanted != NULL && value_of(host.wanted) >= host.wanted_seq) {
        printf("ok %s=%llu\n", host.wanted, (unsigned long long)value_of(host.wanted));
        host.wanted = NULL;
    }
}

static const char *value(int argc, char **argv, const char *key, const char *preset)
{
    size_t size = strlen(key);

    for (int i = 3; i < argc; i++) {
        if (strncmp(argv[i], key, size) == 0 && argv[i][size] == '=') {
            return argv[i] + size + 1;
        }
    }
    return preset;
}

static uint64_t number(int argc, char **argv, const char *key, const char *preset)
{
    return strtoull(value(argc, argv, key, preset), NULL, 0);
}

static void start(int argc, char **argv)
{
    char path[LINE_SIZE];
    struct err err = {0};
    struct timespec now;
    struct session_conf conf = {
        .device_id = argv[1], .version = "host 1", .board = "host", .baud = 115200};
    const struct session_ports ports = {.send = send_frame,
        .anchor = store_anchor,
        .state = describe,
        .command = do_command,
        .log = reader_log_port(&host.log),
        .crypto = {NULL, hash, sign}};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    host.seed = (unsigned)now.tv_nsec | 1u;
    host.boot_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec - 1000000u;
    host.noise = (long)number(argc, argv, "noise", "0");
    host.baud = (long)number(argc, argv, "baud", "0");
    (void)snprintf(path, sizeof path, "%s/log", argv[2]);
    reader_log_open(&host.log, path, argv[1], number(argc, argv, "epoch", "7"));
    host.log.limit = number(argc, argv, "limit", "0xffffffff");
    (void)snprintf(path, sizeof path, "%s/key", argv[2]);
    if (signer_open(&host.signer, value(argc, argv, "key", path), &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        exit(2);
    }
    signer_public_key(host.signer, host.public_key);
    conf.public_key = host.public_key;
    conf.boot_id = number(argc, argv, "boot", "0") ^ host.boot_ns;
    conf.protocol_min = (uint32_t)number(argc, argv, "protocol_min", "0");
    conf.protocol_max = (uint32_t)number(argc, argv, "protocol_max", "0");
    session_init(&host.session, &conf, &ports);
}

int main(int argc, char **argv)
{
    bool is_open = true;

    if (argc < 3) {
        (void)fprintf(stderr, "usage: reader_host ID FOLDER [KEY=VALUE]...\n");
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    start(argc, argv);
    while (is_open) {
        struct pollfd waiters[2] = {
            {.fd = STDIN_FILENO, .events = POLLIN}, {.fd = host.master, .events = POLLIN}};

        (void)poll(waiters, 2, host.queued > 0 ? 1 : 3);
        if (waiters[0].revents != 0) {
            is_open = read_commands();
        }
        pump_in();
        if (host.master >= 0) {
            session_tick(&host.session, now_us());
        }
        pump_out();
        answer_wait();
    }
    pull();
    signer_close(host.signer);
    reader_log_close(&host.log);
    return 0;
}
