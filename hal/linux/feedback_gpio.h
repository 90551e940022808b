/*
 * feedback_gpio.h - hal_feedback on up to three lamps and a buzzer, one line each.
 *
 * Ownership: the struct is the caller's; the lines are borrowed. A line that is NULL is not fitted:
 * amber is then shown as green and red together, if those are there.
 */
#ifndef ECM_HAL_LINUX_FEEDBACK_GPIO_H
#define ECM_HAL_LINUX_FEEDBACK_GPIO_H

#include "hal/feedback.h"
#include "hal/feedback_patterns.h"
#include "hal/gpio.h"

struct feedback_gpio_lines {
    struct hal_gpio_out *green;
    struct hal_gpio_out *red;
    struct hal_gpio_out *amber;
    struct hal_gpio_out *buzzer;
};

struct feedback_gpio {
    struct hal_feedback base; /* first */
    struct feedback_gpio_lines lines;
    struct hal_feedback_player player;
};

/* All off. Lamps are on when their line is high. */
void feedback_gpio_init(struct feedback_gpio *feedback, const struct feedback_gpio_lines *lines);

#endif
