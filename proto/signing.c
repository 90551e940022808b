/* signing.c - what a device signs; the same for both codecs. */
#include "proto/messages.h"

#include <string.h>

static size_t put_u64(uint8_t *at, uint64_t value)
{
    for (size_t i = 0; i < 8; i++) {
        at[i] = (uint8_t)(value >> (56 - 8 * i));
    }
    return 8;
}

size_t batch_signing_input(
    const struct batch *batch, uint8_t ret_input[static BATCH_SIGNING_INPUT_MAX])
{
    static const char purpose[] = "ecm.v1 batch"; /* with its zero byte */
    size_t id_size = strnlen(batch->device_id, DEVICE_ID_MAX);
    size_t size = sizeof purpose;

    memcpy(ret_input, purpose, sizeof purpose);
    memcpy(ret_input + size, batch->device_id, id_size);
    size += id_size;
    ret_input[size++] = 0;
    size += put_u64(ret_input + size, batch->epoch);
    size += put_u64(ret_input + size, batch->first_seq);
    size += put_u64(ret_input + size, batch->first_seq + batch->record_count - 1);
    memcpy(ret_input + size, batch->chain_head, sizeof batch->chain_head);
    return size + sizeof batch->chain_head;
}
