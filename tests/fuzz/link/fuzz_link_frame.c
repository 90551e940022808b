/* fuzz_link_frame.c - any bytes, then a good frame: it is taken. What is taken is encoded as it was. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "proto/link_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct link_frame *frame)
{
    static struct link_decoder again;
    static uint8_t bytes[LINK_FRAME_MAX];
    struct link_frame back;
    size_t length = link_frame_encode(frame, bytes, sizeof bytes);
    bool is_taken = false;

    assert(length > 0 && frame->size <= LINK_PAYLOAD_MAX);
    link_decoder_init(&again);
    for (size_t i = 0; i < length; i++) {
        is_taken = link_decoder_take(&again, bytes[i], &back);
    }
    assert(is_taken && back.size == frame->size && back.type == frame->type &&
           memcmp(back.payload, frame->payload, frame->size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct link_decoder decoder;
    const struct link_frame good = {LINK_VERSION, LINK_STATE, 3, 0, (const uint8_t *)"good", 4};
    uint8_t bytes[64];
    size_t length = link_frame_encode(&good, bytes, sizeof bytes);
    struct link_frame frame;
    unsigned count = 0;

    link_decoder_init(&decoder);
    for (size_t i = 0; i < size; i++) {
        if (link_decoder_take(&decoder, data[i], &frame)) {
            check(&frame);
        }
    }
    for (size_t i = 0; i < length; i++) {
        if (link_decoder_take(&decoder, bytes[i], &frame)) {
            count++;
        }
    }
    /* The zero before it may have ended a frame of the input. */
    assert(count >= 1 && frame.size == 4 && memcmp(frame.payload, "good", 4) == 0);
    return 0;
}
