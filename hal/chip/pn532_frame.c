/*
 * pn532_frame.c - encode and find frames.
 *
 * The search looks for the start code 00 FF anywhere: the preamble may be longer than one 00
 * (libnfc #289 is what happens when that is not allowed for), and on a UART anything may come
 * before it.
 */
#include "hal/chip/pn532_frame.h"

#include <errno.h>
#include <string.h>

enum { NORMAL_LENGTH_MAX = 255, HEADER_SIZE = 2, EXTENDED_HEADER_SIZE = 5 };

const uint8_t pn532_ack_frame[PN532_ACK_SIZE] = {0x00, 0x00, 0xFF, 0x00, 0xFF, 0x00};
const uint8_t pn532_nack_frame[PN532_ACK_SIZE] = {0x00, 0x00, 0xFF, 0xFF, 0x00, 0x00};

static size_t put_header(uint8_t *frame, size_t length)
{
    size_t at = 0;

    frame[at++] = 0x00;
    frame[at++] = 0x00;
    frame[at++] = 0xFF;
    if (length <= NORMAL_LENGTH_MAX) {
        frame[at++] = (uint8_t)length;
        frame[at++] = (uint8_t)(0u - length);
        return at;
    }
    frame[at++] = 0xFF;
    frame[at++] = 0xFF;
    frame[at++] = (uint8_t)(length >> 8);
    frame[at++] = (uint8_t)length;
    frame[at++] = (uint8_t)(0u - (length >> 8) - length);
    return at;
}

size_t pn532_frame_encode(
    uint8_t *frame, size_t capacity, uint8_t tfi, const uint8_t *data, size_t size)
{
    size_t overhead =
        size + 1 <= NORMAL_LENGTH_MAX ? PN532_FRAME_OVERHEAD - 3 : PN532_FRAME_OVERHEAD;
    uint8_t sum = tfi;
    size_t at = 0;

    if (size > PN532_DATA_MAX || size + overhead > capacity) {
        return 0;
    }
    at = put_header(frame, size + 1);
    frame[at++] = tfi;
    for (size_t i = 0; i < size; i++) {
        frame[at++] = data[i];
        sum = (uint8_t)(sum + data[i]);
    }
    frame[at++] = (uint8_t)(0u - sum);
    frame[at++] = 0x00;
    return at;
}

/* Index of the 00 of the first start code 00 FF, or size when there is none. */
static size_t find_start(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++) {
        if (bytes[i] == 0x00 && bytes[i + 1] == 0xFF) {
            return i;
        }
    }
    return size;
}

/* How many bytes of a search without result can go; a final 00 may begin a start code. */
static size_t noise_size(const uint8_t *bytes, size_t size)
{
    return size > 0 && bytes[size - 1] == 0x00 ? size - 1 : size;
}

/* The postamble belongs to the frame when it is already there. */
static size_t with_postamble(const uint8_t *bytes, size_t size, size_t end)
{
    return end < size && bytes[end] == 0x00 ? end + 1 : end;
}

/*
 * Read the length at header (left bytes). 0: *ret_length data bytes follow *ret_header_size bytes.
 */
static int parse_length(
    const uint8_t *header, size_t left, size_t *ret_header_size, size_t *ret_length)
{
    if (header[0] == 0xFF && header[1] == 0xFF) {
        if (left < EXTENDED_HEADER_SIZE) {
            return -EAGAIN;
        }
        *ret_header_size = EXTENDED_HEADER_SIZE;
        *ret_length = (size_t)header[2] << 8 | header[3];
        if ((uint8_t)(header[2] + header[3] + header[4]) != 0 || *ret_length == 0 ||
            *ret_length > PN532_DATA_MAX + 1) {
            return -EBADMSG;
        }
        return 0;
    }
    *ret_header_size = HEADER_SIZE;
    *ret_length = header[0];
    return (uint8_t)(header[0] + header[1]) != 0 || header[0] == 0 ? -EBADMSG : 0;
}

static int parse_data(
    const uint8_t *bytes, size_t size, size_t start, struct pn532_frame *ret_frame)
{
    const uint8_t *header = bytes + start + 2;
    size_t left = size - start - 2;
    size_t header_size = 0;
    size_t length = 0;
    uint8_t sum = 0;
    int rc = parse_length(header, left, &header_size, &length);

    if (rc < 0) {
        return rc;
    }
    if (left < header_size + length + 1) {
        return -EAGAIN;
    }
    for (size_t i = 0; i <= length; i++) {
        sum = (uint8_t)(sum + header[header_size + i]);
    }
    if (sum != 0) {
        return -EBADMSG;
    }
    ret_frame->tfi = header[header_size];
    ret_frame->data = header + header_size + 1;
    ret_frame->size = length - 1;
    ret_frame->kind =
        length == 1 && ret_frame->tfi == PN532_TFI_ERROR ? PN532_FRAME_ERROR : PN532_FRAME_DATA;
    ret_frame->consumed = with_postamble(bytes, size, start + 2 + header_size + length + 1);
    return 0;
}

int pn532_frame_parse(const uint8_t *bytes, size_t size, struct pn532_frame *ret_frame)
{
    size_t start = find_start(bytes, size);
    const uint8_t *header = bytes + start + 2;
    int rc = 0;

    *ret_frame = (struct pn532_frame){.kind = PN532_FRAME_DATA};
    if (start == size) {
        ret_frame->consumed = noise_size(bytes, size);
        return -EAGAIN;
    }
    ret_frame->consumed = start;
    if (size - start < 2 + HEADER_SIZE) {
        return -EAGAIN;
    }
    if ((header[0] == 0x00 && header[1] == 0xFF) || (header[0] == 0xFF && header[1] == 0x00)) {
        ret_frame->kind = header[0] == 0x00 ? PN532_FRAME_ACK : PN532_FRAME_NACK;
        ret_frame->consumed = with_postamble(bytes, size, start + 2 + HEADER_SIZE);
        return 0;
    }
    rc = parse_data(bytes, size, start, ret_frame);
    if (rc == -EBADMSG) {
        ret_frame->consumed = start + 2;
    }
    return rc;
}
