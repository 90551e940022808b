/*
 * test_fake_flash.c - the simulated chip is as unkind as a real one.
 */
#include "hal/fake/fake_flash.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/suite.h"

enum { SIZE = 4 * HAL_FLASH_SECTOR };

static struct fake_flash flash;
static uint8_t page[HAL_FLASH_PAGE];

static int setup(void **state)
{
    (void)state;
    memset(page, 0, sizeof page);
    return fake_flash_init(&flash, SIZE, 1);
}

static int teardown(void **state)
{
    (void)state;
    fake_flash_done(&flash);
    return 0;
}

static void programming_can_only_clear_bits(void **state)
{
    (void)state;
    page[3] = 0xF0;
    assert_int_equal(hal_flash_program(&flash.base, 0, page, sizeof page), 0);
    assert_int_equal(flash.raised, 0);
    page[3] = 0x3C;
    assert_int_equal(hal_flash_program(&flash.base, 0, page, sizeof page), 0);
    assert_int_equal(flash.bytes[3], 0x30);
    assert_int_equal(flash.raised, 1);
    assert_int_equal(hal_flash_erase(&flash.base, 0, HAL_FLASH_SECTOR), 0);
    assert_int_equal(flash.bytes[3], 0xFF);
    assert_int_equal(flash.erases[0], 1);
}

static void what_is_not_aligned_or_outside_is_refused(void **state)
{
    (void)state;
    assert_int_equal(hal_flash_program(&flash.base, 1, page, sizeof page), -EINVAL);
    assert_int_equal(hal_flash_program(&flash.base, 0, page, 10), -EINVAL);
    assert_int_equal(hal_flash_program(&flash.base, SIZE, page, sizeof page), -EINVAL);
    assert_int_equal(hal_flash_erase(&flash.base, 256, HAL_FLASH_SECTOR), -EINVAL);
    assert_int_equal(hal_flash_erase(&flash.base, 0, SIZE + HAL_FLASH_SECTOR), -EINVAL);
    assert_int_equal(hal_flash_read(&flash.base, SIZE - 1, page, 2), -EINVAL);
    assert_true(flash.units == 0);
}

static void cut_leaves_the_bytes_before_it_and_none_behind(void **state)
{
    (void)state;
    for (uint64_t at = 1; at <= 1 + HAL_FLASH_PAGE; at++) {
        assert_int_equal(hal_flash_erase(&flash.base, 0, HAL_FLASH_SECTOR), 0);
        flash.cut_at = flash.units + at;
        assert_int_equal(hal_flash_program(&flash.base, 0, page, sizeof page), -EIO);
        assert_int_equal(hal_flash_read(&flash.base, 0, page, 1), -EIO); /* it is dead */
        for (uint64_t i = 0; i < HAL_FLASH_PAGE; i++) {
            if (i + 2 != at) {
                assert_int_equal(flash.bytes[i], i + 2 < at ? 0x00 : 0xFF);
            }
        }
        fake_flash_power_on(&flash);
    }
    flash.cut_at = flash.units + 2 + HAL_FLASH_PAGE;
    assert_int_equal(hal_flash_program(&flash.base, 256, page, sizeof page), 0);
}

/* The sector reads as blank in some lives and not in others, until it is erased to the end. */
static void erase_cut_near_its_end_reads_as_blank_and_is_not(void **state)
{
    int blank = 0;

    (void)state;
    assert_int_equal(hal_flash_program(&flash.base, 0, page, sizeof page), 0);
    flash.cut_at = flash.units + FAKE_FLASH_ERASE_UNITS;
    assert_int_equal(hal_flash_erase(&flash.base, 0, HAL_FLASH_SECTOR), -EIO);
    for (int life = 0; life < 200; life++) {
        int is_blank = 1;

        fake_flash_power_on(&flash);
        for (size_t i = 0; i < HAL_FLASH_SECTOR; i++) {
            is_blank &= flash.bytes[i] == 0xFF ? 1 : 0;
        }
        blank += is_blank;
    }
    assert_in_range(blank, 1, 199);
    assert_int_equal(hal_flash_erase(&flash.base, 0, HAL_FLASH_SECTOR), 0);
    fake_flash_power_on(&flash);
    for (size_t i = 0; i < HAL_FLASH_SECTOR; i++) {
        assert_int_equal(flash.bytes[i], 0xFF);
    }
}

static void programming_again_makes_a_torn_byte_firm(void **state)
{
    (void)state;
    page[0] = 0x00;
    flash.cut_at = flash.units + 2;
    assert_int_equal(hal_flash_program(&flash.base, 0, page, sizeof page), -EIO);
    fake_flash_power_on(&flash);
    assert_int_equal(hal_flash_program(&flash.base, 0, page, sizeof page), 0);
    for (int life = 0; life < 50; life++) {
        fake_flash_power_on(&flash);
        assert_int_equal(flash.bytes[0], 0x00);
    }
}

static void calls_fail_as_they_are_told_and_take_their_time(void **state)
{
    struct fake_clock clock;

    (void)state;
    fake_clock_init(&clock, 1, 0);
    flash.clock = &clock;
    flash.fail_program.at = 2;
    assert_int_equal(hal_flash_program(&flash.base, 0, page, sizeof page), 0);
    assert_int_equal(hal_flash_program(&flash.base, 256, page, sizeof page), -EIO);
    assert_int_equal(flash.bytes[256], 0xFF);
    flash.fail_program.at = 3;
    flash.fails_half = true;
    assert_int_equal(hal_flash_program(&flash.base, 512, page, sizeof page), -EIO);
    assert_int_equal(flash.bytes[512], 0x00);
    assert_int_equal(flash.bytes[512 + 255], 0xFF);
    assert_true(clock.boot_us >= 3 * FAKE_FLASH_PAGE_US);
    flash.fail_erase.at = 1;
    assert_int_equal(hal_flash_erase(&flash.base, 0, HAL_FLASH_SECTOR), -EIO);
    fake_flash_wear_out(&flash, 700, 0x55);
    assert_int_equal(hal_flash_erase(&flash.base, 0, HAL_FLASH_SECTOR), 0);
    assert_int_equal(flash.bytes[700], 0x55);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(programming_can_only_clear_bits, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_aligned_or_outside_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(
            cut_leaves_the_bytes_before_it_and_none_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(
            erase_cut_near_its_end_reads_as_blank_and_is_not, setup, teardown),
        cmocka_unit_test_setup_teardown(programming_again_makes_a_torn_byte_firm, setup, teardown),
        cmocka_unit_test_setup_teardown(
            calls_fail_as_they_are_told_and_take_their_time, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
