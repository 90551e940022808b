/*
 * up.c - what a device sends: hello and batch.
 *
 * A batch carries its records as opaque bytes: they are decoded one by one, by record_decode(), so
 * that one bad record does not make the others unreadable.
 */
#include "proto/messages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ecm.pb-c.h"
#include "proto/codec.h"
#include "proto/topics.h"

/* ---- values to bytes ---------------------------------------------------------------------- */

static bool hello_is_valid(const struct hello *hello)
{
    return topic_name_is_valid(hello->device_id) && limits_count_is_valid(hello->head_seq) &&
           hello->acked_seq <= hello->head_seq && hello->oldest_seq >= 1 &&
           hello->oldest_seq <= hello->head_seq + 1 &&
           limits_text_is_valid(hello->version, RECORD_TEXT_MAX);
}

int hello_encode(const struct hello *hello, uint8_t *bytes, size_t capacity, size_t *ret_size)
{
    Ecm__V1__Up up;
    Ecm__V1__Hello message;

    ecm__v1__up__init(&up);
    ecm__v1__hello__init(&message);
    if (!hello_is_valid(hello)) {
        return -EINVAL;
    }
    message.device_id = codec_view_text(hello->device_id);
    message.epoch = hello->epoch;
    message.head_seq = hello->head_seq;
    message.acked_seq = hello->acked_seq;
    message.oldest_seq = hello->oldest_seq;
    message.chain_before_oldest =
        codec_view(hello->chain_before_oldest, sizeof hello->chain_before_oldest);
    message.boot_id = hello->boot_id;
    message.version = codec_view_text(hello->version);
    if (hello->has_public_key) {
        message.public_key = codec_view(hello->public_key, sizeof hello->public_key);
    }
    up.kind_case = ECM__V1__UP__KIND_HELLO;
    up.hello = &message;
    return codec_pack(&up.base, SMALL_MESSAGE_MAX, bytes, capacity, ret_size);
}

/* Whether records first_seq.. of count can be numbered, and head_seq is not before the last. */
static bool range_is_valid(uint64_t first_seq, size_t count, uint64_t head_seq)
{
    return first_seq >= 1 && limits_count_is_valid(first_seq) && limits_count_is_valid(head_seq) &&
           count >= 1 && count <= BATCH_RECORDS_MAX && first_seq + (count - 1) <= head_seq;
}

int batch_encode(const struct batch *batch, uint8_t *bytes, size_t capacity, size_t *ret_size)
{
    Ecm__V1__Up up;
    Ecm__V1__Batch message;
    ProtobufCBinaryData records[BATCH_RECORDS_MAX];

    ecm__v1__up__init(&up);
    ecm__v1__batch__init(&message);
    if (!topic_name_is_valid(batch->device_id) ||
        !range_is_valid(batch->first_seq, batch->record_count, batch->head_seq)) {
        return -EINVAL;
    }
    for (size_t i = 0; i < batch->record_count; i++) {
        if (batch->records[i].size == 0 || batch->records[i].size > RECORD_BYTES_MAX) {
            return -EINVAL;
        }
        records[i] = codec_view(batch->records[i].bytes, batch->records[i].size);
    }
    message.device_id = codec_view_text(batch->device_id);
    message.epoch = batch->epoch;
    message.first_seq = batch->first_seq;
    message.n_records = batch->record_count;
    message.records = records;
    message.head_seq = batch->head_seq;
    message.chain_head = codec_view(batch->chain_head, sizeof batch->chain_head);
    if (batch->has_signature) {
        message.signature = codec_view(batch->signature, sizeof batch->signature);
    }
    up.kind_case = ECM__V1__UP__KIND_BATCH;
    up.batch = &message;
    return codec_pack(&up.base, BATCH_BYTES_MAX, bytes, capacity, ret_size);
}

/* ---- bytes to values ---------------------------------------------------------------------- */

static bool take_hello(struct hello *hello, const Ecm__V1__Hello *message)
{
    hello->epoch = message->epoch;
    hello->head_seq = message->head_seq;
    hello->acked_seq = message->acked_seq;
    hello->oldest_seq = message->oldest_seq;
    hello->boot_id = message->boot_id;
    hello->has_public_key = message->public_key.len > 0;
    return limits_take_id(hello->device_id, sizeof hello->device_id, message->device_id) &&
           limits_take_text(hello->version, sizeof hello->version, message->version) &&
           codec_take_bytes(hello->chain_before_oldest, sizeof hello->chain_before_oldest,
               &message->chain_before_oldest) &&
           (!hello->has_public_key || codec_take_bytes(hello->public_key, sizeof hello->public_key,
                                          &message->public_key)) &&
           hello_is_valid(hello);
}

static bool take_batch(struct batch *batch, const Ecm__V1__Batch *message)
{
    batch->epoch = message->epoch;
    batch->first_seq = message->first_seq;
    batch->record_count = message->n_records;
    batch->head_seq = message->head_seq;
    batch->has_signature = message->signature.len > 0;
    for (size_t i = 0; i < message->n_records; i++) {
        if (message->records[i].len == 0 || message->records[i].len > RECORD_BYTES_MAX) {
            return false;
        }
    }
    return limits_take_id(batch->device_id, sizeof batch->device_id, message->device_id) &&
           range_is_valid(batch->first_seq, batch->record_count, batch->head_seq) &&
           codec_take_bytes(batch->chain_head, sizeof batch->chain_head, &message->chain_head) &&
           (!batch->has_signature ||
               codec_take_bytes(batch->signature, sizeof batch->signature, &message->signature));
}

/* What up_message.storage points to: the message, and the views of its records. */
struct up_storage {
    ProtobufCMessage *message;
    struct bytes_view records[BATCH_RECORDS_MAX];
};

static int keep_records(struct up_message *up, const Ecm__V1__Batch *message)
{
    struct up_storage *storage = malloc(
        offsetof(struct up_storage, records) + message->n_records * sizeof storage->records[0]);

    if (storage == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < message->n_records; i++) {
        storage->records[i] =
            (struct bytes_view){.bytes = message->records[i].data, .size = message->records[i].len};
    }
    up->batch.records = storage->records;
    up->storage = storage;
    return 0;
}

static int take_up(struct up_message *up, const Ecm__V1__Up *message)
{
    switch (message->kind_case) {
    case ECM__V1__UP__KIND_HELLO:
        up->kind = UP_HELLO;
        return take_hello(&up->hello, message->hello) ? 0 : -EBADMSG;
    case ECM__V1__UP__KIND_BATCH:
        up->kind = UP_BATCH;
        return take_batch(&up->batch, message->batch) ? keep_records(up, message->batch) : -EBADMSG;
    case ECM__V1__UP__KIND__NOT_SET:
    case _ECM__V1__UP__KIND__CASE_IS_INT_SIZE:
        break;
    }
    return -EBADMSG;
}

int up_message_decode(const uint8_t *bytes, size_t size, struct up_message *ret_message)
{
    struct up_message up = {0};
    ProtobufCMessage *message = NULL;
    int rc = codec_unpack(&ecm__v1__up__descriptor, BATCH_BYTES_MAX, bytes, size, &message);

    if (rc < 0) {
        return rc;
    }
    rc = take_up(&up, (const Ecm__V1__Up *)message);
    if (rc < 0 || up.kind == UP_HELLO) {
        codec_free(message);
    } else {
        ((struct up_storage *)up.storage)->message = message;
    }
    if (rc == 0) {
        *ret_message = up;
    }
    return rc;
}

void up_message_done(struct up_message *message)
{
    struct up_storage *storage = message->storage;

    if (storage != NULL) {
        codec_free(storage->message);
        free(storage);
    }
    message->storage = NULL;
    message->batch.records = NULL;
    message->batch.record_count = 0;
}
