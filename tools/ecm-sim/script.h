/*
 * script.h - everything that will happen, in order: who taps where and when, which gateway loses
 * power or the network. Made before anything is played, from roster, noise and seed alone.
 *
 * Without noise the carer of slot k of each visit taps exactly at planned start and planned end.
 *
 * Ownership: script_done() frees. The roster is borrowed and must outlive the script.
 * Threads:   none of its own.
 */
#ifndef ECM_TOOLS_SIM_SCRIPT_H
#define ECM_TOOLS_SIM_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

#include "tools/ecm-sim/roster.h"

struct err;

/* Chances in percent: the first ones of a slot, the last two of a home and day. */
struct noise {
    unsigned jitter_s;  /* every arrival and leaving is off by up to this */
    unsigned late;      /* arrives 16 to 60 minutes late */
    unsigned cut_short; /* leaves after 20 to 70 percent of the time */
    unsigned missed;    /* nobody comes */
    unsigned double_tap;
    unsigned wrong_home; /* taps in and out in another home */
    unsigned forgotten;  /* no tap on leaving */
    unsigned outage;     /* no network for 1 to 8 hours */
    unsigned
        power_cut; /* off for 1 to 20 minutes; the clock is right again 2 to 90 minutes later */
};

extern const struct noise noise_none;
extern const struct noise noise_field;

enum action_kind {
    /* In the order in which things of one instant happen in one home. */
    ACTION_POWER_DOWN,
    ACTION_NET_DOWN,
    ACTION_POWER_UP,
    ACTION_CLOCK_SYNC,
    ACTION_NET_UP,
    ACTION_TAP_OUT, /* the carer means to leave */
    ACTION_TAP_IN,  /* the carer means to arrive */
    ACTION_TAP_AGAIN,
};

struct action {
    int64_t at_ms; /* Unix ms */
    uint32_t home;
    uint32_t number; /* order of making, to break ties */
    enum action_kind kind;
    const struct roster_card *card; /* taps */
};

struct script_home {
    const char *device_id;
    unsigned home_limit_s; /* how long a check-in may stay open there */
};

struct script_counts {
    uint64_t visits; /* planned ones inside the range and the homes played */
    uint64_t slots;
    uint64_t cancelled;      /* visits nobody goes to */
    uint64_t without_device; /* visits in homes that have none */
    uint64_t without_carer;  /* slots the roster names nobody for, or whose carer has no card */
    uint64_t late, cut_short, missed, double_taps, wrong_home, forgotten, outages, power_cuts;
};

struct script {
    struct script_home *homes;
    size_t home_count;
    struct action *actions; /* in order */
    size_t action_count, action_capacity;
    struct script_counts counts;
};

struct script_conf {
    int64_t from_utc, to_utc; /* visits that start inside [from, to) */
    size_t homes_max;         /* of the devices in order of their ids; 0: all */
    uint64_t seed;
    struct noise noise;
};

/* 0, -ENOMEM. On failure script is empty. */
int script_make(struct script *script, const struct roster *roster, const struct script_conf *conf,
    struct err *err);
void script_done(struct script *script);

#endif
