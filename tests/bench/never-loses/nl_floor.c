/*
 * nl_floor.c - the least that a promise kept at both ends costs: the floor under everybody's latency.
 *
 * Usage: nl_floor send PORT FILE LEDGER COUNT RATE
 *        nl_floor store PORT FILE
 * send: each event is written to FILE and synced (then it is promised), and published at QoS 0.
 * store: writes what comes to FILE, syncs, and only then publishes it as stored. FILE has its size
 * from the beginning and is written round and round, so that a sync is of data alone and not of the
 * file system's journal besides. No numbers that are kept, no batches, no signature, no way back
 * after a loss: two fdatasyncs and two ways over the broker. Linked with the libraries of our daemons, so its memory is theirs without our code.
 */
#include <mosquitto.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/types.h>

#include "tests/bench/never-loses/nl.h"

enum { WAITING_MAX = 4096, TURN_MS = 1000, MORE_MS = 0, FILE_SIZE = 4 << 20, BLOCK_SIZE = 4096 };

static const char up_topic[] = "floor/up";
static const char stored_topic[] = "nl/stored"; /* what nl_watch listens to */

static char waiting[WAITING_MAX][NL_PAYLOAD_SIZE];
static size_t waiting_count;
static bool is_connected;

static void on_connect(struct mosquitto *mosq, void *user, int rc)
{
    is_connected = rc == 0;
    if (is_connected && user != NULL) {
        (void)mosquitto_subscribe(mosq, NULL, user, 0);
    }
}

static void on_subscribe(
    struct mosquitto *mosq, void *user, int mid, int granted_count, const int *granted)
{
    (void)mosq;
    (void)user;
    (void)mid;
    (void)granted_count;
    (void)granted;
    (void)puts("ready");
    (void)fflush(stdout);
}

static void on_message(struct mosquitto *mosq, void *user, const struct mosquitto_message *message)
{
    (void)mosq;
    (void)user;
    if (message->payloadlen == NL_PAYLOAD_SIZE && waiting_count < WAITING_MAX) {
        memcpy(waiting[waiting_count++], message->payload, NL_PAYLOAD_SIZE);
    }
}

static int open_file(const char *path)
{
    static const char nothing[BLOCK_SIZE];
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool is_made = file >= 0;

    for (size_t size = 0; is_made && size < FILE_SIZE; size += BLOCK_SIZE) {
        is_made = write(file, nothing, BLOCK_SIZE) == BLOCK_SIZE;
    }
    if (!is_made || fsync(file) != 0) {
        nl_die("cannot make the file");
    }
    return file;
}

static void write_and_sync(int file, const void *bytes, size_t size)
{
    static off_t at;

    if (at + (off_t)size > FILE_SIZE) {
        at = 0;
    }
    if (pwrite(file, bytes, size, at) != (ssize_t)size || fdatasync(file) != 0) {
        nl_die("cannot write the file");
    }
    at += (off_t)size;
}

static void turn(struct mosquitto *mosq, int wait_ms)
{
    if (mosquitto_loop(mosq, wait_ms, 1) != MOSQ_ERR_SUCCESS) {
        nl_die("the broker is gone");
    }
}

static struct mosquitto *connect_to(int port, const char *topic)
{
    struct mosquitto *mosq = mosquitto_new(NULL, true, (void *)(uintptr_t)topic);

    if (mosq == NULL) {
        nl_die("out of memory");
    }
    mosquitto_connect_callback_set(mosq, on_connect);
    mosquitto_subscribe_callback_set(mosq, on_subscribe);
    mosquitto_message_callback_set(mosq, on_message);
    (void)mosquitto_int_option(mosq, MOSQ_OPT_TCP_NODELAY, 1);
    if (mosquitto_connect(mosq, "127.0.0.1", port, 30) != MOSQ_ERR_SUCCESS) {
        nl_die("no broker");
    }
    while (!is_connected) {
        turn(mosq, TURN_MS);
    }
    return mosq;
}

static void publish(struct mosquitto *mosq, const char *topic, const char *payload)
{
    if (mosquitto_publish(mosq, NULL, topic, NL_PAYLOAD_SIZE, payload, 0, false) !=
        MOSQ_ERR_SUCCESS) {
        nl_die("cannot publish");
    }
}

static bool has_more(struct mosquitto *mosq)
{
    int count = 0;

    return ioctl(mosquitto_socket(mosq), FIONREAD, &count) == 0 && count > 0;
}

/* What is there is stored together, as our collector does. */
static void store(int port, int file)
{
    struct mosquitto *mosq = connect_to(port, up_topic);

    for (;;) {
        turn(mosq, TURN_MS);
        while (waiting_count > 0 && waiting_count < WAITING_MAX && has_more(mosq)) {
            turn(mosq, MORE_MS);
        }
        if (waiting_count > 0) {
            write_and_sync(file, waiting, waiting_count * NL_PAYLOAD_SIZE);
        }
        for (size_t i = 0; i < waiting_count; i++) {
            publish(mosq, stored_topic, waiting[i]);
        }
        waiting_count = 0;
    }
}

static void wait_until(uint64_t when_us)
{
    const struct timespec when = {(time_t)(when_us / 1000000u), (long)(when_us % 1000000u) * 1000};

    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
}

static void send_all(int port, int file, int ledger, uint64_t count, uint64_t rate)
{
    struct mosquitto *mosq = connect_to(port, NULL);
    uint64_t start_us = nl_now_us();

    for (uint64_t i = 0; i < count; i++) {
        uint64_t due_us = rate > 0 ? start_us + i * 1000000u / rate : nl_now_us();
        char payload[NL_PAYLOAD_SIZE + 1] = "";

        wait_until(due_us);
        (void)snprintf(payload, sizeof payload, "%010llu", (unsigned long long)i + 1);
        memset(payload + NL_NUMBER_SIZE, '.', NL_PAYLOAD_SIZE - NL_NUMBER_SIZE);
        write_and_sync(file, payload, NL_PAYLOAD_SIZE);
        nl_write_down(ledger, i + 1, due_us, nl_now_us());
        publish(mosq, up_topic, payload);
        turn(mosq, MORE_MS);
    }
    for (;;) { /* for whoever looks at its memory */
        turn(mosq, TURN_MS);
    }
}

int main(int argc, char **argv)
{
    bool is_send = argc == 7 && strcmp(argv[1], "send") == 0;

    if (!is_send && !(argc == 4 && strcmp(argv[1], "store") == 0)) {
        nl_die("usage: nl_floor send PORT FILE LEDGER COUNT RATE | store PORT FILE");
    }
    (void)mosquitto_lib_init();
    if (is_send) {
        send_all((int)nl_number(argv[2]), open_file(argv[3]), nl_open_ledger(argv[4]),
            nl_number(argv[5]), nl_number(argv[6]));
    }
    store((int)nl_number(argv[2]), open_file(argv[3]));
    return 0;
}
