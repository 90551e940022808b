/*
 * test_ingest.c - ingest over a real store in memory, a broker that is an array, and a clock we
 * push.
 */
#include "collector/ingest/ingest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/chain.h"
#include "base/err.h"
#include "base/log.h"
#include "collector/storage/storage_sqlite.h"
#include "proto/topics.h"
#include "tests/unit/collector/fake_device.h"
#include "tests/unit/collector/faulty_storage.h"
#include "tests/unit/suite.h"

#define DAY_MS INT64_C(1603065600000)

enum { SENT_MAX = 64 };

struct fixture {
    struct storage *store;
    struct faulty_storage faulty;
    struct ingest *ingest;
    int64_t now_ms;
    struct ack acks[SENT_MAX];
    char ack_topics[SENT_MAX][TOPIC_MAX];
    size_t ack_count;
    struct alert alerts[SENT_MAX];
    size_t alert_count;
    size_t touched_count;
    int64_t touched_from, touched_to;
    struct fake_device device;
};

static struct fake_message message;

static int take_publish(void *user, const char *topic, const uint8_t *bytes, size_t size)
{
    struct fixture *fx = user;
    struct topic parsed;

    assert_int_equal(topic_parse(topic, &parsed), 0);
    if (parsed.kind == TOPIC_ACK) {
        assert_true(fx->ack_count < SENT_MAX);
        assert_int_equal(ack_decode(bytes, size, &fx->acks[fx->ack_count]), 0);
        (void)snprintf(fx->ack_topics[fx->ack_count++], TOPIC_MAX, "%s", topic);
    } else {
        assert_int_equal(parsed.kind, TOPIC_ALERT);
        assert_true(fx->alert_count < SENT_MAX);
        assert_int_equal(alert_decode(bytes, size, &fx->alerts[fx->alert_count++]), 0);
    }
    return 0;
}

static int64_t tell_now(void *user)
{
    return ((struct fixture *)user)->now_ms;
}

static void take_touched(void *user, const char *device_id, int64_t from_utc, int64_t to_utc)
{
    struct fixture *fx = user;

    assert_int_equal(strncmp(device_id, "GW-", 3), 0);
    fx->touched_count++;
    fx->touched_from = from_utc;
    fx->touched_to = to_utc;
}

static void open_ingest(struct fixture *fx)
{
    const struct ingest_ports ports = {.storage = &fx->faulty.storage,
        .publish = take_publish,
        .now_ms = tell_now,
        .touched = take_touched,
        .user = fx};

    assert_int_equal(ingest_open(&fx->ingest, &ports, "centre", NULL), 0);
}

static int setup(void **state)
{
    struct fixture *fx = calloc(1, sizeof *fx);

    assert_non_null(fx);
    log_set_level(LOG_LEVEL_ERR);
    assert_int_equal(storage_sqlite_open(&fx->store, ":memory:", 0, NULL), 0);
    faulty_storage_init(&fx->faulty, fx->store);
    fx->now_ms = DAY_MS;
    fake_device_init(&fx->device, "GW-1", 5);
    open_ingest(fx);
    *state = fx;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fx = *state;

    ingest_close(fx->ingest);
    storage_close(fx->store);
    fake_device_done(&fx->device);
    free(fx);
    return 0;
}

/* The collector starts anew on the same store. */
static void restart(struct fixture *fx)
{
    ingest_close(fx->ingest);
    fx->ingest = NULL;
    open_ingest(fx);
}

static void send_to(struct fixture *fx, const char *topic)
{
    ingest_message(fx->ingest, topic, message.bytes, message.size);
}

static void send_batch(struct fixture *fx, uint64_t first, uint64_t last)
{
    fake_device_batch(&fx->device, first, last, &message);
    send_to(fx, "ecm/v1/home/GW-1/up");
}

static void commit(struct fixture *fx)
{
    fx->ack_count = 0;
    assert_int_equal(ingest_commit(fx->ingest), 0);
}

static void assert_acked(const struct fixture *fx, uint64_t through)
{
    assert_int_equal(fx->ack_count, 1);
    assert_string_equal(fx->ack_topics[0], "ecm/v1/home/GW-1/ack");
    assert_int_equal(fx->acks[0].through_seq, through);
    assert_int_equal(fx->acks[0].epoch, fx->device.epoch);
    assert_memory_equal(fx->acks[0].chain_head, fx->device.heads[through], 32);
    assert_false(fx->acks[0].wants_resend);
    assert_string_equal(fx->acks[0].collector_id, "centre");
}

static void assert_asked_for(const struct fixture *fx, uint64_t from)
{
    assert_int_equal(fx->ack_count, 1);
    assert_true(fx->acks[0].wants_resend);
    assert_int_equal(fx->acks[0].resend_from_seq, from);
    assert_int_equal(fx->acks[0].through_seq, from - 1);
}

static void assert_stored(struct fixture *fx, size_t taps)
{
    const struct storage_filter everything = {.period_id = NULL};
    struct dataset dataset;

    assert_int_equal(dataset_init(&dataset), 0);
    assert_int_equal(fx->store->ops->load(fx->store, &everything, &dataset, NULL), 0);
    assert_int_equal(dataset.events_count, taps);
    dataset_done(&dataset);
}

/* ---- batches ------------------------------------------------------------------------------ */

static void nothing_is_acknowledged_before_the_commit(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->device, 3, DAY_MS);
    send_batch(fx, 1, 3);
    assert_int_equal(fx->ack_count, 0);
    commit(fx);
    assert_acked(fx, 3);
    assert_stored(fx, 3);
}

static void all_that_waits_is_one_commit_and_one_ack(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->device, 9, DAY_MS);
    send_batch(fx, 1, 3);
    send_batch(fx, 4, 6);
    send_batch(fx, 7, 9);
    commit(fx);
    assert_acked(fx, 9);
    assert_int_equal(ingest_counts(fx->ingest).commits, 1);
    assert_int_equal(ingest_counts(fx->ingest).records, 9);
}

static void busy_collector_does_not_keep_devices_waiting(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->device, 3, DAY_MS);
    send_batch(fx, 1, 1);
    fx->now_ms += INGEST_COMMIT_MS - 1;
    send_batch(fx, 2, 2);
    assert_int_equal(fx->ack_count, 0);
    fx->now_ms += 1;
    send_batch(fx, 3, 3);
    assert_acked(fx, 3);
}

static void each_log_in_a_commit_has_its_own_ack(void **state)
{
    struct fixture *fx = *state;
    struct fake_device other;

    fake_device_init(&other, "GW-2", 8);
    fake_device_taps(&other, 2, DAY_MS);
    fake_device_taps(&fx->device, 3, DAY_MS);
    send_batch(fx, 1, 3);
    fake_device_batch(&other, 1, 1, &message);
    send_to(fx, "ecm/v1/elsewhere/GW-2/up");
    fake_device_batch(&other, 2, 2, &message);
    send_to(fx, "ecm/v1/elsewhere/GW-2/up");
    commit(fx);
    assert_int_equal(fx->ack_count, 2);
    for (size_t i = 0; i < 2; i++) {
        bool is_other = strcmp(fx->acks[i].device_id, "GW-2") == 0;

        assert_int_equal(fx->acks[i].through_seq, is_other ? 2 : 3);
        assert_string_equal(
            fx->ack_topics[i], is_other ? "ecm/v1/elsewhere/GW-2/ack" : "ecm/v1/home/GW-1/ack");
    }
    assert_string_not_equal(fx->acks[0].device_id, fx->acks[1].device_id);
    fake_device_done(&other);
}

static void batch_we_have_is_told_the_mark_again(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->device, 3, DAY_MS);
    send_batch(fx, 1, 3);
    commit(fx);
    send_batch(fx, 1, 3);
    send_batch(fx, 2, 2);
    commit(fx);
    assert_acked(fx, 3);
    assert_stored(fx, 3);
    assert_int_equal(ingest_counts(fx->ingest).repeated, 2);
}

static void batch_behind_a_gap_is_not_stored_and_the_gap_is_asked_for(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->device, 6, DAY_MS);
    send_batch(fx, 1, 2);
    send_batch(fx, 5, 6);
    commit(fx);
    assert_asked_for(fx, 3);
    assert_stored(fx, 2);
    send_batch(fx, 3, 6);
    commit(fx);
    assert_acked(fx, 6);
    assert_stored(fx, 6);
}

static void batch_that_begins_before_the_mark_is_taken_from_the_mark_on(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->device, 4, DAY_MS);
    send_batch(fx, 1, 2);
    send_batch(fx, 1, 4);
    commit(fx);
    assert_acked(fx, 4);
    assert_stored(fx, 4);
    assert_int_equal(ingest_counts(fx->ingest).records, 4);
}

static void restart_remembers_every_mark(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->device, 4, DAY_MS);
    send_batch(fx, 1, 3);
    commit(fx);
    restart(fx);
    send_batch(fx, 1, 3);
    commit(fx);
    assert_acked(fx, 3);
    send_batch(fx, 4, 4);
    commit(fx);
    assert_acked(fx, 4);
    assert_stored(fx, 4);
}

static void new_epoch_is_a_log_of_its_own(void **state)
{
    struct fixture *fx = *state;
    struct fake_device renewed;

    fake_device_taps(&fx->device, 2, DAY_MS);
    send_batch(fx, 1, 2);
    fake_device_init(&renewed, "GW-1", 6);
    fake_device_taps(&renewed, 1, DAY_MS);
    fake_device_batch(&renewed, 1, 1, &message);
    send_to(fx, "ecm/v1/home/GW-1/up");
    commit(fx);
    assert_int_equal(fx->ack_count, 2);
    assert_stored(fx, 3);
    fake_device_done(&renewed);
}

static void touched_span_is_that_of_the_taps(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->device, 3, DAY_MS);
    send_batch(fx, 1, 2);
    send_batch(fx, 3, 3);
    assert_int_equal(fx->touched_count, 0);
    commit(fx);
    assert_int_equal(fx->touched_count, 1);
    assert_int_equal(fx->touched_from, DAY_MS / 1000);
    assert_int_equal(fx->touched_to, DAY_MS / 1000 + 120);
    commit(fx);
    assert_int_equal(fx->touched_count, 1);
}

/* ---- evidence ----------------------------------------------------------------------------- */

static void broken_chain_is_refused_once_then_kept_with_an_alert(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->device, 2, DAY_MS);
    fx->device.heads[2][0] ^= 1;
    send_batch(fx, 1, 2);
    commit(fx);
    assert_asked_for(fx, 1);
    assert_true(fx->acks[0].reason[0] != '\0');
    assert_stored(fx, 0);
    send_batch(fx, 1, 2);
    commit(fx);
    assert_acked(fx, 2);
    assert_stored(fx, 2);
    assert_int_equal(ingest_counts(fx->ingest).quarantined, 2);
    assert_int_equal(fx->alert_count, 1);
    assert_string_equal(fx->alerts[0].event, "chain-broken");
}

static void other_records_under_known_numbers_are_set_aside(void **state)
{
    struct fixture *fx = *state;
    struct fake_device forger;

    fake_device_taps(&fx->device, 2, DAY_MS);
    send_batch(fx, 1, 2);
    commit(fx);
    fake_device_init(&forger, "GW-1", 5);
    fake_device_taps(&forger, 2, DAY_MS + 1000);
    fake_device_batch(&forger, 1, 2, &message);
    send_to(fx, "ecm/v1/home/GW-1/up");
    commit(fx);
    assert_acked(fx, 2);
    assert_int_equal(ingest_counts(fx->ingest).quarantined, 1);
    assert_string_equal(fx->alerts[0].event, "log-rewritten");
    fake_device_done(&forger);
}

static struct signer *open_signer(const char *name)
{
    struct signer *signer = NULL;
    char path[64];
    struct err err = {.text = ""};

    (void)snprintf(path, sizeof path, "/tmp/ecm-ingest-%d-%s.pem", (int)getpid(), name);
    if (signer_open(&signer, path, &err) < 0) {
        fail_msg("%s", err.text);
    }
    (void)unlink(path);
    return signer;
}

static void first_key_is_kept_and_another_is_told(void **state)
{
    struct fixture *fx = *state;
    struct signer *first = open_signer("a");
    struct signer *other = open_signer("b");

    fake_device_taps(&fx->device, 4, DAY_MS);
    fx->device.signer = first;
    fake_device_hello(&fx->device, 0, &message);
    send_to(fx, "ecm/v1/home/GW-1/up");
    send_batch(fx, 1, 1);
    commit(fx);
    assert_acked(fx, 1);
    assert_int_equal(ingest_counts(fx->ingest).unverified, 0);
    assert_int_equal(fx->alert_count, 0);

    restart(fx);
    fx->device.signer = other;
    fake_device_hello(&fx->device, 0, &message);
    send_to(fx, "ecm/v1/home/GW-1/up");
    send_batch(fx, 2, 2);
    fx->device.signer = NULL;
    send_batch(fx, 3, 3);
    commit(fx);
    assert_acked(fx, 3);
    assert_stored(fx, 3);
    assert_int_equal(ingest_counts(fx->ingest).unverified, 2);
    assert_string_equal(fx->alerts[0].event, "key-changed");
    assert_string_equal(fx->alerts[1].event, "signature-bad");
    signer_close(first);
    signer_close(other);
}

static void key_holds_for_the_next_epoch_too(void **state)
{
    struct fixture *fx = *state;
    struct signer *first = open_signer("a");
    struct fake_device renewed;

    fx->device.signer = first;
    fake_device_hello(&fx->device, 0, &message);
    send_to(fx, "ecm/v1/home/GW-1/up");
    commit(fx);
    fake_device_init(&renewed, "GW-1", 6);
    fake_device_taps(&renewed, 1, DAY_MS);
    fake_device_batch(&renewed, 1, 1, &message);
    send_to(fx, "ecm/v1/home/GW-1/up");
    commit(fx);
    assert_int_equal(ingest_counts(fx->ingest).unverified, 1);
    fake_device_done(&renewed);
    signer_close(first);
}

/* ---- poison ------------------------------------------------------------------------------- */

static void unreadable_message_is_set_aside_and_what_follows_goes_on(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->device, 1, DAY_MS);
    ingest_message(fx->ingest, "ecm/v1/home/GW-1/up", (const uint8_t *)"\xff\xff", 2);
    send_batch(fx, 1, 1);
    commit(fx);
    assert_int_equal(fx->ack_count, 2);
    assert_string_equal(fx->ack_topics[0], "ecm/v1/home/GW-1/ack");
    assert_true(fx->acks[0].reason[0] != '\0');
    assert_int_equal(fx->acks[1].through_seq, 1);
    assert_int_equal(ingest_counts(fx->ingest).quarantined, 1);
    assert_stored(fx, 1);
}

static void device_cannot_speak_for_another(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->device, 2, DAY_MS);
    send_batch(fx, 1, 1);
    commit(fx);
    fake_device_batch(&fx->device, 2, 2, &message);
    send_to(fx, "ecm/v1/home/GW-2/up");
    commit(fx);
    assert_int_equal(fx->ack_count, 1);
    assert_string_equal(fx->ack_topics[0], "ecm/v1/home/GW-2/ack");
    assert_true(fx->acks[0].reason[0] != '\0');
    assert_stored(fx, 1);
}

static void topics_that_are_not_for_us_are_passed_over(void **state)
{
    const char *const topics[] = {"", "x", "ecm/v1/home/GW-1/ack", "ecm/v1/home/GW-1/cmd",
        "ecm/v1/home/alert", "ecm/v2/home/GW-1/up"};
    struct fixture *fx = *state;

    fake_device_taps(&fx->device, 1, DAY_MS);
    fake_device_batch(&fx->device, 1, 1, &message);
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
        send_to(fx, topics[i]);
    }
    commit(fx);
    assert_int_equal(fx->ack_count, 0);
    assert_stored(fx, 0);
}

/* ---- hello and state ---------------------------------------------------------------------- */

static void hello_is_answered_with_our_mark(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->device, 3, DAY_MS);
    fake_device_hello(&fx->device, 0, &message);
    send_to(fx, "ecm/v1/home/GW-1/up");
    commit(fx);
    assert_acked(fx, 0);
    send_batch(fx, 1, 3);
    commit(fx);
    fake_device_hello(&fx->device, 0, &message);
    send_to(fx, "ecm/v1/home/GW-1/up");
    commit(fx);
    assert_acked(fx, 3);
}

static void restored_backup_asks_for_what_the_device_thought_was_safe(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->device, 5, DAY_MS);
    send_batch(fx, 1, 2);
    commit(fx);
    fake_device_hello(&fx->device, 5, &message);
    send_to(fx, "ecm/v1/home/GW-1/up");
    commit(fx);
    assert_asked_for(fx, 3);
}

static void send_hello(struct fixture *fx, uint64_t oldest, uint64_t head, uint64_t acked)
{
    struct hello hello = {.epoch = 5,
        .head_seq = head,
        .acked_seq = acked,
        .oldest_seq = oldest,
        .boot_id = 77,
        .version = "0"};

    (void)memcpy(hello.device_id, fx->device.id, sizeof hello.device_id);
    (void)memcpy(hello.chain_before_oldest, fx->device.heads[oldest - 1], 32);
    assert_int_equal(hello_encode(&hello, message.bytes, sizeof message.bytes, &message.size), 0);
    send_to(fx, "ecm/v1/home/GW-1/up");
}

static void records_the_device_no_longer_has_become_a_gap_with_an_alert(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->device, 9, DAY_MS);
    send_batch(fx, 1, 2);
    commit(fx);
    send_hello(fx, 6, 9, 5);
    commit(fx);
    assert_acked(fx, 5);
    assert_string_equal(fx->alerts[0].event, "log-gap");
    send_batch(fx, 6, 9);
    commit(fx);
    assert_acked(fx, 9);
    assert_stored(fx, 6);
}

static void log_that_went_back_is_answered_with_our_mark_and_an_alert(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->device, 5, DAY_MS);
    send_batch(fx, 1, 5);
    commit(fx);
    send_hello(fx, 1, 3, 3);
    commit(fx);
    assert_acked(fx, 5);
    assert_string_equal(fx->alerts[0].event, "log-rolled-back");
}

static void send_state(struct fixture *fx, uint64_t head, uint64_t acked, bool online)
{
    struct device_state heartbeat = {
        .online = online, .epoch = 5, .head_seq = head, .acked_seq = acked, .oldest_seq = 1};

    (void)memcpy(heartbeat.device_id, fx->device.id, sizeof heartbeat.device_id);
    assert_int_equal(
        state_encode(&heartbeat, message.bytes, sizeof message.bytes, &message.size), 0);
    send_to(fx, "ecm/v1/home/GW-1/state");
}

static void silent_device_with_records_is_asked_to_send(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->device, 4, DAY_MS);
    send_batch(fx, 1, 2);
    commit(fx);
    send_state(fx, 4, 2, true);
    commit(fx);
    assert_int_equal(fx->ack_count, 0); /* it has just spoken: the rest is on its way */
    fx->now_ms += INGEST_SILENCE_MS;
    send_state(fx, 4, 2, false);
    commit(fx);
    assert_int_equal(fx->ack_count, 0); /* gone: its will speaks */
    send_state(fx, 4, 2, true);
    commit(fx);
    assert_asked_for(fx, 3);
}

static void heartbeat_shows_a_restored_backup_at_once(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->device, 4, DAY_MS);
    send_batch(fx, 1, 2);
    commit(fx);
    send_state(fx, 4, 4, true);
    commit(fx);
    assert_asked_for(fx, 3);
}

/* ---- faults ------------------------------------------------------------------------------- */

/* Everything ingest can ask of a store, in one story. */
static void tell_story(struct fixture *fx)
{
    fx->device.signer = NULL;
    fake_device_hello(&fx->device, 0, &message);
    send_to(fx, "ecm/v1/home/GW-1/up");
    send_batch(fx, 1, 2);
    ingest_message(fx->ingest, "ecm/v1/home/GW-1/up", (const uint8_t *)"\xff", 1);
    send_batch(fx, 3, 4);
}

/* Fail the first store call, then the second, ... An acknowledgement may never promise too much. */
static void whatever_store_call_fails_nothing_is_promised_and_nothing_is_lost(void **state)
{
    unsigned nth = 1;

    (void)state;
    for (;; nth++) {
        struct fixture *now = NULL;
        void *inner = NULL;
        int rc = 0;

        (void)setup(&inner);
        now = inner;
        fake_device_taps(&now->device, 4, DAY_MS);
        now->faulty.calls = 0;
        now->faulty.fail_at = nth;
        now->faulty.fail_code = ECM_EFULL;
        tell_story(now);
        rc = ingest_commit(now->ingest);
        if (now->faulty.failures > 0) {
            assert_int_equal(rc, ECM_EFULL);
            assert_int_equal(now->ack_count, 0);
            assert_int_equal(now->touched_count, 0);
            assert_stored(now, 0);
            tell_story(now); /* the device sends again */
            commit(now);
        }
        assert_int_equal(now->acks[now->ack_count - 1].through_seq, 4);
        assert_stored(now, 4);
        rc = now->faulty.failures > 0 ? 1 : 0;
        (void)teardown(&inner);
        if (rc == 0) {
            break;
        }
    }
    assert_true(nth > 5);
}

#define INGEST_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static void a_full_quarantine_is_told_once_an_hour_and_the_rest_is_counted(void **state)
{
    struct fixture *fx = *state;
    const struct ingest_ports ports = {.storage = &fx->faulty.storage,
        .publish = take_publish,
        .now_ms = tell_now,
        .user = fx,
        .quarantine_bytes_max = 1000};

    ingest_close(fx->ingest);
    assert_int_equal(ingest_open(&fx->ingest, &ports, "centre", NULL), 0);
    message.size = 200;
    memset(message.bytes, 0xff, message.size);
    for (int i = 0; i < 10; i++) {
        send_to(fx, "ecm/v1/home/GW-1/up");
        assert_int_equal(ingest_commit(fx->ingest), 0);
    }
    assert_int_equal(ingest_counts(fx->ingest).quarantined, 10);
    assert_int_equal(ingest_counts(fx->ingest).turned_away, 7);
    assert_int_equal(fx->alert_count, 1);
    assert_string_equal(fx->alerts[0].event, "quarantine-full");
    assert_int_equal(fx->ack_count, 10); /* each is told why, and keeps what it sent */
    fx->now_ms += 3600000;
    send_to(fx, "ecm/v1/home/GW-1/up");
    assert_int_equal(ingest_commit(fx->ingest), 0);
    assert_int_equal(fx->alert_count, 2);
}

static void devices_that_are_silent_offline_or_behind_are_counted(void **state)
{
    struct fixture *fx = *state;
    struct ingest_gauges gauges;

    fake_device_taps(&fx->device, 5, DAY_MS);
    send_batch(fx, 1, 2);
    assert_int_equal(ingest_commit(fx->ingest), 0);
    gauges = ingest_gauges(fx->ingest);
    assert_int_equal(gauges.devices, 1);
    assert_int_equal(gauges.awaited, 3);
    assert_int_equal(gauges.behind, 1);
    assert_int_equal(gauges.silent + gauges.offline, 0);

    send_batch(fx, 3, 5);
    assert_int_equal(ingest_commit(fx->ingest), 0);
    fx->now_ms += INGEST_DEVICE_SILENT_MS + 1;
    gauges = ingest_gauges(fx->ingest);
    assert_int_equal(gauges.awaited, 0);
    assert_int_equal(gauges.silent, 1);
    send_state(fx, 5, 5, true);
    assert_int_equal(ingest_gauges(fx->ingest).silent, 0);
    send_state(fx, 5, 5, false);
    assert_int_equal(ingest_gauges(fx->ingest).offline, 1);

    restart(fx); /* nobody had time to say anything yet */
    gauges = ingest_gauges(fx->ingest);
    assert_int_equal(gauges.devices, 1);
    assert_int_equal(gauges.silent, 0);
    fx->now_ms += INGEST_DEVICE_SILENT_MS + 1;
    assert_int_equal(ingest_gauges(fx->ingest).silent, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INGEST_TEST(nothing_is_acknowledged_before_the_commit),
        INGEST_TEST(a_full_quarantine_is_told_once_an_hour_and_the_rest_is_counted),
        INGEST_TEST(devices_that_are_silent_offline_or_behind_are_counted),
        INGEST_TEST(all_that_waits_is_one_commit_and_one_ack),
        INGEST_TEST(busy_collector_does_not_keep_devices_waiting),
        INGEST_TEST(each_log_in_a_commit_has_its_own_ack),
        INGEST_TEST(batch_we_have_is_told_the_mark_again),
        INGEST_TEST(batch_behind_a_gap_is_not_stored_and_the_gap_is_asked_for),
        INGEST_TEST(batch_that_begins_before_the_mark_is_taken_from_the_mark_on),
        INGEST_TEST(restart_remembers_every_mark),
        INGEST_TEST(new_epoch_is_a_log_of_its_own),
        INGEST_TEST(touched_span_is_that_of_the_taps),
        INGEST_TEST(broken_chain_is_refused_once_then_kept_with_an_alert),
        INGEST_TEST(other_records_under_known_numbers_are_set_aside),
        INGEST_TEST(first_key_is_kept_and_another_is_told),
        INGEST_TEST(key_holds_for_the_next_epoch_too),
        INGEST_TEST(unreadable_message_is_set_aside_and_what_follows_goes_on),
        INGEST_TEST(device_cannot_speak_for_another),
        INGEST_TEST(topics_that_are_not_for_us_are_passed_over),
        INGEST_TEST(hello_is_answered_with_our_mark),
        INGEST_TEST(restored_backup_asks_for_what_the_device_thought_was_safe),
        INGEST_TEST(records_the_device_no_longer_has_become_a_gap_with_an_alert),
        INGEST_TEST(log_that_went_back_is_answered_with_our_mark_and_an_alert),
        INGEST_TEST(silent_device_with_records_is_asked_to_send),
        INGEST_TEST(heartbeat_shows_a_restored_backup_at_once),
        INGEST_TEST(whatever_store_call_fails_nothing_is_promised_and_nothing_is_lost),
    };

    return cmocka_run_group_tests_name("ingest", tests, NULL, NULL);
}
