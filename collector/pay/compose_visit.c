/*
 * compose_visit.c - the steps of a contract over one visit, in their order; see compose.h.
 */
#include "collector/pay/compose.h"
#include "collector/pay/pay.h"

enum { MINUTE_S = 60, PERCENT = 100 };

struct composing {
    const struct contract *contract;
    const struct compose_visit *visit;
    const struct compose_slot *slot;
    struct compose_result *result;
    struct text *text; /* NULL: nobody listens */
};

static void add_length(struct text *text, int64_t s)
{
    text_addf(text, "%lld min", (long long)(s / MINUTE_S));
    if (s % MINUTE_S != 0) {
        text_addf(text, " %lld s", (long long)(s % MINUTE_S));
    }
}

/* "  rounding   218 min -> 225 min  nearest 15 min of the length" */
static void say(const struct composing *composing, const char *step, int64_t before, int64_t after)
{
    if (composing->text == NULL) {
        return;
    }
    text_addf(composing->text, "  %-13s", step);
    if (before >= 0) {
        add_length(composing->text, before);
        text_add_string(composing->text, " -> ");
    }
    add_length(composing->text, after);
}

static void say_why(const struct composing *composing, const char *why)
{
    if (composing->text != NULL) {
        text_addf(composing->text, "  (%s)\n", why);
    }
}

static int64_t planned_s(const struct compose_visit *visit)
{
    return visit->end_utc - visit->start_utc;
}

/* Worked time of all carers, shared out evenly. */
static int64_t average_s(const struct compose_visit *visit)
{
    int64_t sum = 0;

    for (size_t i = 0; i < visit->slot_count; i++) {
        sum += visit->slots[i].status == SLOT_OK ? visit->slots[i].worked_s : 0;
    }
    return sum / (int64_t)visit->slot_count;
}

/* How long all carers were there together. */
static int64_t together_s(const struct compose_visit *visit)
{
    int64_t from = INT64_MIN;
    int64_t to = INT64_MAX;
    int64_t least_s = INT64_MAX;

    for (size_t i = 0; i < visit->slot_count; i++) {
        const struct compose_slot *slot = &visit->slots[i];

        if (slot->status != SLOT_OK) {
            return 0;
        }
        from = slot->in_utc > from ? slot->in_utc : from;
        to = slot->out_utc < to ? slot->out_utc : to;
        least_s = slot->worked_s < least_s ? slot->worked_s : least_s;
    }
    if (to <= from) {
        return 0;
    }
    return to - from < least_s ? to - from : least_s;
}

static int64_t worked_s(const struct composing *composing)
{
    if (composing->visit->slot_count > 1) {
        switch ((enum contract_double)composing->contract->words.double_handed) {
        case DOUBLE_AVERAGE:
            return average_s(composing->visit);
        case DOUBLE_OVERLAP:
            return together_s(composing->visit);
        case DOUBLE_PER_CARER:
            break;
        }
    }
    return composing->slot->worked_s;
}

/* Whether the slot is paid for by time; otherwise its outcome is settled. */
static bool take_source(struct composing *composing)
{
    struct compose_result *result = composing->result;
    int64_t length_s = planned_s(composing->visit);
    int64_t percent = 0;

    result->planned_s = length_s;
    switch (composing->slot->status) {
    case SLOT_OK:
        result->base_s = worked_s(composing);
        if (composing->contract->words.source == SOURCE_PLANNED) {
            result->base_s = length_s;
        } else if (composing->contract->words.source == SOURCE_CAPPED) {
            result->base_s = result->base_s < length_s ? result->base_s : length_s;
        }
        say(composing, "source", -1, result->base_s);
        say_why(composing, contract_sources[composing->contract->words.source]);
        return true;
    case SLOT_CANC_NOTICE:
    case SLOT_CANC_SHORT:
        percent = compose_cancel_percent(composing->contract, composing->visit->notice_s);
        result->base_s = pay_half_up(length_s * percent, PERCENT);
        result->outcome = percent == 0 ? COMPOSE_CANCELLED : COMPOSE_PAID;
        say(composing, "cancelled", -1, result->base_s);
        say_why(composing, "planned length by the percentage for this notice");
        return percent != 0;
    case SLOT_HELD_NO_OUT:
    case SLOT_HELD_NO_IN:
    case SLOT_HELD_REPAIR:
        if (composing->contract->words.held == HELD_PLANNED) {
            result->base_s = length_s;
            say(composing, "source", -1, result->base_s);
            say_why(composing, composing->slot->status == SLOT_HELD_REPAIR
                                   ? "a repair is proposed, and the contract pays what was planned"
                                   : "a tap is missing, and the contract pays what was planned");
            return true;
        }
        result->outcome = COMPOSE_HELD;
        break;
    case SLOT_MISSED:
    case SLOT_SAME_CARER:
    case SLOT_STATUS_COUNT:
        result->outcome = COMPOSE_MISSED;
        break;
    }
    say(composing, "source", -1, 0);
    say_why(composing, slot_status_name(composing->slot->status));
    return false;
}

/* Ends exist only where one carer's taps are what is paid for. */
static bool has_ends(const struct composing *composing)
{
    return composing->contract->words.round_of != ROUND_LENGTH &&
           composing->contract->words.source != SOURCE_PLANNED &&
           composing->slot->status == SLOT_OK;
}

static void round_up_or_down(struct composing *composing)
{
    const struct contract *contract = composing->contract;
    const struct compose_slot *slot = composing->slot;
    struct compose_result *result = composing->result;
    enum contract_seconds rule = (enum contract_seconds)contract->words.seconds;

    result->seconds_s = compose_seconds(rule, result->base_s);
    say(composing, "seconds", result->base_s, result->seconds_s);
    say_why(composing, contract_seconds_rules[rule]);
    if (has_ends(composing)) {
        /* What the source cut off, it cut off at the end. */
        result->rounded_s = compose_round_ends(contract, composing->visit->days, slot->in_utc,
            slot->out_utc - (slot->worked_s - result->base_s),
            slot->out_utc - slot->in_utc - slot->worked_s);
    } else {
        result->rounded_s = compose_round(contract, result->seconds_s);
    }
    say(composing, "rounding", result->seconds_s, result->rounded_s);
    if (composing->text != NULL) {
        text_addf(composing->text, "  (%s of %s, unit %lld min)\n",
            contract_directions[contract->words.direction],
            contract_round_ofs[contract->words.round_of], (long long)contract->words.unit_min);
    }
    if (slot->status == SLOT_OK && result->seconds_s > 0 &&
        result->rounded_s < contract->minimum_s) {
        say(composing, "minimum", result->rounded_s, contract->minimum_s);
        say_why(composing, "no visit is shorter");
        result->rounded_s = contract->minimum_s;
    }
}

/* The cap in whole units, since nothing else can be paid for. */
static void limit(struct composing *composing)
{
    const struct contract *contract = composing->contract;
    struct compose_result *result = composing->result;
    int64_t cap_s = result->planned_s * contract->words.visit_cap_percent / PERCENT;
    int64_t floor_s = result->planned_s * contract->words.visit_floor_percent / PERCENT;
    int64_t deserved_s = result->seconds_s;

    result->paid_s = result->rounded_s;
    if (contract->words.visit_cap_percent > 0) {
        deserved_s = deserved_s < cap_s ? deserved_s : cap_s;
        if (contract->unit_s > 0) {
            cap_s = cap_s / contract->unit_s * contract->unit_s;
        }
        if (result->paid_s > cap_s) {
            say(composing, "visit cap", result->paid_s, cap_s);
            say_why(composing, "share of the planned length, in whole units");
            result->excess_s = result->paid_s - cap_s;
            result->paid_s = cap_s;
        }
    }
    if (result->seconds_s > 0 && result->paid_s < floor_s) {
        say(composing, "visit floor", result->paid_s, floor_s);
        say_why(composing, "share of the planned length");
        result->paid_s = floor_s;
    }
    result->lost_s = deserved_s > result->paid_s ? deserved_s - result->paid_s : 0;
}

static void park(struct composing *composing)
{
    const struct contract *contract = composing->contract;
    struct compose_result *result = composing->result;
    int64_t off_s = worked_s(composing) - result->planned_s;

    if (contract->words.tolerance_min == CONTRACT_NO_TOLERANCE ||
        composing->slot->status != SLOT_OK || composing->slot->is_released) {
        return;
    }
    off_s = off_s < 0 ? -off_s : off_s;
    if (off_s <= contract->words.tolerance_min * MINUTE_S) {
        return;
    }
    say(composing, "tolerance", result->paid_s, 0);
    say_why(composing, "worked and planned length differ by more: parked for a person");
    result->outcome = COMPOSE_PARKED;
    result->paid_s = 0;
    result->excess_s = 0;
    result->lost_s = 0;
}

void compose_visit(const struct contract *contract, const struct compose_visit *visit,
    struct compose_result *ret_results, struct text *text)
{
    for (size_t i = 0; i < visit->slot_count; i++) {
        struct composing composing = {.contract = contract,
            .visit = visit,
            .slot = &visit->slots[i],
            .result = &ret_results[i],
            .text = text};

        ret_results[i] = (struct compose_result){.outcome = COMPOSE_PAID};
        if (text != NULL && visit->slot_count > 1) {
            text_addf(text, "carer %zu\n", i + 1);
        }
        if (take_source(&composing)) {
            round_up_or_down(&composing);
            limit(&composing);
            park(&composing);
        }
        say(&composing, "to pay", -1, ret_results[i].paid_s);
        say_why(&composing, "this carer's visit");
    }
}
