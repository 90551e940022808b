/* tally.c - see tally.h. */
#include "collector/pay/tally.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTE_S = 60, HOUR_S = 3600, PERCENT = 100, WEEK_DAYS = 7 };

static int compare(const void *left, const void *right, void *dataset)
{
    const struct pay_tally *a = left;
    const struct pay_tally *b = right;

    return dataset_compare(dataset, a->provider_id, b->provider_id);
}

int tallies_init(struct pay_tallies *ret_tallies, const struct dataset *dataset)
{
    size_t texts = dataset_text_count(dataset);
    struct pay_tallies tallies = {.count = dataset->providers_count};
    /* qsort_r() wants a writable context; compare() only reads it. */
    union {
        const struct dataset *in;
        void *out;
    } context = {.in = dataset};

    tallies.rows = calloc(tallies.count + 1, sizeof *tallies.rows);
    tallies.by_text = calloc(texts, sizeof *tallies.by_text);
    if (tallies.rows == NULL || tallies.by_text == NULL) {
        tallies_done(&tallies);
        return -ENOMEM;
    }
    for (size_t i = 0; i < tallies.count; i++) {
        tallies.rows[i].provider_id = dataset->providers[i].provider_id;
    }
    qsort_r(tallies.rows, tallies.count, sizeof *tallies.rows, compare, context.out);
    for (size_t i = 0; i < tallies.count; i++) {
        tallies.by_text[tallies.rows[i].provider_id] = (uint32_t)i + 1;
    }
    *ret_tallies = tallies;
    return 0;
}

void tallies_done(struct pay_tallies *tallies)
{
    free(tallies->rows);
    free(tallies->by_text);
    *tallies = (struct pay_tallies){0};
}

struct pay_tally *tallies_of(const struct pay_tallies *tallies, const struct pay_input *input,
    text_id provider_id, struct pay_problem *ret_problem)
{
    uint32_t index = tallies->by_text[provider_id];

    if (index == 0) {
        (void)snprintf(ret_problem->text, sizeof ret_problem->text,
            "provider %s is not among the providers", dataset_text(input->dataset, provider_id));
        return NULL;
    }
    return &tallies->rows[index - 1];
}

static int64_t length_of(const struct planned_row *planned)
{
    return planned->end_utc - planned->start_utc;
}

/* What model pays for a slot by itself; of B nothing, it pays weeks. */
static int64_t slot_paid_s(
    const struct pay_input *input, char model, const struct visits_slot *slot)
{
    const struct planned_row *planned = &input->dataset->planned[slot->planned];

    if (model == 'A') {
        return pay_units(input->params, planned, slot,
                   slot->attendance == VISITS_NONE
                       ? NULL
                       : &input->result->attendances[slot->attendance]) *
               input->params->unit_s;
    }
    return model == 'C' ? length_of(planned) / MINUTE_S * MINUTE_S : 0;
}

static void add_slot(const struct pay_input *input, char model, const struct visits_slot *slot,
    struct pay_tally *tally)
{
    int64_t length_s = length_of(&input->dataset->planned[slot->planned]);

    tally->planned_s += length_s;
    switch ((enum slot_status)slot->status) {
    case SLOT_MISSED:
    case SLOT_SAME_CARER:
        tally->missed_s += length_s;
        return;
    case SLOT_CANC_NOTICE:
        tally->cancelled_s += length_s;
        return;
    case SLOT_HELD_NO_IN:
    case SLOT_HELD_NO_OUT:
    case SLOT_HELD_REPAIR:
        if (model != 'C') {
            tally->held_s += length_s;
            return;
        }
        break;
    case SLOT_OK:
    case SLOT_CANC_SHORT:
    case SLOT_STATUS_COUNT:
        break;
    }
    tally->difference_s += length_s - slot_paid_s(input, model, slot);
}

static int add_slots(const struct pay_input *input, char model, struct pay_tallies *tallies,
    struct pay_problem *ret_problem)
{
    for (size_t i = 0; i < input->result->slots_count; i++) {
        const struct visits_slot *slot = &input->result->slots[i];
        const struct planned_row *planned = &input->dataset->planned[slot->planned];
        text_id provider_id = planned->provider_id;
        struct pay_tally *tally = NULL;

        visits_announce(input->dataset, input->result, i);
        if (model == 'B') {
            const struct person_row *person = NULL;
            int rc = pay_person(input, planned->person_id, &person, ret_problem);

            if (rc < 0) {
                return rc;
            }
            provider_id = person->provider_id;
        }
        tally = tallies_of(tallies, input, provider_id, ret_problem);
        if (tally == NULL) {
            return -ENOENT;
        }
        add_slot(input, model, slot, tally);
    }
    return 0;
}

/* Seconds of one person's weeks. */
struct week {
    int64_t planned_s, delivered_s;
};

static void fill_weeks(
    const struct pay_input *input, const struct visits_person *person, struct week *weeks)
{
    for (size_t i = person->slots_from; i < person->slots_to; i++) {
        const struct visits_slot *slot = &input->result->slots[i];
        const struct planned_row *planned = &input->dataset->planned[slot->planned];
        struct week *week = &weeks[pay_week(input, planned->start_utc)];

        visits_announce(input->dataset, input->result, i);
        if (slot->status != SLOT_CANC_NOTICE) {
            week->planned_s += length_of(planned);
        }
        if (slot->status == SLOT_CANC_SHORT) {
            week->delivered_s += length_of(planned);
        }
    }
    for (size_t i = person->attendances_from; i < person->attendances_to; i++) {
        const struct visits_attendance *attendance = &input->result->attendances[i];
        int64_t anchor = visits_anchor(input->visits_params, attendance);

        if (attendance->status == ATTENDANCE_OK && anchor >= input->period->start_utc &&
            anchor < input->period->end_utc) {
            weeks[pay_week(input, anchor)].delivered_s += attendance->worked_s;
        }
    }
}

/* B pays weeks: what its envelopes come to, found without its lines. */
static int add_weeks(
    const struct pay_input *input, struct pay_tallies *tallies, struct pay_problem *ret_problem)
{
    size_t count = (size_t)(input->period->end_day - input->period->start_day) / WEEK_DAYS + 1;
    struct week *weeks = malloc(count * sizeof *weeks);
    int rc = weeks == NULL ? -ENOMEM : 0;

    for (size_t p = 0; rc == 0 && p < input->result->people_count; p++) {
        const struct visits_person *visits = &input->result->people[p];
        const struct person_row *person = NULL;
        struct pay_tally *tally = NULL;

        if (visits->slots_from == visits->slots_to) {
            continue; /* an envelope of nothing pays nothing */
        }
        rc = pay_person(input, visits->person_id, &person, ret_problem);
        if (rc < 0) {
            break;
        }
        tally = tallies_of(tallies, input, person->provider_id, ret_problem);
        if (tally == NULL) {
            rc = -ENOENT;
            break;
        }
        (void)memset(weeks, 0, count * sizeof *weeks);
        fill_weeks(input, visits, weeks);
        for (size_t w = 0; w < count; w++) {
            int64_t paid_s = weeks[w].delivered_s < weeks[w].planned_s ? weeks[w].delivered_s
                                                                       : weeks[w].planned_s;

            tally->difference_s -= pay_half_up(paid_s, MINUTE_S) * MINUTE_S;
        }
    }
    free(weeks);
    return rc;
}

/* C keeps a provider's minutes between guarantee and cap. */
static void add_guarantees(const struct pay_input *input, struct pay_tallies *tallies)
{
    const struct pay_params *params = input->params;

    for (size_t i = 0; i < input->dataset->providers_count; i++) {
        const struct provider_row *provider = &input->dataset->providers[i];
        struct pay_tally *tally = &tallies->rows[tallies->by_text[provider->provider_id] - 1];
        int64_t base_min = (tally->planned_s - tally->missed_s - tally->cancelled_s -
                               tally->difference_s - tally->held_s) /
                           MINUTE_S;
        int64_t least =
            (provider->contract_minutes * params->floor_percent + PERCENT - 1) / PERCENT;
        int64_t most = provider->contract_minutes * params->cap_percent / PERCENT;
        int64_t settled_min = base_min > most ? most : base_min;

        settled_min = base_min < least ? least : settled_min;
        tally->difference_s -= (settled_min - base_min) * MINUTE_S;
    }
}

int tally_model(const struct pay_input *input, char model, const struct pay_lines *lines,
    struct pay_tallies *tallies, struct pay_problem *ret_problem)
{
    int64_t quantity_s = model == 'A' ? input->params->unit_s : MINUTE_S;
    int rc = add_slots(input, model, tallies, ret_problem);

    if (rc == 0 && model == 'B') {
        rc = add_weeks(input, tallies, ret_problem);
    } else if (rc == 0 && model == 'C') {
        add_guarantees(input, tallies);
    }
    for (size_t i = 0; rc == 0 && i < lines->count; i++) {
        if (lines->rows[i].model == model) {
            struct pay_tally *tally =
                tallies_of(tallies, input, lines->rows[i].provider_id, ret_problem);

            if (tally == NULL) {
                return -ENOENT;
            }
            tally->paid_s += lines->rows[i].quantity * quantity_s;
        }
    }
    return rc;
}

bool tallies_hold(const struct pay_tallies *tallies, const struct dataset *dataset,
    struct pay_problem *ret_problem)
{
    for (size_t i = 0; i < tallies->count; i++) {
        const struct pay_tally *tally = &tallies->rows[i];
        int64_t sum = tally->paid_s + tally->held_s + tally->missed_s + tally->cancelled_s +
                      tally->difference_s;

        if (sum != tally->planned_s) {
            (void)snprintf(ret_problem->text, sizeof ret_problem->text,
                "provider %s: planned %lld s, but paid %lld + held %lld + missed %lld + cancelled "
                "%lld + difference %lld are %lld s",
                dataset_text(dataset, tally->provider_id), (long long)tally->planned_s,
                (long long)tally->paid_s, (long long)tally->held_s, (long long)tally->missed_s,
                (long long)tally->cancelled_s, (long long)tally->difference_s, (long long)sum);
            return false;
        }
    }
    return true;
}

void tallies_add_header(struct text *text)
{
    text_add_string(
        text, "model,provider_id,planned_s,paid_s,held_s,missed_s,cancelled_s,difference_s\n");
}

void tallies_add_rows(struct text *text, const char *model, const struct pay_tallies *tallies,
    const struct dataset *dataset)
{
    for (size_t i = 0; i < tallies->count; i++) {
        const struct pay_tally *tally = &tallies->rows[i];

        text_add_csv(text, model, strlen(model));
        text_add_char(text, ',');
        text_add_csv(text, dataset_text(dataset, tally->provider_id),
            dataset_text_size(dataset, tally->provider_id));
        text_addf(text, ",%lld,%lld,%lld,%lld,%lld,%lld\n", (long long)tally->planned_s,
            (long long)tally->paid_s, (long long)tally->held_s, (long long)tally->missed_s,
            (long long)tally->cancelled_s, (long long)tally->difference_s);
    }
}

static void add_hours(struct text *text, int64_t s)
{
    int64_t size = s < 0 ? -s : s;

    text_addf(text, "%s%lld:%02lld:%02lld", s < 0 ? "-" : "", (long long)(size / HOUR_S),
        (long long)(size / MINUTE_S % MINUTE_S), (long long)(size % MINUTE_S));
}

void tallies_add_sentence(struct text *text, const char *model, const struct pay_tallies *tallies)
{
    struct pay_tally sum = {0};

    for (size_t i = 0; i < tallies->count; i++) {
        sum.planned_s += tallies->rows[i].planned_s;
        sum.paid_s += tallies->rows[i].paid_s;
        sum.held_s += tallies->rows[i].held_s;
        sum.missed_s += tallies->rows[i].missed_s;
        sum.cancelled_s += tallies->rows[i].cancelled_s;
        sum.difference_s += tallies->rows[i].difference_s;
    }
    text_addf(text, "%s: planned ", model);
    add_hours(text, sum.planned_s);
    text_add_string(text, " = paid ");
    add_hours(text, sum.paid_s);
    text_add_string(text, " + held ");
    add_hours(text, sum.held_s);
    text_add_string(text, " + missed ");
    add_hours(text, sum.missed_s);
    text_add_string(text, " + cancelled ");
    add_hours(text, sum.cancelled_s);
    text_add_string(text, " + difference ");
    add_hours(text, sum.difference_s);
    text_add_char(text, '\n');
}
