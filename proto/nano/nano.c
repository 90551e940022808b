/* nano.c - see nano.h. */
#include "proto/nano/nano.h"

#include <errno.h>
#include <pb_decode.h>
#include <pb_encode.h>

int nano_encode(const pb_msgdesc_t *fields, const void *message, size_t max, uint8_t *bytes,
    size_t capacity, size_t *ret_size)
{
    pb_ostream_t stream = pb_ostream_from_buffer(bytes, capacity);
    size_t size = 0;

    if (!pb_get_encoded_size(&size, fields, message) || size > max) {
        return -EINVAL;
    }
    if (size > capacity || !pb_encode(&stream, fields, message)) {
        return -ENOBUFS;
    }
    *ret_size = size;
    return 0;
}

int nano_decode(
    const pb_msgdesc_t *fields, size_t max, const uint8_t *bytes, size_t size, void *message)
{
    pb_istream_t stream = pb_istream_from_buffer(bytes, size);

    return size <= max && pb_decode(&stream, fields, message) ? 0 : -EBADMSG;
}
