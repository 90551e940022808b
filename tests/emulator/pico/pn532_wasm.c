/*
 * pn532_wasm.c - the PN532 of hal/fake as a WebAssembly module, so that the emulated Pico meets the
 * same chip as every other test.
 *
 * One chip. Time comes from the host (clock_us); tags are laid down by kind, number and URI. Buffers
 * are the module's: the host writes into what emu_buffer() points to.
 */
#include <stddef.h>

#include "hal/fake/emu_pn532.h"

#define EXPORT(name) __attribute__((export_name(#name))) name

__attribute__((import_module("host"), import_name("clock_us"))) extern double host_clock_us(void);

static struct emu_pn532 emu;
static uint8_t buffer[1024];

static void read_clock(struct hal_clock *clock, struct hal_clock_reading *ret_reading)
{
    (void)clock;
    *ret_reading = (struct hal_clock_reading){.boot_us = (uint64_t)host_clock_us()};
}

static void no_sleep(struct hal_clock *clock, uint64_t duration_us)
{
    (void)clock;
    (void)duration_us;
}

static const struct hal_clock_ops clock_ops = {.read = read_clock, .sleep_us = no_sleep};
static struct hal_clock clock = {.ops = &clock_ops};

/* Power on. */
void EXPORT(emu_start)(uint32_t seed);
void EXPORT(emu_start)(uint32_t seed)
{
    emu_pn532_init(&emu, &clock, seed);
}

uint8_t *EXPORT(emu_buffer)(void);
uint8_t *EXPORT(emu_buffer)(void)
{
    return buffer;
}

/* The buffer holds the number, then the URI ended by 0. */
int EXPORT(emu_place)(int kind, uint32_t uid_size, uint32_t random_uid);
int EXPORT(emu_place)(int kind, uint32_t uid_size, uint32_t random_uid)
{
    struct emu_tag tag = {.kind = (enum emu_tag_kind)kind, .random_uid = random_uid != 0};

    if (uid_size > EMU_TAG_UID_MAX) {
        return -1;
    }
    tag.uid_size = (uint8_t)uid_size;
    for (uint32_t i = 0; i < uid_size; i++) {
        tag.uid[i] = buffer[i];
    }
    if (buffer[uid_size] != 0 && emu_tag_set_uri(&tag, (const char *)buffer + uid_size) < 0) {
        return -1;
    }
    return emu_pn532_place_tag(&emu, &tag);
}

void EXPORT(emu_remove)(void);
void EXPORT(emu_remove)(void)
{
    emu_pn532_remove_tag(&emu);
}

void EXPORT(emu_misbehave)(int kind, uint32_t count, uint32_t late_us);
void EXPORT(emu_misbehave)(int kind, uint32_t count, uint32_t late_us)
{
    const struct emu_fault fault = {
        .kind = (enum emu_fault_kind)kind, .count = count, .late_us = late_us};

    emu_pn532_set_fault(&emu, &fault);
}

int EXPORT(emu_irq)(void);
int EXPORT(emu_irq)(void)
{
    return emu_pn532_irq(&emu);
}

void EXPORT(emu_reset)(int level);
void EXPORT(emu_reset)(int level)
{
    emu_pn532_reset(&emu, level != 0);
}

/* When IRQ changes by itself next; negative: never. */
double EXPORT(emu_next_us)(void);
double EXPORT(emu_next_us)(void)
{
    uint64_t next_us = emu_pn532_next_us(&emu);

    return next_us == UINT64_MAX ? -1.0 : (double)next_us;
}

/* One chip-select period of size bytes, in and out through the buffer, in the chip's bit order. */
void EXPORT(emu_exchange)(uint32_t size, uint32_t wake_us);
void EXPORT(emu_exchange)(uint32_t size, uint32_t wake_us)
{
    uint8_t rx[sizeof buffer / 2];

    if (size <= sizeof rx) {
        emu_pn532_spi(&emu, buffer, rx, size, wake_us);
        for (uint32_t i = 0; i < size; i++) {
            buffer[i] = rx[i];
        }
    }
}

/* Whether a frame, or the rest of one, waits to be read. */
int EXPORT(emu_has_frame)(void);
int EXPORT(emu_has_frame)(void)
{
    return emu.out_size > 0;
}

/* How long the chip takes, for the floor of what is measured. */
uint32_t EXPORT(emu_timing)(int which);
uint32_t EXPORT(emu_timing)(int which)
{
    const uint32_t values[] = {emu.timing.ack_us, emu.timing.command_us, emu.timing.select_us,
        emu.timing.exchange_us, emu.timing.silence_us, emu.timing.jitter_us};

    return which >= 0 && (size_t)which < sizeof values / sizeof values[0] ? values[which] : 0;
}

void EXPORT(emu_no_jitter)(void);
void EXPORT(emu_no_jitter)(void)
{
    emu.timing.jitter_us = 0;
}
