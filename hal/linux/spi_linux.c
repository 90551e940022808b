/*
 * spi_linux.c - spidev.
 *
 * An exchange is one SPI_IOC_MESSAGE, so the kernel holds chip select from its first transfer to
 * its last. The wake-up pause is a first transfer of no bytes with a delay: measured on a 6.1
 * kernel, the first data byte follows chip select by the delay and no less.
 *
 * SPI_LSB_FIRST is never asked for: no controller of a Raspberry Pi has it.
 */
#include "hal/linux/spi_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/spi/spidev.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { DELAY_MAX_US = UINT16_MAX };

/* The kernel takes addresses as 64-bit numbers. */
static uint64_t address_of(const void *memory)
{
    return (uint64_t)(uintptr_t)memory;
}

static int exchange_bytes(struct hal_spi *base, const struct hal_spi_exchange *exchange)
{
    struct spi_linux *spi = (struct spi_linux *)base;
    struct spi_ioc_transfer transfers[2] = {{0}, {0}};
    int rc = 0;

    if (exchange->size == 0 || exchange->size > HAL_SPI_EXCHANGE_MAX ||
        exchange->wake_us > DELAY_MAX_US) {
        return -EINVAL;
    }
    transfers[0].delay_usecs = (uint16_t)exchange->wake_us;
    transfers[0].speed_hz = spi->speed_hz;
    transfers[0].bits_per_word = 8;
    transfers[1].tx_buf = address_of(exchange->tx);
    transfers[1].rx_buf = address_of(exchange->rx);
    transfers[1].len = (uint32_t)exchange->size;
    transfers[1].speed_hz = spi->speed_hz;
    transfers[1].bits_per_word = 8;
    if (exchange->wake_us > 0) {
        rc = ioctl(spi->fd, SPI_IOC_MESSAGE(2), transfers);
    } else {
        rc = ioctl(spi->fd, SPI_IOC_MESSAGE(1), &transfers[1]);
    }
    return rc < 0 ? -EIO : 0;
}

static const struct hal_spi_ops spi_linux_ops = {.exchange = exchange_bytes};

static int set_up(int fd, uint32_t speed_hz)
{
    uint8_t mode = SPI_MODE_0;
    uint8_t bits = 8;

    if (ioctl(fd, SPI_IOC_WR_MODE, &mode) < 0 || ioctl(fd, SPI_IOC_WR_BITS_PER_WORD, &bits) < 0 ||
        ioctl(fd, SPI_IOC_WR_MAX_SPEED_HZ, &speed_hz) < 0) {
        return -errno;
    }
    return 0;
}

int spi_linux_open(struct spi_linux *spi, const char *path, uint32_t speed_hz)
{
    int rc = 0;

    *spi = (struct spi_linux){
        .base = {.ops = &spi_linux_ops}, .speed_hz = speed_hz != 0 ? speed_hz : SPI_LINUX_SPEED_HZ};
    spi->fd = open(path, O_RDWR | O_CLOEXEC);
    if (spi->fd < 0) {
        return -errno;
    }
    rc = set_up(spi->fd, spi->speed_hz);
    if (rc < 0) {
        spi_linux_close(spi);
    }
    return rc;
}

void spi_linux_close(struct spi_linux *spi)
{
    if (spi->fd >= 0) {
        (void)close(spi->fd);
        spi->fd = -1;
    }
}
