/*
 * fuzz_emu_host.c - any bytes from a host, over SPI and UART, with tags that come and go.
 */
#include <stdlib.h>
#include <string.h>

#include "hal/fake/emu_pn532.h"
#include "hal/fake/fake_clock.h"

enum { CHUNK_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void lay_tag(struct emu_pn532 *emu, uint8_t choice)
{
    struct emu_tag tag = {.kind = (enum emu_tag_kind)(choice % (EMU_TAG_CLASSIC + 1)),
        .uid = {0x04, choice, 3, 4, 5, 6, 7},
        .uid_size = 7,
        .random_uid = (choice & 0x80) != 0,
        .ndef_size = choice};

    if (tag.ndef_size <= EMU_TAG_NDEF_MAX) {
        (void)emu_pn532_place_tag(emu, &tag);
    }
}

static void do_step(
    struct emu_pn532 *emu, uint8_t what, const uint8_t *bytes, size_t size, uint8_t *answer)
{
    const struct emu_fault fault = {
        .kind = (enum emu_fault_kind)(what % (EMU_FAULT_BROWN_OUT + 1)), .count = 2};

    switch (what >> 5) {
    case 0:
    case 1:
        emu_pn532_spi(emu, bytes, answer, size, (what & 1) != 0 ? 2000 : 0);
        break;
    case 2:
        emu_pn532_hsu_write(emu, bytes, size);
        break;
    case 3:
        (void)emu_pn532_hsu_read(emu, answer, size);
        break;
    case 4:
        lay_tag(emu, size > 0 ? bytes[0] : 0);
        break;
    case 5:
        emu_pn532_remove_tag(emu);
        break;
    case 6:
        emu_pn532_set_fault(emu, &fault);
        break;
    default:
        emu_pn532_reset(emu, (what & 1) != 0);
        break;
    }
}

/* A command that is sound but for its content: random bytes hardly ever get through the frame. */
static void do_command(struct emu_pn532 *emu, const uint8_t *bytes, size_t size)
{
    uint8_t frame[EMU_FRAME_MAX] = {0x01};
    uint8_t answer[EMU_FRAME_MAX];
    size_t made = pn532_frame_encode(frame + 1, sizeof frame - 1, PN532_TFI_HOST, bytes, size);

    if (made == 0) {
        abort();
    }
    emu_pn532_spi(emu, frame, answer, made + 1, 2000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fake_clock clock;
    struct emu_pn532 emu;
    size_t at = 0;

    fake_clock_init(&clock, 1, 0);
    emu_pn532_init(&emu, &clock.base, 5);
    while (at + 2 <= size) {
        uint8_t what = data[at];
        size_t count = data[at + 1] % CHUNK_MAX;
        uint8_t answer[CHUNK_MAX];

        at += 2;
        count = count < size - at ? count : size - at;
        if ((what & 0x1F) == 0x1F) {
            do_command(&emu, data + at, count);
        } else {
            do_step(&emu, what, data + at, count, answer);
        }
        at += count;
        fake_clock_advance_us(&clock, (uint64_t)what * 100);
        if (emu_pn532_next_us(&emu) == 0 && emu.out_position >= emu.out_size) {
            abort();
        }
        (void)emu_pn532_irq(&emu);
    }
    return 0;
}
