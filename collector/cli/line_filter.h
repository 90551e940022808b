/*
 * line_filter.h - which lines of pay a person means: a row of lines.csv, or the beginning of one.
 */
#ifndef ECM_COLLECTOR_CLI_LINE_FILTER_H
#define ECM_COLLECTOR_CLI_LINE_FILTER_H

#include <stdbool.h>

#include "collector/pay/pay.h"

struct err;

enum { LINE_FILTER_FIELDS = 8, LINE_FILTER_TEXT_SIZE = 129 };

struct line_filter {
    char model; /* 'A', 'B', 'C', or 0: any */
    /* The fields of the row as texts; empty: any. */
    char fields[LINE_FILTER_FIELDS][LINE_FILTER_TEXT_SIZE];
};

/* ECM_EFORMAT, and err says which field cannot be so. */
int line_filter_read(const char *row, struct line_filter *ret_filter, struct err *err);

bool line_filter_fits(
    const struct line_filter *filter, const struct dataset *dataset, const struct pay_line *line);

#endif
