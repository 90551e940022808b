/*
 * local_day.h - calendar days of the site (Europe/London) and the instants they begin at.
 *
 * Blocking: local_day_start() reads the system's zone table once a call.
 */
#ifndef ECM_TOOLS_SIM_LOCAL_DAY_H
#define ECM_TOOLS_SIM_LOCAL_DAY_H

#include <stdint.h>

struct err;

enum { LOCAL_DAY_TEXT = 11 };

/* Days since 1970-01-01 of "YYYY-MM-DD". 0, or -EINVAL when it is not a date. */
int local_day_parse(const char *text, int32_t *ret_day);

/* The day as "YYYY-MM-DD". Returns text. */
const char *local_day_format(int32_t day, char text[static LOCAL_DAY_TEXT]);

/* The Monday of the day's week. */
int32_t local_day_monday(int32_t day);

/* The instant at which the day begins in the site's zone. */
int local_day_start(int32_t day, int64_t *ret_utc, struct err *err);

#endif
