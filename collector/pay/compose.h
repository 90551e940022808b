/*
 * compose.h - what one visit is paid under a contract, step by step (docs/CONTRACTS.md).
 *
 * The steps always stand in the same order: source, seconds, rounding, minimum, visit cap and
 * floor, tolerance; then, over many visits, envelope, carry-over and guarantee; then the price.
 * Each is a small function here so that every rule can be held to a table of its own.
 *
 * Pure. Threads: none of its own. Nothing to free.
 */
#ifndef ECM_COLLECTOR_PAY_COMPOSE_H
#define ECM_COLLECTOR_PAY_COMPOSE_H

#include "collector/pay/contract.h"
#include "collector/pay/local_days.h"
#include "collector/visits/visits.h"

enum { COMPOSE_SLOTS_MAX = 9 };

/* One carer's part of a visit. */
struct compose_slot {
    enum slot_status status;
    int64_t in_utc, out_utc; /* of SLOT_OK */
    int64_t worked_s;        /* at most out - in: unpaid gaps are taken off */
    bool is_released;        /* a person has looked at it: never parked */
};

/* A visit with its slots. */
struct compose_visit {
    int64_t start_utc, end_utc; /* planned */
    int64_t notice_s;           /* with a cancelled status: how long before the start */
    const struct compose_slot *slots;
    size_t slot_count;             /* 1 .. COMPOSE_SLOTS_MAX */
    const struct local_days *days; /* for rounding ends to the clock on the wall */
};

enum compose_outcome {
    COMPOSE_PAID,
    COMPOSE_HELD,      /* a tap is missing */
    COMPOSE_PARKED,    /* outside the tolerance: a person decides */
    COMPOSE_MISSED,    /* nobody came, or the same carer twice */
    COMPOSE_CANCELLED, /* and nothing is paid for it */
};

/* What came of a slot. planned_s = paid_s + what the outcome says + difference. */
struct compose_result {
    enum compose_outcome outcome;
    int64_t planned_s;
    int64_t base_s;    /* the source */
    int64_t seconds_s; /* after the rule for seconds */
    int64_t rounded_s; /* after rounding and minimum */
    int64_t paid_s;    /* after cap and floor; 0 unless COMPOSE_PAID */
    int64_t excess_s;  /* what the cap took: an envelope may pay it after all */
    int64_t lost_s;    /* what rounding down took: carry-over may pay it */
};

/* The result of every slot of visit. text: NULL, or where each step is put down in words. */
void compose_visit(const struct contract *contract, const struct compose_visit *visit,
    struct compose_result *ret_results, struct text *text);

/* ---- the single steps --------------------------------------------------------------------- */

int64_t compose_seconds(enum contract_seconds rule, int64_t s);
/* A length to units; unchanged when the contract has no unit. */
int64_t compose_round(const struct contract *contract, int64_t s);
/* From in to out, less gap_s, both ends rounded. To a carer's disadvantage when down. */
int64_t compose_round_ends(const struct contract *contract, const struct local_days *days,
    int64_t in_utc, int64_t out_utc, int64_t gap_s);
/* The percentage of the planned length that a cancellation with notice_s is paid. */
int64_t compose_cancel_percent(const struct contract *contract, int64_t notice_s);

/* ---- over many visits --------------------------------------------------------------------- */

/*
 * Pay from an envelope of envelope_s: visits are paid in their order until it is empty; with a
 * top-up what then is left goes, in the same order, to what the visit cap took.
 */
void compose_envelope(
    int64_t envelope_s, bool top_up, struct compose_result *results, size_t count);

/* Seconds that lost_s add up to in whole units. */
int64_t compose_carry_over(const struct contract *contract, int64_t lost_s);

/* What base_min come to between the guarantee and its cap. */
int64_t compose_guarantee(
    const struct contract *contract, int64_t contracted_min, int64_t base_min);

/* ---- price -------------------------------------------------------------------------------- */

/* Pence per hour under tariff when the rate of rates.csv is rate; by-the-hour tariffs only. */
int64_t compose_hourly(const struct tariff *tariff, int64_t rate);
/* Pence of paid_s for one carer. 0 s cost nothing. */
int64_t compose_price(const struct tariff *tariff, int64_t rate, int64_t paid_s);

#endif
