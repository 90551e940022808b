/*
 * local_days.h - which day it is where the visit takes place.
 *
 * The table of clock changes comes from outside (base/tzif.h reads the system's), because pure
 * code asks the system nothing. Borrowed: it must outlive its users.
 */
#ifndef ECM_COLLECTOR_PAY_LOCAL_DAYS_H
#define ECM_COLLECTOR_PAY_LOCAL_DAYS_H

#include <stddef.h>
#include <stdint.h>

/* From at_utc[i] on, until the next, local time is UTC + offset_s[i]. */
struct local_days {
    const int64_t *at_utc; /* ascending; the first is INT64_MIN */
    const int32_t *offset_s;
    size_t count; /* at least 1 */
};

/* Local time at utc, in seconds since 1970-01-01 00:00 local. */
int64_t local_seconds(const struct local_days *days, int64_t utc);

/* The local date at utc, in days since 1970-01-01. */
int32_t local_day(const struct local_days *days, int64_t utc);

/*
 * The instant at which clocks show local. In the hour that comes twice, the first of the two; in
 * the hour that is skipped, the instant as if the clocks had changed already.
 */
int64_t local_to_utc(const struct local_days *days, int64_t local);

enum { DAY_TEXT_SIZE = 11, INSTANT_TEXT_SIZE = 21 };

/* Write day as "2021-03-28". Days of the years 1 to 9999. Returns text. */
const char *day_text(int32_t day, char text[static DAY_TEXT_SIZE]);

/* Write utc as "2021-03-28T00:30:00Z". The same years. Returns text. */
const char *instant_text(int64_t utc, char text[static INSTANT_TEXT_SIZE]);

#endif
