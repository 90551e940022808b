/*
 * feedback_text.h - what the carer would see and hear, as a line of words.
 *
 * For a laptop without lamps. Colours are used when out is a terminal.
 *
 * Ownership: the struct is the caller's; out is borrowed.
 */
#ifndef ECM_GATEWAY_FEEDBACK_TEXT_H
#define ECM_GATEWAY_FEEDBACK_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "hal/feedback.h"

struct feedback_text {
    struct hal_feedback base; /* first */
    FILE *out;                /* NULL: shows nothing */
    bool has_colours;
};

void feedback_text_init(struct feedback_text *feedback, FILE *out);

#endif
