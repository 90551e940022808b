/*
 * test_flashlog_cuts.c - a cut of the power in every unit of every operation of the flash log: each
 * programmed byte, each stage of an erase. After every N-th of them also a second cut in every unit
 * of the recovery; --second N says how many.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/crash/firmware/world.h"
#include "tests/unit/suite.h"

enum { SECTORS = 5, DICE = 3, SECOND_STEP = 211 };

static struct world base, world, second;
static uint64_t second_step = SECOND_STEP;
static uint64_t cuts;

typedef void (*work)(struct world *);

/* ---- what is cut -------------------------------------------------------------------------- */

static bool append(struct world *w, int count)
{
    for (int i = 0; i < count; i++) {
        if (!world_append(w)) {
            return false;
        }
    }
    return true;
}

static void begin_and_append(struct world *w)
{
    if (world_start(w)) {
        (void)append(w, 3);
    }
}

static void append_over_a_sector(struct world *w)
{
    if (world_start(w)) {
        (void)append(w, 6);
    }
}

static void prepare_and_append(struct world *w)
{
    if (world_start(w) && append(w, 1) && world_prepare(w)) {
        (void)append(w, 5);
    }
}

static void make_room_and_append(struct world *w)
{
    if (world_start(w) && world_done_part(w, 60) && append(w, 5) && world_prepare(w)) {
        (void)append(w, 3);
    }
}

static void append_past_worn_slots(struct world *w)
{
    if (world_start(w)) {
        (void)append(w, 8);
    }
}

/* After the cut: start, work on, start again. */
static void recover(struct world *w)
{
    if (world_start(w) && append(w, 2) && world_prepare(w)) {
        (void)append(w, 2);
    }
}

/* ---- the sweep ---------------------------------------------------------------------------- */

static void check_again(struct world *w)
{
    for (int i = 0; i < 3; i++) {
        fake_flash_power_on(&w->flash);
        recover(w);
        assert_true(w->is_open);
    }
    assert_int_equal(w->lost, 0);
    assert_int_equal(w->duplicates, 0);
    assert_int_equal(w->wrong, 0);
    assert_int_equal(w->flash.raised, 0);
}

/* world lost power: a second cut, in every unit of what comes then. */
static void cut_again(uint64_t seed)
{
    bool was_cut = true;

    for (uint64_t at = 1; was_cut; at++) {
        world_copy(&second, &world, seed + at);
        fake_flash_power_on(&second.flash);
        second.flash.cut_at = second.flash.units + at;
        recover(&second);
        was_cut = second.flash.is_dead;
        cuts += was_cut ? 1 : 0;
        check_again(&second);
    }
}

static void sweep(work do_work)
{
    uint64_t before = cuts;
    bool was_cut = true;

    for (uint64_t at = 1; was_cut; at++) {
        for (uint64_t dice = 0; dice < DICE; dice++) {
            world_copy(&world, &base, at * DICE + dice);
            fake_flash_power_on(&world.flash);
            world.flash.cut_at = world.flash.units + at;
            do_work(&world);
            was_cut = world.flash.is_dead;
            cuts += was_cut ? 1 : 0;
            if (was_cut && dice == 0 && at % second_step == 0) {
                cut_again(at * 1000);
            }
            check_again(&world);
        }
    }
    assert_true(cuts - before > 100);
    printf("             %llu cuts\n", (unsigned long long)(cuts - before));
}

static void begin(void)
{
    world_init(&base, SECTORS, 1);
    world_init(&world, SECTORS, 2);
    world_init(&second, SECTORS, 3);
}

static void end(void)
{
    world_done(&base);
    world_done(&world);
    world_done(&second);
}

static void first_start_can_be_cut(void **state)
{
    (void)state;
    begin();
    sweep(begin_and_append);
    end();
}

static void change_of_sector_can_be_cut(void **state)
{
    (void)state;
    begin();
    assert_true(world_start(&base) && append(&base, 28));
    sweep(append_over_a_sector);
    end();
}

static void erase_ahead_can_be_cut(void **state)
{
    (void)state;
    begin();
    assert_true(world_start(&base) && append(&base, 29) && world_prepare(&base));
    sweep(prepare_and_append);
    end();
}

static void making_room_in_a_full_log_can_be_cut(void **state)
{
    (void)state;
    begin();
    assert_true(world_start(&base) && append(&base, 200));
    assert_int_equal(world_faults(&base), 0);
    assert_int_equal(flashlog_space(&base.log), 0);
    sweep(make_room_and_append);
    end();
}

static void passing_over_worn_slots_can_be_cut(void **state)
{
    (void)state;
    begin();
    assert_true(world_start(&base) && append(&base, 25));
    fake_flash_wear_out(&base.flash, 27 * FLASHLOG_SLOT + 5, 0xFF);
    fake_flash_wear_out(&base.flash, 29 * FLASHLOG_SLOT + 124, 0xFF);
    sweep(append_past_worn_slots);
    end();
}

/* The units that the next append takes: measured on a copy. */
static uint64_t units_of_next(struct world *w)
{
    uint64_t before = w->flash.units;

    world_copy(&second, w, 1);
    fake_flash_power_on(&second.flash);
    second.log = w->log;
    second.log.flash = second.seen;
    assert_true(append(&second, 1));
    return second.flash.units - before;
}

/* A record cut in its last byte, then what comes after the start cut in its first: the record may
 * be unreadable, readable and unreadable again. Once it was read it must stay. */
static void record_that_comes_and_goes_is_promised_once_it_was_read(void **state)
{
    (void)state;
    begin();
    assert_true(world_start(&base) && append(&base, 20));
    for (uint64_t dice = 0; dice < 6000; dice++) {
        world_copy(&world, &base, dice);
        world.attempts += (uint32_t)dice; /* each time another record */
        fake_flash_power_on(&world.flash);
        assert_true(world_start(&world) && append(&world, 1));
        world.flash.cut_at = world.flash.units + units_of_next(&world) - dice % 2;
        assert_false(append(&world, 1));
        fake_flash_power_on(&world.flash);
        assert_true(world_start(&world));
        world.flash.cut_at = world.flash.units + 1 + dice / 2 % 4;
        (void)append(&world, 1);
        check_again(&world);
    }
    end();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_start_can_be_cut),
        cmocka_unit_test(change_of_sector_can_be_cut),
        cmocka_unit_test(erase_ahead_can_be_cut),
        cmocka_unit_test(making_room_in_a_full_log_can_be_cut),
        cmocka_unit_test(passing_over_worn_slots_can_be_cut),
        cmocka_unit_test(record_that_comes_and_goes_is_promised_once_it_was_read),
    };
    int rc = 0;

    if (argc > 2 && strcmp(argv[1], "--second") == 0 && strtoull(argv[2], NULL, 10) > 0) {
        second_step = strtoull(argv[2], NULL, 10);
    }
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    printf("%llu cuts\n", (unsigned long long)cuts);
    return rc;
}
