/*
 * lines.h - the growing list of pay lines, shared by the models. Inside pay/ only.
 */
#ifndef ECM_COLLECTOR_PAY_LINES_H
#define ECM_COLLECTOR_PAY_LINES_H

#include "collector/pay/pay.h"

/* Append a copy of line. 0 or -ENOMEM. */
int lines_append(struct pay_lines *lines, const struct pay_line *line);

/*
 * The row at from or later that has the identity of wanted (provider, funder, person, week,
 * rate, kind); appended, with its amounts 0, when there is none. NULL when memory is out. The
 * newest rows are looked at first, so sorted input finds its row at once.
 */
struct pay_line *lines_find(struct pay_lines *lines, size_t from, const struct pay_line *wanted);

/* Sort the rows from from on by provider, funder, person, week, rate, as texts where they are. */
void lines_sort(struct pay_lines *lines, size_t from, const struct dataset *dataset);

/* Drop the rows from from on whose quantity is 0. */
void lines_drop_zero(struct pay_lines *lines, size_t from);

/* -EOVERFLOW with the reason when amount is more than money can be reckoned with. */
int pay_check_amount(const struct pay_input *input, text_id provider_id, int64_t amount,
    struct pay_problem *ret_problem);

/*
 * Move each provider's minutes between guarantee and cap (rule C) and price them: from base,
 * which has whole minutes by provider, funder and rate, to lines. cap_percent 0: no cap.
 */
int pay_settle_providers(const struct pay_input *input, const struct pay_lines *base,
    struct pay_lines *lines, struct pay_problem *ret_problem);

/* The models proper; see pay_model(). */
int pay_model_a(
    const struct pay_input *input, struct pay_lines *lines, struct pay_problem *ret_problem);
int pay_model_b(
    const struct pay_input *input, struct pay_lines *lines, struct pay_problem *ret_problem);
int pay_model_c(
    const struct pay_input *input, struct pay_lines *lines, struct pay_problem *ret_problem);

#endif
