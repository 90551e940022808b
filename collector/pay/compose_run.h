/*
 * compose_run.h - a whole period paid under one contract (docs/CONTRACTS.md).
 *
 * The contract must hold on every day of the period. Lines have model 'K', their quantity is in
 * seconds; pence_per_hour is 0 where the price is by the visit.
 *
 * Pure. Ownership: compose_run_done() frees; a zeroed struct is allowed.
 * Errors: as pay_model(); -EINVAL when the contract does not hold throughout the period.
 */
#ifndef ECM_COLLECTOR_PAY_COMPOSE_RUN_H
#define ECM_COLLECTOR_PAY_COMPOSE_RUN_H

#include "collector/pay/compose.h"
#include "collector/pay/pay.h"
#include "collector/pay/tally.h"

/* A person has looked at this visit: it is paid although it lies outside the tolerance. */
struct compose_release {
    text_id visit_id;
    int slot;
};

struct compose_run {
    const struct contract *contract;
    const struct pay_input *input;
    const struct compose_release *releases; /* in any order */
    size_t release_count;
    struct compose_result *results; /* by slot */
    struct pay_lines lines;
    struct pay_tallies tallies;
};

/* Fill in results, lines and tallies; contract, input and releases are given. */
int compose_run(struct compose_run *run, struct pay_problem *ret_problem);
void compose_run_done(struct compose_run *run);

/* "PAID", "HELD", "PARKED", "MISSED", "CANCELLED". */
const char *compose_outcome_name(enum compose_outcome outcome);

/* contract_lines.csv and contract_slots.csv, byte for byte. */
void compose_add_lines(struct text *text, const struct compose_run *run);
void compose_add_slots(struct text *text, const struct compose_run *run);

#endif
