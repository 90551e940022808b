/*
 * relayed.c - what is different when a gateway brings the log of a tag reader; ingest_internal.h.
 *
 * A gateway is trusted to carry, not to speak for others: what proves a record is the signature of
 * the device that made it. Only for a device of which no key is known and which never spoke for
 * itself is the gateway's word taken, and then it is said so.
 */
#include "collector/ingest/ingest_internal.h"

#include <string.h>

#include "base/chain.h"

static bool is_signed(const struct batch *batch, const uint8_t *key)
{
    uint8_t input[BATCH_SIGNING_INPUT_MAX];

    return batch->has_signature &&
           signature_check(key, input, batch_signing_input(batch, input), batch->signature) == 0;
}

/* A batch that comes again and again is kept once. */
static void refuse(struct ingest *ingest, const char *name, struct log_entry *entry,
    const struct batch *batch, struct bytes_view message)
{
    static const char reason[] = "a relayed batch must be signed by the device's own key";

    ingest_alert_raise(ingest, entry, ALERT_RELAY_REFUSED);
    if (entry->refused_seq != batch->first_seq) {
        ingest_quarantine(ingest, name, reason, message.bytes, message.size);
    }
    entry->refused_seq = batch->first_seq;
    entry->reason = reason;
}

bool ingest_relay_may_store(struct ingest *ingest, const char *name, struct log_entry *entry,
    const struct batch *batch, const uint8_t *bytes, size_t size)
{
    const struct log_entry *pinned =
        entry->log.has_public_key ? entry : log_table_key_of(&ingest->logs, entry->log.device_id);
    bool is_proven = pinned != NULL && is_signed(batch, pinned->log.public_key);

    if (is_proven) {
        return true;
    }
    if (pinned != NULL || log_table_is_direct(&ingest->logs, entry->log.device_id)) {
        refuse(ingest, name, entry, batch, (struct bytes_view){bytes, size});
        return false;
    }
    ingest->counts.unverified++;
    ingest_alert_raise(ingest, entry, ALERT_RELAY_UNSIGNED);
    return true;
}

bool ingest_relay_may_pin(struct ingest *ingest, const struct log_entry *entry)
{
    /* Where there is a key already the other one is only compared with it. */
    return log_table_key_of(&ingest->logs, entry->log.device_id) != NULL ||
           !log_table_is_direct(&ingest->logs, entry->log.device_id);
}

static void ask_others(
    struct ingest *ingest, const struct topic *topic, const struct log_entry *entry)
{
    for (size_t i = 0; i < GATEWAYS_MAX; i++) {
        struct topic to = *topic;

        if (entry->gateways[i][0] == '\0' || strcmp(entry->gateways[i], topic->device) == 0 ||
            ingest->reply_count == REPLIES_MAX) {
            continue;
        }
        (void)memcpy(to.device, entry->gateways[i], sizeof to.device);
        ingest->replies[ingest->reply_count++] = (struct reply){to, NULL, entry};
    }
}

bool ingest_relay_gap_is_real(
    struct ingest *ingest, const struct topic *topic, struct log_entry *entry)
{
    int64_t now_ms = ingest->ports.now_ms(ingest->ports.user);

    if (entry->gap_since_ms == 0) {
        entry->gap_since_ms = now_ms;
        entry->gap_asked_ms = 0;
    }
    if (now_ms - entry->gap_since_ms >= INGEST_RELAY_GAP_MS) {
        entry->gap_since_ms = 0;
        return true;
    }
    if (now_ms - entry->gap_asked_ms >= INGEST_RELAY_ASK_MS) {
        entry->gap_asked_ms = now_ms;
        ingest_alert_raise(ingest, entry, ALERT_RELAY_GAP);
        ask_others(ingest, topic, entry);
    }
    return false;
}

const char *ingest_path_of(struct log_entry *entry, const struct topic *topic)
{
    bool is_relayed = strcmp(topic->device, entry->log.device_id) != 0;
    const char *path = is_relayed ? topic->device : "";

    if (strcmp(path, entry->path) == 0 && !entry->is_path_unsure) {
        return NULL;
    }
    if (!is_relayed && entry->path[0] == '\0' && entry->gateways[0][0] == '\0') {
        return NULL; /* never was relayed */
    }
    (void)memcpy(
        entry->path, is_relayed ? topic->device : "\0", is_relayed ? sizeof entry->path : 1);
    entry->is_path_unsure = false;
    return entry->path;
}
