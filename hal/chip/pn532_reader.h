/*
 * pn532_reader.h - the hal_reader (hal/reader.h) made of a PN532.
 *
 * When nothing is on the reader the chip searches by itself and the bus is quiet: with an IRQ
 * line, poll() costs one look at that line. A tag is reported as soon as its number is known and,
 * for type 4, its NDEF was read; a tag that leaves while being read is reported by its number.
 *
 * While tags lie on the reader, the field is dropped and searched again every 150 ms (500 ms when
 * they lie there longer than 10 s); a tag is GONE after three searches without it. A second tag
 * laid on top of a forgotten one is found at once.
 *
 * Every 30 s of quiet the chip is asked for its version. Three exchanges that fail in a row, or
 * a chip that does not know its own version, make the reader go down: FAULT once, then a pulse on
 * the reset line (if there is one), a wake-up and a full set-up, at first at once, then with
 * pauses that double up to 5 s, until it works: RECOVERED once. The first bring-up happens in
 * the first poll(); it reports nothing when it works and FAULT when it does not.
 *
 * Random numbers: a tag with a random number has another one each time the field drops, so while
 * it lies there any random number is taken for the same tag.
 *
 * Ownership: the struct is the caller's; what the config points to is borrowed for its whole life.
 * Threads:   one reader belongs to one thread.
 * Blocking:  poll() at most HAL_READER_POLL_MAX_MS, typically below 15 ms when it does anything.
 * Limits:    TAG_TABLE_MAX tags at once (tag_table.h).
 */
#ifndef ECM_HAL_CHIP_PN532_READER_H
#define ECM_HAL_CHIP_PN532_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "hal/chip/pn532.h"
#include "hal/chip/tag_table.h"
#include "hal/gpio.h"
#include "hal/reader.h"

enum { PN532_READER_HEALTH_MS = 30000 };

struct pn532_reader_config {
    const char *name;        /* "spi0"; goes into every tap */
    struct pn532_link *link; /* pn532_spi or pn532_hsu */
    struct hal_clock *clock;
    struct hal_gpio_out *reset; /* RSTPD_N, or NULL */
    uint32_t health_ms;         /* 0: PN532_READER_HEALTH_MS */
    bool skip_ndef;             /* numbers only: never read what a tag holds */
};

struct pn532_reader_counters {
    uint32_t tags;
    uint32_t faults;
    uint32_t resets;      /* bring-ups tried, the first one included */
    uint32_t ndef_failed; /* type 4 tags reported by number only */
};

enum pn532_reader_state {
    PN532_READER_DOWN,      /* not set up, or not any more */
    PN532_READER_SEARCHING, /* the chip searches by itself */
    PN532_READER_FOUND,     /* a tag was taken; put it to sleep and search on */
    PN532_READER_RESTING,   /* no command runs until the next round */
};

struct pn532_reader {
    struct hal_reader base; /* first */
    struct pn532 pn;
    struct hal_gpio_out *reset;
    uint32_t health_ms;
    bool skip_ndef;
    enum pn532_reader_state state;
    bool is_down;     /* FAULT was reported, RECOVERED not yet */
    bool fault_waits; /* to be reported */
    bool recovered_waits;
    int fault_code;
    uint8_t search_failures; /* in a row */
    uint32_t pause_ms;       /* before the next bring-up */
    uint64_t down_since_us;
    uint64_t retry_us;
    uint64_t round_end_us;  /* tags not seen until then are missed; UINT64_MAX: no round runs */
    uint64_t round_next_us; /* the next round starts; UINT64_MAX: none is needed */
    uint64_t health_us;
    uint64_t look_us; /* when nothing tells us, look again then */
    struct tag_table tags;
    struct pn532_reader_counters counters;
};

/* Prepare reader; no bus traffic before the first poll(). */
void pn532_reader_init(struct pn532_reader *reader, const struct pn532_reader_config *config);

/* Whether the chip is set up and working. */
bool pn532_reader_is_up(const struct pn532_reader *reader);

#endif
