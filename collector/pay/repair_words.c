/* repair_words.c - see repair_words.h. */
#include "collector/pay/repair_words.h"

enum { MINUTE_S = 60, CLOCK_AT = 11, CLOCK_SIZE = 8 };

static const char *name_of(const struct pay_input *input, text_id id)
{
    return dataset_text(input->dataset, id);
}

/* "08:15:00", local. */
static void add_clock(struct text *text, const struct pay_input *input, int64_t utc)
{
    char instant[INSTANT_TEXT_SIZE];

    (void)instant_text(local_seconds(input->days, utc), instant);
    text_add(text, instant + CLOCK_AT, CLOCK_SIZE);
}

static void add_duration(struct text *text, int64_t seconds)
{
    text_addf(text, "%lld min", (long long)(seconds / MINUTE_S));
    if (seconds % MINUTE_S != 0) {
        text_addf(text, " %lld s", (long long)(seconds % MINUTE_S));
    }
}

/* When the tap was that R1 is about. */
static int64_t tap_utc(const struct pay_input *input, const struct visits_repair *repair)
{
    const struct visits_attendance *own = &input->result->attendances[repair->attendance];

    return own->in_id == repair->tap_id ? own->in_utc : own->out_utc;
}

/* R1 where the tap keeps the kind the reader gave it. */
static bool is_doubt(const struct pay_input *input, const struct visits_repair *repair)
{
    const struct visits_attendance *own = &input->result->attendances[repair->attendance];

    return repair->is_held && (own->evidence & ATTENDANCE_DOUBTFUL) != 0;
}

void repair_add_rules(struct text *text, const struct pay_input *input, size_t slot)
{
    const struct visits_result *result = input->result;
    const struct repair_params *params = &input->visits_params->repairs;
    int last = REPAIR_COUNT;

    for (size_t i = visits_first_repair(result, slot);
         i < result->repairs_count && result->repairs[i].slot == slot; i++) {
        if (result->repairs[i].rule != last) {
            last = result->repairs[i].rule;
            text_addf(text, " %s-%s/%d", params->rule_id, repair_rule_name((enum repair_rule)last),
                params->rule_version);
        }
    }
}

static void add_basis(
    struct text *text, const struct pay_input *input, const struct visits_repair *repair)
{
    switch ((enum repair_basis)repair->basis) {
    case BASIS_TAPS_AND_PLAN:
        text_add_string(text, "so that the taps fit the plan");
        return;
    case BASIS_OTHER_CARER:
        text_addf(text, "as carer %s of the same visit", name_of(input, repair->other_id));
        return;
    case BASIS_USUAL_LENGTH:
        text_addf(text, "as %d visits of this length usually take", repair->usual_count);
        return;
    case BASIS_PLAN:
        text_add_string(text, "as planned");
        return;
    case BASIS_OWN_TAPS:
        text_add_string(text, "by the carer's own taps");
        return;
    }
}

/* What is said to have been, without why. */
static void add_reading(
    struct text *text, const struct pay_input *input, const struct visits_repair *repair)
{
    switch ((enum repair_rule)repair->rule) {
    case REPAIR_DIRECTION:
        text_addf(text, "tap %s at ", name_of(input, repair->tap_id));
        add_clock(text, input, tap_utc(input, repair));
        if (is_doubt(input, repair)) {
            text_add_string(text, " may be arriving or leaving");
        } else {
            text_add_string(text, repair->read_as == 'I'
                                      ? ", taken for leaving, is read as arriving"
                                      : ", taken for arriving, is read as leaving");
        }
        return;
    case REPAIR_LEAVING:
        text_add_string(text, "left ");
        add_clock(text, input, repair->out_utc);
        return;
    case REPAIR_ARRIVAL:
        text_add_string(text, "arrived ");
        add_clock(text, input, repair->in_utc);
        return;
    case REPAIR_BOUNDARY:
        text_add_string(text, "one stay over visits back to back, this one ");
        add_clock(text, input, repair->in_utc);
        text_add_string(text, " to ");
        add_clock(text, input, repair->out_utc);
        return;
    case REPAIR_COUNT:
        return;
    }
}

void repair_add_why(struct text *text, const struct pay_input *input, size_t slot)
{
    const struct visits_result *result = input->result;
    const struct repair_params *params = &input->visits_params->repairs;

    for (size_t i = visits_first_repair(result, slot);
         i < result->repairs_count && result->repairs[i].slot == slot; i++) {
        const struct visits_repair *repair = &result->repairs[i];

        text_addf(text, "; %s-%s/%d: ", params->rule_id,
            repair_rule_name((enum repair_rule)repair->rule), params->rule_version);
        add_reading(text, input, repair);
        if (!is_doubt(input, repair)) {
            text_add_string(text, ", ");
            add_basis(text, input, repair);
        }
        text_add_string(text, repair->is_held ? ", proposed" : "");
    }
}

/* ---- for a person --------------------------------------------------------------------------- */

/* The next tap of this carer here, which the reader took for what was forgotten. */
static void explain_next_tap(
    struct text *text, const struct pay_input *input, const struct visits_repair *repair)
{
    const struct visits_result *result = input->result;
    const struct visits_attendance *own = &result->attendances[repair->attendance];
    const struct visits_repair *next = NULL;

    for (size_t i = 0; i < result->repairs_count; i++) {
        const struct visits_repair *other = &result->repairs[i];

        if (other->rule == REPAIR_DIRECTION && other->carer_id == repair->carer_id &&
            result->attendances[other->attendance].person_id == own->person_id &&
            tap_utc(input, other) > repair->in_utc &&
            (next == NULL || tap_utc(input, other) < tap_utc(input, next))) {
            next = other;
        }
    }
    if (next == NULL || (own->evidence & ATTENDANCE_BESIDE) == 0) {
        return;
    }
    text_add_string(text, " The next tap, ");
    add_clock(text, input, tap_utc(input, next));
    text_addf(text, " (%s), was taken for it", name_of(input, next->tap_id));
    if (next->read_as == 'I' && next->planned != VISITS_NONE) {
        text_addf(text, " and is the arrival of visit %s",
            name_of(input, input->dataset->planned[next->planned].visit_id));
    }
    text_add_char(text, '.');
}

static void explain_direction(
    struct text *text, const struct pay_input *input, const struct visits_repair *repair)
{
    text_add_string(text, "R1: ");
    add_reading(text, input, repair);
    text_add_string(
        text, is_doubt(input, repair)
                  ? ": a tap nearby was forgotten, and the plan does not tell which way round this "
                    "one is.\n"
                  : ": a tap before it was forgotten, and so the taps fit the plan far better.\n");
}

static void explain_missing(
    struct text *text, const struct pay_input *input, const struct visits_repair *repair)
{
    bool is_leaving = repair->rule == REPAIR_LEAVING;

    text_addf(text, "R%d: the tap on %s was forgotten.", is_leaving ? 2 : 3,
        is_leaving ? "leaving" : "arriving");
    if (is_leaving) {
        explain_next_tap(text, input, repair);
    }
    text_addf(text, " %s assumed at ", is_leaving ? "Leaving" : "Arriving");
    add_clock(text, input, is_leaving ? repair->out_utc : repair->in_utc);
    text_add_string(text, ", ");
    add_duration(text, repair->out_utc - repair->in_utc);
    text_addf(text, " %s, ", is_leaving ? "after arriving" : "before leaving");
    switch ((enum repair_basis)repair->basis) {
    case BASIS_OTHER_CARER:
        text_addf(text, "when carer %s of the same visit %s; they %s together.\n",
            name_of(input, repair->other_id), is_leaving ? "left" : "arrived",
            is_leaving ? "arrived" : "left");
        return;
    case BASIS_USUAL_LENGTH:
        text_addf(text,
            "the middle one of %d visits to this person with the same planned length, and not more"
            " than planned.\n",
            repair->usual_count);
        return;
    case BASIS_PLAN:
    case BASIS_TAPS_AND_PLAN:
    case BASIS_OWN_TAPS:
        text_add_string(
            text, "the planned length: too few visits of that length to know a usual one.\n");
        return;
    }
}

static void explain_boundary(
    struct text *text, const struct pay_input *input, const struct visits_repair *repair)
{
    text_addf(text, "R4: carer %s stayed over visits that follow each other. This one is ",
        name_of(input, repair->carer_id));
    add_clock(text, input, repair->in_utc);
    text_add_string(text, " to ");
    add_clock(text, input, repair->out_utc);
    text_add_string(text, repair->basis == BASIS_OWN_TAPS ? ", split at the carer's own taps.\n"
                                                          : ", split at the planned boundary.\n");
}

/* Why it is paid or held, and what a person can do. */
static void explain_decision(struct text *text, const struct pay_input *input,
    const struct visits_repair *repair, const struct visits_slot *slot)
{
    const struct repair_params *params = &input->visits_params->repairs;

    if (!repair->is_held) {
        text_addf(text, "            paid: ");
        add_duration(text, repair->inferred_s);
        text_add_string(
            text, " rest on this. The taps stay as they are; a correction goes first.\n");
        return;
    }
    text_addf(text,
        "            held: %s. To accept: ecm-pay correct release --visit %s --slot %u\n",
        params->policies[repair->rule] == REPAIR_PAY
            ? "the evidence is not good enough to pay by itself"
            : "this site has a person decide",
        name_of(input, input->dataset->planned[slot->planned].visit_id), slot->number);
}

void repair_explain(struct text *text, const struct pay_input *input, size_t slot)
{
    const struct visits_result *result = input->result;

    for (size_t i = visits_first_repair(result, slot);
         i < result->repairs_count && result->repairs[i].slot == slot; i++) {
        const struct visits_repair *repair = &result->repairs[i];
        bool is_last = i + 1 == result->repairs_count || result->repairs[i + 1].slot != slot;

        text_add_string(text, "  repair    ");
        if (repair->rule == REPAIR_DIRECTION) {
            explain_direction(text, input, repair);
        } else if (repair->rule == REPAIR_BOUNDARY) {
            explain_boundary(text, input, repair);
        } else {
            explain_missing(text, input, repair);
        }
        if (is_last) {
            explain_decision(text, input, repair, &result->slots[slot]);
        }
    }
}

/* ---- for machines --------------------------------------------------------------------------- */

static void add_json_instant(struct text *text, const char *key, int64_t utc)
{
    char instant[INSTANT_TEXT_SIZE];

    text_addf(text, ",\"%s\":", key);
    if (utc == VISITS_NO_TIME) {
        text_add_string(text, "null");
    } else {
        text_add_json(text, instant_text(utc, instant));
    }
}

static void add_json_id(
    struct text *text, const char *key, const struct pay_input *input, text_id id)
{
    text_addf(text, ",\"%s\":", key);
    if (id == 0) {
        text_add_string(text, "null");
    } else {
        text_add_json(text, name_of(input, id));
    }
}

void repair_add_json(struct text *text, const struct pay_input *input, size_t slot)
{
    const struct visits_result *result = input->result;
    const struct repair_params *params = &input->visits_params->repairs;
    const char *separator = "";

    text_add_char(text, '[');
    for (size_t i = visits_first_repair(result, slot);
         i < result->repairs_count && result->repairs[i].slot == slot; i++) {
        const struct visits_repair *repair = &result->repairs[i];
        const char read_as[] = {repair->read_as, '\0'};

        text_addf(text, "%s{\"rule\":\"%s-%s/%d\"", separator, params->rule_id,
            repair_rule_name((enum repair_rule)repair->rule), params->rule_version);
        add_json_id(text, "carer_id", input, repair->carer_id);
        add_json_id(text, "tap_id", input, repair->tap_id);
        text_addf(text, ",\"read_as\":");
        text_add_json(text, read_as);
        add_json_instant(text, "in", repair->in_utc);
        add_json_instant(text, "out", repair->out_utc);
        text_addf(text, ",\"inferred_s\":%d,\"basis\":\"%s\"", repair->inferred_s,
            repair_basis_name((enum repair_basis)repair->basis));
        add_json_id(text, "other_carer_id", input, repair->other_id);
        text_addf(text, ",\"usual_visits\":%d,\"decision\":\"%s\"}", repair->usual_count,
            repair->is_held ? "held" : "paid");
        separator = ",";
    }
    text_add_char(text, ']');
}

/* ---- the table ------------------------------------------------------------------------------ */

static void add_id(struct text *text, const struct pay_input *input, text_id id)
{
    text_add_csv(text, name_of(input, id), dataset_text_size(input->dataset, id));
    text_add_char(text, ',');
}

static void add_utc(struct text *text, int64_t utc)
{
    if (utc != VISITS_NO_TIME) {
        text_add_int(text, utc);
    }
    text_add_char(text, ',');
}

void repair_write(struct text *text, const struct pay_run *run)
{
    const struct pay_input *input = &run->input;

    text_add_string(text, "rule,visit_id,slot,person_id,carer_id,tap_id,read_as,in_utc,out_utc,"
                          "inferred_s,basis,other_carer_id,usual_visits,decision\n");
    for (size_t i = 0; i < input->result->repairs_count; i++) {
        const struct visits_repair *repair = &input->result->repairs[i];
        const struct visits_slot *slot =
            repair->slot == VISITS_NONE ? NULL : &input->result->slots[repair->slot];

        text_addf(text, "%s,", repair_rule_name((enum repair_rule)repair->rule));
        add_id(text, input, slot == NULL ? 0 : input->dataset->planned[slot->planned].visit_id);
        if (slot != NULL) {
            text_add_int(text, slot->number);
        }
        text_add_char(text, ',');
        add_id(text, input, input->result->attendances[repair->attendance].person_id);
        add_id(text, input, repair->carer_id);
        add_id(text, input, repair->tap_id);
        if (repair->read_as != '\0') {
            text_add_char(text, repair->read_as);
        }
        text_add_char(text, ',');
        add_utc(text, repair->in_utc);
        add_utc(text, repair->out_utc);
        text_addf(text, "%d,%s,", repair->inferred_s,
            repair_basis_name((enum repair_basis)repair->basis));
        add_id(text, input, repair->other_id);
        text_addf(text, "%d,%s\n", repair->usual_count, repair->is_held ? "held" : "paid");
    }
}
