/*
 * compose_run.c - see compose_run.h.
 *
 * Person by person: every visit by itself, then what moves time between visits (envelope or
 * carry-over), then lines. Last the lines: seconds, guarantee, price.
 */
#include "collector/pay/compose_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/pay/lines.h"

enum { MINUTE_S = 60, HOUR_S = 3600, WEEK_DAYS = 7, MONTH_SIZE = 7 };

static const struct planned_row *planned_of(const struct compose_run *run, size_t slot)
{
    return &run->input->dataset->planned[run->input->result->slots[slot].planned];
}

static int32_t day_of(const struct compose_run *run, size_t slot)
{
    return local_day(run->input->days, planned_of(run, slot)->start_utc);
}

static bool is_released(const struct compose_run *run, size_t slot)
{
    for (size_t i = 0; i < run->release_count; i++) {
        if (run->releases[i].visit_id == planned_of(run, slot)->visit_id &&
            run->releases[i].slot == run->input->result->slots[slot].number) {
            return true;
        }
    }
    return false;
}

/* Slots [from, to) are those of one visit. */
static void compose_one(struct compose_run *run, size_t from, size_t to)
{
    const struct visits_result *visits = run->input->result;
    const struct planned_row *planned = planned_of(run, from);
    struct compose_slot slots[COMPOSE_SLOTS_MAX];
    const struct compose_visit visit = {.start_utc = planned->start_utc,
        .end_utc = planned->end_utc,
        .notice_s =
            planned->cancel_utc == DATASET_NEVER ? 0 : planned->start_utc - planned->cancel_utc,
        .slots = slots,
        .slot_count = to - from,
        .days = run->input->days};

    for (size_t i = from; i < to; i++) {
        const struct visits_slot *slot = &visits->slots[i];

        slots[i - from] = (struct compose_slot){
            .status = (enum slot_status)slot->status, .is_released = is_released(run, i)};
        if (slot->status == SLOT_OK) {
            const struct visits_attendance *attendance = &visits->attendances[slot->attendance];

            slots[i - from].in_utc = attendance->in_utc;
            slots[i - from].out_utc = attendance->out_utc;
            slots[i - from].worked_s = attendance->worked_s;
        }
    }
    compose_visit(run->contract, &visit, &run->results[from], NULL);
}

static void compose_visits(struct compose_run *run, const struct visits_person *person)
{
    size_t from = person->slots_from;

    while (from < person->slots_to) {
        size_t to = from + 1;

        while (to < person->slots_to && to - from < COMPOSE_SLOTS_MAX &&
               run->input->result->slots[to].planned == run->input->result->slots[from].planned) {
            to++;
        }
        compose_one(run, from, to);
        from = to;
    }
}

/* Whether two slots of a person lie in the same stretch of time. */
static bool is_same_bucket(
    const struct compose_run *run, enum contract_scope scope, size_t a, size_t b)
{
    char first[DAY_TEXT_SIZE];
    char second[DAY_TEXT_SIZE];

    switch (scope) {
    case SCOPE_WEEK:
        return pay_week(run->input, planned_of(run, a)->start_utc) ==
               pay_week(run->input, planned_of(run, b)->start_utc);
    case SCOPE_MONTH:
        return memcmp(day_text(day_of(run, a), first), day_text(day_of(run, b), second),
                   MONTH_SIZE) == 0;
    case SCOPE_PERIOD:
        return true;
    case SCOPE_NONE:
        return false;
    }
    return false;
}

/* The first slot after from, up to limit, that is not in the bucket of from. */
static size_t bucket_end(
    const struct compose_run *run, enum contract_scope scope, size_t from, size_t limit)
{
    size_t to = from + 1;

    while (to < limit && is_same_bucket(run, scope, from, to)) {
        to++;
    }
    return to;
}

static void share_envelopes(struct compose_run *run, const struct visits_person *person)
{
    const struct contract_words *words = &run->contract->words;
    size_t from = person->slots_from;

    while (from < person->slots_to) {
        size_t to =
            bucket_end(run, (enum contract_scope)words->envelope_scope, from, person->slots_to);
        int64_t envelope_s = words->envelope_min * MINUTE_S;

        for (size_t i = from; words->envelope_min == 0 && i < to; i++) {
            envelope_s +=
                run->results[i].outcome == COMPOSE_CANCELLED ? 0 : run->results[i].planned_s;
        }
        compose_envelope(envelope_s, words->envelope_top_up, &run->results[from], to - from);
        from = to;
    }
}

/* The line a slot belongs to, with its hourly price when it has one. */
static int find_line(struct compose_run *run, size_t from, size_t slot, struct pay_line **ret_line,
    struct pay_problem *ret_problem)
{
    const struct planned_row *planned = planned_of(run, slot);
    const struct contract_words *words = &run->contract->words;
    const struct tariff *tariff = contract_tariff(run->contract, day_of(run, slot));
    struct pay_line wanted = {
        .model = 'K', .kind = PAY_VISITS, .provider_id = planned->provider_id};
    const struct person_row *person = NULL;
    int32_t week = pay_week(run->input, planned->start_utc);
    int32_t day = words->rate_day == RATE_DAY_MONDAY
                      ? run->input->period->start_day + WEEK_DAYS * week
                      : day_of(run, slot);
    int64_t rate = 0;
    int rc = pay_person(run->input, planned->person_id, &person, ret_problem);

    if (rc < 0) {
        return rc;
    }
    wanted.funder = person->funder;
    if (words->lines_per == LINES_PERSON_WEEK) {
        wanted.person_id = person->person_id;
        wanted.week = week;
    }
    if (tariff->kind == TARIFF_RATE) {
        rc = pay_rate_on(run->input, wanted.provider_id, wanted.funder, day, &rate, ret_problem);
        if (rc < 0) {
            return rc;
        }
    }
    if (tariff->kind == TARIFF_RATE || tariff->kind == TARIFF_HOUR) {
        wanted.pence_per_hour = compose_hourly(tariff, rate);
    }
    *ret_line = lines_find(&run->lines, from, &wanted);
    return *ret_line == NULL ? -ENOMEM : 0;
}

static int add_slot_lines(struct compose_run *run, const struct visits_person *person, size_t from,
    struct pay_problem *ret_problem)
{
    for (size_t i = person->slots_from; i < person->slots_to; i++) {
        const struct tariff *tariff = contract_tariff(run->contract, day_of(run, i));
        struct pay_line *line = NULL;
        int rc = 0;

        if (run->results[i].paid_s == 0) {
            continue;
        }
        rc = find_line(run, from, i, &line, ret_problem);
        if (rc < 0) {
            return rc;
        }
        line->quantity += run->results[i].paid_s;
        if (tariff->kind == TARIFF_BANDS || tariff->kind == TARIFF_POINTS) {
            line->pence += compose_price(tariff, 0, run->results[i].paid_s);
        }
    }
    return 0;
}

/* What rounding took in a bucket goes, in whole units, to the line of its last paid visit. */
static int carry_over(struct compose_run *run, const struct visits_person *person, size_t from,
    struct pay_problem *ret_problem)
{
    enum contract_scope scope = (enum contract_scope)run->contract->words.carry_scope;
    size_t at = person->slots_from;

    while (at < person->slots_to) {
        size_t to = bucket_end(run, scope, at, person->slots_to);
        int64_t lost_s = 0;
        size_t last = at;

        for (; at < to; at++) {
            lost_s += run->results[at].lost_s;
            last = run->results[at].lost_s > 0 ? at : last;
        }
        lost_s = compose_carry_over(run->contract, lost_s);
        if (lost_s > 0) {
            struct pay_line *line = NULL;
            struct pay_tally *tally = tallies_of(
                &run->tallies, run->input, planned_of(run, last)->provider_id, ret_problem);
            int rc = tally == NULL ? -ENOENT : find_line(run, from, last, &line, ret_problem);

            if (rc < 0) {
                return rc;
            }
            line->quantity += lost_s;
            tally->difference_s -= lost_s;
        }
    }
    return 0;
}

static struct pay_line *find_week(
    struct compose_run *run, size_t from, const struct person_row *person, int32_t week)
{
    const struct pay_line wanted = {.model = 'K',
        .kind = PAY_ENVELOPE,
        .provider_id = person->provider_id,
        .funder = person->funder,
        .person_id = person->person_id,
        .week = week};

    return lines_find(&run->lines, from, &wanted);
}

/* One pot a week: planned is its size, what was done or is credited anyway flows into it. */
static int fill_pots(struct compose_run *run, const struct visits_person *visits,
    const struct person_row *person, size_t from)
{
    const struct pay_input *input = run->input;

    for (size_t i = visits->slots_from; i < visits->slots_to; i++) {
        const struct compose_result *result = &run->results[i];
        enum slot_status status = (enum slot_status)input->result->slots[i].status;
        struct pay_line *line = NULL;

        if (result->outcome == COMPOSE_CANCELLED) {
            continue;
        }
        line = find_week(run, from, person, pay_week(input, planned_of(run, i)->start_utc));
        if (line == NULL) {
            return -ENOMEM;
        }
        line->b.planned_s += result->planned_s;
        line->b.credit_s +=
            status == SLOT_CANC_NOTICE || status == SLOT_CANC_SHORT ? result->paid_s : 0;
    }
    for (size_t i = visits->attendances_from; i < visits->attendances_to; i++) {
        const struct visits_attendance *attendance = &input->result->attendances[i];
        int64_t anchor = visits_anchor(input->visits_params, attendance);
        struct pay_line *line = NULL;

        if (attendance->status != ATTENDANCE_OK || anchor < input->period->start_utc ||
            anchor >= input->period->end_utc) {
            continue;
        }
        line = find_week(run, from, person, pay_week(input, anchor));
        if (line == NULL) {
            return -ENOMEM;
        }
        line->b.delivered_s += attendance->worked_s;
    }
    return 0;
}

static int pay_pots(struct compose_run *run, const struct visits_person *visits, size_t from,
    struct pay_problem *ret_problem)
{
    const struct person_row *person = NULL;
    int rc = pay_person(run->input, visits->person_id, &person, ret_problem);

    if (rc == 0 && visits->slots_from < visits->slots_to) {
        rc = fill_pots(run, visits, person, from);
    }
    for (size_t i = from; rc == 0 && i < run->lines.count; i++) {
        struct pay_line *line = &run->lines.rows[i];
        int64_t size_s = run->contract->words.envelope_min > 0
                             ? run->contract->words.envelope_min * MINUTE_S
                             : line->b.planned_s;
        int32_t monday = run->input->period->start_day + WEEK_DAYS * line->week;
        const struct tariff *tariff = contract_tariff(run->contract, monday);
        struct pay_tally *tally =
            tallies_of(&run->tallies, run->input, line->provider_id, ret_problem);
        int64_t rate = 0;

        if (tally == NULL) {
            return -ENOENT;
        }
        line->quantity = line->b.delivered_s + line->b.credit_s;
        line->quantity = line->quantity < size_s ? line->quantity : size_s;
        tally->difference_s -= line->quantity;
        if (line->quantity > 0 && tariff->kind == TARIFF_RATE) {
            rc = pay_rate_on(
                run->input, line->provider_id, line->funder, monday, &rate, ret_problem);
        }
        line->pence_per_hour = compose_hourly(tariff, rate);
    }
    return rc;
}

/* The text_id of the provider that pays for a slot: the person's for pots, else the visit's. */
static int tally_slots(struct compose_run *run, struct pay_problem *ret_problem)
{
    bool has_pots = run->contract->words.envelope_counts == COUNTS_ALL;

    for (size_t i = 0; i < run->input->result->slots_count; i++) {
        const struct compose_result *result = &run->results[i];
        text_id provider_id = planned_of(run, i)->provider_id;
        const struct person_row *person = NULL;
        struct pay_tally *tally = NULL;

        if (has_pots) {
            int rc = pay_person(run->input, planned_of(run, i)->person_id, &person, ret_problem);

            if (rc < 0) {
                return rc;
            }
            provider_id = person->provider_id;
        }
        tally = tallies_of(&run->tallies, run->input, provider_id, ret_problem);
        if (tally == NULL) {
            return -ENOENT;
        }
        tally->planned_s += result->planned_s;
        switch (result->outcome) {
        case COMPOSE_HELD:
        case COMPOSE_PARKED:
            tally->held_s += result->planned_s;
            break;
        case COMPOSE_MISSED:
            tally->missed_s += result->planned_s;
            break;
        case COMPOSE_CANCELLED:
            tally->cancelled_s += result->planned_s;
            break;
        case COMPOSE_PAID:
            tally->difference_s += result->planned_s - (has_pots ? 0 : result->paid_s);
            break;
        }
    }
    return 0;
}

/* Lines to whole minutes, by their own rule. */
static int round_lines(struct compose_run *run, struct pay_problem *ret_problem)
{
    enum contract_seconds rule = (enum contract_seconds)run->contract->words.lines_seconds;

    for (size_t i = 0; i < run->lines.count; i++) {
        struct pay_line *line = &run->lines.rows[i];
        int64_t before_s = line->quantity;
        struct pay_tally *tally =
            tallies_of(&run->tallies, run->input, line->provider_id, ret_problem);
        int rc = pay_check_amount(run->input, line->provider_id, before_s, ret_problem);

        if (tally == NULL || rc < 0) {
            return tally == NULL ? -ENOENT : rc;
        }
        line->quantity = compose_seconds(rule, before_s);
        tally->difference_s += before_s - line->quantity;
    }
    return 0;
}

/* The guarantee is that of model C: minutes, one provider at a time. */
static int settle(struct compose_run *run, struct pay_problem *ret_problem)
{
    const struct contract_words *words = &run->contract->words;
    struct pay_params params = *run->input->params;
    struct pay_input input = *run->input;
    struct pay_lines settled = {0};
    int rc = 0;

    params.floor_percent = (int32_t)words->guarantee_percent;
    params.cap_percent = (int32_t)words->guarantee_cap_percent;
    params.guarantee_funder = words->guarantee_funder;
    input.params = &params;
    for (size_t i = 0; i < run->lines.count; i++) {
        struct pay_line *line = &run->lines.rows[i];

        run->tallies.rows[run->tallies.by_text[line->provider_id] - 1].difference_s +=
            line->quantity;
        line->quantity /= MINUTE_S;
        line->kind = PAY_PLANNED;
    }
    rc = pay_settle_providers(&input, &run->lines, &settled, ret_problem);
    for (size_t i = 0; i < settled.count; i++) {
        struct pay_line *line = &settled.rows[i];

        line->model = 'K';
        line->quantity *= MINUTE_S;
        run->tallies.rows[run->tallies.by_text[line->provider_id] - 1].difference_s -=
            line->quantity;
    }
    pay_lines_done(&run->lines);
    run->lines = settled;
    return rc;
}

static void price_lines(struct compose_run *run)
{
    for (size_t i = 0; i < run->lines.count; i++) {
        struct pay_line *line = &run->lines.rows[i];

        if (line->pence_per_hour > 0) {
            line->pence = pay_half_up(line->quantity * line->pence_per_hour, HOUR_S);
        }
    }
}

static void add_paid(struct compose_run *run)
{
    for (size_t i = 0; i < run->lines.count; i++) {
        const struct pay_line *line = &run->lines.rows[i];

        run->tallies.rows[run->tallies.by_text[line->provider_id] - 1].paid_s += line->quantity;
    }
}

static int compose_people(struct compose_run *run, struct pay_problem *ret_problem)
{
    const struct contract_words *words = &run->contract->words;
    int rc = 0;

    for (size_t p = 0; rc == 0 && p < run->input->result->people_count; p++) {
        const struct visits_person *person = &run->input->result->people[p];
        size_t from = words->lines_per == LINES_PROVIDER ? 0 : run->lines.count;

        compose_visits(run, person);
        if (words->envelope_counts == COUNTS_ALL) {
            rc = pay_pots(run, person, run->lines.count, ret_problem);
            continue;
        }
        if (words->envelope_scope != SCOPE_NONE) {
            share_envelopes(run, person);
        }
        rc = add_slot_lines(run, person, from, ret_problem);
        if (rc == 0 && words->carry_scope != SCOPE_NONE) {
            rc = carry_over(run, person, from, ret_problem);
        }
    }
    return rc;
}

static int check_dates(const struct compose_run *run, struct pay_problem *ret_problem)
{
    const struct period_row *period = run->input->period;
    char date[DAY_TEXT_SIZE];

    if (period->start_day >= run->contract->from_day && period->end_day <= run->contract->to_day) {
        return 0;
    }
    (void)snprintf(ret_problem->text, sizeof ret_problem->text,
        "contract %s/%lld does not hold throughout the period, which begins on %s",
        run->contract->words.id, (long long)run->contract->words.version,
        day_text(period->start_day, date));
    return -EINVAL;
}

int compose_run(struct compose_run *run, struct pay_problem *ret_problem)
{
    const struct contract_words *words = &run->contract->words;
    int rc = check_dates(run, ret_problem);

    if (rc == 0) {
        rc = tallies_init(&run->tallies, run->input->dataset);
    }
    if (rc == 0) {
        run->results = calloc(run->input->result->slots_count + 1, sizeof *run->results);
        rc = run->results == NULL ? -ENOMEM : compose_people(run, ret_problem);
    }
    if (rc == 0) {
        rc = tally_slots(run, ret_problem);
    }
    if (rc == 0) {
        rc = round_lines(run, ret_problem);
    }
    lines_drop_zero(&run->lines, 0);
    if (rc == 0 && (words->guarantee_percent > 0 || words->guarantee_cap_percent > 0)) {
        rc = settle(run, ret_problem);
    }
    lines_sort(&run->lines, 0, run->input->dataset);
    price_lines(run);
    if (rc == 0) {
        add_paid(run);
    }
    return rc;
}

void compose_run_done(struct compose_run *run)
{
    free(run->results);
    pay_lines_done(&run->lines);
    tallies_done(&run->tallies);
    run->results = NULL;
}
