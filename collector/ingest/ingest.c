/*
 * ingest.c - see ingest.h.
 *
 * The entries of the log table hold the state as the open transaction will leave it. When the
 * transaction is undone every entry it touched is stale and is read from the store before it is
 * used again: an acknowledgement must never speak of what was undone.
 */
#include "collector/ingest/ingest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/chain.h"
#include "base/err.h"
#include "base/log.h"
#include "collector/ingest/ingest_internal.h"
#include "collector/storage/storage.h"

enum { ALERT_EVERY_MS = 3600000, COMPLAIN_EVERY_MS = 1000 };

/* ---- alerts ------------------------------------------------------------------------------- */

static const struct {
    const char *event, *text;
} alerts[ALERT_COUNT] = {
    [ALERT_GAP] = {"log-gap", "the device no longer has some records"},
    [ALERT_CHAIN] = {"chain-broken", "a batch does not continue the chain of its log"},
    [ALERT_SIGNATURE] = {"signature-bad", "a batch is not signed by the device's key"},
    [ALERT_KEY] = {"key-changed", "the device shows another key than its first"},
    [ALERT_ROLLED_BACK] = {"log-rolled-back", "the device's log ends before ours"},
    [ALERT_REWRITTEN] = {"log-rewritten", "the device sent other records under known numbers"},
    [ALERT_RECORD] = {"record-unreadable", "a record could not be read and is kept as bytes"},
    [ALERT_RELAY_UNSIGNED] = {"relay-unsigned", "a relayed log is not signed by its device"},
    [ALERT_RELAY_REFUSED] = {"relay-refused", "a relayed batch does not prove to be the device's"},
    [ALERT_RELAY_GAP] = {"relay-gap",
        "records are missing; all gateways that carried it are asked"},
    [ALERT_TWICE] = {"device-twice", "two devices take turns under one name"},
};

void ingest_alert_raise(struct ingest *ingest, struct log_entry *entry, enum ingest_alert kind)
{
    struct alert alert = {.unix_ms = ingest->ports.now_ms(ingest->ports.user)};
    uint8_t bytes[SMALL_MESSAGE_MAX];
    char topic[TOPIC_MAX];
    size_t size = 0;

    if (entry->alerted_ms[kind] != 0 && alert.unix_ms - entry->alerted_ms[kind] < ALERT_EVERY_MS) {
        return;
    }
    entry->alerted_ms[kind] = alert.unix_ms;
    ingest->counts.alerts++;
    log_warn("%s event=%s device=%s epoch=%016" PRIx64 " through=%" PRIu64, alerts[kind].text,
        alerts[kind].event, entry->log.device_id, entry->log.epoch, entry->log.through_seq);
    (void)snprintf(alert.device_id, sizeof alert.device_id, "%s", entry->log.device_id);
    (void)snprintf(alert.event, sizeof alert.event, "%s", alerts[kind].event);
    (void)snprintf(alert.text, sizeof alert.text, "%s", alerts[kind].text);
    if (topic_format(topic, entry->site, NULL, TOPIC_ALERT) == 0 &&
        alert_encode(&alert, bytes, sizeof bytes, &size) == 0) {
        (void)ingest->ports.publish(ingest->ports.user, topic, bytes, size);
    }
}

/* ---- the transaction ---------------------------------------------------------------------- */

static void forget_due(struct ingest *ingest, bool is_undone)
{
    while (ingest->due != NULL) {
        struct log_entry *entry = ingest->due;

        ingest->due = entry->next_due;
        entry->next_due = NULL;
        entry->is_due = false;
        entry->wants_resend = false;
        entry->reason = NULL;
        entry->is_touched = false;
        entry->is_stale = entry->is_stale || is_undone;
        entry->is_path_unsure = entry->is_path_unsure || is_undone;
    }
    ingest->reply_count = 0;
    ingest->gathered = 0;
    ingest->taken_batches = 0;
    ingest->taken_records = 0;
    ingest->taken_inputs = 0;
}

void ingest_fail(struct ingest *ingest, int rc)
{
    if (ingest->is_begun) {
        ingest->ports.storage->ops->rollback(ingest->ports.storage);
        ingest->is_begun = false;
    }
    forget_due(ingest, true);
    ingest->failure = rc;
    ingest->counts.failures++;
}

bool ingest_begin(struct ingest *ingest)
{
    int rc = 0;

    if (ingest->is_begun) {
        return true;
    }
    rc = ingest->ports.storage->ops->begin(ingest->ports.storage);
    if (rc < 0) {
        ingest_fail(ingest, rc);
        return false;
    }
    ingest->is_begun = true;
    ingest->begun_ms = ingest->ports.now_ms(ingest->ports.user);
    return true;
}

void ingest_set_due(struct ingest *ingest, const struct topic *topic, struct log_entry *entry)
{
    if (entry->is_due && strcmp(topic->device, entry->to_device) != 0) {
        /* Two gateways with one log in one transaction. Who finds no place asks again. */
        if (ingest->reply_count < REPLIES_MAX) {
            ingest->replies[ingest->reply_count++] = (struct reply){*topic, NULL, entry};
        }
        return;
    }
    (void)memcpy(entry->site, topic->site, sizeof entry->site);
    entry->seen_ms = ingest->ports.now_ms(ingest->ports.user);
    entry->is_offline = false;
    (void)memcpy(entry->to_device, topic->device, sizeof entry->to_device);
    if (!entry->is_due) {
        entry->is_due = true;
        entry->next_due = ingest->due;
        ingest->due = entry;
    }
}

/* Said at the first and then once an hour: somebody must look, and make room. */
static void complain_full(struct ingest *ingest, const char *topic_name, int64_t now_ms)
{
    struct alert alert = {.unix_ms = now_ms, .event = "quarantine-full"};
    uint8_t bytes[SMALL_MESSAGE_MAX];
    struct topic from;
    char topic[TOPIC_MAX];
    size_t size = 0;

    if (ingest->full_alert_ms != 0 && now_ms - ingest->full_alert_ms < ALERT_EVERY_MS) {
        return;
    }
    ingest->full_alert_ms = now_ms;
    ingest->counts.alerts++;
    log_err("the quarantine is full: messages that cannot be used are counted and no longer kept"
            " event=quarantine-full turned_away=%" PRIu64 " topic=%s",
        ingest->counts.turned_away, topic_name);
    (void)snprintf(alert.text, sizeof alert.text,
        "collector %s: the quarantine is full, unusable messages are only counted",
        ingest->collector_id);
    if (topic_parse(topic_name, &from) == 0 &&
        topic_format(topic, from.site, NULL, TOPIC_ALERT) == 0 &&
        alert_encode(&alert, bytes, sizeof bytes, &size) == 0) {
        (void)ingest->ports.publish(ingest->ports.user, topic, bytes, size);
    }
}

void ingest_quarantine(
    struct ingest *ingest, const char *topic, const char *reason, const uint8_t *bytes, size_t size)
{
    const struct storage_quarantined message = {
        .recv_ms = ingest->ports.now_ms(ingest->ports.user),
        .topic = topic,
        .reason = reason,
        .bytes = bytes,
        .size = size,
    };
    int rc = 0;

    if (!ingest_begin(ingest)) {
        return;
    }
    rc = ingest->ports.storage->ops->quarantine(
        ingest->ports.storage, &message, ingest->ports.quarantine_bytes_max);
    if (rc < 0) {
        ingest_fail(ingest, rc);
        return;
    }
    ingest->gathered += size;
    ingest->counts.quarantined++;
    if (rc > 0) {
        ingest->counts.turned_away++;
        complain_full(ingest, topic, message.recv_ms);
        return;
    }
    if (message.recv_ms - ingest->complained_ms >= COMPLAIN_EVERY_MS) {
        ingest->complained_ms = message.recv_ms;
        log_warn(
            "a message was set aside event=quarantined topic=%s size=%zu: %s", topic, size, reason);
    }
}

/* Refuse a message that names no log we could answer about. */
static void refuse(struct ingest *ingest, const struct topic *topic, const char *name,
    const char *reason, const uint8_t *bytes, size_t size)
{
    ingest_quarantine(ingest, name, reason, bytes, size);
    if (ingest->failure == 0 && ingest->reply_count < REPLIES_MAX) {
        ingest->replies[ingest->reply_count++] = (struct reply){*topic, reason, NULL};
    }
}

/* ---- logs --------------------------------------------------------------------------------- */

/* The entry as the store has it; a log the store does not have starts at nothing. */
static bool refresh(struct ingest *ingest, struct log_entry *entry)
{
    struct storage *storage = ingest->ports.storage;
    struct storage_log log;
    int rc = storage->ops->log_get(storage, entry->log.device_id, entry->log.epoch, NULL, &log);

    if (rc == 0) {
        entry->log = log;
    } else if (rc == -ENOENT) {
        entry->log.through_seq = 0;
        entry->log.has_public_key = false;
        chain_start(ingest->chain, entry->log.device_id, entry->log.epoch, entry->log.chain_head);
    } else {
        ingest_fail(ingest, rc);
        return false;
    }
    entry->is_in_store = rc == 0;
    entry->is_stale = false;
    return true;
}

struct log_entry *ingest_entry_of(struct ingest *ingest, const char *device_id, uint64_t epoch)
{
    struct log_entry *entry = log_table_find(&ingest->logs, device_id, epoch);
    struct storage_log log = {.epoch = epoch};

    if (entry == NULL) {
        (void)snprintf(log.device_id, sizeof log.device_id, "%s", device_id);
        entry = log_table_add(&ingest->logs, &log);
        if (entry == NULL) {
            ingest_fail(ingest, -ENOMEM);
            return NULL;
        }
        entry->is_stale = true;
    }
    if (entry->is_stale && !refresh(ingest, entry)) {
        return NULL;
    }
    return entry;
}

bool ingest_put_in_store(struct ingest *ingest, struct log_entry *entry)
{
    struct storage *storage = ingest->ports.storage;
    const struct log_entry *pinned = NULL;
    int rc = 0;

    if (!ingest_begin(ingest)) {
        return false;
    }
    if (entry->is_in_store) {
        return true;
    }
    pinned = log_table_key_of(&ingest->logs, entry->log.device_id);
    rc = storage->ops->log_get(
        storage, entry->log.device_id, entry->log.epoch, entry->log.chain_head, &entry->log);
    if (rc == 0 && pinned != NULL) {
        rc = storage->ops->log_set_key(storage, entry->log.log_id, pinned->log.public_key);
        (void)memcpy(entry->log.public_key, pinned->log.public_key, PUBLIC_KEY_SIZE);
        entry->log.has_public_key = true;
    }
    if (rc < 0) {
        ingest_fail(ingest, rc);
        return false;
    }
    entry->is_in_store = true;
    return true;
}

/* ---- messages ----------------------------------------------------------------------------- */

static void take_up(struct ingest *ingest, const struct topic *topic, const char *name,
    const uint8_t *bytes, size_t size)
{
    struct up_message message;
    const char *device_id = NULL;
    int rc = up_message_decode(bytes, size, &message);

    if (rc == -ENOMEM) {
        ingest_fail(ingest, rc);
        return;
    }
    if (rc < 0) {
        refuse(ingest, topic, name, "the message cannot be read", bytes, size);
        return;
    }
    device_id = message.kind == UP_HELLO ? message.hello.device_id : message.batch.device_id;
    if (!topic_name_is_valid(device_id)) {
        refuse(ingest, topic, name, "the message names no device", bytes, size);
    } else if (message.kind == UP_HELLO) {
        ingest_take_hello(ingest, topic, &message.hello);
    } else {
        ingest_take_batch(ingest, topic, name, &message.batch, bytes, size);
    }
    up_message_done(&message);
}

static int finish(struct ingest *ingest);

void ingest_message(struct ingest *ingest, const char *topic, const uint8_t *bytes, size_t size)
{
    struct topic parsed;
    struct device_state state;

    if (ingest->failure != 0 || topic_parse(topic, &parsed) < 0) {
        return;
    }
    ingest->counts.messages++;
    if (parsed.kind == TOPIC_UP) {
        take_up(ingest, &parsed, topic, bytes, size);
    } else if (parsed.kind == TOPIC_STATE && state_decode(bytes, size, &state) == 0) {
        ingest_take_state(ingest, &parsed, &state);
    }
    if (ingest->gathered >= INGEST_COMMIT_BYTES ||
        (ingest->is_begun &&
            ingest->ports.now_ms(ingest->ports.user) - ingest->begun_ms >= INGEST_COMMIT_MS)) {
        (void)finish(ingest); /* a failure stays for ingest_commit() */
    }
}

/* ---- answers ------------------------------------------------------------------------------ */

static void answer(
    struct ingest *ingest, const char *site, const char *device, const struct ack *ack)
{
    uint8_t bytes[SMALL_MESSAGE_MAX];
    char topic[TOPIC_MAX];
    size_t size = 0;

    if (topic_format(topic, site, device, TOPIC_ACK) == 0 &&
        ack_encode(ack, bytes, sizeof bytes, &size) == 0) {
        (void)ingest->ports.publish(ingest->ports.user, topic, bytes, size);
    }
}

/* What is to be said about a log; reason NULL: nothing. */
static void fill_ack(struct ack *ack, const struct log_entry *entry)
{
    (void)memcpy(ack->device_id, entry->log.device_id, sizeof ack->device_id);
    (void)memcpy(ack->chain_head, entry->log.chain_head, sizeof ack->chain_head);
    ack->epoch = entry->log.epoch;
    ack->through_seq = entry->log.through_seq;
    ack->wants_resend = entry->wants_resend;
    ack->resend_from_seq = entry->wants_resend ? entry->log.through_seq + 1 : 0;
    (void)snprintf(
        ack->reason, sizeof ack->reason, "%s", entry->reason != NULL ? entry->reason : "");
}

static void answer_replies(struct ingest *ingest, const struct ack *empty)
{
    for (size_t i = 0; i < ingest->reply_count; i++) {
        const struct reply *reply = &ingest->replies[i];
        struct ack ack = *empty;

        if (reply->entry != NULL) {
            fill_ack(&ack, reply->entry);
        } else {
            (void)snprintf(ack.device_id, sizeof ack.device_id, "%s", reply->topic.device);
            (void)snprintf(ack.reason, sizeof ack.reason, "%s", reply->reason);
        }
        answer(ingest, reply->topic.site, reply->topic.device, &ack);
    }
}

static void answer_all(struct ingest *ingest)
{
    struct ack ack = {.collector_unix_ms = ingest->ports.now_ms(ingest->ports.user)};

    (void)memcpy(ack.collector_id, ingest->collector_id, sizeof ack.collector_id);
    answer_replies(ingest, &ack);
    for (const struct log_entry *entry = ingest->due; entry != NULL; entry = entry->next_due) {
        fill_ack(&ack, entry);
        answer(ingest, entry->site, entry->to_device, &ack);
        if (entry->is_touched && ingest->ports.touched != NULL) {
            ingest->ports.touched(
                ingest->ports.user, entry->log.device_id, entry->touched_from, entry->touched_to);
        }
    }
}

const unsigned ingest_commit_bucket_ms[INGEST_COMMIT_BUCKETS] = {
    1, 2, 5, 10, 20, 50, 100, 500, 2000};

static int timed_commit(struct ingest *ingest)
{
    const struct ingest_ports *ports = &ingest->ports;
    uint64_t began_us = ports->now_us != NULL ? ports->now_us(ports->user) : 0;
    int rc = ports->storage->ops->commit(ports->storage);
    uint64_t took_us = ports->now_us != NULL ? ports->now_us(ports->user) - began_us : 0;

    if (rc == 0) {
        ingest->counts.commit_us += took_us;
        for (size_t i = 0; i < INGEST_COMMIT_BUCKETS; i++) {
            if (took_us <= ingest_commit_bucket_ms[i] * 1000u) {
                ingest->counts.commit_buckets[i]++;
                break;
            }
        }
    }
    return rc;
}

static int finish(struct ingest *ingest)
{
    if (ingest->failure == 0 && ingest->is_begun) {
        int rc = timed_commit(ingest);

        if (rc < 0) {
            ingest_fail(ingest, rc);
        } else {
            ingest->is_begun = false;
            ingest->counts.commits++;
            ingest->counts.batches += ingest->taken_batches;
            ingest->counts.records += ingest->taken_records;
            ingest->counts.inputs += ingest->taken_inputs;
        }
    }
    if (ingest->failure != 0) {
        return ingest->failure;
    }
    answer_all(ingest);
    forget_due(ingest, false);
    return 0;
}

int ingest_commit(struct ingest *ingest)
{
    int rc = finish(ingest);

    ingest->failure = 0;
    return rc;
}

struct ingest_counts ingest_counts(const struct ingest *ingest)
{
    return ingest->counts;
}

struct ingest_gauges ingest_gauges(const struct ingest *ingest)
{
    struct ingest_gauges gauges = {.devices = 0};
    int64_t silent_ms = ingest->ports.now_ms(ingest->ports.user) - INGEST_DEVICE_SILENT_MS;

    for (size_t i = 0; i < ingest->logs.capacity; i++) {
        const struct log_entry *entry = ingest->logs.slots[i];

        if (entry == NULL || !log_table_is_newest(&ingest->logs, entry)) {
            continue;
        }
        gauges.devices++;
        gauges.silent += entry->seen_ms < silent_ms && ingest->opened_ms < silent_ms;
        gauges.offline += entry->is_offline;
        if (entry->head_seq > entry->log.through_seq) {
            gauges.behind++;
            gauges.awaited += entry->head_seq - entry->log.through_seq;
        }
    }
    return gauges;
}

/* ---- opening ------------------------------------------------------------------------------ */

static int add_known(void *user, const struct storage_log *log)
{
    struct ingest *ingest = user;
    struct log_entry *entry = log_table_add(&ingest->logs, log);

    if (entry == NULL) {
        return -ENOMEM;
    }
    entry->is_in_store = true;
    entry->is_direct = log->through_seq > 0; /* unless a path says otherwise */
    return 0;
}

static int add_path(void *user, const struct storage_path *path)
{
    struct ingest *ingest = user;
    struct log_entry *entry = log_table_find(&ingest->logs, path->device_id, path->epoch);

    if (entry == NULL) {
        return 0;
    }
    /* Without a path it came from its device; the first one says what came before. */
    entry->is_direct = (entry->is_direct && path->first_seq > 1) || path->gateway_id[0] == '\0';
    (void)memcpy(entry->path, path->gateway_id, sizeof entry->path);
    if (path->gateway_id[0] != '\0') {
        log_entry_add_gateway(entry, path->gateway_id);
    }
    return 0;
}

int ingest_open(struct ingest **ret_ingest, const struct ingest_ports *ports,
    const char *collector_id, struct err *err)
{
    struct ingest *ingest = calloc(1, sizeof *ingest);
    int rc = 0;

    if (ingest == NULL) {
        return err_set(err, -ENOMEM, "ingest: out of memory");
    }
    ingest->ports = *ports;
    (void)snprintf(ingest->collector_id, sizeof ingest->collector_id, "%s", collector_id);
    ingest->opened_ms = ports->now_ms(ports->user);
    ingest->chain = chain_new();
    rc = ingest->chain == NULL ? -ENOMEM
                               : ports->storage->ops->logs(ports->storage, add_known, ingest);
    if (rc == 0) {
        rc = ports->storage->ops->paths(ports->storage, add_path, ingest);
    }
    if (rc < 0) {
        ingest_close(ingest);
        return err_set(err, rc, "ingest: cannot read the logs (%s)", err_name(rc));
    }
    *ret_ingest = ingest;
    return 0;
}

void ingest_close(struct ingest *ingest)
{
    if (ingest == NULL) {
        return;
    }
    if (ingest->is_begun) {
        ingest->ports.storage->ops->rollback(ingest->ports.storage);
    }
    log_table_done(&ingest->logs);
    chain_free(ingest->chain);
    free(ingest);
}
