/* take_hello.c - a device says where its log stands: at the start, and in its heartbeat. */
#include "collector/ingest/ingest_internal.h"

#include <string.h>

#include "base/chain.h"
#include "collector/storage/storage.h"

static void take_key(struct ingest *ingest, struct log_entry *entry, const uint8_t *key)
{
    struct storage *storage = ingest->ports.storage;
    int rc = 0;

    if (!entry->log.has_public_key) {
        if (!ingest_put_in_store(ingest, entry)) {
            return;
        }
    }
    if (entry->log.has_public_key) {
        if (memcmp(entry->log.public_key, key, PUBLIC_KEY_SIZE) != 0) {
            ingest_alert_raise(ingest, entry, ALERT_KEY);
        }
        return;
    }
    rc = storage->ops->log_set_key(storage, entry->log.log_id, key);
    if (rc < 0) {
        ingest_fail(ingest, rc);
        return;
    }
    (void)memcpy(entry->log.public_key, key, PUBLIC_KEY_SIZE);
    entry->log.has_public_key = true;
}

/* What lies between our mark and the device's oldest record will never come. */
static void take_gap(struct ingest *ingest, struct log_entry *entry, const struct hello *hello)
{
    struct storage *storage = ingest->ports.storage;
    int rc = 0;

    ingest->counts.gaps++;
    ingest_alert_raise(ingest, entry, ALERT_GAP);
    if (!ingest_put_in_store(ingest, entry)) {
        return;
    }
    rc = storage->ops->log_skip(storage, entry->log.log_id, hello->oldest_seq - 1,
        hello->chain_before_oldest, ingest->ports.now_ms(ingest->ports.user));
    if (rc < 0) {
        ingest_fail(ingest, rc);
        return;
    }
    entry->log.through_seq = hello->oldest_seq - 1;
    (void)memcpy(entry->log.chain_head, hello->chain_before_oldest, sizeof entry->log.chain_head);
}

/*
 * What a gateway says about the log of a tag reader. It may hold less than other gateways brought,
 * so a log that ends before ours is nothing, and one that begins behind ours is no gap yet.
 */
static void take_relayed(struct ingest *ingest, const struct topic *topic, struct log_entry *entry,
    const struct hello *hello)
{
    log_entry_add_gateway(entry, topic->device);
    if (hello->has_public_key && ingest_relay_may_pin(ingest, entry)) {
        take_key(ingest, entry, hello->public_key);
    }
    if (ingest->failure != 0) {
        return;
    }
    if (hello->oldest_seq <= entry->log.through_seq + 1 ||
        hello->head_seq <= entry->log.through_seq) {
        if (hello->acked_seq > entry->log.through_seq) {
            entry->wants_resend = true;
        }
        return;
    }
    if (ingest_relay_gap_is_real(ingest, topic, entry)) {
        take_gap(ingest, entry, hello);
    } else {
        entry->wants_resend = true;
    }
}

void ingest_take_hello(struct ingest *ingest, const struct topic *topic, const struct hello *hello)
{
    struct log_entry *entry = ingest_entry_of(ingest, hello->device_id, hello->epoch);

    if (entry == NULL) {
        return;
    }
    ingest_set_due(ingest, topic, entry);
    if (strcmp(topic->device, hello->device_id) != 0) {
        take_relayed(ingest, topic, entry, hello);
        return;
    }
    entry->is_direct = true;
    /* A log that was followed by another one does not come back, unless there are two devices. */
    if (entry->greeted != 0 && log_table_greeted_since(&ingest->logs, entry)) {
        ingest_alert_raise(ingest, entry, ALERT_TWICE);
    }
    entry->greeted = ++ingest->greetings;
    entry->head_seq = hello->head_seq;
    if (hello->has_public_key) {
        take_key(ingest, entry, hello->public_key);
    }
    if (ingest->failure != 0) {
        return;
    }
    if (hello->head_seq < entry->log.through_seq) {
        ingest_alert_raise(ingest, entry, ALERT_ROLLED_BACK);
    } else if (hello->oldest_seq > entry->log.through_seq + 1) {
        take_gap(ingest, entry, hello);
    }
    if (ingest->failure == 0 && hello->acked_seq > entry->log.through_seq) {
        entry->wants_resend = true;
    }
}

void ingest_take_state(
    struct ingest *ingest, const struct topic *topic, const struct device_state *state)
{
    struct log_entry *entry = log_table_find(&ingest->logs, state->device_id, state->epoch);
    int64_t now_ms = ingest->ports.now_ms(ingest->ports.user);

    if (entry != NULL && strcmp(state->device_id, topic->device) == 0) {
        entry->seen_ms = now_ms;
        entry->is_offline = !state->online;
        entry->head_seq = state->online ? state->head_seq : entry->head_seq;
    }
    if (!state->online || state->head_seq == 0 || strcmp(state->device_id, topic->device) != 0) {
        return;
    }
    entry = ingest_entry_of(ingest, state->device_id, state->epoch);
    if (entry == NULL || state->head_seq <= entry->log.through_seq) {
        return;
    }
    if (state->acked_seq > entry->log.through_seq ||
        now_ms - entry->heard_ms >= INGEST_SILENCE_MS) {
        ingest_set_due(ingest, topic, entry);
        entry->wants_resend = true;
    }
}
