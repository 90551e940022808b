/* contract_describe.c - a contract in sentences; see contract.h. */
#include "collector/pay/contract.h"

#include "collector/pay/local_days.h"

enum { PENCE_A_POUND = 100, HOUR_S = 3600 };

static void add_pounds(struct text *text, int64_t pence)
{
    text_addf(text, "\302\243%lld.%02lld", (long long)(pence / PENCE_A_POUND),
        (long long)(pence % PENCE_A_POUND));
}

static void describe_time(struct text *text, const struct contract_words *words)
{
    static const char *const sources[] = {"The planned length is paid.", "The time worked is paid.",
        "The time worked is paid, up to the planned length."};
    static const char *const seconds[] = {
        "Seconds are dropped.", "Seconds are rounded to the nearest minute.", "Seconds count."};

    text_addf(text, "Time: %s %s\n", sources[words->source], seconds[words->seconds]);
    text_addf(text, "Visits with a missing tap: %s.\n",
        words->held == HELD_PLANNED ? "the planned length is paid" : "held, nothing is paid");
}

static void describe_rounding(struct text *text, const struct contract_words *words)
{
    static const char *const ofs[] = {
        "The length", "Each end", "First the start to the nearest unit, then the length"};
    static const char *const directions[] = {"to the nearest", "up to a", "down to a", "to a"};

    if (words->unit_min == 0) {
        text_add_string(text, "Rounding: none.\n");
    } else {
        text_addf(text, "Rounding: %s is rounded %s unit of %lld min", ofs[words->round_of],
            directions[words->direction], (long long)words->unit_min);
        if (words->direction == DIRECTION_THRESHOLD) {
            text_addf(text, ", which starts at minute %lld", (long long)words->starts_at_min);
        }
        text_add_string(text, ".\n");
    }
    if (words->minimum_min > 0) {
        text_addf(text, "Minimum: %lld min a visit.\n", (long long)words->minimum_min);
    }
    if (words->visit_cap_percent > 0) {
        text_addf(text, "Visit cap: %lld %% of the planned length, in whole units.\n",
            (long long)words->visit_cap_percent);
    }
    if (words->visit_floor_percent > 0) {
        text_addf(text, "Visit floor: %lld %% of the planned length.\n",
            (long long)words->visit_floor_percent);
    }
}

static void describe_envelope(struct text *text, const struct contract_words *words)
{
    if (words->envelope_scope != SCOPE_NONE) {
        text_addf(
            text, "Envelope: for each person and %s ", contract_scopes[words->envelope_scope]);
        if (words->envelope_min > 0) {
            text_addf(text, "%lld min", (long long)words->envelope_min);
        } else {
            text_add_string(text, "what was planned");
        }
        text_addf(text, "%s; %s.\n", words->envelope_top_up ? ", with top-up" : ", without top-up",
            words->envelope_counts == COUNTS_ALL ? "every complete attendance counts"
                                                 : "matched visits count");
    }
    if (words->carry_scope != SCOPE_NONE) {
        text_addf(text,
            "Carry-over: minutes lost to rounding make whole units, for each person "
            "and %s.\n",
            contract_scopes[words->carry_scope]);
    }
    if (words->guarantee_percent > 0 || words->guarantee_cap_percent > 0) {
        text_addf(text,
            "Guarantee: %lld %% of the contracted minutes, paid by %s; at most %lld %%.\n",
            (long long)words->guarantee_percent, words->guarantee_funder,
            (long long)words->guarantee_cap_percent);
    }
}

static void describe_cancels(struct text *text, const struct contract *contract)
{
    text_add_string(text, "Cancelled:");
    for (size_t i = 0; i < contract->cancel_count; i++) {
        text_addf(text, "%s %lld h or more before: %lld %%", i > 0 ? ";" : "",
            (long long)(contract->cancels[i].notice_s / HOUR_S),
            (long long)contract->cancels[i].percent);
    }
    text_add_string(text, " of the planned length.\n");
}

static void describe_tariff(struct text *text, const struct tariff *tariff)
{
    if (tariff->kind == TARIFF_RATE) {
        text_addf(text, " %lld %% of the provider's rate an hour", (long long)tariff->percent);
    }
    for (size_t i = 0; i < tariff->count; i++) {
        text_addf(text, "%s %s %lld min ", i > 0 ? "," : "",
            tariff->kind == TARIFF_BANDS ? "up to" : "at", (long long)tariff->bands[i].minutes);
        add_pounds(text, tariff->bands[i].pence);
    }
    if (tariff->kind == TARIFF_HOUR || tariff->kind == TARIFF_POINTS) {
        text_add_string(text, tariff->count > 0 ? ", otherwise " : " ");
        add_pounds(text, tariff->pence_per_hour);
        text_add_string(text, " an hour");
    }
    text_add_string(text, ".\n");
}

static void describe_dates(struct text *text, const char *what, const int32_t *days, size_t count)
{
    char date[DAY_TEXT_SIZE];

    for (size_t i = 0; i < count; i++) {
        text_addf(text, "%s%s", i == 0 ? what : " ", day_text(days[i], date));
    }
    text_add_string(text, count > 0 ? "\n" : "");
}

void contract_describe(struct text *text, const struct contract *contract)
{
    static const char *const doubles[] = {"each is paid their own time", "each is paid the average",
        "each is paid the time all were there together"};
    const struct contract_words *words = &contract->words;
    char date[DAY_TEXT_SIZE];

    text_addf(
        text, "Contract %s version %lld: %s\n", words->id, (long long)words->version, words->title);
    text_addf(text, "Valid from %s", day_text(contract->from_day, date));
    text_addf(text, " until %s.\n",
        contract->to_day == INT32_MAX ? "further notice" : day_text(contract->to_day, date));
    describe_time(text, words);
    describe_rounding(text, words);
    describe_envelope(text, words);
    text_addf(text, "Several carers: %s.\n", doubles[words->double_handed]);
    describe_cancels(text, contract);
    for (int day = 0; day < DAY_COUNT; day++) {
        if (contract->tariffs[day].kind != TARIFF_NONE) {
            text_addf(text, "Price, %s:", contract_day_names[day]);
            describe_tariff(text, &contract->tariffs[day]);
        }
    }
    describe_dates(text, "Bank holidays: ", contract->bank_holidays, contract->bank_holiday_count);
    describe_dates(text, "Special days: ", contract->special_days, contract->special_day_count);
    if (words->tolerance_min != CONTRACT_NO_TOLERANCE) {
        text_addf(text, "Tolerance: %lld min off the planned length; beyond, a person decides.\n",
            (long long)words->tolerance_min);
    }
    text_addf(text, "Edits may %s.\n",
        words->edits == EDITS_SHRINK ? "only shrink the clocked time" : "extend the clocked time");
    if (words->cut_off_days > 0) {
        text_addf(text, "Cut-off: %lld days after the end of the period.\n",
            (long long)words->cut_off_days);
    }
}
