/*
 * effective_time.h - when a tap really was, derived and never written over the tap.
 *
 * docs/PROTOCOL.md, "Time". A stamp of a synced clock stands. Otherwise the first anchor (a
 * clock_set record) of the same boot places it by the boot clock. Otherwise the battery clock is
 * believed, and said so. Otherwise the time is unknown, and a person decides.
 *
 * Pure: values in, a value out.
 */
#ifndef ECM_COLLECTOR_STORAGE_EFFECTIVE_TIME_H
#define ECM_COLLECTOR_STORAGE_EFFECTIVE_TIME_H

#include <stdint.h>

struct record;
struct storage_anchor;

enum effective_source {
    EFFECTIVE_UNKNOWN,
    EFFECTIVE_STAMPED,  /* synced when it was made */
    EFFECTIVE_ANCHORED, /* by the boot clock, from an anchor */
    EFFECTIVE_RTC,      /* as the battery clock said */
};

struct effective_time {
    enum effective_source source;
    int64_t ms; /* Unix ms; 0 when unknown */
};

/* anchor: the first of record's boot, or NULL when there is none. */
struct effective_time effective_time(
    const struct record *record, const struct storage_anchor *anchor);

/* Whole seconds, towards the past. */
int64_t effective_seconds(int64_t ms);

#endif
