/* fuzz_ack.c - any bytes: what decodes as an ack survives another round. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "proto/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ack first = {0};
    struct ack again = {0};
    uint8_t bytes[SMALL_MESSAGE_MAX];
    uint8_t once_more[SMALL_MESSAGE_MAX];
    size_t encoded = 0;
    size_t twice = 0;

    if (ack_decode(data, size, &first) < 0) {
        return 0;
    }
    assert(ack_encode(&first, bytes, sizeof bytes, &encoded) == 0);
    assert(encoded <= size);
    assert(ack_decode(bytes, encoded, &again) == 0);
    assert(ack_encode(&again, once_more, sizeof once_more, &twice) == 0);
    assert(twice == encoded && memcmp(bytes, once_more, encoded) == 0);
    return 0;
}
