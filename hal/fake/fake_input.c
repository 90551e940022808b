/*
 * fake_input.c - see fake_input.h.
 */
#include "hal/fake/fake_input.h"

#include <errno.h>
#include <string.h>

static int read_edge(struct hal_input *base, struct hal_input_edge *ret_edge)
{
    struct fake_input *input = (struct fake_input *)base;

    if (fake_fail_now(&input->fail)) {
        return -EIO;
    }
    if (input->count == 0) {
        return 0;
    }
    *ret_edge = (struct hal_input_edge){
        .level = input->edges[0].level,
        .age_us = hal_clock_boot_us(input->clock) - input->edges[0].at_us,
    };
    input->count--;
    memmove(&input->edges[0], &input->edges[1], input->count * sizeof input->edges[0]);
    return 1;
}

static int level(struct hal_input *base)
{
    struct fake_input *input = (struct fake_input *)base;

    return fake_fail_now(&input->fail) ? -EIO : input->level;
}

static int fd(struct hal_input *base)
{
    return ((struct fake_input *)base)->fd;
}

void fake_input_init(struct fake_input *input, struct hal_clock *clock, bool level_now)
{
    static const struct hal_input_ops ops = {.read_edge = read_edge, .level = level, .fd = fd};

    *input = (struct fake_input){
        .base = {.ops = &ops}, .clock = clock, .fd = HAL_INPUT_NO_FD, .level = level_now};
}

void fake_input_set(struct fake_input *input, bool level_now)
{
    if (level_now == input->level) {
        return;
    }
    input->level = level_now;
    if (input->count < FAKE_INPUT_EDGES_MAX) {
        input->edges[input->count].level = level_now;
        input->edges[input->count++].at_us = hal_clock_boot_us(input->clock);
    }
}
