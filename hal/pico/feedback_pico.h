/*
 * feedback_pico.h - three LEDs and a passive buzzer (hal/feedback.h).
 *
 * Ownership: the struct is the caller's.
 */
#ifndef ECM_HAL_PICO_FEEDBACK_PICO_H
#define ECM_HAL_PICO_FEEDBACK_PICO_H

#include "hal/feedback.h"
#include "hal/feedback_patterns.h"

struct feedback_pico_pins {
    unsigned green;
    unsigned amber;
    unsigned red;
    unsigned buzzer;
    unsigned tone_hz;
    unsigned low_tone_hz;
};

struct feedback_pico {
    struct hal_feedback feedback; /* first */
    struct hal_feedback_player player;
    struct feedback_pico_pins pins;
};

void feedback_pico_init(struct feedback_pico *feedback, const struct feedback_pico_pins *pins);

#endif
