/*
 * emu_pn532.c - power, wire and queue of the emulated chip.
 *
 * The host sees one frame at a time. settle() moves the next one into `out` when its time has
 * come and the one before was read to its end; every entry point settles first, so nothing needs
 * a timer. Faults are put on when a frame goes onto the wire: a NACK then gets a sound copy, as
 * from a real chip.
 */
#include "hal/fake/emu_pn532.h"

#include <errno.h>
#include <string.h>

#include "hal/fake/emu_command.h"

enum {
    SPI_DATA_WRITE = 0x01,
    SPI_STATUS_READ = 0x02,
    SPI_DATA_READ = 0x03,
    SPI_WAKE_US = 1000,
    HSU_WAKE_BYTES = 10, /* lost while the oscillator starts */
    FRAME_GAP_US = 100,  /* IRQ is high this long between two frames */
    GARBAGE_SIZE = 24,
    LONG_PREAMBLE = 6,
};

const struct emu_timing emu_timing_default = {
    .ack_us = 400,
    .command_us = 600,
    .select_us = 9000,
    .exchange_us = 4000,
    .silence_us = 52000,
    .jitter_us = 3000,
};

static uint64_t now_us(struct emu_pn532 *emu)
{
    return hal_clock_boot_us(emu->clock);
}

/* --- power --- */

static void forget_commands(struct emu_pn532 *emu)
{
    emu->is_searching = false;
    emu->ack_waits = false;
    emu->answer_waits = false;
    emu->answer_is_late = false;
    emu->out_size = 0;
    emu->out_position = 0;
}

static void fall_asleep(struct emu_pn532 *emu)
{
    forget_commands(emu);
    emu->power = EMU_ASLEEP;
    emu->is_configured = false;
    emu->irq_enabled = false;
    emu->field_on = false;
    emu->falls_asleep = false;
    emu->target_count = 0;
    emu->answer_size = 0;
    emu->answer_is_error = false;
    emu->search_retries = 0xFF;
    emu->wake_bytes = HSU_WAKE_BYTES;
    emu->in_size = 0;
}

void emu_pn532_init(struct emu_pn532 *emu, struct hal_clock *clock, uint32_t seed)
{
    *emu = (struct emu_pn532){.clock = clock,
        .timing = emu_timing_default,
        .random = seed != 0 ? seed : 1}; /* xorshift stays at 0 for ever */
    fall_asleep(emu);
}

void emu_pn532_reset(struct emu_pn532 *emu, bool level)
{
    if (!level) {
        fall_asleep(emu);
        emu->power = EMU_HELD_IN_RESET;
        return;
    }
    if (emu->power == EMU_HELD_IN_RESET) {
        emu->power = EMU_ASLEEP;
        emu->is_hung = false;
        emu->counters.resets++;
    }
}

static bool is_deaf(const struct emu_pn532 *emu)
{
    return emu->power != EMU_AWAKE || emu->is_hung;
}

/* --- tags --- */

int emu_pn532_place_tag(struct emu_pn532 *emu, const struct emu_tag *tag)
{
    if (tag->uid_size != 4 && tag->uid_size != 7 && tag->uid_size != 10) {
        return -EINVAL;
    }
    for (int i = 0; i < EMU_CARDS_MAX; i++) {
        struct emu_card *card = &emu->cards[i];

        if (card->is_here) {
            continue;
        }
        card->is_here = true;
        card->tag = *tag;
        emu_card_power_up(card, emu_random(emu));
        if (emu->is_searching && !is_deaf(emu)) {
            emu_command_search(emu, now_us(emu));
        }
        return 0;
    }
    return -ENOSPC;
}

/* A tag taken away before the chip has told of it was never found: the search goes on. */
static void take_away(struct emu_pn532 *emu, int index)
{
    bool was_named = false;

    emu->cards[index].is_here = false;
    if (!emu->answer_waits || now_us(emu) >= emu->answer_us || emu->answer_size < 2 ||
        emu->answer[0] != 0x4B) {
        return;
    }
    for (int i = 0; i < emu->found_count; i++) {
        was_named = was_named || emu->found[i] == index;
        emu->cards[emu->found[i]].state = EMU_CARD_IDLE;
    }
    if (was_named) {
        emu->answer_waits = false;
        emu->target_count = 0;
        emu->is_searching = true;
        emu_command_search(emu, now_us(emu));
    }
}

void emu_pn532_remove_tag(struct emu_pn532 *emu)
{
    for (int i = 0; i < EMU_CARDS_MAX; i++) {
        if (emu->cards[i].is_here) {
            take_away(emu, i);
        }
    }
}

int emu_pn532_remove_uid(struct emu_pn532 *emu, const uint8_t *uid, size_t uid_size)
{
    for (int i = 0; i < EMU_CARDS_MAX; i++) {
        struct emu_card *card = &emu->cards[i];

        if (card->is_here && card->tag.uid_size == uid_size &&
            memcmp(card->tag.uid, uid, uid_size) == 0) {
            take_away(emu, i);
            return 0;
        }
    }
    return -ENOENT;
}

/* --- the queue to the host --- */

void emu_pn532_set_fault(struct emu_pn532 *emu, const struct emu_fault *fault)
{
    emu->fault = *fault;
    if (fault->kind == EMU_FAULT_HANG) {
        forget_commands(emu);
        emu->is_hung = true;
        emu->fault.kind = EMU_FAULT_NONE;
    } else if (fault->kind == EMU_FAULT_BROWN_OUT) {
        fall_asleep(emu);
        emu->fault.kind = EMU_FAULT_NONE;
    }
}

/* Whether a fault of this kind strikes now; each strike is counted. */
static bool strikes(struct emu_pn532 *emu, enum emu_fault_kind kind)
{
    if (emu->fault.kind != kind) {
        return false;
    }
    if (emu->fault.count > 0) {
        emu->fault.count--;
        if (emu->fault.count == 0) {
            emu->fault.kind = EMU_FAULT_NONE;
        }
    }
    return true;
}

static size_t encode_extended(struct emu_pn532 *emu)
{
    size_t length = (size_t)emu->answer_size + 1;
    uint8_t sum = PN532_TFI_CHIP;
    uint8_t *out = emu->out;
    size_t at = 0;

    out[at++] = 0x00;
    out[at++] = 0x00;
    out[at++] = 0xFF;
    out[at++] = 0xFF;
    out[at++] = 0xFF;
    out[at++] = (uint8_t)(length >> 8);
    out[at++] = (uint8_t)length;
    out[at++] = (uint8_t)(0u - (length >> 8) - length);
    out[at++] = PN532_TFI_CHIP;
    for (size_t i = 0; i < emu->answer_size; i++) {
        out[at++] = emu->answer[i];
        sum = (uint8_t)(sum + emu->answer[i]);
    }
    out[at++] = (uint8_t)(0u - sum);
    out[at++] = 0x00;
    return at;
}

/* Put the fault that is due onto the frame in out. Returns the new size. */
static size_t disturb(struct emu_pn532 *emu, size_t size)
{
    static const uint8_t error_frame[] = {0x00, 0x00, 0xFF, 0x01, 0xFF, 0x7F, 0x81, 0x00};

    if (strikes(emu, EMU_FAULT_BAD_LCS)) {
        emu->out[4] ^= 0x01;
    } else if (strikes(emu, EMU_FAULT_BAD_DCS)) {
        emu->out[size - 2] ^= 0x01;
    } else if (strikes(emu, EMU_FAULT_GARBAGE)) {
        for (size = 0; size < GARBAGE_SIZE; size++) {
            emu->out[size] = (uint8_t)emu_random(emu);
        }
    } else if (strikes(emu, EMU_FAULT_ERROR_FRAME)) {
        memcpy(emu->out, error_frame, sizeof error_frame);
        size = sizeof error_frame;
    } else if (strikes(emu, EMU_FAULT_LONG_PREAMBLE)) {
        memmove(emu->out + LONG_PREAMBLE, emu->out, size);
        memset(emu->out, 0, LONG_PREAMBLE);
        size += LONG_PREAMBLE;
    } else if (strikes(emu, EMU_FAULT_EXTENDED)) {
        size = encode_extended(emu);
    }
    return size;
}

static void put_answer(struct emu_pn532 *emu)
{
    static const uint8_t error_frame[] = {0x00, 0x00, 0xFF, 0x01, 0xFF, 0x7F, 0x81, 0x00};
    size_t size = sizeof error_frame;

    if (emu->answer_is_error) {
        memcpy(emu->out, error_frame, sizeof error_frame);
    } else {
        size = pn532_frame_encode(
            emu->out, sizeof emu->out, PN532_TFI_CHIP, emu->answer, emu->answer_size);
        size = disturb(emu, size);
    }
    emu->out_size = (uint16_t)size;
}

/* Let the next frame onto the wire when its time has come. */
static void settle(struct emu_pn532 *emu, uint64_t at_us)
{
    if (emu->out_size > 0 || is_deaf(emu)) {
        return;
    }
    if (emu->ack_waits) {
        if (at_us >= emu->ack_us) {
            emu->ack_waits = false;
            memcpy(emu->out, pn532_ack_frame, PN532_ACK_SIZE);
            emu->out_size = PN532_ACK_SIZE;
            emu->out_position = 0;
        }
        return;
    }
    if (emu->answer_waits && at_us >= emu->answer_us) {
        if (!emu->answer_is_late && strikes(emu, EMU_FAULT_LATE)) {
            emu->answer_is_late = true;
            emu->answer_us += emu->fault.late_us;
            return;
        }
        emu->answer_waits = false;
        put_answer(emu);
        emu->out_position = 0;
    }
}

/* The host has read out to its end. */
static void finish_frame(struct emu_pn532 *emu, uint64_t at_us)
{
    emu->out_size = 0;
    emu->out_position = 0;
    if (emu->answer_waits && emu->answer_us < at_us + FRAME_GAP_US) {
        emu->answer_us = at_us + FRAME_GAP_US;
    }
    if (emu->falls_asleep && !emu->ack_waits && !emu->answer_waits) {
        fall_asleep(emu);
    }
}

uint64_t emu_pn532_next_us(struct emu_pn532 *emu)
{
    settle(emu, now_us(emu));
    if (is_deaf(emu)) {
        return UINT64_MAX;
    }
    if (emu->out_size > 0) {
        return 0;
    }
    if (emu->ack_waits) {
        return emu->ack_us;
    }
    return emu->answer_waits ? emu->answer_us : UINT64_MAX;
}

bool emu_pn532_irq(struct emu_pn532 *emu)
{
    settle(emu, now_us(emu));
    return !(emu->out_size > 0 && emu->irq_enabled && !is_deaf(emu));
}

/* --- frames from the host --- */

static void take_command(struct emu_pn532 *emu, const uint8_t *command, size_t size)
{
    uint64_t at_us = now_us(emu);

    forget_commands(emu);
    if (size == 0 || strikes(emu, EMU_FAULT_NO_ACK)) {
        return;
    }
    emu->counters.commands++;
    emu->ack_waits = true;
    emu->ack_us = at_us + emu->timing.ack_us;
    emu_command_run(emu, command, size, emu->ack_us);
}

static void take_frame(struct emu_pn532 *emu, const struct pn532_frame *frame)
{
    switch (frame->kind) {
    case PN532_FRAME_ACK:
        emu->counters.aborts++;
        forget_commands(emu);
        break;
    case PN532_FRAME_NACK:
        emu->counters.nacks++;
        if (emu->answer_size > 0 || emu->answer_is_error) {
            emu->out_size = 0;
            emu->answer_waits = true;
            emu->answer_us = now_us(emu) + emu->timing.ack_us;
        }
        break;
    case PN532_FRAME_DATA:
        if (frame->tfi == PN532_TFI_HOST) {
            take_command(emu, frame->data, frame->size);
        }
        break;
    case PN532_FRAME_ERROR:
        break;
    }
}

/* --- SPI --- */

static void spi_read(struct emu_pn532 *emu, uint8_t *rx, size_t size)
{
    size_t left = (size_t)(emu->out_size - emu->out_position);
    size_t count = size < left ? size : left;

    memcpy(rx, emu->out + emu->out_position, count);
    memset(rx + count, 0, size - count);
    emu->out_position = (uint16_t)(emu->out_position + count);
    if (emu->out_size > 0 && emu->out_position == emu->out_size) {
        finish_frame(emu, now_us(emu));
    }
}

static void spi_write(struct emu_pn532 *emu, const uint8_t *bytes, size_t size)
{
    struct pn532_frame frame;

    if (pn532_frame_parse(bytes, size, &frame) == 0) {
        take_frame(emu, &frame);
    } else {
        emu->counters.bad_frames++;
    }
}

void emu_pn532_spi(
    struct emu_pn532 *emu, const uint8_t *tx, uint8_t *rx, size_t size, uint32_t wake_us)
{
    if (emu->power == EMU_ASLEEP && wake_us >= SPI_WAKE_US) {
        emu->power = EMU_AWAKE;
    }
    memset(rx, emu->power == EMU_AWAKE ? 0x00 : 0xFF, size);
    if (size == 0 || is_deaf(emu)) {
        return;
    }
    settle(emu, now_us(emu));
    switch (tx[0]) {
    case SPI_DATA_WRITE:
        spi_write(emu, tx + 1, size - 1);
        break;
    case SPI_STATUS_READ:
        for (size_t i = 1; i < size; i++) {
            rx[i] = emu->out_size > 0;
        }
        break;
    case SPI_DATA_READ:
        spi_read(emu, rx + 1, size - 1);
        break;
    default:
        break;
    }
}

/* --- HSU --- */

static void drop_in(struct emu_pn532 *emu, size_t count)
{
    memmove(emu->in, emu->in + count, emu->in_size - count);
    emu->in_size = (uint16_t)(emu->in_size - count);
}

static void take_bytes(struct emu_pn532 *emu)
{
    while (emu->in_size > 0) {
        struct pn532_frame frame;
        int rc = pn532_frame_parse(emu->in, emu->in_size, &frame);

        if (rc == 0) {
            take_frame(emu, &frame);
        } else if (rc == -EBADMSG) {
            emu->counters.bad_frames++;
        }
        drop_in(emu, frame.consumed);
        if (rc == -EAGAIN) {
            return;
        }
    }
}

void emu_pn532_hsu_write(struct emu_pn532 *emu, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (emu->power == EMU_HELD_IN_RESET || emu->is_hung) {
            return;
        }
        if (emu->wake_bytes > 0) {
            emu->wake_bytes--;
            emu->power = emu->wake_bytes == 0 ? EMU_AWAKE : emu->power;
            continue;
        }
        if (emu->in_size == sizeof emu->in) {
            drop_in(emu, 1); /* an endless frame: the chip loses bytes too */
        }
        emu->in[emu->in_size] = bytes[i];
        emu->in_size++;
        if (emu->in_size == sizeof emu->in) {
            take_bytes(emu);
        }
    }
    settle(emu, now_us(emu));
    take_bytes(emu);
}

size_t emu_pn532_hsu_read(struct emu_pn532 *emu, uint8_t *bytes, size_t capacity)
{
    uint64_t at_us = now_us(emu);
    size_t done = 0;

    settle(emu, at_us);
    while (emu->out_size > 0 && done < capacity) {
        size_t left = (size_t)(emu->out_size - emu->out_position);
        size_t count = left < capacity - done ? left : capacity - done;

        memcpy(bytes + done, emu->out + emu->out_position, count);
        done += count;
        emu->out_position = (uint16_t)(emu->out_position + count);
        if (emu->out_position == emu->out_size) {
            finish_frame(emu, at_us);
            settle(emu, at_us);
        }
    }
    return done;
}
