/*
 * delivery.h - a council's service-delivery CSV, its columns defined by a template file.
 *
 * A template is one line a column, in order: "Name = text with {fields}". Lines that begin with #
 * and empty lines mean nothing. One row a slot that is paid for under model A (quarter hours); the
 * pence of the rows of one pay line add up to that line exactly, because each row gets the
 * difference between two rounded running sums.
 *
 * Pure. Nothing to free: a template borrows the text it was read from.
 */
#ifndef ECM_COLLECTOR_PAY_DELIVERY_H
#define ECM_COLLECTOR_PAY_DELIVERY_H

#include "collector/pay/outputs.h"

enum { DELIVERY_COLUMNS_MAX = 40 };

struct delivery_column {
    const char *name, *value; /* sizes below */
    size_t name_size, value_size;
};

struct delivery_template {
    struct delivery_column columns[DELIVERY_COLUMNS_MAX];
    size_t count;
};

/*
 * Read a template of the bytes of a file, ended by zero. Returns the number of problems, each one
 * line "LINE: what; permitted: what" in problems.
 */
size_t delivery_read(
    const char *bytes, struct delivery_template *ret_template, struct text *problems);

/* One provider's file. */
struct delivery {
    const struct pay_run *run;
    const struct delivery_template *columns;
    text_id provider_id;
    const char *file_reference; /* never used before */
};

/* Append header and rows. 0, or -ENOENT with the reason, or -ENOMEM. */
int delivery_add(
    struct text *text, const struct delivery *delivery, struct pay_problem *ret_problem);

#endif
