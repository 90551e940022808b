/* session_send.c - the requests of a tag reader, made from its log and its ports. */
#include "firmware/link/session_internal.h"

#include <string.h>

enum {
    BITS_PER_BYTE = 10,   /* on the line, with start and stop */
    BATCH_OVERHEAD = 208, /* id, epoch, numbers, chain, signature and what frames them; the worst */
    RECORD_OVERHEAD = 3,
};

static void copy_text(char *to, size_t size, const char *from)
{
    size_t length = strlen(from);

    length = length < size ? length : size - 1;
    memcpy(to, from, length);
    to[length] = '\0';
}

/* ---- frames ------------------------------------------------------------------------------- */

static void put_out(struct session *session, uint64_t now_us)
{
    uint64_t timeout_us = (uint64_t)SESSION_TIMEOUT_US << session->tries;

    timeout_us = timeout_us < SESSION_TIMEOUT_MAX_US ? timeout_us : SESSION_TIMEOUT_MAX_US;
    session->sent_us = now_us;
    session->answer_due_us = now_us + timeout_us;
    if (session->conf.baud > 0) {
        session->answer_due_us +=
            (uint64_t)session->frame_size * BITS_PER_BYTE * 1000000u / session->conf.baud;
    }
    session->ports.send(session->ports.user, session->frame, session->frame_size);
}

static void send_request(struct session *session, enum session_request request, enum link_type type,
    size_t size, uint64_t now_us)
{
    const struct link_frame frame = {
        .version = request == SESSION_HELLO ? LINK_VERSION : session->protocol,
        .type = (uint8_t)type,
        .tx_seq = ++session->tx_seq,
        .payload = session->payload,
        .size = size,
    };

    session->frame_size = link_frame_encode(&frame, session->frame, sizeof session->frame);
    session->waiting = request;
    session->tries = session->tried;
    session->tried = 0;
    put_out(session, now_us);
}

void session_repeat(struct session *session, uint64_t now_us)
{
    /* A shift beyond the ceiling means nothing more. */
    session->tries += session->tries < 2 * SESSION_TRIES ? 1 : 0;
    put_out(session, now_us);
}

/* ---- small requests ----------------------------------------------------------------------- */

void session_send_hello(struct session *session, uint64_t now_us)
{
    const struct session_log_port *log = &session->ports.log;
    struct link_hello hello = {
        .epoch = log->epoch(log->user),
        .boot_id = session->conf.boot_id,
        .head_seq = log->head(log->user),
        .oldest_seq = log->oldest(log->user),
        .done_seq = log->done(log->user),
        .protocol_min = session->conf.protocol_min,
        .protocol_max = session->conf.protocol_max,
    };
    size_t size = 0;

    if (hello.oldest_seq < session->hole_seq) {
        hello.oldest_seq = session->hole_seq;
    }
    copy_text(hello.device_id, sizeof hello.device_id, session->conf.device_id);
    copy_text(hello.version, sizeof hello.version, session->conf.version);
    copy_text(hello.board, sizeof hello.board, session->conf.board);
    if (session->conf.failed_update != NULL) {
        copy_text(hello.failed_update, sizeof hello.failed_update, session->conf.failed_update);
    }
    /* Where it is not known it is zero, which no chain ever is. */
    (void)log->chain_before(log->user, hello.oldest_seq, hello.chain_before_oldest);
    (void)log->chain_before(log->user, hello.done_seq + 1, hello.chain_after_done);
    if (session->conf.public_key != NULL) {
        hello.has_public_key = true;
        memcpy(hello.public_key, session->conf.public_key, sizeof hello.public_key);
    }
    if (link_hello_encode(&hello, session->payload, sizeof session->payload, &size) < 0) {
        size = 0; /* the owner's mistake: refused by every gateway, which will be seen */
    }
    send_request(session, SESSION_HELLO, LINK_HELLO, size, now_us);
}

void session_send_time(struct session *session, uint64_t now_us)
{
    const struct link_time_request request = {.t1_us = now_us};
    size_t size = 0;

    (void)link_time_request_encode(&request, session->payload, sizeof session->payload, &size);
    send_request(session, SESSION_TIME, LINK_TIME_REQUEST, size, now_us);
}

void session_send_state(struct session *session, uint64_t now_us)
{
    const struct session_log_port *log = &session->ports.log;
    struct link_state state = {0};
    struct record now = {0};
    size_t size = 0;

    session->ports.state(session->ports.user, &state);
    timesync_stamp(&session->sync, now_us, &now);
    state.head_seq = log->head(log->user);
    state.wall_trust = now.wall_trust;
    state.frames_bad = session->decoder.bad;
    state.timeouts = session->status.timeouts;
    if (link_state_encode(&state, session->payload, sizeof session->payload, &size) < 0) {
        size = 0; /* an empty state is one too, and asks what is done */
    }
    send_request(session, SESSION_STATE, LINK_STATE, size, now_us);
}

void session_send_result(struct session *session, uint64_t now_us)
{
    size_t size = 0;

    if (command_result_encode(&session->result, session->payload, sizeof session->payload, &size) <
        0) {
        session->result.text[0] = '\0';
        (void)command_result_encode(
            &session->result, session->payload, sizeof session->payload, &size);
    }
    send_request(session, SESSION_COMMAND_RESULT, LINK_COMMAND_RESULT, size, now_us);
}

void session_send_update_request(
    struct session *session, uint64_t now_us, const struct link_update_request *request)
{
    size_t size = 0;

    (void)link_update_request_encode(request, session->payload, sizeof session->payload, &size);
    send_request(session, SESSION_UPDATE_REQUEST, LINK_UPDATE_REQUEST, size, now_us);
}

void session_send_update_result(
    struct session *session, uint64_t now_us, const struct link_update_result *result)
{
    size_t size = 0;

    (void)link_update_result_encode(result, session->payload, sizeof session->payload, &size);
    send_request(session, SESSION_UPDATE_RESULT, LINK_UPDATE_RESULT, size, now_us);
}

/* ---- batches ------------------------------------------------------------------------------ */

/* Copy the records from next_seq on while they follow on and fit. Returns how many. */
static size_t gather(struct session *session, struct bytes_view views[LINK_BATCH_RECORDS_MAX])
{
    const struct session_log_port *log = &session->ports.log;
    size_t room = LINK_PAYLOAD_MAX - BATCH_OVERHEAD;
    size_t used = 0;
    size_t count = 0;

    while (count < session->batch_limit) {
        const uint8_t *bytes = NULL;
        uint64_t seq = 0;
        size_t size = 0;

        if (log->read(log->user, session->next_seq + count, &seq, &bytes, &size) < 0) {
            break;
        }
        if (seq != session->next_seq + count) {
            session->hole_seq = count == 0 ? seq : session->hole_seq;
            break;
        }
        if (used + size + (count + 1) * RECORD_OVERHEAD > room) {
            break;
        }
        memcpy(session->records + used, bytes, size);
        views[count++] = (struct bytes_view){.bytes = session->records + used, .size = size};
        used += size;
    }
    return count;
}

/* The chain after the records, going on from where it stands or from what the log says. */
static void run_chain(struct session *session, const struct bytes_view *views, size_t count)
{
    const struct session_log_port *log = &session->ports.log;

    if (session->chain_seq != session->next_seq &&
        log->chain_before(log->user, session->next_seq, session->chain) < 0) {
        memset(
            session->chain, 0, sizeof session->chain); /* behind a hole: the collector will say */
    }
    for (size_t i = 0; i < count; i++) {
        session->ports.crypto.chain_next(session->ports.crypto.user, session->chain, views[i].bytes,
            views[i].size, session->chain);
    }
    session->chain_seq = session->next_seq + count;
}

bool session_send_batch(struct session *session, uint64_t now_us)
{
    const struct session_log_port *log = &session->ports.log;
    struct bytes_view views[LINK_BATCH_RECORDS_MAX];
    struct batch batch = {.records = views};
    uint8_t input[BATCH_SIGNING_INPUT_MAX];
    size_t size = 0;

    batch.record_count = gather(session, views);
    if (batch.record_count == 0) {
        return false;
    }
    batch.epoch = log->epoch(log->user);
    batch.first_seq = session->next_seq;
    batch.head_seq = log->head(log->user);
    copy_text(batch.device_id, sizeof batch.device_id, session->conf.device_id);
    run_chain(session, views, batch.record_count);
    memcpy(batch.chain_head, session->chain, sizeof batch.chain_head);
    if (session->ports.crypto.sign != NULL) {
        batch.has_signature = true;
        session->ports.crypto.sign(
            session->ports.crypto.user, input, batch_signing_input(&batch, input), batch.signature);
    }
    if (batch_encode(&batch, session->payload, sizeof session->payload, &size) < 0) {
        return false;
    }
    send_request(session, SESSION_BATCH, LINK_BATCH, size, now_us);
    return true;
}
