/* test_storage_logs.c - logs: marks, batches, gaps, keys, quarantine, and taps as events. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/chain.h"
#include "base/err.h"
#include "tests/contract/storage/implementations.h"
#include "tests/unit/collector/fake_device.h"

#define DAY_MS INT64_C(1603065600000) /* 2020-10-19 00:00 UTC */
#define DAY_S (DAY_MS / 1000)

static void begin(struct fixture *fx)
{
    assert_int_equal(fx->storage->ops->begin(fx->storage), 0);
}

static void commit(struct fixture *fx)
{
    assert_int_equal(fx->storage->ops->commit(fx->storage), 0);
}

static struct storage_log log_of(struct fixture *fx, const struct fake_device *device)
{
    struct storage_log log;

    assert_int_equal(
        fx->storage->ops->log_get(fx->storage, device->id, device->epoch, device->heads[0], &log),
        0);
    return log;
}

/* Inside begin/commit. The span is what ingest would say of synced taps of that day. */
static int append(struct fixture *fx, const struct fake_device *device, uint64_t first,
    uint64_t last, const struct storage_anchor *anchor)
{
    static struct fake_message message;
    struct storage_log log = log_of(fx, device);
    struct storage_batch batch = {
        .log_id = log.log_id,
        .first_seq = first,
        .record_count = (uint32_t)(last - first + 1),
        .recv_ms = DAY_MS + 3600000,
        .first_tap_utc = 0,
        .last_tap_utc = DAY_S + 86400,
        .anchors = anchor,
        .anchor_count = anchor != NULL ? 1 : 0,
    };

    fake_device_batch(device, first, last, &message);
    batch.bytes = message.bytes;
    batch.size = message.size;
    (void)memcpy(batch.chain_head, device->heads[last], sizeof batch.chain_head);
    return fx->storage->ops->batch_append(fx->storage, &batch);
}

static void load_all(struct fixture *fx, struct dataset *dataset)
{
    const struct storage_filter everything = {.period_id = NULL};
    struct err err = {.text = ""};

    assert_int_equal(dataset_init(dataset), 0);
    if (fx->storage->ops->load(fx->storage, &everything, dataset, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

static void unknown_log_is_not_there_until_it_is_made(void **state)
{
    struct fixture *fx = *state;
    struct storage_log log;
    uint8_t head[STORAGE_HASH_SIZE] = {1, 2, 3};

    assert_int_equal(
        fx->storage->ops->log_get(fx->storage, "GW-1", UINT64_MAX, NULL, &log), -ENOENT);
    begin(fx);
    assert_int_equal(fx->storage->ops->log_get(fx->storage, "GW-1", UINT64_MAX, head, &log), 0);
    commit(fx);
    reopen_store(fx);
    assert_int_equal(fx->storage->ops->log_get(fx->storage, "GW-1", UINT64_MAX, NULL, &log), 0);
    assert_string_equal(log.device_id, "GW-1");
    assert_true(log.epoch == UINT64_MAX);
    assert_int_equal(log.through_seq, 0);
    assert_memory_equal(log.chain_head, head, sizeof head);
    assert_false(log.has_public_key);
}

static void mark_moves_with_the_batch_or_not_at_all(void **state)
{
    struct fixture *fx = *state;
    struct fake_device device;
    struct dataset dataset;

    fake_device_init(&device, "GW-1", 5);
    fake_device_taps(&device, 4, DAY_MS);
    begin(fx);
    assert_int_equal(append(fx, &device, 1, 2, NULL), 0);
    commit(fx);
    begin(fx);
    assert_int_equal(append(fx, &device, 3, 4, NULL), 0);
    fx->storage->ops->rollback(fx->storage);

    reopen_store(fx);
    begin(fx);
    assert_int_equal(log_of(fx, &device).through_seq, 2);
    assert_memory_equal(log_of(fx, &device).chain_head, device.heads[2], 32);
    fx->storage->ops->rollback(fx->storage);
    load_all(fx, &dataset);
    assert_int_equal(dataset.events_count, 2);
    dataset_done(&dataset);
    fake_device_done(&device);
}

static void batch_that_does_not_follow_the_mark_is_refused(void **state)
{
    const struct {
        uint64_t first, last;
    } wrong[] = {{1, 2}, {2, 3}, {4, 4}};
    struct fixture *fx = *state;
    struct fake_device device;

    fake_device_init(&device, "GW-1", 5);
    fake_device_taps(&device, 4, DAY_MS);
    begin(fx);
    assert_int_equal(append(fx, &device, 1, 2, NULL), 0);
    commit(fx);
    for (size_t i = 0; i < 3; i++) {
        begin(fx);
        assert_int_equal(append(fx, &device, wrong[i].first, wrong[i].last, NULL), -EINVAL);
        fx->storage->ops->rollback(fx->storage);
    }
    begin(fx);
    assert_int_equal(append(fx, &device, 3, 4, NULL), 0);
    commit(fx);
    fake_device_done(&device);
}

static void skipping_moves_the_mark_forward_only(void **state)
{
    struct fixture *fx = *state;
    struct fake_device device;
    struct storage_log log;

    fake_device_init(&device, "GW-1", 5);
    fake_device_taps(&device, 9, DAY_MS);
    begin(fx);
    log = log_of(fx, &device);
    assert_int_equal(
        fx->storage->ops->log_skip(fx->storage, log.log_id, 7, device.heads[7], DAY_MS), 0);
    assert_int_equal(append(fx, &device, 8, 9, NULL), 0);
    commit(fx);
    begin(fx);
    assert_int_equal(
        fx->storage->ops->log_skip(fx->storage, log.log_id, 9, device.heads[9], DAY_MS), -EINVAL);
    assert_int_equal(
        fx->storage->ops->log_skip(fx->storage, 999, 9, device.heads[9], DAY_MS), -ENOENT);
    fx->storage->ops->rollback(fx->storage);
    fake_device_done(&device);
}

static int count_log(void *user, const struct storage_log *log)
{
    size_t *count = user;

    assert_true(log->log_id > 0);
    (*count)++;
    return 0;
}

static int stop_at_once(void *user, const struct storage_log *log)
{
    (void)user;
    (void)log;
    return -ECANCELED;
}

static void key_and_every_log_are_kept(void **state)
{
    const uint8_t key[32] = {9, 8, 7};
    struct fixture *fx = *state;
    struct fake_device device;
    size_t count = 0;

    fake_device_init(&device, "GW-1", 5);
    begin(fx);
    assert_int_equal(
        fx->storage->ops->log_set_key(fx->storage, log_of(fx, &device).log_id, key), 0);
    assert_int_equal(fx->storage->ops->log_set_key(fx->storage, 999, key), -ENOENT);
    device.epoch = 6;
    (void)log_of(fx, &device);
    commit(fx);
    reopen_store(fx);
    assert_int_equal(fx->storage->ops->logs(fx->storage, count_log, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(fx->storage->ops->logs(fx->storage, stop_at_once, NULL), -ECANCELED);
    device.epoch = 5;
    assert_true(log_of(fx, &device).has_public_key);
    assert_memory_equal(log_of(fx, &device).public_key, key, sizeof key);
    fake_device_done(&device);
}

static void quarantine_takes_any_bytes(void **state)
{
    const uint8_t bytes[] = {0, 255, 0};
    struct fixture *fx = *state;
    struct storage_quarantined message = {DAY_MS, "t", "no reason", bytes, sizeof bytes};

    begin(fx);
    assert_int_equal(fx->storage->ops->quarantine(fx->storage, &message, 0), 0);
    message.bytes = NULL;
    message.size = 0;
    assert_int_equal(fx->storage->ops->quarantine(fx->storage, &message, 0), 0);
    commit(fx);
}

static void tap_becomes_an_event_with_the_identity_of_its_record(void **state)
{
    struct fixture *fx = *state;
    struct fake_device device;
    struct dataset dataset;

    fake_device_init(&device, "GW-1", 0xabc);
    fake_device_tap(&device, 0x5f, TAP_IN, DAY_MS + 1999);
    fake_device_tap(&device, 0x5f, TAP_OUT, DAY_MS + 600000);
    begin(fx);
    assert_int_equal(append(fx, &device, 1, 2, NULL), 0);
    commit(fx);
    load_all(fx, &dataset);
    assert_int_equal(dataset.events_count, 2);
    assert_string_equal(
        dataset_text(&dataset, dataset.events[0].event_id), "GW-1-0000000000000abc-1");
    assert_string_equal(dataset_text(&dataset, dataset.events[0].device_id), "GW-1");
    assert_string_equal(dataset_text(&dataset, dataset.events[0].card_uid), "04AB000000005F");
    assert_int_equal(dataset.events[0].kind, 'I');
    assert_int_equal(dataset.events[0].ts_utc, DAY_S + 1);
    assert_int_equal(dataset.events[0].recv_utc, DAY_S + 3600);
    assert_int_equal(dataset.events[1].kind, 'O');
    assert_int_equal(dataset.events[1].arrival, 1);
    dataset_done(&dataset);
    fake_device_done(&device);
}

static void bounces_and_self_tests_are_no_events(void **state)
{
    struct fixture *fx = *state;
    struct fake_device device;
    struct dataset dataset;
    struct record record;

    fake_device_init(&device, "GW-1", 1);
    fake_device_tap(&device, 1, TAP_IN, DAY_MS);
    assert_int_equal(record_decode(device.records[1], device.sizes[1], &record), 0);
    record.tap.flags = TAP_FLAG_BOUNCE;
    fake_device_add(&device, record);
    record.tap.flags = TAP_FLAG_SELF_TEST;
    fake_device_add(&device, record);
    begin(fx);
    assert_int_equal(append(fx, &device, 1, 3, NULL), 0);
    commit(fx);
    load_all(fx, &dataset);
    assert_int_equal(dataset.events_count, 1);
    dataset_done(&dataset);
    fake_device_done(&device);
}

static void tap_without_a_clock_is_placed_by_a_later_anchor_and_not_before(void **state)
{
    struct fixture *fx = *state;
    struct fake_device device;
    struct dataset dataset;
    struct record record;
    const struct storage_anchor anchor = {.boot_id = 77,
        .boot_ms = 101000,
        .seq = 2,
        .wall_ms = DAY_MS + 100000,
        .uncertainty_ms = 1500};

    fake_device_init(&device, "GW-1", 1);
    fake_device_tap(&device, 1, TAP_IN, 0);
    assert_int_equal(record_decode(device.records[1], device.sizes[1], &record), 0);
    device.head_seq = 0;
    record.wall_trust = WALL_UNSET;
    record.boot_ms = 41000;
    fake_device_add(&device, record);
    fake_device_tap(&device, 1, TAP_OUT, DAY_MS + 200000);
    begin(fx);
    assert_int_equal(append(fx, &device, 1, 1, NULL), 0);
    commit(fx);

    load_all(fx, &dataset);
    assert_int_equal(dataset.events_count, 0);
    assert_int_equal(dataset.unplaced_count, 1);
    assert_string_equal(
        dataset_text(&dataset, dataset.unplaced[0].event_id), "GW-1-0000000000000001-1");
    dataset_done(&dataset);

    begin(fx);
    assert_int_equal(append(fx, &device, 2, 2, &anchor), 0);
    commit(fx);
    load_all(fx, &dataset);
    assert_int_equal(dataset.unplaced_count, 0);
    assert_int_equal(dataset.events_count, 2);
    assert_int_equal(dataset.events[0].ts_utc, DAY_S + 40);
    assert_int_equal(dataset.events[0].evidence, EVENT_CLOCK_SUSPECT | EVENT_TAG_UNVERIFIED);
    assert_int_equal(dataset.events[0].uncertainty_s, 2);
    dataset_done(&dataset);
    fake_device_done(&device);
}

static int count_message(
    void *user, int64_t quarantine_id, const struct storage_quarantined *message)
{
    uint64_t *counts = user;

    assert_string_equal(message->topic, "ecm/v1/home/GW-1/up");
    assert_int_equal(message->size, 400);
    counts[0]++;
    counts[1] = (uint64_t)quarantine_id;
    return 0;
}

static void quarantine_is_bounded_counts_what_it_turns_away_and_has_room_when_emptied(void **state)
{
    enum { MAX = 2000 };
    static const uint8_t bytes[400];
    const struct storage_quarantined message = {.recv_ms = DAY_MS,
        .topic = "ecm/v1/home/GW-1/up",
        .reason = "why",
        .bytes = bytes,
        .size = 400};
    struct fixture *fx = *state;
    struct storage_quarantine_state now;
    uint64_t kept = 0;
    uint64_t counts[2] = {0, 0};

    for (int i = 0; i < 20; i++) {
        int rc = 0;

        begin(fx);
        rc = fx->storage->ops->quarantine(fx->storage, &message, MAX);
        assert_in_range(rc, 0, 1);
        kept += rc == 0;
        commit(fx);
    }
    assert_in_range(kept, 1, MAX / 400);
    reopen_store(fx);
    assert_int_equal(fx->storage->ops->quarantine_state(fx->storage, &now), 0);
    assert_int_equal(now.messages, kept);
    assert_in_range(now.bytes, kept * 400, MAX);
    assert_int_equal(now.turned_away, 20 - kept);
    assert_int_equal(now.turned_away_bytes, (20 - kept) * 400);
    assert_int_equal(fx->storage->ops->quarantined(fx->storage, count_message, counts), 0);
    assert_int_equal(counts[0], kept);

    assert_int_equal(fx->storage->ops->quarantine_release(fx->storage, (int64_t)counts[1]), 0);
    assert_int_equal(fx->storage->ops->quarantine_state(fx->storage, &now), 0);
    assert_int_equal(now.messages + now.bytes, 0);
    assert_int_equal(now.turned_away, 20 - kept); /* never forgotten */
    begin(fx);
    assert_int_equal(fx->storage->ops->quarantine(fx->storage, &message, MAX), 0);
    commit(fx);
}

struct inputs_seen {
    size_t count;
    struct storage_input_row rows[8];
};

static int see_input(void *user, const struct storage_input_row *row)
{
    struct inputs_seen *seen = user;

    assert_true(seen->count < 8);
    assert_string_equal(row->device_id, "GW-1");
    assert_string_equal(row->site, "home");
    seen->rows[seen->count++] = *row;
    return 0;
}

static void cases_and_buttons_are_listed_with_their_time_until_told_and_after(void **state)
{
    static struct fake_message message;
    const struct storage_input pressed[] = {
        {.seq = 1, .kind = STORAGE_INPUT_BUTTON, .is_active = true, .boot_id = 9, .boot_ms = 5000},
        {.seq = 3,
            .kind = STORAGE_INPUT_CASE,
            .is_active = true,
            .boot_id = 9,
            .boot_ms = 9000,
            .wall_ms = DAY_MS,
            .wall_trust = WALL_SYNCED,
            .uncertainty_ms = 4}};
    const struct storage_anchor anchor = {
        .boot_id = 9, .boot_ms = 8000, .seq = 2, .wall_ms = DAY_MS - 1000, .uncertainty_ms = 4};
    struct fixture *fx = *state;
    struct fake_device device;
    struct inputs_seen seen = {.count = 0};
    struct storage_batch batch = {.first_seq = 1,
        .record_count = 3,
        .recv_ms = DAY_MS + 60000,
        .first_tap_utc = INT64_MAX,
        .last_tap_utc = INT64_MIN,
        .anchors = &anchor,
        .anchor_count = 1,
        .inputs = pressed,
        .input_count = 2,
        .site = "home"};

    fake_device_init(&device, "GW-1", 5);
    fake_device_taps(&device, 3, DAY_MS);
    fake_device_batch(&device, 1, 3, &message);
    batch.bytes = message.bytes;
    batch.size = message.size;
    begin(fx);
    batch.log_id = log_of(fx, &device).log_id;
    assert_int_equal(fx->storage->ops->batch_append(fx->storage, &batch), 0);
    fx->storage->ops->rollback(fx->storage); /* with the batch or not at all */
    assert_int_equal(fx->storage->ops->inputs(fx->storage, false, see_input, &seen), 0);
    assert_int_equal(seen.count, 0);

    begin(fx);
    batch.log_id = log_of(fx, &device).log_id;
    assert_int_equal(fx->storage->ops->batch_append(fx->storage, &batch), 0);
    commit(fx);
    reopen_store(fx);
    assert_int_equal(fx->storage->ops->inputs(fx->storage, true, see_input, &seen), 0);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.rows[0].input.kind, STORAGE_INPUT_BUTTON);
    assert_true(seen.rows[0].has_time); /* its clock was set three seconds later */
    assert_int_equal(seen.rows[0].at_ms, DAY_MS - 4000);
    assert_int_equal(seen.rows[1].input.kind, STORAGE_INPUT_CASE);
    assert_int_equal(seen.rows[1].at_ms, DAY_MS);
    assert_int_equal(seen.rows[1].recv_ms, DAY_MS + 60000);

    begin(fx);
    assert_int_equal(fx->storage->ops->input_told(fx->storage, batch.log_id, 1), 0);
    assert_int_equal(fx->storage->ops->input_told(fx->storage, batch.log_id, 2), -ENOENT);
    commit(fx);
    seen.count = 0;
    assert_int_equal(fx->storage->ops->inputs(fx->storage, true, see_input, &seen), 0);
    assert_int_equal(seen.count, 1);
    assert_int_equal(fx->storage->ops->inputs(fx->storage, false, see_input, &seen), 0);
    assert_int_equal(seen.count, 3);
    fake_device_done(&device);
}

const struct CMUnitTest log_tests[] = {
    STORE_TEST(quarantine_is_bounded_counts_what_it_turns_away_and_has_room_when_emptied),
    STORE_TEST(cases_and_buttons_are_listed_with_their_time_until_told_and_after),
    STORE_TEST(unknown_log_is_not_there_until_it_is_made),
    STORE_TEST(mark_moves_with_the_batch_or_not_at_all),
    STORE_TEST(batch_that_does_not_follow_the_mark_is_refused),
    STORE_TEST(skipping_moves_the_mark_forward_only),
    STORE_TEST(key_and_every_log_are_kept),
    STORE_TEST(quarantine_takes_any_bytes),
    STORE_TEST(tap_becomes_an_event_with_the_identity_of_its_record),
    STORE_TEST(bounces_and_self_tests_are_no_events),
    STORE_TEST(tap_without_a_clock_is_placed_by_a_later_anchor_and_not_before),
};
const size_t log_tests_count = sizeof log_tests / sizeof log_tests[0];
