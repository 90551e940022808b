/* pay.c - what the models share: rounding, rates, people; see pay.h. */
#include "collector/pay/pay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/pay/lines.h"

enum { WEEK_DAYS = 7 };

const struct pay_params pay_default_params = {
    .rule_a_id = "A",
    .rule_b_id = "B",
    .rule_c_id = "C",
    .rule_a_version = 1,
    .rule_b_version = 1,
    .rule_c_version = 1,
    .unit_s = 900,
    .unit_starts_at_s = 450,
    .floor_percent = 80,
    .cap_percent = 110,
    .guarantee_funder = "LA",
};

int64_t pay_half_up(int64_t n, int64_t d)
{
    /* The remainder is compared rather than doubled into n, which could overflow. */
    int64_t quotient = n / d;
    int64_t remainder = n % d;

    if (remainder < 0) {
        return -remainder >= d + remainder ? quotient - 1 : quotient;
    }
    return remainder >= d - remainder ? quotient + 1 : quotient;
}

static int compare_rates(const void *left, const void *right)
{
    const struct rate_row *a = *(const struct rate_row *const *)left;
    const struct rate_row *b = *(const struct rate_row *const *)right;

    if (a->provider_id != b->provider_id) {
        return a->provider_id < b->provider_id ? -1 : 1;
    }
    if (a->funder != b->funder) {
        return a->funder < b->funder ? -1 : 1;
    }
    return (a->from_day > b->from_day) - (a->from_day < b->from_day);
}

int pay_rates_init(struct pay_rates *ret_rates, const struct dataset *dataset)
{
    const struct rate_row **rows = malloc((dataset->rates_count + 1) * sizeof *rows);

    if (rows == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < dataset->rates_count; i++) {
        rows[i] = &dataset->rates[i];
    }
    if (dataset->rates_count > 1) {
        qsort(rows, dataset->rates_count, sizeof(const struct rate_row *), compare_rates);
    }
    *ret_rates = (struct pay_rates){.rows = rows, .count = dataset->rates_count};
    return 0;
}

void pay_rates_done(struct pay_rates *rates)
{
    free(rates->rows);
    *rates = (struct pay_rates){0};
}

uint32_t *pay_index_people(const struct dataset *dataset)
{
    size_t texts = dataset_text_count(dataset);
    uint32_t *index = calloc(texts, sizeof *index); /* what is never written to costs no memory */

    if (index == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < dataset->people_count; i++) {
        index[dataset->people[i].person_id] = (uint32_t)i + 1;
    }
    return index;
}

static int refuse_rate(const struct pay_input *input, text_id provider_id, text_id funder,
    int32_t day, struct pay_problem *ret_problem)
{
    char date[DAY_TEXT_SIZE];

    (void)snprintf(ret_problem->text, sizeof ret_problem->text,
        "no rate of provider %s for funder %s on %s", dataset_text(input->dataset, provider_id),
        dataset_text(input->dataset, funder), day_text(day, date));
    return -ENOENT;
}

int pay_rate_on(const struct pay_input *input, text_id provider_id, text_id funder, int32_t day,
    int64_t *ret_pence_per_hour, struct pay_problem *ret_problem)
{
    const struct rate_row wanted = {.provider_id = provider_id, .funder = funder, .from_day = day};
    const struct rate_row *wanted_row = &wanted;
    const struct rate_row *found = NULL;
    size_t low = 0;
    size_t high = input->rates->count;

    /* The last row not after the wanted one. */
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_rates(&input->rates->rows[middle], &wanted_row) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    found = low > 0 ? input->rates->rows[low - 1] : NULL;
    if (found == NULL || found->provider_id != provider_id || found->funder != funder ||
        day >= found->to_day) {
        return refuse_rate(input, provider_id, funder, day, ret_problem);
    }
    *ret_pence_per_hour = found->pence_per_hour;
    return 0;
}

int pay_person(const struct pay_input *input, text_id person_id,
    const struct person_row **ret_person, struct pay_problem *ret_problem)
{
    uint32_t index = input->people[person_id];

    if (index == 0) {
        (void)snprintf(ret_problem->text, sizeof ret_problem->text,
            "person %s is not among the people", dataset_text(input->dataset, person_id));
        return -ENOENT;
    }
    *ret_person = &input->dataset->people[index - 1];
    return 0;
}

int32_t pay_week(const struct pay_input *input, int64_t utc)
{
    return (local_day(input->days, utc) - input->period->start_day) / WEEK_DAYS;
}

int64_t pay_units(const struct pay_params *params, const struct planned_row *planned,
    const struct visits_slot *slot, const struct visits_attendance *attendance)
{
    int64_t planned_units = (planned->end_utc - planned->start_utc) / params->unit_s;
    int64_t units = 0;

    if (slot->status == SLOT_CANC_SHORT) {
        return planned_units;
    }
    if (slot->status != SLOT_OK || attendance == NULL) {
        return 0;
    }
    units = (attendance->worked_s + (params->unit_s - params->unit_starts_at_s)) / params->unit_s;
    return units < planned_units ? units : planned_units;
}

int pay_model(const struct pay_input *input, char model, struct pay_lines *lines,
    struct pay_problem *ret_problem)
{
    switch (model) {
    case 'A':
        return pay_model_a(input, lines, ret_problem);
    case 'B':
        return pay_model_b(input, lines, ret_problem);
    case 'C':
        return pay_model_c(input, lines, ret_problem);
    default:
        (void)snprintf(ret_problem->text, sizeof ret_problem->text,
            "no payment model '%c': there are A, B and C", model);
        return -EINVAL;
    }
}

int64_t pay_delivered_s(const struct pay_input *input)
{
    const struct visits_result *result = input->result;
    int64_t sum = 0;

    for (size_t i = 0; i < result->attendances_count; i++) {
        const struct visits_attendance *attendance = &result->attendances[i];
        int64_t anchor = visits_anchor(input->visits_params, attendance);

        if (attendance->status == ATTENDANCE_OK && anchor >= input->period->start_utc &&
            anchor < input->period->end_utc) {
            sum += attendance->worked_s;
        }
    }
    return sum;
}

const char *pay_kind_name(enum pay_kind kind)
{
    switch (kind) {
    case PAY_PLANNED:
        return "PLANNED";
    case PAY_CAPPED:
        return "CAPPED";
    case PAY_GUARANTEE:
        return "GUARANTEE";
    case PAY_VISITS:
    case PAY_ENVELOPE:
        return "";
    }
    return "";
}
