/*
 * make_import.h - a whole import folder out of nothing: plan, taps as the field makes them, and
 * the corrections of an office. For measuring and testing reconciliation at any size.
 *
 * What is drawn has the shape of a borough's reference week (tests/data/reference/week): 21 in a
 * hundred people need two carers four times a day, half are visited once a day, visits last 15 to
 * 60 minutes, nine providers in three zones, two funders. What happens to a visit is drawn from
 * the distributions of that week: arrivals, lengths, hours without network, taps repeated,
 * forgotten or sent twice, other carers than planned, visits nobody comes to, cancellations with
 * and without notice; and corrections that put some of it right. 1,650 people and 52 weeks make
 * 1.2 million planned visits and 3.4 million taps.
 *
 * The same arguments give the same bytes. Memory: about 60 bytes a tap.
 */
#ifndef ECM_TOOLS_SIM_MAKE_IMPORT_H
#define ECM_TOOLS_SIM_MAKE_IMPORT_H

#include <stdint.h>

struct err;

enum { MAKE_IMPORT_PEOPLE_MAX = 99999, MAKE_IMPORT_WEEKS_MAX = 520 };

struct make_import {
    unsigned people;   /* 1..MAKE_IMPORT_PEOPLE_MAX */
    unsigned weeks;    /* 1..MAKE_IMPORT_WEEKS_MAX */
    int32_t first_day; /* a Monday, days since 1970-01-01 */
    uint64_t seed;
};

/* Write the files into folder, made when absent. -errno with err. */
int make_import(const struct make_import *what, const char *folder, struct err *err);

#endif
