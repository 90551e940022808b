/* local_days.c - see local_days.h. */
#include "collector/pay/local_days.h"

enum { DAY_S = 86400 };

static int64_t offset_at(const struct local_days *days, int64_t utc)
{
    const int64_t *at_utc = days->at_utc;
    size_t low = 0;

    /* Without a jump that depends on utc, because instants come in no order: low may be the one,
     * and so may the next left - 1. */
    for (size_t left = days->count; left > 1; left -= left / 2) {
        low += at_utc[low + left / 2] <= utc ? left / 2 : 0;
    }
    return days->offset_s[low];
}

static int64_t floor_div(int64_t n, int64_t d)
{
    return n / d - (n % d < 0 ? 1 : 0);
}

int64_t local_seconds(const struct local_days *days, int64_t utc)
{
    return utc + offset_at(days, utc);
}

int32_t local_day(const struct local_days *days, int64_t utc)
{
    return (int32_t)floor_div(local_seconds(days, utc), DAY_S);
}

int64_t local_to_utc(const struct local_days *days, int64_t local)
{
    /* Half a day before and after, the offset is surely the one before and after a change. */
    int64_t near = local - DAY_S / 2;
    int64_t before = local - (local_seconds(days, near) - near);

    if (local_seconds(days, before) == local) {
        return before;
    }
    near = local + DAY_S / 2;
    return local - (local_seconds(days, near) - near);
}

static char *put_digits(char *at, int64_t number, int count)
{
    for (int i = count; i-- > 0;) {
        at[i] = (char)('0' + number % 10);
        number /= 10;
    }
    return at + count;
}

/*
 * From days to a date in the Gregorian calendar: count eras of 400 years from 1 March of the
 * year 0, so that the leap day is the last of its year.
 */
static char *put_date(char *at, int64_t day)
{
    int64_t shifted = day + 719468;
    int64_t era = floor_div(shifted, 146097);
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t from_march = (5 * day_of_year + 2) / 153;
    int64_t month = from_march < 10 ? from_march + 3 : from_march - 9;

    at = put_digits(at, year_of_era + era * 400 + (month <= 2 ? 1 : 0), 4);
    *at++ = '-';
    at = put_digits(at, month, 2);
    *at++ = '-';
    return put_digits(at, day_of_year - (153 * from_march + 2) / 5 + 1, 2);
}

const char *day_text(int32_t day, char text[static DAY_TEXT_SIZE])
{
    *put_date(text, day) = '\0';
    return text;
}

const char *instant_text(int64_t utc, char text[static INSTANT_TEXT_SIZE])
{
    int64_t day = floor_div(utc, DAY_S);
    int64_t second = utc - day * DAY_S;
    char *at = put_date(text, day);

    *at++ = 'T';
    at = put_digits(at, second / 3600, 2);
    *at++ = ':';
    at = put_digits(at, second / 60 % 60, 2);
    *at++ = ':';
    at = put_digits(at, second % 60, 2);
    *at++ = 'Z';
    *at = '\0';
    return text;
}
