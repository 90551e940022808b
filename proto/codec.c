/*
 * codec.c - text, limits, and the two doors of protobuf-c.
 *
 * protobuf-c ends text at its first zero byte and takes the last of a field that came twice.
 * Both would let bytes be stored and hashed that nobody sees, so an unpacked message has to
 * need exactly as many bytes as came; unknown fields are kept and counted.
 */
#include "proto/codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/topics.h"

bool codec_unix_ms_is_valid(int64_t unix_ms)
{
    return unix_ms >= CODEC_UNIX_MS_MIN && unix_ms <= CODEC_UNIX_MS_MAX;
}

bool codec_count_is_valid(uint64_t count)
{
    return count <= (uint64_t)INT64_MAX;
}

/* How a code point of size bytes begins, and the least one that needs so many. */
static const struct {
    uint8_t mask, lead;
    uint32_t least;
} utf8_shapes[] = {
    {0x80, 0x00, 0x20},
    {0xe0, 0xc0, 0xa0},
    {0xf0, 0xe0, 0x800},
    {0xf8, 0xf0, 0x10000},
};

/*
 * Size of the code point at text, 0 when it is none or a control character. The least values of
 * one and two bytes shut out the control characters below 20 and from 80 to 9f.
 */
static size_t code_point_size(const unsigned char *text)
{
    for (size_t extra = 0; extra < sizeof utf8_shapes / sizeof utf8_shapes[0]; extra++) {
        uint32_t point = text[0] & (uint8_t)~utf8_shapes[extra].mask;

        if ((text[0] & utf8_shapes[extra].mask) != utf8_shapes[extra].lead) {
            continue;
        }
        for (size_t i = 1; i <= extra; i++) {
            if ((text[i] & 0xc0) != 0x80) {
                return 0;
            }
            point = point << 6 | (text[i] & 0x3fu);
        }
        if (point < utf8_shapes[extra].least || point == 0x7f || point > 0x10ffff ||
            (point >= 0xd800 && point <= 0xdfff)) {
            return 0;
        }
        return extra + 1;
    }
    return 0;
}

bool codec_text_is_valid(const char *text, size_t max)
{
    const unsigned char *at = (const unsigned char *)text;

    if (text == NULL || strnlen(text, max + 1) > max) {
        return false;
    }
    while (*at != '\0') {
        size_t size = code_point_size(at);

        if (size == 0) {
            return false;
        }
        at += size;
    }
    return true;
}

bool codec_take_text(char *ret_text, size_t size, const char *text)
{
    if (!codec_text_is_valid(text, size - 1)) {
        return false;
    }
    memcpy(ret_text, text, strlen(text) + 1);
    return true;
}

bool codec_take_id(char *ret_id, size_t size, const char *id)
{
    return topic_name_is_valid(id) && codec_take_text(ret_id, size, id);
}

bool codec_take_bytes(uint8_t *ret_bytes, size_t size, const ProtobufCBinaryData *data)
{
    if (data->len != size) {
        return false;
    }
    memcpy(ret_bytes, data->data, size);
    return true;
}

ProtobufCBinaryData codec_view(const void *bytes, size_t size)
{
    return (ProtobufCBinaryData){.len = size, .data = (uint8_t *)(uintptr_t)bytes};
}

char *codec_view_text(const char *text)
{
    return (char *)(uintptr_t)text;
}

int codec_pack(
    const ProtobufCMessage *message, size_t max, uint8_t *bytes, size_t capacity, size_t *ret_size)
{
    size_t size = protobuf_c_message_get_packed_size(message);

    if (size > max) {
        return -EINVAL;
    }
    if (size > capacity) {
        return -ENOBUFS;
    }
    *ret_size = protobuf_c_message_pack(message, bytes);
    return 0;
}

/* protobuf-c answers NULL for bad bytes and for no memory alike; this one remembers which. */
static void *allocate_or_note(void *data, size_t size)
{
    bool *is_out = data;
    void *block = malloc(size);

    if (block == NULL) {
        *is_out = true;
    }
    return block;
}

static void release(void *data, void *block)
{
    (void)data;
    free(block);
}

int codec_unpack(const ProtobufCMessageDescriptor *descriptor, size_t max, const uint8_t *bytes,
    size_t size, ProtobufCMessage **ret_message)
{
    bool is_out = false;
    ProtobufCAllocator allocator = {
        .alloc = allocate_or_note, .free = release, .allocator_data = &is_out};
    ProtobufCMessage *message = NULL;

    if (bytes == NULL || size == 0 || size > max) {
        return -EBADMSG;
    }
    message = protobuf_c_message_unpack(descriptor, &allocator, size, bytes);
    if (message == NULL) {
        return is_out ? -ENOMEM : -EBADMSG;
    }
    if (protobuf_c_message_get_packed_size(message) != size) {
        codec_free(message);
        return -EBADMSG;
    }
    *ret_message = message;
    return 0;
}

void codec_free(ProtobufCMessage *message)
{
    protobuf_c_message_free_unpacked(message, NULL);
}
