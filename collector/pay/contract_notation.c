/* contract_notation.c - see contract_notation.h. */
#include "collector/pay/contract_notation.h"

#include <string.h>

enum { HOUR_S = 3600, PERCENT = 100, PERCENT_MAX = 1000, HOURS_MAX = 9999, LENGTH_MAX = 1440 };

/* What is left of a field to read. */
struct reader {
    const char *at;
};

static void skip_blanks(struct reader *reader)
{
    while (*reader->at == ' ' || *reader->at == '\t') {
        reader->at++;
    }
}

static bool take_char(struct reader *reader, char wanted)
{
    if (*reader->at != wanted) {
        return false;
    }
    reader->at++;
    return true;
}

/* A whole word, up to a blank or the end. */
static bool take_word(struct reader *reader, const char *word)
{
    size_t size = strlen(word);

    skip_blanks(reader);
    if (strncmp(reader->at, word, size) != 0 ||
        (reader->at[size] != '\0' && reader->at[size] != ' ' && reader->at[size] != '\t')) {
        return false;
    }
    reader->at += size;
    return true;
}

static bool at_end(struct reader *reader)
{
    skip_blanks(reader);
    return *reader->at == '\0';
}

/* Digits, of value at most max. */
static bool take_number(struct reader *reader, int64_t max, int64_t *ret_number)
{
    const char *start = reader->at;
    int64_t number = 0;

    while (*reader->at >= '0' && *reader->at <= '9') {
        number = number * 10 + (*reader->at - '0');
        if (number > max) {
            return false;
        }
        reader->at++;
    }
    *ret_number = number;
    return reader->at > start;
}

static bool take_money(struct reader *reader, int64_t *ret_pence)
{
    int64_t pounds = 0;
    int64_t pence = 0;

    if (!take_number(reader, HOURS_MAX, &pounds)) {
        return false;
    }
    if (take_char(reader, '.')) {
        const char *start = reader->at;

        if (!take_number(reader, PERCENT - 1, &pence) || reader->at - start != 2) {
            return false;
        }
    }
    *ret_pence = pounds * PERCENT + pence;
    return *reader->at == '\0' || *reader->at == ' ' || *reader->at == '\t';
}

bool notation_read_money(const char *text, int64_t *ret_pence)
{
    struct reader reader = {text};

    return take_money(&reader, ret_pence) && at_end(&reader);
}

bool notation_read_cancels(const char *text, struct contract *contract)
{
    struct reader reader = {text};

    contract->cancel_count = 0;
    while (!at_end(&reader)) {
        struct cancel_band *band = &contract->cancels[contract->cancel_count];
        int64_t hours = 0;

        if (contract->cancel_count == CONTRACT_BANDS_MAX ||
            !take_number(&reader, HOURS_MAX, &hours) || !take_char(&reader, 'h') ||
            !take_char(&reader, ':') || !take_number(&reader, PERCENT, &band->percent)) {
            return false;
        }
        band->notice_s = hours * HOUR_S;
        if (contract->cancel_count > 0 && band->notice_s >= band[-1].notice_s) {
            return false;
        }
        contract->cancel_count++;
    }
    return contract->cancel_count > 0 &&
           contract->cancels[contract->cancel_count - 1].notice_s == 0;
}

/* MIN:POUNDS ..., ascending, up to the end or the word "hour". */
static bool take_bands(struct reader *reader, struct tariff *tariff)
{
    for (skip_blanks(reader); *reader->at >= '0' && *reader->at <= '9'; skip_blanks(reader)) {
        struct tariff_band *band = &tariff->bands[tariff->count];

        if (tariff->count == CONTRACT_BANDS_MAX ||
            !take_number(reader, LENGTH_MAX, &band->minutes) || band->minutes == 0 ||
            !take_char(reader, ':') || !take_money(reader, &band->pence)) {
            return false;
        }
        if (tariff->count > 0 &&
            (band->minutes <= band[-1].minutes || band->pence < band[-1].pence)) {
            return false;
        }
        tariff->count++;
    }
    return tariff->count > 0;
}

static bool take_hour(struct reader *reader, struct tariff *tariff)
{
    if (!take_word(reader, "hour")) {
        return false;
    }
    skip_blanks(reader);
    return take_money(reader, &tariff->pence_per_hour) && at_end(reader);
}

static bool take_percent(struct reader *reader, struct tariff *tariff)
{
    tariff->percent = PERCENT;
    if (at_end(reader)) {
        return true;
    }
    return take_number(reader, PERCENT_MAX, &tariff->percent) && take_char(reader, '%') &&
           at_end(reader);
}

bool notation_read_tariff(const char *text, struct tariff *ret_tariff)
{
    struct reader reader = {text};
    struct tariff *tariff = ret_tariff;

    *tariff = (struct tariff){.percent = PERCENT};
    if (take_word(&reader, "rate")) {
        tariff->kind = TARIFF_RATE;
        return take_percent(&reader, tariff);
    }
    if (take_word(&reader, "bands")) {
        tariff->kind = TARIFF_BANDS;
        return take_bands(&reader, tariff) && at_end(&reader);
    }
    if (take_word(&reader, "points")) {
        tariff->kind = TARIFF_POINTS;
        return take_bands(&reader, tariff) && take_hour(&reader, tariff);
    }
    tariff->kind = TARIFF_HOUR;
    return take_hour(&reader, tariff);
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1 January 1970 to 1 January of year, which is not before it. */
static int64_t days_before_year(int64_t year)
{
    int64_t past = year - 1;

    return year * 365 + past / 4 - past / 100 + past / 400 -
           (1970 * 365 + 1969 / 4 - 1969 / 100 + 1969 / 400);
}

static bool take_date(struct reader *reader, int32_t *ret_day)
{
    static const int64_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *start = reader->at;
    int64_t year = 0;
    int64_t month = 0;
    int64_t date = 0;
    int64_t day = 0;

    if (!take_number(reader, 9999, &year) || !take_char(reader, '-') ||
        !take_number(reader, 12, &month) || !take_char(reader, '-') ||
        !take_number(reader, 31, &date) || reader->at - start != 10 || start[7] != '-' ||
        year < 1970 || month < 1 || date < 1 ||
        date > lengths[month - 1] + (month == 2 && is_leap(year) ? 1 : 0)) {
        return false;
    }
    day = days_before_year(year) + date - 1;
    for (int64_t m = 1; m < month; m++) {
        day += lengths[m - 1] + (m == 2 && is_leap(year) ? 1 : 0);
    }
    *ret_day = (int32_t)day;
    return true;
}

bool contract_read_date(const char *text, int32_t *ret_day)
{
    struct reader reader = {text};

    return take_date(&reader, ret_day) && *reader.at == '\0';
}

bool notation_read_dates(
    const char *text, int32_t days[static CONTRACT_DATES_MAX], size_t *ret_count)
{
    struct reader reader = {text};
    size_t count = 0;

    while (!at_end(&reader)) {
        if (count == CONTRACT_DATES_MAX || !take_date(&reader, &days[count]) ||
            (count > 0 && days[count] <= days[count - 1])) {
            return false;
        }
        count++;
    }
    *ret_count = count;
    return true;
}
