/*
 * relay_courier.c - relayed logs and the collector: the protocol of uplink.h, once for each log, with
 * batches that are there already.
 *
 * As there, every trouble has one cure: hello, and go on from what is answered. What differs: a log
 * of which nothing is owed and whose tag reader is away is left alone, and records that the
 * collector misses and we do not have are asked of the tag reader.
 */
#include "gateway/relay_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    WINDOW = 256,     /* records of one log on the way */
    ROWS_A_TURN = 32, /* batches handed to the network in one turn, all logs together */
    RETRY_US = 100 * 1000,
};
#define MISSING_RETRY_US (60ull * 1000000u) /* what nobody here has is asked for so often */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void relay_courier_restart(struct relay_log *log)
{
    log->is_agreed = false;
    log->has_greeted = false;
    log->resent_seq = 0;
    log->answer_due_us = 0;
    log->timeout_us = UPLINK_ACK_TIMEOUT_MIN_US;
}

/* Up to a quarter longer, so that logs and gateways do not fall into step. */
static uint64_t take_timeout(struct relay *relay, struct relay_log *log)
{
    uint64_t timeout_us = log->timeout_us;

    relay->random = relay->random * 1664525u + 1013904223u;
    log->timeout_us =
        2 * timeout_us < UPLINK_ACK_TIMEOUT_MAX_US ? 2 * timeout_us : UPLINK_ACK_TIMEOUT_MAX_US;
    return timeout_us + (relay->random >> 8) % (timeout_us / 4);
}

static int publish(struct relay *relay, const uint8_t *bytes, size_t size)
{
    return relay->ports.uplink.publish(
        relay->ports.uplink.user, relay->up_topic, bytes, size, false);
}

static void say_hello(struct relay *relay, struct relay_log *log, uint64_t now_us)
{
    struct relay_store_batch oldest;
    struct hello hello = {
        .epoch = log->stored.epoch,
        .head_seq = log->stored.held_seq,
        .acked_seq = log->stored.done_seq,
        .oldest_seq = log->stored.held_seq + 1,
        .boot_id = log->boot_id,
        .has_public_key = log->stored.has_public_key,
    };
    size_t size = 0;

    memcpy(hello.device_id, log->stored.device_id, sizeof hello.device_id);
    (void)snprintf(hello.version, sizeof hello.version, "%s", log->version);
    memcpy(hello.public_key, log->stored.public_key, sizeof hello.public_key);
    /* Behind what nobody here has: else the collector would wait for it for ever. */
    if (relay_store_next(relay->store, log->stored.log_id, log->wish_seq != 0 ? log->wish_seq : 1,
            &oldest) == 0 &&
        oldest.first_seq <= hello.oldest_seq) {
        hello.oldest_seq = oldest.first_seq;
        memcpy(hello.chain_before_oldest, oldest.chain_before, sizeof hello.chain_before_oldest);
    } else if (log->chain_seq == log->stored.held_seq) {
        memcpy(hello.chain_before_oldest, log->chain, sizeof hello.chain_before_oldest);
    }
    log->is_agreed = false;
    log->resent_seq = 0;
    if (hello_encode(&hello, relay->message, sizeof relay->message, &size) < 0 ||
        publish(relay, relay->message, size) < 0) {
        log->answer_due_us = now_us + RETRY_US;
        return;
    }
    log->has_greeted = true;
    log->answer_due_us = now_us + take_timeout(relay, log);
}

/* ---- acks --------------------------------------------------------------------------------- */

void relay_on_connected(struct relay *relay)
{
    relay->is_connected = true;
    relay->retry_us = 0;
    for (size_t i = 0; i < relay->log_count; i++) {
        relay_courier_restart(relay->logs[i]);
    }
}

void relay_on_disconnected(struct relay *relay)
{
    relay->is_connected = false;
}

/* Go on with seq. What is not here is asked of the tag reader, when it comes by. */
static void go_to(struct relay *relay, struct relay_log *log, uint64_t seq)
{
    struct relay_store_batch batch;
    int rc = 0;

    log->next_seq = seq;
    log->wish_seq = 0;
    if (seq > log->stored.held_seq) {
        return;
    }
    rc = relay_store_next(relay->store, log->stored.log_id, seq, &batch);
    if (rc == -ENOENT || (rc == 0 && batch.first_seq > seq)) {
        log->wish_seq = seq;
    }
}

static void take_mark(struct relay_log *log, uint64_t through_seq)
{
    if (through_seq > log->now.done_seq) {
        log->now.done_seq = through_seq;
        log->is_dirty = true;
    }
    if (through_seq > log->now.held_seq) {
        log->now.held_seq = through_seq; /* another gateway brought it */
    }
}

void relay_on_ack(struct relay *relay, const struct ack *ack)
{
    struct relay_log *log = relay_find_log(relay, ack->device_id, ack->epoch);
    uint64_t now_us = relay_now_us(relay);
    bool was_agreed = false;

    if (log == NULL) {
        return;
    }
    was_agreed = log->is_agreed;
    take_mark(log, ack->through_seq);
    if (ack->through_seq > log->base_seq) {
        log->timeout_us = UPLINK_ACK_TIMEOUT_MIN_US;
        log->resent_seq = 0;
    }
    log->is_agreed = true;
    log->base_seq = ack->through_seq;
    if (!was_agreed || log->next_seq <= ack->through_seq) {
        go_to(relay, log, ack->through_seq + 1);
    }
    if (ack->wants_resend && ack->resend_from_seq > 0 &&
        ack->resend_from_seq <= ack->through_seq + 1 && ack->resend_from_seq != log->resent_seq) {
        log->resent_seq = ack->resend_from_seq;
        go_to(relay, log, ack->resend_from_seq);
    }
    log->answer_due_us = UINT64_MAX;
    if (log->next_seq > log->base_seq + 1) {
        log->answer_due_us = now_us + log->timeout_us;
    } else if (log->wish_seq != 0) {
        log->answer_due_us = now_us + MISSING_RETRY_US;
    }
}

/* ---- sending ------------------------------------------------------------------------------ */

/* A log that somebody waits for: its tag reader, or records. */
static bool is_wanted(const struct relay_log *log)
{
    return log->stored.log_id != 0 &&
           (log->line >= 0 || log->stored.held_seq > log->stored.done_seq || log->wish_seq != 0 ||
               (log->is_agreed && log->next_seq <= log->stored.held_seq));
}

/* Send one batch. false: there is none to send now. */
static bool send_one(struct relay *relay, struct relay_log *log, uint64_t now_us)
{
    struct relay_store_batch batch;
    int rc = 0;

    if (log->next_seq > log->stored.held_seq || log->wish_seq == log->next_seq ||
        log->next_seq > log->base_seq + WINDOW) {
        return false;
    }
    rc = relay_store_next(relay->store, log->stored.log_id, log->next_seq, &batch);
    if (rc < 0 || batch.first_seq > log->next_seq) {
        log->wish_seq = log->next_seq;
        log->answer_due_us = earlier(log->answer_due_us, now_us + MISSING_RETRY_US);
        return false;
    }
    if (publish(relay, batch.bytes, batch.size) < 0) {
        relay->retry_us = now_us + RETRY_US;
        return false;
    }
    log->next_seq = batch.last_seq + 1;
    if (log->answer_due_us == UINT64_MAX) {
        log->answer_due_us = now_us + log->timeout_us;
    }
    return true;
}

uint64_t relay_courier_tick(struct relay *relay, uint64_t now_us)
{
    uint64_t due_us = UINT64_MAX;
    int rows = 0;

    if (!relay->is_connected) {
        return UINT64_MAX;
    }
    if (now_us < relay->retry_us) {
        return relay->retry_us;
    }
    relay->retry_us = 0;
    for (size_t i = 0; i < relay->log_count && relay->retry_us == 0; i++) {
        struct relay_log *log = relay->logs[(relay->log_turn + i) % relay->log_count];

        if (!is_wanted(log)) {
            continue;
        }
        if (now_us >= log->answer_due_us) {
            say_hello(relay, log, now_us);
        }
        while (log->is_agreed && rows < ROWS_A_TURN && send_one(relay, log, now_us)) {
            rows++;
        }
        due_us = earlier(due_us, log->answer_due_us);
    }
    relay->log_turn++;
    if (relay->retry_us != 0) {
        return relay->retry_us;
    }
    return rows == ROWS_A_TURN ? now_us : due_us;
}
