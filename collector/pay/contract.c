/* contract.c - check the words of a contract and make it usable; see contract.h. */
#include "collector/pay/contract.h"

#include <string.h>

#include "collector/pay/contract_notation.h"

enum { MINUTE_S = 60, WEEK_DAYS = 7, THURSDAY = 3, WEEKEND = 5 };

const char *const contract_sources[] = {"planned", "actual", "capped", NULL};
const char *const contract_seconds_rules[] = {"truncate", "nearest", "exact", NULL};
const char *const contract_round_ofs[] = {"length", "each_end", "start_then_length", NULL};
const char *const contract_directions[] = {"nearest", "up", "down", "threshold", NULL};
const char *const contract_helds[] = {"nothing", "planned", NULL};
const char *const contract_scopes[] = {"none", "week", "month", "period", NULL};
const char *const contract_counts_names[] = {"planned", "all", NULL};
const char *const contract_doubles[] = {"per_carer", "average", "overlap", NULL};
const char *const contract_lines_names[] = {"person_week", "provider", NULL};
const char *const contract_rate_days[] = {"visit", "monday", NULL};
const char *const contract_edits_names[] = {"extend", "shrink", NULL};
const char *const contract_day_names[DAY_COUNT] = {
    "weekday", "saturday", "sunday", "bank_holiday", "special"};

struct compiling {
    struct contract *contract;
    struct text *problems;
    size_t count;
};

static void complain(struct compiling *compiling, const char *field, const char *what)
{
    compiling->count++;
    text_addf(compiling->problems, "%s: %s\n", field, what);
}

static void compile_identity(struct compiling *compiling)
{
    struct contract *contract = compiling->contract;
    const struct contract_words *words = &contract->words;

    if (words->id[0] == '\0') {
        complain(compiling, "contract.id", "is missing; permitted: 1 to 32 characters");
    }
    if (!contract_read_date(words->valid_from, &contract->from_day)) {
        complain(compiling, "contract.valid_from", "is not a date; permitted: YYYY-MM-DD");
    }
    contract->to_day = INT32_MAX;
    if (words->valid_to[0] != '\0' && !contract_read_date(words->valid_to, &contract->to_day)) {
        complain(
            compiling, "contract.valid_to", "is not a date; permitted: YYYY-MM-DD, or nothing");
    } else if (contract->to_day <= contract->from_day) {
        complain(
            compiling, "contract.valid_to", "is not after valid_from; permitted: a later date");
    }
}

static void compile_rounding(struct compiling *compiling)
{
    struct contract *contract = compiling->contract;
    const struct contract_words *words = &contract->words;
    bool is_by_length = words->round_of == ROUND_LENGTH;

    contract->unit_s = words->unit_min * MINUTE_S;
    contract->starts_at_s = words->starts_at_min * MINUTE_S;
    contract->minimum_s = words->minimum_min * MINUTE_S;
    if (words->direction == DIRECTION_THRESHOLD &&
        (words->starts_at_min < 1 || words->starts_at_min > words->unit_min)) {
        complain(compiling, "rounding.starts_at_min",
            "does not suit direction = threshold; permitted: 1 to unit_min");
    }
    if (!is_by_length && words->unit_min == 0) {
        complain(
            compiling, "rounding.unit_min", "is 0, but the ends are rounded; permitted: 1 to 60");
    }
    if (words->round_of == ROUND_EACH_END && words->direction == DIRECTION_THRESHOLD) {
        complain(compiling, "rounding.direction",
            "threshold is about lengths; permitted with of = each_end: nearest, up, down");
    }
    if (!is_by_length && words->double_handed != DOUBLE_PER_CARER) {
        complain(compiling, "rounding.of",
            "a shared length has no ends; permitted with double_handed.method average or overlap: "
            "length");
    }
}

static void compile_envelope(struct compiling *compiling)
{
    const struct contract_words *words = &compiling->contract->words;

    if (words->envelope_scope == SCOPE_MONTH) {
        complain(compiling, "envelope.scope", "month is none; permitted: none, week, period");
    }
    if (words->envelope_counts == COUNTS_ALL && !words->envelope_top_up) {
        complain(compiling, "envelope.top_up",
            "no with counts = all, which is one pot; permitted with it: yes");
    }
    if (words->envelope_counts == COUNTS_ALL && words->envelope_scope != SCOPE_WEEK) {
        complain(
            compiling, "envelope.counts", "all needs scope = week; permitted without: planned");
    }
    if (words->carry_scope != SCOPE_NONE &&
        (words->direction != DIRECTION_DOWN || words->round_of != ROUND_LENGTH ||
            words->unit_min == 0)) {
        complain(compiling, "carry_over.scope",
            "minutes are lost by rounding lengths down to a unit only; permitted otherwise: none");
    }
    if (words->carry_scope != SCOPE_NONE && words->envelope_scope != SCOPE_NONE) {
        complain(compiling, "carry_over.scope",
            "an envelope keeps what is left already; permitted with one: none");
    }
    if (words->guarantee_cap_percent != 0 &&
        words->guarantee_cap_percent < words->guarantee_percent) {
        complain(compiling, "guarantee.cap_percent",
            "is below percent; permitted: 0, or at least percent");
    }
    if (words->guarantee_percent > 0 && words->guarantee_funder[0] == '\0') {
        complain(compiling, "guarantee.funder", "is missing; permitted: who pays the guarantee");
    }
    if (words->lines_per == LINES_PERSON_WEEK &&
        (words->guarantee_percent > 0 || words->guarantee_cap_percent > 0)) {
        complain(compiling, "lines.per",
            "person_week cannot carry a guarantee or its cap; permitted with them: provider");
    }
}

static void compile_lines(struct compiling *compiling)
{
    const struct contract_words *words = &compiling->contract->words;
    bool settles = words->guarantee_percent > 0 || words->guarantee_cap_percent > 0;

    if (settles && words->lines_seconds == SECONDS_EXACT) {
        complain(compiling, "lines.seconds",
            "exact cannot go with a guarantee, which is in minutes; permitted with it: truncate, "
            "nearest");
    }
    if (words->lines_per == LINES_PROVIDER && words->envelope_counts == COUNTS_ALL) {
        complain(compiling, "lines.per",
            "provider, but envelope.counts = all pays each person's week; permitted with it: "
            "person_week");
    }
}

static void compile_cancellation(struct compiling *compiling)
{
    struct contract *contract = compiling->contract;

    if (!notation_read_cancels(contract->words.cancellation, contract)) {
        complain(compiling, "cancellation.bands",
            "cannot be read; permitted: HOURSh:PERCENT, longest notice first, the last 0h, up to "
            "8, "
            "such as 48h:0 24h:50 0h:100");
    }
}

static void compile_prices(struct compiling *compiling)
{
    struct contract *contract = compiling->contract;

    for (int day = 0; day < DAY_COUNT; day++) {
        struct tariff *tariff = &contract->tariffs[day];
        char field[32] = "price.";

        (void)memcpy(field + 6, contract_day_names[day], strlen(contract_day_names[day]) + 1);
        if (contract->words.price[day][0] == '\0' && day != DAY_WEEKDAY) {
            tariff->kind = TARIFF_NONE;
        } else if (!notation_read_tariff(contract->words.price[day], tariff)) {
            complain(compiling, field,
                "cannot be read; permitted: rate [PERCENT%] | hour POUNDS | bands MIN:POUNDS ... | "
                "points MIN:POUNDS ... hour POUNDS, lengths ascending, up to 8");
        }
    }
}

static void compile_days(struct compiling *compiling)
{
    struct contract *contract = compiling->contract;
    static const char permitted[] =
        "cannot be read; permitted: up to 16 dates YYYY-MM-DD, ascending";

    if (!notation_read_dates(contract->words.bank_holidays, contract->bank_holidays,
            &contract->bank_holiday_count)) {
        complain(compiling, "days.bank_holidays", permitted);
    }
    if (!notation_read_dates(
            contract->words.special_days, contract->special_days, &contract->special_day_count)) {
        complain(compiling, "days.special", permitted);
    }
    if (contract->bank_holiday_count > 0 &&
        contract->tariffs[DAY_BANK_HOLIDAY].kind == TARIFF_NONE) {
        complain(compiling, "price.bank_holiday",
            "is missing, but days.bank_holidays names some; permitted: a price");
    }
    if (contract->special_day_count > 0 && contract->tariffs[DAY_SPECIAL].kind == TARIFF_NONE) {
        complain(compiling, "price.special",
            "is missing, but days.special names some; permitted: a price");
    }
}

/* What moves time between visits must know what an hour costs, whichever visit it was. */
static void compile_combinations(struct compiling *compiling)
{
    const struct contract_words *words = &compiling->contract->words;
    bool moves_time = words->envelope_scope != SCOPE_NONE || words->carry_scope != SCOPE_NONE ||
                      words->guarantee_percent > 0 || words->guarantee_cap_percent > 0;

    if (moves_time && !contract_is_hourly(compiling->contract)) {
        complain(compiling, "price.weekday",
            "a price by the visit cannot go with envelope, carry_over or guarantee; permitted with "
            "them on every kind of day: rate, hour");
    }
    if (words->envelope_counts == COUNTS_ALL && words->rate_day != RATE_DAY_MONDAY) {
        complain(compiling, "lines.rate_day",
            "visit, but envelope.counts = all pays the week in one; permitted with it: monday");
    }
}

size_t contract_compile(
    const struct contract_words *words, struct contract *ret_contract, struct text *problems)
{
    struct compiling compiling = {.contract = ret_contract, .problems = problems};

    *ret_contract = (struct contract){.words = *words};
    compile_identity(&compiling);
    compile_rounding(&compiling);
    compile_envelope(&compiling);
    compile_lines(&compiling);
    compile_cancellation(&compiling);
    compile_prices(&compiling);
    compile_days(&compiling);
    if (compiling.count == 0) {
        compile_combinations(&compiling);
    }
    return compiling.count;
}

bool contract_is_hourly(const struct contract *contract)
{
    for (int day = 0; day < DAY_COUNT; day++) {
        enum tariff_kind kind = contract->tariffs[day].kind;

        if (kind == TARIFF_BANDS || kind == TARIFF_POINTS) {
            return false;
        }
    }
    return true;
}

static bool is_among(int32_t day, const int32_t *days, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (days[i] == day) {
            return true;
        }
    }
    return false;
}

enum contract_day contract_day_type(const struct contract *contract, int32_t day)
{
    int32_t weekday = (day % WEEK_DAYS + WEEK_DAYS + THURSDAY) % WEEK_DAYS; /* Monday is 0 */

    if (is_among(day, contract->special_days, contract->special_day_count)) {
        return DAY_SPECIAL;
    }
    if (is_among(day, contract->bank_holidays, contract->bank_holiday_count)) {
        return DAY_BANK_HOLIDAY;
    }
    if (weekday < WEEKEND) {
        return DAY_WEEKDAY;
    }
    return weekday == WEEKEND ? DAY_SATURDAY : DAY_SUNDAY;
}

const struct tariff *contract_tariff(const struct contract *contract, int32_t day)
{
    const struct tariff *tariff = &contract->tariffs[contract_day_type(contract, day)];

    return tariff->kind == TARIFF_NONE ? &contract->tariffs[DAY_WEEKDAY] : tariff;
}
