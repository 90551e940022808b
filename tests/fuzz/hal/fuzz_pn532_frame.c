/*
 * fuzz_pn532_frame.c - any bytes into the frame parser; what it accepts must encode again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/chip/pn532_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct pn532_frame *frame)
{
    uint8_t again[PN532_FRAME_MAX];
    struct pn532_frame second;
    size_t made = pn532_frame_encode(again, sizeof again, frame->tfi, frame->data, frame->size);

    if (made == 0 || pn532_frame_parse(again, made, &second) != 0 || second.size != frame->size ||
        memcmp(second.data, frame->data, frame->size) != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t at = 0;

    while (at < size) {
        struct pn532_frame frame;
        int rc = pn532_frame_parse(data + at, size - at, &frame);

        if (frame.consumed > size - at || (rc != -EAGAIN && frame.consumed == 0)) {
            abort();
        }
        if (rc == 0 && frame.kind == PN532_FRAME_DATA) {
            check_again(&frame);
        }
        if (rc == -EAGAIN) {
            break;
        }
        at += frame.consumed;
    }
    return 0;
}
