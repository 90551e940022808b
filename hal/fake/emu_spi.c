/*
 * emu_spi.c - the wire between a driver and an emulator.
 */
#include "hal/fake/emu_spi.h"

#include <errno.h>

enum { BYTE_NS = 8000 };

/* Another way to reverse a byte than the driver's table: an error in one shows. */
static uint8_t reverse(uint8_t byte)
{
    byte = (uint8_t)((byte & 0xF0) >> 4 | (byte & 0x0F) << 4);
    byte = (uint8_t)((byte & 0xCC) >> 2 | (byte & 0x33) << 2);
    return (uint8_t)((byte & 0xAA) >> 1 | (byte & 0x55) << 1);
}

static struct emu_spi *from_irq(struct hal_gpio_in *irq)
{
    return (struct emu_spi *)(void *)((char *)irq - offsetof(struct emu_spi, irq));
}

static struct emu_spi *from_reset(struct hal_gpio_out *reset)
{
    return (struct emu_spi *)(void *)((char *)reset - offsetof(struct emu_spi, reset));
}

static int exchange_bytes(struct hal_spi *base, const struct hal_spi_exchange *exchange)
{
    struct emu_spi *port = (struct emu_spi *)base;
    uint8_t tx[HAL_SPI_EXCHANGE_MAX];
    uint8_t rx[HAL_SPI_EXCHANGE_MAX];

    if (exchange->size == 0 || exchange->size > sizeof tx) {
        return -EINVAL;
    }
    for (size_t i = 0; i < exchange->size; i++) {
        tx[i] = exchange->tx != NULL ? reverse(exchange->tx[i]) : 0;
    }
    hal_clock_sleep_us(
        port->emu->clock, exchange->wake_us + exchange->size * (uint64_t)port->byte_ns / 1000);
    emu_pn532_spi(port->emu, tx, rx, exchange->size, exchange->wake_us);
    for (size_t i = 0; exchange->rx != NULL && i < exchange->size; i++) {
        exchange->rx[i] = reverse(rx[i]);
    }
    return 0;
}

static int irq_level(struct hal_gpio_in *irq)
{
    return emu_pn532_irq(from_irq(irq)->emu);
}

/* The emulator queues no edges: what falls while nobody waits is seen by its level. */
static int irq_wait_edge(struct hal_gpio_in *irq, uint64_t timeout_us)
{
    struct emu_pn532 *emu = from_irq(irq)->emu;
    uint64_t now_us = hal_clock_boot_us(emu->clock);
    uint64_t next_us = 0;

    if (timeout_us == 0 || !emu_pn532_irq(emu)) {
        return 0;
    }
    next_us = emu_pn532_next_us(emu);
    if (next_us > now_us + timeout_us) {
        hal_clock_sleep_us(emu->clock, timeout_us);
        return 0;
    }
    hal_clock_sleep_us(emu->clock, next_us > now_us ? next_us - now_us : 1);
    return !emu_pn532_irq(emu);
}

static int irq_fd(struct hal_gpio_in *irq)
{
    (void)irq;
    return HAL_GPIO_TOLD;
}

static int set_reset(struct hal_gpio_out *reset, bool level)
{
    emu_pn532_reset(from_reset(reset)->emu, level);
    return 0;
}

static const struct hal_spi_ops emu_spi_ops = {.exchange = exchange_bytes};
static const struct hal_gpio_in_ops emu_irq_ops = {
    .level = irq_level, .wait_edge = irq_wait_edge, .fd = irq_fd};
static const struct hal_gpio_out_ops emu_reset_ops = {.set = set_reset};

void emu_spi_init(struct emu_spi *port, struct emu_pn532 *emu)
{
    *port = (struct emu_spi){.spi = {.ops = &emu_spi_ops},
        .irq = {.ops = &emu_irq_ops},
        .reset = {.ops = &emu_reset_ops},
        .emu = emu,
        .byte_ns = BYTE_NS};
}
