/*
 * test_uplink.c - the end-to-end protocol of gateway/uplink.h against a collector made of acks.
 */
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/chain.h"
#include "base/err.h"
#include "base/log.h"
#include "tests/unit/gateway/outbox_help.h"
#include "tests/unit/gateway/wire.h"

enum { SECOND = 1000000 };

struct bench {
    struct scratch *scratch;
    struct outbox *box;
    struct wire wire;
    struct uplink *uplink;
};

static int setup(void **state)
{
    const struct uplink_conf conf = {
        .site = "site", .device = "gw-test", .version = "1.2", .boot_id = 77};
    struct bench *bench = calloc(1, sizeof *bench);
    struct uplink_port port;

    assert_non_null(bench);
    log_set_level(LOG_LEVEL_ERR);
    assert_int_equal(scratch_setup((void **)&bench->scratch), 0);
    bench->box = open_box(bench->scratch);
    wire_init(&bench->wire);
    port = wire_port(&bench->wire);
    assert_int_equal(uplink_new(&bench->uplink, &conf, &port, bench->box, NULL), 0);
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;

    uplink_free(bench->uplink);
    wire_done(&bench->wire);
    outbox_close(bench->box);
    (void)scratch_teardown((void **)&bench->scratch);
    free(bench);
    return 0;
}

/* As often as it wants to be called at this moment; *ret_due_us is later. */
static enum uplink_event tick_until(struct bench *bench, uint64_t *ret_due_us)
{
    enum uplink_event event = UPLINK_NOTHING;

    do {
        event = uplink_tick(bench->uplink, ret_due_us);
    } while (event == UPLINK_NOTHING && *ret_due_us <= bench->wire.now_us);
    return event;
}

static enum uplink_event tick(struct bench *bench)
{
    uint64_t due_us = 0;

    return tick_until(bench, &due_us);
}

/* Move on until the uplink wants something, and let it. */
static void wait_due(struct bench *bench)
{
    uint64_t due_us = 0;

    assert_int_equal(tick_until(bench, &due_us), UPLINK_NOTHING);
    assert_int_not_equal(due_us, UINT64_MAX);
    if (due_us > bench->wire.now_us) {
        bench->wire.now_us = due_us;
    }
    assert_int_equal(tick_until(bench, &due_us), UPLINK_NOTHING);
}

static enum uplink_event give(struct bench *bench, const struct ack *ack)
{
    uint8_t bytes[SMALL_MESSAGE_MAX] = {0};
    size_t size = encode_ack(ack, bytes);

    return uplink_on_ack(bench->uplink, bytes, size);
}

static void give_through(struct bench *bench, uint64_t through_seq)
{
    const struct ack ack = make_ack(outbox_epoch(bench->box), through_seq);

    assert_int_equal(give(bench, &ack), UPLINK_NOTHING);
    assert_int_equal(tick(bench), UPLINK_NOTHING);
}

/* Connect and agree at through_seq, then forget what was sent. */
static void agree(struct bench *bench, uint64_t through_seq)
{
    uplink_on_connected(bench->uplink);
    wire_clear(&bench->wire);
    give_through(bench, through_seq);
}

/* first_seq and count of batch message index. */
static void assert_batch(struct bench *bench, size_t index, uint64_t first_seq, size_t count)
{
    struct up_message message = {0};

    wire_up(&bench->wire, index, &message);
    assert_int_equal(message.kind, UP_BATCH);
    assert_int_equal(message.batch.first_seq, first_seq);
    assert_int_equal(message.batch.record_count, count);
    up_message_done(&message);
}

/* ---- greeting ----------------------------------------------------------------------------- */

static void connecting_says_hello_and_nothing_else(void **state)
{
    struct bench *bench = *state;
    struct up_message message = {0};

    append_taps(bench->box, 1, 3);
    uplink_on_connected(bench->uplink);
    assert_int_equal(tick(bench), UPLINK_NOTHING);
    assert_int_equal(bench->wire.count, 1);
    assert_string_equal(bench->wire.messages[0].topic, "ecm/v1/site/gw-test/up");
    assert_false(bench->wire.messages[0].retain);
    wire_up(&bench->wire, 0, &message);
    assert_int_equal(message.kind, UP_HELLO);
    assert_string_equal(message.hello.device_id, "gw-test");
    assert_int_equal(message.hello.epoch, outbox_epoch(bench->box));
    assert_int_equal(message.hello.head_seq, 3);
    assert_int_equal(message.hello.acked_seq, 0);
    assert_int_equal(message.hello.oldest_seq, 1);
    assert_int_equal(message.hello.boot_id, 77);
    assert_string_equal(message.hello.version, "1.2");
    up_message_done(&message);
    assert_false(uplink_is_agreed(bench->uplink));
}

static void nothing_is_sent_before_we_are_connected(void **state)
{
    struct bench *bench = *state;
    uint64_t due_us = 0;

    append_taps(bench->box, 1, 3);
    assert_int_equal(uplink_tick(bench->uplink, &due_us), UPLINK_NOTHING);
    assert_int_equal(due_us, UINT64_MAX);
    assert_int_equal(bench->wire.count, 0);
}

static void the_collectors_answer_says_where_to_continue(void **state)
{
    struct bench *bench = *state;

    append_taps(bench->box, 1, 10);
    agree(bench, 4);
    assert_int_equal(bench->wire.count, 1);
    assert_batch(bench, 0, 5, 6);
    assert_int_equal(outbox_acked_seq(bench->box), 4);
}

static void a_restored_collector_gets_a_replay(void **state)
{
    struct bench *bench = *state;

    append_taps(bench->box, 1, 10);
    assert_int_equal(outbox_ack(bench->box, 9), 0);
    agree(bench, 2);
    assert_batch(bench, 0, 3, 8);
    assert_int_equal(outbox_acked_seq(bench->box), 2);
}

static void a_replay_begins_at_the_oldest_record_we_still_have(void **state)
{
    struct bench *bench = *state;

    append_taps(bench->box, 1, 10);
    assert_int_equal(outbox_ack(bench->box, 6), 0);
    assert_int_equal(outbox_keep_house(bench->box, 1700000000000, 1), 0);
    assert_int_equal(outbox_keep_house(bench->box, 1700000000000 + 2ll * 86400000, 1), 0);
    agree(bench, 2);
    assert_batch(bench, 0, 7, 4);
}

static void an_unanswered_hello_is_repeated_with_growing_waits(void **state)
{
    struct bench *bench = *state;
    uint64_t last_us = bench->wire.now_us;
    uint64_t wait_us = 0;

    uplink_on_connected(bench->uplink);
    for (unsigned i = 1; i <= 8; i++) {
        uint64_t before_us = wait_us;

        wait_due(bench);
        assert_int_equal(wire_count_up(&bench->wire, UP_HELLO), i + 1);
        wait_us = bench->wire.now_us - last_us;
        last_us = bench->wire.now_us;
        assert_true(wait_us >= UPLINK_ACK_TIMEOUT_MIN_US);
        assert_true(wait_us <= UPLINK_ACK_TIMEOUT_MAX_US * 5 / 4);
        assert_true(i > 3 || wait_us > before_us);
    }
    assert_true(wait_us >= UPLINK_ACK_TIMEOUT_MAX_US);
    assert_int_equal(uplink_silences(bench->uplink), 8);
}

static void a_month_without_a_collector_costs_a_hello_a_minute(void **state)
{
    struct bench *bench = *state;
    struct uplink_counts counts = {0};
    uint64_t end_us = bench->wire.now_us + 86400ull * SECOND;

    append_taps(bench->box, 1, 100);
    uplink_on_connected(bench->uplink);
    while (bench->wire.now_us < end_us) {
        wait_due(bench);
        wire_clear(&bench->wire);
    }
    uplink_counts(bench->uplink, &counts);
    assert_int_equal(counts.batches_sent, 0);
    assert_true(counts.hellos_sent < 24 * 60 + 10);
}

static void an_ack_nobody_asked_for_ends_the_waiting_early(void **state)
{
    struct bench *bench = *state;

    append_taps(bench->box, 1, 2);
    uplink_on_connected(bench->uplink);
    wait_due(bench);
    wait_due(bench);
    wire_clear(&bench->wire);
    give_through(bench, 0);
    assert_true(uplink_is_agreed(bench->uplink));
    assert_batch(bench, 0, 1, 2);
}

static void a_new_connection_greets_again(void **state)
{
    struct bench *bench = *state;

    append_taps(bench->box, 1, 5);
    agree(bench, 0);
    uplink_on_disconnected(bench->uplink);
    wire_clear(&bench->wire);
    bench->wire.now_us += 3600ull * SECOND;
    assert_int_equal(tick(bench), UPLINK_NOTHING);
    assert_int_equal(bench->wire.count, 0);
    uplink_on_connected(bench->uplink);
    assert_int_equal(wire_count_up(&bench->wire, UP_HELLO), 1);
    give_through(bench, 3);
    assert_batch(bench, 1, 4, 2);
}

/* ---- batches ------------------------------------------------------------------------------ */

static void a_lone_tap_goes_at_once(void **state)
{
    struct bench *bench = *state;

    agree(bench, 0);
    append_taps(bench->box, 1, 1);
    assert_int_equal(tick(bench), UPLINK_NOTHING);
    assert_int_equal(bench->wire.count, 1);
    assert_batch(bench, 0, 1, 1);
}

static void a_batch_holds_the_records_verbatim_with_their_chain_head(void **state)
{
    struct bench *bench = *state;
    struct up_message message = {0};
    uint8_t chain[CHAIN_SIZE] = {0};

    append_taps(bench->box, 1, 4);
    agree(bench, 1);
    wire_up(&bench->wire, 0, &message);
    assert_string_equal(message.batch.device_id, "gw-test");
    assert_int_equal(message.batch.epoch, outbox_epoch(bench->box));
    assert_int_equal(message.batch.head_seq, 4);
    assert_int_equal(outbox_chain_at(bench->box, 4, chain), 0);
    assert_memory_equal(message.batch.chain_head, chain, CHAIN_SIZE);
    assert_false(message.batch.has_signature);
    for (uint64_t seq = 2; seq <= 4; seq++) {
        struct record record = make_tap(seq);
        uint8_t bytes[RECORD_BYTES_MAX] = {0};
        size_t size = 0;

        record.seq = seq;
        assert_int_equal(record_encode(&record, bytes, sizeof bytes, &size), 0);
        assert_int_equal(message.batch.records[seq - 2].size, size);
        assert_memory_equal(message.batch.records[seq - 2].bytes, bytes, size);
    }
    up_message_done(&message);
}

static void batches_are_full_and_in_order_up_to_the_window(void **state)
{
    struct bench *bench = *state;

    append_taps(bench->box, 1, 3000);
    agree(bench, 0);
    assert_int_equal(bench->wire.count, UPLINK_WINDOW / BATCH_RECORDS_MAX);
    for (size_t i = 0; i < bench->wire.count; i++) {
        assert_batch(bench, i, 1 + i * BATCH_RECORDS_MAX, BATCH_RECORDS_MAX);
    }
    wire_clear(&bench->wire);
    give_through(bench, 100);
    assert_int_equal(bench->wire.count, 1);
    assert_batch(bench, 0, UPLINK_WINDOW + 1, 100);
}

static void a_reader_has_its_turn_between_two_batches(void **state)
{
    struct bench *bench = *state;
    uint64_t due_us = 0;

    append_taps(bench->box, 1, 600);
    agree(bench, 0);
    wire_clear(&bench->wire);
    give_through(bench, 600);
    append_taps(bench->box, 1, 600);
    assert_int_equal(uplink_tick(bench->uplink, &due_us), UPLINK_NOTHING);
    assert_int_equal(bench->wire.count, 1);
    assert_true(due_us <= bench->wire.now_us);
    assert_int_equal(tick(bench), UPLINK_NOTHING);
    assert_int_equal(bench->wire.count, 3);
}

static void the_time_left_is_known_as_long_as_a_backlog_moves(void **state)
{
    struct bench *bench = *state;
    uint64_t through = 0;

    append_taps(bench->box, 1, 3000);
    agree(bench, 0);
    assert_int_equal(uplink_drain_eta_s(bench->uplink), 0);
    for (int second = 0; second < 120; second++) {
        bench->wire.now_us += 1000000;
        give_through(bench, through += 20);
        wire_clear(&bench->wire);
        assert_in_range(uplink_drain_eta_s(bench->uplink), (3000 - through) / 20,
            (3000 - through) / 20 + 2 + (3000 - through) / 200);
    }
    give_through(bench, 3000);
    assert_int_equal(uplink_drain_eta_s(bench->uplink), 0);
}

static void a_batch_of_large_records_stays_below_its_byte_limit(void **state)
{
    struct bench *bench = *state;
    size_t records = 0;

    for (unsigned i = 0; i < 600; i++) {
        struct record record = {.type = RECORD_READER_FAULT};

        memset(record.note.text, 'x', RECORD_TEXT_MAX);
        assert_int_equal(outbox_append(bench->box, &record), 0);
    }
    agree(bench, 0);
    for (size_t i = 0; i < bench->wire.count; i++) {
        struct up_message message = {0};

        assert_true(bench->wire.messages[i].size <= BATCH_BYTES_MAX);
        wire_up(&bench->wire, i, &message);
        records += message.batch.record_count;
        up_message_done(&message);
    }
    assert_int_equal(records, 600);
}

static void batches_are_signed_with_the_device_key(void **state)
{
    struct bench *bench = *state;
    struct uplink_conf conf = {.site = "site", .device = "gw-test", .version = "1"};
    struct uplink_port port = wire_port(&bench->wire);
    uint8_t input[BATCH_SIGNING_INPUT_MAX] = {0};
    uint8_t key[PUBLIC_KEY_SIZE] = {0};
    char path[SCRATCH_PATH_SIZE] = "";
    struct up_message hello = {0};
    struct up_message message = {0};
    size_t size = 0;

    (void)snprintf(path, sizeof path, "%s/key", bench->scratch->folder);
    assert_int_equal(signer_open(&conf.signer, path, NULL), 0);
    uplink_free(bench->uplink);
    assert_int_equal(uplink_new(&bench->uplink, &conf, &port, bench->box, NULL), 0);
    append_taps(bench->box, 1, 2);
    uplink_on_connected(bench->uplink);
    give_through(bench, 0);

    wire_up(&bench->wire, 0, &hello);
    signer_public_key(conf.signer, key);
    assert_true(hello.hello.has_public_key);
    assert_memory_equal(hello.hello.public_key, key, sizeof key);
    wire_up(&bench->wire, 1, &message);
    assert_true(message.batch.has_signature);
    size = batch_signing_input(&message.batch, input);
    assert_int_equal(signature_check(key, input, size, message.batch.signature), 0);
    input[size - 1] ^= 1;
    assert_int_equal(signature_check(key, input, size, message.batch.signature), ECM_ECORRUPT);
    up_message_done(&hello);
    up_message_done(&message);
    signer_close(conf.signer);
}

static void a_full_transport_is_tried_again_soon(void **state)
{
    struct bench *bench = *state;
    uint64_t due_us = 0;

    agree(bench, 0);
    append_taps(bench->box, 1, 3);
    bench->wire.publish_rc = -EAGAIN;
    assert_int_equal(uplink_tick(bench->uplink, &due_us), UPLINK_NOTHING);
    assert_int_equal(bench->wire.refused, 1);
    assert_true(due_us <= bench->wire.now_us + SECOND);
    assert_int_equal(uplink_tick(bench->uplink, &due_us), UPLINK_NOTHING);
    assert_int_equal(bench->wire.refused, 1);
    bench->wire.publish_rc = 0;
    bench->wire.now_us = due_us;
    assert_int_equal(tick(bench), UPLINK_NOTHING);
    assert_batch(bench, 0, 1, 3);
}

/* ---- acks --------------------------------------------------------------------------------- */

static void a_cumulative_ack_moves_the_outbox(void **state)
{
    struct bench *bench = *state;

    append_taps(bench->box, 1, 10);
    agree(bench, 0);
    give_through(bench, 6);
    assert_int_equal(outbox_acked_seq(bench->box), 6);
    give_through(bench, 10);
    assert_int_equal(outbox_acked_seq(bench->box), 10);
}

static void a_late_ack_neither_moves_back_nor_sends_again(void **state)
{
    struct bench *bench = *state;

    append_taps(bench->box, 1, 10);
    agree(bench, 0);
    give_through(bench, 10);
    wire_clear(&bench->wire);
    give_through(bench, 4);
    assert_int_equal(outbox_acked_seq(bench->box), 10);
    assert_int_equal(bench->wire.count, 0);
}

static void an_ack_that_is_not_ours_is_ignored(void **state)
{
    struct bench *bench = *state;
    struct ack other_epoch = make_ack(outbox_epoch(bench->box) + 1, 5);
    struct ack other_device = make_ack(outbox_epoch(bench->box), 5);
    struct uplink_counts counts = {0};

    append_taps(bench->box, 1, 5);
    agree(bench, 0);
    (void)snprintf(other_device.device_id, sizeof other_device.device_id, "gw-other");
    assert_int_equal(give(bench, &other_epoch), UPLINK_NOTHING);
    assert_int_equal(give(bench, &other_device), UPLINK_NOTHING);
    assert_int_equal(uplink_on_ack(bench->uplink, (const uint8_t *)"\xff\xff", 2), 0);
    assert_int_equal(outbox_acked_seq(bench->box), 0);
    uplink_counts(bench->uplink, &counts);
    assert_int_equal(counts.messages_ignored, 3);
}

static void a_gap_makes_us_go_back_once(void **state)
{
    struct bench *bench = *state;
    struct ack gap = make_ack(outbox_epoch(bench->box), 256);

    append_taps(bench->box, 1, 1024);
    agree(bench, 0);
    wire_clear(&bench->wire);
    gap.wants_resend = true;
    gap.resend_from_seq = 257;
    assert_int_equal(give(bench, &gap), UPLINK_NOTHING);
    assert_int_equal(tick(bench), UPLINK_NOTHING);
    assert_int_equal(bench->wire.count, 3);
    assert_batch(bench, 0, 257, 256);
    assert_int_equal(give(bench, &gap), UPLINK_NOTHING);
    assert_int_equal(give(bench, &gap), UPLINK_NOTHING);
    assert_int_equal(tick(bench), UPLINK_NOTHING);
    assert_int_equal(bench->wire.count, 3);
    give_through(bench, 1024);
    assert_int_equal(outbox_acked_seq(bench->box), 1024);
}

/* A collector that has just come asks because of our state; it never saw our hello, nor the key. */
static void asked_to_resend_before_anything_was_sent_we_say_hello_once_more(void **state)
{
    struct bench *bench = *state;
    struct ack asked = make_ack(outbox_epoch(bench->box), 0);
    struct up_message message = {0};

    append_taps(bench->box, 1, 9);
    uplink_on_connected(bench->uplink);
    wire_clear(&bench->wire);
    asked.wants_resend = true;
    asked.resend_from_seq = 1;
    assert_int_equal(give(bench, &asked), UPLINK_NOTHING);
    assert_int_equal(tick(bench), UPLINK_NOTHING);
    assert_int_equal(bench->wire.count, 2);
    wire_up(&bench->wire, 0, &message);
    assert_int_equal(message.kind, UP_HELLO);
    up_message_done(&message);
    assert_batch(bench, 1, 1, 9);
    /* The answer to it, which may ask again, does not start this anew. */
    wire_clear(&bench->wire);
    assert_int_equal(give(bench, &asked), UPLINK_NOTHING);
    assert_int_equal(tick(bench), UPLINK_NOTHING);
    for (size_t i = 0; i < bench->wire.count; i++) {
        wire_up(&bench->wire, i, &message);
        assert_int_equal(message.kind, UP_BATCH);
        up_message_done(&message);
    }
}

static void a_collector_restored_while_connected_gets_a_replay(void **state)
{
    struct bench *bench = *state;
    struct ack back = make_ack(outbox_epoch(bench->box), 2);

    append_taps(bench->box, 1, 9);
    agree(bench, 0);
    give_through(bench, 9);
    wire_clear(&bench->wire);
    back.wants_resend = true;
    back.resend_from_seq = 3;
    assert_int_equal(give(bench, &back), UPLINK_NOTHING);
    assert_int_equal(tick(bench), UPLINK_NOTHING);
    assert_batch(bench, 0, 3, 7);
    assert_int_equal(outbox_acked_seq(bench->box), 2);
}

static void we_never_skip_forward_over_what_the_collector_lacks(void **state)
{
    struct bench *bench = *state;
    struct ack ahead = make_ack(outbox_epoch(bench->box), 2);

    append_taps(bench->box, 1, 9);
    agree(bench, 2);
    assert_batch(bench, 0, 3, 7);
    wire_clear(&bench->wire);
    ahead.wants_resend = true;
    ahead.resend_from_seq = 8;
    assert_int_equal(give(bench, &ahead), UPLINK_NOTHING);
    assert_int_equal(tick(bench), UPLINK_NOTHING);
    assert_int_equal(bench->wire.count, 0);
}

static void a_lost_batch_is_noticed_and_sent_again_after_a_hello(void **state)
{
    struct bench *bench = *state;

    append_taps(bench->box, 1, 5);
    agree(bench, 0);
    wire_clear(&bench->wire);
    wait_due(bench);
    assert_int_equal(wire_count_up(&bench->wire, UP_HELLO), 1);
    assert_int_equal(wire_count_up(&bench->wire, UP_BATCH), 0);
    give_through(bench, 0);
    assert_batch(bench, 1, 1, 5);
}

static void a_lost_ack_costs_a_hello_and_no_batch(void **state)
{
    struct bench *bench = *state;

    append_taps(bench->box, 1, 5);
    agree(bench, 0);
    wire_clear(&bench->wire);
    wait_due(bench);
    give_through(bench, 5);
    assert_int_equal(wire_count_up(&bench->wire, UP_HELLO), 1);
    assert_int_equal(wire_count_up(&bench->wire, UP_BATCH), 0);
    assert_int_equal(outbox_acked_seq(bench->box), 5);
}

static void a_batch_that_is_never_accepted_is_split_to_single_records(void **state)
{
    struct bench *bench = *state;

    append_taps(bench->box, 1, 5);
    agree(bench, 0);
    for (unsigned i = 0; i < UPLINK_STALLS_TO_SPLIT; i++) {
        wait_due(bench);
        wire_clear(&bench->wire);
        give_through(bench, 0);
    }
    assert_int_equal(bench->wire.count, 1);
    assert_batch(bench, 0, 1, 1);
    wire_clear(&bench->wire);
    give_through(bench, 1);
    assert_batch(bench, 0, 2, 4);
}

static void a_collector_that_answers_but_accepts_nothing_is_not_flooded(void **state)
{
    struct bench *bench = *state;
    struct uplink_counts counts = {0};
    struct ack refusal = make_ack(outbox_epoch(bench->box), 0);
    uint64_t end_us = bench->wire.now_us + 3600ull * SECOND;

    append_taps(bench->box, 1, 500);
    agree(bench, 0);
    refusal.wants_resend = true;
    refusal.resend_from_seq = 1;
    (void)snprintf(refusal.reason, sizeof refusal.reason, "cannot be parsed");
    while (bench->wire.now_us < end_us) {
        wait_due(bench);
        wire_clear(&bench->wire);
        assert_int_equal(give(bench, &refusal), UPLINK_NOTHING);
        assert_int_equal(tick(bench), UPLINK_NOTHING);
        assert_int_equal(give(bench, &refusal), UPLINK_NOTHING);
    }
    uplink_counts(bench->uplink, &counts);
    assert_true(counts.batches_sent < 3 * 60);
    assert_string_equal(uplink_refusal(bench->uplink), "cannot be parsed");
}

/* ---- a log that cannot be right ----------------------------------------------------------- */

static void a_collector_ahead_of_us_means_our_log_was_rolled_back(void **state)
{
    struct bench *bench = *state;
    struct ack ahead = make_ack(outbox_epoch(bench->box), 9);

    append_taps(bench->box, 1, 5);
    uplink_on_connected(bench->uplink);
    assert_int_equal(give(bench, &ahead), UPLINK_LOG_ROLLED_BACK);
    assert_int_equal(outbox_acked_seq(bench->box), 0);
}

static void a_different_chain_head_means_our_log_was_rolled_back(void **state)
{
    struct bench *bench = *state;
    struct ack ack = make_ack(outbox_epoch(bench->box), 3);

    append_taps(bench->box, 1, 5);
    uplink_on_connected(bench->uplink);
    assert_int_equal(outbox_chain_at(bench->box, 3, ack.chain_head), 0);
    assert_int_equal(give(bench, &ack), UPLINK_NOTHING);
    ack.chain_head[7] ^= 1;
    assert_int_equal(give(bench, &ack), UPLINK_LOG_ROLLED_BACK);
}

static void after_a_new_epoch_the_uplink_starts_over(void **state)
{
    struct bench *bench = *state;
    struct outbox_repair repair = {0};
    struct up_message message = {0};

    append_taps(bench->box, 1, 5);
    agree(bench, 0);
    give_through(bench, 2);
    assert_int_equal(outbox_renew(bench->box, &repair, NULL), 0);
    wire_clear(&bench->wire);
    uplink_restart(bench->uplink);
    wire_up(&bench->wire, 0, &message);
    assert_int_equal(message.kind, UP_HELLO);
    assert_int_equal(message.hello.epoch, outbox_epoch(bench->box));
    up_message_done(&message);
    give_through(bench, 0);
    assert_batch(bench, 1, 1, 3);
}

static void the_drain_time_is_estimated_from_the_acks(void **state)
{
    struct bench *bench = *state;

    append_taps(bench->box, 1, 2000);
    agree(bench, 0);
    assert_int_equal(uplink_drain_eta_s(bench->uplink), 0);
    bench->wire.now_us += 10 * SECOND;
    give_through(bench, 1000);
    assert_in_range(uplink_drain_eta_s(bench->uplink), 9, 12);
    give_through(bench, 2000);
    assert_int_equal(uplink_drain_eta_s(bench->uplink), 0);
}

static void names_that_cannot_stand_in_a_topic_are_refused(void **state)
{
    struct bench *bench = *state;
    const struct uplink_conf conf = {.site = "a/b", .device = "gw-test", .version = ""};
    struct uplink_port port = wire_port(&bench->wire);
    struct uplink *uplink = NULL;
    struct err err = {0};

    assert_int_equal(uplink_new(&uplink, &conf, &port, bench->box, &err), -EINVAL);
    assert_non_null(strstr(err.text, "a/b"));
    assert_null(uplink);
}

/* ---- a random network --------------------------------------------------------------------- */

/* A collector that takes only the next seq, over a wire that loses, repeats and disconnects. */
struct collector {
    uint64_t high;
    uint64_t stored; /* records, counted one by one */
};

static void collect(struct collector *collector, const struct up_message *message)
{
    if (message->kind != UP_BATCH || message->batch.first_seq > collector->high + 1) {
        return;
    }
    for (size_t i = 0; i < message->batch.record_count; i++) {
        struct record record = {0};

        assert_int_equal(
            record_decode(message->batch.records[i].bytes, message->batch.records[i].size, &record),
            0);
        assert_int_equal(record.seq, message->batch.first_seq + i);
        if (record.seq == collector->high + 1) {
            collector->high++;
            collector->stored++;
        }
    }
}

static void serve(struct bench *bench, struct collector *collector, unsigned *random)
{
    size_t count = bench->wire.count;

    for (size_t i = 0; i < count; i++) {
        struct up_message message = {0};
        struct ack ack = {0};

        *random = *random * 1103515245u + 12345u;
        if ((*random >> 16) % 4 == 0) {
            continue; /* lost on the way up */
        }
        wire_up(&bench->wire, i, &message);
        ack = make_ack(outbox_epoch(bench->box), 0);
        if (message.kind == UP_BATCH && message.batch.first_seq > collector->high + 1) {
            ack.wants_resend = true;
            ack.resend_from_seq = collector->high + 1;
        }
        collect(collector, &message);
        up_message_done(&message);
        ack.through_seq = collector->high;
        (void)outbox_chain_at(bench->box, ack.through_seq, ack.chain_head);
        if ((*random >> 20) % 4 != 0) {
            assert_int_equal(give(bench, &ack), UPLINK_NOTHING);
        }
    }
    wire_clear(&bench->wire);
}

static void everything_arrives_once_over_a_network_that_loses_half(void **state)
{
    struct bench *bench = *state;

    for (unsigned seed = 1; seed <= 20; seed++) {
        struct collector collector = {.high = outbox_acked_seq(bench->box)};
        uint64_t before = outbox_head_seq(bench->box);
        uint64_t start = collector.high;
        unsigned random = seed;
        unsigned turns = 0;

        uplink_on_connected(bench->uplink);
        while (collector.high < before + 300 || outbox_acked_seq(bench->box) < before + 300) {
            uint64_t due_us = 0;

            if (turns < 100) {
                append_taps(bench->box, before + 3 * turns + 1, before + 3 * turns + 3);
            }
            assert_int_equal(uplink_tick(bench->uplink, &due_us), UPLINK_NOTHING);
            serve(bench, &collector, &random);
            if (turns >= 100 && due_us != UINT64_MAX && due_us > bench->wire.now_us) {
                bench->wire.now_us = due_us;
            }
            if (++turns % 37 == 0) {
                uplink_on_disconnected(bench->uplink);
                uplink_on_connected(bench->uplink);
            }
            assert_in_range(turns, 1, 5000); /* else it is stuck */
        }
        assert_int_equal(collector.stored, before + 300 - start);
        uplink_on_disconnected(bench->uplink);
        wire_clear(&bench->wire);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(connecting_says_hello_and_nothing_else),
        TEST(nothing_is_sent_before_we_are_connected),
        TEST(the_collectors_answer_says_where_to_continue),
        TEST(a_restored_collector_gets_a_replay),
        TEST(a_replay_begins_at_the_oldest_record_we_still_have),
        TEST(an_unanswered_hello_is_repeated_with_growing_waits),
        TEST(a_month_without_a_collector_costs_a_hello_a_minute),
        TEST(an_ack_nobody_asked_for_ends_the_waiting_early),
        TEST(a_new_connection_greets_again),
        TEST(a_lone_tap_goes_at_once),
        TEST(a_batch_holds_the_records_verbatim_with_their_chain_head),
        TEST(batches_are_full_and_in_order_up_to_the_window),
        TEST(a_reader_has_its_turn_between_two_batches),
        TEST(the_time_left_is_known_as_long_as_a_backlog_moves),
        TEST(a_batch_of_large_records_stays_below_its_byte_limit),
        TEST(batches_are_signed_with_the_device_key),
        TEST(a_full_transport_is_tried_again_soon),
        TEST(a_cumulative_ack_moves_the_outbox),
        TEST(a_late_ack_neither_moves_back_nor_sends_again),
        TEST(an_ack_that_is_not_ours_is_ignored),
        TEST(a_gap_makes_us_go_back_once),
        TEST(asked_to_resend_before_anything_was_sent_we_say_hello_once_more),
        TEST(a_collector_restored_while_connected_gets_a_replay),
        TEST(we_never_skip_forward_over_what_the_collector_lacks),
        TEST(a_lost_batch_is_noticed_and_sent_again_after_a_hello),
        TEST(a_lost_ack_costs_a_hello_and_no_batch),
        TEST(a_batch_that_is_never_accepted_is_split_to_single_records),
        TEST(a_collector_that_answers_but_accepts_nothing_is_not_flooded),
        TEST(a_collector_ahead_of_us_means_our_log_was_rolled_back),
        TEST(a_different_chain_head_means_our_log_was_rolled_back),
        TEST(after_a_new_epoch_the_uplink_starts_over),
        TEST(the_drain_time_is_estimated_from_the_acks),
        TEST(names_that_cannot_stand_in_a_topic_are_refused),
        TEST(everything_arrives_once_over_a_network_that_loses_half),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
