/*
 * explain.h - why a slot came out as it did, in words for the person who has to defend it.
 *
 * Says: what was planned; the taps; each part of the cost of the match; the runner-up and what it
 * would have cost; for MISSED the nearest attendance and why it was out of reach; for HELD which
 * tap is missing; the flags; what is paid and by which rule. Pure.
 */
#ifndef ECM_COLLECTOR_PAY_EXPLAIN_H
#define ECM_COLLECTOR_PAY_EXPLAIN_H

#include <stddef.h>

#include "collector/pay/pay.h"
#include "collector/pay/text.h"

/* Append several lines about one slot. 0 or -ENOMEM. */
int explain_slot(struct text *text, const struct pay_input *input, size_t slot);

#endif
