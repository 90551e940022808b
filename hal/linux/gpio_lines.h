/*
 * gpio_lines.h - the two makers of lines behind gpio_linux.h: a GPIO chip, or a file.
 *
 * Inside hal/linux only. Lines know how to close themselves, so gpio_linux.c need not know what
 * they are.
 */
#ifndef ECM_HAL_LINUX_GPIO_LINES_H
#define ECM_HAL_LINUX_GPIO_LINES_H

#include "hal/gpio.h"
#include "hal/input.h"

struct gpio_linux_out {
    struct hal_gpio_out base; /* first */
    void (*close)(struct gpio_linux_out *line);
};

struct gpio_linux_in {
    struct hal_gpio_in base; /* first */
    void (*close)(struct gpio_linux_in *line);
};

struct gpio_linux_input {
    struct hal_input base; /* first */
    void (*close)(struct gpio_linux_input *input);
};

/* Which line is meant: a chip (device name or label) and a number, or a line name. */
struct gpio_line_name {
    char chip[64]; /* empty: find it by line */
    char line[64];
    unsigned offset; /* with chip */
};

/* libgpiod, in gpio_linux_v1.c or gpio_linux_v2.c. Errors as in gpio_linux.h. */
int gpio_chip_open_out(
    struct gpio_linux_out **ret_line, const struct gpio_line_name *name, bool level);
int gpio_chip_open_in(struct gpio_linux_in **ret_line, const struct gpio_line_name *name);
int gpio_chip_open_input(struct gpio_linux_input **ret_input, const struct gpio_line_name *name,
    enum hal_input_bias bias);

/* A file, in gpio_file.c. */
int gpio_file_open_out(struct gpio_linux_out **ret_line, const char *path, bool level);
int gpio_file_open_in(struct gpio_linux_in **ret_line, const char *path);
int gpio_file_open_input(struct gpio_linux_input **ret_input, const char *path);

#endif
