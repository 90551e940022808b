/*
 * codec.c - the two doors of protobuf-c.
 *
 * protobuf-c ends text at its first zero byte and takes the last of a field that came twice.
 * Both would let bytes be stored and hashed that nobody sees, so an unpacked message has to
 * need exactly as many bytes as came; unknown fields are kept and counted.
 */
#include "proto/codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

int codec_unpack_any(const ProtobufCMessageDescriptor *descriptor, size_t max, const uint8_t *bytes,
    size_t size, ProtobufCMessage **ret_message)
{
    bool is_out = false;
    ProtobufCAllocator allocator = {
        .alloc = allocate_or_note, .free = release, .allocator_data = &is_out};
    ProtobufCMessage *message = NULL;

    if (size > max) {
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

int codec_unpack(const ProtobufCMessageDescriptor *descriptor, size_t max, const uint8_t *bytes,
    size_t size, ProtobufCMessage **ret_message)
{
    return bytes == NULL || size == 0 ? -EBADMSG
                                      : codec_unpack_any(descriptor, max, bytes, size, ret_message);
}

void codec_free(ProtobufCMessage *message)
{
    protobuf_c_message_free_unpacked(message, NULL);
}
