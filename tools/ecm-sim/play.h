/*
 * play.h - the run: homes open, the script is played at its pace, then everything is waited for.
 *
 * Threads:  one thread plays; the MQTT I/O has its own (base/mqtt.h).
 * Blocking: until everything is acked, or the time-out, or play_stop().
 */
#ifndef ECM_TOOLS_SIM_PLAY_H
#define ECM_TOOLS_SIM_PLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/ecm-sim/home.h"
#include "tools/ecm-sim/outcome.h"
#include "tools/ecm-sim/script.h"

struct err;

struct play_conf {
    const struct script *script;
    struct home_conf home; /* io is filled in by play() */
    unsigned speed;        /* simulated seconds a second; 0: as fast as possible */
    unsigned timeout_s;    /* how long to wait at the end for the last acks */
    bool is_quiet;
};

/*
 * Play. 0: everything is at the collector; -ETIMEDOUT: not in time; -EINTR: stopped; else what
 * could not be opened. outcome holds what was done in any case.
 */
int play(const struct play_conf *conf, struct outcome *outcome, struct err *err);

/* Stop soon. May be called from a signal handler. */
void play_stop(void);

#endif
