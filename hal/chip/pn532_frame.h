/*
 * pn532_frame.h - the frames a PN532 and its host exchange, without any bus.
 *
 * Source: NXP UM0701-02 section 6.2.1. Normal frame 00 00 FF LEN LCS TFI data DCS 00, extended
 * frame 00 00 FF FF FF LENm LENl LCS TFI data DCS 00, ACK, NACK and error frame.
 *
 * Pure functions: no state, no allocation.
 */
#ifndef ECM_HAL_CHIP_PN532_FRAME_H
#define ECM_HAL_CHIP_PN532_FRAME_H

#include <stddef.h>
#include <stdint.h>

enum {
    PN532_TFI_HOST = 0xD4,
    PN532_TFI_CHIP = 0xD5,
    PN532_TFI_ERROR = 0x7F,
    PN532_DATA_MAX = 264,      /* after TFI: code and 263 more (libnfc, nfcpy) */
    PN532_FRAME_OVERHEAD = 11, /* of an extended frame: all but the data */
    PN532_FRAME_MAX = PN532_DATA_MAX + PN532_FRAME_OVERHEAD,
    PN532_ACK_SIZE = 6,
};

enum pn532_frame_kind {
    PN532_FRAME_DATA,
    PN532_FRAME_ACK,
    PN532_FRAME_NACK,
    PN532_FRAME_ERROR, /* the chip did not understand the command */
};

struct pn532_frame {
    enum pn532_frame_kind kind;
    uint8_t tfi;         /* DATA */
    const uint8_t *data; /* DATA: what follows TFI, inside the parsed bytes */
    size_t size;         /* DATA: of data, 0 to PN532_DATA_MAX */
    size_t consumed;     /* bytes that need not be looked at again */
};

extern const uint8_t pn532_ack_frame[PN532_ACK_SIZE];
extern const uint8_t pn532_nack_frame[PN532_ACK_SIZE];

/*
 * Put the frame that carries data into frame, which has capacity bytes. Returns its size, or 0
 * when data is larger than PN532_DATA_MAX or does not fit.
 */
size_t pn532_frame_encode(
    uint8_t *frame, size_t capacity, uint8_t tfi, const uint8_t *data, size_t size);

/*
 * Find the first frame in bytes, whatever stands in front of it.
 *
 * 0: *ret_frame is it. -EAGAIN: no whole frame yet. -EBADMSG: there is one, but its length or
 * checksum is wrong. consumed is set in every case; after -EAGAIN it counts noise in front that
 * can be dropped, after -EBADMSG it steps over the broken start so that a search can go on.
 */
int pn532_frame_parse(const uint8_t *bytes, size_t size, struct pn532_frame *ret_frame);

#endif
