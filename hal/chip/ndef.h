/*
 * ndef.h - NFC Data Exchange Format: the records of a message, and the URI in them.
 *
 * Source: NFC Forum NDEF 1.0, RTD URI 1.0.
 * Pure functions on outside bytes: any input is safe. Chunked records are not supported.
 */
#ifndef ECM_HAL_CHIP_NDEF_H
#define ECM_HAL_CHIP_NDEF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NDEF_TNF_WELL_KNOWN = 1 };

struct ndef_record {
    uint8_t tnf;
    const uint8_t *type; /* inside the message */
    size_t type_size;
    const uint8_t *payload; /* inside the message */
    size_t payload_size;
    bool is_last; /* the message ends with it */
};

/*
 * Read the record at *position of message and move *position behind it. 0; -ENOENT at the end;
 * -EBADMSG when the bytes are no record, or a chunked one.
 */
int ndef_next(
    const uint8_t *message, size_t size, size_t *position, struct ndef_record *ret_record);

/*
 * Put the first URI of message into uri, ended by 0, its abbreviated prefix written out. Returns
 * its length; -ENOENT when there is none; -EBADMSG when the message breaks off; -EMSGSIZE when it
 * does not fit into capacity bytes.
 */
int ndef_find_uri(const uint8_t *message, size_t size, char *uri, size_t capacity);

#endif
