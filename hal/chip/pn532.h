/*
 * pn532.h - the commands of the NXP PN532, over either link.
 *
 * A command goes out, the chip acknowledges it within 15 ms, then answers. A lost ACK is cured by
 * sending again, a garbled answer by a NACK, an answer that does not come by an ACK, which aborts
 * the command. Only when all that failed does the caller hear of it.
 *
 * Every wait ends at the deadline set by pn532_set_deadline(), so a caller can bound a whole
 * sequence of commands.
 *
 * Errors, of every function that returns int: -ETIMEDOUT no ACK or no answer; -EBADMSG answers
 * that stay garbled; -EPROTO an error frame or an answer to something else; -EIO the bus failed;
 * -EINVAL arguments. What a tag or the radio got wrong is -ENODEV (tag gone, or silent) or
 * -ECONNRESET (any other status byte): the chip itself is well then.
 *
 * Source: UM0701-02 sections 6.2 and 7.
 * Ownership: the struct is the caller's; link and clock are borrowed.
 * Threads:   one chip belongs to one thread.
 */
#ifndef ECM_HAL_CHIP_PN532_H
#define ECM_HAL_CHIP_PN532_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal/chip/pn532_frame.h"
#include "hal/chip/pn532_link.h"
#include "hal/clock.h"

enum {
    PN532_IC = 0x32, /* first byte of a PN532's firmware version */
    PN532_UID_MAX = 10,
    PN532_ATS_MAX = 32,
    PN532_EXCHANGE_MAX = 262, /* bytes of one data exchange, either way */
};

struct pn532_counters {
    uint32_t commands;
    uint32_t ack_missing; /* commands sent again because no ACK came */
    uint32_t garbled;     /* answers asked for again */
    uint32_t unanswered;
};

struct pn532 {
    struct hal_clock *clock;
    struct pn532_link *link;
    uint64_t deadline_us; /* boot time */
    struct pn532_counters counters;
    uint8_t frame[PN532_FRAME_MAX + 8];
};

/* What InListPassiveTarget says of one tag (106 kbit/s, type A). */
struct pn532_target {
    uint8_t number; /* the chip's name for it, in later commands */
    uint16_t sens_res;
    uint8_t sel_res;
    uint8_t uid_size; /* 4, 7 or 10 */
    uint8_t uid[PN532_UID_MAX];
    uint8_t ats_size; /* as much of the ATS as fits into ats */
    uint8_t ats[PN532_ATS_MAX];
};

void pn532_init(struct pn532 *pn, struct pn532_link *link, struct hal_clock *clock);

/* No wait goes beyond this boot time. It starts as "never". */
void pn532_set_deadline(struct pn532 *pn, uint64_t deadline_us);

/* Send one command (code and parameters) until the chip acknowledges it. */
int pn532_send(struct pn532 *pn, const uint8_t *command, size_t size);

/*
 * Wait up to timeout_us for the answer to code, and put what follows its own code into answer.
 * Returns how many bytes that is; -EINVAL when it is more than capacity. After -ETIMEDOUT the
 * command is aborted.
 */
int pn532_receive(
    struct pn532 *pn, uint8_t code, uint8_t *answer, size_t capacity, uint32_t timeout_us);

/* 1 when an answer waits, 0 when not, -EIO. Costs one look at the IRQ line. */
int pn532_is_ready(struct pn532 *pn);

/* Stop the running command and forget its answer. */
int pn532_abort(struct pn532 *pn);

/*
 * Everything a chip needs after a reset: wake-up, SAMConfiguration, identity check, automatic
 * RATS, endless search for tags, timeouts that fit an NTAG 424. -ENODEV: it is not a PN532.
 */
int pn532_setup(struct pn532 *pn);

/* Firmware version: IC, version, revision, support. The cheapest sign of life. */
int pn532_get_firmware(struct pn532 *pn, uint8_t ret_version[4]);

/* Radio field on or off. */
int pn532_set_field(struct pn532 *pn, bool on);

/* Let the chip search for one type A tag for ever; pn532_take_target() has the answer. */
int pn532_start_search(struct pn532 *pn);

/* The tag found. -ENODEV: the answer says none. -EPROTO: it makes no sense. */
int pn532_take_target(struct pn532 *pn, struct pn532_target *ret_target);

/* Take apart the answer to InListPassiveTarget (from NbTg on). 0, -ENODEV or -EPROTO. */
int pn532_parse_target(const uint8_t *answer, size_t size, struct pn532_target *ret_target);

/* Release every tag: each is put to sleep and does not answer a search until the field drops. */
int pn532_release(struct pn532 *pn);

struct pn532_exchange {
    const uint8_t *tx;
    size_t tx_size; /* at most PN532_EXCHANGE_MAX */
    uint8_t *rx;
    size_t rx_capacity;
    uint32_t timeout_us;
};

/* InDataExchange with tag number target. Returns the bytes in rx. */
int pn532_exchange_data(struct pn532 *pn, uint8_t target, const struct pn532_exchange *exchange);

/* InCommunicateThru: a raw frame to the selected tag. Returns the bytes in rx. */
int pn532_exchange_raw(struct pn532 *pn, const struct pn532_exchange *exchange);

#endif
