/*
 * gpio_linux.h - hal_gpio lines and hal_input contacts on Linux.
 *
 * A line is named by a string:
 *   "gpiochip0:25"           line 25 of a chip by device name
 *   "pinctrl-bcm2835:25"     line 25 of the chip with that label: chip numbers move, labels do not
 *   "PN532_IRQ"              by line name
 *   "file:/path"             a file that holds 0 or 1 (a sysfs value file, or a test)
 *
 * The chip lines come from libgpiod 1.6 or 2.x, whichever CMake found (gpio_linux_v1.c, _v2.c).
 *
 * Ownership: who opens closes; close takes NULL.
 * Errors:    -EINVAL a name that cannot be understood, -ENOENT no such line, -EBUSY somebody has
 *            it, otherwise what the kernel said.
 */
#ifndef ECM_HAL_LINUX_GPIO_LINUX_H
#define ECM_HAL_LINUX_GPIO_LINUX_H

#include "hal/gpio.h"
#include "hal/input.h"

/* Open a line to drive, starting at level. */
int gpio_linux_open_out(struct hal_gpio_out **ret_line, const char *name, bool level);
void gpio_linux_close_out(struct hal_gpio_out *line);

/* Open a line to watch for falling edges, with a pull-up where the hardware has one. */
int gpio_linux_open_in(struct hal_gpio_in **ret_line, const char *name);
void gpio_linux_close_in(struct hal_gpio_in *line);

/* Open a line to watch for both edges. A file has no bias, and no descriptor to wait for. */
int gpio_linux_open_input(struct hal_input **ret_input, const char *name, enum hal_input_bias bias);
void gpio_linux_close_input(struct hal_input *input);

#endif
