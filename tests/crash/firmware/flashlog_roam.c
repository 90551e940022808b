/*
 * flashlog_roam.c - many random power cuts on a flash log; prints what came of it.
 *
 * Usage: flashlog_roam [--cuts N] [--seed N]     Exit status 1 when anything promised was lost.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/crash/firmware/roam.h"

enum { SECTORS = 6, TAPS_A_DAY = 200, DAYS = 365, ERASES_MAX = 100000 };

static uint64_t sum_of_erases(const struct world *world)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < world->sectors; i++) {
        sum += world->flash.erases[i];
    }
    return sum;
}

static void print_wear(const struct world *world)
{
    uint64_t sum = sum_of_erases(world);
    uint32_t min = UINT32_MAX;
    uint32_t max = 0;

    for (uint32_t i = 0; i < world->sectors; i++) {
        uint32_t erases = world->flash.erases[i];

        min = erases < min ? erases : min;
        max = erases > max ? erases : max;
    }
    printf("wear: min %" PRIu32 " max %" PRIu32 " mean %" PRIu64
           " erases a sector, %.4f a record\n",
        min, max, sum / world->sectors, (double)sum / (double)world->appends);
}

/* Taps that are done soon, after a start. How many of them were taken. */
static uint64_t tap_a_day(struct world *world, int taps)
{
    uint64_t appends = world->appends;

    for (int tap = 0; tap < taps; tap++) {
        (void)world_prepare(world);
        (void)world_append(world);
        (void)world_done_part(world, 100);
    }
    return world->appends - appends;
}

/*
 * A life as it should be: 200 taps a day, all done soon, one start a day. The cuts may have left the
 * log full of what nobody has taken, and the first day's start would find it full again until a new
 * sector's header says what is done; so a sector is written before it begins.
 */
static void print_years(struct world *world)
{
    uint64_t erases = 0;
    uint64_t appends = 0;
    double a_day = 0;

    fake_flash_power_on(&world->flash);
    (void)world_start(world);
    (void)world_done_part(world, 100);
    (void)tap_a_day(world, 2 * FLASHLOG_SECTOR_RECORDS);
    erases = sum_of_erases(world);
    for (int day = 0; day < DAYS; day++) {
        fake_flash_power_on(&world->flash);
        (void)world_start(world);
        appends += tap_a_day(world, TAPS_A_DAY);
    }
    if (appends != (uint64_t)DAYS * TAPS_A_DAY) {
        (void)fprintf(
            stderr, "only %" PRIu64 " of %d taps were taken\n", appends, DAYS * TAPS_A_DAY);
        world->wrong++;
    }
    a_day = (double)(sum_of_erases(world) - erases) / DAYS;
    printf("%d taps and a start a day: %.4f erases a record; with %d sectors %.0f years until a "
           "sector was erased %d times\n",
        TAPS_A_DAY, a_day / TAPS_A_DAY, FLASHLOG_SECTORS_DEFAULT,
        ERASES_MAX / (a_day / FLASHLOG_SECTORS_DEFAULT) / 365.25, ERASES_MAX);
}

int main(int argc, char **argv)
{
    struct roam conf = {.seed = 1, .cuts = 40000, .faults_max = 1};
    struct world *world = malloc(sizeof *world);
    uint64_t cuts = 0;
    int status = 0;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--cuts") == 0) {
            conf.cuts = strtoull(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0) {
            conf.seed = strtoull(argv[i + 1], NULL, 10);
        } else {
            (void)fprintf(stderr, "usage: flashlog_roam [--cuts N] [--seed N]\n");
            return 2;
        }
    }
    if (world == NULL) {
        return 1;
    }
    world_init(world, SECTORS, conf.seed);
    cuts = roam(world, &conf);
    printf("seed %" PRIu64 ": %" PRIu64 " cuts, %" PRIu64 " starts, %" PRIu64
           " appends, %d sectors\n",
        conf.seed, cuts, world->starts, world->appends, SECTORS);
    printf("losses %" PRIu64 ", duplicates %" PRIu64 ", other faults %" PRIu64
           ", attempts to program 0 to 1: %" PRIu32 "\n",
        world->lost, world->duplicates, world->wrong, world->flash.raised);
    print_wear(world);
    print_years(world);
    status = world_faults(world) > 0 || cuts < conf.cuts || world->flash.busy_calls > 0 ? 1 : 0;
    world_done(world);
    free(world);
    return status;
}
