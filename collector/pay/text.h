/*
 * text.h - put text together: rows of CSV, lines of JSON, sentences.
 *
 * A struct text grows in memory, or, when it has a drain, hands its bytes on whenever it is full
 * and at text_drain(). The first failure (-ENOMEM, or what the drain returned) stays in rc and
 * turns every later call into nothing: check rc once at the end.
 *
 * Ownership: text_done() frees. Zero-initialise. Bytes are not ended by zero unless text_end().
 */
#ifndef ECM_COLLECTOR_PAY_TEXT_H
#define ECM_COLLECTOR_PAY_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
    char *bytes;
    size_t size;
    size_t capacity;
    int (*drain)(void *user, const char *bytes, size_t size); /* NULL: grow instead */
    void *user;
    int rc;
};

void text_done(struct text *text);

void text_add(struct text *text, const char *bytes, size_t size);
void text_add_string(struct text *text, const char *string);
void text_add_int(struct text *text, int64_t number);

/* What text_room() does when there is not enough of it. */
char *text_make_room(struct text *text, size_t size);

/*
 * For rows by the million: where size more bytes can be written, NULL after a failure. Write with
 * the text_put functions, each of which returns where the next byte goes, and say with text_wrote()
 * how far that came.
 */
static inline char *text_room(struct text *text, size_t size)
{
    return size <= text->capacity - text->size ? text->bytes + text->size
                                               : text_make_room(text, size);
}

static inline void text_wrote(struct text *text, const char *end)
{
    text->size = (size_t)(end - text->bytes);
}

static inline void text_add_char(struct text *text, char character)
{
    char *at = text_room(text, 1);

    if (at != NULL) {
        *at = character;
        text->size++;
    }
}

enum { TEXT_INT_SIZE_MAX = 20 };

/* At most TEXT_INT_SIZE_MAX bytes. */
char *text_put_int(char *at, int64_t number);

/* One CSV field (RFC 4180), quoted when it has to be: at most twice size and two bytes more. */
char *text_put_csv(char *at, const char *string, size_t size);

static inline char *text_put(char *at, const char *bytes, size_t size)
{
    (void)memcpy(at, bytes, size);
    return at + size;
}

void text_addf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One CSV field (RFC 4180): quoted when it has to be. */
void text_add_csv(struct text *text, const char *string, size_t size);

/* One JSON string with its quotes. */
void text_add_json(struct text *text, const char *string);

/* Hand on what is left. Returns rc. */
int text_drain(struct text *text);

/* End the bytes with a zero, which does not count into size. Returns the string, "" when rc < 0. */
const char *text_end(struct text *text);

/* The lines of a text, each ended by a zero byte, in the order of their bytes. */
struct text_rows {
    char **rows; /* the array is the caller's to free, the bytes stay the text's */
    size_t count;
};

/* Split text, every line of which ends in LF, and sort. 0 or -ENOMEM. */
int text_split(struct text_rows *ret_rows, struct text *text);

#endif
