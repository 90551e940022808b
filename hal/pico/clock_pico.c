/*
 * clock_pico.c - boot time, wall time and chance.
 */
#include "hal/pico/clock_pico.h"

#include <hardware/timer.h>
#include <pico/rand.h>
#include <pico/time.h>

static void read_clock(struct hal_clock *base, struct hal_clock_reading *ret_reading)
{
    const struct clock_pico *clock = (const struct clock_pico *)base;
    uint64_t boot_us = time_us_64();
    uint64_t drift_ms = (boot_us - clock->set_us) / 1000 * CLOCK_PICO_DRIFT_PPM / 1000000;

    ret_reading->boot_us = boot_us;
    ret_reading->wall_ms = ((int64_t)boot_us + clock->wall_minus_boot_us) / 1000;
    ret_reading->trust = clock->trust;
    ret_reading->uncertainty_ms = UINT32_MAX;
    if (clock->trust != HAL_CLOCK_UNSET && drift_ms < UINT32_MAX - clock->uncertainty_ms) {
        ret_reading->uncertainty_ms = clock->uncertainty_ms + (uint32_t)drift_ms;
    }
}

static void sleep_clock(struct hal_clock *base, uint64_t duration_us)
{
    (void)base;
    sleep_us(duration_us);
}

static const struct hal_clock_ops clock_pico_ops = {.read = read_clock, .sleep_us = sleep_clock};

void clock_pico_init(struct clock_pico *clock)
{
    *clock = (struct clock_pico){
        .base = {.ops = &clock_pico_ops, .boot_id = random_pico_u64()}, .trust = HAL_CLOCK_UNSET};
}

void clock_pico_set(struct clock_pico *clock, uint64_t boot_us, int64_t wall_us,
    enum hal_clock_trust trust, uint32_t uncertainty_ms)
{
    clock->wall_minus_boot_us = wall_us - (int64_t)boot_us;
    clock->set_us = boot_us;
    clock->trust = trust;
    clock->uncertainty_ms = uncertainty_ms;
}

uint64_t random_pico_u64(void)
{
    return get_rand_64();
}
