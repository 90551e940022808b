/* contract_cases.c - see contract_cases.h. */
#include "tests/unit/pay/contract_cases.h"

#include <string.h>

#include "tests/unit/suite.h"

static const int64_t always = INT64_MIN;
static const int32_t no_offset = 0;

const struct local_days utc_days = {&always, &no_offset, 1};

struct contract_words plain_words(void)
{
    return (struct contract_words){.id = "T",
        .version = 1,
        .valid_from = "2020-01-01",
        .source = SOURCE_ACTUAL,
        .seconds = SECONDS_EXACT,
        .cancellation = "24h:0 0h:100",
        .price = {"rate"},
        .lines_seconds = SECONDS_EXACT,
        .tolerance_min = CONTRACT_NO_TOLERANCE};
}

struct contract compile(const struct contract_words *words)
{
    struct contract contract;
    struct text problems = {0};
    size_t count = contract_compile(words, &contract, &problems);

    if (count > 0) {
        print_error("%s", text_end(&problems));
    }
    text_done(&problems);
    assert_int_equal(count, 0);
    return contract;
}

int64_t rounded_min(const struct contract_words *words, int64_t minutes)
{
    struct contract contract = compile(words);

    return compose_round(&contract, minutes * 60) / 60;
}

int64_t paid_min(
    const struct contract_words *words, const int64_t planned[2], const int64_t actual[2])
{
    struct contract contract = compile(words);
    const struct compose_slot slot = {.status = SLOT_OK,
        .in_utc = actual[0] * 60,
        .out_utc = actual[1] * 60,
        .worked_s = (actual[1] - actual[0]) * 60};
    const struct compose_visit visit = {.start_utc = planned[0] * 60,
        .end_utc = planned[1] * 60,
        .slots = &slot,
        .slot_count = 1,
        .days = &utc_days};
    struct compose_result result;

    compose_visit(&contract, &visit, &result, NULL);
    assert_int_equal(result.outcome, COMPOSE_PAID);
    assert_int_equal(result.paid_s % 60, 0);
    return result.paid_s / 60;
}
