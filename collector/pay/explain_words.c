/* explain_words.c - an explanation in sentences; see explain.h. Times are local. */
#include "collector/pay/explain.h"

#include "collector/pay/repair_words.h"

enum { MINUTE_S = 60, HOUR_MIN = 60, PENCE_A_POUND = 100 };

static void add_local(struct text *text, const struct pay_input *input, int64_t utc)
{
    char instant[INSTANT_TEXT_SIZE];

    (void)instant_text(local_seconds(input->days, utc), instant);
    instant[10] = ' ';
    text_add(text, instant, 19);
}

static void add_duration(struct text *text, int64_t seconds)
{
    int64_t left = seconds < 0 ? -seconds : seconds;

    text_addf(text, "%s%lld min", seconds < 0 ? "-" : "", (long long)(left / MINUTE_S));
    if (left % MINUTE_S != 0) {
        text_addf(text, " %lld s", (long long)(left % MINUTE_S));
    }
}

static void add_pounds(struct text *text, int64_t pence)
{
    text_addf(text, "\302\243%lld.%02lld", (long long)(pence / PENCE_A_POUND),
        (long long)(pence % PENCE_A_POUND));
}

static const char *name_of(const struct pay_input *input, text_id id)
{
    return dataset_text(input->dataset, id);
}

static const char *visit_of(const struct pay_input *input, const struct visits_slot *slot)
{
    return name_of(input, input->dataset->planned[slot->planned].visit_id);
}

static void add_tap(
    struct text *text, const struct pay_input *input, const char *what, int64_t utc, text_id id)
{
    text_addf(text, "  %-9s ", what);
    if (utc == VISITS_NO_TIME) {
        text_add_string(text, "no tap\n");
        return;
    }
    add_local(text, input, utc);
    if (id == 0) {
        text_add_string(text, ", inferred: no tap\n");
    } else {
        text_addf(text, ", tap %s\n", name_of(input, id));
    }
}

static void add_taps(
    struct text *text, const struct pay_input *input, const struct visits_attendance *attendance)
{
    text_addf(text, "  carer     %s\n", name_of(input, attendance->carer_id));
    add_tap(text, input, "arrived", attendance->in_utc, attendance->in_id);
    add_tap(text, input, "left", attendance->out_utc, attendance->out_id);
    if (attendance->status == ATTENDANCE_OK) {
        text_add_string(text, "  worked    ");
        add_duration(text, attendance->worked_s);
        text_add_string(text, (attendance->evidence & ATTENDANCE_MERGED) != 0
                                  ? ", in parts with short gaps that are not paid (S5)\n"
                                  : "\n");
    }
}

/* ---- a slot ------------------------------------------------------------------------------- */

static void add_plan(struct text *text, const struct slot_explanation *slot)
{
    const struct pay_input *input = slot->input;
    const struct planned_row *planned = slot->planned;

    text_addf(text, "Visit %s, slot %d of %d: %s\n", name_of(input, planned->visit_id),
        slot->slot->number, planned->carers_required,
        slot_status_name((enum slot_status)slot->slot->status));
    text_addf(text, "  planned   person %s, provider %s, ", name_of(input, planned->person_id),
        name_of(input, planned->provider_id));
    add_local(text, input, planned->start_utc);
    text_add_string(text, " for ");
    add_duration(text, planned->end_utc - planned->start_utc);
    text_addf(text, ", rostered: %s\n",
        planned->roster_carers == 0 ? "nobody" : name_of(input, planned->roster_carers));
}

static void add_cost(struct text *text, const struct visits_cost *cost)
{
    text_addf(text,
        "  match     cost %lld = %lld off the planned start + %lld for the length"
        " + %lld for a carer not rostered + %lld for a missing tap (M3)\n",
        (long long)cost->sum, (long long)cost->ds, (long long)cost->dd, (long long)cost->pc,
        (long long)cost->pi);
}

static void add_runner_up(struct text *text, const struct slot_explanation *slot)
{
    const struct pay_input *input = slot->input;

    text_add_string(text, "  runner-up ");
    if (slot->runner_up.attendance == VISITS_NONE) {
        text_add_string(text, "none: the slot would be missed");
    } else {
        const struct visits_attendance *other =
            &input->result->attendances[slot->runner_up.attendance];

        text_addf(text, "carer %s from ", name_of(input, other->carer_id));
        add_local(text, input, visits_anchor(input->visits_params, other));
    }
    if (slot->runner_up.extra_cost == 0) {
        text_add_string(text, ", at the same cost: the earlier pair goes first (M6)\n");
    } else {
        text_addf(text, ", and the person's plan would cost %lld more (M4)\n",
            (long long)slot->runner_up.extra_cost);
    }
}

static void add_nearest(struct text *text, const struct slot_explanation *slot)
{
    const struct pay_input *input = slot->input;
    const struct visits_params *params = input->visits_params;
    const struct visits_nearest *nearest = &slot->nearest;
    const struct visits_attendance *attendance = NULL;

    if (nearest->reach == REACH_NOTHING) {
        text_add_string(text, "  nearest   nobody tapped at this person's home\n");
        return;
    }
    attendance = &input->result->attendances[nearest->attendance];
    text_addf(text, "  nearest   carer %s from ", name_of(input, attendance->carer_id));
    add_local(text, input, visits_anchor(params, attendance));
    text_add_string(text, ", ");
    add_duration(text, nearest->cost.ds);
    if (nearest->reach == REACH_TOO_FAR) {
        text_add_string(text, " away: further than ");
        add_duration(text, params->window_s);
        text_add_string(text, " (M3)\n");
    } else if (nearest->reach == REACH_TAKEN) {
        const struct visits_slot *taker = &input->result->slots[attendance->slot];

        text_addf(text, " away: it is slot %d of visit %s, which fits better (M4)\n", taker->number,
            visit_of(input, taker));
    } else {
        text_addf(text, " away: matching costs %lld, more than leaving both apart, %lld (M4)\n",
            (long long)nearest->cost.sum, (long long)params->unmatched_cost * 2);
    }
}

static void add_cancelled(struct text *text, const struct slot_explanation *slot)
{
    text_add_string(text, "  cancelled ");
    add_local(text, slot->input, slot->planned->cancel_utc);
    text_add_string(text, ", ");
    add_duration(text, slot->cancel_notice_s < 0 ? -slot->cancel_notice_s : slot->cancel_notice_s);
    text_addf(
        text, " %s the planned start; notice is ", slot->cancel_notice_s < 0 ? "after" : "before");
    add_duration(text, slot->input->visits_params->notice_s);
    text_add_string(text, " (P1)\n");
}

static void add_status(struct text *text, const struct slot_explanation *slot)
{
    switch ((enum slot_status)slot->slot->status) {
    case SLOT_HELD_NO_OUT:
        text_add_string(
            text, "  held      the tap on leaving is missing: add it by a correction\n");
        return;
    case SLOT_HELD_NO_IN:
        text_add_string(
            text, "  held      the tap on arriving is missing: add it by a correction\n");
        return;
    case SLOT_HELD_REPAIR:
        text_add_string(text, "  held      a repair is proposed\n");
        return;
    case SLOT_SAME_CARER:
        text_add_string(text, "  not paid  this carer already holds a lower slot of the"
                              " visit (M8): the second carer did not come\n");
        return;
    case SLOT_MISSED:
        add_nearest(text, slot);
        return;
    case SLOT_CANC_NOTICE:
    case SLOT_CANC_SHORT:
        add_cancelled(text, slot);
        return;
    case SLOT_OK:
    case SLOT_STATUS_COUNT:
        return;
    }
}

static void add_flags(struct text *text, const struct visits_flags *flags)
{
    const char *separator = "  flags     ";

    for (int flag = 0; flag < FLAG_COUNT; flag++) {
        if (flags->is_set[flag]) {
            text_addf(text, "%s%s (%lld s)", separator, visits_flag_name((enum visits_flag)flag),
                (long long)flags->seconds[flag]);
            separator = ", ";
        }
    }
    if (separator[0] == ',') {
        text_add_char(text, '\n');
    }
}

static void add_pay(struct text *text, const struct slot_explanation *slot)
{
    const struct pay_params *params = slot->input->params;

    text_addf(text, "  paid      %lld of %lld units of ", (long long)slot->units,
        (long long)slot->planned_units);
    add_duration(text, params->unit_s);
    if (!slot->has_rate) {
        text_addf(text, "; %s\n", slot->problem.text);
        return;
    }
    text_add_string(text, " at ");
    add_pounds(text, slot->rate);
    text_addf(text, " an hour from %s: ", name_of(slot->input, slot->funder));
    add_pounds(text, slot->pence);
    text_addf(text, " (rule %s/%d; rounded once for the person's week)\n", params->rule_a_id,
        params->rule_a_version);
}

void explain_slot_words(struct text *text, const struct slot_explanation *slot)
{
    add_plan(text, slot);
    if (slot->attendance != NULL) {
        add_taps(text, slot->input, slot->attendance);
        if (slot->is_matched) {
            add_cost(text, &slot->cost);
        }
    }
    add_status(text, slot);
    if (slot->has_runner_up) {
        add_runner_up(text, slot);
    }
    repair_explain(text, slot->input, (size_t)(slot->slot - slot->input->result->slots));
    add_flags(text, &slot->flags);
    add_pay(text, slot);
}

/* ---- an attendance, a tap ----------------------------------------------------------------- */

static void add_why_unplanned(struct text *text, const struct attendance_explanation *one)
{
    const struct pay_input *input = one->input;
    const struct visits_nearest_slot *nearest = &one->nearest;
    const struct visits_slot *slot = NULL;

    if (nearest->reach == REACH_NOTHING) {
        text_add_string(text, "  nearest   nothing was planned for this person\n");
        return;
    }
    slot = &input->result->slots[nearest->slot];
    text_addf(
        text, "  nearest   slot %d of visit %s, planned ", slot->number, visit_of(input, slot));
    add_local(text, input, input->dataset->planned[slot->planned].start_utc);
    text_add_string(text, ", ");
    add_duration(text, nearest->cost.ds);
    if (nearest->is_cancelled) {
        text_add_string(text, " away: it was cancelled (P1)\n");
    } else if (nearest->reach == REACH_TOO_FAR) {
        text_add_string(text, " away: further than ");
        add_duration(text, input->visits_params->window_s);
        text_add_string(text, " (M3)\n");
    } else if (nearest->reach == REACH_TAKEN) {
        text_add_string(text, " away: another attendance fits it better (M4)\n");
    } else {
        text_addf(text, " away: matching costs %lld, more than leaving both apart, %lld (M4)\n",
            (long long)nearest->cost.sum, (long long)input->visits_params->unmatched_cost * 2);
    }
}

void explain_attendance_words(struct text *text, const struct attendance_explanation *one)
{
    const struct pay_input *input = one->input;
    const struct visits_attendance *attendance = one->attendance;

    text_addf(text, "Attendance %s at person %s: %s, ",
        name_of(input, attendance->in_id != 0 ? attendance->in_id : attendance->out_id),
        name_of(input, attendance->person_id),
        attendance_status_name((enum attendance_status)attendance->status));
    if (one->slot != NULL) {
        text_addf(text, "slot %d of visit %s\n", one->slot->number, visit_of(input, one->slot));
    } else {
        text_add_string(text, one->is_in_period ? "unplanned\n" : "outside the period\n");
    }
    add_taps(text, input, attendance);
    if (one->overlap_s > 0) {
        text_addf(text, "  overlap   in two homes at once for %d s\n", one->overlap_s);
    }
    if (one->slot == NULL) {
        add_why_unplanned(text, one);
    }
    if (one->counts_in_b) {
        text_addf(text, "  paid      %s; flows into the envelope of week %d (B)\n",
            one->slot != NULL ? "with its slot (A, C)" : "no slot, so not by A or C", one->week);
    }
}

static void add_copy(
    struct text *text, const struct tap_explanation *tap, const struct event_row *event)
{
    const struct pay_input *input = tap->input;

    text_add_string(text, event->kind == 'I' ? "  arriving  " : "  leaving   ");
    add_local(text, input, event->ts_utc);
    text_addf(text, ", card %s at reader %s, received ", name_of(input, event->card_uid),
        name_of(input, event->device_id));
    add_local(text, input, event->recv_utc);
    text_add_string(text, event->recv_utc > tap->asof_utc ? ": not yet seen (E1)\n" : "\n");
}

static void add_amendment(
    struct text *text, const struct tap_explanation *tap, const struct amendment_row *row)
{
    const struct pay_input *input = tap->input;

    text_add_string(text, row->kind == 'I' ? "  arriving  " : "  leaving   ");
    add_local(text, input, row->ts_utc);
    text_addf(text, ", added for carer %s at person %s, reason %s, on ",
        name_of(input, row->carer_id), name_of(input, row->person_id),
        name_of(input, row->reason_code));
    add_local(text, input, row->created_utc);
    text_add_string(text, row->created_utc > tap->asof_utc ? ": not yet seen (E1)\n" : "\n");
}

void explain_tap_words(struct text *text, const struct tap_explanation *tap)
{
    const struct dataset *dataset = tap->input->dataset;
    const struct visits_result *result = tap->input->result;

    text_addf(text, "Tap %s\n", name_of(tap->input, tap->id));
    for (size_t i = 0; i < dataset->events_count; i++) {
        if (dataset->events[i].event_id == tap->id) {
            add_copy(text, tap, &dataset->events[i]);
        }
    }
    for (size_t i = 0; i < dataset->amendments_count; i++) {
        if (dataset->amendments[i].amend_id == tap->id && !dataset->amendments[i].is_void) {
            add_amendment(text, tap, &dataset->amendments[i]);
        }
    }
    for (size_t i = 0; i < result->exceptions_count; i++) {
        const struct visits_exception *exception = &result->exceptions[i];

        if (exception->ref == tap->id) {
            text_addf(text, "  %s: %s\n",
                visits_exception_name((enum visits_exception_code)exception->code),
                explain_exception((enum visits_exception_code)exception->code));
        }
    }
    if (!tap->has_attendance) {
        text_add_string(text, "  part of   no attendance of this period\n");
        return;
    }
    text_addf(text, "  part of   %s\n",
        tap->trace.place == TAP_PLACE_IN    ? "where it begins"
        : tap->trace.place == TAP_PLACE_OUT ? "where it ends"
                                            : "in between (S5)");
    explain_attendance_words(text, &tap->attendance);
}

/* ---- a line ------------------------------------------------------------------------------- */

static void add_part(
    struct text *text, const struct line_explanation *line, const struct line_part *part)
{
    const struct pay_input *input = line->input;
    const struct visits_result *result = input->result;

    if (part->slot == VISITS_NONE) {
        const struct visits_attendance *attendance = &result->attendances[part->attendance];

        text_add_string(text, "  delivered ");
        add_local(text, input, visits_anchor(input->visits_params, attendance));
        text_addf(text, "  carer %s: ", name_of(input, attendance->carer_id));
        add_duration(text, part->quantity);
        text_add_string(text, attendance->slot == VISITS_NONE ? ", unplanned\n" : "\n");
        return;
    }
    text_add_string(text, line->line->model == 'B' ? "  planned   " : "  slot      ");
    add_local(text, input, input->dataset->planned[result->slots[part->slot].planned].start_utc);
    text_addf(text, "  %s/%d %s: ", visit_of(input, &result->slots[part->slot]),
        result->slots[part->slot].number,
        slot_status_name((enum slot_status)result->slots[part->slot].status));
    if (line->line->model == 'B') {
        add_duration(text, part->quantity);
        text_add_char(text, '\n');
    } else if (line->line->model == 'A') {
        text_addf(text, "%lld units", (long long)part->quantity);
        if (part->attendance != VISITS_NONE) {
            text_add_string(text, " for ");
            add_duration(text, result->attendances[part->attendance].worked_s);
        }
        text_add_char(text, '\n');
    } else {
        text_addf(text, "%lld min\n", (long long)part->quantity);
    }
}

static void add_envelope(struct text *text, const struct line_explanation *line)
{
    text_add_string(text, "  envelope  delivered ");
    add_duration(text, line->line->b.delivered_s);
    text_add_string(text, " + cancelled late ");
    add_duration(text, line->line->b.credit_s);
    text_add_string(text, ", at most the planned ");
    add_duration(text, line->line->b.planned_s);
    text_add_string(text, ": ");
    add_duration(text, line->paid_s);
    text_addf(text, ", to the nearest minute %lld min\n", (long long)line->line->quantity);
}

static void add_guarantee(struct text *text, const struct line_explanation *line)
{
    const struct pay_line *row = line->line;

    text_addf(text,
        "  contract  %lld min: guaranteed %d %% = %lld, capped at %d %% = %lld; the provider's "
        "slots"
        " come to %lld\n",
        (long long)row->c.contract_min, line->input->params->floor_percent,
        (long long)row->c.floor_min, line->input->params->cap_percent, (long long)row->c.cap_min,
        (long long)row->c.base_min);
    if (row->kind == PAY_CAPPED) {
        text_addf(text, "  share     %lld x %lld / %lld = %lld, remainder %lld%s: %lld min\n",
            (long long)line->sum, (long long)row->c.cap_min, (long long)row->c.base_min,
            (long long)line->scaled, (long long)line->spare,
            row->quantity > line->scaled ? "; one minute more for a large remainder" : "",
            (long long)row->quantity);
    } else if (row->kind == PAY_GUARANTEE) {
        text_addf(text, "  share     %lld - %lld = %lld min\n", (long long)row->c.floor_min,
            (long long)row->c.base_min, (long long)row->quantity);
    }
}

void explain_line_words(struct text *text, const struct line_explanation *line)
{
    const struct pay_input *input = line->input;
    const struct pay_line *row = line->line;

    text_addf(text, "Line %c, provider %s, funder %s", row->model, name_of(input, row->provider_id),
        name_of(input, row->funder));
    if (row->model != 'C') {
        text_addf(text, ", person %s, week %d", name_of(input, row->person_id), row->week);
    } else {
        text_addf(text, ", %s", pay_kind_name((enum pay_kind)row->kind));
    }
    text_add_string(text, ", ");
    add_pounds(text, row->pence_per_hour);
    text_add_string(text, " an hour: ");
    add_pounds(text, row->pence);
    text_add_char(text, '\n');
    for (size_t i = 0; i < line->count; i++) {
        add_part(text, line, &line->parts[i]);
    }
    if (row->model == 'A') {
        text_addf(text, "  sum       %lld units\n", (long long)line->sum);
    } else if (row->model == 'B') {
        add_envelope(text, line);
    } else {
        text_addf(text, "  sum       %lld min\n", (long long)line->sum);
        add_guarantee(text, line);
    }
    text_addf(text, "  priced    %lld x %lld / %lld = %lld and %lld/%lld pence, rounded once: ",
        (long long)row->quantity, (long long)row->pence_per_hour, (long long)line->divisor,
        (long long)(line->amount / line->divisor), (long long)(line->amount % line->divisor),
        (long long)line->divisor);
    add_pounds(text, row->pence);
    text_add_char(text, '\n');
}
