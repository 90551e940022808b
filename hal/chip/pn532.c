/*
 * pn532.c - command, acknowledgement, answer; and the commands we use.
 *
 * The three cures are the chip's own handshake (UM0701-02 section 6.2.1.3): no ACK within 15 ms,
 * send again; answer garbled, NACK and read again; no answer, ACK to abort.
 */
#include "hal/chip/pn532.h"

#include <errno.h>
#include <string.h>

enum {
    GET_FIRMWARE_VERSION = 0x02,
    SET_PARAMETERS = 0x12,
    SAM_CONFIGURATION = 0x14,
    RF_CONFIGURATION = 0x32,
    IN_DATA_EXCHANGE = 0x40,
    IN_COMMUNICATE_THRU = 0x42,
    IN_LIST_PASSIVE_TARGET = 0x4A,
    IN_RELEASE = 0x52,

    ACK_US = 15000,    /* UM0701-02 6.2.3 */
    ANSWER_US = 50000, /* commands without radio: a millisecond in practice */
    ABORT_US = 1000,   /* nfcpy waits as long after its ACK */
    SEND_TRIES = 3,
    COMMAND_TRIES = 3,
    NACK_TRIES = 2,
    STALE_FRAMES = 2, /* answers to an aborted command that may still be in the way of an ACK */
    ACK_READ = PN532_ACK_SIZE + 2,
    READ_SLACK = 8, /* preamble longer than one byte */

    STATUS_ERROR_MASK = 0x3F,
    STATUS_TIMEOUT = 0x01,
    STATUS_WRONG_TARGET = 0x27,
    STATUS_RELEASED = 0x29,
};

void pn532_init(struct pn532 *pn, struct pn532_link *link, struct hal_clock *clock)
{
    *pn = (struct pn532){.clock = clock, .link = link, .deadline_us = UINT64_MAX};
}

void pn532_set_deadline(struct pn532 *pn, uint64_t deadline_us)
{
    pn->deadline_us = deadline_us;
}

/* Wait for a frame, but not beyond the deadline. 1, 0 or -EIO. */
static int wait_frame(struct pn532 *pn, uint64_t timeout_us)
{
    uint64_t now_us = hal_clock_boot_us(pn->clock);
    uint64_t left_us = now_us < pn->deadline_us ? pn->deadline_us - now_us : 0;

    return pn->link->ops->wait(pn->link, timeout_us < left_us ? timeout_us : left_us);
}

/* Read up to size bytes and find the frame in them. */
static int read_frame(struct pn532 *pn, size_t size, struct pn532_frame *ret_frame)
{
    int rc =
        pn->link->ops->read(pn->link, pn->frame, size < sizeof pn->frame ? size : sizeof pn->frame);

    if (rc < 0) {
        return rc;
    }
    rc = pn532_frame_parse(pn->frame, (size_t)rc, ret_frame);
    return rc == -EAGAIN ? -EBADMSG : rc;
}

static int write_signal(struct pn532 *pn, const uint8_t signal[PN532_ACK_SIZE])
{
    return pn->link->ops->write(pn->link, signal, PN532_ACK_SIZE);
}

static int await_ack(struct pn532 *pn)
{
    for (int i = 0; i <= STALE_FRAMES; i++) {
        struct pn532_frame frame;
        int rc = wait_frame(pn, ACK_US);

        if (rc <= 0) {
            return rc < 0 ? rc : -ETIMEDOUT;
        }
        rc = read_frame(pn, ACK_READ, &frame);
        if (rc == 0 && frame.kind == PN532_FRAME_ACK) {
            return 0;
        }
        if (rc == -EIO) {
            return rc;
        }
        rc = pn->link->ops->discard(pn->link); /* the rest of a stale answer */
        if (rc < 0) {
            return rc;
        }
    }
    return -EBADMSG;
}

int pn532_send(struct pn532 *pn, const uint8_t *command, size_t size)
{
    int rc = -EINVAL;

    if (size == 0 || size > PN532_DATA_MAX) {
        return rc;
    }
    pn->counters.commands++;
    for (int i = 0; i < SEND_TRIES; i++) {
        size_t frame_size =
            pn532_frame_encode(pn->frame, sizeof pn->frame, PN532_TFI_HOST, command, size);

        rc = pn->link->ops->write(pn->link, pn->frame, frame_size);
        if (rc == 0) {
            rc = await_ack(pn);
        }
        if (rc == 0) {
            return 0;
        }
        pn->counters.ack_missing++;
        (void)pn->link->ops->wake(pn->link); /* it may have fallen asleep: a power dip */
    }
    return rc;
}

/* Copy out what answers code. Returns its size, or why it is not an answer. */
static int take_answer(
    const struct pn532_frame *frame, uint8_t code, uint8_t *answer, size_t capacity)
{
    if (frame->kind == PN532_FRAME_ACK) {
        return -EAGAIN;
    }
    if (frame->kind != PN532_FRAME_DATA || frame->tfi != PN532_TFI_CHIP || frame->size == 0 ||
        frame->data[0] != (uint8_t)(code + 1)) {
        return -EPROTO;
    }
    if (frame->size - 1 > capacity) {
        return -EINVAL;
    }
    if (frame->size > 1) {
        memcpy(answer, frame->data + 1, frame->size - 1);
    }
    return (int)frame->size - 1;
}

int pn532_receive(
    struct pn532 *pn, uint8_t code, uint8_t *answer, size_t capacity, uint32_t timeout_us)
{
    size_t read_size = capacity + 1 + PN532_FRAME_OVERHEAD + READ_SLACK;
    int nacks = 0;

    for (;;) {
        struct pn532_frame frame;
        int rc = wait_frame(pn, timeout_us);

        if (rc < 0) {
            return rc;
        }
        if (rc == 0) {
            pn->counters.unanswered++;
            (void)pn532_abort(pn);
            return nacks > 0 ? -EBADMSG : -ETIMEDOUT;
        }
        rc = read_frame(pn, read_size, &frame);
        if (rc == 0) {
            rc = take_answer(&frame, code, answer, capacity);
        }
        if (rc != -EBADMSG && rc != -EAGAIN) {
            return rc;
        }
        if (nacks == NACK_TRIES) {
            (void)pn532_abort(pn);
            return -EBADMSG;
        }
        nacks++;
        read_size = sizeof pn->frame; /* whatever was cut off is not cut off again */
        pn->counters.garbled += rc == -EBADMSG;
        rc = rc == -EBADMSG ? write_signal(pn, pn532_nack_frame) : 0;
        if (rc < 0) {
            return rc;
        }
    }
}

int pn532_is_ready(struct pn532 *pn)
{
    return pn->link->ops->wait(pn->link, 0);
}

int pn532_abort(struct pn532 *pn)
{
    int rc = write_signal(pn, pn532_ack_frame);

    if (rc < 0) {
        return rc;
    }
    hal_clock_sleep_us(pn->clock, ABORT_US);
    return pn->link->ops->discard(pn->link);
}

/* Send a command that may be repeated without harm until it is answered. */
static int run(
    struct pn532 *pn, const uint8_t *command, size_t size, uint8_t *answer, size_t capacity)
{
    int rc = -EINVAL;

    for (int i = 0; i < COMMAND_TRIES; i++) {
        rc = pn532_send(pn, command, size);
        if (rc < 0) {
            return rc; /* three tries of its own are behind it */
        }
        rc = pn532_receive(pn, command[0], answer, capacity, ANSWER_US);
        if (rc >= 0 || rc == -EIO) {
            return rc;
        }
    }
    return rc;
}

/* As run(), for commands whose answer carries nothing. */
static int run_plain(struct pn532 *pn, const uint8_t *command, size_t size)
{
    uint8_t answer[8];
    int rc = run(pn, command, size, answer, sizeof answer);

    return rc < 0 ? rc : 0;
}

int pn532_get_firmware(struct pn532 *pn, uint8_t ret_version[4])
{
    static const uint8_t command[] = {GET_FIRMWARE_VERSION};
    uint8_t answer[8];
    int rc = run(pn, command, sizeof command, answer, sizeof answer);

    if (rc < 0) {
        return rc;
    }
    if (rc != 4) {
        return -EPROTO;
    }
    memcpy(ret_version, answer, 4);
    return 0;
}

int pn532_setup(struct pn532 *pn)
{
    /* Normal mode, virtual card timeout unused, drive the IRQ line. */
    static const uint8_t sam[] = {SAM_CONFIGURATION, 0x01, 0x14, 0x01};
    static const uint8_t parameters[] = {SET_PARAMETERS, 0x14}; /* automatic ATR_RES and RATS */
    static const uint8_t retries[] = {RF_CONFIGURATION, 0x05, 0xFF, 0x01, 0xFF};
    static const uint8_t com_retries[] = {RF_CONFIGURATION, 0x04, 0x00};
    /* 102.4 ms for ATR, 204.8 ms for a data exchange: an NTAG 424 may take 38.7 ms and ask for more. */
    static const uint8_t timings[] = {RF_CONFIGURATION, 0x02, 0x00, 0x0B, 0x0C};
    static const struct {
        const uint8_t *command;
        size_t size;
    } steps[] = {{parameters, sizeof parameters}, {retries, sizeof retries},
        {com_retries, sizeof com_retries}, {timings, sizeof timings}};
    uint8_t version[4];
    int rc = pn->link->ops->wake(pn->link);

    if (rc == 0) {
        rc = run_plain(pn, sam, sizeof sam);
    }
    if (rc == 0) {
        rc = pn532_get_firmware(pn, version);
    }
    if (rc == 0 && version[0] != PN532_IC) {
        rc = -ENODEV;
    }
    for (size_t i = 0; rc == 0 && i < sizeof steps / sizeof steps[0]; i++) {
        rc = run_plain(pn, steps[i].command, steps[i].size);
    }
    return rc;
}

int pn532_set_field(struct pn532 *pn, bool on)
{
    const uint8_t command[] = {RF_CONFIGURATION, 0x01, on ? 0x01 : 0x00};

    return run_plain(pn, command, sizeof command);
}

int pn532_start_search(struct pn532 *pn)
{
    static const uint8_t command[] = {IN_LIST_PASSIVE_TARGET, 0x01, 0x00};

    return pn532_send(pn, command, sizeof command);
}

int pn532_parse_target(const uint8_t *answer, size_t size, struct pn532_target *ret_target)
{
    struct pn532_target target = {0};

    if (size == 0 || answer[0] == 0) {
        return size == 0 ? -EPROTO : -ENODEV;
    }
    if (size < 6 || (answer[5] != 4 && answer[5] != 7 && answer[5] != 10) ||
        size < 6u + answer[5]) {
        return -EPROTO;
    }
    target.number = answer[1];
    target.sens_res = (uint16_t)(answer[2] << 8 | answer[3]);
    target.sel_res = answer[4];
    target.uid_size = answer[5];
    memcpy(target.uid, answer + 6, target.uid_size);
    if ((target.sel_res & 0x20) != 0 && size > 6u + target.uid_size) {
        /* The first byte of an ATS is its length, itself included. */
        size_t ats_size = answer[6 + target.uid_size];

        if (ats_size == 0 || size < 6u + target.uid_size + ats_size) {
            return -EPROTO;
        }
        target.ats_size = ats_size < PN532_ATS_MAX ? (uint8_t)ats_size : PN532_ATS_MAX;
        memcpy(target.ats, answer + 6 + target.uid_size, target.ats_size);
    }
    *ret_target = target;
    return 0;
}

int pn532_take_target(struct pn532 *pn, struct pn532_target *ret_target)
{
    uint8_t answer[64];
    int rc = pn532_receive(pn, IN_LIST_PASSIVE_TARGET, answer, sizeof answer, ANSWER_US);

    return rc < 0 ? rc : pn532_parse_target(answer, (size_t)rc, ret_target);
}

int pn532_release(struct pn532 *pn)
{
    static const uint8_t command[] = {IN_RELEASE, 0x00};

    /* The status byte is of no interest: a tag that has gone needs no release. */
    return run_plain(pn, command, sizeof command);
}

static int code_from_status(uint8_t status)
{
    switch (status & STATUS_ERROR_MASK) {
    case 0:
        return 0;
    case STATUS_TIMEOUT:
    case STATUS_WRONG_TARGET:
    case STATUS_RELEASED:
        return -ENODEV;
    default:
        return -ECONNRESET;
    }
}

/* Send head and tx as one command, and split the status byte off its answer. */
static int exchange_with_head(
    struct pn532 *pn, const uint8_t *head, size_t head_size, const struct pn532_exchange *exchange)
{
    uint8_t buffer[PN532_DATA_MAX];
    /* Ask the bus for no more than the caller can take: each byte read costs wire time. */
    size_t capacity =
        exchange->rx_capacity + 1 < sizeof buffer ? exchange->rx_capacity + 1 : sizeof buffer;
    int rc = 0;

    if (exchange->tx_size > PN532_EXCHANGE_MAX || exchange->tx_size == 0) {
        return -EINVAL;
    }
    memcpy(buffer, head, head_size);
    memcpy(buffer + head_size, exchange->tx, exchange->tx_size);
    rc = pn532_send(pn, buffer, head_size + exchange->tx_size);
    if (rc < 0) {
        return rc;
    }
    rc = pn532_receive(pn, head[0], buffer, capacity, exchange->timeout_us);
    if (rc <= 0) {
        return rc < 0 ? rc : -EPROTO;
    }
    if (code_from_status(buffer[0]) < 0) {
        return code_from_status(buffer[0]);
    }
    if (rc > 1) {
        memcpy(exchange->rx, buffer + 1, (size_t)rc - 1);
    }
    return rc - 1;
}

int pn532_exchange_data(struct pn532 *pn, uint8_t target, const struct pn532_exchange *exchange)
{
    const uint8_t head[] = {IN_DATA_EXCHANGE, target};

    return exchange_with_head(pn, head, sizeof head, exchange);
}

int pn532_exchange_raw(struct pn532 *pn, const struct pn532_exchange *exchange)
{
    const uint8_t head[] = {IN_COMMUNICATE_THRU};

    return exchange_with_head(pn, head, sizeof head, exchange);
}
