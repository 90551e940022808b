/*
 * clock_pico.c - boot time and chance.
 */
#include "hal/pico/clock_pico.h"

#include <hardware/timer.h>
#include <pico/rand.h>
#include <pico/time.h>

static void read_clock(struct hal_clock *base, struct hal_clock_reading *ret_reading)
{
    uint64_t boot_us = time_us_64();

    (void)base;
    *ret_reading = (struct hal_clock_reading){.boot_us = boot_us,
        .wall_ms = (int64_t)(boot_us / 1000),
        .trust = HAL_CLOCK_UNSET,
        .uncertainty_ms = UINT32_MAX};
}

static void sleep_clock(struct hal_clock *base, uint64_t duration_us)
{
    (void)base;
    sleep_us(duration_us);
}

static const struct hal_clock_ops clock_pico_ops = {.read = read_clock, .sleep_us = sleep_clock};

void clock_pico_init(struct clock_pico *clock)
{
    *clock = (struct clock_pico){.base = {.ops = &clock_pico_ops, .boot_id = random_pico_u64()}};
}

uint64_t random_pico_u64(void)
{
    uint64_t number = 0;

    while (number == 0) {
        number = get_rand_64();
    }
    return number;
}
