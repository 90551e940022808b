/*
 * pn532_spi.c - frames over SPI.
 *
 * Every exchange is one chip-select period: the first byte says what it is, and a frame is read
 * whole. Reading past its end is harmless; stopping before its postamble leaves IRQ asserted
 * (Adafruit-PN532 #17), and re-issuing the read command in the middle loses bytes (libnfc).
 */
#include "hal/chip/pn532_spi.h"

#include <string.h>

enum {
    DATA_WRITE = 0x01,
    STATUS_READ = 0x02,
    DATA_READ = 0x03,
    WAKE_US = 2000, /* chip select before the first byte; below 1 ms the chip stays asleep */
    STATUS_POLL_US = 1000,
    SETTLE_US = 1000,       /* without IRQ: cures lost ACKs on fast hosts (Adafruit-PN532 #117) */
    EDGE_WAIT_US = 50000,   /* a lost edge costs no more than this */
    STATUS_FLOATING = 0xFF, /* nobody drives the line: asleep, or not there */
};

/* reversed[b] is b with its bits in the other order. */
#define R2(n) (n), (n) + 2 * 64, (n) + 1 * 64, (n) + 3 * 64
#define R4(n) R2(n), R2((n) + 2 * 16), R2((n) + 1 * 16), R2((n) + 3 * 16)
#define R6(n) R4(n), R4((n) + 2 * 4), R4((n) + 1 * 4), R4((n) + 3 * 4)
static const uint8_t reversed[256] = {R6(0), R6(2), R6(1), R6(3)};

static struct pn532_spi *from_link(struct pn532_link *link)
{
    return (struct pn532_spi *)link;
}

/* Exchange the first size bytes of the buffer, in the chip's bit order. */
static int transfer(struct pn532_spi *link, size_t size, uint32_t wake_us)
{
    const struct hal_spi_exchange exchange = {
        .tx = link->buffer, .rx = link->buffer, .size = size, .wake_us = wake_us};
    int rc = 0;

    for (size_t i = 0; i < size; i++) {
        link->buffer[i] = reversed[link->buffer[i]];
    }
    rc = hal_spi_exchange(link->spi, &exchange);
    for (size_t i = 0; i < size; i++) {
        link->buffer[i] = reversed[link->buffer[i]];
    }
    return rc;
}

static int wake(struct pn532_link *base)
{
    from_link(base)->wake_next = true;
    return 0;
}

static int write_frame(struct pn532_link *base, const uint8_t *frame, size_t size)
{
    struct pn532_spi *link = from_link(base);
    uint32_t wake_us = link->wake_next ? WAKE_US : 0;
    int rc = 0;

    link->wake_next = false;
    link->buffer[0] = DATA_WRITE;
    memcpy(link->buffer + 1, frame, size);
    rc = transfer(link, size + 1, wake_us);
    if (rc == 0 && link->irq == NULL) {
        hal_clock_sleep_us(link->clock, SETTLE_US);
    }
    return rc;
}

/* 1 when the chip's status byte says that a frame waits, 0 when not, negative when the bus failed. */
static int read_status(struct pn532_spi *link)
{
    int rc = 0;

    link->buffer[0] = STATUS_READ;
    link->buffer[1] = 0;
    rc = transfer(link, 2, 0);
    if (rc < 0) {
        return rc;
    }
    return link->buffer[1] != STATUS_FLOATING && (link->buffer[1] & 1) != 0;
}

/*
 * 1 when IRQ is low. Queued edges are forgotten before the level is looked at: one that comes
 * after the look stays queued and makes the descriptor readable.
 */
static int read_irq(struct pn532_spi *link)
{
    int rc = hal_gpio_wait_edge(link->irq, 0);

    if (rc >= 0) {
        rc = hal_gpio_level(link->irq);
    }
    return rc < 0 ? rc : rc == 0;
}

static int look(struct pn532_spi *link)
{
    return link->irq != NULL ? read_irq(link) : read_status(link);
}

static int pause_until(struct pn532_spi *link, uint64_t left_us)
{
    if (link->irq != NULL) {
        return hal_gpio_wait_edge(link->irq, left_us < EDGE_WAIT_US ? left_us : EDGE_WAIT_US);
    }
    hal_clock_sleep_us(link->clock, left_us < STATUS_POLL_US ? left_us : STATUS_POLL_US);
    return 0;
}

static int wait_frame(struct pn532_link *base, uint64_t timeout_us)
{
    struct pn532_spi *link = from_link(base);
    uint64_t end_us = 0;
    int rc = look(link);

    if (rc != 0 || timeout_us == 0) {
        return rc;
    }
    end_us = hal_clock_boot_us(link->clock) + timeout_us;
    for (;;) {
        uint64_t now_us = hal_clock_boot_us(link->clock);

        if (now_us >= end_us) {
            return 0;
        }
        rc = pause_until(link, end_us - now_us);
        if (rc < 0) {
            return rc;
        }
        rc = look(link);
        if (rc != 0) {
            return rc;
        }
    }
}

static int read_frame(struct pn532_link *base, uint8_t *frame, size_t size)
{
    struct pn532_spi *link = from_link(base);
    size_t count = size < PN532_SPI_READ_MAX ? size : PN532_SPI_READ_MAX;
    int rc = 0;

    memset(link->buffer, 0, count + 1);
    link->buffer[0] = DATA_READ;
    rc = transfer(link, count + 1, 0);
    if (rc < 0) {
        return rc;
    }
    memcpy(frame, link->buffer + 1, count);
    return (int)count;
}

static int discard(struct pn532_link *base)
{
    struct pn532_spi *link = from_link(base);
    int rc = look(link);

    if (rc <= 0) {
        return rc;
    }
    memset(link->buffer, 0, sizeof link->buffer);
    link->buffer[0] = DATA_READ;
    return transfer(link, sizeof link->buffer, 0);
}

static int irq_fd(struct pn532_link *base)
{
    struct pn532_spi *link = from_link(base);

    return link->irq != NULL ? hal_gpio_fd(link->irq) : HAL_GPIO_NO_FD;
}

static const struct pn532_link_ops spi_link_ops = {
    .wake = wake,
    .write = write_frame,
    .wait = wait_frame,
    .read = read_frame,
    .discard = discard,
    .fd = irq_fd,
};

void pn532_spi_init(
    struct pn532_spi *link, struct hal_spi *spi, struct hal_gpio_in *irq, struct hal_clock *clock)
{
    *link =
        (struct pn532_spi){.link = {.ops = &spi_link_ops}, .spi = spi, .irq = irq, .clock = clock};
}
