/* explain_line.c - which slots and which rounding made a line; see explain.h. */
#include "collector/pay/explain.h"

#include <errno.h>
#include <stdlib.h>

enum { MINUTE_S = 60, HOUR_S = 3600, HOUR_MIN = 60, PARTS_START = 32 };

static int add_part(struct line_explanation *ret, const struct line_part *part)
{
    if (ret->count == ret->capacity) {
        size_t capacity = ret->capacity == 0 ? PARTS_START : 2 * ret->capacity;
        struct line_part *parts = realloc(ret->parts, capacity * sizeof *parts);

        if (parts == NULL) {
            return -ENOMEM;
        }
        ret->parts = parts;
        ret->capacity = capacity;
    }
    ret->parts[ret->count++] = *part;
    return 0;
}

static int64_t length_of(const struct pay_input *input, const struct visits_slot *slot)
{
    const struct planned_row *planned = &input->dataset->planned[slot->planned];

    return planned->end_utc - planned->start_utc;
}

/* What the slot gives to a line of this model; 0: nothing. */
static int64_t quantity_of(const struct line_explanation *ret, const struct visits_slot *slot)
{
    const struct pay_input *input = ret->input;

    switch (ret->line->model) {
    case 'A':
        return pay_units(input->params, &input->dataset->planned[slot->planned], slot,
            slot->attendance == VISITS_NONE ? NULL : &input->result->attendances[slot->attendance]);
    case 'B':
        return slot->status == SLOT_CANC_NOTICE ? 0 : length_of(input, slot);
    default:
        return pay_is_base(slot) ? length_of(input, slot) / MINUTE_S : 0;
    }
}

/* Whether a slot of this model belongs to the line: the identity of the line, field by field. */
static bool is_of_line(const struct line_explanation *ret, const struct visits_slot *slot)
{
    const struct pay_input *input = ret->input;
    const struct pay_line *line = ret->line;
    const struct planned_row *planned = &input->dataset->planned[slot->planned];
    const struct person_row *person = NULL;
    struct pay_problem problem;
    int64_t rate = 0;

    if (line->kind == PAY_GUARANTEE ||
        pay_person(input, planned->person_id, &person, &problem) < 0 ||
        person->funder != line->funder ||
        (line->model == 'B' ? person->provider_id : planned->provider_id) != line->provider_id) {
        return false;
    }
    if (line->model != 'C' && (planned->person_id != line->person_id ||
                                  pay_week(input, planned->start_utc) != line->week)) {
        return false;
    }
    return line->model == 'B' ||
           (pay_rate_on(input, line->provider_id, line->funder,
                local_day(input->days, planned->start_utc), &rate, &problem) == 0 &&
               rate == line->pence_per_hour);
}

static int add_slots(struct line_explanation *ret)
{
    const struct visits_result *result = ret->input->result;
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < result->slots_count; i++) {
        const struct visits_slot *slot = &result->slots[i];
        struct line_part part = {.slot = i, .attendance = slot->attendance};

        part.quantity = quantity_of(ret, slot);
        if (part.quantity > 0 && is_of_line(ret, slot)) {
            ret->sum += part.quantity;
            rc = add_part(ret, &part);
        }
    }
    return rc;
}

/* B: what was delivered, planned or not. */
static int add_attendances(struct line_explanation *ret)
{
    const struct visits_result *result = ret->input->result;
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < result->attendances_count; i++) {
        struct attendance_explanation one;

        if (result->attendances[i].person_id != ret->line->person_id) {
            continue;
        }
        explain_attendance(ret->input, i, &one);
        if (one.counts_in_b && one.week == ret->line->week) {
            rc = add_part(ret,
                &(struct line_part){
                    .slot = VISITS_NONE, .attendance = i, .quantity = one.attendance->worked_s});
        }
    }
    return rc;
}

int explain_line(
    const struct pay_input *input, const struct pay_line *line, struct line_explanation *ret)
{
    struct line_explanation made = {.input = input,
        .line = line,
        .amount = line->quantity * line->pence_per_hour,
        .divisor = line->model == 'A' ? HOUR_S / input->params->unit_s : HOUR_MIN};
    int rc = add_slots(&made);

    if (rc == 0 && line->model == 'B') {
        int64_t flowed_s = line->b.delivered_s + line->b.credit_s;

        made.paid_s = flowed_s < line->b.planned_s ? flowed_s : line->b.planned_s;
        rc = add_attendances(&made);
    }
    if (line->kind == PAY_CAPPED) {
        made.scaled = made.sum * line->c.cap_min / line->c.base_min;
        made.spare = made.sum * line->c.cap_min % line->c.base_min;
    }
    if (rc < 0) {
        explain_line_done(&made);
        return rc;
    }
    *ret = made;
    return 0;
}

void explain_line_done(struct line_explanation *explanation)
{
    free(explanation->parts);
    *explanation = (struct line_explanation){0};
}
