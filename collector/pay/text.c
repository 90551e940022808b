/* text.c - see text.h. */
#include "collector/pay/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_START = 4096, CAPACITY_DRAINED = 256 * 1024, INT_DIGITS_MAX = 20 };

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

void text_add_char(struct text *text, char character)
{
    text_add(text, &character, 1);
}

void text_add_int(struct text *text, int64_t number)
{
    char digits[INT_DIGITS_MAX + 1];
    char *at = digits + sizeof digits;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0) {
        *--at = '-';
    }
    text_add(text, at, (size_t)(digits + sizeof digits - at));
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

void text_add_csv(struct text *text, const char *string, size_t size)
{
    const char *end = string + size;

    if (strpbrk(string, ",\"\r\n") == NULL) {
        text_add(text, string, size);
        return;
    }
    text_add_char(text, '"');
    for (const char *at = string; at < end; at++) {
        if (*at == '"') {
            text_add_char(text, '"');
        }
        text_add_char(text, *at);
    }
    text_add_char(text, '"');
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
