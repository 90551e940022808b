/*
 * test_flashlog_careless.c - the cuts find what each precaution of the flash log is for.
 */
#include <stdlib.h>

#include "tests/crash/firmware/careless.h"
#include "tests/crash/firmware/roam.h"
#include "tests/unit/suite.h"

enum { SECTORS = 6, CUTS = 3000 };

static uint64_t faults_with(enum careless_kind kind, uint32_t worn)
{
    struct roam conf = {.seed = 3, .cuts = CUTS, .faults_max = 1};
    struct world *world = malloc(sizeof *world);
    struct careless careless;
    uint64_t faults = 0;

    assert_non_null(world);
    world_init(world, SECTORS, conf.seed);
    for (uint32_t i = 0; i < worn; i++) {
        fake_flash_wear_out(&world->flash, (i + 1) * 1000 + 500, 0xFF);
    }
    careless_init(&careless, &world->flash.base, kind);
    world->seen = &careless.base;
    (void)roam(world, &conf);
    faults = world_faults(world);
    world_done(world);
    free(world);
    return faults;
}

/* The erase of the next sector is cut near its end, then that sector is used. */
static uint64_t faults_after_cut_erase(enum careless_kind kind)
{
    struct world *world = malloc(sizeof *world);
    uint64_t faults = 0;

    assert_non_null(world);
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct careless careless;

        world_init(world, SECTORS, seed);
        careless_init(&careless, &world->flash.base, kind);
        world->seen = &careless.base;
        assert_true(world_start(world));
        for (int i = 0; i < SECTORS * FLASHLOG_SECTOR_RECORDS + 1; i++) { /* once round the ring */
            assert_true(world_append(world) && world_done_part(world, 100));
        }
        world->flash.cut_at = world->flash.units + FAKE_FLASH_ERASE_UNITS;
        assert_false(world_prepare(world));
        fake_flash_power_on(&world->flash);
        assert_true(world_start(world));
        for (int i = 0; i < 2 * FLASHLOG_SECTOR_RECORDS; i++) {
            assert_true(world_append(world));
        }
        fake_flash_power_on(&world->flash);
        assert_true(world_start(world));
        faults += world_faults(world);
        world_done(world);
    }
    free(world);
    return faults;
}

/* Append two records; the power goes in unit cut of the second, 0: never. Returns its units. */
static uint64_t append_two(struct world *world, uint64_t seed, uint64_t cut)
{
    uint64_t before = 0;

    world->attempts = (uint32_t)seed; /* each time another record */
    assert_true(world_start(world) && world_append(world));
    before = world->flash.units;
    world->flash.cut_at = cut != 0 ? before + cut : 0;
    (void)world_append(world);
    return world->flash.units - before;
}

/* A record is cut in its last byte: after one start it can be read, and after the next? */
static uint64_t faults_after_cut_record(enum careless_kind kind)
{
    struct world *world = malloc(sizeof *world);
    uint64_t faults = 0;

    assert_non_null(world);
    for (uint64_t seed = 1; seed <= 600; seed++) {
        struct careless careless;
        uint64_t units = 0;

        world_init(world, SECTORS, seed);
        units = append_two(world, seed, 0);
        world_done(world);
        world_init(world, SECTORS, seed);
        careless_init(&careless, &world->flash.base, kind);
        world->seen = &careless.base;
        (void)append_two(world, seed, units);
        for (int start = 0; start < 3; start++) {
            fake_flash_power_on(&world->flash);
            assert_true(world_start(world));
        }
        faults += world_faults(world);
        world_done(world);
    }
    free(world);
    return faults;
}

static void careful_driver_loses_nothing(void **state)
{
    (void)state;
    assert_int_equal(faults_after_cut_erase(CARELESS_NOT), 0);
    assert_int_equal(faults_after_cut_record(CARELESS_NOT), 0);
    assert_int_equal(faults_with(CARELESS_NOT, 0), 0);
    assert_int_equal(faults_with(CARELESS_NOT, 3), 0);
}

static void trusting_an_interrupted_erase_loses_records(void **state)
{
    (void)state;
    assert_true(faults_after_cut_erase(CARELESS_ERASE) > 0);
}

static void not_making_the_newest_record_firm_loses_records(void **state)
{
    (void)state;
    assert_true(faults_after_cut_record(CARELESS_AGAIN) > 0);
}

static void not_reading_back_loses_records(void **state)
{
    (void)state;
    assert_true(faults_with(CARELESS_VERIFY, 3) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(careful_driver_loses_nothing),
        cmocka_unit_test(trusting_an_interrupted_erase_loses_records),
        cmocka_unit_test(not_making_the_newest_record_firm_loses_records),
        cmocka_unit_test(not_reading_back_loses_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
