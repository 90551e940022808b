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

static int read_level(struct hal_gpio_in *base)
{
    struct file_in *line = (struct file_in *)base;
    char digit = 0;

    if (pread(line->fd, &digit, 1, 0) != 1 || (digit != '0' && digit != '1')) {
        return -EIO;
    }
    line->last_level = digit == '1';
    return line->last_level;
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
