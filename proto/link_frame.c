/* link_frame.c - see link_frame.h. */
#include "proto/link_frame.h"

#include <string.h>

#include "proto/crc32.h"

enum { GROUP_MAX = 254 };

/* ---- to bytes ----------------------------------------------------------------------------- */

/* COBS: each group is its length + 1 and its bytes; after a group below GROUP_MAX comes a zero that
 * is not sent. */
struct stuffer {
    uint8_t *bytes;
    size_t size;
    size_t group; /* where the length of the open group stands */
};

static void stuff(struct stuffer *stuffer, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            stuffer->bytes[stuffer->size++] = bytes[i];
        }
        if (bytes[i] == 0 || stuffer->size - stuffer->group > GROUP_MAX) {
            stuffer->bytes[stuffer->group] = (uint8_t)(stuffer->size - stuffer->group);
            stuffer->group = stuffer->size++;
        }
    }
}

size_t link_frame_encode(const struct link_frame *frame, uint8_t *bytes, size_t capacity)
{
    const uint8_t header[LINK_HEADER_SIZE] = {
        frame->version, frame->type, frame->tx_seq, frame->ack_seq};
    struct stuffer stuffer = {.bytes = bytes, .size = 2, .group = 1};
    size_t raw = LINK_HEADER_SIZE + frame->size + LINK_CRC_SIZE;
    uint8_t tail[LINK_CRC_SIZE];
    uint32_t crc = 0;

    if (frame->size > LINK_PAYLOAD_MAX || capacity < 1 + raw + raw / GROUP_MAX + 1 + 1) {
        return 0;
    }
    crc = crc32_update(0, header, sizeof header);
    crc = crc32_update(crc, frame->payload, frame->size);
    for (size_t i = 0; i < sizeof tail; i++) {
        tail[i] = (uint8_t)(crc >> 8 * i);
    }
    bytes[0] = 0;
    stuff(&stuffer, header, sizeof header);
    stuff(&stuffer, frame->payload, frame->size);
    stuff(&stuffer, tail, sizeof tail);
    bytes[stuffer.group] = (uint8_t)(stuffer.size - stuffer.group);
    bytes[stuffer.size++] = 0;
    return stuffer.size;
}

/* ---- from bytes --------------------------------------------------------------------------- */

void link_decoder_init(struct link_decoder *decoder)
{
    decoder->size = 0;
    decoder->left = 0;
    decoder->owes_zero = false;
    decoder->is_spoilt = false;
    decoder->bad = 0;
    decoder->ignored = 0;
}

static void put(struct link_decoder *decoder, uint8_t byte)
{
    if (decoder->size == sizeof decoder->raw) {
        decoder->is_spoilt = true;
        return;
    }
    decoder->raw[decoder->size++] = byte;
}

static bool is_good(const struct link_decoder *decoder)
{
    uint32_t crc = 0;

    if (decoder->is_spoilt || decoder->left > 0 ||
        decoder->size < LINK_HEADER_SIZE + LINK_CRC_SIZE) {
        return false;
    }
    for (size_t i = 0; i < LINK_CRC_SIZE; i++) {
        crc |= (uint32_t)decoder->raw[decoder->size - LINK_CRC_SIZE + i] << 8 * i;
    }
    return crc32_update(0, decoder->raw, decoder->size - LINK_CRC_SIZE) == crc;
}

/* A zero has come. */
static bool end(struct link_decoder *decoder, struct link_frame *ret_frame)
{
    bool is_frame = is_good(decoder);

    if (is_frame) {
        ret_frame->version = decoder->raw[0];
        ret_frame->type = decoder->raw[1];
        ret_frame->tx_seq = decoder->raw[2];
        ret_frame->ack_seq = decoder->raw[3];
        ret_frame->payload = decoder->raw + LINK_HEADER_SIZE;
        ret_frame->size = decoder->size - LINK_HEADER_SIZE - LINK_CRC_SIZE;
    } else if (decoder->size > 0 || decoder->left > 0 || decoder->is_spoilt) {
        decoder->bad++;
        decoder->ignored += (uint32_t)decoder->size;
    }
    decoder->size = 0;
    decoder->left = 0;
    decoder->owes_zero = false;
    decoder->is_spoilt = false;
    return is_frame;
}

bool link_decoder_take(struct link_decoder *decoder, uint8_t byte, struct link_frame *ret_frame)
{
    if (byte == 0) {
        return end(decoder, ret_frame);
    }
    if (decoder->is_spoilt) {
        return false;
    }
    if (decoder->left > 0) {
        put(decoder, byte);
        decoder->left--;
        return false;
    }
    /* A group begins, so the one before was not the last. */
    if (decoder->owes_zero) {
        put(decoder, 0);
    }
    decoder->left = (uint8_t)(byte - 1);
    decoder->owes_zero = byte <= GROUP_MAX;
    return false;
}
