/*
 * fake_gpio.h - lines that fail on demand, by themselves or in front of other ones.
 *
 * Ownership: the structs are the caller's; inner and clock are borrowed and may be NULL. With
 *            neither, waiting returns at once: a driver that counts on time passing then never ends.
 */
#ifndef ECM_HAL_FAKE_FAKE_GPIO_H
#define ECM_HAL_FAKE_FAKE_GPIO_H

#include "hal/fake/fake_fail.h"
#include "hal/clock.h"
#include "hal/gpio.h"

struct fake_gpio_out {
    struct hal_gpio_out base; /* first */
    struct hal_gpio_out *inner;
    struct fake_fail fail;
    bool level;       /* last one set */
    uint32_t changes; /* how often it changed */
};

struct fake_gpio_in {
    struct hal_gpio_in base; /* first */
    struct hal_gpio_in *inner;
    struct fake_fail fail;
    struct hal_clock *clock; /* without inner: waiting for an edge sleeps on it */
    bool level;              /* without inner: what it reads */
};

/* The line starts high. */
void fake_gpio_out_init(struct fake_gpio_out *line, struct hal_gpio_out *inner);
void fake_gpio_in_init(struct fake_gpio_in *line, struct hal_gpio_in *inner);

#endif
