/*
 * test_linux_ports.c - the Linux ports, as far as no hardware is needed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "hal/linux/clock_linux.h"
#include "hal/linux/gpio_linux.h"
#include "hal/linux/serial_linux.h"
#include "hal/linux/spi_linux.h"
#include "tests/unit/suite.h"

static char folder[] = "/tmp/ecm-hal-XXXXXX";
static char path[sizeof folder + 16];
static char name[sizeof path + 8];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)snprintf(path, sizeof path, "%s/line", folder);
    (void)snprintf(name, sizeof name, "file:%s", path);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int read_file(void)
{
    FILE *file = fopen(path, "r");
    int digit = 0;

    assert_non_null(file);
    digit = fgetc(file);
    (void)fclose(file);
    return digit;
}

static void a_line_that_is_a_file_is_driven(void **state)
{
    struct hal_gpio_out *line = NULL;

    (void)state;
    assert_int_equal(gpio_linux_open_out(&line, name, true), 0);
    assert_int_equal(read_file(), '1');
    assert_int_equal(hal_gpio_set(line, false), 0);
    assert_int_equal(read_file(), '0');
    gpio_linux_close_out(line);
}

static void a_line_that_is_a_file_is_watched(void **state)
{
    struct hal_gpio_in *line = NULL;

    (void)state;
    write_file("1\n");
    assert_int_equal(gpio_linux_open_in(&line, name), 0);
    assert_int_equal(hal_gpio_level(line), 1);
    assert_int_equal(hal_gpio_wait_edge(line, 3000), 0);
    write_file("0\n");
    assert_int_equal(hal_gpio_wait_edge(line, 100000), 1);
    assert_int_equal(hal_gpio_wait_edge(line, 3000), 0); /* told once */
    assert_int_equal(hal_gpio_level(line), 0);
    assert_int_equal(hal_gpio_fd(line), HAL_GPIO_NO_FD);
    write_file("x\n");
    assert_int_equal(hal_gpio_level(line), -EIO);
    gpio_linux_close_in(line);
}

static void names_that_mean_no_line_are_refused(void **state)
{
    static const char *const bad[] = {"", ":", ":4", "gpiochip0:", "gpiochip0:x", "gpiochip0:4x",
        "gpiochip0:-1", "gpiochip0:99999"};
    struct hal_gpio_out *out = NULL;
    struct hal_gpio_in *in = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(gpio_linux_open_out(&out, bad[i], true), -EINVAL);
        assert_int_equal(gpio_linux_open_in(&in, bad[i]), -EINVAL);
    }
    assert_int_equal(gpio_linux_open_in(&in, "file:/nonexistent/line"), -ENOENT);
    assert_true(gpio_linux_open_out(&out, "no-such-chip-anywhere:4", true) < 0);
    assert_int_equal(gpio_linux_open_in(&in, "NO_SUCH_LINE_ANYWHERE"), -ENOENT);
    assert_null(out);
    assert_null(in);
    gpio_linux_close_out(NULL);
    gpio_linux_close_in(NULL);
}

static void the_clocks_of_the_kernel_are_told(void **state)
{
    struct clock_linux clock;
    struct clock_linux again;
    struct hal_clock_reading first;
    struct hal_clock_reading second;

    (void)state;
    assert_int_equal(clock_linux_open(&clock), 0);
    assert_int_equal(clock_linux_open(&again), 0);
    assert_int_not_equal(clock.base.boot_id, 0);
    assert_int_equal(clock.base.boot_id, again.base.boot_id);
    hal_clock_read(&clock.base, &first);
    hal_clock_sleep_us(&clock.base, 2000);
    hal_clock_read(&clock.base, &second);
    assert_true(second.boot_us >= first.boot_us + 2000);
    assert_true(first.wall_ms > 1700000000000);
    assert_true(first.trust == HAL_CLOCK_SYNCED || first.uncertainty_ms == UINT32_MAX);
}

static void what_is_no_device_is_refused_with_its_reason(void **state)
{
    struct spi_linux spi;
    struct serial_linux serial;

    (void)state;
    assert_int_equal(spi_linux_open(&spi, "/nonexistent/spidev0.0", 0), -ENOENT);
    assert_int_equal(spi_linux_open(&spi, "/dev/null", 0), -ENOTTY);
    spi_linux_close(&spi);
    assert_int_equal(serial_linux_open(&serial, "/nonexistent/tty"), -ENOENT);
    assert_int_equal(serial_linux_open(&serial, "/dev/null"), -ENOTTY);
    serial_linux_close(&serial);
}

static void a_tty_carries_every_byte_both_ways(void **state)
{
    struct serial_linux serial;
    uint8_t sent[256];
    uint8_t got[256];
    size_t count = 0;
    int master = posix_openpt(O_RDWR | O_NOCTTY);

    (void)state;
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    assert_int_equal(serial_linux_open(&serial, ptsname(master)), 0);
    for (size_t i = 0; i < sizeof sent; i++) {
        sent[i] = (uint8_t)i;
    }
    assert_int_equal(hal_serial_write(&serial.base, sent, sizeof sent), 0);
    for (count = 0; count < sizeof got;) {
        ssize_t some = read(master, got + count, sizeof got - count);

        assert_true(some > 0);
        count += (size_t)some;
    }
    assert_memory_equal(got, sent, sizeof sent);
    assert_int_equal(write(master, sent, sizeof sent), sizeof sent);
    for (count = 0; count < sizeof got;) {
        int some = hal_serial_read(&serial.base, got + count, sizeof got - count, 1000000);

        assert_true(some > 0);
        count += (size_t)some;
    }
    assert_memory_equal(got, sent, sizeof sent);
    assert_int_equal(hal_serial_read(&serial.base, got, sizeof got, 1000), 0);
    assert_int_equal(write(master, sent, 3), 3);
    assert_int_equal(hal_serial_flush(&serial.base), 0);
    assert_int_equal(hal_serial_read(&serial.base, got, sizeof got, 1000), 0);
    (void)close(master);
    assert_int_equal(hal_serial_read(&serial.base, got, sizeof got, 1000), -EIO);
    serial_linux_close(&serial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_that_is_a_file_is_driven),
        cmocka_unit_test(a_line_that_is_a_file_is_watched),
        cmocka_unit_test(names_that_mean_no_line_are_refused),
        cmocka_unit_test(the_clocks_of_the_kernel_are_told),
        cmocka_unit_test(what_is_no_device_is_refused_with_its_reason),
        cmocka_unit_test(a_tty_carries_every_byte_both_ways),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
