/*
 * fake_flash.h - a hal_flash in memory that behaves like NOR, loses power and wears.
 *
 * Power:  everything that changes cells takes units: a program one unit, and one more for each
 *         byte that is not FF; an erase FAKE_FLASH_ERASE_UNITS. With cut_at = N the power goes in
 *         unit N: the bytes before it are programmed, that byte has some of its bits, a sector is
 *         erased in part. From then on every call is -EIO, until fake_flash_power_on().
 * Weak:   what was cut short leaves cells that hold too little charge. They read as they happen to
 *         until the next fake_flash_power_on() or fake_flash_age(), which throw the dice again.
 *         Only a complete erase, or a complete program of a 0, makes them firm. So a sector can
 *         read as blank, and half a record as whole, and be neither tomorrow.
 * Faults: call N of a kind fails (fake_fail.h), having done nothing, or with fails_half, half;
 *         single bytes can be worn out (stick at a value).
 * Time:   0.7 ms a page and 45 ms a sector on the clock it is given.
 *
 * Ownership: fake_flash_init() allocates the cells; fake_flash_done() frees them.
 */
#ifndef ECM_HAL_FAKE_FAKE_FLASH_H
#define ECM_HAL_FAKE_FAKE_FLASH_H

#include <stdbool.h>
#include <stdint.h>

#include "hal/fake/fake_clock.h"
#include "hal/fake/fake_fail.h"
#include "hal/flash.h"

enum {
    FAKE_FLASH_ERASE_UNITS = 8,
    FAKE_FLASH_WORN_MAX = 16,
    FAKE_FLASH_PAGE_US = 700,
    FAKE_FLASH_SECTOR_US = 45000,
};

struct fake_flash {
    struct hal_flash base;    /* first */
    uint8_t *bytes;           /* the cells, as they read now */
    uint8_t *weak;            /* bits of each byte that read as they happen to */
    uint32_t *erases;         /* of each sector, begun ones too */
    struct fake_clock *clock; /* NULL: time stands still */

    struct fake_fail fail_read;
    struct fake_fail fail_program;
    struct fake_fail fail_erase;
    bool fails_half; /* a failing program or erase does half of it */

    uint64_t units;  /* used so far */
    uint64_t cut_at; /* the unit in which the power goes; 0: never */
    bool is_dead;
    bool is_busy;

    struct {
        uint32_t offset;
        uint8_t value;
    } worn[FAKE_FLASH_WORN_MAX]; /* bytes that always read so */
    uint32_t worn_count;

    uint64_t random;
    uint32_t programs;   /* pages */
    uint32_t raised;     /* bytes of which a 0 was asked to become a 1 */
    uint32_t busy_calls; /* made from within another one */
};

/* Blank, size bytes, a multiple of HAL_FLASH_SECTOR. 0 or -ENOMEM. */
int fake_flash_init(struct fake_flash *flash, uint32_t size, uint64_t seed);
void fake_flash_done(struct fake_flash *flash);

/* After a cut, or instead of one: weak cells read anew, no cut is set. */
void fake_flash_power_on(struct fake_flash *flash);

/* Time passes: weak cells read anew. */
void fake_flash_age(struct fake_flash *flash);

/* The byte at offset reads as value for ever. */
void fake_flash_wear_out(struct fake_flash *flash, uint32_t offset, uint8_t value);

#endif
