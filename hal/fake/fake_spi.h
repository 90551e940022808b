/*
 * fake_spi.h - a hal_spi that fails on demand, in front of another one.
 *
 * Ownership: the struct is the caller's; inner is borrowed, NULL means a bus on which nothing
 * answers (all FF).
 */
#ifndef ECM_HAL_FAKE_FAKE_SPI_H
#define ECM_HAL_FAKE_FAKE_SPI_H

#include "hal/fake/fake_fail.h"
#include "hal/spi.h"

struct fake_spi {
    struct hal_spi base; /* first */
    struct hal_spi *inner;
    struct fake_fail fail; /* a failing exchange is -EIO and does not reach inner */
};

void fake_spi_init(struct fake_spi *spi, struct hal_spi *inner);

#endif
