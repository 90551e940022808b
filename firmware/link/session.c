/*
 * session.c - when a tag reader asks what, and what it makes of the answers.
 *
 * Every trouble has the same cure: say hello again and go on from what the gateway answers.
 */
#include "firmware/link/session.h"

#include <errno.h>
#include <string.h>

#include "firmware/link/session_internal.h"

void session_init(
    struct session *session, const struct session_conf *conf, const struct session_ports *ports)
{
    memset(session, 0, sizeof *session);
    session->conf = *conf;
    session->ports = *ports;
    if (session->conf.protocol_min == 0) {
        session->conf.protocol_min = SESSION_PROTOCOL;
        session->conf.protocol_max = SESSION_PROTOCOL;
    }
    session->protocol = LINK_VERSION;
    /* A late answer to the boot before must not fit by its number. */
    session->tx_seq = (uint8_t)(conf->boot_id ^ conf->boot_id >> 8);
    session->poll_us = SESSION_POLL_MIN_US;
    session->batch_limit = LINK_BATCH_RECORDS_MAX;
    link_decoder_init(&session->decoder);
    timesync_init(&session->sync, conf->boot_id);
}

struct timesync *session_clock(struct session *session)
{
    return &session->sync;
}

bool session_is_waiting(const struct session *session)
{
    return session->waiting != SESSION_NOTHING;
}

void session_get_status(const struct session *session, struct session_status *ret_status)
{
    *ret_status = session->status;
    ret_status->frames_bad = session->decoder.bad;
}

static void greet_anew(struct session *session)
{
    session->status.phase = SESSION_GREETING;
    session->waiting = SESSION_NOTHING;
}

/* ---- what is done and held ---------------------------------------------------------------- */

/* Whether the two marks can be about our log. */
static bool marks_are_ours(struct session *session, uint64_t epoch, uint64_t held_seq)
{
    const struct session_log_port *log = &session->ports.log;

    if (epoch != log->epoch(log->user)) {
        greet_anew(session); /* the log was begun anew meanwhile */
        return false;
    }
    session->status.is_rolled_back = held_seq > log->head(log->user);
    return !session->status.is_rolled_back;
}

static void take_marks(struct session *session, uint64_t held_seq, uint64_t done_seq)
{
    const struct session_log_port *log = &session->ports.log;

    if (done_seq > log->done(log->user)) {
        log->set_done(log->user, done_seq);
    }
    if (held_seq != session->status.held_seq) {
        session->poll_us = SESSION_POLL_MIN_US;
    }
    session->status.held_seq = held_seq;
    done_seq = log->done(log->user);
    session->next_seq = (held_seq > done_seq ? held_seq : done_seq) + 1;
}

/* The next question whether anything is done: soon while there is hope, else seldom. */
static void plan_poll(struct session *session, uint64_t now_us)
{
    const struct session_log_port *log = &session->ports.log;

    if (log->done(log->user) >= log->head(log->user)) {
        session->poll_us = SESSION_POLL_MAX_US;
    }
    session->poll_due_us = now_us + session->poll_us;
    session->poll_us =
        2 * session->poll_us < SESSION_POLL_MAX_US ? 2 * session->poll_us : SESSION_POLL_MAX_US;
}

/* ---- answers ------------------------------------------------------------------------------ */

static void take_refusal(struct session *session, uint64_t now_us, const struct link_frame *frame)
{
    struct link_refusal refusal;

    if (link_refusal_decode(frame->payload, frame->size, &refusal) < 0) {
        return;
    }
    if (refusal.code == LINK_REFUSED_STRANGER && session->waiting != SESSION_HELLO) {
        greet_anew(session);
        return;
    }
    if (refusal.code == LINK_REFUSED_UNKNOWN && session->waiting != SESSION_HELLO &&
        session->waiting != SESSION_BATCH) {
        session->unknown |= UINT64_C(1) << session->waiting;
        session->waiting = SESSION_NOTHING;
        return;
    }
    session->waiting = SESSION_NOTHING;
    session->quiet_us = now_us + SESSION_REFUSED_US;
    session->status.phase = SESSION_REFUSED;
    session->status.refusal_code = refusal.code;
    memcpy(session->status.refusal, refusal.reason, sizeof session->status.refusal);
}

static void take_welcome(struct session *session, uint64_t now_us, const struct link_frame *frame)
{
    struct link_welcome welcome;

    if (session->waiting != SESSION_HELLO ||
        link_welcome_decode(frame->payload, frame->size, &welcome) < 0 ||
        welcome.boot_id != session->conf.boot_id || welcome.protocol < session->conf.protocol_min ||
        welcome.protocol > session->conf.protocol_max) {
        return;
    }
    session->waiting = SESSION_NOTHING;
    if (!marks_are_ours(session, welcome.epoch, welcome.held_seq)) {
        session->status.phase = SESSION_GREETING;
        if (session->status.is_rolled_back) {
            session->status.phase = SESSION_REFUSED;
            session->quiet_us = now_us + SESSION_REFUSED_US;
        }
        return;
    }
    session->protocol = (uint8_t)welcome.protocol;
    session->status.phase = SESSION_READY;
    session->status.refusal[0] = '\0';
    session->status.refusal_code = LINK_REFUSED_OTHER;
    session->status.gateway_is_full = false;
    memcpy(session->status.gateway_id, welcome.gateway_id, sizeof session->status.gateway_id);
    session->unknown = 0;
    session->has_offer = false;
    session->resent_seq = 0;
    session->full_us = 0;
    session->time_due_us = now_us;
    session->time_burst = SESSION_TIME_BURST;
    take_marks(session, welcome.held_seq, welcome.done_seq);
    plan_poll(session, now_us);
}

static void take_command(struct session *session, const struct command *command)
{
    if (session->has_result ||
        (session->has_command && session->command_id == command->command_id)) {
        return; /* asked again because the result is not there yet */
    }
    session->has_command = true;
    session->command_id = command->command_id;
    session->has_result = true;
    memset(&session->result, 0, sizeof session->result);
    session->result.code = session->ports.command(session->ports.user, command, &session->result);
    session->result.command_id = command->command_id;
}

static void take_offer(struct session *session, const struct link_update_offer *offer)
{
    const struct session_update_port *update = &session->ports.update;

    if (update->offer == NULL || (session->has_offer && memcmp(session->offer, offer->image_sha256,
                                                            sizeof session->offer) == 0)) {
        return;
    }
    session->has_offer = true;
    memcpy(session->offer, offer->image_sha256, sizeof session->offer);
    (void)update->offer(update->user, offer); /* if it is not wanted, nothing will be */
}

/* The collector lost what it had: send again what can still be read, as long as that helps. */
static void take_wish(struct session *session, uint64_t resend_from_seq)
{
    const struct session_log_port *log = &session->ports.log;
    uint64_t oldest = 0;

    if (resend_from_seq == 0 || resend_from_seq <= session->resent_seq ||
        resend_from_seq >= session->next_seq) {
        return;
    }
    oldest = log->oldest(log->user);
    session->resent_seq = resend_from_seq;
    if (resend_from_seq >= oldest) {
        session->next_seq = resend_from_seq;
    }
}

static void take_ack(struct session *session, uint64_t now_us, const struct link_frame *frame)
{
    enum session_request answered = session->waiting;
    struct link_ack ack;

    if (answered == SESSION_HELLO || answered == SESSION_TIME ||
        answered == SESSION_UPDATE_REQUEST ||
        link_ack_decode(frame->payload, frame->size, &ack) < 0) {
        return;
    }
    session->waiting = SESSION_NOTHING;
    if (!marks_are_ours(session, ack.epoch, ack.held_seq)) {
        greet_anew(session);
        return;
    }
    session->status.gateway_is_full = ack.is_full;
    session->full_us = ack.is_full ? now_us + SESSION_FULL_US : 0;
    if (answered == SESSION_COMMAND_RESULT) {
        session->has_result = false;
    }
    if (answered == SESSION_UPDATE_RESULT) {
        session->ports.update.result_told(session->ports.update.user);
    }
    take_marks(session, ack.held_seq, ack.done_seq);
    /* A wish that did not help is followed again with the next poll, not with each batch. */
    if (ack.resend_from_seq == 0 || answered == SESSION_STATE) {
        session->resent_seq = 0;
    }
    take_wish(session, ack.resend_from_seq);
    if (answered == SESSION_STATE) {
        plan_poll(session, now_us);
    } else if (answered == SESSION_BATCH) {
        session->batch_limit = 2 * session->batch_limit < LINK_BATCH_RECORDS_MAX
                                   ? 2 * session->batch_limit
                                   : LINK_BATCH_RECORDS_MAX;
        session->poll_due_us = now_us + SESSION_POLL_MIN_US;
    }
    if (ack.has_command) {
        take_command(session, &ack.command);
    }
    if (ack.has_offer) {
        take_offer(session, &ack.offer);
    }
}

static void take_time(struct session *session, uint64_t now_us, const struct link_frame *frame)
{
    struct link_time time;

    if (session->waiting != SESSION_TIME ||
        link_time_decode(frame->payload, frame->size, &time) < 0 ||
        time.t1_us != session->sent_us) {
        return;
    }
    session->waiting = SESSION_NOTHING;
    const struct timesync_sample sample = {
        .t1_us = session->sent_us,
        .t4_us = now_us,
        .t2_us = time.t2_us,
        .t3_us = time.t3_us,
        .trust = time.wall_trust,
        .uncertainty_ms = time.wall_uncertainty_ms,
    };
    timesync_take(&session->sync, &sample);
    session->time_burst -= session->time_burst > 0 ? 1 : 0;
    session->time_due_us = now_us + (session->time_burst > 0 ? 0 : SESSION_TIME_EVERY_US);
}

static void take_block(struct session *session, const struct link_frame *frame)
{
    const struct session_update_port *update = &session->ports.update;
    struct link_update_block block;

    if (session->waiting != SESSION_UPDATE_REQUEST ||
        link_update_block_decode(frame->payload, frame->size, &block) < 0) {
        return;
    }
    session->waiting = SESSION_NOTHING;
    update->block(update->user, block.offset, block.data, block.size);
}

static void take_frame(struct session *session, uint64_t now_us, const struct link_frame *frame)
{
    bool is_greeting = frame->type == LINK_WELCOME || frame->type == LINK_REFUSAL;

    if (session->waiting == SESSION_NOTHING || frame->ack_seq != session->tx_seq ||
        frame->version != (is_greeting ? LINK_VERSION : session->protocol)) {
        return; /* late, or of another time */
    }
    session->status.exchanges++;
    switch (frame->type) {
    case LINK_WELCOME:
        take_welcome(session, now_us, frame);
        break;
    case LINK_ACK:
        take_ack(session, now_us, frame);
        break;
    case LINK_TIME:
        take_time(session, now_us, frame);
        break;
    case LINK_UPDATE_BLOCK:
        take_block(session, frame);
        break;
    case LINK_REFUSAL:
        take_refusal(session, now_us, frame);
        break;
    default:
        break; /* of a newer gateway: the time-out will see to it */
    }
}

void session_on_bytes(struct session *session, uint64_t now_us, const uint8_t *bytes, size_t size)
{
    struct link_frame frame;

    for (size_t i = 0; i < size; i++) {
        if (link_decoder_take(&session->decoder, bytes[i], &frame)) {
            take_frame(session, now_us, &frame);
        }
    }
}

/* ---- what to ask next --------------------------------------------------------------------- */

static bool knows(const struct session *session, enum session_request request)
{
    return (session->unknown >> request & 1) == 0;
}

static bool send_update(struct session *session, uint64_t now_us)
{
    const struct session_update_port *update = &session->ports.update;
    struct link_update_result result;
    struct link_update_request request;

    if (update->offer == NULL) {
        return false;
    }
    memset(&result, 0, sizeof result);
    if (knows(session, SESSION_UPDATE_RESULT) && update->result(update->user, &result)) {
        session_send_update_result(session, now_us, &result);
        return true;
    }
    memset(&request, 0, sizeof request);
    if (knows(session, SESSION_UPDATE_REQUEST) && session->has_offer &&
        update->wants(update->user, &request)) {
        session_send_update_request(session, now_us, &request);
        return true;
    }
    return false;
}

static bool has_batch(const struct session *session)
{
    const struct session_log_port *log = &session->ports.log;

    return session->next_seq <= log->head(log->user);
}

/* Taps before updates: a block that comes a second later is no loss. */
static void ask_next(struct session *session, uint64_t now_us)
{
    if (session->has_result && knows(session, SESSION_COMMAND_RESULT)) {
        session_send_result(session, now_us);
        return;
    }
    if (now_us >= session->time_due_us && knows(session, SESSION_TIME)) {
        session_send_time(session, now_us);
        return;
    }
    if (has_batch(session) && now_us >= session->full_us) {
        if (session_send_batch(session, now_us)) {
            return;
        }
        if (session->hole_seq >= session->next_seq) {
            greet_anew(session); /* tell the gateway that it will not come */
            session_send_hello(session, now_us);
            return;
        }
        session->full_us = now_us + SESSION_FULL_US;
    }
    if (send_update(session, now_us)) {
        return;
    }
    if (now_us >= session->poll_due_us && knows(session, SESSION_STATE)) {
        session_send_state(session, now_us);
    }
}

static void note_silence(struct session *session, uint64_t now_us)
{
    session->status.timeouts++;
    if (session->waiting == SESSION_HELLO) {
        session_repeat(session, now_us);
    } else if (session->tries + 1 >= SESSION_TRIES) {
        greet_anew(session);
    } else if (session->waiting == SESSION_TIME) {
        /* The same question again would not tell which one was answered. */
        session->tried = session->tries + 1;
        session_send_time(session, now_us);
    } else if (session->waiting == SESSION_BATCH && session->batch_limit > 1) {
        session->tried = session->tries + 1;
        session->batch_limit /= 2;
        session->waiting = SESSION_NOTHING;
        (void)session_send_batch(session, now_us);
    } else {
        session_repeat(session, now_us);
    }
}

static void keep_clock(struct session *session, uint64_t now_us)
{
    struct record record = {0};

    if (timesync_wants_anchor(&session->sync, now_us, &record) &&
        session->ports.anchor(session->ports.user, &record)) {
        timesync_anchored(&session->sync, &record);
    }
}

void session_tick(struct session *session, uint64_t now_us)
{
    keep_clock(session, now_us);
    if (session->waiting != SESSION_NOTHING) {
        if (now_us < session->answer_due_us) {
            return;
        }
        note_silence(session, now_us);
    }
    if (session->waiting != SESSION_NOTHING) {
        return;
    }
    if (session->status.phase == SESSION_READY) {
        ask_next(session, now_us);
    } else if (session->status.phase == SESSION_GREETING || now_us >= session->quiet_us) {
        session_send_hello(session, now_us);
    }
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t session_due_us(const struct session *session)
{
    const struct session_update_port *update = &session->ports.update;
    struct link_update_request request;
    uint64_t due_us = UINT64_MAX;

    if (session->waiting != SESSION_NOTHING) {
        return session->answer_due_us;
    }
    if (session->status.phase == SESSION_GREETING) {
        return 0;
    }
    if (session->status.phase == SESSION_REFUSED) {
        return session->quiet_us;
    }
    if (session->has_result && knows(session, SESSION_COMMAND_RESULT)) {
        return 0;
    }
    if (knows(session, SESSION_TIME)) {
        due_us = earlier(due_us, session->time_due_us);
    }
    if (knows(session, SESSION_STATE)) {
        due_us = earlier(due_us, session->poll_due_us);
    }
    if (has_batch(session)) {
        due_us = earlier(due_us, session->full_us);
    }
    if (update->offer != NULL && session->has_offer && update->wants(update->user, &request)) {
        return 0;
    }
    return due_us;
}
