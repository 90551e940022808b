/* test_relay_store.c - what tag readers handed over, on a disk that fails, fills and lies. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* after setjmp.h */
#include <cmocka.h>

#include "base/err.h"
#include "base/log.h"
#include "gateway/outbox.h"
#include "gateway/outbox_relay.h"
#include "tests/unit/gateway/fault_vfs.h"
#include "tests/unit/link/rig.h"

#define DAY_MS INT64_C(86400000)

struct fixture {
    char folder[64];
    char path[96];
    char set_aside[160];
    struct relay_store *store;
    struct relay_store_log log;
};

static void open_store(struct fixture *fx)
{
    assert_int_equal(relay_store_open(&fx->store, fx->path, RELAY_STORE_BYTES_MIN, fx->set_aside,
                         sizeof fx->set_aside, NULL),
        0);
}

static int setup(void **state)
{
    struct fixture *fx = calloc(1, sizeof *fx);

    assert_non_null(fx);
    log_set_level(LOG_LEVEL_ERR);
    (void)snprintf(fx->folder, sizeof fx->folder, "/tmp/ecm-store-XXXXXX");
    assert_non_null(mkdtemp(fx->folder));
    (void)snprintf(fx->path, sizeof fx->path, "%s/relay.db", fx->folder);
    open_store(fx);
    (void)snprintf(fx->log.device_id, sizeof fx->log.device_id, "PR-1");
    fx->log.epoch = UINT64_MAX - 3;
    *state = fx;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fx = *state;
    char command[160];

    relay_store_close(fx->store);
    for (int i = 0; i < 3; i++) {
        static const char *const ends[] = {"", "-wal", "-journal"};

        (void)snprintf(command, sizeof command, "%s%s", fx->path, ends[i]);
        (void)unlink(command);
        (void)snprintf(command, sizeof command, "%s%s", fx->set_aside, ends[i]);
        (void)unlink(command);
    }
    (void)rmdir(fx->folder);
    free(fx);
    return 0;
}

static int put(struct fixture *fx, uint64_t first, uint64_t last)
{
    static uint8_t bytes[1000];
    struct relay_store_batch batch = {
        .first_seq = first, .last_seq = last, .bytes = bytes, .size = sizeof bytes};
    int rc = 0;

    memset(bytes, (int)last, sizeof bytes);
    batch.chain_after[0] = (uint8_t)last;
    if (fx->log.log_id == 0) {
        rc = relay_store_put_log(fx->store, &fx->log);
    }
    return rc < 0 ? rc : relay_store_put(fx->store, fx->log.log_id, &batch);
}

static int count_log(void *user, const struct relay_store_log *log)
{
    struct fixture *fx = user;

    assert_string_equal(log->device_id, "PR-1");
    assert_true(log->epoch == UINT64_MAX - 3);
    fx->log = *log;
    return 0;
}

static void what_was_committed_is_there_after_a_restart(void **state)
{
    struct fixture *fx = *state;
    struct relay_store_batch batch;

    fx->log.held_seq = 20;
    fx->log.has_public_key = true;
    fx->log.public_key[5] = 9;
    assert_int_equal(put(fx, 1, 16), 0);
    assert_int_equal(put(fx, 10, 20), 0);
    assert_int_equal(relay_store_commit(fx->store), 0);
    relay_store_close(fx->store);
    open_store(fx);
    memset(&fx->log, 0, sizeof fx->log);
    assert_int_equal(relay_store_logs(fx->store, count_log, fx), 0);
    assert_int_equal(fx->log.held_seq, 20);
    assert_int_equal(fx->log.public_key[5], 9);
    assert_int_equal(relay_store_next(fx->store, fx->log.log_id, 3, &batch), 0);
    assert_int_equal(batch.first_seq, 1);
    assert_int_equal(relay_store_next(fx->store, fx->log.log_id, 17, &batch), 0);
    assert_int_equal(batch.first_seq, 10);
    assert_int_equal(batch.bytes[999], 20);
    assert_int_equal(batch.chain_after[0], 20);
    assert_int_equal(relay_store_next(fx->store, fx->log.log_id, 21, &batch), -ENOENT);
}

static void a_batch_that_goes_further_takes_the_place_of_a_shorter_one(void **state)
{
    struct fixture *fx = *state;
    struct relay_store_batch batch;

    assert_int_equal(put(fx, 1, 4), 0);
    assert_int_equal(put(fx, 1, 9), 0);
    assert_int_equal(put(fx, 1, 2), 0);
    assert_int_equal(relay_store_commit(fx->store), 0);
    assert_int_equal(relay_store_next(fx->store, fx->log.log_id, 5, &batch), 0);
    assert_int_equal(batch.last_seq, 9);
    assert_int_equal(batch.bytes[0], 9);
}

static void full_is_said_and_what_is_done_makes_room(void **state)
{
    struct fixture *fx = *state;
    uint64_t at = 1;
    struct relay_store_batch batch;

    while (put(fx, at, at) == 0) {
        assert_true(at < 1000);
        assert_int_equal(relay_store_commit(fx->store), 0);
        at++;
    }
    assert_int_equal(put(fx, at, at), ECM_EFULL);
    assert_int_equal(relay_store_commit(fx->store), 0);
    assert_true(relay_store_bytes(fx->store) <= RELAY_STORE_BYTES_MIN);
    assert_int_equal(relay_store_next(fx->store, fx->log.log_id, 1, &batch), 0);
    assert_int_equal(batch.first_seq, 1); /* nothing was dropped */
    fx->log.held_seq = at - 1;
    fx->log.done_seq = 20;
    assert_int_equal(relay_store_keep_house(fx->store, &fx->log, OUTBOX_NO_CLOCK, 90), 0);
    assert_int_equal(put(fx, at, at), 0);
    assert_int_equal(relay_store_commit(fx->store), 0);
    assert_int_equal(relay_store_next(fx->store, fx->log.log_id, 21, &batch), 0);
    assert_int_equal(batch.first_seq, 21); /* not what is owed */
}

static void what_is_done_goes_after_its_days_and_nothing_before(void **state)
{
    struct fixture *fx = *state;
    struct relay_store_batch batch;

    fx->log.held_seq = 8;
    fx->log.done_seq = 4;
    assert_int_equal(put(fx, 1, 4), 0);
    assert_int_equal(put(fx, 5, 8), 0);
    assert_int_equal(relay_store_commit(fx->store), 0);
    assert_int_equal(relay_store_keep_house(fx->store, &fx->log, 1000 * DAY_MS, 90), 0);
    assert_int_equal(relay_store_keep_house(fx->store, &fx->log, 1089 * DAY_MS, 90), 0);
    assert_int_equal(relay_store_next(fx->store, fx->log.log_id, 1, &batch), 0);
    assert_int_equal(batch.first_seq, 1);
    assert_int_equal(relay_store_keep_house(fx->store, &fx->log, OUTBOX_NO_CLOCK, 90), 0);
    assert_int_equal(relay_store_keep_house(fx->store, &fx->log, 1090 * DAY_MS, 90), 0);
    assert_int_equal(relay_store_next(fx->store, fx->log.log_id, 1, &batch), 0);
    assert_int_equal(batch.first_seq, 5);
}

static void a_damaged_file_is_set_aside_whole_and_a_new_one_begun(void **state)
{
    struct fixture *fx = *state;
    struct relay_store_batch batch;
    int fd = -1;

    assert_int_equal(put(fx, 1, 4), 0);
    assert_int_equal(relay_store_commit(fx->store), 0);
    relay_store_close(fx->store);
    fx->store = NULL;
    fd = open(fx->path, O_WRONLY);
    assert_true(fd >= 0);
    for (off_t at = 4096; at < 40960; at += 512) {
        assert_int_equal(pwrite(fd, "damage", 6, at), 6);
    }
    (void)close(fd);
    open_store(fx);
    assert_true(strstr(fx->set_aside, "relay.db.bad.") != NULL);
    assert_int_equal(access(fx->set_aside, R_OK), 0);
    fx->log.log_id = 0;
    assert_int_equal(relay_store_next(fx->store, 1, 1, &batch), -ENOENT);
    assert_int_equal(put(fx, 1, 4), 0);
    assert_int_equal(relay_store_commit(fx->store), 0);
}

static void a_second_process_or_another_database_is_refused(void **state)
{
    struct fixture *fx = *state;
    struct relay_store *second = NULL;
    struct outbox *box = NULL;
    struct outbox_repair repair;
    const struct outbox_conf conf = {fx->path, "GW-1", OUTBOX_BYTES_MIN};

    assert_int_equal(relay_store_open(&second, fx->path, RELAY_STORE_BYTES_MIN, fx->set_aside,
                         sizeof fx->set_aside, NULL),
        -EBUSY);
    relay_store_close(fx->store);
    fx->store = NULL;
    assert_int_equal(outbox_open(&box, &conf, &repair, NULL), ECM_EFORMAT);
    (void)unlink(fx->path);
    assert_int_equal(outbox_open(&box, &conf, &repair, NULL), 0);
    outbox_close(box);
    assert_int_equal(relay_store_open(&second, fx->path, RELAY_STORE_BYTES_MIN, fx->set_aside,
                         sizeof fx->set_aside, NULL),
        ECM_EFORMAT);
}

static int take_held(void *user, const struct relay_store_log *log)
{
    *(uint64_t *)user = log->held_seq;
    return 0;
}

/* Up to where batches lie one after the other, whatever the log's row says. */
static uint64_t held_on_disk(const char *path)
{
    struct relay_store *store = NULL;
    struct relay_store_batch batch;
    char set_aside[160] = "";
    uint64_t held = 0;
    uint64_t at = 1;

    assert_int_equal(
        relay_store_open(&store, path, 16 << 20, set_aside, sizeof set_aside, NULL), 0);
    assert_string_equal(set_aside, "");
    assert_int_equal(relay_store_logs(store, take_held, &held), 0);
    while (relay_store_next(store, 1, at, &batch) == 0 && batch.first_seq <= at) {
        at = batch.last_seq + 1;
    }
    relay_store_close(store);
    assert_int_equal(at - 1, held);
    return held;
}

/* Held is never told for what a failed commit took back: rig.c would see it lost. */
static void whatever_disk_call_fails_nothing_is_told_that_is_not_there(void **state)
{
    struct rig *rig = rig_new(5);

    (void)state;
    rig_gateway_start(rig, 0);
    rig_plug(rig, 0, 0);
    rig_run(rig, 2000);
    for (unsigned at = 1; at < 40; at++) {
        for (int i = 0; i < 5; i++) {
            rig_tap(rig, 0);
        }
        rig_set_online(rig, 0, false);
        fault_vfs_set(at % 20 + 1, at % 2 == 0, at < 20 ? FAULT_VFS_IO_ERROR : FAULT_VFS_DISK_FULL);
        rig_run(rig, 1500);
        fault_vfs_set(0, false, FAULT_VFS_IO_ERROR);
        rig_run(rig, 12000); /* the fault has passed, and is got over without a restart */
        assert_int_equal(rig->readers[0].session.status.held_seq, rig->readers[0].head);
        /* The power goes: what the reader was told as held must be on the disk. */
        rig_gateway_stop(rig, 0);
        assert_in_range(held_on_disk(rig->gateways[0].path), rig->readers[0].head, UINT64_MAX);
        rig_gateway_start(rig, 0);
        rig_set_online(rig, 0, true);
        assert_true(rig_run_until_done(rig, 0, 60000));
    }
    assert_int_equal(rig->readers[0].mark, rig->readers[0].head);
    rig_free(rig);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(what_was_committed_is_there_after_a_restart),
        STORE_TEST(a_batch_that_goes_further_takes_the_place_of_a_shorter_one),
        STORE_TEST(full_is_said_and_what_is_done_makes_room),
        STORE_TEST(what_is_done_goes_after_its_days_and_nothing_before),
        STORE_TEST(a_damaged_file_is_set_aside_whole_and_a_new_one_begun),
        STORE_TEST(a_second_process_or_another_database_is_refused),
        cmocka_unit_test(whatever_disk_call_fails_nothing_is_told_that_is_not_there),
    };

    fault_vfs_install();
    return cmocka_run_group_tests_name("relay store", tests, NULL, NULL);
}
