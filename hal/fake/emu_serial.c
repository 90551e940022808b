/*
 * emu_serial.c - the UART between a driver and an emulator.
 */
#include "hal/fake/emu_serial.h"

#include "hal/gpio.h"

enum { BYTE_NS = 86806 };

static struct emu_serial *from_base(struct hal_serial *serial)
{
    return (struct emu_serial *)serial;
}

static void pass_wire_time(struct emu_serial *port, size_t size)
{
    hal_clock_sleep_us(port->emu->clock, size * (uint64_t)port->byte_ns / 1000);
}

static int read_bytes(struct hal_serial *base, uint8_t *bytes, size_t size, uint64_t timeout_us)
{
    struct emu_serial *port = from_base(base);
    struct hal_clock *clock = port->emu->clock;
    uint64_t end_us = hal_clock_boot_us(clock) + timeout_us;

    for (;;) {
        uint64_t now_us = hal_clock_boot_us(clock);
        uint64_t next_us = 0;
        size_t count = emu_pn532_hsu_read(port->emu, bytes, size);

        if (count > 0) {
            pass_wire_time(port, count);
            return (int)count;
        }
        if (now_us >= end_us) {
            return 0;
        }
        next_us = emu_pn532_next_us(port->emu);
        if (next_us > end_us) {
            next_us = end_us;
        }
        hal_clock_sleep_us(clock, next_us > now_us ? next_us - now_us : 1);
    }
}

static int write_bytes(struct hal_serial *base, const uint8_t *bytes, size_t size)
{
    struct emu_serial *port = from_base(base);

    pass_wire_time(port, size);
    emu_pn532_hsu_write(port->emu, bytes, size);
    return 0;
}

static int flush_bytes(struct hal_serial *base)
{
    struct emu_serial *port = from_base(base);
    uint8_t dropped[EMU_FRAME_MAX];

    (void)emu_pn532_hsu_read(port->emu, dropped, sizeof dropped);
    return 0;
}

static int get_fd(struct hal_serial *base)
{
    (void)base;
    return HAL_GPIO_TOLD;
}

static int set_reset(struct hal_gpio_out *reset, bool level)
{
    struct emu_serial *port =
        (struct emu_serial *)(void *)((char *)reset - offsetof(struct emu_serial, reset));

    emu_pn532_reset(port->emu, level);
    return 0;
}

static const struct hal_serial_ops emu_serial_ops = {
    .read = read_bytes, .write = write_bytes, .flush = flush_bytes, .fd = get_fd};
static const struct hal_gpio_out_ops emu_reset_ops = {.set = set_reset};

void emu_serial_init(struct emu_serial *port, struct emu_pn532 *emu)
{
    *port = (struct emu_serial){.serial = {.ops = &emu_serial_ops},
        .reset = {.ops = &emu_reset_ops},
        .emu = emu,
        .byte_ns = BYTE_NS};
}
