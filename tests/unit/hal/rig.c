/*
 * rig.c - see rig.h.
 */
#include "tests/unit/hal/rig.h"

#include <string.h>

#include "tests/unit/suite.h"

enum { STEPS_MAX = 4000000 };

static void plan_links(struct rig *rig, enum rig_wiring wiring)
{
    emu_spi_init(&rig->emu_spi, &rig->emu);
    emu_serial_init(&rig->emu_serial, &rig->emu);
    fake_spi_init(&rig->spi, &rig->emu_spi.spi);
    fake_serial_init(&rig->serial, &rig->emu_serial.serial);
    fake_gpio_in_init(&rig->irq, &rig->emu_spi.irq);
    fake_gpio_out_init(&rig->reset, &rig->emu_spi.reset);
    pn532_spi_init(&rig->spi_link, &rig->spi.base, wiring == RIG_SPI_IRQ ? &rig->irq.base : NULL,
        &rig->clock.base);
    pn532_hsu_init(&rig->hsu_link, &rig->serial.base, &rig->clock.base);
    rig->link = wiring == RIG_HSU ? &rig->hsu_link.link : &rig->spi_link.link;
}

void rig_init(struct rig *rig, enum rig_wiring wiring, bool has_reset)
{
    struct pn532_reader_config config = {.name = "spi0"};

    memset(rig, 0, sizeof *rig);
    fake_clock_init(&rig->clock, 7, 0);
    fake_clock_advance_us(&rig->clock, 1000000);
    emu_pn532_init(&rig->emu, &rig->clock.base, 42);
    plan_links(rig, wiring);
    config.link = rig->link;
    config.clock = &rig->clock.base;
    config.reset = has_reset ? &rig->reset.base : NULL;
    pn532_reader_init(&rig->reader, &config);
}

struct hal_reader_event rig_wait(struct rig *rig, uint32_t duration_ms)
{
    uint64_t end_us = rig->clock.boot_us + (uint64_t)duration_ms * 1000;
    struct hal_reader_event event = {.kind = HAL_READER_NONE};

    for (int i = 0; i < STEPS_MAX; i++) {
        uint64_t due_us = 0;
        uint64_t next_us = 0;
        uint64_t before_us = rig->clock.boot_us;

        hal_reader_poll(&rig->reader.base, &event);
        assert_true(rig->clock.boot_us - before_us <= HAL_READER_POLL_MAX_MS * 1000ull);
        if (event.kind != HAL_READER_NONE || rig->clock.boot_us >= end_us) {
            return event;
        }
        due_us = hal_reader_due_us(&rig->reader.base);
        next_us = emu_pn532_next_us(&rig->emu);
        next_us = next_us < due_us ? next_us : due_us;
        next_us = next_us < end_us ? next_us : end_us;
        fake_clock_advance_to_us(&rig->clock, next_us);
    }
    fail_msg("the reader keeps its owner busy without end");
    return event;
}

struct hal_reader_event rig_expect(
    struct rig *rig, enum hal_reader_event_kind kind, uint32_t duration_ms)
{
    struct hal_reader_event event = rig_wait(rig, duration_ms);

    assert_int_equal(event.kind, kind);
    return event;
}

void rig_expect_quiet(struct rig *rig, uint32_t duration_ms)
{
    (void)rig_expect(rig, HAL_READER_NONE, duration_ms);
}

size_t rig_bytes(const char *hex, uint8_t *bytes, size_t capacity)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t count = 0;

    for (const char *c = hex; *c != '\0'; c++) {
        const char *high = strchr(digits, *c);

        if (*c == ' ') {
            continue;
        }
        assert_non_null(high);
        assert_true(count < capacity);
        c++;
        bytes[count] = (uint8_t)((high - digits) << 4 | (strchr(digits, *c) - digits));
        count++;
    }
    return count;
}

struct emu_tag rig_tag(enum emu_tag_kind kind, const char *hex)
{
    struct emu_tag tag = {.kind = kind};

    tag.uid_size = (uint8_t)rig_bytes(hex, tag.uid, sizeof tag.uid);
    return tag;
}

struct emu_tag rig_sun_tag(const char *hex)
{
    struct emu_tag tag = rig_tag(EMU_TAG_NTAG424, hex);

    assert_int_equal(
        emu_tag_set_uri(&tag, "https://tag.example.org/t?picc_data=EF963FF7828658A599F3041510671E88"
                              "&cmac=94EED9EE65337086"),
        0);
    return tag;
}

void rig_place(struct rig *rig, const struct emu_tag *tag)
{
    assert_int_equal(emu_pn532_place_tag(&rig->emu, tag), 0);
}

void rig_fault(struct rig *rig, enum emu_fault_kind kind, uint32_t count, uint32_t late_us)
{
    const struct emu_fault fault = {.kind = kind, .count = count, .late_us = late_us};

    emu_pn532_set_fault(&rig->emu, &fault);
}
