/*
 * rows.h - one piece of a file as cells: the part of reading that needs no dataset, so that any
 * thread may do it. Inside import/ only.
 */
#ifndef ECM_COLLECTOR_IMPORT_ROWS_H
#define ECM_COLLECTOR_IMPORT_ROWS_H

#include "base/csv_pieces.h"
#include "collector/import/columns.h"

/* What the header row of a file says. */
struct rows_format {
    const struct table *table;
    int order[TABLE_COLUMNS_MAX]; /* by column of the table: its field in this file */
    size_t columns;               /* of the table */
};

/* Why and where a file is refused. */
struct rows_fault {
    int rc;             /* 0: it is not */
    uint64_t line;      /* of the piece */
    const char *column; /* NULL: the row as a whole */
    const char *reason; /* NULL: rc says it */
    char name[64];      /* room for the name of a column nobody knows */
};

struct rows {
    char *bytes; /* room for a piece */
    struct csv *csv;
    struct csv_piece piece;
    union cell *cells; /* by row, then column of the table */
    uint32_t *lines;   /* by row: where it lies in the piece */
    size_t count;
    size_t capacity;
    struct rows_fault fault; /* what comes behind the rows before it */
};

/* 0 or -ENOMEM; rows_done() is due either way. Zero-initialise. */
int rows_init(struct rows *rows);
void rows_done(struct rows *rows);

/* Read the header row off the first piece. False with the fault in rows. */
bool rows_read_header(struct rows *rows, const struct table *table, struct rows_format *ret_format);

/*
 * Read the piece (what is left of it behind the header) up to its end or the first fault, which is
 * left in rows->fault. The texts of the cells lie in rows->bytes.
 */
void rows_read(struct rows *rows, const struct rows_format *format);

#endif
