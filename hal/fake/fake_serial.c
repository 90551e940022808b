/*
 * fake_serial.c - see fake_serial.h.
 */
#include "hal/fake/fake_serial.h"

#include <errno.h>

#include "hal/gpio.h"

static struct fake_serial *from_base(struct hal_serial *serial)
{
    return (struct fake_serial *)serial;
}

static int read_bytes(struct hal_serial *base, uint8_t *bytes, size_t size, uint64_t timeout_us)
{
    struct fake_serial *serial = from_base(base);

    if (fake_fail_now(&serial->fail)) {
        return -EIO;
    }
    if (serial->inner != NULL) {
        return hal_serial_read(serial->inner, bytes, size, timeout_us);
    }
    if (serial->clock != NULL) {
        hal_clock_sleep_us(serial->clock, timeout_us);
    }
    return 0;
}

static int write_bytes(struct hal_serial *base, const uint8_t *bytes, size_t size)
{
    struct fake_serial *serial = from_base(base);

    if (fake_fail_now(&serial->fail)) {
        return -EIO;
    }
    return serial->inner != NULL ? hal_serial_write(serial->inner, bytes, size) : 0;
}

static int flush_bytes(struct hal_serial *base)
{
    struct fake_serial *serial = from_base(base);

    if (fake_fail_now(&serial->fail)) {
        return -EIO;
    }
    return serial->inner != NULL ? hal_serial_flush(serial->inner) : 0;
}

static int get_fd(struct hal_serial *base)
{
    struct fake_serial *serial = from_base(base);

    return serial->inner != NULL ? hal_serial_fd(serial->inner) : HAL_GPIO_TOLD;
}

static const struct hal_serial_ops fake_serial_ops = {
    .read = read_bytes, .write = write_bytes, .flush = flush_bytes, .fd = get_fd};

void fake_serial_init(struct fake_serial *serial, struct hal_serial *inner)
{
    *serial = (struct fake_serial){.base = {.ops = &fake_serial_ops}, .inner = inner};
}
