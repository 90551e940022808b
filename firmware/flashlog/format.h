/*
 * format.h - the bytes of the flash log: what a slot of 128 bytes says. docs/FLASHLOG.md is the prose.
 *
 * All numbers are little-endian. A sector has 32 slots: slot 0 is its header, 1 to 31 hold records.
 *
 * header, first part, programmed when the sector was erased
 *    0  4  magic "ECMA"
 *    4  1  version of the format: 1
 *    5  1  slots in a sector: 32
 *    6  2  sectors in the partition
 *    8  4  how often this sector was erased
 *   12  4  CRC-32 of bytes 0 to 11
 * header, second part, programmed when the sector is begun
 *   16  4  magic "ECMB"
 *   20  4  lap: 1 for the first sector ever begun, then one more each time; the newest has the most
 *   24  8  first_seq: of the first record here
 *   32  8  done_seq: everything up to it was done at that moment
 *   40  8  epoch
 *   48 32  chain head before first_seq
 *   80 32  device id, filled up with zeros
 *  112  4  how often this sector was erased, again
 *  116  8  FF
 *  124  4  CRC-32 of bytes 16 to 123
 * record
 *    0  1  size, 1 to 112; 0: this slot was given up
 *    1  1  type: 1, a record
 *    2  2  0
 *    4  8  seq
 *   12 112 the record, filled up with FF
 *  124  4  CRC-32 of the epoch (8 bytes) and bytes 0 to 123
 *
 * The epoch is in the record's check so that what an older log left behind can not be taken for ours.
 *
 * Threads: pure.
 */
#ifndef ECM_FIRMWARE_FLASHLOG_FORMAT_H
#define ECM_FIRMWARE_FLASHLOG_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FORMAT_VERSION = 1,
    FORMAT_SLOT = 128,
    FORMAT_SLOTS = 32,
    FORMAT_BEGUN_AT = 16, /* second part of a header */
    FORMAT_PAYLOAD = 112,
    FORMAT_PAYLOAD_AT = 12,
    FORMAT_ID_SIZE = 32,
    FORMAT_CHAIN_SIZE = 32,
};

/* The first part of a header. */
struct format_erased {
    uint8_t version;
    uint8_t slots;
    uint16_t sectors;
    uint32_t erases;
};

/* The second part. */
struct format_begun {
    uint32_t lap;
    uint64_t first_seq;
    uint64_t done_seq;
    uint64_t epoch;
    uint8_t chain[FORMAT_CHAIN_SIZE];
    char device_id[FORMAT_ID_SIZE + 1];
    uint32_t erases;
};

struct format_record {
    uint64_t seq;
    uint8_t size;
    const uint8_t *bytes; /* in the slot */
};

/* Fill bytes 0 to 15 of slot. The rest is left alone. */
void format_put_erased(uint8_t slot[static FORMAT_SLOT], const struct format_erased *erased);

/* Fill bytes 16 to 127 of slot. */
void format_put_begun(uint8_t slot[static FORMAT_SLOT], const struct format_begun *begun);

/* Fill a slot. size is 1 to FORMAT_PAYLOAD. */
void format_put_record(uint8_t slot[static FORMAT_SLOT], uint64_t epoch, uint64_t seq,
    const uint8_t *bytes, uint32_t size);

/* Whether the part is there and its CRC is right. Any bytes may come. */
bool format_get_erased(const uint8_t slot[static FORMAT_SLOT], struct format_erased *ret_erased);
bool format_get_begun(const uint8_t slot[static FORMAT_SLOT], struct format_begun *ret_begun);
bool format_get_record(
    const uint8_t slot[static FORMAT_SLOT], uint64_t epoch, struct format_record *ret_record);

/* Whether all of it is FF. */
bool format_is_blank(const uint8_t *bytes, size_t size);

#endif
