/*
 * fake_gpio.c - see fake_gpio.h.
 */
#include "hal/fake/fake_gpio.h"

#include <errno.h>
#include <stddef.h>

static int set_level(struct hal_gpio_out *base, bool level)
{
    struct fake_gpio_out *line = (struct fake_gpio_out *)base;

    if (fake_fail_now(&line->fail)) {
        return -EIO;
    }
    line->changes += line->level != level;
    line->level = level;
    return line->inner != NULL ? hal_gpio_set(line->inner, level) : 0;
}

static int get_level(struct hal_gpio_in *base)
{
    struct fake_gpio_in *line = (struct fake_gpio_in *)base;

    if (fake_fail_now(&line->fail)) {
        return -EIO;
    }
    return line->inner != NULL ? hal_gpio_level(line->inner) : line->level;
}

static int wait_edge(struct hal_gpio_in *base, uint64_t timeout_us)
{
    struct fake_gpio_in *line = (struct fake_gpio_in *)base;

    if (fake_fail_now(&line->fail)) {
        return -EIO;
    }
    if (line->inner != NULL) {
        return hal_gpio_wait_edge(line->inner, timeout_us);
    }
    if (line->clock != NULL) {
        hal_clock_sleep_us(line->clock, timeout_us);
    }
    return 0;
}

static int get_fd(struct hal_gpio_in *base)
{
    struct fake_gpio_in *line = (struct fake_gpio_in *)base;

    return line->inner != NULL ? hal_gpio_fd(line->inner) : HAL_GPIO_TOLD;
}

static const struct hal_gpio_out_ops fake_out_ops = {.set = set_level};
static const struct hal_gpio_in_ops fake_in_ops = {
    .level = get_level, .wait_edge = wait_edge, .fd = get_fd};

void fake_gpio_out_init(struct fake_gpio_out *line, struct hal_gpio_out *inner)
{
    *line = (struct fake_gpio_out){.base = {.ops = &fake_out_ops}, .inner = inner, .level = true};
}

void fake_gpio_in_init(struct fake_gpio_in *line, struct hal_gpio_in *inner)
{
    *line = (struct fake_gpio_in){.base = {.ops = &fake_in_ops}, .inner = inner, .level = true};
}
