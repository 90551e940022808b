/* relay_report.c - what a relay tells about its tag readers, and what is asked of them. */
#include "gateway/relay_internal.h"

#include <errno.h>
#include <string.h>

#define SECOND_US 1000000u

int relay_command(struct relay *relay, const char *device_id, const struct command *command)
{
    for (int line = 0; line < RELAY_LINES_MAX; line++) {
        struct relay_line *here = relay->lines[line];

        if (here == NULL || here->log == NULL || strcmp(here->log->now.device_id, device_id) != 0) {
            continue;
        }
        if (here->has_command) {
            return -EBUSY;
        }
        here->has_command = true;
        here->command = *command;
        return 0;
    }
    return -ENOENT;
}

static void describe(
    const struct relay *relay, const struct relay_log *log, struct tag_reader_state *ret_state)
{
    uint64_t silent_s = (relay_now_us(relay) - log->heard_us) / SECOND_US;

    *ret_state = (struct tag_reader_state){
        .epoch = log->now.epoch,
        .is_online = log->line >= 0 && silent_s < RELAY_ONLINE_S,
        .head_seq = log->head_seq,
        .held_seq = log->stored.held_seq,
        .done_seq = log->now.done_seq,
        .silent_s = silent_s < UINT32_MAX ? (uint32_t)silent_s : UINT32_MAX,
        .reader_ok = log->state.reader_ok,
        .taps_refused = log->state.taps_refused,
    };
    memcpy(ret_state->device_id, log->now.device_id, sizeof ret_state->device_id);
    memcpy(ret_state->version, log->version, sizeof log->version);
    memcpy(ret_state->failed_update, log->failed_update, sizeof log->failed_update);
}

size_t relay_readers(struct relay *relay, struct tag_reader_state *ret_readers, size_t max)
{
    size_t count = 0;

    for (int is_away = 0; is_away <= 1; is_away++) {
        for (size_t i = 0; i < relay->log_count && count < max; i++) {
            const struct relay_log *log = relay->logs[i];

            if (log->heard_us != 0 && (log->line < 0) == (is_away == 1)) {
                describe(relay, log, &ret_readers[count++]);
            }
        }
    }
    return count;
}

void relay_counts(struct relay *relay, struct relay_counts *ret_counts)
{
    *ret_counts = relay->counts;
    for (size_t i = 0; i < relay->log_count; i++) {
        ret_counts->owed += relay->logs[i]->stored.held_seq > relay->logs[i]->now.done_seq
                                ? relay->logs[i]->stored.held_seq - relay->logs[i]->now.done_seq
                                : 0;
    }
    for (int line = 0; line < RELAY_LINES_MAX; line++) {
        if (relay->lines[line] != NULL) {
            ret_counts->frames_bad += relay->lines[line]->decoder.bad;
        }
    }
    ret_counts->store_bytes = relay_store_bytes(relay->store);
    ret_counts->store_bytes_max = relay_store_bytes_max(relay->store);
    ret_counts->is_full = relay->is_full;
}
