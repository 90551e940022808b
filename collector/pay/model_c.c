/* model_c.c - planned time with a guarantee and a cap (rule C of docs/RECONCILIATION.md). */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/pay/lines.h"

enum { MINUTE_S = 60, HOUR_MIN = 60, PERCENT = 100 };

bool pay_is_base(const struct visits_slot *slot)
{
    return slot->status == SLOT_OK || slot->status == SLOT_HELD_NO_OUT ||
           slot->status == SLOT_HELD_NO_IN || slot->status == SLOT_HELD_REPAIR ||
           slot->status == SLOT_CANC_SHORT;
}

static int add_slot(const struct pay_input *input, struct pay_lines *lines, size_t from,
    const struct visits_slot *slot, struct pay_problem *ret_problem)
{
    const struct planned_row *planned = &input->dataset->planned[slot->planned];
    int64_t minutes = (planned->end_utc - planned->start_utc) / MINUTE_S;
    struct pay_line wanted = {
        .model = 'C', .kind = PAY_PLANNED, .provider_id = planned->provider_id};
    const struct person_row *person = NULL;
    struct pay_line *line = NULL;
    int rc = 0;

    if (!pay_is_base(slot) || minutes == 0) {
        return 0;
    }
    rc = pay_person(input, planned->person_id, &person, ret_problem);
    if (rc < 0) {
        return rc;
    }
    wanted.funder = person->funder;
    rc = pay_rate_on(input, wanted.provider_id, wanted.funder,
        local_day(input->days, planned->start_utc), &wanted.pence_per_hour, ret_problem);
    if (rc < 0) {
        return rc;
    }
    line = lines_find(lines, from, &wanted);
    if (line == NULL) {
        return -ENOMEM;
    }
    line->quantity += minutes;
    return 0;
}

/* One provider's lines while its cap is applied. */
struct share {
    struct pay_line *line;
    int64_t remainder;
};

/* Largest remainder first; ties in the order of the lines, which is by funder, then rate. */
static int compare_shares(const void *left, const void *right)
{
    const struct share *a = left;
    const struct share *b = right;

    if (a->remainder != b->remainder) {
        return a->remainder > b->remainder ? -1 : 1;
    }
    return a->line < b->line ? -1 : 1;
}

static int cap(struct pay_line *rows, size_t count, int64_t total, int64_t cap_min)
{
    struct share *shares = malloc(count * sizeof *shares);
    int64_t left = cap_min;

    assert(total > cap_min && cap_min >= 0);
    if (shares == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        int64_t scaled = rows[i].quantity * cap_min; /* both at most PAY_AMOUNT_MAX */

        rows[i].kind = PAY_CAPPED;
        rows[i].quantity = scaled / total;
        shares[i] = (struct share){.line = &rows[i], .remainder = scaled % total};
        left -= rows[i].quantity;
    }
    qsort(shares, count, sizeof *shares, compare_shares);
    for (size_t i = 0; left > 0; i++, left--) {
        shares[i].line->quantity++;
    }
    free(shares);
    return 0;
}

/* Everything that is known of one provider. */
struct envelope {
    const struct provider_row *provider;
    size_t from; /* its lines: from here to the end of the list */
    int64_t total, floor_min, cap_min;
};

static int add_guarantee(const struct pay_input *input, struct pay_lines *lines,
    const struct envelope *envelope, text_id funder, struct pay_problem *ret_problem)
{
    struct pay_line line = {.model = 'C',
        .kind = PAY_GUARANTEE,
        .provider_id = envelope->provider->provider_id,
        .funder = funder,
        .quantity = envelope->floor_min - envelope->total};
    int rc = pay_rate_on(input, line.provider_id, funder, input->period->end_day - 1,
        &line.pence_per_hour, ret_problem);

    return rc < 0 ? rc : lines_append(lines, &line);
}

static void price(struct pay_lines *lines, const struct envelope *envelope)
{
    for (size_t i = envelope->from; i < lines->count; i++) {
        struct pay_line *line = &lines->rows[i];

        line->pence = pay_half_up(line->quantity * line->pence_per_hour, HOUR_MIN);
        line->c.contract_min = envelope->provider->contract_minutes;
        line->c.floor_min = envelope->floor_min;
        line->c.cap_min = envelope->cap_min;
        line->c.base_min = envelope->total;
    }
}

/* Move the lines of provider from base to the end of lines and settle them. */
static int settle(const struct pay_input *input, const struct pay_lines *base,
    const struct provider_row *provider, text_id guarantee_funder, struct pay_lines *lines,
    struct pay_problem *ret_problem)
{
    const struct pay_params *params = input->params;
    struct envelope envelope = {.provider = provider,
        .from = lines->count,
        .floor_min = (provider->contract_minutes * params->floor_percent + PERCENT - 1) / PERCENT,
        .cap_min = params->cap_percent == 0
                       ? PAY_AMOUNT_MAX
                       : provider->contract_minutes * params->cap_percent / PERCENT};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < base->count; i++) {
        if (base->rows[i].provider_id == provider->provider_id) {
            envelope.total += base->rows[i].quantity;
            rc = lines_append(lines, &base->rows[i]);
        }
    }
    if (rc == 0) {
        rc = pay_check_amount(input, provider->provider_id, envelope.total, ret_problem);
    }
    if (rc == 0) {
        rc = pay_check_amount(input, provider->provider_id, envelope.cap_min, ret_problem);
    }
    lines_sort(lines, envelope.from, input->dataset);
    if (rc == 0 && envelope.total > envelope.cap_min) {
        rc = cap(&lines->rows[envelope.from], lines->count - envelope.from, envelope.total,
            envelope.cap_min);
    } else if (rc == 0 && envelope.total < envelope.floor_min) {
        rc = add_guarantee(input, lines, &envelope, guarantee_funder, ret_problem);
    }
    if (rc == 0) {
        price(lines, &envelope);
    }
    return rc;
}

/* Every line must have found its provider, or minutes would silently go unpaid. */
static int check_providers(
    const struct pay_input *input, const struct pay_lines *base, struct pay_problem *ret_problem)
{
    const struct dataset *dataset = input->dataset;

    for (size_t i = 0; i < base->count; i++) {
        size_t at = 0;

        while (at < dataset->providers_count &&
               dataset->providers[at].provider_id != base->rows[i].provider_id) {
            at++;
        }
        if (at == dataset->providers_count) {
            (void)snprintf(ret_problem->text, sizeof ret_problem->text,
                "provider %s is not among the providers",
                dataset_text(dataset, base->rows[i].provider_id));
            return -ENOENT;
        }
    }
    return 0;
}

/* The funder of the guarantee as a text of this dataset; 0 when nobody pays so. */
static text_id find_funder(const struct pay_input *input)
{
    const struct dataset *dataset = input->dataset;
    const char *name = input->params->guarantee_funder;

    for (size_t i = 0; i < dataset->rates_count; i++) {
        if (strcmp(dataset_text(dataset, dataset->rates[i].funder), name) == 0) {
            return dataset->rates[i].funder;
        }
    }
    return 0;
}

int pay_settle_providers(const struct pay_input *input, const struct pay_lines *base,
    struct pay_lines *lines, struct pay_problem *ret_problem)
{
    const struct dataset *dataset = input->dataset;
    text_id guarantee_funder = find_funder(input);
    size_t first = lines->count;
    int rc = check_providers(input, base, ret_problem);

    for (size_t i = 0; rc == 0 && i < dataset->providers_count; i++) {
        rc = settle(input, base, &dataset->providers[i], guarantee_funder, lines, ret_problem);
    }
    lines_drop_zero(lines, first);
    lines_sort(lines, first, dataset);
    return rc;
}

int pay_model_c(
    const struct pay_input *input, struct pay_lines *lines, struct pay_problem *ret_problem)
{
    struct pay_lines base = {0};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < input->result->slots_count; i++) {
        visits_announce(input->dataset, input->result, i);
        rc = add_slot(input, &base, 0, &input->result->slots[i], ret_problem);
    }
    if (rc == 0) {
        rc = pay_settle_providers(input, &base, lines, ret_problem);
    }
    pay_lines_done(&base);
    return rc;
}
