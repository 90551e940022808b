/*
 * visits.h - what happened: taps become attendances, attendances meet planned visits.
 *
 * The rules are docs/RECONCILIATION.md and docs/REPAIRS.md; their numbers are parameters here. Same
 * dataset, parameters, period and as-of: same bytes out, in whatever order the rows of the dataset lie.
 *
 * Pure: no I/O, no clock, no log, no globals.
 * Ownership: visits_done() frees a result. A result refers to its dataset and must not outlive it.
 * Threads:   none of its own; one dataset may be reconciled by many threads at once.
 * Scope:     a dataset may hold everything or one person only. What needs other people's taps
 *            (visits_find_overlaps) sees only what the dataset holds.
 */
#ifndef ECM_COLLECTOR_VISITS_VISITS_H
#define ECM_COLLECTOR_VISITS_VISITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/visits/dataset.h"
#include "collector/visits/repair.h"

/* The numbers of the rules, in seconds. Results keep the id and version beside them. */
struct visits_params {
    const char *rule_id;
    int rule_version;
    int32_t future_s;             /* E4: a tap may lie this far ahead of its reception */
    int32_t bounce_s;             /* S1 */
    int32_t pair_max_s;           /* S2 */
    int32_t merge_gap_s;          /* S5 */
    int32_t assumed_length_s;     /* anchor of an attendance without a check-in: out - this */
    int32_t margin_s;             /* S6 */
    int32_t notice_s;             /* P1 */
    int32_t window_s;             /* M3: how far an anchor may lie from the planned start */
    int32_t unmatched_cost;       /* M4 */
    int32_t carer_cost;           /* M3: pc, the carer is not on the roster */
    int32_t incomplete_cost;      /* M3: pi, a tap is missing */
    int32_t punctual_s;           /* flags late and early: more than this from the planned start */
    int32_t length_s;             /* flags short and over: more than this from the planned length */
    struct repair_params repairs; /* off by default; see repair.h */
};

/* The defaults: rule "visits", version 1. */
extern const struct visits_params visits_default_params;

/* Which planned visits and attendances are looked at, and as seen when. */
struct visits_period {
    int64_t start_utc, end_utc; /* end exclusive */
    int64_t asof_utc;           /* E1 */
};

enum attendance_status {
    ATTENDANCE_OK,
    ATTENDANCE_NO_OUT,
    ATTENDANCE_NO_IN,
    ATTENDANCE_HELD, /* whole, but only as a repair proposes; worked, and not paid */
};

enum {
    ATTENDANCE_CLOCK_SUSPECT = 1,
    ATTENDANCE_TAG_UNVERIFIED = 2,
    ATTENDANCE_MANUAL = 4,    /* at least one of its taps was added by a correction */
    ATTENDANCE_MERGED = 8,    /* S5 */
    ATTENDANCE_REPAIRED = 16, /* rests on a repair: the list of repairs says how */
    ATTENDANCE_DOUBTFUL = 32, /* R1: which way round a tap of it is, is not sure */
    ATTENDANCE_BESIDE = 64,   /* R1: the tap after it was read again */
};

#define VISITS_NONE UINT32_MAX   /* no such index */
#define VISITS_NO_TIME INT64_MIN /* the tap is missing */

struct visits_attendance {
    int64_t in_utc, out_utc; /* VISITS_NO_TIME when missing */
    text_id person_id, carer_id;
    text_id in_id, out_id; /* 0 when missing */
    int32_t worked_s;
    uint32_t slot;          /* the slot it was matched to, or VISITS_NONE */
    uint8_t status;         /* enum attendance_status */
    uint8_t evidence;       /* ATTENDANCE_* */
    uint16_t uncertainty_s; /* of its worse clock */
};

enum slot_status {
    SLOT_OK,
    SLOT_HELD_NO_OUT,
    SLOT_HELD_NO_IN,
    SLOT_HELD_REPAIR, /* a repair is proposed; its attendance may be one that another slot has */
    SLOT_MISSED,
    SLOT_SAME_CARER,
    SLOT_CANC_NOTICE,
    SLOT_CANC_SHORT,
    SLOT_STATUS_COUNT
};

struct visits_slot {
    uint32_t planned;    /* index into dataset->planned */
    uint32_t attendance; /* index into the result's attendances, or VISITS_NONE */
    uint16_t number;     /* 1 .. carers_required */
    uint8_t status;      /* enum slot_status */
};

/* In the order of their names, because that is the order of the list. */
enum visits_exception_code {
    EXCEPTION_BOUNCE,
    EXCEPTION_CLOCK_FUTURE,
    EXCEPTION_CONFLICT_ID,
    EXCEPTION_DUP_ID,
    EXCEPTION_MERGED,
    EXCEPTION_NO_IN,
    EXCEPTION_NO_OUT,
    EXCEPTION_TIME_UNKNOWN,
    EXCEPTION_UNKNOWN_CARD,
    EXCEPTION_UNKNOWN_DEVICE,
    EXCEPTION_VOIDED,
    EXCEPTION_WRONG_PAIR,
    EXCEPTION_CODE_COUNT
};

struct visits_exception {
    int64_t ts_utc; /* of the tap; DUP_ID, CONFLICT_ID, TIME_UNKNOWN: when it was received */
    text_id ref;    /* the tap's id */
    text_id detail; /* the unknown card or device, the id merged into, the bounds; else 0 */
    uint8_t code;   /* enum visits_exception_code */
};

/* One person's stretch of the two tables, ends exclusive. */
struct visits_person {
    text_id person_id;
    uint32_t slots_from, slots_to;
    uint32_t attendances_from, attendances_to;
};

struct visits_result {
    struct visits_person *people; /* with at least one slot or attendance, by person_id */
    size_t people_count;
    struct visits_slot *slots; /* by person_id, then M1 */
    size_t slots_count;
    struct visits_attendance *attendances; /* by person_id, then M2 */
    size_t attendances_count;
    struct visits_exception *exceptions; /* by code, ref, ts_utc, detail */
    size_t exceptions_count;
    struct visits_repair *repairs; /* by slot, then as made; empty when no repair is on */
    size_t repairs_count;
    int32_t *overlaps_s; /* by attendance; NULL until visits_find_overlaps() */
    uint64_t events_visible;
};

/*
 * Reconcile. 0 or -ENOMEM; on failure *ret_result is untouched. Rows the dataset could not
 * have (unknown ids) are not checked again: a tap of an unknown person matches nothing.
 */
int visits_reconcile(const struct dataset *dataset, const struct visits_params *params,
    const struct visits_period *period, struct visits_result *ret_result);

/*
 * The same in steps, for a caller with more than one thread: begin once, do each part, by whatever
 * thread and in whatever order, end once. The people are cut into parts of about as many taps; the
 * result does not depend on how many. dataset and params are borrowed until the end.
 *
 * visits_begin(): 0 or -ENOMEM; parts is at least 1. visits_do_part(): different parts may be done
 * at the same time; 0 or -ENOMEM. visits_end(): frees work in any case; 0, -EINVAL when a part was
 * not done, or the first error of a part; on failure *ret_result is untouched.
 */
struct visits_work;
int visits_begin(const struct dataset *dataset, const struct visits_params *params,
    const struct visits_period *period, unsigned parts, struct visits_work **ret_work);
int visits_do_part(struct visits_work *work, unsigned part);
int visits_end(struct visits_work *work, struct visits_result *ret_result);

/* Free what result holds. A zeroed result is allowed. */
void visits_done(struct visits_result *result);

/* Fill overlaps_s: seconds an attendance shares with others of its carer at other people. */
int visits_find_overlaps(struct visits_result *result);

/* For walks over all slots, whose plans lie anywhere: announce that of a slot some slots ahead. */
enum { VISITS_AHEAD = 12 };
static inline void visits_announce(
    const struct dataset *dataset, const struct visits_result *result, size_t slot)
{
    if (slot + VISITS_AHEAD < result->slots_count) {
        __builtin_prefetch(&dataset->planned[result->slots[slot + VISITS_AHEAD].planned]);
    }
}

/* Where the attendance is held to begin: in, or out - assumed_length_s. */
int64_t visits_anchor(
    const struct visits_params *params, const struct visits_attendance *attendance);

/* M7: unmatched, and its anchor in the period. */
bool visits_is_unplanned(const struct visits_params *params, const struct visits_period *period,
    const struct visits_attendance *attendance);

/* M3: the parts of the cost of matching a planned visit with an attendance. */
struct visits_cost {
    int64_t ds, dd, pc, pi;
    int64_t sum;
    bool is_eligible;
};
struct visits_cost visits_cost(const struct dataset *dataset, const struct visits_params *params,
    const struct planned_row *planned, const struct visits_attendance *attendance);

/* Whether the list "a|b|c" names carer. */
bool visits_is_rostered(const struct dataset *dataset, text_id roster, text_id carer);

/* The first repair of a slot in result->repairs, those of a slot lie together; or where it would be. */
size_t visits_first_repair(const struct visits_result *result, size_t slot);

enum visits_flag {
    FLAG_LATE,
    FLAG_EARLY,
    FLAG_SHORT,
    FLAG_OVER,
    FLAG_CARER_NOT_ROSTERED,  /* seconds: worked */
    FLAG_SECOND_CARER_ABSENT, /* seconds not all required carers were there together */
    FLAG_OVERLAP,             /* seconds in two homes at once; after visits_find_overlaps() */
    FLAG_CLOCK_SUSPECT,       /* seconds: how far the clock may be off */
    FLAG_TAG_UNVERIFIED,      /* seconds: worked */
    FLAG_MANUAL,              /* seconds: worked */
    FLAG_REPAIRED,            /* seconds that rest on a repair, made or proposed */
    FLAG_COUNT
};

struct visits_flags {
    bool is_set[FLAG_COUNT];
    int64_t seconds[FLAG_COUNT];
};

/* What else there is to say about a slot. Without an attendance: no flag. */
void visits_flags(const struct dataset *dataset, const struct visits_params *params,
    const struct visits_result *result, size_t slot, struct visits_flags *ret_flags);

/*
 * What a slot is as of an instant that the visit has not passed yet. Nothing in a run: there a slot
 * without an attendance is MISSED. For whoever looks at the day while it happens.
 */
enum visits_stage {
    STAGE_SETTLED, /* its status says it all */
    STAGE_NOT_DUE, /* its planned start is still to come */
    STAGE_DUE,     /* it has begun, by less than punctual_s; nobody has arrived */
    STAGE_LATE,    /* by more than that; somebody may still come within window_s */
    STAGE_ONGOING, /* somebody arrived and has not left, window_s after its end at the latest */
};

enum visits_stage visits_stage(const struct visits_params *params,
    const struct planned_row *planned, const struct visits_slot *slot, int64_t asof_utc);

/* "NOT_DUE", "DUE", "LATE", "ONGOING"; "" when settled. */
const char *visits_stage_name(enum visits_stage stage);

/* Names as in files: "OK", "HELD_NO_OUT", "late", "DUP_ID". Never NULL. */
const char *attendance_status_name(enum attendance_status status);
const char *slot_status_name(enum slot_status status);
const char *visits_exception_name(enum visits_exception_code code);
const char *visits_flag_name(enum visits_flag flag);

#endif
