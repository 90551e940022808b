/*
 * codec.h - what all messages share over protobuf-c: packing and unpacking. Private to proto/.
 *
 * Threads:   pure; any thread.
 * Ownership: codec_unpack() allocates a protobuf-c tree; codec_free() releases it.
 */
#ifndef ECM_PROTO_CODEC_H
#define ECM_PROTO_CODEC_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/limits.h"

/* Copy exactly size bytes. false when there are more or fewer. */
bool codec_take_bytes(uint8_t *ret_bytes, size_t size, const ProtobufCBinaryData *data);

/* Show bytes to the packer, which only reads them although its structs are not const. */
ProtobufCBinaryData codec_view(const void *bytes, size_t size);
char *codec_view_text(const char *text);

/* 0; -EINVAL when message takes more than max bytes; -ENOBUFS when more than capacity. */
int codec_pack(
    const ProtobufCMessage *message, size_t max, uint8_t *bytes, size_t capacity, size_t *ret_size);

/*
 * Unpack 1..max bytes. 0; -ENOMEM; -EBADMSG also when the bytes decode but are not the one
 * encoding of what they say (a field twice, a long varint, a zero byte inside a text): two
 * encodings of one record would have two hashes.
 */
int codec_unpack(const ProtobufCMessageDescriptor *descriptor, size_t max, const uint8_t *bytes,
    size_t size, ProtobufCMessage **ret_message);
/* The same for messages that may be empty: all fields have their default values. */
int codec_unpack_any(const ProtobufCMessageDescriptor *descriptor, size_t max, const uint8_t *bytes,
    size_t size, ProtobufCMessage **ret_message);
void codec_free(ProtobufCMessage *message);

#endif
