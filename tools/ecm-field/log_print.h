/*
 * log_print.h - a scanned flash log for people and for machines.
 */
#ifndef ECM_TOOLS_FIELD_LOG_PRINT_H
#define ECM_TOOLS_FIELD_LOG_PRINT_H

#include <stdio.h>

#include "tools/ecm-field/log_scan.h"

/* What the log is, then one line a record. */
void log_print_table(const struct log_scan *scan, FILE *out);

/* One line a record, below a line of names. */
void log_print_tsv(const struct log_scan *scan, FILE *out);

/* One object. 0 or -ENOMEM. */
int log_print_json(const struct log_scan *scan, FILE *out);

#endif
