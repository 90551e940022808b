/*
 * adjust.h - what a later run of a period owes to an earlier one.
 *
 * A run's lines are kept as CSV, one row a line: its identity (model, provider, funder, person,
 * week, rate, kind) and last its pence. An adjustment is new - old of one identity, where that is
 * not 0; so old total + adjustments = new total, exactly, and no earlier run is ever changed.
 *
 * Pure.
 */
#ifndef ECM_COLLECTOR_PAY_ADJUST_H
#define ECM_COLLECTOR_PAY_ADJUST_H

#include "collector/pay/outputs.h"
#include "collector/pay/text.h"

/* Append the lines of run as CSV with a header row, sorted by their bytes. */
void adjust_add_lines(struct text *text, const struct pay_run *run);

/*
 * Append adjustments.csv. old_lines: what adjust_add_lines() made of the earlier run, NULL when
 * there was none: nothing to adjust then. 0; -ENOMEM; -EINVAL when old_lines are not such lines.
 */
int adjust_write(struct text *text, const char *old_lines, const char *new_lines);

#endif
