/*
 * take_batch.c - what becomes of a batch: see ingest.h.
 *
 * Only a batch that continues the log after the mark is stored. That makes the mark alone enough to
 * tell what is here, and an append enough to store it.
 */
#include "collector/ingest/ingest_internal.h"

#include <string.h>

#include "base/chain.h"
#include "collector/storage/storage.h"

static bool signature_is_right(
    struct ingest *ingest, struct log_entry *entry, const struct batch *batch)
{
    uint8_t input[BATCH_SIGNING_INPUT_MAX];
    bool is_right = false;

    if (!entry->log.has_public_key) {
        return false;
    }
    is_right =
        batch->has_signature && signature_check(entry->log.public_key, input,
                                    batch_signing_input(batch, input), batch->signature) == 0;
    if (!is_right) {
        ingest->counts.unverified++;
        ingest_alert_raise(ingest, entry, ALERT_SIGNATURE);
    }
    return is_right;
}

static void touch(struct log_entry *entry, int64_t from_utc, int64_t to_utc)
{
    if (!entry->is_touched || from_utc < entry->touched_from) {
        entry->touched_from = from_utc;
    }
    if (!entry->is_touched || to_utc > entry->touched_to) {
        entry->touched_to = to_utc;
    }
    entry->is_touched = true;
}

static void note_touched(
    struct log_entry *entry, const struct inspection *inspection, int64_t now_ms)
{
    if (inspection->first_tap_utc <= inspection->last_tap_utc) {
        touch(entry, inspection->first_tap_utc, inspection->last_tap_utc);
    }
    /* An anchor places taps that came before, and nobody knows how long before. */
    if (inspection->anchor_count > 0) {
        touch(entry, 0, now_ms / 1000);
    }
}

static void append(struct ingest *ingest, const struct topic *topic, struct log_entry *entry,
    const struct batch *batch, struct bytes_view message)
{
    const struct inspection *inspection = &ingest->inspection;
    struct storage *storage = ingest->ports.storage;
    uint64_t last_seq = batch->first_seq + batch->record_count - 1;
    struct storage_batch row = {
        .log_id = entry->log.log_id,
        .first_seq = entry->log.through_seq + 1,
        .record_count = (uint32_t)(last_seq - entry->log.through_seq),
        .recv_ms = ingest->ports.now_ms(ingest->ports.user),
        .first_tap_utc = inspection->first_tap_utc,
        .last_tap_utc = inspection->last_tap_utc,
        .anchors = inspection->anchors,
        .anchor_count = inspection->anchor_count,
        .inputs = inspection->inputs,
        .input_count = inspection->input_count,
        .site = entry->site,
        .bytes = message.bytes,
        .size = message.size,
        .signature_is_verified =
            inspection->chain_is_whole && signature_is_right(ingest, entry, batch),
        .gateway_id = ingest_path_of(entry, topic),
    };
    int rc = 0;

    (void)memcpy(row.chain_head, batch->chain_head, sizeof row.chain_head);
    rc = storage->ops->batch_append(storage, &row);
    if (rc < 0) {
        ingest_fail(ingest, rc);
        return;
    }
    ingest->taken_records += row.record_count;
    entry->log.through_seq = last_seq;
    (void)memcpy(entry->log.chain_head, batch->chain_head, sizeof entry->log.chain_head);
    entry->wants_resend = false;
    entry->refused_seq = 0;
    entry->gap_since_ms = 0;
    ingest->gathered += message.size;
    ingest->taken_batches++;
    ingest->taken_inputs += inspection->input_count;
    note_touched(entry, inspection, row.recv_ms);
}

/* The batch goes on where our log ends: believe it, or ask once more. */
static void take_next(struct ingest *ingest, const struct topic *topic, const char *name,
    struct log_entry *entry, const struct batch *batch, const uint8_t *bytes, size_t size)
{
    if (strcmp(topic->device, batch->device_id) != 0 &&
        !ingest_relay_may_store(ingest, name, entry, batch, bytes, size)) {
        return;
    }
    if (!ingest_put_in_store(ingest, entry)) {
        return;
    }
    inspect_batch(ingest->chain, batch, entry->log.through_seq + 1, entry->log.chain_head,
        ingest->ports.now_ms(ingest->ports.user), &ingest->inspection);
    if (!ingest->inspection.chain_is_whole) {
        ingest->counts.chain_faults++;
        ingest_alert_raise(ingest, entry, ALERT_CHAIN);
        ingest_quarantine(ingest, name, "the batch does not continue the chain", bytes, size);
        if (ingest->failure != 0) {
            return;
        }
        if (entry->refused_seq != batch->first_seq) {
            entry->refused_seq = batch->first_seq;
            entry->wants_resend = true;
            entry->reason = "the batch does not continue the chain";
            return;
        }
    }
    if (ingest->inspection.unreadable > 0) {
        ingest_alert_raise(ingest, entry, ALERT_RECORD);
        ingest_quarantine(ingest, name, "a record in the batch cannot be read", bytes, size);
    }
    if (ingest->failure == 0) {
        append(ingest, topic, entry, batch, (struct bytes_view){bytes, size});
    }
}

void ingest_take_batch(struct ingest *ingest, const struct topic *topic, const char *name,
    const struct batch *batch, const uint8_t *bytes, size_t size)
{
    struct log_entry *entry = ingest_entry_of(ingest, batch->device_id, batch->epoch);
    uint64_t last_seq = batch->first_seq + batch->record_count - 1;

    if (entry == NULL) {
        return;
    }
    ingest_set_due(ingest, topic, entry);
    entry->heard_ms = ingest->ports.now_ms(ingest->ports.user);
    entry->head_seq = batch->head_seq;
    if (strcmp(topic->device, batch->device_id) != 0) {
        log_entry_add_gateway(entry, topic->device);
    } else {
        entry->is_direct = true;
    }
    if (last_seq <= entry->log.through_seq) {
        ingest->counts.repeated++;
        if (last_seq == entry->log.through_seq &&
            memcmp(batch->chain_head, entry->log.chain_head, STORAGE_HASH_SIZE) != 0) {
            ingest_alert_raise(ingest, entry, ALERT_REWRITTEN);
            ingest_quarantine(ingest, name, "other records under known numbers", bytes, size);
        }
    } else if (batch->first_seq > entry->log.through_seq + 1) {
        /* Behind a gap. */
        ingest->counts.ahead++;
        entry->wants_resend = true;
    } else {
        /* Also one that begins before the mark: another gateway cut the log elsewhere. What is new
         * in it continues our chain, so what is not new is what we have. */
        take_next(ingest, topic, name, entry, batch, bytes, size);
    }
}
