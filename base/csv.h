/*
 * csv.h - read a CSV file row by row (RFC 4180), quickly and strictly.
 *
 * LF or CRLF, quoted fields with doubled quotes and line breaks inside, UTF-8 with or without a
 * byte order mark; empty lines are passed over. Refused, with line and reason: bytes that are not
 * UTF-8, zero bytes, a quote inside an unquoted field, text after a closing quote, a quote that
 * never closes, a carriage return without a line feed, more than the limits below.
 *
 * Why our own: a year of a council is 200 MB that must be in memory within a second
 * (docs/RECONCILIATION.md, speed), so fields are handed out where they lie in the read buffer.
 *
 * Ownership: whoever opens closes. Fields are valid until the next call and end in a zero byte.
 * Threads:   one reader belongs to one thread. Blocking: csv_next() waits for the disk.
 * Limits:    CSV_FIELDS_MAX fields a row, CSV_ROW_SIZE_MAX bytes a row.
 */
#ifndef ECM_BASE_CSV_H
#define ECM_BASE_CSV_H

#include <stddef.h>
#include <stdint.h>

enum { CSV_FIELDS_MAX = 32, CSV_ROW_SIZE_MAX = 65536 };

struct err;
struct csv;

struct csv_field {
    char *text;
    size_t size;
};

/* Open the file at path. -errno with the reason in err; -ENOMEM. */
int csv_open(struct csv **ret_csv, const char *path, struct err *err);

/* Read size bytes of memory instead, which stay the caller's and are not changed. -ENOMEM. */
int csv_open_memory(struct csv **ret_csv, const char *bytes, size_t size);

/*
 * A reader of pieces (base/csv_pieces.h), and its next piece: size bytes, which are changed, and so
 * is bytes[size]. Lines count from 1 in each piece. -ENOMEM.
 */
int csv_open_pieces(struct csv **ret_csv);

enum {
    CSV_PIECE_FIRST = 1, /* a byte order mark may stand here */
    CSV_PIECE_CUT = 2,   /* it ends within a row, which is longer than a row may be */
};

struct csv_piece {
    char *bytes;
    size_t size;
    unsigned flags;
};
void csv_set_piece(struct csv *csv, const struct csv_piece *piece);

/* NULL is allowed. */
void csv_close(struct csv *csv);

/*
 * The next row. 1 when there is one, 0 at the end, ECM_EFORMAT when the file is refused here
 * (csv_problem() says why, csv_line() where), -errno when it cannot be read. After an error the
 * reader is good for csv_line(), csv_problem() and csv_close() only.
 */
int csv_next(struct csv *csv, struct csv_field **ret_fields, size_t *ret_count);

/* The line, counted from 1, on which the row last returned (or refused) begins. */
uint64_t csv_line(const struct csv *csv);

/* How many lines have been read so far, in all or of the piece. */
uint64_t csv_lines_done(const struct csv *csv);

/* Why csv_next() refused the file. Never NULL. */
const char *csv_problem(const struct csv *csv);

/* Bytes handed out so far, for showing progress. */
uint64_t csv_bytes_done(const struct csv *csv);

#endif
