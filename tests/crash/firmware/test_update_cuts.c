/*
 * test_update_cuts.c - a cut of the power in every unit of every step of an update: offer, blocks,
 * check, bootloader, confirmation. Whatever the moment: something boots, and it is whole; the update
 * goes on and ends well; one that does not confirm is rolled back.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/firmware/update_rig.h"
#include "tests/unit/suite.h"

enum { STEP = 13, FIRST_UNITS = 400 };

static struct update_rig base, rig;
static struct rig_bundle bundle;
static uint64_t cuts;

/* What a bootloader and a program do with an update, until the power goes. */
typedef void (*work)(void);

static void copy_rig(uint64_t seed)
{
    struct fake_flash mine = rig.flash;

    rig = base;
    rig.flash.bytes = mine.bytes;
    rig.flash.weak = mine.weak;
    rig.flash.erases = mine.erases;
    memcpy(mine.bytes, base.flash.bytes, base.flash.base.size);
    memcpy(mine.weak, base.flash.weak, base.flash.base.size);
    rig.flash.random = seed;
    rig.conf.flash = &rig.flash.base;
    rig.conf.layout = &rig.layout;
}

/* Boot without a check: the power may go. false when it did. */
static bool boot(void)
{
    struct boot_choice choice = boot_choose(&rig.flash.base, &rig.layout);
    struct image image;

    if (rig.flash.is_dead) {
        return false;
    }
    assert_int_not_equal(choice.slot, BOOT_NO_SLOT);
    assert_true(image_get(rig.flash.bytes + rig.layout.slot[choice.slot], &image));
    rig.conf.running = (uint8_t)choice.slot;
    rig.conf.version = image.version;
    return receiver_open(&rig.receiver, &rig.conf) == 0 && !rig.flash.is_dead;
}

static void take_update(void)
{
    if (boot()) {
        (void)update_rig_send(&rig, &bundle);
    }
}

static void try_and_confirm(void)
{
    if (boot()) {
        (void)update_rig_confirm(&rig);
    }
}

static void just_boot(void)
{
    (void)boot();
}

/* From here on without cuts: the update is sent again when needed, tried, and confirmed. */
static void finish_well(void)
{
    for (int start = 0; start < 3; start++) {
        uint32_t runs = update_rig_start(&rig);

        assert_true(runs == 1 || runs == 2);
        if (runs == 2) {
            assert_int_equal(update_rig_confirm(&rig), 0);
            update_rig_settle(&rig, 2);
            return;
        }
        assert_int_equal(update_rig_send(&rig, &bundle), 0);
    }
    fail_msg("the update never ran");
}

/* From here on nobody confirms: it is tried so many times and no more. */
static void roll_back(void)
{
    int trials = 0;

    for (int start = 0; start < BOOT_TRIALS + 4; start++) {
        trials += update_rig_start(&rig) == 2 ? 1 : 0;
    }
    assert_in_range(trials, 0, BOOT_TRIALS);
    assert_int_equal(update_rig_start(&rig), 1);
}

/* Cut do_work in every unit (in a long one each byte of the first pages, then every STEP-th). */
static void sweep(work do_work, work after)
{
    uint64_t before = cuts;
    bool was_cut = true;

    for (uint64_t at = 1; was_cut; at += at < FIRST_UNITS ? 1 : STEP) {
        copy_rig(at);
        fake_flash_power_on(&rig.flash);
        rig.flash.cut_at = rig.flash.units + at;
        do_work();
        was_cut = rig.flash.is_dead;
        cuts += was_cut ? 1 : 0;
        after();
        assert_int_equal(rig.flash.raised, 0);
    }
    printf("             %llu cuts\n", (unsigned long long)(cuts - before));
    assert_true(cuts - before > 20);
}

static void begin(void)
{
    update_rig_init(&base);
    update_rig_init(&rig);
    update_rig_bundle(&bundle, 2);
    assert_int_equal(update_rig_start(&base), 1);
    assert_int_equal(update_rig_confirm(&base), 0);
}

static void end(void)
{
    update_rig_done(&base);
    update_rig_done(&rig);
}

static void cut_while_it_is_sent(void **state)
{
    (void)state;
    begin();
    sweep(take_update, finish_well);
    end();
}

static void cut_while_it_is_sent_for_the_second_time(void **state)
{
    (void)state;
    begin();
    base.flash.cut_at = base.flash.units + 6000;
    assert_int_not_equal(update_rig_send(&base, &bundle), 0);
    sweep(take_update, finish_well);
    end();
}

static void cut_while_the_bootloader_counts_the_trial(void **state)
{
    (void)state;
    begin();
    assert_int_equal(update_rig_send(&base, &bundle), 0);
    sweep(just_boot, finish_well);
    end();
}

static void cut_while_it_is_confirmed(void **state)
{
    (void)state;
    begin();
    assert_int_equal(update_rig_send(&base, &bundle), 0);
    sweep(try_and_confirm, finish_well);
    end();
}

static void cut_on_trial_and_never_confirmed(void **state)
{
    (void)state;
    begin();
    assert_int_equal(update_rig_send(&base, &bundle), 0);
    sweep(just_boot, roll_back);
    assert_int_equal(update_rig_start(&base), 2);
    sweep(just_boot, roll_back);
    assert_int_equal(update_rig_start(&base), 2);
    assert_int_equal(update_rig_start(&base), 2);
    sweep(just_boot, roll_back); /* the one that writes "bad" */
    end();
}

static void interrupted_at_every_block(void **state)
{
    (void)state;
    begin();
    for (uint32_t blocks = 0; blocks * RECEIVER_BLOCK < RIG_PROGRAM; blocks++) {
        copy_rig(blocks);
        assert_int_equal(update_rig_start(&rig), 1);
        assert_int_equal(receiver_offer(&rig.receiver, bundle.header), 0);
        for (uint32_t i = 0; i < blocks; i++) {
            assert_int_equal(receiver_block(&rig.receiver, i * RECEIVER_BLOCK,
                                 bundle.program[1] + i * RECEIVER_BLOCK, RECEIVER_BLOCK),
                0);
        }
        finish_well();
    }
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_while_it_is_sent),
        cmocka_unit_test(cut_while_it_is_sent_for_the_second_time),
        cmocka_unit_test(cut_while_the_bootloader_counts_the_trial),
        cmocka_unit_test(cut_while_it_is_confirmed),
        cmocka_unit_test(cut_on_trial_and_never_confirmed),
        cmocka_unit_test(interrupted_at_every_block),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
