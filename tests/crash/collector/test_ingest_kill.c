/*
 * test_ingest_kill.c - the collector's core killed with SIGKILL, again and again, on one store.
 *
 * A child takes batches and writes every acknowledgement into a pipe; the parent kills it at points
 * that move through the commits, opens the store and counts. The devices live in memory shared by
 * all children, as real devices outlive a collector.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "collector/ingest/ingest.h"
#include "collector/storage/storage.h"
#include "collector/storage/storage_sqlite.h"
#include "tests/unit/collector/fake_device.h"
#include "tests/unit/suite.h"

#define DAY_MS INT64_C(1603065600000)

enum { DEVICES = 3, KILLS = 60, TAPS = 2400, TAPS_A_BATCH = 2 };

static struct fake_device devices[DEVICES];
static char store_path[64];

struct told {
    uint32_t device, through;
};

/* ---- the child ---------------------------------------------------------------------------- */

struct child {
    int pipe_fd;
    uint64_t marks[DEVICES];
};

static unsigned index_of(const char *device_id)
{
    return (unsigned)(device_id[3] - '0');
}

static int tell_parent(void *user, const char *topic, const uint8_t *bytes, size_t size)
{
    struct child *child = user;
    struct ack ack;
    struct told told;

    (void)topic;
    if (ack_decode(bytes, size, &ack) < 0) {
        _exit(2);
    }
    told = (struct told){index_of(ack.device_id), (uint32_t)ack.through_seq};
    child->marks[told.device] = told.through;
    if (write(child->pipe_fd, &told, sizeof told) != sizeof told) {
        _exit(3);
    }
    return 0;
}

static int64_t some_day(void *user)
{
    (void)user;
    return DAY_MS;
}

static void send_next(struct ingest *ingest, const struct child *child, unsigned device)
{
    static struct fake_message message;
    uint64_t first = child->marks[device] + 1;
    uint64_t last = first + TAPS_A_BATCH - 1;
    char topic[32];

    if (last > TAPS) {
        return;
    }
    (void)snprintf(topic, sizeof topic, "ecm/v1/home/GW-%u/up", device);
    fake_device_batch(&devices[device], first, last, &message);
    ingest_message(ingest, topic, message.bytes, message.size);
    if (last + TAPS_A_BATCH <= TAPS) {
        fake_device_batch(&devices[device], last + 1, last + TAPS_A_BATCH, &message);
        ingest_message(ingest, topic, message.bytes, message.size);
    }
}

static bool has_all(const struct child *child)
{
    for (unsigned i = 0; i < DEVICES; i++) {
        if (child->marks[i] < TAPS) {
            return false;
        }
    }
    return true;
}

/* A fast disk gets everything taken before the last kill: say that no more is to come. */
static void wait_for_the_end(int pipe_fd)
{
    (void)close(pipe_fd);
    for (;;) {
        (void)pause();
    }
}

static void run_child(int pipe_fd)
{
    struct child child = {.pipe_fd = pipe_fd};
    struct storage *storage = NULL;
    struct ingest *ingest = NULL;
    struct ingest_ports ports = {.publish = tell_parent, .now_ms = some_day, .user = &child};
    static struct fake_message message;

    if (storage_sqlite_open(&storage, store_path, 0, NULL) < 0) {
        _exit(4);
    }
    ports.storage = storage;
    if (ingest_open(&ingest, &ports, "centre", NULL) < 0) {
        _exit(5);
    }
    for (unsigned i = 0; i < DEVICES; i++) {
        char topic[32];

        (void)snprintf(topic, sizeof topic, "ecm/v1/home/GW-%u/up", i);
        fake_device_hello(&devices[i], 0, &message);
        ingest_message(ingest, topic, message.bytes, message.size);
    }
    while (ingest_commit(ingest) == 0) {
        if (has_all(&child)) {
            wait_for_the_end(pipe_fd);
        }
        for (unsigned i = 0; i < DEVICES; i++) {
            send_next(ingest, &child, i);
        }
    }
    _exit(6);
}

/* ---- the parent --------------------------------------------------------------------------- */

/* Let the child work until it has told so much, and a moment more; then kill it. */
static void run_and_kill(unsigned acks, long moment_us, uint64_t *acked)
{
    const struct timespec moment = {0, moment_us * 1000};
    struct told told;
    int ends[2];
    int status = 0;
    pid_t child = 0;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(ends[0]);
        run_child(ends[1]);
    }
    (void)close(ends[1]);
    for (unsigned i = 0; i < acks && read(ends[0], &told, sizeof told) == sizeof told; i++) {
        acked[told.device] = told.through;
    }
    (void)nanosleep(&moment, NULL);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    while (read(ends[0], &told, sizeof told) == sizeof told) {
        acked[told.device] = told.through;
    }
    (void)close(ends[0]);
}

/* Every acknowledged tap is there, each once, and no number is left out. */
static void assert_all_there_once(const uint64_t *acked)
{
    const struct storage_filter everything = {.period_id = NULL};
    struct storage *storage = NULL;
    struct dataset dataset;
    uint64_t next[DEVICES] = {1, 1, 1};

    assert_int_equal(storage_sqlite_open(&storage, store_path, STORAGE_SQLITE_MUST_EXIST, NULL), 0);
    assert_int_equal(dataset_init(&dataset), 0);
    assert_int_equal(storage->ops->load(storage, &everything, &dataset, NULL), 0);
    for (size_t i = 0; i < dataset.events_count; i++) {
        const char *id = dataset_text(&dataset, dataset.events[i].event_id);
        unsigned device = index_of(id);
        char wanted[64];

        (void)snprintf(wanted, sizeof wanted, "GW-%u-%016x-%u", device, 100 + device,
            (unsigned)next[device]++);
        assert_string_equal(id, wanted);
    }
    for (unsigned i = 0; i < DEVICES; i++) {
        assert_true(next[i] - 1 >= acked[i]);
    }
    dataset_done(&dataset);
    storage_close(storage);
}

static void acknowledged_tap_is_there_once_however_often_the_collector_dies(void **state)
{
    uint64_t acked[DEVICES] = {0};
    static const char *const endings[] = {"", "-wal", "-shm", ".lock"};

    (void)state;
    log_set_level(LOG_LEVEL_ERR);
    (void)snprintf(store_path, sizeof store_path, "/tmp/ecm-kill-%d.db", (int)getpid());
    for (unsigned i = 0; i < DEVICES; i++) {
        char name[8];

        (void)snprintf(name, sizeof name, "GW-%u", i);
        fake_device_init(&devices[i], name, 100 + i);
        fake_device_taps(&devices[i], TAPS, DAY_MS);
    }
    for (unsigned n = 0; n < KILLS; n++) {
        run_and_kill(DEVICES + n % 7, (long)(n * 37 % 1000), acked);
        assert_all_there_once(acked);
    }
    assert_true(acked[0] > KILLS); /* they did get on in between */
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        char name[80];

        (void)snprintf(name, sizeof name, "%s%s", store_path, endings[i]);
        (void)unlink(name);
    }
    for (unsigned i = 0; i < DEVICES; i++) {
        fake_device_done(&devices[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledged_tap_is_there_once_however_often_the_collector_dies),
    };

    return cmocka_run_group_tests_name("ingest_kill", tests, NULL, NULL);
}
