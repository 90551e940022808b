/*
 * monitoring.h - contract monitoring: what a provider, zone, lot or funder delivered, in numbers.
 *
 * Everything is counted from verdicts and taps that are already there; nothing is estimated. Each
 * number has its definition beside it in monitoring_numbers, which every output prints from. All
 * are integers: shares are whole parts in a thousand (rounded half up, 0 when there is nothing to
 * take a share of), and what they are a share of is a number of its own.
 *
 * A slot counts on the local date of its planned start, an attendance on that of its anchor. A
 * slot belongs to the provider of the visit and the funder of the person; zone and lot are the
 * provider's. An unplanned attendance belongs to the person's provider.
 *
 * Pure. Ownership: monitoring_done() frees; the result refers to the dataset of the input.
 * Scope:   the one period of the input, which may be several joined. Cost: one pass, and a sort of each person's slots.
 */
#ifndef ECM_COLLECTOR_PAY_MONITORING_H
#define ECM_COLLECTOR_PAY_MONITORING_H

#include "collector/pay/pay.h"

enum { MONITORING_LATE_BANDS = 3, MONITORING_USUAL_MAX = 16 };

enum monitoring_by { MONITORING_PROVIDER, MONITORING_ZONE, MONITORING_LOT, MONITORING_FUNDER };

struct monitoring_params {
    enum monitoring_by by;
    int32_t from_day, to_day;              /* local dates, [from, to) */
    int32_t late_s[MONITORING_LATE_BANDS]; /* ascending; late is more than this */
    int32_t usual_carers;                  /* 1 to MONITORING_USUAL_MAX */
};

/* By provider, no dates, late by more than 15, 30, 60 min, the usual three. */
extern const struct monitoring_params monitoring_default_params;

/* Counted, so that rows may be added up. */
struct monitoring_counts {
    int64_t planned, delivered, held, missed, same_carer, cancelled_notice, cancelled_short;
    int64_t late[MONITORING_LATE_BANDS];
    int64_t is_short;
    int64_t delivered_planned_s, delivered_worked_s;
    int64_t ecm;
    int64_t repaired, proposed;
    int64_t person_weeks, carer_weeks, usual;
    int64_t double_visits, double_both;
    int64_t planned_s, actual_s, paid_units;
    int64_t paid_pence, held_pence;
};

struct monitoring_row {
    text_id key; /* of the total: 0 */
    struct monitoring_counts counts;
};

struct monitoring {
    struct monitoring_row *rows; /* in the order of their keys */
    size_t count;
    struct monitoring_row total; /* the sum of the rows */
};

/* One number that is printed. */
struct monitoring_number {
    const char *name; /* with its unit: "paid_min", "ecm_permille" */
    const char *definition;
    int64_t (*value)(const struct monitoring_counts *counts, const struct pay_params *params);
};

enum { MONITORING_NUMBERS = 32 };

extern const struct monitoring_number monitoring_numbers[MONITORING_NUMBERS];

/* "provider", "zone", "lot", "funder". */
const char *monitoring_by_name(enum monitoring_by by);

/*
 * Count. 0; -ENOMEM; -EINVAL for params out of range; else what pay.h says of people, providers
 * and rates. On failure *ret_monitoring is untouched.
 */
int monitoring_make(struct monitoring *ret_monitoring, const struct pay_input *input,
    const struct monitoring_params *params, struct pay_problem *ret_problem);

/* A zeroed one is allowed. */
void monitoring_done(struct monitoring *monitoring);

#endif
