/*
 * feed.h - the payment feed: one row a slot, as JSON and as CSV.
 *
 * A row is one JSON object with its keys in the order of feed_columns; the store gives it the
 * version by which consumers poll. The same slot always gives the same bytes, whether it was
 * reconciled alone, with its person or with everybody; so the overlap flag, which needs other
 * people's taps, is not in the feed but in the explanation.
 *
 * The status of a slot whose time has not passed as of input->asof_utc is that of visits_stage():
 * NOT_DUE, DUE, LATE or ONGOING. Runs know none of these.
 *
 * pence is what the slot's units come to by themselves. Model A rounds once a line, so that the
 * sum of a person's week may differ by pennies; the run's lines are what is paid. When no rate
 * is known pence is null and why names what is missing.
 *
 * Pure. Threads: none of its own.
 */
#ifndef ECM_COLLECTOR_PAY_FEED_H
#define ECM_COLLECTOR_PAY_FEED_H

#include <stddef.h>

#include "collector/pay/pay.h"
#include "collector/pay/text.h"

enum { FEED_COLUMN_COUNT = 23 };

/* The names of the columns, in their order. */
extern const char *const feed_columns[FEED_COLUMN_COUNT];

/* Append the JSON object of one slot, without a line feed. text->rc tells of failure. */
void feed_add_line(struct text *text, const struct pay_input *input, size_t slot);

/* Append why the slot is what it is, in one short sentence without a full stop. */
void feed_add_why(struct text *text, const struct pay_input *input, size_t slot);

#endif
