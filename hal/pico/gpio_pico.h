/*
 * gpio_pico.h - lines of an RP2040 (hal/gpio.h). A falling edge is an interrupt, which also ends a
 * wait for events (WFE), so who sleeps in one is told: fd() is HAL_GPIO_TOLD.
 *
 * Ownership: the structs are the caller's and must live as long as the program.
 */
#ifndef ECM_HAL_PICO_GPIO_PICO_H
#define ECM_HAL_PICO_GPIO_PICO_H

#include <stdbool.h>

#include "hal/gpio.h"

struct gpio_pico_out {
    struct hal_gpio_out line; /* first */
    unsigned pin;
};

struct gpio_pico_in {
    struct hal_gpio_in line; /* first */
    unsigned pin;
};

void gpio_pico_out_init(struct gpio_pico_out *line, unsigned pin, bool level);

/* With the pull-up on. */
void gpio_pico_in_init(struct gpio_pico_in *line, unsigned pin);

/* Whether an edge is queued that wait_edge() has not forgotten yet. */
bool gpio_pico_has_edge(const struct gpio_pico_in *line);

#endif
