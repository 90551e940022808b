/* fuzz_state.c - any bytes: what decodes as a state survives another round. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "proto/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct device_state first = {0};
    struct device_state again = {0};
    uint8_t bytes[STATE_MESSAGE_MAX];
    uint8_t once_more[STATE_MESSAGE_MAX];
    size_t encoded = 0;
    size_t twice = 0;

    if (state_decode(data, size, &first) < 0) {
        return 0;
    }
    assert(state_encode(&first, bytes, sizeof bytes, &encoded) == 0);
    assert(encoded <= size);
    assert(state_decode(bytes, encoded, &again) == 0);
    assert(state_encode(&again, once_more, sizeof once_more, &twice) == 0);
    assert(twice == encoded && memcmp(bytes, once_more, encoded) == 0);
    return 0;
}
