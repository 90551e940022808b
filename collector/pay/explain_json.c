/*
 * explain_json.c - an explanation as JSON; see explain.h.
 *
 * Names are those of the feed where the feed has them. Instants are UTC, money is pence, durations
 * are seconds; what does not apply is null, so that every object of a kind has the same names.
 */
#include "collector/pay/explain.h"

#include "collector/pay/repair_words.h"

/* A key with what separates it from the one before. */
static void add_key(struct text *text, const char *key)
{
    if (text->size > 0 && text->bytes[text->size - 1] != '{') {
        text_add_char(text, ',');
    }
    text_addf(text, "\"%s\":", key);
}

static void add_int(struct text *text, const char *key, int64_t value)
{
    add_key(text, key);
    text_add_int(text, value);
}

static void add_bool(struct text *text, const char *key, bool value)
{
    add_key(text, key);
    text_add_string(text, value ? "true" : "false");
}

static void add_null(struct text *text, const char *key)
{
    add_key(text, key);
    text_add_string(text, "null");
}

static void add_string(struct text *text, const char *key, const char *value)
{
    add_key(text, key);
    text_add_json(text, value);
}

/* An id; null for none. */
static void add_id(struct text *text, const char *key, const struct pay_input *input, text_id id)
{
    if (id == 0) {
        add_null(text, key);
    } else {
        add_string(text, key, dataset_text(input->dataset, id));
    }
}

static void add_instant(struct text *text, const char *key, int64_t utc)
{
    char instant[INSTANT_TEXT_SIZE];

    if (utc == VISITS_NO_TIME || utc == DATASET_NEVER) {
        add_null(text, key);
    } else {
        add_string(text, key, instant_text(utc, instant));
    }
}

static void add_rule(struct text *text, const char *key, const char *id, int version)
{
    add_key(text, key);
    text_addf(text, "\"%s/%d\"", id, version);
}

static const char *reach_name(enum visits_reach reach)
{
    switch (reach) {
    case REACH_NOTHING:
        return "nothing";
    case REACH_TOO_FAR:
        return "too_far";
    case REACH_TAKEN:
        return "taken";
    case REACH_TOO_DEAR:
        return "too_dear";
    }
    return "?";
}

/* {"visit_id":..,"slot":..} or null. */
static void add_slot_name(struct text *text, const char *key, const struct pay_input *input,
    const struct visits_slot *slot)
{
    if (slot == NULL) {
        add_null(text, key);
        return;
    }
    add_key(text, key);
    text_add_char(text, '{');
    add_id(text, "visit_id", input, input->dataset->planned[slot->planned].visit_id);
    add_int(text, "slot", slot->number);
    text_add_char(text, '}');
}

static void add_cost(struct text *text, const char *key, const struct visits_cost *cost)
{
    add_key(text, key);
    text_add_char(text, '{');
    add_int(text, "cost", cost->sum);
    add_int(text, "ds", cost->ds);
    add_int(text, "dd", cost->dd);
    add_int(text, "pc", cost->pc);
    add_int(text, "pi", cost->pi);
    text_add_char(text, '}');
}

/* The names of an attendance, inside an object that is open. */
static void add_attendance_names(
    struct text *text, const struct pay_input *input, const struct visits_attendance *attendance)
{
    add_id(text, "attendance_id", input,
        attendance->in_id != 0 ? attendance->in_id : attendance->out_id);
    add_id(text, "person_id", input, attendance->person_id);
    add_id(text, "carer_id", input, attendance->carer_id);
    add_string(text, "status", attendance_status_name((enum attendance_status)attendance->status));
    add_instant(text, "actual_in", attendance->in_utc);
    add_id(text, "in_id", input, attendance->in_id);
    add_instant(text, "actual_out", attendance->out_utc);
    add_id(text, "out_id", input, attendance->out_id);
    add_instant(text, "anchor", visits_anchor(input->visits_params, attendance));
    add_int(text, "worked_s", attendance->worked_s);
    add_bool(text, "is_merged", (attendance->evidence & ATTENDANCE_MERGED) != 0);
    add_bool(text, "is_manual", (attendance->evidence & ATTENDANCE_MANUAL) != 0);
    add_bool(text, "tag_unverified", (attendance->evidence & ATTENDANCE_TAG_UNVERIFIED) != 0);
    if ((attendance->evidence & ATTENDANCE_CLOCK_SUSPECT) != 0) {
        add_int(text, "clock_suspect_s", attendance->uncertainty_s);
    } else {
        add_null(text, "clock_suspect_s");
    }
}

/* ---- a slot ------------------------------------------------------------------------------- */

static void add_runner_up(struct text *text, const struct slot_explanation *slot)
{
    const struct visits_result *result = slot->input->result;

    if (!slot->has_runner_up) {
        add_null(text, "runner_up");
        return;
    }
    add_key(text, "runner_up");
    text_add_char(text, '{');
    add_int(text, "extra_cost", slot->runner_up.extra_cost);
    add_key(text, "attendance");
    if (slot->runner_up.attendance == VISITS_NONE) {
        text_add_string(text, "null");
    } else {
        text_add_char(text, '{');
        add_attendance_names(text, slot->input, &result->attendances[slot->runner_up.attendance]);
        text_add_char(text, '}');
    }
    text_add_char(text, '}');
}

static void add_nearest(struct text *text, const struct slot_explanation *slot)
{
    const struct pay_input *input = slot->input;
    const struct visits_attendance *attendance = NULL;

    if (!slot->has_nearest) {
        add_null(text, "nearest");
        return;
    }
    add_key(text, "nearest");
    text_add_char(text, '{');
    add_string(text, "reach", reach_name(slot->nearest.reach));
    if (slot->nearest.attendance == VISITS_NONE) {
        add_null(text, "match");
        add_null(text, "taken_by");
        add_null(text, "attendance");
    } else {
        attendance = &input->result->attendances[slot->nearest.attendance];
        add_cost(text, "match", &slot->nearest.cost);
        add_slot_name(text, "taken_by", input,
            attendance->slot == VISITS_NONE ? NULL : &input->result->slots[attendance->slot]);
        add_key(text, "attendance");
        text_add_char(text, '{');
        add_attendance_names(text, input, attendance);
        text_add_char(text, '}');
    }
    text_add_char(text, '}');
}

static void add_flags(struct text *text, const struct visits_flags *flags)
{
    add_key(text, "flags");
    text_add_char(text, '{');
    for (int flag = 0; flag < FLAG_COUNT; flag++) {
        if (flags->is_set[flag]) {
            add_int(text, visits_flag_name((enum visits_flag)flag), flags->seconds[flag]);
        }
    }
    text_add_char(text, '}');
}

static void add_pay(struct text *text, const struct slot_explanation *slot)
{
    const struct pay_params *params = slot->input->params;

    add_int(text, "unit_s", params->unit_s);
    add_int(text, "planned_units", slot->planned_units);
    add_int(text, "units", slot->units);
    if (slot->has_rate) {
        add_int(text, "pence_per_hour", slot->rate);
        add_int(text, "pence", slot->pence);
        add_null(text, "problem");
    } else {
        add_null(text, "pence_per_hour");
        add_null(text, "pence");
        add_string(text, "problem", slot->problem.text);
    }
    add_rule(text, "rule", slot->input->visits_params->rule_id,
        slot->input->visits_params->rule_version);
    add_rule(text, "pay_rule", params->rule_a_id, params->rule_a_version);
}

void explain_slot_json(struct text *text, const struct slot_explanation *slot)
{
    const struct pay_input *input = slot->input;
    const struct planned_row *planned = slot->planned;

    text_add_char(text, '{');
    add_id(text, "visit_id", input, planned->visit_id);
    add_int(text, "slot", slot->slot->number);
    add_int(text, "carers_required", planned->carers_required);
    add_id(text, "person_id", input, planned->person_id);
    add_id(text, "provider_id", input, planned->provider_id);
    add_id(text, "funder", input, slot->funder);
    add_string(text, "status", slot_status_name((enum slot_status)slot->slot->status));
    add_instant(text, "planned_start", planned->start_utc);
    add_instant(text, "planned_end", planned->end_utc);
    add_id(text, "roster_carers", input, planned->roster_carers);
    add_key(text, "attendance");
    if (slot->attendance == NULL) {
        text_add_string(text, "null");
        add_null(text, "match");
    } else {
        text_add_char(text, '{');
        add_attendance_names(text, input, slot->attendance);
        text_add_char(text, '}');
        if (slot->is_matched) {
            add_cost(text, "match", &slot->cost);
        } else {
            add_null(text, "match");
        }
    }
    add_runner_up(text, slot);
    add_nearest(text, slot);
    if (slot->is_cancelled) {
        add_instant(text, "cancelled", planned->cancel_utc);
        add_int(text, "notice_s", slot->cancel_notice_s);
    } else {
        add_null(text, "cancelled");
        add_null(text, "notice_s");
    }
    add_flags(text, &slot->flags);
    add_key(text, "repairs");
    repair_add_json(text, input, (size_t)(slot->slot - input->result->slots));
    add_pay(text, slot);
    text_add_char(text, '}');
}

/* ---- an attendance, a tap ----------------------------------------------------------------- */

void explain_attendance_json(struct text *text, const struct attendance_explanation *one)
{
    const struct pay_input *input = one->input;
    const struct visits_nearest_slot *nearest = &one->nearest;

    text_add_char(text, '{');
    add_attendance_names(text, input, one->attendance);
    add_int(text, "overlap_s", one->overlap_s);
    add_bool(text, "is_in_period", one->is_in_period);
    add_bool(text, "is_unplanned", one->slot == NULL && one->is_in_period);
    add_slot_name(text, "matched", input, one->slot);
    if (one->slot != NULL) {
        add_null(text, "nearest");
    } else {
        add_key(text, "nearest");
        text_add_char(text, '{');
        add_string(text, "reach", nearest->is_cancelled ? "cancelled" : reach_name(nearest->reach));
        if (nearest->slot == VISITS_NONE) {
            add_null(text, "match");
            add_null(text, "slot");
        } else {
            add_cost(text, "match", &nearest->cost);
            add_slot_name(text, "slot", input, &input->result->slots[nearest->slot]);
        }
        text_add_char(text, '}');
    }
    if (one->counts_in_b) {
        add_int(text, "envelope_week", one->week);
    } else {
        add_null(text, "envelope_week");
    }
    text_add_char(text, '}');
}

static void add_copies(struct text *text, const struct tap_explanation *tap)
{
    const struct dataset *dataset = tap->input->dataset;
    const char *separator = "";

    add_key(text, "copies");
    text_add_char(text, '[');
    for (uint32_t i = 0; i < dataset->events_count; i++) {
        const struct event_row *event = &dataset->events[i];
        const char kind[] = {event->kind, '\0'};

        if (event->event_id != tap->id) {
            continue;
        }
        text_addf(text, "%s{", separator);
        add_string(text, "kind", kind);
        add_instant(text, "at", event->ts_utc);
        add_instant(text, "received", event->recv_utc);
        add_id(text, "device_id", tap->input, event->device_id);
        add_id(text, "card_uid", tap->input, event->card_uid);
        add_bool(text, "is_seen", event->recv_utc <= tap->asof_utc);
        add_bool(text, "counts", i == tap->trace.event);
        text_add_char(text, '}');
        separator = ",";
    }
    text_add_char(text, ']');
}

static void add_added(struct text *text, const struct tap_explanation *tap)
{
    const struct dataset *dataset = tap->input->dataset;
    size_t at = 0;

    while (at < dataset->amendments_count &&
           (dataset->amendments[at].amend_id != tap->id || dataset->amendments[at].is_void)) {
        at++;
    }
    if (at == dataset->amendments_count) {
        add_null(text, "added");
        return;
    }
    add_key(text, "added");
    text_add_char(text, '{');
    add_string(text, "kind", dataset->amendments[at].kind == 'I' ? "I" : "O");
    add_instant(text, "at", dataset->amendments[at].ts_utc);
    add_instant(text, "created", dataset->amendments[at].created_utc);
    add_id(text, "reason_code", tap->input, dataset->amendments[at].reason_code);
    add_bool(text, "is_seen", dataset->amendments[at].created_utc <= tap->asof_utc);
    text_add_char(text, '}');
}

static void add_exceptions(struct text *text, const struct tap_explanation *tap)
{
    const struct visits_result *result = tap->input->result;
    const char *separator = "";

    add_key(text, "exceptions");
    text_add_char(text, '[');
    for (size_t i = 0; i < result->exceptions_count; i++) {
        const struct visits_exception *exception = &result->exceptions[i];
        enum visits_exception_code code = (enum visits_exception_code)exception->code;

        if (exception->ref == tap->id) {
            text_addf(text, "%s{", separator);
            add_string(text, "code", visits_exception_name(code));
            add_instant(text, "at", exception->ts_utc);
            add_id(text, "detail", tap->input, exception->detail);
            add_string(text, "means", explain_exception(code));
            text_add_char(text, '}');
            separator = ",";
        }
    }
    text_add_char(text, ']');
}

void explain_tap_json(struct text *text, const struct tap_explanation *tap)
{
    static const char *const places[] = {[TAP_PLACE_NONE] = "none",
        [TAP_PLACE_IN] = "in",
        [TAP_PLACE_OUT] = "out",
        [TAP_PLACE_BETWEEN] = "between"};

    text_add_char(text, '{');
    add_id(text, "tap_id", tap->input, tap->id);
    add_copies(text, tap);
    add_added(text, tap);
    add_id(text, "person_id", tap->input, tap->trace.person_id);
    add_id(text, "carer_id", tap->input, tap->trace.carer_id);
    add_exceptions(text, tap);
    add_string(text, "place", places[tap->trace.place]);
    add_key(text, "attendance");
    if (tap->has_attendance) {
        explain_attendance_json(text, &tap->attendance);
    } else {
        text_add_string(text, "null");
    }
    text_add_char(text, '}');
}

/* ---- a line ------------------------------------------------------------------------------- */

static void add_parts(struct text *text, const struct line_explanation *line)
{
    const struct pay_input *input = line->input;
    const struct visits_result *result = input->result;

    add_key(text, "parts");
    text_add_char(text, '[');
    for (size_t i = 0; i < line->count; i++) {
        const struct line_part *part = &line->parts[i];
        const struct visits_slot *slot =
            part->slot == VISITS_NONE ? NULL : &result->slots[part->slot];
        const struct visits_attendance *attendance =
            part->attendance == VISITS_NONE ? NULL : &result->attendances[part->attendance];

        text_add_string(text, i == 0 ? "{" : ",{");
        add_slot_name(text, "of", input, slot);
        add_string(text, "status",
            slot != NULL ? slot_status_name((enum slot_status)slot->status) : "DELIVERED");
        add_id(text, "attendance_id", input,
            attendance == NULL       ? 0
            : attendance->in_id != 0 ? attendance->in_id
                                     : attendance->out_id);
        add_int(text, "worked_s", attendance != NULL ? attendance->worked_s : 0);
        add_int(text, "quantity", part->quantity);
        text_add_char(text, '}');
    }
    text_add_char(text, ']');
}

static void add_model(struct text *text, const struct line_explanation *line)
{
    const struct pay_line *row = line->line;

    if (row->model == 'B') {
        add_int(text, "planned_s", row->b.planned_s);
        add_int(text, "delivered_s", row->b.delivered_s);
        add_int(text, "credit_s", row->b.credit_s);
        add_int(text, "paid_s", line->paid_s);
    } else if (row->model == 'C') {
        add_int(text, "contract_min", row->c.contract_min);
        add_int(text, "floor_min", row->c.floor_min);
        add_int(text, "cap_min", row->c.cap_min);
        add_int(text, "base_min", row->c.base_min);
        if (row->kind == PAY_CAPPED) {
            add_int(text, "share_min", line->scaled);
            add_int(text, "share_remainder", line->spare);
        }
    }
}

void explain_line_json(struct text *text, const struct line_explanation *line)
{
    const struct pay_input *input = line->input;
    const struct pay_params *params = input->params;
    const struct pay_line *row = line->line;
    const char model[] = {row->model, '\0'};

    text_add_char(text, '{');
    add_string(text, "model", model);
    add_id(text, "provider_id", input, row->provider_id);
    add_id(text, "funder", input, row->funder);
    add_id(text, "person_id", input, row->person_id);
    if (row->model == 'C') {
        add_null(text, "week");
    } else {
        add_int(text, "week", row->week);
    }
    add_int(text, "pence_per_hour", row->pence_per_hour);
    add_string(text, "kind", pay_kind_name((enum pay_kind)row->kind));
    add_parts(text, line);
    add_int(text, "sum", line->sum);
    add_model(text, line);
    add_string(text, "quantity_unit", row->model == 'A' ? "units" : "minutes");
    add_int(text, "quantity", row->quantity);
    add_int(text, "amount", line->amount);
    add_int(text, "divisor", line->divisor);
    add_int(text, "remainder", line->amount % line->divisor);
    add_int(text, "pence", row->pence);
    add_rule(text, "pay_rule",
        row->model == 'A'   ? params->rule_a_id
        : row->model == 'B' ? params->rule_b_id
                            : params->rule_c_id,
        row->model == 'A'   ? params->rule_a_version
        : row->model == 'B' ? params->rule_b_version
                            : params->rule_c_version);
    text_add_char(text, '}');
}
