/* explain.c - slots, attendances and taps; see explain.h. */
#include "collector/pay/explain.h"

enum { HOUR_S = 3600 };

static void explain_rate(struct slot_explanation *ret)
{
    const struct pay_input *input = ret->input;
    const struct person_row *person = NULL;

    ret->planned_units = (ret->planned->end_utc - ret->planned->start_utc) / input->params->unit_s;
    ret->units = pay_units(input->params, ret->planned, ret->slot, ret->attendance);
    if (pay_person(input, ret->planned->person_id, &person, &ret->problem) < 0) {
        return;
    }
    ret->funder = person->funder;
    if (pay_rate_on(input, ret->planned->provider_id, person->funder,
            local_day(input->days, ret->planned->start_utc), &ret->rate, &ret->problem) == 0) {
        ret->has_rate = true;
        ret->pence = pay_half_up(ret->units * ret->rate, HOUR_S / input->params->unit_s);
    }
}

int explain_slot(const struct pay_input *input, size_t slot, struct slot_explanation *ret)
{
    const struct visits_params *params = input->visits_params;
    int rc = 0;

    *ret = (struct slot_explanation){.input = input, .slot = &input->result->slots[slot]};
    ret->planned = &input->dataset->planned[ret->slot->planned];
    if (ret->slot->attendance != VISITS_NONE) {
        ret->attendance = &input->result->attendances[ret->slot->attendance];
        ret->cost = visits_cost(input->dataset, params, ret->planned, ret->attendance);
    }
    /* An attendance of another slot is only shown here (HELD_REPAIR): it was not matched. */
    ret->is_matched = ret->attendance != NULL && ret->attendance->slot == slot;
    if (ret->is_matched) {
        ret->has_runner_up = true;
        rc = visits_find_runner_up(input->dataset, params, input->result, slot, &ret->runner_up);
    }
    if (ret->slot->status == SLOT_MISSED) {
        ret->has_nearest = true;
        ret->nearest = visits_find_nearest(input->dataset, params, input->result, slot);
    }
    if (ret->slot->status == SLOT_CANC_NOTICE || ret->slot->status == SLOT_CANC_SHORT) {
        ret->is_cancelled = true;
        ret->cancel_notice_s = ret->planned->start_utc - ret->planned->cancel_utc;
    }
    visits_flags(input->dataset, params, input->result, slot, &ret->flags);
    explain_rate(ret);
    return rc;
}

void explain_attendance(
    const struct pay_input *input, size_t attendance, struct attendance_explanation *ret)
{
    const struct visits_result *result = input->result;

    *ret = (struct attendance_explanation){
        .input = input, .attendance = &result->attendances[attendance]};
    ret->anchor_utc = visits_anchor(input->visits_params, ret->attendance);
    ret->overlap_s = result->overlaps_s != NULL ? result->overlaps_s[attendance] : 0;
    ret->is_in_period =
        ret->anchor_utc >= input->period->start_utc && ret->anchor_utc < input->period->end_utc;
    ret->counts_in_b = ret->is_in_period && ret->attendance->status == ATTENDANCE_OK;
    ret->week = ret->is_in_period ? pay_week(input, ret->anchor_utc) : 0;
    if (ret->attendance->slot != VISITS_NONE) {
        ret->slot = &result->slots[ret->attendance->slot];
    } else {
        ret->nearest =
            visits_find_nearest_slot(input->dataset, input->visits_params, result, attendance);
    }
}

int explain_tap(
    const struct pay_input *input, int64_t asof_utc, text_id id, struct tap_explanation *ret)
{
    int rc = 0;

    *ret = (struct tap_explanation){.input = input, .asof_utc = asof_utc, .id = id};
    rc = visits_trace_tap(input->dataset, input->result, asof_utc, id, &ret->trace);
    if (rc == 0 && ret->trace.place != TAP_PLACE_NONE) {
        ret->has_attendance = true;
        explain_attendance(input, ret->trace.attendance, &ret->attendance);
    }
    return rc;
}

const char *explain_exception(enum visits_exception_code code)
{
    static const char *const meanings[EXCEPTION_CODE_COUNT] = {
        [EXCEPTION_BOUNCE] = "the same tap once more within two minutes: dropped (S1)",
        [EXCEPTION_CLOCK_FUTURE] = "stamped later than it was received: dropped (E4)",
        [EXCEPTION_CONFLICT_ID] = "a copy under the same id that says something else: dropped (E2)",
        [EXCEPTION_DUP_ID] = "received once more: the copy is dropped (E2)",
        [EXCEPTION_MERGED] = "continues the attendance before it (S5)",
        [EXCEPTION_NO_IN] = "leaving without a tap on arriving (S4)",
        [EXCEPTION_NO_OUT] = "arriving without a tap on leaving (S3)",
        [EXCEPTION_TIME_UNKNOWN] = "its time can never be known: void it and add what happened",
        [EXCEPTION_UNKNOWN_CARD] = "nobody had this card at that time: dropped (E5)",
        [EXCEPTION_UNKNOWN_DEVICE] = "this reader was in nobody's home at that time: dropped (E5)",
        [EXCEPTION_VOIDED] = "a correction voids it: dropped (E3)",
        [EXCEPTION_WRONG_PAIR] = "two cards or two homes, not one of each: dropped (E5)",
    };

    return meanings[code];
}
