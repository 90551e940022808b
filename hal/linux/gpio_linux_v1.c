/*
 * gpio_linux_v1.c - chip lines through libgpiod 1.6 (Debian 12).
 *
 * The chip must stay open as long as a line of it is used: closing it releases the line. So each
 * line owns a chip handle of its own.
 */
#include <errno.h>
#include <gpiod.h>
#include <stdlib.h>
#include <time.h>

#include "hal/linux/gpio_lines.h"

static const char consumer[] = "ecm";

enum { EVENTS_MAX = 16 }; /* read at once when queued edges are forgotten */

struct chip_out {
    struct gpio_linux_out base; /* first */
    struct gpiod_chip *chip;
    struct gpiod_line *line;
};

struct chip_in {
    struct gpio_linux_in base; /* first */
    struct gpiod_chip *chip;
    struct gpiod_line *line;
};

struct chip_input {
    struct gpio_linux_input base; /* first */
    struct gpiod_chip *chip;
    struct gpiod_line *line;
};

static int code_from_errno(void)
{
    return errno != 0 ? -errno : -EIO;
}

/* Find the chip and the line on it. Who asked closes the chip. */
static int find_line(
    const struct gpio_line_name *name, struct gpiod_chip **ret_chip, struct gpiod_line **ret_line)
{
    struct gpiod_line *line = NULL;
    struct gpiod_chip *chip = NULL;

    errno = 0;
    if (name->chip[0] == '\0') {
        line = gpiod_line_find(name->line);
        if (line == NULL) {
            return -ENOENT;
        }
        *ret_line = line;
        *ret_chip = gpiod_line_get_chip(line);
        return 0;
    }
    chip = gpiod_chip_open_lookup(name->chip);
    if (chip == NULL) {
        return code_from_errno();
    }
    line = gpiod_chip_get_line(chip, name->offset);
    if (line == NULL) {
        gpiod_chip_close(chip);
        return -ENOENT;
    }
    *ret_line = line;
    *ret_chip = chip;
    return 0;
}

static int set_level(struct hal_gpio_out *base, bool level)
{
    struct chip_out *out = (struct chip_out *)base;

    return gpiod_line_set_value(out->line, level) < 0 ? -EIO : 0;
}

static void close_out(struct gpio_linux_out *base)
{
    struct chip_out *out = (struct chip_out *)base;

    gpiod_chip_close(out->chip);
    free(out);
}

static const struct hal_gpio_out_ops chip_out_ops = {.set = set_level};

int gpio_chip_open_out(
    struct gpio_linux_out **ret_line, const struct gpio_line_name *name, bool level)
{
    struct chip_out *out = calloc(1, sizeof *out);
    int rc = 0;

    if (out == NULL) {
        return -ENOMEM;
    }
    rc = find_line(name, &out->chip, &out->line);
    if (rc < 0) {
        free(out);
        return rc;
    }
    errno = 0;
    if (gpiod_line_request_output(out->line, consumer, level) < 0) {
        rc = code_from_errno();
        close_out(&out->base);
        return rc;
    }
    out->base = (struct gpio_linux_out){.base = {.ops = &chip_out_ops}, .close = close_out};
    *ret_line = &out->base;
    return 0;
}

static int read_level(struct hal_gpio_in *base)
{
    struct chip_in *in = (struct chip_in *)base;
    int level = gpiod_line_get_value(in->line);

    return level < 0 ? -EIO : level;
}

static int wait_edge(struct hal_gpio_in *base, uint64_t timeout_us)
{
    struct chip_in *in = (struct chip_in *)base;
    const struct timespec wanted = {
        .tv_sec = (time_t)(timeout_us / 1000000), .tv_nsec = (long)(timeout_us % 1000000) * 1000};
    const struct timespec none = {0};
    struct gpiod_line_event events[EVENTS_MAX];
    int found = gpiod_line_event_wait(in->line, &wanted);

    if (found < 0) {
        return errno == EINTR ? 0 : -EIO;
    }
    for (int more = found; more > 0;) {
        if (gpiod_line_event_read_multiple(in->line, events, EVENTS_MAX) < 0) {
            return -EIO;
        }
        more = gpiod_line_event_wait(in->line, &none);
    }
    return found;
}

static int get_fd(struct hal_gpio_in *base)
{
    return gpiod_line_event_get_fd(((struct chip_in *)base)->line);
}

static void close_in(struct gpio_linux_in *base)
{
    struct chip_in *in = (struct chip_in *)base;

    gpiod_chip_close(in->chip);
    free(in);
}

static const struct hal_gpio_in_ops chip_in_ops = {
    .level = read_level, .wait_edge = wait_edge, .fd = get_fd};

int gpio_chip_open_in(struct gpio_linux_in **ret_line, const struct gpio_line_name *name)
{
    struct chip_in *in = calloc(1, sizeof *in);
    int rc = 0;

    if (in == NULL) {
        return -ENOMEM;
    }
    rc = find_line(name, &in->chip, &in->line);
    if (rc < 0) {
        free(in);
        return rc;
    }
    errno = 0;
    if (gpiod_line_request_falling_edge_events_flags(
            in->line, consumer, GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP) < 0) {
        rc = code_from_errno();
        close_in(&in->base);
        return rc;
    }
    in->base = (struct gpio_linux_in){.base = {.ops = &chip_in_ops}, .close = close_in};
    *ret_line = &in->base;
    return 0;
}

/* ---- contacts ----------------------------------------------------------------------------- */

/* Since Linux 5.7 edges are stamped with the monotonic clock, also by this library's ioctls. */
static uint64_t age_of(const struct timespec *then)
{
    struct timespec now = {0};
    int64_t age_us = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    age_us = (int64_t)(now.tv_sec - then->tv_sec) * 1000000 + (now.tv_nsec - then->tv_nsec) / 1000;
    return age_us > 0 ? (uint64_t)age_us : 0;
}

static int input_read_edge(struct hal_input *base, struct hal_input_edge *ret_edge)
{
    struct chip_input *input = (struct chip_input *)base;
    const struct timespec none = {0};
    struct gpiod_line_event event;
    int found = gpiod_line_event_wait(input->line, &none);

    if (found <= 0) {
        return found == 0 || errno == EINTR ? 0 : -EIO;
    }
    if (gpiod_line_event_read(input->line, &event) < 0) {
        return -EIO;
    }
    *ret_edge = (struct hal_input_edge){
        .level = event.event_type == GPIOD_LINE_EVENT_RISING_EDGE,
        .age_us = age_of(&event.ts),
    };
    return 1;
}

static int input_level(struct hal_input *base)
{
    int level = gpiod_line_get_value(((struct chip_input *)base)->line);

    return level < 0 ? -EIO : level;
}

static int input_fd(struct hal_input *base)
{
    return gpiod_line_event_get_fd(((struct chip_input *)base)->line);
}

static void close_input(struct gpio_linux_input *base)
{
    struct chip_input *input = (struct chip_input *)base;

    gpiod_chip_close(input->chip);
    free(input);
}

static const struct hal_input_ops chip_input_ops = {
    .read_edge = input_read_edge, .level = input_level, .fd = input_fd};

static int flags_for(enum hal_input_bias bias)
{
    switch (bias) {
    case HAL_INPUT_PULL_UP:
        return GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP;
    case HAL_INPUT_PULL_DOWN:
        return GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN;
    case HAL_INPUT_NO_BIAS:
        break;
    }
    return GPIOD_LINE_REQUEST_FLAG_BIAS_DISABLE;
}

int gpio_chip_open_input(struct gpio_linux_input **ret_input, const struct gpio_line_name *name,
    enum hal_input_bias bias)
{
    struct chip_input *input = calloc(1, sizeof *input);
    int rc = 0;

    if (input == NULL) {
        return -ENOMEM;
    }
    rc = find_line(name, &input->chip, &input->line);
    if (rc < 0) {
        free(input);
        return rc;
    }
    errno = 0;
    if (gpiod_line_request_both_edges_events_flags(input->line, consumer, flags_for(bias)) < 0) {
        rc = code_from_errno();
        close_input(&input->base);
        return rc;
    }
    input->base = (struct gpio_linux_input){.base = {.ops = &chip_input_ops}, .close = close_input};
    *ret_input = &input->base;
    return 0;
}
