/*
 * rig.h - a PN532 reader on an emulated chip, over any of the three ways to connect one.
 */
#ifndef ECM_TESTS_UNIT_HAL_RIG_H
#define ECM_TESTS_UNIT_HAL_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "hal/chip/pn532_hsu.h"
#include "hal/chip/pn532_reader.h"
#include "hal/chip/pn532_spi.h"
#include "hal/fake/emu_pn532.h"
#include "hal/fake/emu_serial.h"
#include "hal/fake/emu_spi.h"
#include "hal/fake/fake_clock.h"
#include "hal/fake/fake_gpio.h"
#include "hal/fake/fake_serial.h"
#include "hal/fake/fake_spi.h"

enum rig_wiring { RIG_SPI_IRQ, RIG_SPI_STATUS, RIG_HSU, RIG_WIRINGS };

struct rig {
    struct fake_clock clock;
    struct emu_pn532 emu;
    struct emu_spi emu_spi;
    struct emu_serial emu_serial;
    struct fake_spi spi;
    struct fake_serial serial;
    struct fake_gpio_in irq;
    struct fake_gpio_out reset;
    struct pn532_spi spi_link;
    struct pn532_hsu hsu_link;
    struct pn532_link *link;
    struct pn532_reader reader;
};

/* Everything wired up, the chip asleep, no poll done. */
void rig_init(struct rig *rig, enum rig_wiring wiring, bool has_reset);

/* Poll as a gateway does, for at most duration_ms of simulated time, until an event comes. */
struct hal_reader_event rig_wait(struct rig *rig, uint32_t duration_ms);

/* As rig_wait(), and the event must be of this kind. */
struct hal_reader_event rig_expect(
    struct rig *rig, enum hal_reader_event_kind kind, uint32_t duration_ms);

/* No event may come for duration_ms. */
void rig_expect_quiet(struct rig *rig, uint32_t duration_ms);

/* A tag of kind with number (hex). */
struct emu_tag rig_tag(enum emu_tag_kind kind, const char *hex);

/* An NTAG 424 with the SUN message of AN12196 page 12. */
struct emu_tag rig_sun_tag(const char *hex);

void rig_place(struct rig *rig, const struct emu_tag *tag);
void rig_fault(struct rig *rig, enum emu_fault_kind kind, uint32_t count, uint32_t late_us);

/* Bytes of a hex string with spaces. Returns how many. */
size_t rig_bytes(const char *hex, uint8_t *bytes, size_t capacity);

#endif
