/* nano_batch.c - a batch and the result of a command, to bytes, over nanopb. Mirrors proto/up.c. */
#include "proto/messages.h"

#include <errno.h>
#include <pb_encode.h>
#include <string.h>

#include "ecm.pb.h"
#include "proto/limits.h"
#include "proto/nano/nano.h"
#include "proto/topics.h"

static bool write_records(pb_ostream_t *stream, const pb_field_t *field, void *const *arg)
{
    const struct batch *batch = *arg;

    for (size_t i = 0; i < batch->record_count; i++) {
        if (!pb_encode_tag_for_field(stream, field) ||
            !pb_encode_string(stream, batch->records[i].bytes, batch->records[i].size)) {
            return false;
        }
    }
    return true;
}

static bool batch_is_valid(const struct batch *batch)
{
    if (!topic_name_is_valid(batch->device_id) || batch->first_seq == 0 ||
        !limits_count_is_valid(batch->first_seq) || !limits_count_is_valid(batch->head_seq) ||
        batch->record_count == 0 || batch->record_count > BATCH_RECORDS_MAX ||
        batch->first_seq + (batch->record_count - 1) > batch->head_seq) {
        return false;
    }
    for (size_t i = 0; i < batch->record_count; i++) {
        if (batch->records[i].size == 0 || batch->records[i].size > RECORD_BYTES_MAX) {
            return false;
        }
    }
    return true;
}

int batch_encode(const struct batch *batch, uint8_t *bytes, size_t capacity, size_t *ret_size)
{
    ecm_v1_Up up = ecm_v1_Up_init_zero;
    ecm_v1_Batch *message = &up.kind.batch;

    if (!batch_is_valid(batch)) {
        return -EINVAL;
    }
    up.which_kind = ecm_v1_Up_batch_tag;
    memcpy(message->device_id, batch->device_id, strlen(batch->device_id) + 1);
    message->epoch = batch->epoch;
    message->first_seq = batch->first_seq;
    message->records.funcs.encode = write_records;
    message->records.arg = (void *)(uintptr_t)batch;
    message->head_seq = batch->head_seq;
    message->chain_head.size = MESSAGE_HASH_SIZE;
    memcpy(message->chain_head.bytes, batch->chain_head, MESSAGE_HASH_SIZE);
    if (batch->has_signature) {
        message->signature.size = MESSAGE_SIGNATURE_SIZE;
        memcpy(message->signature.bytes, batch->signature, MESSAGE_SIGNATURE_SIZE);
    }
    return nano_encode(ecm_v1_Up_fields, &up, BATCH_BYTES_MAX, bytes, capacity, ret_size);
}

int command_result_encode(
    const struct command_result *r, uint8_t *bytes, size_t capacity, size_t *ret_size)
{
    ecm_v1_CommandResult message = ecm_v1_CommandResult_init_zero;

    if (!limits_text_is_valid(r->text, RECORD_TEXT_MAX)) {
        return -EINVAL;
    }
    message.command_id = r->command_id;
    message.code = r->code;
    memcpy(message.text, r->text, strlen(r->text) + 1);
    return nano_encode(
        ecm_v1_CommandResult_fields, &message, SMALL_MESSAGE_MAX, bytes, capacity, ret_size);
}
