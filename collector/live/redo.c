/* redo.c - see redo.h. */
#include "collector/live/redo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "collector/corrections/correction_log.h"
#include "collector/pay/feed.h"
#include "collector/pay/pay.h"
#include "collector/storage/storage.h"
#include "collector/visits/visits.h"

/* The rows of one put: their lines lie one after the other in text, each ended by a zero. */
struct rows {
    struct text text;
    struct storage_verdict *verdicts;
    size_t *offsets;
    size_t count;
};

static void rows_done(struct rows *rows)
{
    text_done(&rows->text);
    free(rows->verdicts);
    free(rows->offsets);
}

/* feed_add_line() looks at what stands before it, so every line is made by itself. */
static int add_line(struct rows *rows, const struct pay_input *input, size_t slot)
{
    struct text line = {.rc = 0};

    feed_add_line(&line, input, slot);
    text_add_char(&line, '\0');
    rows->offsets[rows->count] = rows->text.size;
    text_add(&rows->text, line.bytes, line.size);
    if (rows->text.rc == 0) {
        rows->text.rc = line.rc;
    }
    text_done(&line);
    return rows->text.rc;
}

static int make_rows(
    struct rows *rows, const struct pay_input *input, const char *period_id, const char *person_id)
{
    const struct dataset *dataset = input->dataset;
    size_t slots = input->result->slots_count;
    int rc = 0;

    rows->verdicts = calloc(slots + 1, sizeof *rows->verdicts);
    rows->offsets = calloc(slots + 1, sizeof *rows->offsets);
    if (rows->verdicts == NULL || rows->offsets == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; rc == 0 && i < slots; i++) {
        const struct visits_slot *slot = &input->result->slots[i];
        const struct planned_row *planned = &dataset->planned[slot->planned];
        const char *whose = dataset_text(dataset, planned->person_id);

        /* A device that stood in two homes brings in the other person's taps, not their visits. */
        if (person_id != NULL && strcmp(whose, person_id) != 0) {
            continue;
        }
        rc = add_line(rows, input, i);
        rows->verdicts[rows->count++] = (struct storage_verdict){
            .period_id = period_id,
            .visit_id = dataset_text(dataset, planned->visit_id),
            .slot = slot->number,
            .person_id = whose,
        };
    }
    for (size_t i = 0; rc == 0 && i < rows->count; i++) {
        rows->verdicts[i].line = rows->text.bytes + rows->offsets[i];
    }
    return rc;
}

static const struct period_row *find_period(const struct dataset *dataset, const char *period_id)
{
    for (size_t i = 0; i < dataset->periods_count; i++) {
        if (strcmp(dataset_text(dataset, dataset->periods[i].period_id), period_id) == 0) {
            return &dataset->periods[i];
        }
    }
    return NULL;
}

/* unpriced is filled but for rates and people. */
static int price_and_put(struct storage *storage, const struct pay_input *unpriced,
    const char *period_id, const char *person_id, uint64_t *ret_changed)
{
    struct pay_input input = *unpriced;
    struct pay_rates rates = {.count = 0};
    struct rows rows = {.count = 0};
    uint32_t *people = pay_index_people(input.dataset);
    int rc = people == NULL ? -ENOMEM : pay_rates_init(&rates, input.dataset);

    input.rates = &rates;
    input.people = people;
    if (rc == 0) {
        rc = make_rows(&rows, &input, period_id, person_id);
    }
    if (rc == 0) {
        rc = storage->ops->verdicts_put(
            storage, period_id, person_id, rows.verdicts, rows.count, ret_changed);
    }
    rows_done(&rows);
    pay_rates_done(&rates);
    free(people);
    return rc;
}

int redo_verdicts(struct storage *storage, const struct redo_rules *rules,
    const struct redo_scope *scope, uint64_t *ret_changed, struct err *err)
{
    const struct storage_filter filter = {
        .period_id = scope->period_id, .person_id = scope->person_id};
    struct visits_result result = {.people_count = 0};
    const struct period_row *period = NULL;
    struct dataset dataset;
    int rc = dataset_init(&dataset);

    if (rc < 0) {
        return err_set(err, rc, "out of memory");
    }
    rc = storage->ops->load(storage, &filter, &dataset, err);
    period = rc == 0 ? find_period(&dataset, scope->period_id) : NULL;
    if (period != NULL) {
        const struct visits_period span = {period->start_utc, period->end_utc, scope->asof_utc};
        struct pay_input input = {
            .dataset = &dataset,
            .visits_params = rules->params,
            .result = &result,
            .period = period,
            .days = rules->days,
            .params = &pay_default_params,
            .asof_utc = scope->asof_utc,
        };

        corrections_apply(rules->corrections, scope->asof_utc, &dataset);
        rc = visits_reconcile(&dataset, rules->params, &span, &result);
        if (rc == 0) {
            rc = price_and_put(storage, &input, scope->period_id, scope->person_id, ret_changed);
        }
        if (rc < 0) {
            (void)err_set(err, rc, "verdicts of period %s: %s", scope->period_id, err_name(rc));
        }
    }
    visits_done(&result);
    dataset_done(&dataset);
    return rc == 0 && period == NULL ? -ENOENT : rc;
}
