/*
 * emu_pn532.h - a PN532 down to its bytes, for tests and simulations.
 *
 * The model has the chip's states and timing: asleep after reset until woken, deaf to radio
 * commands until SAMConfiguration, ACK and then answer each announced by ready flag and IRQ, a
 * frame not read to its end keeps IRQ low, NACK repeats, ACK aborts, a new command aborts the old
 * one, a selected tag ignores the next search. And its misbehaviour, on request (emu_fault).
 *
 * It has no thread and no sleep of its own: time is read from a hal_clock, which may be a
 * fake_clock. Nothing changes between calls except by that clock; emu_pn532_next_us() says when
 * the next change is due, so a simulation can jump there.
 *
 * Ports that plug it under a driver: emu_spi.h, emu_serial.h.
 *
 * Sources: UM0701-02; driver sources and field reports (libnfc, nfcpy, Adafruit) for misbehaviour.
 * Ownership: the struct is the caller's; the clock is borrowed. Tags are copied.
 * Threads:   one emulator belongs to one thread.
 * Limits:    EMU_CARDS_MAX tags at once; below 4 KiB an instance. InAutoPoll, FeliCa, type B and
 *            target mode are not there: they are answered as syntax errors.
 */
#ifndef ECM_HAL_FAKE_EMU_PN532_H
#define ECM_HAL_FAKE_EMU_PN532_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal/chip/pn532_frame.h"
#include "hal/clock.h"
#include "hal/fake/emu_tag.h"

enum { EMU_CARDS_MAX = 3, EMU_TARGETS_MAX = 2, EMU_FRAME_MAX = PN532_FRAME_MAX + 16 };

enum emu_fault_kind {
    EMU_FAULT_NONE,
    EMU_FAULT_NO_ACK,        /* a command is neither acknowledged nor done */
    EMU_FAULT_BAD_LCS,       /* the answer's length checksum is wrong */
    EMU_FAULT_BAD_DCS,       /* the answer's data checksum is wrong */
    EMU_FAULT_GARBAGE,       /* the answer is random bytes */
    EMU_FAULT_ERROR_FRAME,   /* the answer is the error frame */
    EMU_FAULT_LATE,          /* the answer comes late_us later */
    EMU_FAULT_LONG_PREAMBLE, /* the answer has six more 00 in front */
    EMU_FAULT_EXTENDED,      /* the answer is an extended frame */
    EMU_FAULT_CARD_LEAVES,   /* the tag goes away at the first data exchange */
    EMU_FAULT_HANG,          /* at once: silent until a reset pulse */
    EMU_FAULT_BROWN_OUT,     /* at once: asleep and unconfigured, as after a power dip */
};

struct emu_fault {
    enum emu_fault_kind kind;
    uint32_t count;   /* how many answers it strikes; 0: all, until set to NONE */
    uint32_t late_us; /* LATE */
};

struct emu_timing {
    uint32_t ack_us;      /* command to ACK */
    uint32_t command_us;  /* ACK to answer, commands that need no radio */
    uint32_t select_us;   /* a tag in the field to the answer that names it */
    uint32_t exchange_us; /* one data exchange */
    uint32_t silence_us;  /* a tag that does not answer: until status 01 */
    uint32_t jitter_us;   /* up to this is added to each radio time, by seed */
};

extern const struct emu_timing emu_timing_default;

enum emu_power { EMU_HELD_IN_RESET, EMU_ASLEEP, EMU_AWAKE };

struct emu_counters {
    uint32_t commands;
    uint32_t searches;
    uint32_t resets; /* pulses on the reset line */
    uint32_t nacks;
    uint32_t aborts; /* by an ACK from the host */
    uint32_t bad_frames;
};

struct emu_pn532 {
    struct hal_clock *clock;
    struct emu_timing timing;
    struct emu_fault fault;
    struct emu_counters counters;
    uint32_t random;
    enum emu_power power;
    bool is_hung;
    bool is_configured;
    bool irq_enabled;
    bool field_on;
    bool falls_asleep;      /* PowerDown: once its answer is read */
    uint8_t search_retries; /* MxRtyPassiveActivation, FF: for ever */
    uint8_t wake_bytes;     /* HSU: bytes still lost to waking up */

    bool is_searching;
    uint8_t search_max;
    uint8_t found_count;            /* tags named by the scheduled answer */
    uint8_t found[EMU_TARGETS_MAX]; /* index into cards */
    uint8_t target_count;           /* tags the host may address, numbers from 1 */
    uint8_t targets[EMU_TARGETS_MAX];

    bool ack_waits;
    uint64_t ack_us;
    bool answer_waits;
    uint64_t answer_us;
    bool answer_is_error;
    bool answer_is_late;  /* a LATE fault has struck it already */
    uint16_t answer_size; /* code and data; kept for NACK */
    uint16_t out_size;    /* the frame the host can read now */
    uint16_t out_position;
    uint16_t in_size; /* HSU: bytes of an unfinished frame */
    uint8_t answer[PN532_DATA_MAX];
    uint8_t out[EMU_FRAME_MAX];
    uint8_t in[EMU_FRAME_MAX];
    struct emu_card cards[EMU_CARDS_MAX];
};

/* A chip that has just got power: asleep. All its chance comes from seed. */
void emu_pn532_init(struct emu_pn532 *emu, struct hal_clock *clock, uint32_t seed);

/* Lay a copy of tag on the reader. 0, -ENOSPC when EMU_CARDS_MAX lie there, -EINVAL bad number. */
int emu_pn532_place_tag(struct emu_pn532 *emu, const struct emu_tag *tag);

/* Take every tag away. */
void emu_pn532_remove_tag(struct emu_pn532 *emu);

/* Take the tag with this number away. -ENOENT when it is not there. */
int emu_pn532_remove_uid(struct emu_pn532 *emu, const uint8_t *uid, size_t uid_size);

/* Misbehave from now on; EMU_FAULT_NONE ends all but a hang, which only a reset ends. */
void emu_pn532_set_fault(struct emu_pn532 *emu, const struct emu_fault *fault);

/* The IRQ line: false (low) when a frame waits and the host asked for IRQ. */
bool emu_pn532_irq(struct emu_pn532 *emu);

/* The RSTPD_N line. Low holds the chip in reset; high again leaves it asleep. */
void emu_pn532_reset(struct emu_pn532 *emu, bool level);

/* Boot time of the next change by itself; now or earlier: a frame waits; UINT64_MAX: none. */
uint64_t emu_pn532_next_us(struct emu_pn532 *emu);

/*
 * One chip-select period, in the chip's own bit order: the bytes of tx go in, rx comes out.
 * wake_us is how long chip select was low before the first byte.
 */
void emu_pn532_spi(
    struct emu_pn532 *emu, const uint8_t *tx, uint8_t *rx, size_t size, uint32_t wake_us);

/* Bytes from the host on the UART. */
void emu_pn532_hsu_write(struct emu_pn532 *emu, const uint8_t *bytes, size_t size);

/* Bytes for the host on the UART, up to capacity. Returns how many. */
size_t emu_pn532_hsu_read(struct emu_pn532 *emu, uint8_t *bytes, size_t capacity);

#endif
