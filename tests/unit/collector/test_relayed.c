/* test_relayed.c - logs of tag readers that gateways bring: taken once, proven or said not to be. */
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

#include "base/chain.h"
#include "base/log.h"
#include "collector/ingest/ingest.h"
#include "collector/storage/storage.h"
#include "collector/storage/storage_sqlite.h"
#include "proto/topics.h"
#include "tests/unit/collector/fake_device.h"

#define DAY_MS INT64_C(1736121600000)
enum { ACKS_MAX = 256, ALERTS_MAX = 64, HOUR_MS = 3600 * 1000 };

struct fixture {
    struct storage *store;
    struct ingest *ingest;
    struct fake_device reader;
    struct signer *signer;
    char key_path[64];
    int64_t now_ms;
    struct ack acks[ACKS_MAX];
    char ack_topics[ACKS_MAX][TOPIC_MAX];
    size_t ack_count;
    struct alert alerts[ALERTS_MAX];
    size_t alert_count;
};

static struct fake_message message;

static int take_publish(void *user, const char *topic, const uint8_t *bytes, size_t size)
{
    struct fixture *fx = user;

    if (strstr(topic, "/alert") != NULL) {
        assert_true(fx->alert_count < ALERTS_MAX);
        assert_int_equal(alert_decode(bytes, size, &fx->alerts[fx->alert_count++]), 0);
        return 0;
    }
    assert_true(fx->ack_count < ACKS_MAX);
    assert_int_equal(ack_decode(bytes, size, &fx->acks[fx->ack_count]), 0);
    (void)snprintf(fx->ack_topics[fx->ack_count++], TOPIC_MAX, "%s", topic);
    return 0;
}

static int64_t tell_now(void *user)
{
    return ((struct fixture *)user)->now_ms;
}

static void open_ingest(struct fixture *fx)
{
    const struct ingest_ports ports = {
        .storage = fx->store, .publish = take_publish, .now_ms = tell_now, .user = fx};

    assert_int_equal(ingest_open(&fx->ingest, &ports, "centre", NULL), 0);
}

static void restart(struct fixture *fx)
{
    ingest_close(fx->ingest);
    open_ingest(fx);
}

static int setup(void **state)
{
    struct fixture *fx = calloc(1, sizeof *fx);
    int fd = -1;

    assert_non_null(fx);
    log_set_level(LOG_LEVEL_ERR);
    assert_int_equal(storage_sqlite_open(&fx->store, ":memory:", 0, NULL), 0);
    (void)snprintf(fx->key_path, sizeof fx->key_path, "/tmp/ecm-relayed-XXXXXX");
    fd = mkstemp(fx->key_path);
    assert_true(fd >= 0);
    (void)close(fd);
    (void)unlink(fx->key_path);
    assert_int_equal(signer_open(&fx->signer, fx->key_path, NULL), 0);
    fx->now_ms = DAY_MS;
    fake_device_init(&fx->reader, "PR-1", 9);
    open_ingest(fx);
    *state = fx;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fx = *state;

    ingest_close(fx->ingest);
    storage_close(fx->store);
    fake_device_done(&fx->reader);
    signer_close(fx->signer);
    (void)unlink(fx->key_path);
    free(fx);
    return 0;
}

static void send_to(struct fixture *fx, const char *device)
{
    char topic[TOPIC_MAX];

    assert_int_equal(topic_format(topic, "home", device, TOPIC_UP), 0);
    ingest_message(fx->ingest, topic, message.bytes, message.size);
}

static void relay(struct fixture *fx, const char *gateway, uint64_t first, uint64_t last)
{
    fake_device_batch(&fx->reader, first, last, &message);
    send_to(fx, gateway);
}

static void relay_hello(struct fixture *fx, const char *gateway, uint64_t oldest, uint64_t head)
{
    struct hello hello = {.epoch = fx->reader.epoch, .head_seq = head, .oldest_seq = oldest};

    (void)snprintf(hello.device_id, sizeof hello.device_id, "%s", fx->reader.id);
    memcpy(hello.chain_before_oldest, fx->reader.heads[oldest - 1], MESSAGE_HASH_SIZE);
    hello.has_public_key = fx->reader.signer != NULL;
    if (hello.has_public_key) {
        signer_public_key(fx->reader.signer, hello.public_key);
    }
    assert_int_equal(hello_encode(&hello, message.bytes, sizeof message.bytes, &message.size), 0);
    send_to(fx, gateway);
}

static void commit(struct fixture *fx)
{
    fx->ack_count = 0;
    assert_int_equal(ingest_commit(fx->ingest), 0);
}

/* What was answered to gateway about the tag reader's log. */
static const struct ack *ack_to(const struct fixture *fx, const char *gateway)
{
    char topic[TOPIC_MAX];

    assert_int_equal(topic_format(topic, "home", gateway, TOPIC_ACK), 0);
    for (size_t i = 0; i < fx->ack_count; i++) {
        if (strcmp(fx->ack_topics[i], topic) == 0 &&
            strcmp(fx->acks[i].device_id, fx->reader.id) == 0) {
            return &fx->acks[i];
        }
    }
    return NULL;
}

static void assert_acked(const struct fixture *fx, const char *gateway, uint64_t through)
{
    const struct ack *ack = ack_to(fx, gateway);

    assert_non_null(ack);
    assert_int_equal(ack->through_seq, through);
    assert_int_equal(ack->epoch, fx->reader.epoch);
    assert_memory_equal(ack->chain_head, fx->reader.heads[through], MESSAGE_HASH_SIZE);
}

static bool was_alerted(const struct fixture *fx, const char *event)
{
    for (size_t i = 0; i < fx->alert_count; i++) {
        if (strcmp(fx->alerts[i].event, event) == 0) {
            return true;
        }
    }
    return false;
}

static size_t taps_stored(struct fixture *fx)
{
    const struct storage_filter everything = {.period_id = NULL};
    struct dataset dataset;
    size_t count = 0;

    assert_int_equal(dataset_init(&dataset), 0);
    assert_int_equal(fx->store->ops->load(fx->store, &everything, &dataset, NULL), 0);
    count = dataset.events_count;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(dataset.events[i].event_id, dataset.events[j].event_id);
        }
    }
    dataset_done(&dataset);
    return count;
}

/* ---- tests -------------------------------------------------------------------------------- */

static void a_relayed_log_is_answered_at_the_gateway_and_stays_the_readers(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->reader, 5, DAY_MS);
    relay_hello(fx, "GW-A", 1, 5);
    commit(fx);
    assert_acked(fx, "GW-A", 0);
    relay(fx, "GW-A", 1, 5);
    commit(fx);
    assert_acked(fx, "GW-A", 5);
    assert_int_equal(taps_stored(fx), 5);
}

static void batches_of_two_gateways_that_overlap_are_taken_once(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->reader, 40, DAY_MS);
    relay(fx, "GW-A", 1, 16);
    commit(fx);
    relay(fx, "GW-B", 7, 22);
    commit(fx);
    assert_acked(fx, "GW-B", 22);
    relay(fx, "GW-A", 17, 32);
    relay(fx, "GW-B", 23, 38);
    relay(fx, "GW-A", 33, 40);
    commit(fx);
    assert_acked(fx, "GW-A", 40);
    assert_acked(fx, "GW-B", 40);
    assert_int_equal(taps_stored(fx), 40);
    assert_int_equal(ingest_counts(fx->ingest).records, 40);
    assert_int_equal(ingest_counts(fx->ingest).quarantined, 0);
}

/* Property: whatever borders, order and repetition, each record is stored once. */
static void any_borders_in_any_order_end_at_the_same_log(void **state)
{
    struct fixture *fx = *state;
    static const char *const gateways[] = {"GW-A", "GW-B", "GW-C"};
    unsigned seed = 20260101;

    print_message("seed %u\n", seed);
    fake_device_taps(&fx->reader, 300, DAY_MS);
    for (int i = 0; i < 4000; i++) {
        uint64_t first = 1 + (uint64_t)(rand_r(&seed) % 300);
        uint64_t last = first + (uint64_t)(rand_r(&seed) % 16);

        relay(fx, gateways[rand_r(&seed) % 3], first, last > 300 ? 300 : last);
        if (rand_r(&seed) % 4 == 0) {
            commit(fx);
        }
        if (rand_r(&seed) % 400 == 0) {
            commit(fx);
            restart(fx);
        }
    }
    relay(fx, "GW-A", 1, 16);
    for (uint64_t at = 1; at <= 300; at += 10) {
        relay(fx, "GW-A", at, at + 9);
    }
    commit(fx);
    assert_acked(fx, "GW-A", 300);
    assert_int_equal(taps_stored(fx), 300);
}

static void an_unsigned_relayed_log_is_kept_and_said_to_be_unproven(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->reader, 2, DAY_MS);
    relay(fx, "GW-A", 1, 2);
    commit(fx);
    assert_acked(fx, "GW-A", 2);
    assert_true(was_alerted(fx, "relay-unsigned"));
    assert_int_equal(ingest_counts(fx->ingest).unverified, 1);
}

static void a_signed_relayed_log_is_proven_by_its_own_key(void **state)
{
    struct fixture *fx = *state;

    fx->reader.signer = fx->signer;
    fake_device_taps(&fx->reader, 4, DAY_MS);
    relay_hello(fx, "GW-A", 1, 4);
    relay(fx, "GW-A", 1, 4);
    commit(fx);
    assert_acked(fx, "GW-A", 4);
    assert_int_equal(ingest_counts(fx->ingest).unverified, 0);
    assert_int_equal(fx->alert_count, 0);
}

static void a_gateway_cannot_write_into_the_log_of_a_device_whose_key_is_known(void **state)
{
    struct fixture *fx = *state;

    fx->reader.signer = fx->signer;
    fake_device_taps(&fx->reader, 4, DAY_MS);
    relay_hello(fx, "GW-A", 1, 4);
    relay(fx, "GW-A", 1, 2);
    commit(fx);
    fx->reader.signer = NULL;
    relay(fx, "GW-B", 3, 4);
    relay(fx, "GW-B", 3, 4);
    commit(fx);
    assert_acked(fx, "GW-B", 2);
    assert_true(ack_to(fx, "GW-B")->reason[0] != '\0');
    assert_true(was_alerted(fx, "relay-refused"));
    assert_int_equal(ingest_counts(fx->ingest).quarantined, 1);
    assert_int_equal(taps_stored(fx), 2);
    fx->reader.signer = fx->signer;
    relay(fx, "GW-A", 3, 4);
    commit(fx);
    assert_acked(fx, "GW-A", 4);
    assert_int_equal(taps_stored(fx), 4);
}

/* Nor begin another log under its name. */
static void a_gateway_cannot_begin_a_log_for_a_device_whose_key_is_known(void **state)
{
    struct fixture *fx = *state;
    struct fake_device other;

    fx->reader.signer = fx->signer;
    fake_device_taps(&fx->reader, 1, DAY_MS);
    relay_hello(fx, "GW-A", 1, 1);
    relay(fx, "GW-A", 1, 1);
    commit(fx);
    fake_device_init(&other, "PR-1", 77);
    fake_device_taps(&other, 1, DAY_MS);
    fake_device_batch(&other, 1, 1, &message);
    send_to(fx, "GW-B");
    commit(fx);
    assert_int_equal(taps_stored(fx), 1);
    fake_device_done(&other);
}

static void a_device_that_speaks_for_itself_cannot_be_relayed_without_a_signature(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->reader, 3, DAY_MS);
    relay(fx, "PR-1", 1, 2); /* its own topic */
    commit(fx);
    restart(fx);
    relay(fx, "GW-A", 3, 3);
    commit(fx);
    assert_true(ack_to(fx, "GW-A")->reason[0] != '\0');
    assert_true(was_alerted(fx, "relay-refused"));
    assert_int_equal(taps_stored(fx), 2);
}

static void a_gateway_with_less_than_others_brought_is_told_the_mark(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->reader, 9, DAY_MS);
    relay(fx, "GW-A", 1, 9);
    commit(fx);
    fx->alert_count = 0;
    relay_hello(fx, "GW-B", 1, 0);
    commit(fx);
    assert_acked(fx, "GW-B", 9);
    assert_false(ack_to(fx, "GW-B")->wants_resend);
    assert_int_equal(fx->alert_count, 0);
}

static void what_one_gateway_lacks_is_asked_of_all_that_carried_the_log(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->reader, 30, DAY_MS);
    relay(fx, "GW-A", 1, 10);
    commit(fx);
    restart(fx); /* and it remembers who carried it */
    relay_hello(fx, "GW-B", 21, 30);
    commit(fx);
    assert_true(ack_to(fx, "GW-B")->wants_resend);
    assert_int_equal(ack_to(fx, "GW-B")->resend_from_seq, 11);
    assert_non_null(ack_to(fx, "GW-A"));
    assert_int_equal(ack_to(fx, "GW-A")->resend_from_seq, 11);
    assert_true(was_alerted(fx, "relay-gap"));
    relay(fx, "GW-A", 11, 20);
    relay(fx, "GW-B", 21, 30);
    commit(fx);
    assert_acked(fx, "GW-B", 30);
    assert_int_equal(taps_stored(fx), 30);
    assert_false(was_alerted(fx, "log-gap"));
}

static void what_nobody_has_for_two_days_is_given_up(void **state)
{
    struct fixture *fx = *state;

    fake_device_taps(&fx->reader, 30, DAY_MS);
    relay(fx, "GW-A", 1, 10);
    commit(fx);
    for (int hour = 0; hour < 48; hour++) {
        relay_hello(fx, "GW-B", 21, 30);
        commit(fx);
        assert_acked(fx, "GW-B", 10);
        fx->now_ms += HOUR_MS;
        fx->alert_count = 0;
    }
    relay_hello(fx, "GW-B", 21, 30);
    commit(fx);
    assert_acked(fx, "GW-B", 20);
    assert_true(was_alerted(fx, "log-gap"));
    relay(fx, "GW-B", 21, 30);
    commit(fx);
    assert_acked(fx, "GW-B", 30);
    assert_int_equal(taps_stored(fx), 20);
}

static int count_path(void *user, const struct storage_path *path)
{
    char *text = user;

    (void)snprintf(text + strlen(text), 200 - strlen(text), "%llu %s;",
        (unsigned long long)path->first_seq, path->gateway_id);
    return 0;
}

static void the_store_says_which_gateway_brought_what(void **state)
{
    struct fixture *fx = *state;
    char text[200] = "";

    fake_device_taps(&fx->reader, 40, DAY_MS);
    relay(fx, "GW-A", 1, 10);
    relay(fx, "GW-A", 11, 12);
    commit(fx);
    relay(fx, "GW-B", 5, 20);
    relay(fx, "GW-B", 21, 30);
    relay(fx, "GW-A", 25, 40);
    commit(fx);
    assert_int_equal(fx->store->ops->paths(fx->store, count_path, text), 0);
    assert_string_equal(text, "1 GW-A;13 GW-B;31 GW-A;");
}

#define RELAYED_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RELAYED_TEST(a_relayed_log_is_answered_at_the_gateway_and_stays_the_readers),
        RELAYED_TEST(batches_of_two_gateways_that_overlap_are_taken_once),
        RELAYED_TEST(any_borders_in_any_order_end_at_the_same_log),
        RELAYED_TEST(an_unsigned_relayed_log_is_kept_and_said_to_be_unproven),
        RELAYED_TEST(a_signed_relayed_log_is_proven_by_its_own_key),
        RELAYED_TEST(a_gateway_cannot_write_into_the_log_of_a_device_whose_key_is_known),
        RELAYED_TEST(a_gateway_cannot_begin_a_log_for_a_device_whose_key_is_known),
        RELAYED_TEST(a_device_that_speaks_for_itself_cannot_be_relayed_without_a_signature),
        RELAYED_TEST(a_gateway_with_less_than_others_brought_is_told_the_mark),
        RELAYED_TEST(what_one_gateway_lacks_is_asked_of_all_that_carried_the_log),
        RELAYED_TEST(what_nobody_has_for_two_days_is_given_up),
        RELAYED_TEST(the_store_says_which_gateway_brought_what),
    };

    return cmocka_run_group_tests_name("relayed", tests, NULL, NULL);
}
