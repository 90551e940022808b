/*
 * repair_words.h - the repairs of a slot in words, and all of a run as a table.
 *
 * Pure. text->rc tells of failure.
 */
#ifndef ECM_COLLECTOR_PAY_REPAIR_WORDS_H
#define ECM_COLLECTOR_PAY_REPAIR_WORDS_H

#include "collector/pay/outputs.h"
#include "collector/pay/pay.h"
#include "collector/pay/text.h"

/* " repair-leaving/1" for each rule that bears on the slot: to go behind the rule of the visits. */
void repair_add_rules(struct text *text, const struct pay_input *input, size_t slot);

/* "; repair-leaving/1: left 08:28:00, as 6 visits of this length usually take, held". */
void repair_add_why(struct text *text, const struct pay_input *input, size_t slot);

/* Several lines for a person, each indented like those of explain.h: what was laid over which tap,
 * from what, and how to accept a proposal. */
void repair_explain(struct text *text, const struct pay_input *input, size_t slot);

/* The same as a JSON array, empty without. */
void repair_add_json(struct text *text, const struct pay_input *input, size_t slot);

/* repairs.csv: one row a repair, made or proposed. */
void repair_write(struct text *text, const struct pay_run *run);

#endif
