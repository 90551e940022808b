/*
 * repair.h - what a payment officer would put right by hand: taps that were forgotten, and one
 * attendance over visits planned back to back (docs/REPAIRS.md).
 *
 * Each repair is an option of the site and off unless asked for. A repair never edits a tap: it lays
 * another reading or an inferred time over it and says by which rule, from what, and how many
 * seconds rest on that. Where the evidence is thin, or the site says so, the visit is held and the
 * repair only proposed; a RELEASE of that slot accepts it.
 *
 *   R1 direction  a tap read the wrong way round, because the one before it was forgotten
 *   R2 leaving    no tap on leaving
 *   R3 arrival    no tap on arriving
 *   R4 boundary   one attendance over visits that follow each other without a gap
 *
 * Pure: plain data and names. visits_reconcile() does the work.
 */
#ifndef ECM_COLLECTOR_VISITS_REPAIR_H
#define ECM_COLLECTOR_VISITS_REPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/visits/dataset.h"

enum { REPAIR_SLOTS_MAX = 32 }; /* of a visit, whose proposals can be accepted */

enum repair_rule {
    REPAIR_DIRECTION,
    REPAIR_LEAVING,
    REPAIR_ARRIVAL,
    REPAIR_BOUNDARY,
    REPAIR_COUNT
};

enum repair_policy {
    REPAIR_OFF,
    REPAIR_HOLD, /* propose; a person decides */
    REPAIR_PAY,  /* pay where the evidence is good, else as REPAIR_HOLD */
};

/* What a repair was inferred from. */
enum repair_basis {
    BASIS_TAPS_AND_PLAN, /* R1: both readings of the taps, held against the plan */
    BASIS_OTHER_CARER,   /* R2, R3: the other carer of the visit, who came or left with this one */
    BASIS_USUAL_LENGTH,  /* R2, R3: visits of this person and length usually take so long */
    BASIS_PLAN,          /* R2, R3: the planned length; R4: the planned boundary */
    BASIS_OWN_TAPS,      /* R4: a tap out and in near the boundary, merged away by S5 */
};

/* The numbers of the rules, in seconds unless said otherwise. */
struct repair_params {
    const char *rule_id;
    int rule_version;
    uint8_t policies[REPAIR_COUNT]; /* enum repair_policy */
    /* R1: what a reading of the taps costs; see repair_direction.c */
    int32_t turned_cost;    /* a tap is read the other way round */
    int32_t lone_cost;      /* a tap without its partner */
    int32_t unplanned_cost; /* a pair or a tap that no visit wants */
    int32_t skipped_cost;   /* a visit this carer was rostered for and did not come to */
    int32_t better_by;      /* the other readings must cost at least so much more */
    int32_t sure_by;        /* and so must those in which this one tap is read otherwise */
    /* R2, R3 */
    int32_t together_s;    /* two carers came or left together when so far apart at most */
    int32_t usual_visits;  /* so many visits make a usual length: a count */
    int32_t usual_percent; /* and so many of them, in per cent, are like it within length_s */
    int32_t settle_s;      /* no repair until the as-of is so long after the inferred time */
    /* R4 */
    int32_t gap_s;      /* visits further apart are not back to back */
    int32_t near_s;     /* evidence is good when both ends are so near to the plan */
    int32_t far_s;      /* nothing is proposed when an end is further off the plan */
    int32_t part_min_s; /* no part is shorter */
};

/* One repair, or a proposal of one. */
struct visits_repair {
    uint32_t slot;       /* whose verdict it bears on, or VISITS_NONE: an unplanned attendance */
    uint32_t attendance; /* of the result */
    uint32_t planned;    /* index into dataset->planned: whose plan it was inferred from */
    text_id carer_id;    /* who came */
    text_id tap_id;      /* the tap that was read again (R1), else the one that is there */
    text_id other_id;    /* BASIS_OTHER_CARER: that carer */
    int64_t in_utc, out_utc; /* as repaired or proposed; VISITS_NO_TIME where unknown still */
    int32_t inferred_s;      /* seconds of the attendance that rest on it */
    int32_t usual_count;     /* BASIS_USUAL_LENGTH: of so many visits */
    uint8_t rule;            /* enum repair_rule */
    uint8_t basis;           /* enum repair_basis */
    bool is_held;            /* only proposed */
    char read_as;            /* R1: 'I' or 'O' */
};

/* Rule "repair", version 1, every repair off: to initialise a struct repair_params with. */
#define REPAIR_DEFAULTS                                                                            \
    {                                                                                              \
        .rule_id = "repair", .rule_version = 1, .turned_cost = 600, .lone_cost = 1800,             \
        .unplanned_cost = 5400, .skipped_cost = 3600, .better_by = 1800, .sure_by = 900,           \
        .together_s = 600, .usual_visits = 6, .usual_percent = 90, .settle_s = 7200, .gap_s = 600, \
        .near_s = 900, .far_s = 1800, .part_min_s = 300                                            \
    }

/* Whether any repair is on. */
bool repair_is_on(const struct repair_params *params);

/*
 * Read "direction:pay,leaving,boundary:hold" into params: names as below or "all", each with :hold
 * (which is meant when nothing is said) or :pay; "none" is no repair. Returns NULL, or the first
 * part of text that cannot be read; params is then untouched.
 */
const char *repair_parse(struct repair_params *params, const char *text);

/* "direction", "leaving", "arrival", "boundary". */
const char *repair_rule_name(enum repair_rule rule);
/* "hold", "pay", "off". */
const char *repair_policy_name(enum repair_policy policy);
/* "taps_and_plan", "other_carer", "usual_length", "plan", "own_taps". */
const char *repair_basis_name(enum repair_basis basis);

#endif
