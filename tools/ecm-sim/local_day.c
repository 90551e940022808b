/*
 * local_day.c - civil dates by the usual arithmetic on years that begin in March.
 */
#include "tools/ecm-sim/local_day.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/tzif.h"

static const char zone[] = "Europe/London";

static int32_t days_from_civil(int32_t year, int32_t month, int32_t day)
{
    int32_t y = month <= 2 ? year - 1 : year;
    int32_t era = y / 400;
    int32_t of_era = y - era * 400;
    int32_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

int local_day_parse(const char *text, int32_t *ret_day)
{
    char again[LOCAL_DAY_TEXT];
    int year = 0;
    int month = 0;
    int day = 0;
    int used = 0;

    if (strlen(text) != LOCAL_DAY_TEXT - 1 ||
        sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &used) != 3 ||
        used != LOCAL_DAY_TEXT - 1 || year < 1970 || month < 1 || month > 12) {
        return -EINVAL;
    }
    /* 31 February comes back as another date. */
    if (strcmp(local_day_format(days_from_civil(year, month, day), again), text) != 0) {
        return -EINVAL;
    }
    *ret_day = days_from_civil(year, month, day);
    return 0;
}

const char *local_day_format(int32_t day, char text[static LOCAL_DAY_TEXT])
{
    int32_t z = day + 719468;
    int32_t era = z / 146097;
    int32_t of_era = z - era * 146097;
    int32_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int32_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int32_t shifted_month = (5 * of_year + 2) / 153;
    int32_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    int32_t year = year_of_era + era * 400 + (month <= 2);
    int32_t of_month = of_year - (153 * shifted_month + 2) / 5 + 1;

    (void)snprintf(text, LOCAL_DAY_TEXT, "%04u-%02u-%02u", (unsigned)year % 10000u,
        (unsigned)month % 100u, (unsigned)of_month % 100u);
    return text;
}

int32_t local_day_monday(int32_t day)
{
    return day - (day + 3) % 7; /* day 0 was a Thursday */
}

int local_day_start(int32_t day, int64_t *ret_utc, struct err *err)
{
    struct tzif table = {0};
    int64_t midnight = (int64_t)day * 86400;
    int rc = tzif_load(&table, zone, err);

    if (rc < 0) {
        return rc;
    }
    /* The last stretch of constant offset that has begun by local midnight. */
    for (size_t i = table.count; i-- > 0;) {
        if (i == 0 || table.at_utc[i] + table.offset_s[i] <= midnight) {
            *ret_utc = midnight - table.offset_s[i];
            break;
        }
    }
    tzif_done(&table);
    return 0;
}
