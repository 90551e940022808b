/*
 * gpio_linux.c - understand a line's name and pass it to who makes such lines.
 */
#include "hal/linux/gpio_linux.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/linux/gpio_lines.h"

enum { OFFSET_MAX = 1023 };

static const char file_prefix[] = "file:";

static bool is_file(const char *name)
{
    return strncmp(name, file_prefix, strlen(file_prefix)) == 0;
}

static int copy_part(char *part, size_t capacity, const char *text, size_t size)
{
    if (size == 0 || size >= capacity) {
        return -EINVAL;
    }
    memcpy(part, text, size);
    part[size] = '\0';
    return 0;
}

/* "chip:number" or "line name". A label may hold colons, so the last one counts. */
static int parse_name(const char *text, struct gpio_line_name *ret_name)
{
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    unsigned long offset = 0;

    *ret_name = (struct gpio_line_name){.offset = 0};
    if (colon == NULL) {
        return copy_part(ret_name->line, sizeof ret_name->line, text, strlen(text));
    }
    if (colon[1] < '0' || colon[1] > '9') {
        return -EINVAL;
    }
    offset = strtoul(colon + 1, &end, 10);
    if (*end != '\0' || offset > OFFSET_MAX) {
        return -EINVAL;
    }
    ret_name->offset = (unsigned)offset;
    return copy_part(ret_name->chip, sizeof ret_name->chip, text, (size_t)(colon - text));
}

int gpio_linux_open_out(struct hal_gpio_out **ret_line, const char *name, bool level)
{
    struct gpio_line_name parsed;
    struct gpio_linux_out *line = NULL;
    int rc = 0;

    if (is_file(name)) {
        rc = gpio_file_open_out(&line, name + strlen(file_prefix), level);
    } else {
        rc = parse_name(name, &parsed);
        if (rc == 0) {
            rc = gpio_chip_open_out(&line, &parsed, level);
        }
    }
    if (rc == 0) {
        *ret_line = &line->base;
    }
    return rc;
}

void gpio_linux_close_out(struct hal_gpio_out *line)
{
    struct gpio_linux_out *out = (struct gpio_linux_out *)line;

    if (out != NULL) {
        out->close(out);
    }
}

int gpio_linux_open_in(struct hal_gpio_in **ret_line, const char *name)
{
    struct gpio_line_name parsed;
    struct gpio_linux_in *line = NULL;
    int rc = 0;

    if (is_file(name)) {
        rc = gpio_file_open_in(&line, name + strlen(file_prefix));
    } else {
        rc = parse_name(name, &parsed);
        if (rc == 0) {
            rc = gpio_chip_open_in(&line, &parsed);
        }
    }
    if (rc == 0) {
        *ret_line = &line->base;
    }
    return rc;
}

void gpio_linux_close_in(struct hal_gpio_in *line)
{
    struct gpio_linux_in *in = (struct gpio_linux_in *)line;

    if (in != NULL) {
        in->close(in);
    }
}

int gpio_linux_open_input(struct hal_input **ret_input, const char *name, enum hal_input_bias bias)
{
    struct gpio_line_name parsed;
    struct gpio_linux_input *input = NULL;
    int rc = 0;

    if (is_file(name)) {
        rc = gpio_file_open_input(&input, name + strlen(file_prefix));
    } else {
        rc = parse_name(name, &parsed);
        if (rc == 0) {
            rc = gpio_chip_open_input(&input, &parsed, bias);
        }
    }
    if (rc == 0) {
        *ret_input = &input->base;
    }
    return rc;
}

void gpio_linux_close_input(struct hal_input *input)
{
    struct gpio_linux_input *line = (struct gpio_linux_input *)input;

    if (line != NULL) {
        line->close(line);
    }
}
