/*
 * roam.c - see roam.h.
 */
#include "tests/crash/firmware/roam.h"

enum {
    OPENING_UNITS = 300,  /* about what opening and the first append change */
    WORKING_UNITS = 3000, /* about 30 appends */
    STEPS_MAX = 300,      /* then it is cut at rest: a full log writes nothing */
};

static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* One step of work. false when the power went. */
static bool do_something(struct world *world, uint64_t *state, uint32_t mood)
{
    uint64_t dice = draw(state) % 100;

    if (dice < 80) {
        return world_append(world);
    }
    if (dice < 90) {
        return world_prepare(world);
    }
    if (dice < 99) { /* in some moods the collector is away and the log fills up */
        return mood % 4 == 0 || world_done_part(world, draw(state) % 101);
    }
    return world_check(world);
}

uint64_t roam(struct world *world, const struct roam *roam)
{
    uint64_t state = roam->seed;
    uint64_t cuts = 0;

    while (cuts < roam->cuts && world_faults(world) < roam->faults_max) {
        uint64_t dice = draw(&state);
        uint32_t mood = (uint32_t)(cuts / 64); /* changes slowly */
        uint64_t reach = dice % 3 == 0 ? OPENING_UNITS : WORKING_UNITS;
        bool has_power = true;

        fake_flash_power_on(&world->flash);
        world->flash.cut_at = world->flash.units + 1 + (dice >> 8) % reach;
        has_power = world_start(world);
        for (int step = 0; step < STEPS_MAX && has_power && world->is_open; step++) {
            has_power = do_something(world, &state, mood);
        }
        cuts++;
    }
    return cuts;
}
