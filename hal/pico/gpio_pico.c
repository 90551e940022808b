/*
 * gpio_pico.c - single lines and their falling edges.
 */
#include "hal/pico/gpio_pico.h"

#include <hardware/gpio.h>
#include <hardware/sync.h>
#include <pico/time.h>

/* A bit a pin: set by the interrupt, cleared by the owner. */
static volatile uint32_t edges;

static void on_edge(unsigned pin, uint32_t events)
{
    (void)events;
    edges |= 1u << pin;
}

static int set_level(struct hal_gpio_out *base, bool level)
{
    gpio_put(((const struct gpio_pico_out *)base)->pin, level);
    return 0;
}

static int get_level(struct hal_gpio_in *base)
{
    return gpio_get(((const struct gpio_pico_in *)base)->pin);
}

static void forget_edge(unsigned pin)
{
    uint32_t state = save_and_disable_interrupts();

    edges &= ~(1u << pin);
    restore_interrupts(state);
}

static int wait_edge(struct hal_gpio_in *base, uint64_t timeout_us)
{
    const struct gpio_pico_in *line = (const struct gpio_pico_in *)base;
    absolute_time_t end = make_timeout_time_us(timeout_us);
    bool is_late = timeout_us == 0;
    bool had_edge = false;

    while (!gpio_pico_has_edge(line) && !is_late) {
        is_late = best_effort_wfe_or_timeout(end);
    }
    had_edge = gpio_pico_has_edge(line);
    forget_edge(line->pin);
    return timeout_us != 0 && had_edge;
}

static int no_fd(struct hal_gpio_in *base)
{
    (void)base;
    return HAL_GPIO_TOLD;
}

static const struct hal_gpio_out_ops out_ops = {.set = set_level};
static const struct hal_gpio_in_ops in_ops = {
    .level = get_level, .wait_edge = wait_edge, .fd = no_fd};

void gpio_pico_out_init(struct gpio_pico_out *line, unsigned pin, bool level)
{
    *line = (struct gpio_pico_out){.line = {.ops = &out_ops}, .pin = pin};
    gpio_init(pin);
    gpio_put(pin, level);
    gpio_set_dir(pin, GPIO_OUT);
}

void gpio_pico_in_init(struct gpio_pico_in *line, unsigned pin)
{
    *line = (struct gpio_pico_in){.line = {.ops = &in_ops}, .pin = pin};
    gpio_init(pin);
    gpio_pull_up(pin);
    gpio_set_irq_enabled_with_callback(pin, GPIO_IRQ_EDGE_FALL, true, on_edge);
}

bool gpio_pico_has_edge(const struct gpio_pico_in *line)
{
    return (edges & 1u << line->pin) != 0;
}
