/*
 * tally.h - where every planned second of a provider went.
 *
 * planned = paid + held + missed + cancelled + difference, exactly: the difference is what
 * rounding, caps, envelopes and guarantees took (or, below 0, added). The parts are reckoned from
 * the slots, paid from the lines: a line that is lost or counted twice breaks the sum.
 *
 * Pure. Ownership: tallies_done() frees; a zeroed struct is allowed.
 */
#ifndef ECM_COLLECTOR_PAY_TALLY_H
#define ECM_COLLECTOR_PAY_TALLY_H

#include "collector/pay/pay.h"
#include "collector/pay/text.h"

struct pay_tally {
    text_id provider_id;
    int64_t planned_s, paid_s, held_s, missed_s, cancelled_s, difference_s;
};

struct pay_tallies {
    struct pay_tally *rows; /* by provider, as bytes */
    size_t count;
    uint32_t *by_text; /* 1 + index into rows, 0 for none */
};

/* A tally of zeros for every provider. 0 or -ENOMEM. */
int tallies_init(struct pay_tallies *ret_tallies, const struct dataset *dataset);
void tallies_done(struct pay_tallies *tallies);

/* The tally of a provider. NULL, with the reason, when there is no such provider. */
struct pay_tally *tallies_of(const struct pay_tallies *tallies, const struct pay_input *input,
    text_id provider_id, struct pay_problem *ret_problem);

/* Fill in tallies for model 'A', 'B' or 'C'; lines are those of the run. -ENOENT, -ENOMEM. */
int tally_model(const struct pay_input *input, char model, const struct pay_lines *lines,
    struct pay_tallies *tallies, struct pay_problem *ret_problem);

/* Whether every sum comes out; if not, ret_problem names provider and numbers. */
bool tallies_hold(const struct pay_tallies *tallies, const struct dataset *dataset,
    struct pay_problem *ret_problem);

/* The rows of identity.csv: model, provider, and the six numbers. */
void tallies_add_header(struct text *text);
void tallies_add_rows(struct text *text, const char *model, const struct pay_tallies *tallies,
    const struct dataset *dataset);

/* One sentence for a person: the sums of all providers. */
void tallies_add_sentence(struct text *text, const char *model, const struct pay_tallies *tallies);

#endif
