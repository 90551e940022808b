/*
 * link_frame.h - the frames on the line between a tag reader and a gateway, both sides.
 *
 * On the line:  COBS( version type tx_seq ack_seq payload crc ) 00
 *   version   1 byte, LINK_VERSION; in a hello, a welcome and a refusal 1 for ever
 *   type      1 byte, enum link_type
 *   tx_seq    1 byte, numbers the sender's frames; a request that is repeated keeps its number
 *   ack_seq   1 byte, in an answer: tx_seq of the request; in a request: 0
 *   payload   0 to LINK_PAYLOAD_MAX bytes, a message of proto/link.h
 *   crc       4 bytes, CRC-32 (proto/crc32.h) of all before it, least significant byte first
 *
 * COBS (Cheshire and Baker, IEEE/ACM Trans. Networking 7-2, 1999) leaves no zero byte inside, so a
 * zero always ends a frame: whatever came before, the next good frame is taken. Both sides send a
 * zero before a frame as well, which ends the noise that a plug makes.
 *
 * Portable C11, no allocation, no libc but memcpy. Ownership: buffers are the caller's.
 */
#ifndef ECM_PROTO_LINK_FRAME_H
#define ECM_PROTO_LINK_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LINK_VERSION = 1,
    LINK_HEADER_SIZE = 4,
    LINK_CRC_SIZE = 4,
    /* 16 taps with what a batch needs for chain and signature; 112 ms at 115200 baud. */
    LINK_PAYLOAD_MAX = 1280,
    LINK_RAW_MAX = LINK_HEADER_SIZE + LINK_PAYLOAD_MAX + LINK_CRC_SIZE,
    /* A zero, one byte of COBS for each 254 begun, a zero. */
    LINK_FRAME_MAX = 1 + LINK_RAW_MAX + LINK_RAW_MAX / 254 + 1 + 1,
};

enum link_type {
    /* Tag reader to gateway: requests. */
    LINK_HELLO = 1,
    LINK_BATCH = 2,
    LINK_TIME_REQUEST = 3,
    LINK_STATE = 4,
    LINK_UPDATE_REQUEST = 5,
    LINK_UPDATE_RESULT = 6,
    LINK_COMMAND_RESULT = 7,
    /* Gateway to tag reader: answers. */
    LINK_WELCOME = 0x81,
    LINK_ACK = 0x82,
    LINK_TIME = 0x83,
    LINK_UPDATE_BLOCK = 0x85,
    LINK_REFUSAL = 0xff,
};

struct link_frame {
    uint8_t version;
    uint8_t type; /* any value */
    uint8_t tx_seq;
    uint8_t ack_seq;
    const uint8_t *payload; /* borrowed: until the decoder is fed again */
    size_t size;
};

/* Write frame as it goes on the line. Returns its size; 0 when it does not fit in capacity or its
 * payload is above LINK_PAYLOAD_MAX. */
size_t link_frame_encode(const struct link_frame *frame, uint8_t *bytes, size_t capacity);

struct link_decoder {
    uint8_t raw[LINK_RAW_MAX];
    size_t size;      /* bytes in raw */
    uint8_t left;     /* bytes of the COBS group still to come */
    bool owes_zero;   /* the group before ended with a zero, unless the frame ends here */
    bool is_spoilt;   /* too long: skip to the next zero */
    uint32_t bad;     /* frames that were none; a zero right behind a zero counts as nothing */
    uint32_t ignored; /* bytes in them */
};

/* Zeroed memory is a decoder too. */
void link_decoder_init(struct link_decoder *decoder);

/* Take one byte. true: a good frame has come, and is in *ret_frame. */
bool link_decoder_take(struct link_decoder *decoder, uint8_t byte, struct link_frame *ret_frame);

#endif
