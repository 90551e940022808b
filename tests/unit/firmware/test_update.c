/*
 * test_update.c - updates offered, taken, tried, confirmed and rolled back on a simulated chip. The
 * power cuts are in tests/crash/firmware.
 */
#include <errno.h>
#include <string.h>

#include "tests/unit/firmware/update_rig.h"
#include "tests/unit/suite.h"

static struct rig_bundle bundle; /* 18 KB: not for the stack of every test */

static void good_update_is_tried_confirmed_and_stays(void **state)
{
    struct update_rig rig;

    (void)state;
    update_rig_init(&rig);
    assert_int_equal(update_rig_start(&rig), 1);
    update_rig_bundle(&bundle, 2);
    assert_int_equal(update_rig_send(&rig, &bundle), 0);
    update_rig_settle(&rig, 2);
    update_rig_bundle(&bundle, 3); /* and back into the first slot */
    assert_int_equal(update_rig_send(&rig, &bundle), 0);
    update_rig_settle(&rig, 3);
    assert_int_equal(rig.conf.running, 0);
    update_rig_done(&rig);
}

static void image_that_never_confirms_is_rolled_back(void **state)
{
    struct update_rig rig;

    (void)state;
    update_rig_init(&rig);
    assert_int_equal(update_rig_start(&rig), 1);
    update_rig_bundle(&bundle, 2);
    assert_int_equal(update_rig_send(&rig, &bundle), 0);
    for (int i = 0; i < BOOT_TRIALS; i++) {
        assert_int_equal(update_rig_start(&rig), 2);
    }
    for (int i = 0; i < 5; i++) {
        assert_int_equal(update_rig_start(&rig), 1);
    }
    assert_int_equal(update_rig_send(&rig, &bundle), -EPERM); /* not the same again */
    update_rig_bundle(&bundle, 3);
    assert_int_equal(update_rig_send(&rig, &bundle), 0);
    update_rig_settle(&rig, 3);
    update_rig_done(&rig);
}

/* Both write the control record, each with a copy of its own. */
static void update_right_after_a_confirmation_does_not_forget_it(void **state)
{
    struct update_rig rig;
    struct control control;

    (void)state;
    update_rig_init(&rig);
    assert_int_equal(update_rig_start(&rig), 1);
    assert_int_equal(update_rig_confirm(&rig), 0);
    update_rig_bundle(&bundle, 2);
    assert_int_equal(update_rig_send(&rig, &bundle), 0);
    assert_int_equal(control_load(&control, &rig.flash.base, &rig.layout), 0);
    assert_int_equal(control.state.slot[0].state, BOOT_GOOD);
    assert_int_equal(control.state.slot[1].state, BOOT_PENDING);
    assert_int_equal(update_rig_start(&rig), 2);
    assert_int_equal(update_rig_confirm(&rig), 0);
    update_rig_bundle(&bundle, 3); /* no longer on trial */
    assert_int_equal(update_rig_send(&rig, &bundle), 0);
    update_rig_settle(&rig, 3);
    update_rig_done(&rig);
}

static void roll_back_is_remembered_until_another_update_comes(void **state)
{
    struct update_rig rig;
    char version[IMAGE_VERSION_MAX + 1] = "";

    (void)state;
    update_rig_init(&rig);
    assert_int_equal(update_rig_start(&rig), 1);
    assert_false(receiver_has_failed(&rig.receiver, version));
    update_rig_bundle(&bundle, 2);
    assert_int_equal(update_rig_send(&rig, &bundle), 0);
    for (int i = 0; i < BOOT_TRIALS + 1; i++) {
        (void)update_rig_start(&rig);
    }
    assert_int_equal(update_rig_start(&rig), 1);
    assert_true(receiver_has_failed(&rig.receiver, version));
    assert_string_equal(version, "0.2");
    update_rig_bundle(&bundle, 3);
    assert_int_equal(update_rig_send(&rig, &bundle), 0);
    assert_false(receiver_has_failed(&rig.receiver, version));
    update_rig_done(&rig);
}

/* A cut may have hit the page in front; what was there is not said as it is found. */
static void name_of_a_failed_update_that_cannot_be_read_is_a_question_mark(void **state)
{
    static const uint8_t zeros[HAL_FLASH_PAGE];
    struct update_rig rig;
    char version[IMAGE_VERSION_MAX + 1] = "";

    (void)state;
    update_rig_init(&rig);
    assert_int_equal(update_rig_start(&rig), 1);
    update_rig_bundle(&bundle, 2);
    assert_int_equal(update_rig_send(&rig, &bundle), 0);
    assert_int_equal(
        hal_flash_program(&rig.flash.base, rig.layout.slot[1], zeros, sizeof zeros), 0);
    assert_int_equal(update_rig_start(&rig), 1);
    assert_true(receiver_has_failed(&rig.receiver, version));
    assert_string_equal(version, "?");
    update_rig_done(&rig);
}

static void image_on_trial_takes_no_update_over_its_way_back(void **state)
{
    struct update_rig rig;

    (void)state;
    update_rig_init(&rig);
    assert_int_equal(update_rig_start(&rig), 1);
    update_rig_bundle(&bundle, 2);
    assert_int_equal(update_rig_send(&rig, &bundle), 0);
    assert_int_equal(update_rig_start(&rig), 2);
    update_rig_bundle(&bundle, 3);
    assert_int_equal(receiver_offer(&rig.receiver, bundle.header), -EBUSY);
    update_rig_done(&rig);
}

/* ---- what is refused ---------------------------------------------------------------------- */

/* The offer is refused and not one cell changed. */
static void expect_refusal(struct update_rig *rig, const struct rig_bundle *offered, int code)
{
    uint64_t units = rig->flash.units;

    assert_int_equal(receiver_offer(&rig->receiver, offered->header), code);
    assert_true(rig->flash.units == units);
    assert_int_equal(receiver_size(&rig->receiver), 0);
}

static void every_altered_bit_of_the_header_is_refused(void **state)
{
    struct update_rig rig;

    (void)state;
    update_rig_init(&rig);
    assert_int_equal(update_rig_start(&rig), 1);
    update_rig_bundle(&bundle, 2);
    for (uint32_t bit = 0; bit < BUNDLE_HEADER * 8; bit += 5) {
        struct rig_bundle altered = bundle;
        int rc = 0;

        altered.header[bit / 8] ^= (uint8_t)(1u << bit % 8);
        rc = receiver_offer(&rig.receiver, altered.header);
        assert_true(rc == -EACCES || rc == -EBADMSG || rc == -EPROTONOSUPPORT);
    }
    assert_int_equal(update_rig_send(&rig, &bundle), 0);
    update_rig_done(&rig);
}

static void bundle_of_another_key_is_refused(void **state)
{
    struct update_rig rig;

    (void)state;
    update_rig_init(&rig);
    assert_int_equal(update_rig_start(&rig), 1);
    rig.conf.key[0] ^= 1;
    assert_int_equal(receiver_open(&rig.receiver, &rig.conf), 0);
    update_rig_bundle(&bundle, 2);
    expect_refusal(&rig, &bundle, -EACCES);
    update_rig_done(&rig);
}

static void resign(uint32_t version, const char *board, uint32_t flags, uint32_t size)
{
    struct bundle values;

    update_rig_bundle(&bundle, version);
    assert_int_equal(bundle_parse(bundle.header, &values), 0);
    values.flags = flags;
    for (int i = 0; i < IMAGE_SLOTS; i++) {
        values.image[i].size = size;
        memset(values.image[i].board, 0, sizeof values.image[i].board);
        memcpy(values.image[i].board, board, strlen(board));
    }
    update_rig_sign(&bundle, &values);
}

static void what_does_not_fit_this_device_is_refused(void **state)
{
    struct update_rig rig;

    (void)state;
    update_rig_init(&rig);
    assert_int_equal(update_rig_start(&rig), 1);
    resign(2, "pico2-reader", 0, RIG_PROGRAM);
    expect_refusal(&rig, &bundle, -EXDEV);
    resign(2, "pico-reader", 0, RIG_PROGRAM_MAX + 1);
    expect_refusal(&rig, &bundle, -EFBIG);
    resign(1, "pico-reader", 0, RIG_PROGRAM);
    expect_refusal(&rig, &bundle, -EALREADY);
    resign(2, "pico-reader", 0, RIG_PROGRAM);
    rig.layout.slot[1] += HAL_FLASH_SECTOR; /* linked for other addresses */
    expect_refusal(&rig, &bundle, -EFBIG);
    rig.layout.slot[1] -= HAL_FLASH_SECTOR;
    update_rig_done(&rig);
}

static void older_version_needs_the_signed_permission(void **state)
{
    struct update_rig rig;

    (void)state;
    update_rig_init(&rig);
    assert_int_equal(update_rig_start(&rig), 1);
    resign(0, "pico-reader", 0, RIG_PROGRAM);
    expect_refusal(&rig, &bundle, -ESTALE);
    resign(0, "pico-reader", BUNDLE_FLAG_ALLOW_OLDER, RIG_PROGRAM);
    assert_int_equal(update_rig_send(&rig, &bundle), 0);
    update_rig_settle(&rig, 0);
    update_rig_done(&rig);
}

static void altered_program_is_found_and_never_started(void **state)
{
    struct update_rig rig;

    (void)state;
    update_rig_init(&rig);
    assert_int_equal(update_rig_start(&rig), 1);
    update_rig_bundle(&bundle, 2);
    bundle.program[1][RIG_PROGRAM - 1] ^= 1;
    assert_int_equal(update_rig_send(&rig, &bundle), -EILSEQ);
    assert_int_equal(update_rig_start(&rig), 1);
    update_rig_bundle(&bundle, 2);
    assert_int_equal(update_rig_send(&rig, &bundle), 0); /* the right one is welcome */
    update_rig_settle(&rig, 2);
    update_rig_done(&rig);
}

static void truncated_program_is_never_started(void **state)
{
    struct update_rig rig;

    (void)state;
    update_rig_init(&rig);
    assert_int_equal(update_rig_start(&rig), 1);
    update_rig_bundle(&bundle, 2);
    assert_int_equal(receiver_finish(&rig.receiver), -EINVAL);
    assert_int_equal(receiver_block(&rig.receiver, 0, bundle.program[1], RECEIVER_BLOCK), -EINVAL);
    assert_int_equal(receiver_offer(&rig.receiver, bundle.header), 0);
    assert_int_equal(receiver_block(&rig.receiver, 0, bundle.program[1], 255), -EINVAL);
    assert_int_equal(receiver_block(&rig.receiver, 256, bundle.program[1], 256), -ERANGE);
    assert_int_equal(receiver_block(&rig.receiver, 0, bundle.program[1], 256), 0);
    assert_int_equal(receiver_block(&rig.receiver, 0, bundle.program[1], 256), -ERANGE);
    assert_int_equal(receiver_finish(&rig.receiver), -EINVAL);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(update_rig_start(&rig), 1);
    }
    update_rig_done(&rig);
}

static void interrupted_update_goes_on_at_the_last_whole_sector(void **state)
{
    struct update_rig rig;

    (void)state;
    update_rig_init(&rig);
    assert_int_equal(update_rig_start(&rig), 1);
    update_rig_bundle(&bundle, 2);
    assert_int_equal(receiver_offer(&rig.receiver, bundle.header), 0);
    for (uint32_t at = 0; at < 20 * RECEIVER_BLOCK; at += RECEIVER_BLOCK) {
        assert_int_equal(
            receiver_block(&rig.receiver, at, bundle.program[1] + at, RECEIVER_BLOCK), 0);
    }
    assert_int_equal(update_rig_start(&rig), 1);
    assert_int_equal(receiver_offer(&rig.receiver, bundle.header), 0);
    assert_int_equal(receiver_wanted(&rig.receiver), HAL_FLASH_SECTOR - IMAGE_PAGE);
    assert_int_equal(update_rig_send(&rig, &bundle), 0);
    assert_int_equal(update_rig_send(&rig, &bundle), 0); /* it has it: nothing is sent */
    update_rig_settle(&rig, 2);
    update_rig_done(&rig);
}

/* ---- the decision ------------------------------------------------------------------------- */

static void expect_choice(
    enum boot_state a, enum boot_state b, bool whole_a, bool whole_b, int slot, enum boot_why why)
{
    const struct boot_control control = {.generation = 4, .slot = {{.state = a}, {.state = b}}};
    const bool is_whole[IMAGE_SLOTS] = {whole_a, whole_b};
    struct boot_choice choice = boot_decide(&control, is_whole);

    assert_int_equal(choice.slot, slot);
    assert_int_equal(choice.why, why);
}

static void decision_prefers_what_works(void **state)
{
    (void)state;
    expect_choice(BOOT_GOOD, BOOT_GOOD, true, true, 0, BOOT_WHY_GOOD);
    expect_choice(BOOT_GOOD, BOOT_GOOD, false, true, 1, BOOT_WHY_OTHER);
    expect_choice(BOOT_GOOD, BOOT_PENDING, true, true, 1, BOOT_WHY_TRIAL);
    expect_choice(BOOT_GOOD, BOOT_PENDING, true, false, 0, BOOT_WHY_ROLLED_BACK);
    expect_choice(BOOT_GOOD, BOOT_TRIAL, true, true, 0, BOOT_WHY_ROLLED_BACK); /* none left */
    expect_choice(BOOT_GOOD, BOOT_RECEIVING, true, true, 0, BOOT_WHY_GOOD);
    expect_choice(BOOT_GOOD, BOOT_BAD, true, true, 0, BOOT_WHY_GOOD);
    expect_choice(BOOT_GOOD, BOOT_BAD, false, true, 1, BOOT_WHY_OTHER); /* rather that than none */
    expect_choice(BOOT_EMPTY, BOOT_RECEIVING, true, false, 0, BOOT_WHY_OTHER);
    expect_choice(BOOT_GOOD, BOOT_GOOD, false, false, BOOT_NO_SLOT, BOOT_WHY_NONE);
}

/* Whatever the record says: a whole slot is found when there is one, and deciding again and again
 * without a confirmation ends in a choice that writes nothing more. */
static void decision_always_starts_something_and_comes_to_rest(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6 * 6 * 4 * 4 * 2 * 4; i++) {
        struct boot_control control = {.generation = 2,
            .preferred = i / 576 % 2,
            .slot = {{.state = i % 6, .trials_left = i / 36 % 4},
                {.state = i / 6 % 6, .trials_left = i / 144 % 4}}};
        const bool is_whole[IMAGE_SLOTS] = {(i / 1152 & 1) != 0, (i / 1152 & 2) != 0};
        struct boot_choice choice = boot_decide(&control, is_whole);

        for (int start = 0; start < 2 * BOOT_TRIALS + 2; start++) {
            assert_int_equal(choice.slot != BOOT_NO_SLOT, is_whole[0] || is_whole[1]);
            assert_true(choice.slot == BOOT_NO_SLOT || is_whole[choice.slot]);
            choice = boot_decide(&choice.control, is_whole);
        }
        assert_false(choice.writes);
    }
}

static void trial_that_cannot_be_counted_does_not_happen(void **state)
{
    struct update_rig rig;
    struct boot_choice choice;

    (void)state;
    update_rig_init(&rig);
    assert_int_equal(update_rig_start(&rig), 1);
    update_rig_bundle(&bundle, 2);
    assert_int_equal(update_rig_send(&rig, &bundle), 0);
    rig.flash.fail_program = (struct fake_fail){.at = 1, .forever = true};
    choice = boot_choose(&rig.flash.base, &rig.layout);
    assert_int_equal(choice.slot, 0);
    rig.flash.fail_program = (struct fake_fail){.at = 0};
    update_rig_settle(&rig, 2);
    update_rig_done(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_update_is_tried_confirmed_and_stays),
        cmocka_unit_test(image_that_never_confirms_is_rolled_back),
        cmocka_unit_test(update_right_after_a_confirmation_does_not_forget_it),
        cmocka_unit_test(roll_back_is_remembered_until_another_update_comes),
        cmocka_unit_test(name_of_a_failed_update_that_cannot_be_read_is_a_question_mark),
        cmocka_unit_test(image_on_trial_takes_no_update_over_its_way_back),
        cmocka_unit_test(every_altered_bit_of_the_header_is_refused),
        cmocka_unit_test(bundle_of_another_key_is_refused),
        cmocka_unit_test(what_does_not_fit_this_device_is_refused),
        cmocka_unit_test(older_version_needs_the_signed_permission),
        cmocka_unit_test(altered_program_is_found_and_never_started),
        cmocka_unit_test(truncated_program_is_never_started),
        cmocka_unit_test(interrupted_update_goes_on_at_the_last_whole_sector),
        cmocka_unit_test(decision_prefers_what_works),
        cmocka_unit_test(decision_always_starts_something_and_comes_to_rest),
        cmocka_unit_test(trial_that_cannot_be_counted_does_not_happen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
