/*
 * type2.c - read pages as the TLV walk asks for them, four at a time.
 */
#include "hal/chip/type2.h"

#include <errno.h>
#include <string.h>

enum {
    COMMAND_READ = 0x30,
    READ_SIZE = 16,
    PAGE_SIZE = 4,
    CC_PAGE = 3,
    DATA_PAGE = 4,
    CC_MAGIC = 0xE1,
    TLV_NULL = 0x00,
    TLV_NDEF = 0x03,
    TLV_END = 0xFE,
    TLV_LONG_LENGTH = 0xFF,
    TLV_BLOCKS_MAX = 16,
    TIMEOUT_US = 300000,
};

/* A window of 16 bytes on the tag's data area. */
struct area {
    struct pn532 *pn;
    uint8_t target;
    size_t size; /* of the data area */
    size_t window_start;
    size_t window_size;
    uint8_t window[READ_SIZE];
};

static int read_pages(struct area *area, uint8_t page, uint8_t bytes[READ_SIZE])
{
    const uint8_t command[] = {COMMAND_READ, page};
    const struct pn532_exchange exchange = {.tx = command,
        .tx_size = sizeof command,
        .rx = bytes,
        .rx_capacity = READ_SIZE,
        .timeout_us = TIMEOUT_US};
    int rc = pn532_exchange_data(area->pn, area->target, &exchange);

    if (rc < 0) {
        return rc;
    }
    return rc == READ_SIZE ? 0 : -EBADMSG;
}

/* The byte at offset of the data area, or a negative code. */
static int read_byte(struct area *area, size_t offset)
{
    if (offset >= area->size) {
        return -EBADMSG;
    }
    if (offset < area->window_start || offset - area->window_start >= area->window_size) {
        size_t start = offset - offset % PAGE_SIZE;
        int rc = read_pages(area, (uint8_t)(DATA_PAGE + start / PAGE_SIZE), area->window);

        if (rc < 0) {
            area->window_size = 0;
            return rc;
        }
        area->window_start = start;
        area->window_size = READ_SIZE;
    }
    return area->window[offset - area->window_start];
}

/* Read the capability container and set up the window behind it. */
static int open_area(struct area *area)
{
    uint8_t bytes[READ_SIZE];
    int rc = read_pages(area, CC_PAGE, bytes);

    if (rc < 0) {
        return rc;
    }
    if (bytes[0] != CC_MAGIC) {
        return -ENOENT;
    }
    area->size = (size_t)bytes[2] * 8;
    area->window_size = READ_SIZE - PAGE_SIZE;
    memcpy(area->window, bytes + PAGE_SIZE, area->window_size);
    return 0;
}

/* Length of the TLV at *offset (its tag byte); *offset moves to its value. */
static int read_length(struct area *area, size_t *offset)
{
    int rc = read_byte(area, *offset + 1);
    int high = 0;

    if (rc != TLV_LONG_LENGTH) {
        *offset += 2;
        return rc;
    }
    high = read_byte(area, *offset + 2);
    rc = high < 0 ? high : read_byte(area, *offset + 3);
    *offset += 4;
    return rc < 0 ? rc : high << 8 | rc;
}

static int copy_value(struct area *area, size_t offset, size_t size, uint8_t *message)
{
    for (size_t i = 0; i < size; i++) {
        int rc = read_byte(area, offset + i);

        if (rc < 0) {
            return rc;
        }
        message[i] = (uint8_t)rc;
    }
    return (int)size;
}

int type2_read_ndef(struct pn532 *pn, uint8_t target, uint8_t *message, size_t capacity)
{
    struct area area = {.pn = pn, .target = target};
    size_t offset = 0;
    int rc = open_area(&area);

    if (rc < 0) {
        return rc;
    }
    for (int i = 0; i < TLV_BLOCKS_MAX; i++) {
        int tag = offset < area.size ? read_byte(&area, offset) : TLV_END;
        int length = 0;

        if (tag < 0 || tag == TLV_END) {
            return tag < 0 ? tag : -ENOENT;
        }
        if (tag == TLV_NULL) {
            offset++;
            continue;
        }
        length = read_length(&area, &offset);
        if (length < 0) {
            return length;
        }
        if (tag == TLV_NDEF) {
            return (size_t)length > capacity ? -EMSGSIZE
                                             : copy_value(&area, offset, (size_t)length, message);
        }
        offset += (size_t)length;
    }
    return -ENOENT;
}
