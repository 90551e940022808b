/*
 * gpio_linux_v2.c - chip lines through libgpiod 2.x (Debian 13, Raspberry Pi OS).
 *
 * A request stands on its own here: the chip is closed as soon as the line is requested. There is
 * no lookup by label or line name in the library, so the chips under /dev are walked.
 */
#include <dirent.h>
#include <errno.h>
#include <gpiod.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hal/linux/gpio_lines.h"

static const char consumer[] = "ecm";

enum { EVENTS_MAX = 16 }; /* read at once when queued edges are forgotten */

struct chip_out {
    struct gpio_linux_out base; /* first */
    struct gpiod_line_request *request;
    unsigned offset;
};

struct chip_in {
    struct gpio_linux_in base; /* first */
    struct gpiod_line_request *request;
    struct gpiod_edge_event_buffer *events;
    unsigned offset;
};

struct chip_input {
    struct gpio_linux_input base; /* first */
    struct gpiod_line_request *request;
    struct gpiod_edge_event_buffer *events; /* room for one */
    unsigned offset;
};

static int code_from_errno(void)
{
    return errno != 0 ? -errno : -EIO;
}

/* Whether name means chip, by device name or label. */
static bool is_chip(struct gpiod_chip *chip, const char *name)
{
    struct gpiod_chip_info *info = gpiod_chip_get_info(chip);
    bool is_it = false;

    if (info != NULL) {
        is_it = strcmp(gpiod_chip_info_get_name(info), name) == 0 ||
                strcmp(gpiod_chip_info_get_label(info), name) == 0;
        gpiod_chip_info_free(info);
    }
    return is_it;
}

/* Whether the wanted line is on chip; its offset then. */
static bool has_line(
    struct gpiod_chip *chip, const struct gpio_line_name *name, unsigned *ret_offset)
{
    int offset = 0;

    if (name->chip[0] != '\0') {
        *ret_offset = name->offset;
        return is_chip(chip, name->chip);
    }
    offset = gpiod_chip_get_line_offset_from_name(chip, name->line);
    if (offset < 0) {
        return false;
    }
    *ret_offset = (unsigned)offset;
    return true;
}

/* Find and open the chip that has the line. Who asked closes it. */
static int find_line(
    const struct gpio_line_name *name, struct gpiod_chip **ret_chip, unsigned *ret_offset)
{
    DIR *folder = opendir("/dev");
    struct dirent *entry = NULL;
    int rc = -ENOENT;

    if (folder == NULL) {
        return -errno;
    }
    for (entry = readdir(folder); entry != NULL && rc != 0; entry = readdir(folder)) {
        char path[sizeof entry->d_name + sizeof "/dev/"];
        struct gpiod_chip *chip = NULL;

        if (strncmp(entry->d_name, "gpiochip", strlen("gpiochip")) != 0) {
            continue;
        }
        (void)snprintf(path, sizeof path, "/dev/%s", entry->d_name);
        errno = 0;
        chip = gpiod_chip_open(path);
        if (chip == NULL) {
            rc = code_from_errno(); /* told only when no other chip has the line */
            continue;
        }
        if (has_line(chip, name, ret_offset)) {
            *ret_chip = chip;
            rc = 0;
        } else {
            gpiod_chip_close(chip);
        }
    }
    (void)closedir(folder);
    return rc;
}

/* Request one line with settings. NULL, with errno, when that fails. */
static struct gpiod_line_request *request_line(
    struct gpiod_chip *chip, unsigned offset, struct gpiod_line_settings *settings)
{
    struct gpiod_line_config *lines = gpiod_line_config_new();
    struct gpiod_request_config *config = gpiod_request_config_new();
    struct gpiod_line_request *request = NULL;

    if (lines != NULL && config != NULL &&
        gpiod_line_config_add_line_settings(lines, &offset, 1, settings) == 0) {
        gpiod_request_config_set_consumer(config, consumer);
        request = gpiod_chip_request_lines(chip, config, lines);
    }
    if (config != NULL) {
        gpiod_request_config_free(config);
    }
    if (lines != NULL) {
        gpiod_line_config_free(lines);
    }
    return request;
}

/* Find the line and request it with settings, which are released in any case. */
static int open_request(const struct gpio_line_name *name, struct gpiod_line_settings *settings,
    struct gpiod_line_request **ret_request, unsigned *ret_offset)
{
    struct gpiod_chip *chip = NULL;
    int rc = settings != NULL ? find_line(name, &chip, ret_offset) : -ENOMEM;

    if (rc == 0) {
        errno = 0;
        *ret_request = request_line(chip, *ret_offset, settings);
        if (*ret_request == NULL) {
            rc = code_from_errno();
        }
        gpiod_chip_close(chip);
    }
    if (settings != NULL) {
        gpiod_line_settings_free(settings);
    }
    return rc;
}

static struct gpiod_line_settings *output_settings(bool level)
{
    struct gpiod_line_settings *settings = gpiod_line_settings_new();

    if (settings != NULL &&
        (gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_OUTPUT) < 0 ||
            gpiod_line_settings_set_output_value(
                settings, level ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE) < 0)) {
        gpiod_line_settings_free(settings);
        return NULL;
    }
    return settings;
}

static struct gpiod_line_settings *input_settings(
    enum gpiod_line_edge edges, enum gpiod_line_bias bias)
{
    struct gpiod_line_settings *settings = gpiod_line_settings_new();

    if (settings != NULL &&
        (gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_INPUT) < 0 ||
            gpiod_line_settings_set_edge_detection(settings, edges) < 0 ||
            gpiod_line_settings_set_bias(settings, bias) < 0)) {
        gpiod_line_settings_free(settings);
        return NULL;
    }
    return settings;
}

static int set_level(struct hal_gpio_out *base, bool level)
{
    struct chip_out *out = (struct chip_out *)base;
    int rc = gpiod_line_request_set_value(
        out->request, out->offset, level ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE);

    return rc < 0 ? -EIO : 0;
}

static void close_out(struct gpio_linux_out *base)
{
    struct chip_out *out = (struct chip_out *)base;

    gpiod_line_request_release(out->request);
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
    rc = open_request(name, output_settings(level), &out->request, &out->offset);
    if (rc < 0) {
        free(out);
        return rc;
    }
    out->base = (struct gpio_linux_out){.base = {.ops = &chip_out_ops}, .close = close_out};
    *ret_line = &out->base;
    return 0;
}

static int read_level(struct hal_gpio_in *base)
{
    struct chip_in *in = (struct chip_in *)base;

    switch (gpiod_line_request_get_value(in->request, in->offset)) {
    case GPIOD_LINE_VALUE_ACTIVE:
        return 1;
    case GPIOD_LINE_VALUE_INACTIVE:
        return 0;
    case GPIOD_LINE_VALUE_ERROR:
        break;
    }
    return -EIO;
}

static int wait_edge(struct hal_gpio_in *base, uint64_t timeout_us)
{
    struct chip_in *in = (struct chip_in *)base;
    int found = gpiod_line_request_wait_edge_events(in->request, (int64_t)timeout_us * 1000);

    if (found < 0) {
        return errno == EINTR ? 0 : -EIO;
    }
    for (int more = found; more > 0;) {
        if (gpiod_line_request_read_edge_events(in->request, in->events, EVENTS_MAX) < 0) {
            return -EIO;
        }
        more = gpiod_line_request_wait_edge_events(in->request, 0);
    }
    return found;
}

static int get_fd(struct hal_gpio_in *base)
{
    return gpiod_line_request_get_fd(((struct chip_in *)base)->request);
}

static void close_in(struct gpio_linux_in *base)
{
    struct chip_in *in = (struct chip_in *)base;

    gpiod_edge_event_buffer_free(in->events);
    gpiod_line_request_release(in->request);
    free(in);
}

static const struct hal_gpio_in_ops chip_in_ops = {
    .level = read_level, .wait_edge = wait_edge, .fd = get_fd};

int gpio_chip_open_in(struct gpio_linux_in **ret_line, const struct gpio_line_name *name)
{
    struct chip_in *in = calloc(1, sizeof *in);
    int rc = -ENOMEM;

    if (in == NULL) {
        return rc;
    }
    in->events = gpiod_edge_event_buffer_new(EVENTS_MAX);
    if (in->events != NULL) {
        rc = open_request(name, input_settings(GPIOD_LINE_EDGE_FALLING, GPIOD_LINE_BIAS_PULL_UP),
            &in->request, &in->offset);
    }
    if (rc < 0) {
        gpiod_edge_event_buffer_free(in->events); /* takes NULL */
        free(in);
        return rc;
    }
    in->base = (struct gpio_linux_in){.base = {.ops = &chip_in_ops}, .close = close_in};
    *ret_line = &in->base;
    return 0;
}

/* ---- contacts ----------------------------------------------------------------------------- */

/* Edges are stamped with the monotonic clock unless asked otherwise. */
static uint64_t age_of(uint64_t then_ns)
{
    struct timespec now = {0};
    uint64_t now_ns = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    return now_ns > then_ns ? (now_ns - then_ns) / 1000 : 0;
}

static int input_read_edge(struct hal_input *base, struct hal_input_edge *ret_edge)
{
    struct chip_input *input = (struct chip_input *)base;
    struct gpiod_edge_event *event = NULL;
    int found = gpiod_line_request_wait_edge_events(input->request, 0);

    if (found <= 0) {
        return found == 0 || errno == EINTR ? 0 : -EIO;
    }
    if (gpiod_line_request_read_edge_events(input->request, input->events, 1) < 1) {
        return -EIO;
    }
    event = gpiod_edge_event_buffer_get_event(input->events, 0); /* the buffer's, not ours */
    *ret_edge = (struct hal_input_edge){
        .level = gpiod_edge_event_get_event_type(event) == GPIOD_EDGE_EVENT_RISING_EDGE,
        .age_us = age_of(gpiod_edge_event_get_timestamp_ns(event)),
    };
    return 1;
}

static int input_level(struct hal_input *base)
{
    struct chip_input *input = (struct chip_input *)base;

    switch (gpiod_line_request_get_value(input->request, input->offset)) {
    case GPIOD_LINE_VALUE_ACTIVE:
        return 1;
    case GPIOD_LINE_VALUE_INACTIVE:
        return 0;
    case GPIOD_LINE_VALUE_ERROR:
        break;
    }
    return -EIO;
}

static int input_fd(struct hal_input *base)
{
    return gpiod_line_request_get_fd(((struct chip_input *)base)->request);
}

static void close_input(struct gpio_linux_input *base)
{
    struct chip_input *input = (struct chip_input *)base;

    gpiod_edge_event_buffer_free(input->events);
    gpiod_line_request_release(input->request);
    free(input);
}

static const struct hal_input_ops chip_input_ops = {
    .read_edge = input_read_edge, .level = input_level, .fd = input_fd};

static enum gpiod_line_bias bias_of(enum hal_input_bias bias)
{
    switch (bias) {
    case HAL_INPUT_PULL_UP:
        return GPIOD_LINE_BIAS_PULL_UP;
    case HAL_INPUT_PULL_DOWN:
        return GPIOD_LINE_BIAS_PULL_DOWN;
    case HAL_INPUT_NO_BIAS:
        break;
    }
    return GPIOD_LINE_BIAS_DISABLED;
}

int gpio_chip_open_input(struct gpio_linux_input **ret_input, const struct gpio_line_name *name,
    enum hal_input_bias bias)
{
    struct chip_input *input = calloc(1, sizeof *input);
    int rc = -ENOMEM;

    if (input == NULL) {
        return rc;
    }
    input->events = gpiod_edge_event_buffer_new(1);
    if (input->events != NULL) {
        rc = open_request(name, input_settings(GPIOD_LINE_EDGE_BOTH, bias_of(bias)),
            &input->request, &input->offset);
    }
    if (rc < 0) {
        gpiod_edge_event_buffer_free(input->events); /* takes NULL */
        free(input);
        return rc;
    }
    input->base = (struct gpio_linux_input){.base = {.ops = &chip_input_ops}, .close = close_input};
    *ret_input = &input->base;
    return 0;
}
