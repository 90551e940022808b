/* relay_requests.c - what becomes of each request of a tag reader that has said hello. */
#include "gateway/relay_internal.h"

#include <string.h>

#include "base/err.h"

enum { MS_US = 1000, MS_PER_DAY = 86400000 };

static void owe_ack(struct relay_line *here, uint8_t ack_seq)
{
    here->answer = RELAY_ANSWER_ACK;
    here->answer_to = ack_seq;
    here->is_full = false;
}

/* A wish is followed by what closes it, from its beginning on. */
static bool is_wished(const struct relay_log *log, const struct batch *batch, uint64_t last_seq)
{
    return log->wish_seq != 0 && batch->first_seq <= log->wish_seq && log->wish_seq <= last_seq;
}

/* What became done since the last housekeeping may make room. */
static int put_once_more(
    struct relay *relay, const struct relay_log *log, const struct relay_store_batch *row)
{
    struct record now = {0};
    int rc = 0;

    timetrust_stamp(&relay->timetrust, &now);
    for (size_t i = 0; i < relay->log_count && rc == 0; i++) {
        rc = relay_store_mark_done(relay->store, relay->logs[i]->now.log_id,
            relay->logs[i]->now.done_seq,
            now.wall_trust == WALL_UNSET ? 0 : now.wall_ms / MS_PER_DAY);
    }
    return rc < 0 ? rc : relay_store_put(relay->store, log->now.log_id, row);
}

static int keep(struct relay *relay, struct relay_log *log, const struct batch *batch,
    const uint8_t *bytes, size_t size)
{
    struct relay_store_batch row = {
        .first_seq = batch->first_seq,
        .last_seq = batch->first_seq + batch->record_count - 1,
        .bytes = bytes,
        .size = size,
    };
    int rc = 0;

    if (log->chain_seq + 1 == batch->first_seq) {
        memcpy(row.chain_before, log->chain, sizeof row.chain_before);
    }
    memcpy(row.chain_after, batch->chain_head, sizeof row.chain_after);
    rc = relay_store_put(relay->store, log->now.log_id, &row);
    if (rc == ECM_EFULL) {
        rc = put_once_more(relay, log, &row);
    }
    if (rc == 0) {
        relay->counts.batches++;
        relay->counts.records += batch->record_count;
        log->chain_seq = row.last_seq;
        memcpy(log->chain, batch->chain_head, sizeof log->chain);
    }
    return rc;
}

static void take_batch(struct relay *relay, int line, const struct batch *batch,
    const uint8_t *bytes, size_t size, uint8_t ack_seq)
{
    struct relay_line *here = relay->lines[line];
    struct relay_log *log = here->log;
    uint64_t last_seq = batch->first_seq + batch->record_count - 1;
    bool is_next = batch->first_seq <= log->now.held_seq + 1 && last_seq > log->now.held_seq;
    int rc = 0;

    owe_ack(here, ack_seq);
    log->head_seq = batch->head_seq;
    if (!is_next && !is_wished(log, batch, last_seq)) {
        return; /* it is here already, or begins beyond: the marks say which */
    }
    rc = keep(relay, log, batch, bytes, size);
    if (rc == 0 && is_next) {
        log->now.held_seq = last_seq;
        log->is_dirty = true;
    }
    if (rc == 0 && is_wished(log, batch, last_seq)) {
        struct relay_store_batch after;

        log->wish_seq = last_seq + 1;
        if (log->wish_seq > log->now.held_seq ||
            (relay_store_next(relay->store, log->now.log_id, log->wish_seq, &after) == 0 &&
                after.first_seq <= log->wish_seq)) {
            log->wish_seq = 0; /* closed */
        }
        log->answer_due_us = 0; /* tell the collector now */
    }
    here->is_full = rc < 0;
    relay_set_full(relay, rc == ECM_EFULL);
}

static void take_up(struct relay *relay, int line, const struct link_frame *frame)
{
    const struct relay_log *log = relay->lines[line]->log;
    struct up_message up;

    if (up_message_decode(frame->payload, frame->size, &up) < 0) {
        relay_refuse(relay, line, frame->tx_seq, LINK_REFUSED_OTHER, "the batch cannot be read");
        return;
    }
    if (up.kind != UP_BATCH || up.batch.epoch != log->now.epoch ||
        strcmp(up.batch.device_id, log->now.device_id) != 0) {
        relay_refuse(relay, line, frame->tx_seq, LINK_REFUSED_STRANGER,
            "the batch is not of the log that said hello");
    } else {
        take_batch(relay, line, &up.batch, frame->payload, frame->size, frame->tx_seq);
    }
    up_message_done(&up);
}

/* The clock counts in milliseconds, so it may be off by one of them more. */
static void answer_time(struct relay *relay, int line, const struct link_frame *frame)
{
    struct link_time_request request;
    struct record now = {0};
    struct link_time time = {0};
    size_t size = 0;

    if (link_time_request_decode(frame->payload, frame->size, &request) < 0) {
        return;
    }
    timetrust_stamp(&relay->timetrust, &now);
    time.t1_us = request.t1_us;
    time.t2_us = now.wall_ms * MS_US;
    time.t3_us = time.t2_us;
    time.wall_trust = now.wall_trust;
    time.wall_uncertainty_ms =
        now.wall_uncertainty_ms < UINT32_MAX - 1 ? now.wall_uncertainty_ms + 1 : UINT32_MAX;
    if (link_time_encode(&time, relay->payload, sizeof relay->payload, &size) == 0) {
        relay_send(relay, line, LINK_TIME, frame->tx_seq, size);
    }
}

static void take_state(struct relay *relay, int line, const struct link_frame *frame)
{
    struct relay_log *log = relay->lines[line]->log;

    /* What cannot be read is a question all the same. */
    (void)link_state_decode(frame->payload, frame->size, &log->state);
    owe_ack(relay->lines[line], frame->tx_seq);
}

static void answer_update(struct relay *relay, int line, const struct link_frame *frame)
{
    struct link_update_request request;
    struct link_update_block block = {0};
    size_t size = 0;

    if (link_update_request_decode(frame->payload, frame->size, &request) < 0) {
        return;
    }
    block.offset = request.offset;
    if (relay_is_offered(relay, relay->lines[line]) && request.offset < relay->offer.size &&
        memcmp(request.image_sha256, relay->offer.image_sha256, LINK_IMAGE_HASH_SIZE) == 0) {
        uint32_t left = relay->offer.size - request.offset;

        block.data = relay->image + request.offset;
        block.size = request.size < left ? request.size : left;
    }
    if (link_update_block_encode(&block, relay->payload, sizeof relay->payload, &size) == 0) {
        relay_send(relay, line, LINK_UPDATE_BLOCK, frame->tx_seq, size);
    }
}

static void take_update_result(struct relay *relay, int line, const struct link_frame *frame)
{
    struct relay_line *here = relay->lines[line];
    struct link_update_result result = {0};

    if (link_update_result_decode(frame->payload, frame->size, &result) == 0 &&
        memcmp(result.image_sha256, relay->offer.image_sha256, LINK_IMAGE_HASH_SIZE) == 0 &&
        !here->update_is_over) {
        here->update_is_over = true;
        relay_tell_update(relay, here->log, &result);
    }
    owe_ack(here, frame->tx_seq);
}

static void take_command_result(struct relay *relay, int line, const struct link_frame *frame)
{
    struct relay_line *here = relay->lines[line];
    struct command_result result;

    if (command_result_decode(frame->payload, frame->size, &result) == 0 && here->has_command &&
        result.command_id == here->command.command_id) {
        here->has_command = false;
        relay->ports.command_done(relay->ports.user, &result);
    }
    owe_ack(here, frame->tx_seq);
}

void relay_take_request(struct relay *relay, int line, const struct link_frame *frame)
{
    switch (frame->type) {
    case LINK_BATCH:
        take_up(relay, line, frame);
        break;
    case LINK_TIME_REQUEST:
        answer_time(relay, line, frame);
        break;
    case LINK_STATE:
        take_state(relay, line, frame);
        break;
    case LINK_UPDATE_REQUEST:
        answer_update(relay, line, frame);
        break;
    case LINK_UPDATE_RESULT:
        take_update_result(relay, line, frame);
        break;
    case LINK_COMMAND_RESULT:
        take_command_result(relay, line, frame);
        break;
    default:
        relay_refuse(relay, line, frame->tx_seq, LINK_REFUSED_UNKNOWN,
            "this gateway does not know such a request");
        break;
    }
}
