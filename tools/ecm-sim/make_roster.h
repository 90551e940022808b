/*
 * make_roster.h - a plausible roster out of nothing: homes, carers, cards and a few days of visits.
 *
 * Two manners. Published: one provider, one funder, one visit in a home and day, as in published
 * home-care rosters, a tenth of them for two carers at once. Borough: three providers, two
 * funders, several visits a day in each home.
 *
 * Carers are engaged as needed: a visit goes to the first carer of the provider who is free and
 * has had time to get there. So the roster can be kept by real people, and every visit is served.
 */
#ifndef ECM_TOOLS_SIM_MAKE_ROSTER_H
#define ECM_TOOLS_SIM_MAKE_ROSTER_H

#include <stdbool.h>
#include <stdint.h>

struct err;

enum { MAKE_ROSTER_HOMES_MAX = 9999, MAKE_ROSTER_DAYS_MAX = 7, MAKE_ROSTER_VISITS_MAX = 8 };

struct make_roster {
    bool is_borough;
    unsigned homes;    /* 1..MAKE_ROSTER_HOMES_MAX */
    unsigned days;     /* 1..MAKE_ROSTER_DAYS_MAX, from first_day on, within one week */
    unsigned visits;   /* a home and day, 1..MAKE_ROSTER_VISITS_MAX; 0: as the manner has it */
    int32_t first_day; /* days since 1970-01-01 */
    uint64_t seed;
};

/* Write the files of a roster into folder, made when absent. -errno with err. */
int make_roster(const struct make_roster *what, const char *folder, struct err *err);

#endif
