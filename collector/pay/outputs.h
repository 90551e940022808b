/*
 * outputs.h - the files of a payment run, byte for byte (docs/RECONCILIATION.md section 7).
 *
 * Rows are in a fixed order and lines end in LF, so the same inputs give the same bytes.
 * Pure: rows go into a struct text; who called decides where that ends up.
 */
#ifndef ECM_COLLECTOR_PAY_OUTPUTS_H
#define ECM_COLLECTOR_PAY_OUTPUTS_H

#include <stddef.h>
#include <stdint.h>

#include "collector/pay/pay.h"
#include "collector/pay/text.h"

/* What a run came to. */
struct pay_run {
    struct pay_input input;
    const struct visits_period *period;
    const char *models;        /* "ABC": letters in that order, each at most once */
    struct pay_lines lines;    /* of all models, one model after another */
    const char *contract_text; /* the contract that paid too, and releases; NULL: none */
};

struct output {
    const char *file;
    char model; /* the model it belongs to, 0: to every run */
    void (*write)(struct text *text, const struct pay_run *run);
};

enum { OUTPUT_COUNT = 7 };

/* In the order of their names. */
extern const struct output outputs[OUTPUT_COUNT];

/* What slots and attendances come to by themselves, before any model. Each is walked once. */
struct output_sums {
    int64_t statuses[SLOT_STATUS_COUNT]; /* slots */
    int64_t exceptions[EXCEPTION_CODE_COUNT];
    int64_t planned_s, delivered_s;
    int64_t late, unplanned;
    /* What other ways of rounding would have come to: units, of minute minutes. */
    int64_t ceil, floor, nearest, nearest_uncapped, minute;
};

/* Of run only input and period are looked at, so it need not be paid yet. */
struct output_sums output_sum(const struct pay_run *run);

/*
 * totals.json; sums: output_sum() of the same run; hashes: the SHA-256 of each of outputs in hex,
 * NULL for one that was not written. -ENOMEM ends up in text->rc.
 */
void output_totals(struct text *text, const struct pay_run *run, const struct output_sums *sums,
    const char *const hashes[OUTPUT_COUNT]);

#endif
