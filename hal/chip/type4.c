/*
 * type4.c - five or more APDUs; the chip does the ISO-DEP framing.
 */
#include "hal/chip/type4.h"

#include <errno.h>
#include <string.h>

enum {
    TIMEOUT_US = 300000, /* above the chip's own 204.8 ms */
    CONTAINER_MIN = 15,
    CONTAINER_READ = 15,
    CHUNK_MAX = 0xF0, /* larger answers need extended frames, which some readers get wrong */
    CHUNKS_MAX = 32,
    TAG_NDEF_FILE = 0x04,
    SELECT_MAX = 48, /* some cards send their file description although not asked */
    STATUS_SIZE = 2,
    ANSWER_MAX = CHUNK_MAX + STATUS_SIZE,
};

/* An APDU and the room for its answer: no more is read from the bus than may come. */
struct apdu {
    const uint8_t *bytes;
    size_t size;
    size_t answer_max; /* without SW1 SW2 */
};

/* Exchange one APDU. Returns the answer's size without SW1 SW2, which must be 9000. */
static int exchange_apdu(
    struct pn532 *pn, uint8_t target, const struct apdu *apdu, uint8_t answer[ANSWER_MAX])
{
    const struct pn532_exchange exchange = {.tx = apdu->bytes,
        .tx_size = apdu->size,
        .rx = answer,
        .rx_capacity = apdu->answer_max + STATUS_SIZE,
        .timeout_us = TIMEOUT_US};
    int rc = pn532_exchange_data(pn, target, &exchange);

    if (rc < 0) {
        return rc;
    }
    if (rc < STATUS_SIZE) {
        return -EBADMSG;
    }
    rc -= STATUS_SIZE;
    return answer[rc] == 0x90 && answer[rc + 1] == 0x00 ? rc : -EACCES;
}

/* P2 is 0C (no answer data): strict cards refuse 00 here. */
static int select_file(struct pn532 *pn, uint8_t target, uint16_t file)
{
    const uint8_t bytes[] = {0x00, 0xA4, 0x00, 0x0C, 0x02, (uint8_t)(file >> 8), (uint8_t)file};
    const struct apdu apdu = {bytes, sizeof bytes, SELECT_MAX};
    uint8_t answer[ANSWER_MAX];

    return exchange_apdu(pn, target, &apdu, answer);
}

/* Read size bytes (at most CHUNK_MAX) at offset. Returns how many came. */
static int read_binary(
    struct pn532 *pn, uint8_t target, size_t offset, size_t size, uint8_t answer[ANSWER_MAX])
{
    const uint8_t bytes[] = {0x00, 0xB0, (uint8_t)(offset >> 8), (uint8_t)offset, (uint8_t)size};
    const struct apdu apdu = {bytes, sizeof bytes, size};
    int rc = exchange_apdu(pn, target, &apdu, answer);

    if (rc < 0) {
        return rc;
    }
    return rc > 0 ? rc : -EBADMSG;
}

int type4_parse_container(const uint8_t *bytes, size_t size, struct type4_container *ret_container)
{
    struct type4_container container;

    if (size < CONTAINER_MIN || (bytes[0] << 8 | bytes[1]) < CONTAINER_MIN) {
        return -EBADMSG;
    }
    if (bytes[7] != TAG_NDEF_FILE || bytes[8] < 6) {
        return -ENOENT;
    }
    container = (struct type4_container){
        .read_max = (uint16_t)(bytes[3] << 8 | bytes[4]),
        .file = (uint16_t)(bytes[9] << 8 | bytes[10]),
        .file_size = (uint16_t)(bytes[11] << 8 | bytes[12]),
        .read_access = bytes[13],
    };
    if (container.read_max == 0) {
        return -EBADMSG;
    }
    if (container.read_access != 0) {
        return -ENOENT;
    }
    *ret_container = container;
    return 0;
}

static int open_ndef_file(struct pn532 *pn, uint8_t target, struct type4_container *ret_container)
{
    static const uint8_t bytes[] = {
        0x00, 0xA4, 0x04, 0x00, 0x07, 0xD2, 0x76, 0x00, 0x00, 0x85, 0x01, 0x01, 0x00};
    static const struct apdu select_app = {bytes, sizeof bytes, SELECT_MAX};
    uint8_t answer[ANSWER_MAX];
    int rc = exchange_apdu(pn, target, &select_app, answer);

    if (rc >= 0) {
        rc = select_file(pn, target, 0xE103);
    }
    if (rc >= 0) {
        rc = read_binary(pn, target, 0, CONTAINER_READ, answer);
    }
    if (rc >= 0) {
        rc = type4_parse_container(answer, (size_t)rc, ret_container);
    }
    if (rc >= 0) {
        rc = select_file(pn, target, ret_container->file);
    }
    return rc < 0 ? rc : 0;
}

/* Read size bytes from offset 2 of the selected file. */
static int read_body(
    struct pn532 *pn, uint8_t target, size_t chunk_max, uint8_t *message, size_t size)
{
    size_t done = 0;

    for (int i = 0; i < CHUNKS_MAX && done < size; i++) {
        uint8_t answer[ANSWER_MAX];
        size_t chunk = size - done < chunk_max ? size - done : chunk_max;
        int rc = read_binary(pn, target, 2 + done, chunk, answer);

        if (rc < 0) {
            return rc;
        }
        memcpy(message + done, answer, (size_t)rc);
        done += (size_t)rc;
    }
    return done == size ? (int)size : -EBADMSG;
}

int type4_read_ndef(struct pn532 *pn, uint8_t target, uint8_t *message, size_t capacity)
{
    struct type4_container container;
    uint8_t answer[ANSWER_MAX];
    size_t chunk_max = 0;
    size_t size = 0;
    int rc = open_ndef_file(pn, target, &container);

    if (rc == 0) {
        rc = read_binary(pn, target, 0, 2, answer);
    }
    if (rc < 0) {
        return rc;
    }
    if (rc != 2) {
        return -EBADMSG;
    }
    size = (size_t)answer[0] << 8 | answer[1];
    if (size > capacity) {
        return -EMSGSIZE;
    }
    chunk_max = container.read_max < CHUNK_MAX ? container.read_max : CHUNK_MAX;
    return read_body(pn, target, chunk_max, message, size);
}
