/*
 * relay.c - lines, frames, and the commit that all lines share.
 *
 * A request is answered at once when nothing has to be on disk for it; a hello and a batch are
 * answered by relay_tick() after the commit. A tag reader has one request out at a time, so a line
 * owes one answer at most.
 */
#include "gateway/relay.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "gateway/outbox.h"
#include "gateway/relay_internal.h"
#include "hal/clock.h"

/* ---- complaints --------------------------------------------------------------------------- */

static const struct {
    const char *event, *text;
} alerts[RELAY_ALERT_COUNT] = {
    [RELAY_ALERT_TWICE] = {"tag-reader-twice", "two tag readers have one name; one is refused"},
    [RELAY_ALERT_KEY] = {"tag-reader-key", "a tag reader shows another key; it is refused"},
    [RELAY_ALERT_VERSION] = {"tag-reader-version", "a tag reader speaks no version we know"},
    [RELAY_ALERT_GAP] = {"tag-reader-gap", "a tag reader has lost records"},
    [RELAY_ALERT_ROLLED_BACK] = {"tag-reader-rolled-back", "a tag reader's log ends before ours"},
};

void relay_complain(struct relay *relay, struct relay_log *log, enum relay_alert kind, int line)
{
    static uint64_t unknown_us[RELAY_ALERT_COUNT];
    uint64_t *alerted_us = log != NULL ? &log->alerted_us[kind] : &unknown_us[kind];
    uint64_t now_us = relay_now_us(relay);
    char text[RECORD_TEXT_MAX + 1] = "";

    if (*alerted_us != 0 && now_us - *alerted_us < RELAY_ALERT_EVERY_US) {
        return;
    }
    *alerted_us = now_us > 0 ? now_us : 1;
    log_warn("%s event=%s tag_reader=%s line=%s", alerts[kind].text, alerts[kind].event,
        log != NULL ? log->now.device_id : "?", relay->lines[line]->name);
    (void)snprintf(
        text, sizeof text, "%s: %s", log != NULL ? log->now.device_id : "?", alerts[kind].text);
    relay->ports.alert(relay->ports.user, alerts[kind].event, text);
}

void relay_set_full(struct relay *relay, bool is_full)
{
    if (is_full == relay->is_full) {
        return;
    }
    relay->is_full = is_full;
    if (is_full) {
        log_warn("no room for relayed records, tag readers keep them event=relay-full device=%s",
            relay->gateway_id);
        relay->ports.alert(
            relay->ports.user, "relay-full", "no room for relayed records; tag readers keep them");
    } else {
        log_info("room for relayed records again event=relay-room device=%s", relay->gateway_id);
    }
}

static void set_broken(struct relay *relay, int rc)
{
    if ((rc < 0) == relay->is_broken) {
        return;
    }
    relay->is_broken = rc < 0;
    if (rc < 0) {
        log_err("relayed records cannot be written: %s; tag readers keep them "
                "event=relay-broken device=%s",
            err_name(rc), relay->gateway_id);
        relay->ports.alert(relay->ports.user, "relay-broken",
            "relayed records cannot be written; tag readers keep them");
    } else {
        log_info(
            "relayed records are written again event=relay-works device=%s", relay->gateway_id);
    }
}

void relay_tell_update(
    struct relay *relay, const struct relay_log *log, const struct link_update_result *result)
{
    char text[RECORD_TEXT_MAX + 1] = "";

    log_info("update of a tag reader: code %d: %s event=tag-reader-update tag_reader=%s",
        (int)result->code, result->text, log->now.device_id);
    (void)snprintf(text, sizeof text, "%s: code %d: %.*s", log->now.device_id, (int)result->code,
        RECORD_TEXT_MAX / 2, result->text);
    relay->ports.alert(relay->ports.user, "tag-reader-update", text);
}

void relay_tell_failed_update(struct relay *relay, const struct relay_log *log)
{
    char text[RECORD_TEXT_MAX + 1] = "";

    log_warn("update %s of a tag reader did not prove itself, it runs %s again "
             "event=tag-reader-update-failed tag_reader=%s",
        log->failed_update, log->version, log->now.device_id);
    (void)snprintf(text, sizeof text, "%s: %s did not prove itself, it runs %s again",
        log->now.device_id, log->failed_update, log->version);
    relay->ports.alert(relay->ports.user, "tag-reader-update-failed", text);
}

/* ---- answers ------------------------------------------------------------------------------ */

void relay_send(struct relay *relay, int line, enum link_type type, uint8_t ack_seq, size_t size)
{
    const struct relay_line *here = relay->lines[line];
    bool is_greeting = type == LINK_WELCOME || type == LINK_REFUSAL;
    const struct link_frame frame = {
        .version = is_greeting ? LINK_VERSION : here->protocol,
        .type = (uint8_t)type,
        .ack_seq = ack_seq,
        .payload = relay->payload,
        .size = size,
    };

    size = link_frame_encode(&frame, relay->frame, sizeof relay->frame);
    relay->ports.send(relay->ports.user, line, relay->frame, size);
}

void relay_refuse(
    struct relay *relay, int line, uint8_t ack_seq, enum link_refusal_code code, const char *reason)
{
    struct link_refusal refusal = {.code = code};
    size_t size = 0;

    relay->counts.refusals++;
    (void)snprintf(refusal.reason, sizeof refusal.reason, "%s", reason);
    if (link_refusal_encode(&refusal, relay->payload, sizeof relay->payload, &size) == 0) {
        relay_send(relay, line, LINK_REFUSAL, ack_seq, size);
    }
}

/* What is on disk here, or further along than that. */
static uint64_t held_of(const struct relay_log *log)
{
    return log->stored.held_seq > log->now.done_seq ? log->stored.held_seq : log->now.done_seq;
}

static void send_welcome(struct relay *relay, int line)
{
    const struct relay_log *log = relay->lines[line]->log;
    struct link_welcome welcome = {
        .boot_id = log->boot_id,
        .protocol = relay->lines[line]->protocol,
        .epoch = log->now.epoch,
        .held_seq = held_of(log),
        .done_seq = log->now.done_seq,
    };
    size_t size = 0;

    memcpy(welcome.gateway_id, relay->gateway_id, sizeof welcome.gateway_id);
    if (link_welcome_encode(&welcome, relay->payload, sizeof relay->payload, &size) == 0) {
        relay_send(relay, line, LINK_WELCOME, relay->lines[line]->answer_to, size);
    }
}

/* Where boards are mixed that is as it should be; where an update is waited for, it is not. */
static void tell_unfitting(const struct relay *relay, struct relay_line *here)
{
    if (!relay->has_image || here->is_told_unfitting ||
        strcmp(relay->offer.board, here->log->board) == 0) {
        return;
    }
    here->is_told_unfitting = true;
    log_info("update %s is for board '%s' and not offered to a tag reader on board '%s' "
             "event=tag-update-board tag_reader=%s",
        relay->offer.version, relay->offer.board, here->log->board, here->log->now.device_id);
}

bool relay_is_offered(const struct relay *relay, const struct relay_line *here)
{
    return relay->has_image && !here->update_is_over &&
           strcmp(relay->offer.board, here->log->board) == 0 &&
           strcmp(relay->offer.version, here->log->version) != 0;
}

static void send_ack(struct relay *relay, int line)
{
    struct relay_line *here = relay->lines[line];
    const struct relay_log *log = here->log;
    struct link_ack ack = {
        .epoch = log->now.epoch,
        .held_seq = held_of(log),
        .done_seq = log->now.done_seq,
        .resend_from_seq = log->wish_seq >= log->oldest_seq ? log->wish_seq : 0,
        .is_full = here->is_full,
        .has_command = here->has_command,
        .command = here->command,
        .has_offer = relay_is_offered(relay, here),
        .offer = relay->offer,
    };
    size_t size = 0;

    tell_unfitting(relay, here);
    if (link_ack_encode(&ack, relay->payload, sizeof relay->payload, &size) == 0) {
        relay_send(relay, line, LINK_ACK, here->answer_to, size);
    }
}

/* ---- frames ------------------------------------------------------------------------------- */

static void take_frame(struct relay *relay, int line, const struct link_frame *frame)
{
    struct relay_line *here = relay->lines[line];

    here->answer = RELAY_ANSWER_NONE; /* whoever asks anew does not wait for the answer before */
    if (frame->type == LINK_HELLO) {
        relay_greet(relay, line, frame);
    } else if ((frame->type & 0x80) != 0) {
        return; /* an answer: our own, by a line that echoes */
    } else if (here->log == NULL || frame->version != here->protocol) {
        relay_refuse(relay, line, frame->tx_seq, LINK_REFUSED_STRANGER, "say hello first");
    } else {
        relay_take_request(relay, line, frame);
    }
    if (here->log != NULL) {
        here->heard_us = relay_now_us(relay);
        here->log->heard_us = here->heard_us > 0 ? here->heard_us : 1;
    }
}

void relay_on_bytes(struct relay *relay, int line, const uint8_t *bytes, size_t size)
{
    struct relay_line *here = relay->lines[line];
    struct link_frame frame;

    for (size_t i = 0; i < size; i++) {
        if (link_decoder_take(&here->decoder, bytes[i], &frame)) {
            take_frame(relay, line, &frame);
        }
    }
}

/* ---- the commit --------------------------------------------------------------------------- */

static int commit(struct relay *relay)
{
    int rc = 0;

    for (size_t i = 0; i < relay->log_count && rc == 0; i++) {
        if (relay->logs[i]->is_dirty || relay->logs[i]->now.log_id == 0) {
            rc = relay_store_put_log(relay->store, &relay->logs[i]->now);
        }
    }
    if (rc == 0) {
        rc = relay_store_commit(relay->store);
    } else {
        (void)relay_store_commit(relay->store); /* only tells what is known */
    }
    for (size_t i = 0; i < relay->log_count; i++) {
        struct relay_log *log = relay->logs[i];

        if (rc == 0) {
            log->stored = log->now;
        } else {
            log->now = log->stored;
            log->chain_seq = 0;
            memset(log->chain, 0, sizeof log->chain);
        }
        log->is_dirty = false;
    }
    relay->counts.commits++;
    set_broken(relay, rc == ECM_EFULL ? 0 : rc);
    return rc;
}

static void answer_all(struct relay *relay, int rc)
{
    for (int line = 0; line < RELAY_LINES_MAX; line++) {
        struct relay_line *here = relay->lines[line];

        if (here == NULL || here->answer == RELAY_ANSWER_NONE) {
            continue;
        }
        here->is_full = here->is_full || rc < 0;
        if (here->log == NULL || (here->answer == RELAY_ANSWER_WELCOME && rc < 0)) {
            relay_refuse(relay, line, here->answer_to, LINK_REFUSED_NO_ROOM,
                "this gateway cannot write to its disk");
            here->log = NULL;
        } else if (here->answer == RELAY_ANSWER_WELCOME) {
            send_welcome(relay, line);
        } else {
            send_ack(relay, line);
        }
        here->answer = RELAY_ANSWER_NONE;
    }
}

static bool owes_answers(const struct relay *relay)
{
    for (int line = 0; line < RELAY_LINES_MAX; line++) {
        if (relay->lines[line] != NULL && relay->lines[line]->answer != RELAY_ANSWER_NONE) {
            return true;
        }
    }
    return false;
}

void relay_tick(struct relay *relay, uint64_t *ret_due_us)
{
    if (owes_answers(relay)) {
        answer_all(relay, commit(relay));
    }
    *ret_due_us = relay_courier_tick(relay, relay_now_us(relay));
}

/* Told when it changes. */
static void look_for_update(struct relay *relay)
{
    int rc = relay_load_update(relay);

    if (rc < 0 && rc != relay->update_told) {
        log_warn("the update for tag readers '%s' cannot be offered: %s event=tag-update-failed",
            relay->update_path, rc == ECM_EFORMAT ? "it is no bundle" : err_name(rc));
    }
    relay->update_told = rc;
}

void relay_keep_house(struct relay *relay, int64_t wall_ms)
{
    look_for_update(relay);
    /* What became done since the last batch. A failure is told, and tried again. */
    (void)commit(relay);
    for (size_t i = 0; i < relay->log_count; i++) {
        if (relay->logs[i]->stored.log_id != 0) {
            (void)relay_store_keep_house(
                relay->store, &relay->logs[i]->stored, wall_ms, relay->keep_days);
        }
    }
}

/* ---- lines -------------------------------------------------------------------------------- */

int relay_line_open(struct relay *relay, const char *name)
{
    for (int line = 0; line < RELAY_LINES_MAX; line++) {
        if (relay->lines[line] == NULL) {
            relay->lines[line] = calloc(1, sizeof *relay->lines[line]);
            if (relay->lines[line] == NULL) {
                return -ENOMEM;
            }
            (void)snprintf(relay->lines[line]->name, sizeof relay->lines[line]->name, "%s", name);
            relay->lines[line]->protocol = LINK_VERSION;
            relay->counts.lines++;
            return line;
        }
    }
    return -ENOSPC;
}

void relay_line_close(struct relay *relay, int line)
{
    struct relay_line *here = relay->lines[line];

    if (here == NULL) {
        return;
    }
    if (here->log != NULL && here->log->line == line) {
        here->log->line = -1;
    }
    relay->counts.frames_bad += here->decoder.bad;
    relay->counts.lines--;
    free(here);
    relay->lines[line] = NULL;
}

/* ---- open and close ----------------------------------------------------------------------- */

static int add_known(void *user, const struct relay_store_log *stored)
{
    struct relay *relay = user;
    struct relay_log *log = NULL;

    if (relay->log_count == RELAY_LOGS_MAX) {
        return 0; /* it is met again when its tag reader comes */
    }
    log = calloc(1, sizeof *log);
    if (log == NULL) {
        return -ENOMEM;
    }
    log->stored = *stored;
    log->now = *stored;
    log->line = -1;
    relay_courier_restart(log);
    relay->logs[relay->log_count++] = log;
    return 0;
}

static int open_store(struct relay *relay, const struct relay_conf *conf, struct err *err)
{
    char set_aside[OUTBOX_PATH_MAX + 48] = "";
    int rc = relay_store_open(
        &relay->store, conf->path, conf->bytes_max, set_aside, sizeof set_aside, err);

    if (rc < 0) {
        return rc;
    }
    if (set_aside[0] != '\0') {
        log_err("the relayed records could not be read and were set aside as '%s'; tag readers "
                "send them again event=relay-renewed device=%s",
            set_aside, relay->gateway_id);
        relay->ports.alert(relay->ports.user, "relay-renewed",
            "relayed records were set aside; tag readers send them again");
    }
    rc = relay_store_logs(relay->store, add_known, relay);
    return rc < 0 ? err_set(err, rc, "relayed logs '%s': %s", conf->path, err_name(rc)) : 0;
}

int relay_open(struct relay **ret_relay, const struct relay_conf *conf,
    const struct relay_ports *ports, struct err *err)
{
    struct relay *relay = calloc(1, sizeof *relay);
    int rc = 0;

    if (relay == NULL) {
        return err_set(err, -ENOMEM, "relay: out of memory");
    }
    relay->ports = *ports;
    relay->keep_days = conf->keep_days;
    relay->protocol_min = conf->protocol_min != 0 ? conf->protocol_min : RELAY_PROTOCOL_MIN;
    relay->protocol_max = conf->protocol_max != 0 ? conf->protocol_max : RELAY_PROTOCOL_MAX;
    relay->random = (uint32_t)ports->clock->boot_id;
    (void)snprintf(relay->site, sizeof relay->site, "%s", conf->site);
    (void)snprintf(relay->gateway_id, sizeof relay->gateway_id, "%s", conf->gateway_id);
    timetrust_init(&relay->timetrust, ports->clock);
    if (topic_format(relay->up_topic, conf->site, conf->gateway_id, TOPIC_UP) < 0) {
        rc = err_set(err, -EINVAL, "relay: site or gateway cannot stand in a topic");
    } else {
        rc = open_store(relay, conf, err);
    }
    if (rc == 0 && conf->update_path != NULL) {
        (void)snprintf(relay->update_path, sizeof relay->update_path, "%s", conf->update_path);
        look_for_update(relay);
    }
    if (rc < 0) {
        relay_close(relay);
        return rc;
    }
    *ret_relay = relay;
    return 0;
}

void relay_close(struct relay *relay)
{
    if (relay == NULL) {
        return;
    }
    if (relay->store != NULL) {
        (void)commit(relay);
    }
    for (int line = 0; line < RELAY_LINES_MAX; line++) {
        free(relay->lines[line]);
    }
    for (size_t i = 0; i < relay->log_count; i++) {
        free(relay->logs[i]);
    }
    relay_store_close(relay->store);
    free(relay->image);
    free(relay);
}
