/* text.c - see text.h. */
#include "collector/pay/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_START = 4096, CAPACITY_DRAINED = 256 * 1024 };

void text_done(struct text *text)
{
    free(text->bytes);
    *text = (struct text){0};
}

/* Make room for size more bytes. */
static int reserve(struct text *text, size_t size)
{
    size_t capacity = text->capacity;
    char *bytes = NULL;

    if (text->rc < 0) {
        return text->rc;
    }
    if (text->drain != NULL && text->size + size > CAPACITY_DRAINED && text->size > 0) {
        (void)text_drain(text);
    }
    if (text->rc < 0 || text->size + size <= capacity) {
        return text->rc;
    }
    if (capacity == 0) {
        capacity = text->drain != NULL ? CAPACITY_DRAINED : CAPACITY_START;
    }
    while (capacity < text->size + size) {
        capacity *= 2;
    }
    bytes = realloc(text->bytes, capacity);
    if (bytes == NULL) {
        text->rc = -ENOMEM;
        return text->rc;
    }
    text->bytes = bytes;
    text->capacity = capacity;
    return 0;
}

void text_add(struct text *text, const char *bytes, size_t size)
{
    if (reserve(text, size) == 0 && size > 0) {
        (void)memcpy(text->bytes + text->size, bytes, size);
        text->size += size;
    }
}

void text_add_string(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

char *text_make_room(struct text *text, size_t size)
{
    return reserve(text, size) == 0 ? text->bytes + text->size : NULL;
}

static int count_digits(uint64_t number)
{
    int count = 1;

    for (; number >= 10000; number /= 10000) {
        count += 4;
    }
    return count + (number >= 10) + (number >= 100) + (number >= 1000);
}

/* Two digits at a time: the divisions are what costs. */
char *text_put_int(char *at, int64_t number)
{
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233"
        "34353637383940414243444546474849505152535455565758596061626364656667"
        "68697071727374757677787980818283848586878889909192939495969798"
        "99";
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    char *end = NULL;
    char *to = NULL;

    if (number < 0) {
        *at++ = '-';
    }
    end = at + count_digits(left);
    to = end;
    while (left >= 100) {
        to -= 2;
        (void)memcpy(to, &pairs[left % 100 * 2], 2);
        left /= 100;
    }
    if (left >= 10) {
        (void)memcpy(to - 2, &pairs[left * 2], 2);
    } else {
        to[-1] = (char)('0' + left);
    }
    return end;
}

void text_add_int(struct text *text, int64_t number)
{
    char *at = text_room(text, TEXT_INT_SIZE_MAX);

    if (at != NULL) {
        text_wrote(text, text_put_int(at, number));
    }
}

void text_addf(struct text *text, const char *format, ...)
{
    va_list args;
    int size = 0;

    va_start(args, format);
    size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size > 0 && reserve(text, (size_t)size + 1) == 0) {
        va_start(args, format);
        (void)vsnprintf(text->bytes + text->size, (size_t)size + 1, format, args);
        va_end(args);
        text->size += (size_t)size;
    }
}

static uint64_t bytes_that_are(uint64_t word, unsigned char byte)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t zeros = word ^ ones * byte;

    return (zeros - ones) & ~zeros & ones << 7;
}

static uint64_t find_special(const char *at)
{
    uint64_t word = 0;

    (void)memcpy(&word, at, sizeof word);
    return bytes_that_are(word, ',') | bytes_that_are(word, '"') | bytes_that_are(word, '\r') |
           bytes_that_are(word, '\n');
}

/* Whether a field must be quoted. Eight bytes at a time, the last of them perhaps twice. */
static bool has_special(const char *string, size_t size)
{
    uint64_t found = 0;

    if (size < sizeof found) {
        char padded[sizeof found] = {0};

        for (size_t i = 0; i < size; i++) {
            padded[i] = string[i];
        }
        return find_special(padded) != 0;
    }
    for (size_t i = 0; i + sizeof found <= size; i += sizeof found) {
        found |= find_special(string + i);
    }
    return (found | find_special(string + size - sizeof found)) != 0;
}

char *text_put_csv(char *at, const char *string, size_t size)
{
    if (!has_special(string, size)) {
        return text_put(at, string, size);
    }
    *at++ = '"';
    for (size_t i = 0; i < size; i++) {
        if (string[i] == '"') {
            *at++ = '"';
        }
        *at++ = string[i];
    }
    *at++ = '"';
    return at;
}

void text_add_csv(struct text *text, const char *string, size_t size)
{
    char *at = text_room(text, 2 * size + 2);

    if (at != NULL) {
        text_wrote(text, text_put_csv(at, string, size));
    }
}

void text_add_json(struct text *text, const char *string)
{
    text_add_char(text, '"');
    for (const char *at = string; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\') {
            text_add_char(text, '\\');
            text_add_char(text, *at);
        } else if ((unsigned char)*at < 0x20) {
            text_addf(text, "\\u%04x", (unsigned)(unsigned char)*at);
        } else {
            text_add_char(text, *at);
        }
    }
    text_add_char(text, '"');
}

int text_drain(struct text *text)
{
    if (text->rc == 0 && text->drain != NULL && text->size > 0) {
        int rc = text->drain(text->user, text->bytes, text->size);

        text->rc = rc < 0 ? rc : 0;
        text->size = 0;
    }
    return text->rc;
}

const char *text_end(struct text *text)
{
    if (reserve(text, 1) < 0) {
        return "";
    }
    text->bytes[text->size] = '\0';
    return text->bytes;
}

static int compare_rows(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

int text_split(struct text_rows *ret_rows, struct text *text)
{
    struct text_rows rows = {0};
    char *end = text->size > 0 ? text->bytes + text->size : NULL;
    size_t lines = 0;

    if (text->rc < 0) {
        return text->rc;
    }
    for (size_t i = 0; i < text->size; i++) {
        lines += text->bytes[i] == '\n' ? 1 : 0;
    }
    rows.rows = malloc((lines + 1) * sizeof *rows.rows);
    if (rows.rows == NULL) {
        return -ENOMEM;
    }
    for (char *at = text->bytes; rows.count < lines; at++) {
        char *feed = memchr(at, '\n', (size_t)(end - at));

        *feed = '\0';
        rows.rows[rows.count++] = at;
        at = feed;
    }
    if (rows.count > 1) {
        qsort(rows.rows, rows.count, sizeof *rows.rows, compare_rows);
    }
    *ret_rows = rows;
    return 0;
}
