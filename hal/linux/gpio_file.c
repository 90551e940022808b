/*
 * gpio_file.c - a line that is a file holding 0 or 1.
 *
 * Level by pread and pwrite at offset 0, as a sysfs value file wants it. Edges are found by
 * looking every millisecond: this is for tests and odd boards, not for speed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "hal/linux/gpio_lines.h"

enum { LOOK_US = 1000 };

struct file_out {
    struct gpio_linux_out base; /* first */
    int fd;
};

struct file_in {
    struct gpio_linux_in base; /* first */
    int fd;
    int last_level;
};

struct file_input {
    struct gpio_linux_input base; /* first */
    int fd;
    int last_level;
};

static int set_level(struct hal_gpio_out *base, bool level)
{
    struct file_out *line = (struct file_out *)base;

    return pwrite(line->fd, level ? "1\n" : "0\n", 2, 0) == 2 ? 0 : -EIO;
}

static void close_out(struct gpio_linux_out *base)
{
    struct file_out *line = (struct file_out *)base;

    (void)close(line->fd);
    free(line);
}

static const struct hal_gpio_out_ops file_out_ops = {.set = set_level};

int gpio_file_open_out(struct gpio_linux_out **ret_line, const char *path, bool level)
{
    struct file_out *line = calloc(1, sizeof *line);
    int rc = 0;

    if (line == NULL) {
        return -ENOMEM;
    }
    line->base = (struct gpio_linux_out){.base = {.ops = &file_out_ops}, .close = close_out};
    line->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (line->fd < 0) {
        rc = -errno;
        free(line);
        return rc;
    }
    rc = set_level(&line->base.base, level);
    if (rc < 0) {
        close_out(&line->base);
        return rc;
    }
    *ret_line = &line->base;
    return 0;
}

/* 0, 1 or -EIO. */
static int read_digit(int fd)
{
    char digit = 0;

    if (pread(fd, &digit, 1, 0) != 1 || (digit != '0' && digit != '1')) {
        return -EIO;
    }
    return digit == '1';
}

static int read_level(struct hal_gpio_in *base)
{
    struct file_in *line = (struct file_in *)base;
    int level = read_digit(line->fd);

    if (level >= 0) {
        line->last_level = level;
    }
    return level;
}

/* 1 when the level went from high to low since the last look. */
static int look_for_edge(struct file_in *line)
{
    int before = line->last_level;
    int level = read_level(&line->base.base);

    return level < 0 ? level : before == 1 && level == 0;
}

static int wait_edge(struct hal_gpio_in *base, uint64_t timeout_us)
{
    struct file_in *line = (struct file_in *)base;
    int rc = look_for_edge(line);

    for (uint64_t waited_us = 0; rc == 0 && waited_us < timeout_us; waited_us += LOOK_US) {
        const struct timespec pause = {.tv_nsec = LOOK_US * 1000};

        (void)nanosleep(&pause, NULL);
        rc = look_for_edge(line);
    }
    return rc;
}

static int no_fd(struct hal_gpio_in *base)
{
    (void)base;
    return HAL_GPIO_NO_FD;
}

static void close_in(struct gpio_linux_in *base)
{
    struct file_in *line = (struct file_in *)base;

    (void)close(line->fd);
    free(line);
}

static const struct hal_gpio_in_ops file_in_ops = {
    .level = read_level, .wait_edge = wait_edge, .fd = no_fd};

int gpio_file_open_in(struct gpio_linux_in **ret_line, const char *path)
{
    struct file_in *line = calloc(1, sizeof *line);

    if (line == NULL) {
        return -ENOMEM;
    }
    line->base = (struct gpio_linux_in){.base = {.ops = &file_in_ops}, .close = close_in};
    line->last_level = 1;
    line->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (line->fd < 0) {
        int rc = -errno;

        free(line);
        return rc;
    }
    *ret_line = &line->base;
    return 0;
}

/* ---- contacts ----------------------------------------------------------------------------- */

/* A file has no queue: an edge is a level that is another one than at the last look. */
static int input_read_edge(struct hal_input *base, struct hal_input_edge *ret_edge)
{
    struct file_input *input = (struct file_input *)base;
    int level = read_digit(input->fd);

    if (level < 0 || level == input->last_level) {
        return level < 0 ? level : 0;
    }
    input->last_level = level;
    *ret_edge = (struct hal_input_edge){.level = level != 0};
    return 1;
}

static int input_level(struct hal_input *base)
{
    return read_digit(((struct file_input *)base)->fd);
}

static int input_no_fd(struct hal_input *base)
{
    (void)base;
    return HAL_INPUT_NO_FD;
}

static void close_input(struct gpio_linux_input *base)
{
    struct file_input *input = (struct file_input *)base;

    (void)close(input->fd);
    free(input);
}

static const struct hal_input_ops file_input_ops = {
    .read_edge = input_read_edge, .level = input_level, .fd = input_no_fd};

int gpio_file_open_input(struct gpio_linux_input **ret_input, const char *path)
{
    struct file_input *input = calloc(1, sizeof *input);

    if (input == NULL) {
        return -ENOMEM;
    }
    input->base = (struct gpio_linux_input){.base = {.ops = &file_input_ops}, .close = close_input};
    input->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (input->fd < 0) {
        int rc = -errno;

        free(input);
        return rc;
    }
    input->last_level = read_digit(input->fd);
    *ret_input = &input->base;
    return 0;
}
