/* model_b.c - a weekly envelope of time for each person (rule B of docs/RECONCILIATION.md). */
#include <errno.h>

#include "collector/pay/lines.h"

enum { MINUTE_S = 60, HOUR_MIN = 60, WEEK_DAYS = 7 };

static struct pay_line *find_week(
    struct pay_lines *lines, size_t from, const struct person_row *person, int32_t week)
{
    const struct pay_line wanted = {.model = 'B',
        .kind = PAY_ENVELOPE,
        .provider_id = person->provider_id,
        .funder = person->funder,
        .person_id = person->person_id,
        .week = week};

    return lines_find(lines, from, &wanted);
}

static int add_slots(const struct pay_input *input, struct pay_lines *lines, size_t from,
    const struct visits_person *visits, const struct person_row *person)
{
    for (size_t i = visits->slots_from; i < visits->slots_to; i++) {
        const struct visits_slot *slot = &input->result->slots[i];
        const struct planned_row *planned = &input->dataset->planned[slot->planned];
        int64_t length_s = planned->end_utc - planned->start_utc;
        struct pay_line *line = NULL;

        visits_announce(input->dataset, input->result, i);
        if (slot->status == SLOT_CANC_NOTICE) {
            continue;
        }
        line = find_week(lines, from, person, pay_week(input, planned->start_utc));
        if (line == NULL) {
            return -ENOMEM;
        }
        line->b.planned_s += length_s;
        line->b.credit_s += slot->status == SLOT_CANC_SHORT ? length_s : 0;
    }
    return 0;
}

static int add_attendances(const struct pay_input *input, struct pay_lines *lines, size_t from,
    const struct visits_person *visits, const struct person_row *person)
{
    for (size_t i = visits->attendances_from; i < visits->attendances_to; i++) {
        const struct visits_attendance *attendance = &input->result->attendances[i];
        int64_t anchor = visits_anchor(input->visits_params, attendance);
        struct pay_line *line = NULL;

        if (attendance->status != ATTENDANCE_OK || anchor < input->period->start_utc ||
            anchor >= input->period->end_utc) {
            continue;
        }
        line = find_week(lines, from, person, pay_week(input, anchor));
        if (line == NULL) {
            return -ENOMEM;
        }
        line->b.delivered_s += attendance->worked_s;
    }
    return 0;
}

static int price_line(
    const struct pay_input *input, struct pay_line *line, struct pay_problem *ret_problem)
{
    int64_t paid_s = line->b.delivered_s + line->b.credit_s;
    int rc = 0;

    paid_s = paid_s < line->b.planned_s ? paid_s : line->b.planned_s;
    line->quantity = pay_half_up(paid_s, MINUTE_S);
    if (line->quantity == 0) {
        return 0;
    }
    rc = pay_check_amount(input, line->provider_id, line->quantity, ret_problem);
    if (rc == 0) {
        rc = pay_rate_on(input, line->provider_id, line->funder,
            input->period->start_day + WEEK_DAYS * line->week, &line->pence_per_hour, ret_problem);
    }
    if (rc == 0) {
        line->pence = pay_half_up(line->quantity * line->pence_per_hour, HOUR_MIN);
    }
    return rc;
}

static int add_person(const struct pay_input *input, struct pay_lines *lines,
    const struct visits_person *visits, struct pay_problem *ret_problem)
{
    const struct person_row *person = NULL;
    size_t from = lines->count;
    int rc = 0;

    if (visits->slots_from == visits->slots_to) {
        return 0; /* an envelope of nothing pays nothing */
    }
    rc = pay_person(input, visits->person_id, &person, ret_problem);
    if (rc == 0) {
        rc = add_slots(input, lines, from, visits, person);
    }
    if (rc == 0) {
        rc = add_attendances(input, lines, from, visits, person);
    }
    for (size_t i = from; rc == 0 && i < lines->count; i++) {
        rc = price_line(input, &lines->rows[i], ret_problem);
    }
    return rc;
}

int pay_model_b(
    const struct pay_input *input, struct pay_lines *lines, struct pay_problem *ret_problem)
{
    size_t first = lines->count;
    int rc = 0;

    for (size_t p = 0; rc == 0 && p < input->result->people_count; p++) {
        rc = add_person(input, lines, &input->result->people[p], ret_problem);
    }
    lines_drop_zero(lines, first);
    lines_sort(lines, first, input->dataset);
    return rc;
}
