/* explain.c - see explain.h. */
#include "collector/pay/explain.h"

#include <stdbool.h>

#include "collector/visits/alternatives.h"

enum { MINUTE_S = 60, HOUR_S = 3600, PENCE_A_POUND = 100 };

/* One slot with everything that belongs to it. */
struct view {
    struct text *text;
    const struct pay_input *input;
    size_t index;
    const struct visits_slot *slot;
    const struct planned_row *planned;
    const struct visits_attendance *attendance; /* NULL without */
};

static const char *name_of(const struct view *view, text_id id)
{
    return dataset_text(view->input->dataset, id);
}

/* "2021-03-28 08:15:00", local. */
static void add_local(const struct view *view, int64_t utc)
{
    char instant[INSTANT_TEXT_SIZE];

    (void)instant_text(local_seconds(view->input->days, utc), instant);
    instant[10] = ' ';
    text_add(view->text, instant, 19);
}

static void add_duration(const struct view *view, int64_t seconds)
{
    text_addf(view->text, "%lld min", (long long)(seconds / MINUTE_S));
    if (seconds % MINUTE_S != 0) {
        text_addf(view->text, " %lld s", (long long)(seconds % MINUTE_S));
    }
}

static void explain_plan(const struct view *view)
{
    const struct planned_row *planned = view->planned;

    text_addf(view->text, "Visit %s, slot %d of %d: %s\n", name_of(view, planned->visit_id),
        view->slot->number, planned->carers_required,
        slot_status_name((enum slot_status)view->slot->status));
    text_addf(view->text, "  planned   person %s, provider %s, ", name_of(view, planned->person_id),
        name_of(view, planned->provider_id));
    add_local(view, planned->start_utc);
    text_add_string(view->text, " for ");
    add_duration(view, planned->end_utc - planned->start_utc);
    text_addf(view->text, ", rostered: %s\n",
        planned->roster_carers == 0 ? "nobody" : name_of(view, planned->roster_carers));
}

static void explain_tap(const struct view *view, const char *what, int64_t utc, text_id id)
{
    text_addf(view->text, "  %-9s ", what);
    if (utc == VISITS_NO_TIME) {
        text_add_string(view->text, "no tap\n");
        return;
    }
    add_local(view, utc);
    text_addf(view->text, " by carer %s, tap %s\n", name_of(view, view->attendance->carer_id),
        name_of(view, id));
}

static void explain_taps(const struct view *view)
{
    const struct visits_attendance *attendance = view->attendance;

    explain_tap(view, "arrived", attendance->in_utc, attendance->in_id);
    explain_tap(view, "left", attendance->out_utc, attendance->out_id);
    if (attendance->status == ATTENDANCE_OK) {
        text_add_string(view->text, "  worked    ");
        add_duration(view, attendance->worked_s);
        text_add_string(view->text, (attendance->evidence & ATTENDANCE_MERGED) != 0
                                        ? ", in parts with short gaps that are not paid (S5)\n"
                                        : "\n");
    }
}

static void explain_cost(const struct view *view)
{
    struct visits_cost cost = visits_cost(
        view->input->dataset, view->input->visits_params, view->planned, view->attendance);

    text_addf(view->text,
        "  match     cost %lld = %lld off the planned start + %lld for the length"
        " + %lld for a carer not rostered + %lld for a missing tap (M3)\n",
        (long long)cost.sum, (long long)cost.ds, (long long)cost.dd, (long long)cost.pc,
        (long long)cost.pi);
}

static int explain_runner_up(const struct view *view)
{
    struct visits_runner_up runner_up;
    int rc = visits_find_runner_up(view->input->dataset, view->input->visits_params,
        view->input->result, view->index, &runner_up);

    if (rc < 0) {
        return rc;
    }
    text_add_string(view->text, "  runner-up ");
    if (runner_up.attendance == VISITS_NONE) {
        text_add_string(view->text, "none: the slot would be missed");
    } else {
        const struct visits_attendance *other =
            &view->input->result->attendances[runner_up.attendance];

        text_addf(view->text, "carer %s from ", name_of(view, other->carer_id));
        add_local(view, visits_anchor(view->input->visits_params, other));
    }
    if (runner_up.extra_cost == 0) {
        text_add_string(view->text, ", at the same cost: the earlier pair goes first (M6)\n");
    } else {
        text_addf(view->text, ", and the person's plan would cost %lld more (M4)\n",
            (long long)runner_up.extra_cost);
    }
    return 0;
}

static void explain_missed(const struct view *view)
{
    const struct visits_params *params = view->input->visits_params;
    struct visits_nearest nearest =
        visits_find_nearest(view->input->dataset, params, view->input->result, view->index);
    const struct visits_attendance *attendance = NULL;

    if (nearest.reach == REACH_NOTHING) {
        text_add_string(view->text, "  nearest   nobody tapped at this person's home\n");
        return;
    }
    attendance = &view->input->result->attendances[nearest.attendance];
    text_addf(view->text, "  nearest   carer %s from ", name_of(view, attendance->carer_id));
    add_local(view, visits_anchor(params, attendance));
    text_add_string(view->text, ", ");
    add_duration(view, nearest.cost.ds);
    if (nearest.reach == REACH_TOO_FAR) {
        text_add_string(view->text, " away: further than ");
        add_duration(view, params->window_s);
        text_add_string(view->text, " (M3)\n");
    } else if (nearest.reach == REACH_TAKEN) {
        const struct visits_slot *taker = &view->input->result->slots[attendance->slot];

        text_addf(view->text, " away: it is slot %d of visit %s, which fits better (M4)\n",
            taker->number, name_of(view, view->input->dataset->planned[taker->planned].visit_id));
    } else {
        text_addf(view->text,
            " away: matching costs %lld, more than leaving both apart, %lld (M4)\n",
            (long long)nearest.cost.sum, (long long)params->unmatched_cost * 2);
    }
}

static void explain_held(const struct view *view)
{
    text_addf(view->text, "  held      the tap on %s is missing: add it by a correction\n",
        view->slot->status == SLOT_HELD_NO_OUT ? "leaving" : "arriving");
}

static void explain_cancelled(const struct view *view)
{
    text_add_string(view->text, "  cancelled ");
    add_local(view, view->planned->cancel_utc);
    text_add_string(view->text, ", ");
    add_duration(view, view->planned->start_utc - view->planned->cancel_utc);
    text_add_string(view->text, " before the planned start; notice is ");
    add_duration(view, view->input->visits_params->notice_s);
    text_add_string(view->text, " (P1)\n");
}

static void explain_flags(const struct view *view)
{
    struct visits_flags flags;
    const char *separator = "  flags     ";

    visits_flags(
        view->input->dataset, view->input->visits_params, view->input->result, view->index, &flags);
    for (int flag = 0; flag < FLAG_COUNT; flag++) {
        if (flags.is_set[flag]) {
            text_addf(view->text, "%s%s (%lld s)", separator,
                visits_flag_name((enum visits_flag)flag), (long long)flags.seconds[flag]);
            separator = ", ";
        }
    }
    if (separator[0] == ',') {
        text_add_char(view->text, '\n');
    }
}

static void explain_pay(const struct view *view)
{
    const struct pay_input *input = view->input;
    const struct pay_params *params = input->params;
    int64_t units = pay_units(params, view->planned, view->slot, view->attendance);
    int64_t planned_units = (view->planned->end_utc - view->planned->start_utc) / params->unit_s;
    const struct person_row *person = NULL;
    struct pay_problem problem;
    int64_t rate = 0;
    int64_t pence = 0;

    text_addf(view->text, "  paid      %lld of %lld units of ", (long long)units,
        (long long)planned_units);
    add_duration(view, params->unit_s);
    if (pay_person(input, view->planned->person_id, &person, &problem) < 0 ||
        pay_rate_on(input, view->planned->provider_id, person->funder,
            local_day(input->days, view->planned->start_utc), &rate, &problem) < 0) {
        text_addf(view->text, "; %s\n", problem.text);
        return;
    }
    pence = pay_half_up(units * rate, HOUR_S / params->unit_s);
    text_addf(view->text,
        " at \302\243%lld.%02lld an hour from %s: \302\243%lld.%02lld (rule %s/%d; rounded once"
        " for the person's week)\n",
        (long long)(rate / PENCE_A_POUND), (long long)(rate % PENCE_A_POUND),
        name_of(view, person->funder), (long long)(pence / PENCE_A_POUND),
        (long long)(pence % PENCE_A_POUND), params->rule_a_id, params->rule_a_version);
}

static int explain_status(const struct view *view)
{
    switch ((enum slot_status)view->slot->status) {
    case SLOT_HELD_NO_OUT:
    case SLOT_HELD_NO_IN:
        explain_held(view);
        return explain_runner_up(view);
    case SLOT_OK:
        return explain_runner_up(view);
    case SLOT_SAME_CARER:
        text_add_string(view->text, "  not paid  this carer already holds a lower slot of the"
                                    " visit (M8): the second carer did not come\n");
        return explain_runner_up(view);
    case SLOT_MISSED:
        explain_missed(view);
        return 0;
    case SLOT_CANC_NOTICE:
    case SLOT_CANC_SHORT:
        explain_cancelled(view);
        return 0;
    case SLOT_STATUS_COUNT:
        return 0;
    }
    return 0;
}

int explain_slot(struct text *text, const struct pay_input *input, size_t slot)
{
    struct view view = {
        .text = text, .input = input, .index = slot, .slot = &input->result->slots[slot]};
    int rc = 0;

    view.planned = &input->dataset->planned[view.slot->planned];
    explain_plan(&view);
    if (view.slot->attendance != VISITS_NONE) {
        view.attendance = &input->result->attendances[view.slot->attendance];
        explain_taps(&view);
        explain_cost(&view);
    }
    rc = explain_status(&view);
    explain_flags(&view);
    explain_pay(&view);
    return rc < 0 ? rc : text->rc;
}
