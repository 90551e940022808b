/*
 * feedback_patterns.h - the light and sound of each hal_feedback_pattern, for any lamp hardware.
 *
 * A player walks one pattern's steps by the clock it is given and says which lamps are to be on;
 * the feedback implementation only has to switch them. The patterns are a table so that every
 * board blinks the same language.
 *
 * Threads: none of its own. Nothing blocks, nothing is allocated.
 */
#ifndef ECM_HAL_FEEDBACK_PATTERNS_H
#define ECM_HAL_FEEDBACK_PATTERNS_H

#include <stddef.h>
#include <stdint.h>

#include "hal/feedback.h"

enum hal_lamp {
    HAL_LAMP_GREEN = 1,
    HAL_LAMP_AMBER = 2,
    HAL_LAMP_RED = 4,
    HAL_LAMP_TONE = 8,      /* the normal tone */
    HAL_LAMP_LOW_TONE = 16, /* the low tone; a plain buzzer has only one pitch and sounds it */
};

struct hal_feedback_step {
    uint16_t lamps; /* set of enum hal_lamp */
    uint16_t ms;    /* never 0 */
};

struct hal_feedback_player {
    const struct hal_feedback_step *steps;
    size_t count;
    size_t index;
    uint64_t until_us; /* end of the running step */
};

/* Start pattern. Returns the lamps that are to be on now. */
unsigned hal_feedback_player_start(
    struct hal_feedback_player *player, enum hal_feedback_pattern pattern, uint64_t now_us);

/* Move on to now_us. Returns the lamps that are to be on; none once the pattern is over. */
unsigned hal_feedback_player_step(struct hal_feedback_player *player, uint64_t now_us);

/* Milliseconds until the next change, HAL_FEEDBACK_IDLE_MS when the pattern is over. */
int hal_feedback_player_wait_ms(const struct hal_feedback_player *player, uint64_t now_us);

#endif
