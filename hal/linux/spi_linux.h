/*
 * spi_linux.h - hal_spi on the kernel's spidev.
 *
 * Ownership: the struct is the caller's; it owns the descriptor from open to close.
 */
#ifndef ECM_HAL_LINUX_SPI_LINUX_H
#define ECM_HAL_LINUX_SPI_LINUX_H

#include "hal/spi.h"

enum { SPI_LINUX_SPEED_HZ = 1000000 };

struct spi_linux {
    struct hal_spi base; /* first */
    int fd;
    uint32_t speed_hz;
};

/*
 * Open path ("/dev/spidev0.0") for mode 0 at speed_hz (0: SPI_LINUX_SPEED_HZ). 0, or -errno: what
 * open() gave, or what the controller refused.
 */
int spi_linux_open(struct spi_linux *spi, const char *path, uint32_t speed_hz);

/* After a failed open this does nothing. */
void spi_linux_close(struct spi_linux *spi);

#endif
