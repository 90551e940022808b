/*
 * uplink.c - three states: not connected; greeting (a hello is out); agreed (batches go out).
 *
 * Every trouble has the same cure: greet again and continue from what the collector answers. So
 * there is one path to test, and no memory of what was sent that could be wrong.
 */
#include "gateway/uplink.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/chain.h"
#include "base/err.h"
#include "base/log.h"
#include "gateway/outbox.h"
#include "proto/topics.h"

enum {
    RETRY_US = 100 * 1000, /* the transport's queue is full */
    /* What protobuf adds around a record, and around all of them; generous. */
    RECORD_OVERHEAD = 8,
    BATCH_OVERHEAD = 512,
    RATE_WINDOW_S = 30, /* the rate is that of the last one to two of these */
};

struct uplink {
    char site[TOPIC_NAME_MAX + 1];
    char device[DEVICE_ID_MAX + 1];
    char version[RECORD_TEXT_MAX + 1];
    char up_topic[TOPIC_MAX];
    uint64_t boot_id;
    struct signer *signer;
    struct uplink_port port;
    struct outbox *box;

    bool is_connected;
    bool is_agreed;
    uint64_t next_seq;      /* to send next */
    uint64_t base_seq;      /* the collector's high-water mark, as last heard */
    uint64_t answer_due_us; /* UINT64_MAX: no answer is owed to us */
    uint64_t timeout_us;    /* of the next wait */
    uint64_t retry_us;      /* not before; the transport was full */
    uint64_t resent_seq;    /* a request to go back here was already followed; 0: none */
    unsigned silences;      /* in a row */
    unsigned stalls;        /* at base_seq */
    uint32_t random;
    uint64_t rate_start_us;
    uint64_t rate_start_seq;
    uint64_t rate_next_us; /* where rate_start goes when the window is over */
    uint64_t rate_next_seq;
    char refusal[RECORD_TEXT_MAX + 1];
    struct uplink_counts counts;

    size_t used; /* bytes of records */
    size_t count;
    size_t count_max;
    struct bytes_view views[BATCH_RECORDS_MAX];
    uint8_t last_chain[CHAIN_SIZE];
    uint8_t records[BATCH_BYTES_MAX];
    uint8_t message[BATCH_BYTES_MAX];
};

int uplink_new(struct uplink **ret_uplink, const struct uplink_conf *conf,
    const struct uplink_port *port, struct outbox *box, struct err *err)
{
    struct uplink *uplink = NULL;
    char topic[TOPIC_MAX] = "";

    if (topic_format(topic, conf->site, conf->device, TOPIC_UP) < 0) {
        return err_set(err, -EINVAL,
            "site '%s' and device '%s' must be 1 to %d letters, digits, '-', '_' or '.'",
            conf->site, conf->device, TOPIC_NAME_MAX);
    }
    uplink = calloc(1, sizeof *uplink);
    if (uplink == NULL) {
        return err_set(err, -ENOMEM, "uplink: out of memory");
    }
    (void)snprintf(uplink->site, sizeof uplink->site, "%s", conf->site);
    (void)snprintf(uplink->device, sizeof uplink->device, "%s", conf->device);
    (void)snprintf(uplink->version, sizeof uplink->version, "%s", conf->version);
    (void)snprintf(uplink->up_topic, sizeof uplink->up_topic, "%s", topic);
    uplink->boot_id = conf->boot_id;
    uplink->signer = conf->signer;
    uplink->port = *port;
    uplink->box = box;
    uplink->random = (uint32_t)(outbox_epoch(box) ^ conf->boot_id) | 1u;
    uplink->answer_due_us = UINT64_MAX;
    uplink->timeout_us = UPLINK_ACK_TIMEOUT_MIN_US;
    *ret_uplink = uplink;
    return 0;
}

void uplink_free(struct uplink *uplink)
{
    free(uplink);
}

static uint64_t now_us(const struct uplink *uplink)
{
    return uplink->port.now_us(uplink->port.user);
}

/* The present time-out, up to a quarter longer, so that a thousand gateways do not fall into step;
 * and twice as long the next time. */
static uint64_t take_timeout(struct uplink *uplink)
{
    uint64_t timeout_us = uplink->timeout_us;

    uplink->random ^= uplink->random << 13;
    uplink->random ^= uplink->random >> 17;
    uplink->random ^= uplink->random << 5;
    uplink->timeout_us =
        2 * timeout_us < UPLINK_ACK_TIMEOUT_MAX_US ? 2 * timeout_us : UPLINK_ACK_TIMEOUT_MAX_US;
    return timeout_us + uplink->random % (timeout_us / 4);
}

/* ---- greeting ----------------------------------------------------------------------------- */

static void send_hello(struct uplink *uplink, uint64_t now)
{
    struct hello hello = {
        .epoch = outbox_epoch(uplink->box),
        .head_seq = outbox_head_seq(uplink->box),
        .acked_seq = outbox_acked_seq(uplink->box),
        .oldest_seq = outbox_oldest_seq(uplink->box),
        .boot_id = uplink->boot_id,
        .has_public_key = uplink->signer != NULL,
    };
    size_t size = 0;

    (void)snprintf(hello.device_id, sizeof hello.device_id, "%s", uplink->device);
    (void)snprintf(hello.version, sizeof hello.version, "%s", uplink->version);
    (void)outbox_chain_at(uplink->box, hello.oldest_seq - 1, hello.chain_before_oldest);
    if (uplink->signer != NULL) {
        signer_public_key(uplink->signer, hello.public_key);
    }
    if (hello_encode(&hello, uplink->message, sizeof uplink->message, &size) < 0 ||
        uplink->port.publish(uplink->port.user, uplink->up_topic, uplink->message, size, false) <
            0) {
        uplink->answer_due_us = now + RETRY_US;
        return;
    }
    uplink->counts.hellos_sent++;
    uplink->answer_due_us = now + take_timeout(uplink);
}

static void greet(struct uplink *uplink, uint64_t now)
{
    uplink->is_agreed = false;
    uplink->resent_seq = 0;
    send_hello(uplink, now);
}

void uplink_on_connected(struct uplink *uplink)
{
    uplink->is_connected = true;
    uplink->timeout_us = UPLINK_ACK_TIMEOUT_MIN_US;
    uplink->retry_us = 0;
    greet(uplink, now_us(uplink));
}

void uplink_on_disconnected(struct uplink *uplink)
{
    uplink->is_connected = false;
    uplink->is_agreed = false;
    uplink->answer_due_us = UINT64_MAX;
}

void uplink_restart(struct uplink *uplink)
{
    uplink->base_seq = 0;
    uplink->stalls = 0;
    uplink->silences = 0;
    uplink->timeout_us = UPLINK_ACK_TIMEOUT_MIN_US;
    if (uplink->is_connected) {
        greet(uplink, now_us(uplink));
    }
}

/* ---- acks --------------------------------------------------------------------------------- */

static bool is_zero(const uint8_t hash[static CHAIN_SIZE])
{
    static const uint8_t zero[CHAIN_SIZE];

    return memcmp(hash, zero, CHAIN_SIZE) == 0;
}

/* Whether the collector's log and ours are the same up to where it is. */
static bool is_same_log(struct uplink *uplink, const struct ack *ack)
{
    uint8_t ours[CHAIN_SIZE] = {0};

    if (ack->through_seq > outbox_head_seq(uplink->box)) {
        return false;
    }
    /* A collector that knows no head yet says nothing; one older than what we hold, nothing that
     * we could check. */
    if (ack->through_seq == 0 || is_zero(ack->chain_head) ||
        outbox_chain_at(uplink->box, ack->through_seq, ours) != 0) {
        return true;
    }
    return memcmp(ours, ack->chain_head, CHAIN_SIZE) == 0;
}

/* Continue with seq; not with what is no longer here, nor beyond the newest. */
static void go_to(struct uplink *uplink, uint64_t seq)
{
    uint64_t oldest = outbox_oldest_seq(uplink->box);
    uint64_t end = outbox_head_seq(uplink->box) + 1;

    outbox_unack(uplink->box, seq - 1);
    seq = seq < oldest ? oldest : seq;
    uplink->next_seq = seq > end ? end : seq;
    if (uplink->base_seq >= uplink->next_seq) {
        uplink->base_seq = uplink->next_seq - 1;
    }
}

static void note_progress(struct uplink *uplink, uint64_t through_seq, uint64_t now)
{
    uplink->counts.records_acked += through_seq - uplink->base_seq;
    uplink->base_seq = through_seq;
    uplink->stalls = 0;
    uplink->resent_seq = 0;
    uplink->timeout_us = UPLINK_ACK_TIMEOUT_MIN_US;
    if (now - uplink->rate_next_us > RATE_WINDOW_S * 1000000ull) {
        uplink->rate_start_us = uplink->rate_next_us;
        uplink->rate_start_seq = uplink->rate_next_seq;
        uplink->rate_next_us = now;
        uplink->rate_next_seq = through_seq;
    }
}

/* The answer to a hello: we are where the collector is, wherever that is. */
static void agree(struct uplink *uplink, const struct ack *ack, uint64_t now)
{
    uplink->is_agreed = true;
    if (ack->through_seq > uplink->base_seq) {
        note_progress(uplink, ack->through_seq, now);
    }
    uplink->base_seq = ack->through_seq;
    uplink->rate_start_us = uplink->rate_next_us = now;
    uplink->rate_start_seq = uplink->rate_next_seq = ack->through_seq;
    go_to(uplink, ack->through_seq + 1);
}

static void follow(struct uplink *uplink, const struct ack *ack, uint64_t now)
{
    (void)outbox_ack(uplink->box, ack->through_seq);
    uplink->silences = 0;
    uplink->answer_due_us = UINT64_MAX;
    if (!uplink->is_agreed) {
        agree(uplink, ack, now);
        /* Asked to resend before we sent: a collector that was just started may ask because of our
         * state, and our hello, with the key for what follows, came while nobody listened. */
        if (ack->wants_resend) {
            send_hello(uplink, now);
        }
    } else if (ack->through_seq > uplink->base_seq) {
        note_progress(uplink, ack->through_seq, now);
    }
    if (uplink->next_seq <= ack->through_seq) {
        uplink->next_seq = ack->through_seq + 1;
    }
    /*
     * Each batch behind a lost one makes the collector ask for the same seq again. Going back
     * once is enough; if that is lost too, the time-out notices. Never forward over what it does
     * not have.
     */
    if (ack->wants_resend && ack->resend_from_seq > 0 &&
        ack->resend_from_seq <= ack->through_seq + 1 &&
        ack->resend_from_seq != uplink->resent_seq) {
        uplink->counts.resends_asked++;
        uplink->resent_seq = ack->resend_from_seq;
        go_to(uplink, ack->resend_from_seq);
    }
    if (uplink->next_seq > uplink->base_seq + 1) {
        uplink->answer_due_us = now + uplink->timeout_us;
    }
}

static void note_refusal(struct uplink *uplink, const struct ack *ack)
{
    if (ack->reason[0] != '\0' && strcmp(ack->reason, uplink->refusal) != 0) {
        log_warn("the collector refused what we sent: %s; it stays here event=batch-refused "
                 "device=%s",
            ack->reason, uplink->device);
        (void)snprintf(uplink->refusal, sizeof uplink->refusal, "%s", ack->reason);
    }
}

enum uplink_event uplink_on_ack(struct uplink *uplink, const uint8_t *payload, size_t size)
{
    struct ack ack = {0};

    if (!uplink->is_connected || ack_decode(payload, size, &ack) < 0 ||
        strcmp(ack.device_id, uplink->device) != 0 || ack.epoch != outbox_epoch(uplink->box)) {
        uplink->counts.messages_ignored++;
        return UPLINK_NOTHING;
    }
    note_refusal(uplink, &ack);
    if (!is_same_log(uplink, &ack)) {
        return UPLINK_LOG_ROLLED_BACK;
    }
    follow(uplink, &ack, now_us(uplink));
    return UPLINK_NOTHING;
}

/* ---- batches ------------------------------------------------------------------------------ */

static bool collect(void *user, const struct outbox_item *item)
{
    struct uplink *uplink = user;
    size_t overhead = BATCH_OVERHEAD + (uplink->count + 1) * RECORD_OVERHEAD;

    if (uplink->used + item->size + overhead > sizeof uplink->records) {
        return false;
    }
    memcpy(uplink->records + uplink->used, item->bytes, item->size);
    uplink->views[uplink->count].bytes = uplink->records + uplink->used;
    uplink->views[uplink->count].size = item->size;
    memcpy(uplink->last_chain, item->chain, CHAIN_SIZE);
    uplink->used += item->size;
    uplink->count++;
    return uplink->count < uplink->count_max;
}

static int sign(struct uplink *uplink, struct batch *batch)
{
    uint8_t input[BATCH_SIGNING_INPUT_MAX] = {0};
    size_t size = 0;

    if (uplink->signer == NULL) {
        return 0;
    }
    batch->has_signature = true;
    size = batch_signing_input(batch, input);
    return signer_sign(uplink->signer, input, size, batch->signature);
}

static size_t batch_limit(const struct uplink *uplink)
{
    uint64_t in_flight = uplink->next_seq - 1 - uplink->base_seq;
    uint64_t room = in_flight < UPLINK_WINDOW ? UPLINK_WINDOW - in_flight : 0;

    if (uplink->stalls >= UPLINK_STALLS_TO_SPLIT) {
        return in_flight == 0 ? 1 : 0;
    }
    return room < BATCH_RECORDS_MAX ? (size_t)room : BATCH_RECORDS_MAX;
}

/* One batch from next_seq on. 0, what the transport said, or what the outbox said. */
static int send_batch(struct uplink *uplink, size_t count_max)
{
    struct batch batch = {
        .epoch = outbox_epoch(uplink->box),
        .first_seq = uplink->next_seq,
        .head_seq = outbox_head_seq(uplink->box),
        .records = uplink->views,
    };
    size_t size = 0;
    int rc = 0;

    uplink->used = 0;
    uplink->count = 0;
    uplink->count_max = count_max;
    rc = outbox_read(uplink->box, uplink->next_seq, collect, uplink);
    /* What was read before a damaged record is good and goes out first. */
    if (uplink->count == 0) {
        return rc < 0 ? rc : -EIO;
    }
    (void)snprintf(batch.device_id, sizeof batch.device_id, "%s", uplink->device);
    batch.record_count = uplink->count;
    memcpy(batch.chain_head, uplink->last_chain, CHAIN_SIZE);
    rc = sign(uplink, &batch);
    if (rc == 0) {
        rc = batch_encode(&batch, uplink->message, sizeof uplink->message, &size);
    }
    if (rc == 0) {
        rc =
            uplink->port.publish(uplink->port.user, uplink->up_topic, uplink->message, size, false);
    }
    if (rc == 0) {
        uplink->next_seq += uplink->count;
        uplink->counts.batches_sent++;
        uplink->counts.records_sent += uplink->count;
    }
    return rc;
}

/*
 * One batch if window and transport allow, and whether there may be another. Not all at once: the
 * owner looks at its reader in between, for a carer does not wait for a backlog.
 */
static enum uplink_event send_next(struct uplink *uplink, uint64_t now, bool *ret_has_more)
{
    size_t limit = batch_limit(uplink);
    int rc = 0;

    *ret_has_more = false;
    if (limit == 0 || uplink->next_seq > outbox_head_seq(uplink->box)) {
        return UPLINK_NOTHING;
    }
    rc = send_batch(uplink, limit);
    if (rc == ECM_ECORRUPT) {
        return UPLINK_LOG_DAMAGED;
    }
    if (rc < 0) {
        uplink->retry_us = now + RETRY_US;
        return UPLINK_NOTHING;
    }
    if (uplink->answer_due_us == UINT64_MAX) {
        uplink->answer_due_us = now + uplink->timeout_us;
    }
    *ret_has_more = batch_limit(uplink) > 0 && uplink->next_seq <= outbox_head_seq(uplink->box);
    return UPLINK_NOTHING;
}

static void note_silence(struct uplink *uplink, uint64_t now)
{
    uplink->silences++;
    if (uplink->is_agreed) {
        uplink->counts.stalls++;
        uplink->stalls++;
        (void)take_timeout(uplink); /* a batch that got no answer counts as a try */
    }
    greet(uplink, now);
}

enum uplink_event uplink_tick(struct uplink *uplink, uint64_t *ret_due_us)
{
    enum uplink_event event = UPLINK_NOTHING;
    uint64_t now = 0;
    bool has_more = false;

    *ret_due_us = UINT64_MAX;
    if (!uplink->is_connected) {
        return UPLINK_NOTHING;
    }
    now = now_us(uplink);
    if (now >= uplink->answer_due_us) {
        note_silence(uplink, now);
    }
    if (uplink->is_agreed && now >= uplink->retry_us) {
        uplink->retry_us = 0;
        event = send_next(uplink, now, &has_more);
    }
    *ret_due_us = has_more ? now : uplink->answer_due_us;
    if (uplink->is_agreed && uplink->retry_us != 0 && uplink->retry_us < *ret_due_us) {
        *ret_due_us = uplink->retry_us;
    }
    return event;
}

/* ---- questions ---------------------------------------------------------------------------- */

bool uplink_is_agreed(const struct uplink *uplink)
{
    return uplink->is_agreed;
}

unsigned uplink_silences(const struct uplink *uplink)
{
    return uplink->silences;
}

const char *uplink_refusal(const struct uplink *uplink)
{
    return uplink->refusal;
}

uint32_t uplink_drain_eta_s(const struct uplink *uplink)
{
    uint64_t owed = outbox_head_seq(uplink->box) - outbox_acked_seq(uplink->box);
    uint64_t moved = uplink->base_seq - uplink->rate_start_seq;
    uint64_t elapsed_ms = (now_us(uplink) - uplink->rate_start_us) / 1000;
    uint64_t eta_s = 0;

    if (!uplink->is_agreed || owed == 0 || uplink->base_seq <= uplink->rate_start_seq) {
        return 0;
    }
    eta_s = owed * (elapsed_ms + 1) / moved / 1000 + 1;
    return eta_s < UINT32_MAX ? (uint32_t)eta_s : UINT32_MAX;
}

void uplink_counts(const struct uplink *uplink, struct uplink_counts *ret_counts)
{
    *ret_counts = uplink->counts;
}
