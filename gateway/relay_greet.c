/*
 * relay_greet.c - a tag reader says hello: whether it may come in, and where its log stands here.
 *
 * Two tag readers of one name are two people's records under one number: whoever comes second, or
 * with another key, waits outside with everything it has until somebody has looked.
 */
#include "gateway/relay_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct relay_log *relay_find_log(struct relay *relay, const char *device_id, uint64_t epoch)
{
    for (size_t i = 0; i < relay->log_count; i++) {
        if (relay->logs[i]->now.epoch == epoch &&
            strcmp(relay->logs[i]->now.device_id, device_id) == 0) {
            return relay->logs[i];
        }
    }
    return NULL;
}

/* The version both speak, 0: none. */
static uint32_t common_protocol(const struct relay *relay, const struct link_hello *hello)
{
    uint32_t newest =
        hello->protocol_max < relay->protocol_max ? hello->protocol_max : relay->protocol_max;

    return newest >= relay->protocol_min && newest >= hello->protocol_min ? newest : 0;
}

static bool is_elsewhere(const struct relay *relay, int line, const struct relay_log *log)
{
    const struct relay_line *other = log->line >= 0 ? relay->lines[log->line] : NULL;

    return other != NULL && log->line != line && other->log == log &&
           relay_now_us(relay) - other->heard_us < RELAY_SILENT_US;
}

static bool has_other_key(
    const struct relay *relay, const struct relay_log *log, const struct link_hello *hello)
{
    bool is_same = log->now.has_public_key == hello->has_public_key &&
                   memcmp(log->now.public_key, hello->public_key, sizeof hello->public_key) == 0;

    /* One that begins to sign is welcome. */
    if (is_same || !log->now.has_public_key) {
        return false;
    }
    return log->now.epoch == hello->epoch ||
           (log->heard_us != 0 && relay_now_us(relay) - log->heard_us < RELAY_KEY_US);
}

/* Whether another tag reader of this name stands in the way. Says so then. */
static bool is_impostor(
    struct relay *relay, int line, uint8_t ack_seq, const struct link_hello *hello)
{
    for (size_t i = 0; i < relay->log_count; i++) {
        struct relay_log *log = relay->logs[i];

        if (strcmp(log->now.device_id, hello->device_id) != 0) {
            continue;
        }
        if (is_elsewhere(relay, line, log)) {
            relay_complain(relay, log, RELAY_ALERT_TWICE, line);
            relay_refuse(relay, line, ack_seq, LINK_REFUSED_TWICE,
                "another tag reader of this name is connected here");
            return true;
        }
        if (has_other_key(relay, log, hello)) {
            relay_complain(relay, log, RELAY_ALERT_KEY, line);
            relay_refuse(relay, line, ack_seq, LINK_REFUSED_KEY,
                "the tag reader of this name had another key; see docs/READER.md");
            return true;
        }
    }
    return false;
}

/* A log of which nothing is kept and whose tag reader is gone makes place. */
static void forget_one(struct relay *relay)
{
    for (size_t i = 0; i < relay->log_count; i++) {
        struct relay_log *log = relay->logs[i];

        if (log->line < 0 && !log->is_dirty && log->stored.done_seq >= log->stored.held_seq &&
            (log->heard_us == 0 || relay_now_us(relay) - log->heard_us > RELAY_KEY_US)) {
            free(log);
            relay->logs[i] = relay->logs[--relay->log_count];
            return;
        }
    }
}

static struct relay_log *make_log(struct relay *relay, const struct link_hello *hello)
{
    struct relay_log *log = NULL;

    if (relay->log_count == RELAY_LOGS_MAX) {
        forget_one(relay);
    }
    log = relay->log_count < RELAY_LOGS_MAX ? calloc(1, sizeof *log) : NULL;
    if (log == NULL) {
        return NULL;
    }
    memcpy(log->now.device_id, hello->device_id, sizeof log->now.device_id);
    log->now.epoch = hello->epoch;
    log->stored = log->now;
    log->line = -1;
    relay_courier_restart(log);
    relay->logs[relay->log_count++] = log;
    return log;
}

static void remember_chain(struct relay_log *log, uint64_t seq, const uint8_t *chain)
{
    log->chain_seq = seq;
    memcpy(log->chain, chain, sizeof log->chain);
}

/* What the tag reader says that others told it, and what it no longer has. */
static void take_marks(
    struct relay *relay, int line, struct relay_log *log, const struct link_hello *hello)
{
    struct relay_store_log before = log->now;
    bool is_new_key = hello->has_public_key && !before.has_public_key;

    if (hello->done_seq > log->now.done_seq) {
        log->now.done_seq = hello->done_seq;
    }
    if (hello->done_seq > log->now.held_seq) {
        log->now.held_seq = hello->done_seq;
        remember_chain(log, hello->done_seq, hello->chain_after_done);
    }
    if (hello->oldest_seq > log->now.held_seq + 1) {
        relay_complain(relay, log, RELAY_ALERT_GAP, line);
        log->now.held_seq = hello->oldest_seq - 1;
        remember_chain(log, hello->oldest_seq - 1, hello->chain_before_oldest);
    }
    if (log->now.held_seq > hello->head_seq) {
        relay_complain(relay, log, RELAY_ALERT_ROLLED_BACK, line);
    }
    if (is_new_key) {
        log->now.has_public_key = true;
        memcpy(log->now.public_key, hello->public_key, sizeof log->now.public_key);
    }
    log->is_dirty = log->is_dirty || is_new_key || before.held_seq != log->now.held_seq ||
                    before.done_seq != log->now.done_seq;
}

/* Told once, not at each hello. */
static void take_failed_update(struct relay *relay, struct relay_log *log, const char *version)
{
    bool is_news = version[0] != '\0' && strcmp(log->failed_update, version) != 0;

    (void)snprintf(log->failed_update, sizeof log->failed_update, "%s", version);
    if (is_news) {
        relay_tell_failed_update(relay, log);
    }
}

static void let_in(
    struct relay *relay, int line, struct relay_log *log, const struct link_hello *hello)
{
    struct relay_line *here = relay->lines[line];

    if (log->line >= 0 && log->line != line) {
        relay->lines[log->line]->log = NULL; /* it moved */
    }
    if (here->log != NULL && here->log != log) {
        here->log->line = -1;
        here->has_command = false;
    }
    if (here->log != log) {
        here->update_is_over = false;
        here->is_told_unfitting = false;
        log->has_greeted = false; /* ask the collector what others have brought meanwhile */
        log->is_agreed = false;
        log->answer_due_us = 0;
    }
    here->log = log;
    log->line = line;
    log->boot_id = hello->boot_id;
    log->head_seq = hello->head_seq;
    log->oldest_seq = hello->oldest_seq;
    memcpy(log->version, hello->version, sizeof log->version);
    memcpy(log->board, hello->board, sizeof log->board);
    take_failed_update(relay, log, hello->failed_update);
    take_marks(relay, line, log, hello);
}

static void refuse_version(
    struct relay *relay, int line, uint8_t ack_seq, const struct link_hello *hello)
{
    struct relay_log *log = relay_find_log(relay, hello->device_id, hello->epoch);
    char reason[RECORD_TEXT_MAX + 1] = "";

    (void)snprintf(reason, sizeof reason,
        "the tag reader speaks versions %u to %u of the link, this gateway %u to %u",
        hello->protocol_min, hello->protocol_max, relay->protocol_min, relay->protocol_max);
    relay_refuse(relay, line, ack_seq, LINK_REFUSED_VERSION, reason);
    relay_complain(relay, log, RELAY_ALERT_VERSION, line);
}

void relay_greet(struct relay *relay, int line, const struct link_frame *frame)
{
    struct relay_line *here = relay->lines[line];
    struct relay_log *log = NULL;
    struct link_hello hello = {0};
    uint32_t protocol = 0;

    if (link_hello_decode(frame->payload, frame->size, &hello) < 0) {
        relay_refuse(relay, line, frame->tx_seq, LINK_REFUSED_OTHER, "the hello cannot be read");
        return;
    }
    if (hello.epoch == 0 || strcmp(hello.device_id, relay->gateway_id) == 0) {
        relay_refuse(relay, line, frame->tx_seq, LINK_REFUSED_OTHER,
            "a tag reader has a name and a log of its own");
        return;
    }
    protocol = common_protocol(relay, &hello);
    if (protocol == 0 || protocol > UINT8_MAX) {
        refuse_version(relay, line, frame->tx_seq, &hello);
        return;
    }
    if (is_impostor(relay, line, frame->tx_seq, &hello)) {
        return;
    }
    log = relay_find_log(relay, hello.device_id, hello.epoch);
    if (log == NULL) {
        log = make_log(relay, &hello);
    }
    if (log == NULL) {
        relay_refuse(relay, line, frame->tx_seq, LINK_REFUSED_NO_ROOM,
            "this gateway cannot take care of one more tag reader");
        return;
    }
    let_in(relay, line, log, &hello);
    here->protocol = (uint8_t)protocol;
    here->answer = RELAY_ANSWER_WELCOME;
    here->answer_to = frame->tx_seq;
}
