/*
 * contract.h - what a council and a provider agreed on, as data (docs/CONTRACTS.md).
 *
 * A contract is a composition of small rules, because no two councils agree: where the time comes
 * from, what becomes of seconds, how it is rounded, what a visit gets at most and at least, a
 * weekly envelope, lost minutes carried over, two carers, cancellations, the price, and what a
 * person has to look at first. Somebody reads the words of a file into struct contract_words;
 * contract_compile() checks them and makes the struct contract that compose.h works with.
 *
 * Pure: no I/O, no clock, no log, integers only. Nothing to free: a contract is one value.
 */
#ifndef ECM_COLLECTOR_PAY_CONTRACT_H
#define ECM_COLLECTOR_PAY_CONTRACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/pay/text.h"

enum contract_source { SOURCE_PLANNED, SOURCE_ACTUAL, SOURCE_CAPPED };
enum contract_seconds { SECONDS_TRUNCATE, SECONDS_NEAREST, SECONDS_EXACT };
enum contract_round_of { ROUND_LENGTH, ROUND_EACH_END, ROUND_START_THEN_LENGTH };
enum contract_direction { DIRECTION_NEAREST, DIRECTION_UP, DIRECTION_DOWN, DIRECTION_THRESHOLD };
enum contract_held { HELD_NOTHING, HELD_PLANNED };
enum contract_scope { SCOPE_NONE, SCOPE_WEEK, SCOPE_MONTH, SCOPE_PERIOD };
enum contract_counts { COUNTS_PLANNED, COUNTS_ALL };
enum contract_double { DOUBLE_PER_CARER, DOUBLE_AVERAGE, DOUBLE_OVERLAP };
enum contract_lines { LINES_PERSON_WEEK, LINES_PROVIDER };
enum contract_rate_day { RATE_DAY_VISIT, RATE_DAY_MONDAY };
enum contract_edits { EDITS_EXTEND, EDITS_SHRINK };

/* In order of precedence, least first. */
enum contract_day {
    DAY_WEEKDAY,
    DAY_SATURDAY,
    DAY_SUNDAY,
    DAY_BANK_HOLIDAY,
    DAY_SPECIAL,
    DAY_COUNT
};

enum {
    CONTRACT_ID_SIZE = 33,
    CONTRACT_TEXT_SIZE = 181, /* a line of the file */
    CONTRACT_DATES_MAX = 16,
    CONTRACT_BANDS_MAX = 8,
    CONTRACT_NO_TOLERANCE = -1,
};

/* The file word for word, numbers read. Choices are values of the enums above. */
struct contract_words {
    char id[CONTRACT_ID_SIZE];
    int64_t version;
    char title[CONTRACT_TEXT_SIZE];
    char valid_from[CONTRACT_TEXT_SIZE], valid_to[CONTRACT_TEXT_SIZE]; /* to: exclusive, or empty */
    int source, seconds, held;
    int round_of, direction;
    int64_t unit_min, starts_at_min, minimum_min;
    int64_t visit_cap_percent, visit_floor_percent; /* of the planned length; 0: none */
    int envelope_scope, envelope_counts;
    int64_t envelope_min; /* 0: what was planned */
    bool envelope_top_up;
    int carry_scope;
    int double_handed;
    char cancellation[CONTRACT_TEXT_SIZE]; /* "24h:0 0h:100" */
    char price[DAY_COUNT][CONTRACT_TEXT_SIZE];
    char bank_holidays[CONTRACT_TEXT_SIZE], special_days[CONTRACT_TEXT_SIZE];
    int rate_day, lines_per, lines_seconds;
    int64_t guarantee_percent, guarantee_cap_percent; /* of the contracted minutes; 0: none */
    char guarantee_funder[CONTRACT_ID_SIZE];
    int64_t tolerance_min; /* CONTRACT_NO_TOLERANCE: everything is inside */
    int edits;
    int64_t cut_off_days; /* 0: none */
};

enum tariff_kind {
    TARIFF_NONE,   /* no such day type in this contract */
    TARIFF_RATE,   /* percent of the rate in rates.csv */
    TARIFF_HOUR,   /* pence_per_hour, pro rata */
    TARIFF_BANDS,  /* a price up to each length; beyond the last the table starts again */
    TARIFF_POINTS, /* a price at each length, pence_per_hour pro rata between and beyond */
};

struct tariff_band {
    int64_t minutes, pence;
};

struct tariff {
    enum tariff_kind kind;
    int64_t pence_per_hour;
    int64_t percent;
    struct tariff_band bands[CONTRACT_BANDS_MAX]; /* ascending */
    size_t count;
};

/* Cancelled at least notice_s before the planned start: percent of the planned length. */
struct cancel_band {
    int64_t notice_s, percent;
};

struct contract {
    struct contract_words words;
    int32_t from_day, to_day; /* [from, to) */
    int64_t unit_s, starts_at_s, minimum_s;
    struct cancel_band cancels[CONTRACT_BANDS_MAX]; /* longest notice first; the last is 0 */
    size_t cancel_count;
    struct tariff tariffs[DAY_COUNT];
    int32_t bank_holidays[CONTRACT_DATES_MAX], special_days[CONTRACT_DATES_MAX];
    size_t bank_holiday_count, special_day_count;
};

/* The names of choices as the file has them, each list ended by NULL. */
extern const char *const contract_sources[],
    *const contract_seconds_rules[], *const contract_round_ofs[],
                                         *const contract_directions[],
                                             *const contract_helds[],
                                                 *const contract_scopes[],
                                                     *const contract_counts_names[],
                                                         *const contract_doubles[],
                                                             *const contract_lines_names[],
                                                                 *const contract_rate_days[],
                                                                     *const contract_edits_names[];
extern const char *const contract_day_names[DAY_COUNT]; /* the keys of section [price] */

/*
 * Check words and make a contract of them. Every problem is one line "FIELD: what, and what is
 * permitted" in problems. Returns how many there were; with any, *ret_contract is not to be used.
 */
size_t contract_compile(
    const struct contract_words *words, struct contract *ret_contract, struct text *problems);

/* Whether all prices are by the hour, so that time can be moved between visits. */
bool contract_is_hourly(const struct contract *contract);

/* What kind of day it is for the price: special day over bank holiday over day of the week. */
enum contract_day contract_day_type(const struct contract *contract, int32_t day);

/* The price that holds on day. Never TARIFF_NONE. */
const struct tariff *contract_tariff(const struct contract *contract, int32_t day);

/* "2026-03-29" to days since 1970; false when it is no date. */
bool contract_read_date(const char *text, int32_t *ret_day);

/* Append the whole contract in sentences. */
void contract_describe(struct text *text, const struct contract *contract);

#endif
