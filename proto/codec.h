/*
 * codec.h - what all messages share: limits, text, packing and unpacking. Private to proto/.
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

/* Years 1 to 9999: outside, arithmetic on instants could overflow somewhere downstream. */
#define CODEC_UNIX_MS_MIN INT64_C(-62135596800000)
#define CODEC_UNIX_MS_MAX INT64_C(253402300799999)

bool codec_unix_ms_is_valid(int64_t unix_ms);

/* Sequence numbers and durations stay below 2^63, so that they fit every database and language. */
bool codec_count_is_valid(uint64_t count);

/* Whether text ends within max bytes and is UTF-8 (RFC 3629) without control characters. */
bool codec_text_is_valid(const char *text, size_t max);

/* Copy valid text from the wire. false when it is not valid or longer than size - 1. */
bool codec_take_text(char *ret_text, size_t size, const char *text);

/* Copy an id of a device, a collector or a site. false when topic_name_is_valid() says no. */
bool codec_take_id(char *ret_id, size_t size, const char *id);

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
void codec_free(ProtobufCMessage *message);

#endif
