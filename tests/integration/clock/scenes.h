/*
 * scenes.h - what can happen to a gateway's clock around one visit, and what must come of it.
 *
 * Each scene happens on 2026-03-10 (or in a night the clocks change). The visit is planned and really
 * is from 09:00:00 to 09:30:00; the scene says what the gateway's clocks did meanwhile.
 */
#ifndef ECM_TESTS_CLOCK_SCENES_H
#define ECM_TESTS_CLOCK_SCENES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MARCH_10 INT64_C(1773100800)   /* 2026-03-10T00:00:00Z */
#define SPRING_EVE INT64_C(1774656000) /* 2026-03-28T00:00:00Z, the clocks go forward next night */
#define AUTUMN_EVE INT64_C(1792800000) /* 2026-10-24T00:00:00Z, and back */

enum { SCENE_STEPS_MAX = 16 };

enum happening {
    END,
    BOOT_UNSET, /* the wall clock starts in 1970 and is not trusted */
    BOOT_RTC,   /* it was set from a battery clock that is `value` seconds ahead */
    SYNC,       /* NTP sets it */
    MOVE, /* somebody sets it `value` seconds ahead of what it was; the kernel drops its trust */
    MOVE_RTC, /* likewise, while the battery clock is what is believed */
    POWER_CUT,
    ARRIVE,
    LEAVE,
    OTHER_TAP, /* another carer, who has no visit here */
};

struct step {
    int32_t at_s; /* of the day: when it really happens */
    enum happening what;
    int64_t value;
};

struct scene {
    const char *name;
    int64_t day_utc;
    int32_t visit_s; /* when the visit begins, of the day */
    struct step steps[SCENE_STEPS_MAX];
    const char *in;      /* what the table must show of the arrival: source and doubt */
    const char *out;     /* of the leaving */
    const char *verdict; /* slot, flag, exceptions */
    bool is_wrong;       /* the evidence misleads: effective and truth may differ */
};

extern const struct scene scenes[];
extern const size_t scene_count;

#endif
