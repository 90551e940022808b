/*
 * ndef.c - walk the records; every length is checked against what is left before it is used.
 */
#include "hal/chip/ndef.h"

#include <errno.h>
#include <string.h>

enum {
    FLAG_MESSAGE_END = 0x40,
    FLAG_CHUNK = 0x20,
    FLAG_SHORT = 0x10,
    FLAG_ID = 0x08,
    TNF_MASK = 0x07,
};

/* RTD URI 1.0, table 3. */
static const char *const uri_prefixes[] = {"", "http://www.", "https://www.", "http://", "https://",
    "tel:", "mailto:", "ftp://anonymous:anonymous@", "ftp://ftp.", "ftps://", "sftp://", "smb://",
    "nfs://", "ftp://", "dav://", "news:", "telnet://", "imap:", "rtsp://",
    "urn:", "pop:", "sip:", "sips:", "tftp:", "btspp://", "btl2cap://", "btgoep://", "tcpobex://",
    "irdaobex://", "file://",
    "urn:epc:id:", "urn:epc:tag:", "urn:epc:pat:", "urn:epc:raw:", "urn:epc:", "urn:nfc:"};

int ndef_next(const uint8_t *message, size_t size, size_t *position, struct ndef_record *ret_record)
{
    size_t at = *position;
    size_t head_size = 0;
    size_t payload_size = 0;
    size_t id_size = 0;
    size_t type_size = 0;
    uint8_t flags = 0;

    if (at >= size) {
        return -ENOENT;
    }
    flags = message[at];
    head_size = 2u + ((flags & FLAG_SHORT) != 0 ? 1u : 4u) + ((flags & FLAG_ID) != 0 ? 1u : 0u);
    if ((flags & FLAG_CHUNK) != 0 || size - at < head_size) {
        return -EBADMSG;
    }
    type_size = message[at + 1];
    if ((flags & FLAG_SHORT) != 0) {
        payload_size = message[at + 2];
    } else {
        payload_size = (size_t)message[at + 2] << 24 | (size_t)message[at + 3] << 16 |
                       (size_t)message[at + 4] << 8 | message[at + 5];
    }
    if ((flags & FLAG_ID) != 0) {
        id_size = message[at + head_size - 1];
    }
    at += head_size;
    if (type_size > size - at || id_size > size - at - type_size ||
        payload_size > size - at - type_size - id_size) {
        return -EBADMSG;
    }
    *ret_record = (struct ndef_record){
        .tnf = flags & TNF_MASK,
        .type = message + at,
        .type_size = type_size,
        .payload = message + at + type_size + id_size,
        .payload_size = payload_size,
        .is_last = (flags & FLAG_MESSAGE_END) != 0,
    };
    *position = at + type_size + id_size + payload_size;
    return 0;
}

static int write_uri(const struct ndef_record *record, char *uri, size_t capacity)
{
    const char *prefix = "";
    size_t prefix_size = 0;
    size_t rest_size = record->payload_size - 1;

    if (record->payload[0] < sizeof uri_prefixes / sizeof uri_prefixes[0]) {
        prefix = uri_prefixes[record->payload[0]];
    }
    prefix_size = strlen(prefix);
    if (prefix_size + rest_size + 1 > capacity) {
        return -EMSGSIZE;
    }
    memcpy(uri, prefix, prefix_size);
    memcpy(uri + prefix_size, record->payload + 1, rest_size);
    uri[prefix_size + rest_size] = '\0';
    return (int)(prefix_size + rest_size);
}

int ndef_find_uri(const uint8_t *message, size_t size, char *uri, size_t capacity)
{
    size_t position = 0;

    for (;;) {
        struct ndef_record record;
        int rc = ndef_next(message, size, &position, &record);

        if (rc < 0) {
            return rc;
        }
        if (record.tnf == NDEF_TNF_WELL_KNOWN && record.type_size == 1 && record.type[0] == 'U' &&
            record.payload_size > 0) {
            return write_uri(&record, uri, capacity);
        }
        if (record.is_last) {
            return -ENOENT;
        }
    }
}
