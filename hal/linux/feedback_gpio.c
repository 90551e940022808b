/*
 * feedback_gpio.c - switch lines as the pattern player says.
 */
#include "hal/linux/feedback_gpio.h"

#include <errno.h>
#include <stddef.h>

static int set_line(struct hal_gpio_out *line, unsigned on)
{
    return line != NULL ? hal_gpio_set(line, on != 0) : 0;
}

/* Set every line even when one fails: a dead green lamp must not silence the buzzer. */
static int set_lamps(struct feedback_gpio *feedback, unsigned lamps)
{
    const struct feedback_gpio_lines *lines = &feedback->lines;
    int failed = 0;

    if (lines->amber == NULL && (lamps & HAL_LAMP_AMBER) != 0) {
        lamps |= HAL_LAMP_GREEN | HAL_LAMP_RED;
    }
    failed |= set_line(lines->green, lamps & HAL_LAMP_GREEN);
    failed |= set_line(lines->red, lamps & HAL_LAMP_RED);
    failed |= set_line(lines->amber, lamps & HAL_LAMP_AMBER);
    failed |= set_line(lines->buzzer, lamps & (HAL_LAMP_TONE | HAL_LAMP_LOW_TONE));
    return failed != 0 ? -EIO : 0;
}

static int show(struct hal_feedback *base, enum hal_feedback_pattern pattern, uint64_t now_us)
{
    struct feedback_gpio *feedback = (struct feedback_gpio *)base;

    return set_lamps(feedback, hal_feedback_player_start(&feedback->player, pattern, now_us));
}

static int step(struct hal_feedback *base, uint64_t now_us)
{
    struct feedback_gpio *feedback = (struct feedback_gpio *)base;

    /* A lamp that fails here was reported by show(), or dies now; the pattern goes on. */
    (void)set_lamps(feedback, hal_feedback_player_step(&feedback->player, now_us));
    return hal_feedback_player_wait_ms(&feedback->player, now_us);
}

static const struct hal_feedback_ops feedback_gpio_ops = {.show = show, .step = step};

void feedback_gpio_init(struct feedback_gpio *feedback, const struct feedback_gpio_lines *lines)
{
    *feedback = (struct feedback_gpio){.base = {.ops = &feedback_gpio_ops}, .lines = *lines};
    (void)set_lamps(feedback, 0);
}
