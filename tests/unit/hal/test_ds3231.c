/*
 * The battery clock: what was set is read, leap days and the century too, and a clock that stopped
 * says so.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hal/chip/ds3231.h"

/* A chip with registers and an error to give. */
struct chip {
    struct hal_i2c i2c; /* first */
    uint8_t regs[19];
    uint8_t pointer;
    int error;
};

static int transfer(
    struct hal_i2c *base, const uint8_t *tx, size_t tx_size, uint8_t *rx, size_t rx_size)
{
    struct chip *chip = (struct chip *)base;

    if (chip->error != 0) {
        return chip->error;
    }
    for (size_t i = 0; i < tx_size; i++) {
        if (i == 0) {
            chip->pointer = tx[0];
        } else {
            chip->regs[chip->pointer++ % sizeof chip->regs] = tx[i];
        }
    }
    for (size_t i = 0; i < rx_size; i++) {
        rx[i] = chip->regs[chip->pointer++ % sizeof chip->regs];
    }
    return 0;
}

static const struct hal_i2c_ops ops = {.transfer = transfer};

static struct chip fresh_chip(void)
{
    struct chip chip = {.i2c = {.ops = &ops}};

    chip.regs[0x0f] = 0x88; /* as after power-on: it has stopped */
    return chip;
}

static void a_clock_that_stopped_says_so(void **state)
{
    struct chip chip = fresh_chip();
    int64_t unix_s = 7;

    (void)state;
    memcpy(chip.regs, (const uint8_t[]){0, 0, 0, 1, 1, 1, 0}, 7);
    assert_int_equal(ds3231_read(&chip.i2c, &unix_s), -ENODATA);
    assert_int_equal(unix_s, 7);
}

static void what_was_set_is_read(void **state)
{
    static const int64_t times[] = {
        946684800,              /* 2000-01-01 00:00:00 */
        951782400,              /* 2000-02-29 */
        1709164799,             /* 2024-02-28 23:59:59 */
        1709251199,             /* 2024-02-29 23:59:59 */
        1780000000, 4102444799, /* 2099-12-31 23:59:59 */
        4102444800,             /* 2100-01-01: the century bit */
        4107542399,             /* 2100-02-28 23:59:59, and no 29th */
        4107542400,             /* 2100-03-01 */
        7258118399,             /* 2199-12-31 23:59:59 */
    };

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        struct chip chip = fresh_chip();
        int64_t unix_s = 0;

        assert_int_equal(ds3231_write(&chip.i2c, times[i]), 0);
        assert_int_equal(ds3231_read(&chip.i2c, &unix_s), 0);
        assert_int_equal(unix_s, times[i]);
    }
}

static void every_day_of_two_centuries_comes_back(void **state)
{
    struct chip chip = fresh_chip();

    (void)state;
    for (int64_t day = 0; day < 73049; day++) {
        int64_t unix_s = 0;

        assert_int_equal(ds3231_write(&chip.i2c, 946684800 + day * 86400 + 3661), 0);
        assert_int_equal(chip.regs[3], (day + 6) % 7 + 1);
        assert_int_equal(ds3231_read(&chip.i2c, &unix_s), 0);
        assert_int_equal(unix_s, 946684800 + day * 86400 + 3661);
    }
}

static void the_registers_are_those_of_the_data_sheet(void **state)
{
    struct chip chip = fresh_chip();
    static const uint8_t expected[] = {0x59, 0x58, 0x23, 0x07, 0x31, 0x12, 0x22};

    (void)state;
    assert_int_equal(ds3231_write(&chip.i2c, 1672531139), 0); /* Saturday 2022-12-31 23:58:59 */
    assert_memory_equal(chip.regs, expected, sizeof expected);
    assert_int_equal(chip.regs[0x0f] & 0x80, 0);
}

static void twelve_hours_are_understood(void **state)
{
    static const struct {
        uint8_t reg;
        int64_t hour;
    } hours[] = {{0x40 | 0x12, 0}, {0x40 | 0x01, 1}, {0x60 | 0x12, 12}, {0x60 | 0x11, 23}};

    (void)state;
    for (size_t i = 0; i < sizeof hours / sizeof hours[0]; i++) {
        struct chip chip = fresh_chip();
        int64_t unix_s = 0;

        assert_int_equal(ds3231_write(&chip.i2c, 946684800), 0);
        chip.regs[2] = hours[i].reg;
        assert_int_equal(ds3231_read(&chip.i2c, &unix_s), 0);
        assert_int_equal(unix_s, 946684800 + hours[i].hour * 3600);
    }
}

static void registers_that_are_no_time_are_refused(void **state)
{
    static const struct {
        uint8_t reg;
        uint8_t value;
    } bad[] = {{0, 0x60}, {0, 0x0a}, {1, 0x60}, {2, 0x24}, {2, 0x40}, {2, 0x53}, {4, 0x00},
        {4, 0x32}, {5, 0x00}, {5, 0x13}, {6, 0xa0}};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct chip chip = fresh_chip();
        int64_t unix_s = 0;

        assert_int_equal(ds3231_write(&chip.i2c, 946684800), 0);
        chip.regs[bad[i].reg] = bad[i].value;
        assert_int_equal(ds3231_read(&chip.i2c, &unix_s), -EBADMSG);
    }
}

static void what_it_cannot_hold_is_refused(void **state)
{
    struct chip chip = fresh_chip();

    (void)state;
    assert_int_equal(ds3231_write(&chip.i2c, 946684799), -EINVAL);
    assert_int_equal(ds3231_write(&chip.i2c, 7258118400), -EINVAL);
}

static void the_errors_of_the_bus_come_out(void **state)
{
    struct chip chip = fresh_chip();
    int64_t unix_s = 0;

    (void)state;
    chip.error = -ENODEV;
    assert_int_equal(ds3231_read(&chip.i2c, &unix_s), -ENODEV);
    chip.error = -EIO;
    assert_int_equal(ds3231_write(&chip.i2c, 1780000000), -EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_that_stopped_says_so),
        cmocka_unit_test(what_was_set_is_read),
        cmocka_unit_test(every_day_of_two_centuries_comes_back),
        cmocka_unit_test(the_registers_are_those_of_the_data_sheet),
        cmocka_unit_test(twelve_hours_are_understood),
        cmocka_unit_test(registers_that_are_no_time_are_refused),
        cmocka_unit_test(what_it_cannot_hold_is_refused),
        cmocka_unit_test(the_errors_of_the_bus_come_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
