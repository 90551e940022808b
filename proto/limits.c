/* limits.c - see limits.h. */
#include "proto/limits.h"

#include <string.h>

#include "proto/topics.h"

bool limits_unix_ms_is_valid(int64_t unix_ms)
{
    return unix_ms >= LIMITS_UNIX_MS_MIN && unix_ms <= LIMITS_UNIX_MS_MAX;
}

bool limits_count_is_valid(uint64_t count)
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

bool limits_text_is_valid(const char *text, size_t max)
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

bool limits_take_text(char *ret_text, size_t size, const char *text)
{
    if (!limits_text_is_valid(text, size - 1)) {
        return false;
    }
    memcpy(ret_text, text, strlen(text) + 1);
    return true;
}

bool limits_take_id(char *ret_id, size_t size, const char *id)
{
    return topic_name_is_valid(id) && limits_take_text(ret_id, size, id);
}
