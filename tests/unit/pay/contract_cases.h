/* contract_cases.h - contracts and visits put together for tests. */
#ifndef ECM_TESTS_UNIT_PAY_CONTRACT_CASES_H
#define ECM_TESTS_UNIT_PAY_CONTRACT_CASES_H

#include "collector/pay/compose.h"

/* The words of a contract in which nothing is rounded, capped or moved. */
struct contract_words plain_words(void);

/* Compile words that are right. */
struct contract compile(const struct contract_words *words);

/* What a contract of these words makes of lengths: rounding alone. In minutes. */
int64_t rounded_min(const struct contract_words *words, int64_t minutes);

/* Minutes paid for one carer, there from in to out (minutes of a UTC day), planned so. */
int64_t paid_min(
    const struct contract_words *words, const int64_t planned[2], const int64_t actual[2]);

/* All days are UTC. */
extern const struct local_days utc_days;

#endif
