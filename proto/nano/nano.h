/*
 * nano.h - what the files of the tag reader's codec share. Private to proto/nano/.
 *
 * The same headers (proto/messages.h, proto/link.h) as over protobuf-c, and the same bytes; no
 * allocation: a message lies on the stack while it is translated, 700 bytes at most. Where bytes
 * come from a gateway the fields are checked; that one value has one encoding is not, because
 * nothing that is read here is hashed.
 */
#ifndef ECM_PROTO_NANO_NANO_H
#define ECM_PROTO_NANO_NANO_H

#include <pb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0; -EINVAL when message takes more than max bytes; -ENOBUFS when more than capacity. */
int nano_encode(const pb_msgdesc_t *fields, const void *message, size_t max, uint8_t *bytes,
    size_t capacity, size_t *ret_size);

/* 0; -EBADMSG, also above max bytes. message: zeroed by nanopb first. */
int nano_decode(
    const pb_msgdesc_t *fields, size_t max, const uint8_t *bytes, size_t size, void *message);

#endif
