/*
 * pay.h - from verdicts to money: the models A, B and C (docs/RECONCILIATION.md section 5).
 *
 * Each model turns a reconciled period into lines; a line is rounded once, totals are sums of
 * rounded lines. All money is whole pence, all durations whole seconds or minutes.
 *
 * Pure: no I/O, no clock, no log, no globals. Ownership: pay_lines_done() frees.
 * Errors: -ENOMEM; -ENOENT when a person, provider or rate is not known, or no rate is valid on
 *         that day, and ret_problem names it; -EOVERFLOW when a line exceeds PAY_AMOUNT_MAX.
 *         Never a default.
 */
#ifndef ECM_COLLECTOR_PAY_PAY_H
#define ECM_COLLECTOR_PAY_PAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/pay/local_days.h"
#include "collector/visits/dataset.h"
#include "collector/visits/visits.h"

#define PAY_AMOUNT_MAX INT64_C(4000000000) /* units or minutes of one line, or of one provider */

/* The numbers of the models. Lines keep the id and version of the model beside them. */
struct pay_params {
    const char *rule_a_id, *rule_b_id, *rule_c_id;
    int rule_a_version, rule_b_version, rule_c_version;
    int32_t unit_s;               /* A: what is bought at a time */
    int32_t unit_starts_at_s;     /* A: a further unit is earned from here on */
    int32_t floor_percent;        /* C: guaranteed share of the contracted minutes */
    int32_t cap_percent;          /* C: paid share of the contracted minutes at most */
    const char *guarantee_funder; /* C: who pays the guarantee */
};

/* Rules "A", "B", "C", version 1 each. */
extern const struct pay_params pay_default_params;

/* A sentence for the person. */
struct pay_problem {
    char text[320];
};

/* Rates in an order to look them up in. */
struct pay_rates {
    const struct rate_row **rows; /* by provider, funder (as ids), from_day */
    size_t count;
};

/* What the models work on. Everything is borrowed. */
struct pay_input {
    const struct dataset *dataset;
    const struct visits_params *visits_params;
    const struct visits_result *result;
    const struct period_row *period;
    const struct local_days *days;
    const struct pay_params *params;
    const struct pay_rates *rates;
    const uint32_t *people; /* see pay_index_people() */
    int64_t asof_utc;       /* for the feed: which slots are still to come */
};

enum pay_kind {
    PAY_VISITS,    /* A: units */
    PAY_ENVELOPE,  /* B: minutes */
    PAY_PLANNED,   /* C: minutes */
    PAY_CAPPED,    /* C: minutes */
    PAY_GUARANTEE, /* C: minutes */
};

struct pay_line {
    char model;   /* 'A', 'B', 'C' */
    uint8_t kind; /* enum pay_kind */
    text_id provider_id, funder;
    text_id person_id; /* C: 0 */
    int32_t week;      /* C: 0 */
    int64_t pence_per_hour;
    int64_t quantity; /* units or minutes */
    int64_t pence;
    union {
        struct {
            int64_t planned_s, delivered_s, credit_s;
        } b;
        struct {
            int64_t contract_min, floor_min, cap_min, base_min;
        } c;
    };
};

struct pay_lines {
    struct pay_line *rows;
    size_t count;
    size_t capacity;
};

/* n / d to the nearest integer, halves away from zero. d > 0. */
int64_t pay_half_up(int64_t n, int64_t d);

int pay_rates_init(struct pay_rates *ret_rates, const struct dataset *dataset);
void pay_rates_done(struct pay_rates *rates);

/* By text id 1 + the index of the person's row, 0 for none. NULL when memory is out. */
uint32_t *pay_index_people(const struct dataset *dataset);

/* The rate valid on day. -ENOENT with the reason. */
int pay_rate_on(const struct pay_input *input, text_id provider_id, text_id funder, int32_t day,
    int64_t *ret_pence_per_hour, struct pay_problem *ret_problem);

/* The row of a person. -ENOENT with the reason. */
int pay_person(const struct pay_input *input, text_id person_id,
    const struct person_row **ret_person, struct pay_problem *ret_problem);

/* Model A: the units one slot is paid. */
int64_t pay_units(const struct pay_params *params, const struct planned_row *planned,
    const struct visits_slot *slot, const struct visits_attendance *attendance);

/* Model C: whether the planned minutes of a slot count. */
bool pay_is_base(const struct visits_slot *slot);

/* The week of the period that utc falls in. */
int32_t pay_week(const struct pay_input *input, int64_t utc);

/*
 * Append the lines of a model ('A', 'B' or 'C') to lines, in their final order: by provider,
 * funder, person, week, rate; for C by provider, then the planned lines by funder and rate, then
 * the guarantee. -EINVAL for another letter.
 */
int pay_model(const struct pay_input *input, char model, struct pay_lines *lines,
    struct pay_problem *ret_problem);
void pay_lines_done(struct pay_lines *lines);

/* Seconds worked in the period by attendances that are complete, as model B counts them. */
int64_t pay_delivered_s(const struct pay_input *input);

/* "PLANNED", "CAPPED", "GUARANTEE"; "" for the kinds of A and B. */
const char *pay_kind_name(enum pay_kind kind);

#endif
