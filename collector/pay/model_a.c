/* model_a.c - actual time in units of a quarter of an hour (rule A of docs/RECONCILIATION.md). */
#include <errno.h>

#include "collector/pay/lines.h"

enum { HOUR_S = 3600 };

static int add_slot(const struct pay_input *input, struct pay_lines *lines, size_t from,
    const struct visits_slot *slot, struct pay_problem *ret_problem)
{
    const struct planned_row *planned = &input->dataset->planned[slot->planned];
    const struct visits_attendance *attendance =
        slot->attendance == VISITS_NONE ? NULL : &input->result->attendances[slot->attendance];
    int64_t units = pay_units(input->params, planned, slot, attendance);
    struct pay_line wanted = {
        .model = 'A', .kind = PAY_VISITS, .provider_id = planned->provider_id};
    const struct person_row *person = NULL;
    struct pay_line *line = NULL;
    int rc = 0;

    if (units == 0) {
        return 0;
    }
    rc = pay_person(input, planned->person_id, &person, ret_problem);
    if (rc < 0) {
        return rc;
    }
    wanted.funder = person->funder;
    wanted.person_id = person->person_id;
    wanted.week = pay_week(input, planned->start_utc);
    rc = pay_rate_on(input, wanted.provider_id, wanted.funder,
        local_day(input->days, planned->start_utc), &wanted.pence_per_hour, ret_problem);
    if (rc < 0) {
        return rc;
    }
    line = lines_find(lines, from, &wanted);
    if (line == NULL) {
        return -ENOMEM;
    }
    line->quantity += units;
    return 0;
}

static int price(const struct pay_input *input, struct pay_lines *lines, size_t from,
    struct pay_problem *ret_problem)
{
    for (size_t i = from; i < lines->count; i++) {
        struct pay_line *line = &lines->rows[i];
        int rc = pay_check_amount(input, line->provider_id, line->quantity, ret_problem);

        if (rc < 0) {
            return rc;
        }
        line->pence =
            pay_half_up(line->quantity * line->pence_per_hour, HOUR_S / input->params->unit_s);
    }
    return 0;
}

int pay_model_a(
    const struct pay_input *input, struct pay_lines *lines, struct pay_problem *ret_problem)
{
    size_t first = lines->count;
    int rc = 0;

    for (size_t p = 0; rc == 0 && p < input->result->people_count; p++) {
        const struct visits_person *person = &input->result->people[p];
        size_t from = lines->count;

        for (size_t i = person->slots_from; rc == 0 && i < person->slots_to; i++) {
            visits_announce(input->dataset, input->result, i);
            rc = add_slot(input, lines, from, &input->result->slots[i], ret_problem);
        }
    }
    if (rc == 0) {
        rc = price(input, lines, first, ret_problem);
    }
    lines_sort(lines, first, input->dataset);
    return rc;
}
