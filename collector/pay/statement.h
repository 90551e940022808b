/*
 * statement.h - what a provider is sent: what is paid and what is not, as text and as HTML.
 *
 * The HTML is one file with its style inside; it needs no script and prints on A4. Both have the
 * same numbers: the lines of one model, their sum, where the planned time went, and every visit
 * that is not paid in full because a tap is missing, nobody came or a person has to decide.
 *
 * Pure.
 */
#ifndef ECM_COLLECTOR_PAY_STATEMENT_H
#define ECM_COLLECTOR_PAY_STATEMENT_H

#include "collector/pay/compose_run.h"
#include "collector/pay/outputs.h"
#include "collector/pay/tally.h"

struct statement {
    const struct pay_run *run;
    const char *run_id;
    text_id provider_id;
    char model;                         /* whose lines; 'K' with a contract */
    const char *rule;                   /* "A/1", "contract X/3" */
    const struct pay_tally *tally;      /* of that model */
    const struct compose_run *composed; /* NULL without a contract */
};

void statement_add_text(struct text *text, const struct statement *statement);
void statement_add_html(struct text *text, const struct statement *statement);

#endif
