/*
 * effective_time.h - when a tap really was, derived and never written over the tap.
 *
 * docs/TIME.md. The best evidence decides:
 *   1. A stamp of a synced clock stands.
 *   2. An anchor (a sure clock_set record) of the same boot places it by the boot clock.
 *   3. A battery clock is believed, and said so, unless it shows a time before EFFECTIVE_FLOOR_MS, or
 *      what the same log surely knows before and after contradicts it, or it was moved against the
 *      boot clock, by more than EFFECTIVE_RTC_SLACK_MS.
 *   4. A tap that lies between two sure instants no further apart than 2 * EFFECTIVE_BETWEEN_MAX_MS
 *      is put into their middle, and said so.
 *   5. Otherwise the time is unknown, and a person decides; the bounds are for that person.
 *
 * Pure: values in, a value out.
 */
#ifndef ECM_COLLECTOR_STORAGE_EFFECTIVE_TIME_H
#define ECM_COLLECTOR_STORAGE_EFFECTIVE_TIME_H

#include <stdbool.h>
#include <stdint.h>

struct record;
struct storage_anchor;

enum {
    /* As rule E4 allows for the collector's own clock. */
    EFFECTIVE_RTC_SLACK_MS = 300 * 1000,
    EFFECTIVE_BETWEEN_MAX_MS = 300 * 1000,
    /* How fast a boot clock that nobody corrects may run away: a Raspberry Pi's crystal is given
     * with 50 ppm and more at the ends of its temperature range. */
    EFFECTIVE_DRIFT_PPM = 100,
};
#define EFFECTIVE_NO_IDEA UINT32_MAX /* of an uncertainty */
/* 2020-01-01: a chip whose battery is empty wakes in 1970 or 2000. */
#define EFFECTIVE_FLOOR_MS INT64_C(1577836800000)

enum effective_source {
    EFFECTIVE_UNKNOWN,
    EFFECTIVE_STAMPED,  /* synced when it was made */
    EFFECTIVE_ANCHORED, /* by the boot clock, from an anchor */
    EFFECTIVE_RTC,      /* as the battery clock said */
    EFFECTIVE_BETWEEN,  /* the middle of narrow bounds */
};

/* What a log knows of a boot without an anchor: it lies between two other boots. Unix ms. */
struct effective_bounds {
    bool has_from;
    int64_t from_ms;  /* the boot began after this */
    int64_t to_ms;    /* the boot was over by then; at the latest when its record was received */
    uint64_t step_ms; /* by how much its battery clock was moved against its boot clock */
};

struct effective_time {
    enum effective_source source;
    int64_t ms;              /* Unix ms; 0 when unknown */
    uint32_t uncertainty_ms; /* within this of the truth, as far as the evidence goes */
};

/*
 * anchor: of record's boot, or NULL when there is none. bounds: of record's boot, used without an
 * anchor only; NULL: none.
 */
struct effective_time effective_time(const struct record *record,
    const struct storage_anchor *anchor, const struct effective_bounds *bounds);

/*
 * Narrow the bounds of a boot to one record of it: that far into the boot it was later than the
 * boot's beginning. false: there is no lower bound, or the evidence contradicts itself.
 */
bool effective_narrow(const struct effective_bounds *bounds, const struct record *record,
    int64_t *ret_from_ms, int64_t *ret_to_ms);

/* Whole seconds, towards the past. */
int64_t effective_seconds(int64_t ms);

#endif
