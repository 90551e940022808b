/*
 * fake_clock.c - see fake_clock.h.
 */
#include "hal/fake/fake_clock.h"

static struct fake_clock *from_base(struct hal_clock *clock)
{
    return (struct fake_clock *)clock;
}

static void read_clock(struct hal_clock *base, struct hal_clock_reading *ret_reading)
{
    const struct fake_clock *clock = from_base(base);
    int64_t wall_us = (int64_t)clock->boot_us + clock->wall_minus_boot_us;

    ret_reading->boot_us = clock->boot_us;
    ret_reading->wall_ms = wall_us / 1000;
    ret_reading->trust = clock->trust;
    ret_reading->uncertainty_ms = clock->uncertainty_ms;
}

static void sleep_us(struct hal_clock *base, uint64_t duration_us)
{
    fake_clock_advance_us(from_base(base), duration_us);
}

static const struct hal_clock_ops fake_clock_ops = {.read = read_clock, .sleep_us = sleep_us};

static void show_wall(struct fake_clock *clock, int64_t wall_ms)
{
    clock->wall_minus_boot_us = wall_ms * 1000 - (int64_t)clock->boot_us;
}

void fake_clock_init(struct fake_clock *clock, uint64_t boot_id, int64_t wall_ms)
{
    clock->base.ops = &fake_clock_ops;
    fake_clock_reboot(clock, boot_id, wall_ms);
}

void fake_clock_advance_us(struct fake_clock *clock, uint64_t duration_us)
{
    clock->boot_us += duration_us;
}

void fake_clock_advance_to_us(struct fake_clock *clock, uint64_t boot_us)
{
    if (boot_us > clock->boot_us) {
        clock->boot_us = boot_us;
    }
}

void fake_clock_sync(struct fake_clock *clock, int64_t wall_ms, uint32_t uncertainty_ms)
{
    show_wall(clock, wall_ms);
    fake_clock_set_trust(clock, HAL_CLOCK_SYNCED, uncertainty_ms);
}

void fake_clock_set_trust(
    struct fake_clock *clock, enum hal_clock_trust trust, uint32_t uncertainty_ms)
{
    clock->trust = trust;
    clock->uncertainty_ms = uncertainty_ms;
}

void fake_clock_step_wall(struct fake_clock *clock, int64_t delta_ms)
{
    clock->wall_minus_boot_us += delta_ms * 1000;
}

void fake_clock_reboot(struct fake_clock *clock, uint64_t boot_id, int64_t wall_ms)
{
    clock->base.boot_id = boot_id;
    clock->boot_us = 0;
    show_wall(clock, wall_ms);
    fake_clock_set_trust(clock, HAL_CLOCK_UNSET, UINT32_MAX);
}
