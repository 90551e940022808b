/* fuzz_up.c - any bytes: what decodes as a hello or a batch survives another round. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "proto/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_batch(const struct batch *batch, size_t size)
{
    static uint8_t bytes[BATCH_BYTES_MAX];
    uint8_t input[BATCH_SIGNING_INPUT_MAX];
    struct up_message again;
    size_t encoded = 0;

    assert(batch_encode(batch, bytes, sizeof bytes, &encoded) == 0);
    assert(encoded <= size);
    assert(batch_signing_input(batch, input) <= sizeof input);
    assert(up_message_decode(bytes, encoded, &again) == 0);
    assert(again.kind == UP_BATCH && again.batch.record_count == batch->record_count);
    for (size_t i = 0; i < batch->record_count; i++) {
        assert(again.batch.records[i].size == batch->records[i].size);
        assert(memcmp(again.batch.records[i].bytes, batch->records[i].bytes,
                   batch->records[i].size) == 0);
    }
    up_message_done(&again);
}

static void check_hello(const struct hello *hello, size_t size)
{
    uint8_t bytes[SMALL_MESSAGE_MAX];
    struct up_message again;
    size_t encoded = 0;

    assert(hello_encode(hello, bytes, sizeof bytes, &encoded) == 0);
    assert(encoded <= size);
    assert(up_message_decode(bytes, encoded, &again) == 0);
    assert(again.kind == UP_HELLO && again.hello.oldest_seq == hello->oldest_seq);
    up_message_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct up_message up;

    if (up_message_decode(data, size, &up) < 0) {
        return 0;
    }
    if (up.kind == UP_BATCH) {
        check_batch(&up.batch, size);
    } else {
        check_hello(&up.hello, size);
    }
    up_message_done(&up);
    return 0;
}
