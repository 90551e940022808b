/* feed.c - see feed.h. */
#include "collector/pay/feed.h"

#include <stdbool.h>

#include "collector/pay/repair_words.h"
#include "collector/visits/alternatives.h"

enum { MINUTE_S = 60, HOUR_S = 3600 };

const char *const feed_columns[FEED_COLUMN_COUNT] = {"visit_id", "slot", "person_id", "provider_id",
    "funder", "carer_id", "planned_start", "planned_end", "planned_date", "actual_in", "actual_out",
    "actual_date", "status", "flags", "worked_s", "units", "paid_minutes", "pence_per_hour",
    "pence", "rule", "pay_rule", "run_id", "why"};

/* One slot with everything that belongs to it. */
struct slot_view {
    const struct pay_input *input;
    size_t index;
    const struct visits_slot *slot;
    const struct planned_row *planned;
    const struct visits_attendance *attendance; /* NULL without */
    const struct person_row *person;            /* NULL when unknown */
    enum visits_stage stage;
    int64_t units;
    bool has_rate;
    int64_t pence_per_hour;
    struct pay_problem problem; /* why there is no rate */
};

static struct slot_view view_slot(const struct pay_input *input, size_t index)
{
    const struct visits_slot *slot = &input->result->slots[index];
    struct slot_view view = {.input = input,
        .index = index,
        .slot = slot,
        .planned = &input->dataset->planned[slot->planned]};

    if (slot->attendance != VISITS_NONE) {
        view.attendance = &input->result->attendances[slot->attendance];
    }
    view.stage = visits_stage(input->visits_params, view.planned, slot, input->asof_utc);
    view.units = pay_units(input->params, view.planned, slot, view.attendance);
    if (pay_person(input, view.planned->person_id, &view.person, &view.problem) == 0) {
        view.has_rate = pay_rate_on(input, view.planned->provider_id, view.person->funder,
                            local_day(input->days, view.planned->start_utc), &view.pence_per_hour,
                            &view.problem) == 0;
    }
    return view;
}

static void add_key(struct text *text, const char *key)
{
    text_add_char(text, ',');
    text_add_json(text, key);
    text_add_char(text, ':');
}

static void add_text(struct text *text, const char *key, const char *value)
{
    add_key(text, key);
    text_add_json(text, value);
}

static void add_int(struct text *text, const char *key, int64_t value)
{
    add_key(text, key);
    text_add_int(text, value);
}

static void add_null(struct text *text, const char *key)
{
    add_key(text, key);
    text_add_string(text, "null");
}

static void add_instant(struct text *text, const char *key, int64_t utc)
{
    char instant[INSTANT_TEXT_SIZE];

    if (utc == VISITS_NO_TIME) {
        add_null(text, key);
    } else {
        add_text(text, key, instant_text(utc, instant));
    }
}

static void add_date(struct text *text, const char *key, const struct pay_input *input, int64_t utc)
{
    char date[DAY_TEXT_SIZE];

    add_text(text, key, day_text(local_day(input->days, utc), date));
}

static void add_who(struct text *text, const struct slot_view *view)
{
    const struct dataset *dataset = view->input->dataset;

    text_add_string(text, "{\"visit_id\":");
    text_add_json(text, dataset_text(dataset, view->planned->visit_id));
    add_int(text, "slot", view->slot->number);
    add_text(text, "person_id", dataset_text(dataset, view->planned->person_id));
    add_text(text, "provider_id", dataset_text(dataset, view->planned->provider_id));
    if (view->person != NULL) {
        add_text(text, "funder", dataset_text(dataset, view->person->funder));
    } else {
        add_null(text, "funder");
    }
    if (view->attendance != NULL) {
        add_text(text, "carer_id", dataset_text(dataset, view->attendance->carer_id));
    } else {
        add_null(text, "carer_id");
    }
}

static void add_when(struct text *text, const struct slot_view *view)
{
    const struct visits_attendance *attendance = view->attendance;

    add_instant(text, "planned_start", view->planned->start_utc);
    add_instant(text, "planned_end", view->planned->end_utc);
    add_date(text, "planned_date", view->input, view->planned->start_utc);
    add_instant(text, "actual_in", attendance != NULL ? attendance->in_utc : VISITS_NO_TIME);
    add_instant(text, "actual_out", attendance != NULL ? attendance->out_utc : VISITS_NO_TIME);
    if (attendance != NULL) {
        add_date(text, "actual_date", view->input,
            visits_anchor(view->input->visits_params, attendance));
    } else {
        add_null(text, "actual_date");
    }
}

/* Each flag with its seconds: {"late":1260}. */
static void add_flags(struct text *text, const struct slot_view *view)
{
    struct visits_flags flags;
    bool is_first = true;

    visits_flags(
        view->input->dataset, view->input->visits_params, view->input->result, view->index, &flags);
    add_key(text, "flags");
    text_add_char(text, '{');
    for (int flag = 0; flag < FLAG_COUNT; flag++) {
        if (flags.is_set[flag] && flag != FLAG_OVERLAP) {
            text_addf(text, "%s\"%s\":%lld", is_first ? "" : ",",
                visits_flag_name((enum visits_flag)flag), (long long)flags.seconds[flag]);
            is_first = false;
        }
    }
    text_add_char(text, '}');
}

static void add_money(struct text *text, const struct slot_view *view)
{
    const struct pay_params *params = view->input->params;

    add_int(text, "worked_s",
        view->attendance != NULL && view->attendance->status == ATTENDANCE_OK &&
                view->slot->status != SLOT_HELD_REPAIR
            ? view->attendance->worked_s
            : 0);
    add_int(text, "units", view->units);
    add_int(text, "paid_minutes", view->units * params->unit_s / MINUTE_S);
    if (view->has_rate) {
        add_int(text, "pence_per_hour", view->pence_per_hour);
        add_int(text, "pence",
            pay_half_up(view->units * view->pence_per_hour, HOUR_S / params->unit_s));
    } else {
        add_null(text, "pence_per_hour");
        add_null(text, "pence");
    }
}

void feed_add_line(struct text *text, const struct pay_input *input, size_t slot)
{
    struct slot_view view = view_slot(input, slot);
    const struct visits_params *visits_params = input->visits_params;
    struct text why = {0};

    add_who(text, &view);
    add_when(text, &view);
    add_text(text, "status",
        view.stage != STAGE_SETTLED ? visits_stage_name(view.stage)
                                    : slot_status_name((enum slot_status)view.slot->status));
    add_flags(text, &view);
    add_money(text, &view);
    add_key(text, "rule");
    text_addf(text, "\"%s/%d", visits_params->rule_id, visits_params->rule_version);
    repair_add_rules(text, input, slot);
    text_add_char(text, '"');
    add_key(text, "pay_rule");
    text_addf(text, "\"%s/%d\"", input->params->rule_a_id, input->params->rule_a_version);
    add_null(text, "run_id");
    feed_add_why(&why, input, slot);
    add_text(text, "why", text_end(&why));
    text_add_char(text, '}');
    if (why.rc < 0) {
        text->rc = why.rc;
    }
    text_done(&why);
}

static int64_t to_minutes(int64_t seconds)
{
    return pay_half_up(seconds, MINUTE_S);
}

static void add_punctuality(struct text *text, const struct slot_view *view)
{
    int64_t late_min = to_minutes(view->attendance->in_utc - view->planned->start_utc);

    if (late_min == 0) {
        text_add_string(text, "on time");
    } else {
        text_addf(text, "%lld min %s", (long long)(late_min < 0 ? -late_min : late_min),
            late_min < 0 ? "early" : "late");
    }
}

static void add_why_ok(struct text *text, const struct slot_view *view)
{
    int64_t planned_units =
        (view->planned->end_utc - view->planned->start_utc) / view->input->params->unit_s;

    add_punctuality(text, view);
    text_addf(text, ", stayed %lld of %lld min: %lld of %lld units",
        (long long)to_minutes(view->attendance->worked_s),
        (long long)to_minutes(view->planned->end_utc - view->planned->start_utc),
        (long long)view->units, (long long)planned_units);
}

static void add_why_missed(struct text *text, const struct slot_view *view)
{
    const struct pay_input *input = view->input;
    struct visits_nearest nearest =
        visits_find_nearest(input->dataset, input->visits_params, input->result, view->index);

    switch (nearest.reach) {
    case REACH_NOTHING:
    case REACH_TOO_FAR:
        text_addf(text, "nobody came within %lld min of the planned start",
            (long long)to_minutes(input->visits_params->window_s));
        return;
    case REACH_TAKEN:
        text_add_string(text, "who came near the planned time fits another slot better");
        return;
    case REACH_TOO_DEAR:
        text_add_string(text, "who came near the planned time stayed for another length by far");
        return;
    }
}

/* Nothing in it may move with the clock: each change is a new version of the row. */
static void add_why_stage(struct text *text, const struct slot_view *view)
{
    switch (view->stage) {
    case STAGE_NOT_DUE:
        text_add_string(text, "not due yet");
        return;
    case STAGE_DUE:
        text_add_string(text, "due, nobody has arrived yet");
        return;
    case STAGE_LATE:
        text_addf(text, "nobody had arrived %lld min after the planned start",
            (long long)to_minutes(view->input->visits_params->punctual_s));
        return;
    case STAGE_ONGOING:
        add_punctuality(text, view);
        text_add_string(text, ", has not left yet");
        return;
    case STAGE_SETTLED:
        return;
    }
}

static void add_why_status(struct text *text, const struct slot_view *view)
{
    if (view->stage != STAGE_SETTLED) {
        add_why_stage(text, view);
        return;
    }
    switch ((enum slot_status)view->slot->status) {
    case SLOT_OK:
        add_why_ok(text, view);
        return;
    case SLOT_HELD_NO_OUT:
        add_punctuality(text, view);
        text_add_string(text, ", but no tap on leaving: held until corrected");
        return;
    case SLOT_HELD_NO_IN:
        text_add_string(text, "left, but no tap on arriving: held until corrected");
        return;
    case SLOT_HELD_REPAIR:
        text_add_string(text, "held until a person has looked at it");
        return;
    case SLOT_MISSED:
        add_why_missed(text, view);
        return;
    case SLOT_SAME_CARER:
        text_add_string(text, "the same carer as a lower slot of this visit: not paid twice");
        return;
    case SLOT_CANC_NOTICE:
        text_add_string(text, "cancelled in good time: not paid");
        return;
    case SLOT_CANC_SHORT:
        text_add_string(text, "cancelled too late: paid as planned");
        return;
    case SLOT_STATUS_COUNT:
        return;
    }
}

void feed_add_why(struct text *text, const struct pay_input *input, size_t slot)
{
    struct slot_view view = view_slot(input, slot);

    add_why_status(text, &view);
    repair_add_why(text, input, slot);
    if (!view.has_rate) {
        text_addf(text, "; %s", view.problem.text);
    }
}
