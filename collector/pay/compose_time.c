/* compose_time.c - seconds, rounding, cancellations: the single steps; see compose.h. */
#include "collector/pay/compose.h"

#include "collector/pay/pay.h"

enum { MINUTE_S = 60, PERCENT = 100 };

int64_t compose_seconds(enum contract_seconds rule, int64_t s)
{
    switch (rule) {
    case SECONDS_TRUNCATE:
        return s / MINUTE_S * MINUTE_S;
    case SECONDS_NEAREST:
        return pay_half_up(s, MINUTE_S) * MINUTE_S;
    case SECONDS_EXACT:
        return s;
    }
    return s;
}

int64_t compose_round(const struct contract *contract, int64_t s)
{
    int64_t unit_s = contract->unit_s;

    if (unit_s == 0) {
        return s;
    }
    switch ((enum contract_direction)contract->words.direction) {
    case DIRECTION_NEAREST:
        return (s + unit_s / 2) / unit_s * unit_s;
    case DIRECTION_UP:
        return (s + unit_s - 1) / unit_s * unit_s;
    case DIRECTION_DOWN:
        return s / unit_s * unit_s;
    case DIRECTION_THRESHOLD:
        return (s + unit_s - contract->starts_at_s) / unit_s * unit_s;
    }
    return s;
}

/* An instant on the wall clock to a multiple of unit_s, which also suits zones off the hour. */
static int64_t round_instant(
    const struct local_days *days, int64_t utc, int64_t unit_s, enum contract_direction direction)
{
    int64_t local = local_seconds(days, utc);
    int64_t past = (local % unit_s + unit_s) % unit_s;

    if (past == 0) {
        return utc;
    }
    if (direction == DIRECTION_UP || (direction == DIRECTION_NEAREST && past >= unit_s - past)) {
        return utc + unit_s - past;
    }
    return utc - past;
}

int64_t compose_round_ends(const struct contract *contract, const struct local_days *days,
    int64_t in_utc, int64_t out_utc, int64_t gap_s)
{
    enum contract_direction out = (enum contract_direction)contract->words.direction;
    enum contract_direction in = out;
    int64_t length_s = 0;

    /* Down shortens: the carer counts as come later and gone earlier; up the other way round. */
    if (out == DIRECTION_DOWN) {
        in = DIRECTION_UP;
    } else if (out == DIRECTION_UP) {
        in = DIRECTION_DOWN;
    }
    if (contract->words.round_of == ROUND_START_THEN_LENGTH) {
        in = DIRECTION_NEAREST;
        length_s = out_utc - round_instant(days, in_utc, contract->unit_s, in) - gap_s;
        length_s = compose_seconds(
            (enum contract_seconds)contract->words.seconds, length_s > 0 ? length_s : 0);
        return compose_round(contract, length_s);
    }
    length_s = round_instant(days, out_utc, contract->unit_s, out) -
               round_instant(days, in_utc, contract->unit_s, in) - gap_s;
    return length_s > 0 ? length_s : 0;
}

int64_t compose_cancel_percent(const struct contract *contract, int64_t notice_s)
{
    for (size_t i = 0; i < contract->cancel_count; i++) {
        if (notice_s >= contract->cancels[i].notice_s) {
            return contract->cancels[i].percent;
        }
    }
    /* Cancelled after it should have begun: as without any notice. */
    return contract->cancel_count > 0 ? contract->cancels[contract->cancel_count - 1].percent : 0;
}

void compose_envelope(int64_t envelope_s, bool top_up, struct compose_result *results, size_t count)
{
    int64_t left_s = envelope_s;

    for (size_t i = 0; i < count; i++) {
        struct compose_result *result = &results[i];
        int64_t over_s = result->paid_s > left_s ? result->paid_s - left_s : 0;

        result->paid_s -= over_s;
        left_s -= result->paid_s;
    }
    for (size_t i = 0; top_up && i < count; i++) {
        struct compose_result *result = &results[i];
        int64_t more_s = result->excess_s < left_s ? result->excess_s : left_s;

        result->paid_s += more_s;
        result->excess_s -= more_s;
        left_s -= more_s;
    }
}

int64_t compose_carry_over(const struct contract *contract, int64_t lost_s)
{
    return contract->unit_s == 0 ? 0 : lost_s / contract->unit_s * contract->unit_s;
}

int64_t compose_guarantee(const struct contract *contract, int64_t contracted_min, int64_t base_min)
{
    const struct contract_words *words = &contract->words;
    int64_t least = (contracted_min * words->guarantee_percent + PERCENT - 1) / PERCENT;
    int64_t most = contracted_min * words->guarantee_cap_percent / PERCENT;

    if (base_min < least) {
        return least;
    }
    return words->guarantee_cap_percent > 0 && base_min > most ? most : base_min;
}
