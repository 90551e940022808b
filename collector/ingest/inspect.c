/* inspect.c - see inspect.h. */
#include "collector/ingest/inspect.h"

#include <string.h>

#include "base/chain.h"
#include "collector/storage/effective_time.h"

enum { DAY_S = 86400 };

static void widen(struct inspection *inspection, int64_t from_utc, int64_t to_utc)
{
    if (from_utc < inspection->first_tap_utc) {
        inspection->first_tap_utc = from_utc;
    }
    if (to_utc > inspection->last_tap_utc) {
        inspection->last_tap_utc = to_utc;
    }
}

static void take_tap(struct inspection *inspection, const struct record *record, int64_t recv_ms)
{
    int64_t stamped = effective_seconds(record->wall_ms);
    int64_t received = effective_seconds(recv_ms);

    if (record->wall_trust == WALL_SYNCED) {
        widen(inspection, stamped, stamped);
        return;
    }
    /* An anchor may yet come and place it: before now, and nobody knows how long before. */
    widen(inspection, 0, received + DAY_S);
    if (record->wall_trust == WALL_RTC) {
        widen(inspection, stamped, stamped);
    }
}

static void take_anchor(struct inspection *inspection, const struct record *record)
{
    if (record->wall_trust != WALL_SYNCED) {
        return;
    }
    for (size_t i = 0; i < inspection->anchor_count; i++) {
        if (inspection->anchors[i].boot_id == record->boot_id) {
            return;
        }
    }
    if (inspection->anchor_count < BATCH_RECORDS_MAX) {
        inspection->anchors[inspection->anchor_count++] = (struct storage_anchor){
            .boot_id = record->boot_id,
            .boot_ms = record->boot_ms,
            .seq = record->seq,
            .wall_ms = record->wall_ms,
            .uncertainty_ms = record->wall_uncertainty_ms,
        };
    }
}

static void take_input(struct inspection *inspection, const struct record *record)
{
    /* A batch has no more records than there are places. */
    inspection->inputs[inspection->input_count++] = (struct storage_input){
        .seq = record->seq,
        .kind = record->type == RECORD_TAMPER ? STORAGE_INPUT_CASE : STORAGE_INPUT_BUTTON,
        .which = record->input.which,
        .is_active = record->input.active,
        .boot_id = record->boot_id,
        .boot_ms = record->boot_ms,
        .wall_ms = record->wall_ms,
        .wall_trust = (int)record->wall_trust,
        .uncertainty_ms = record->wall_uncertainty_ms,
    };
}

void inspect_batch(struct chain *chain, const struct batch *batch, uint64_t from_seq,
    const uint8_t *head, int64_t recv_ms, struct inspection *ret_inspection)
{
    uint8_t at[CHAIN_SIZE];
    struct record record;

    ret_inspection->unreadable = 0;
    ret_inspection->first_tap_utc = INT64_MAX;
    ret_inspection->last_tap_utc = INT64_MIN;
    ret_inspection->anchor_count = 0;
    ret_inspection->input_count = 0;
    (void)memcpy(at, head, sizeof at);
    for (size_t i = (size_t)(from_seq - batch->first_seq); i < batch->record_count; i++) {
        const struct bytes_view *bytes = &batch->records[i];

        chain_next(chain, at, bytes->bytes, bytes->size, at);
        if (record_decode(bytes->bytes, bytes->size, &record) < 0 ||
            record.seq != batch->first_seq + i) {
            ret_inspection->unreadable++;
        } else if (record.type == RECORD_TAP) {
            take_tap(ret_inspection, &record, recv_ms);
        } else if (record.type == RECORD_CLOCK_SET) {
            take_anchor(ret_inspection, &record);
        } else if (record.type == RECORD_TAMPER || record.type == RECORD_BUTTON) {
            take_input(ret_inspection, &record);
        }
    }
    ret_inspection->chain_is_whole = memcmp(at, batch->chain_head, sizeof at) == 0;
}
