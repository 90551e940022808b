/*
 * csv.c - see csv.h.
 *
 * The buffer always ends in a line feed of our own, so the scan needs no bound. Before a row is
 * parsed the buffer holds either CSV_ROW_SIZE_MAX bytes or the rest of the file: a row that runs
 * into our line feed is then either the last one or too long.
 */
#include "base/csv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

enum { BUFFER_SIZE = 1024 * 1024 };

struct csv {
    int fd; /* -1: reads memory */
    const char *memory;
    size_t memory_left;
    bool is_at_end; /* of the source; the buffer may still hold rows */
    bool has_started;
    bool is_piecewise; /* no source: reads what csv_set_piece() says */
    char *buffer;      /* BUFFER_SIZE and one byte; NULL: piecewise */
    char *at;          /* the next byte to parse */
    char *row;         /* where the row in hand begins */
    char *end;         /* our line feed is here */
    uint64_t line;
    uint64_t next_line;
    uint64_t bytes_read;
    const char *problem;
    struct csv_field fields[CSV_FIELDS_MAX];
    size_t count;
};

static int new_reader(struct csv **ret_csv, int fd)
{
    struct csv *csv = calloc(1, sizeof *csv);

    if (csv != NULL) {
        csv->buffer = malloc(BUFFER_SIZE + 1);
    }
    if (csv == NULL || csv->buffer == NULL) {
        free(csv);
        return -ENOMEM;
    }
    csv->fd = fd;
    csv->at = csv->buffer;
    csv->end = csv->buffer;
    csv->next_line = 1;
    csv->problem = "";
    *ret_csv = csv;
    return 0;
}

int csv_open_pieces(struct csv **ret_csv)
{
    static char nothing[1] = "";
    struct csv *csv = calloc(1, sizeof *csv);

    if (csv == NULL) {
        return -ENOMEM;
    }
    csv->fd = -1;
    csv->is_piecewise = true;
    csv_set_piece(csv, &(struct csv_piece){.bytes = nothing});
    *ret_csv = csv;
    return 0;
}

void csv_set_piece(struct csv *csv, const struct csv_piece *piece)
{
    csv->at = piece->bytes;
    csv->end = piece->bytes + piece->size;
    csv->is_at_end = (piece->flags & CSV_PIECE_CUT) == 0;
    csv->has_started = (piece->flags & CSV_PIECE_FIRST) == 0;
    csv->line = 0;
    csv->next_line = 1;
    csv->problem = "";
}

int csv_open(struct csv **ret_csv, const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc = 0;

    if (fd < 0) {
        return err_set(err, -errno, "%s: %s", path, strerrordesc_np(errno));
    }
    rc = new_reader(ret_csv, fd);
    if (rc < 0) {
        (void)close(fd); /* opened for reading: nothing can be lost */
        return err_set(err, rc, "%s: out of memory", path);
    }
    return 0;
}

int csv_open_memory(struct csv **ret_csv, const char *bytes, size_t size)
{
    int rc = new_reader(ret_csv, -1);

    if (rc == 0) {
        (*ret_csv)->memory = bytes;
        (*ret_csv)->memory_left = size;
    }
    return rc;
}

void csv_close(struct csv *csv)
{
    if (csv == NULL) {
        return;
    }
    if (csv->fd >= 0) {
        (void)close(csv->fd); /* opened for reading: nothing can be lost */
    }
    free(csv->buffer);
    free(csv);
}

/* Like read(2), from either source. */
static ssize_t read_source(struct csv *csv, char *into, size_t size)
{
    ssize_t got = 0;

    if (csv->fd < 0) {
        size = size < csv->memory_left ? size : csv->memory_left;
        (void)memcpy(into, csv->memory, size);
        csv->memory += size;
        csv->memory_left -= size;
        return (ssize_t)size;
    }
    do {
        got = read(csv->fd, into, size);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

/* Fill the buffer behind what is still unparsed. */
static int fill(struct csv *csv)
{
    size_t left = (size_t)(csv->end - csv->at);

    (void)memmove(csv->buffer, csv->at, left);
    csv->at = csv->buffer;
    csv->end = csv->buffer + left;
    while (!csv->is_at_end && csv->end < csv->buffer + BUFFER_SIZE) {
        ssize_t got = read_source(csv, csv->end, (size_t)(csv->buffer + BUFFER_SIZE - csv->end));

        if (got < 0) {
            return (int)got;
        }
        csv->is_at_end = got == 0;
        csv->end += got;
        csv->bytes_read += (uint64_t)got;
    }
    *csv->end = '\n';
    return 0;
}

static int refuse(struct csv *csv, const char *problem)
{
    csv->problem = problem;
    return ECM_EFORMAT;
}

/* How many bytes follow the first of a UTF-8 sequence; -1 when it cannot be a first byte. */
static int continuation_count(unsigned char first)
{
    if (first < 0x80) {
        return 0;
    }
    if (first >= 0xc2 && first <= 0xdf) {
        return 1;
    }
    if ((first & 0xf0) == 0xe0) {
        return 2;
    }
    return first >= 0xf0 && first <= 0xf4 ? 3 : -1;
}

/* Overlong forms, surrogates and what lies beyond U+10FFFF (RFC 3629 section 4). */
static bool is_second_byte_allowed(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xe0:
        return second >= 0xa0;
    case 0xed:
        return second < 0xa0;
    case 0xf0:
        return second >= 0x90;
    case 0xf4:
        return second < 0x90;
    default:
        return true;
    }
}

static bool is_utf8(const char *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        unsigned char first = (unsigned char)text[i++];
        int more = continuation_count(first);

        if (more < 0 || (size_t)more > size - i ||
            (more > 0 && !is_second_byte_allowed(first, (unsigned char)text[i]))) {
            return false;
        }
        for (; more > 0; more--) {
            if (((unsigned char)text[i++] & 0xc0) != 0x80) {
                return false;
            }
        }
    }
    return true;
}

static int check_text(struct csv *csv, const struct csv_field *field, unsigned char bits)
{
    if (bits >= 0x80 && !is_utf8(field->text, field->size)) {
        return refuse(csv, "not UTF-8");
    }
    if (memchr(field->text, '\0', field->size) != NULL) {
        return refuse(csv, "a zero byte");
    }
    return 0;
}

/* The field at csv->at, unquoted. Leaves csv->at on what ended it. */
static int scan_plain(struct csv *csv, struct csv_field *field)
{
    char *at = csv->at;
    unsigned char bits = 0;

    field->text = at;
    while (*at != ',' && *at != '\n' && *at != '\r' && *at != '"') {
        bits |= (unsigned char)*at++;
    }
    field->size = (size_t)(at - field->text);
    csv->at = at;
    if (*at == '"') {
        return refuse(csv, "a quote inside an unquoted field");
    }
    return check_text(csv, field, bits);
}

/* The quoted field at csv->at; doubled quotes become one, in place. */
static int scan_quoted(struct csv *csv, struct csv_field *field)
{
    char *at = csv->at + 1;
    char *to = at;
    unsigned char bits = 0;

    field->text = to;
    for (;;) {
        if (at >= csv->end) {
            return refuse(csv, at - csv->row > CSV_ROW_SIZE_MAX
                                   ? "row too long; perhaps a quote is never closed"
                                   : "a quote is never closed");
        }
        if (*at == '"') {
            if (at[1] != '"') {
                break;
            }
            at++;
        } else if (*at == '\n') {
            csv->next_line++;
        }
        bits |= (unsigned char)*at;
        *to++ = *at++;
    }
    field->size = (size_t)(to - field->text);
    csv->at = at + 1;
    if (*csv->at != ',' && *csv->at != '\n' && *csv->at != '\r') {
        return refuse(csv, "text after a closing quote");
    }
    return check_text(csv, field, bits);
}

/* Step over the end of a row. */
static int end_row(struct csv *csv)
{
    if (*csv->at == '\r') {
        csv->at++;
        if (*csv->at != '\n') {
            return refuse(csv, "a carriage return without a line feed");
        }
    }
    if (csv->at >= csv->end) {
        csv->at = csv->end; /* our own line feed: the file ends without one */
        return csv->is_at_end ? 0 : refuse(csv, "row too long");
    }
    csv->at++;
    return 0;
}

static int parse_row(struct csv *csv)
{
    csv->count = 0;
    for (;;) {
        struct csv_field *field = &csv->fields[csv->count];
        bool is_last = false;
        int rc = 0;

        if (csv->count == CSV_FIELDS_MAX) {
            return refuse(csv, "too many fields");
        }
        rc = *csv->at == '"' ? scan_quoted(csv, field) : scan_plain(csv, field);
        if (rc < 0) {
            return rc;
        }
        csv->count++;
        is_last = *csv->at != ',';
        rc = is_last ? end_row(csv) : 0;
        if (rc < 0) {
            return rc;
        }
        csv->at += is_last ? 0 : 1;
        field->text[field->size] = '\0'; /* over what ended it, which is behind us now */
        if (is_last) {
            return 0;
        }
    }
}

/* A byte order mark is not part of the first column's name. */
static void skip_mark(struct csv *csv)
{
    if (csv->end - csv->at >= 3 && memcmp(csv->at, "\xef\xbb\xbf", 3) == 0) {
        csv->at += 3;
    }
    csv->has_started = true;
}

static void skip_empty_lines(struct csv *csv)
{
    while (csv->at < csv->end) {
        if (*csv->at == '\n') {
            csv->at++;
        } else if (csv->at + 1 < csv->end && csv->at[0] == '\r' && csv->at[1] == '\n') {
            csv->at += 2;
        } else {
            return;
        }
        csv->next_line++;
    }
}

static int refill_when_low(struct csv *csv)
{
    bool is_low = csv->end - csv->at < CSV_ROW_SIZE_MAX;

    return is_low && !csv->is_at_end && !csv->is_piecewise ? fill(csv) : 0;
}

int csv_next(struct csv *csv, struct csv_field **ret_fields, size_t *ret_count)
{
    int rc = refill_when_low(csv);

    if (rc < 0) {
        return rc;
    }
    if (!csv->has_started) {
        skip_mark(csv);
    }
    skip_empty_lines(csv);
    rc = refill_when_low(csv);
    if (rc < 0) {
        return rc;
    }
    *csv->end = '\n'; /* the row before may have ended on it */
    if (csv->at >= csv->end) {
        return 0;
    }
    csv->line = csv->next_line;
    csv->row = csv->at;
    rc = parse_row(csv);
    if (rc == 0 && csv->at - csv->row > CSV_ROW_SIZE_MAX) {
        rc = refuse(csv, "row too long");
    }
    if (rc < 0) {
        return rc;
    }
    csv->next_line++;
    *ret_fields = csv->fields;
    *ret_count = csv->count;
    return 1;
}

uint64_t csv_line(const struct csv *csv)
{
    return csv->line;
}

uint64_t csv_lines_done(const struct csv *csv)
{
    return csv->next_line - 1;
}

const char *csv_problem(const struct csv *csv)
{
    return csv->problem;
}

uint64_t csv_bytes_done(const struct csv *csv)
{
    return csv->bytes_read - (uint64_t)(csv->end - csv->at);
}
