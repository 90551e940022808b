/*
 * pn532_hsu.c - frames over the UART.
 *
 * Bytes are collected until a whole frame (or a broken one) is among them. Noise in front is
 * dropped as it comes, so the buffer cannot fill up with it; but noise after which the line falls
 * silent was meant to be an answer, and is passed on as a broken frame so that it is asked for
 * again.
 */
#include "hal/chip/pn532_hsu.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum {
    GAP_US_MAX = 30000,    /* silence inside a frame: the rest does not come */
    FRAME_US_MAX = 100000, /* the largest frame takes 24 ms */
};

/* 55 55 wakes the UART, the zeros give it time (libnfc, Linux drivers/nfc/pn533/uart.c). */
static const uint8_t wake_call[16] = {0x55, 0x55};

static struct pn532_hsu *from_link(struct pn532_link *link)
{
    return (struct pn532_hsu *)link;
}

static void drop(struct pn532_hsu *link, size_t count)
{
    memmove(link->buffer, link->buffer + count, link->size - count);
    link->size -= count;
}

/* Whether something has come that is more than the zeros around a frame. */
static bool has_begun(const struct pn532_hsu *link)
{
    return link->has_noise || link->size > 1;
}

/* 1 when a frame, whole or broken, is at the front of the buffer. */
static int has_frame(struct pn532_hsu *link)
{
    struct pn532_frame frame;
    int rc = pn532_frame_parse(link->buffer, link->size, &frame);

    if (rc != -EAGAIN) {
        return 1;
    }
    for (size_t i = 0; i < frame.consumed; i++) {
        link->has_noise = link->has_noise || link->buffer[i] != 0;
    }
    drop(link, frame.consumed);
    return 0;
}

/* Take what comes within timeout_us. Returns how many bytes, or -EIO. */
static int collect(struct pn532_hsu *link, uint64_t timeout_us)
{
    int rc = 0;

    assert(link->size < sizeof link->buffer); /* it holds more than the largest frame */
    rc = hal_serial_read(
        link->serial, link->buffer + link->size, sizeof link->buffer - link->size, timeout_us);
    if (rc > 0) {
        link->size += (size_t)rc;
    }
    return rc;
}

/*
 * Bytes have come that are no frame yet: wait for the rest of it. 1 in any case: when the line
 * falls silent, or never does, what is there is a broken frame.
 */
static int finish_frame(struct pn532_hsu *link)
{
    uint64_t end_us = hal_clock_boot_us(link->clock) + FRAME_US_MAX;

    while (has_frame(link) == 0 && hal_clock_boot_us(link->clock) < end_us) {
        int rc = collect(link, GAP_US_MAX);

        if (rc <= 0) {
            return rc < 0 ? rc : 1;
        }
    }
    return 1;
}

static int wait_frame(struct pn532_link *base, uint64_t timeout_us)
{
    struct pn532_hsu *link = from_link(base);
    uint64_t end_us = hal_clock_boot_us(link->clock) + timeout_us;
    uint64_t left_us = 0;

    if (has_frame(link) == 1) {
        return 1;
    }
    for (;;) {
        int rc = collect(link, left_us);
        uint64_t now_us = hal_clock_boot_us(link->clock);

        if (rc < 0 || has_frame(link) == 1) {
            return rc < 0 ? rc : 1;
        }
        if (has_begun(link)) {
            return finish_frame(link);
        }
        if (now_us >= end_us) {
            return 0;
        }
        left_us = end_us - now_us;
    }
}

static int wake(struct pn532_link *base)
{
    return hal_serial_write(from_link(base)->serial, wake_call, sizeof wake_call);
}

static int write_frame(struct pn532_link *base, const uint8_t *frame, size_t size)
{
    return hal_serial_write(from_link(base)->serial, frame, size);
}

/* Hand out exactly the bytes of the frame at the front: what follows is another one. */
static int read_frame(struct pn532_link *base, uint8_t *bytes, size_t size)
{
    struct pn532_hsu *link = from_link(base);
    struct pn532_frame frame;
    size_t count = 0;
    int rc = pn532_frame_parse(link->buffer, link->size, &frame);

    /* A broken frame is shown up to its end, as far as that can be told, and dropped. */
    link->has_noise = false;
    count = rc == 0 ? frame.consumed : link->size;
    if (count > size) {
        count = size;
    }
    memcpy(bytes, link->buffer, count);
    drop(link, rc == 0 ? frame.consumed : link->size);
    return (int)count;
}

static int discard(struct pn532_link *base)
{
    struct pn532_hsu *link = from_link(base);

    link->size = 0;
    link->has_noise = false;
    return hal_serial_flush(link->serial);
}

static int serial_fd(struct pn532_link *base)
{
    return hal_serial_fd(from_link(base)->serial);
}

static const struct pn532_link_ops hsu_link_ops = {
    .wake = wake,
    .write = write_frame,
    .wait = wait_frame,
    .read = read_frame,
    .discard = discard,
    .fd = serial_fd,
};

void pn532_hsu_init(struct pn532_hsu *link, struct hal_serial *serial, struct hal_clock *clock)
{
    *link = (struct pn532_hsu){.link = {.ops = &hsu_link_ops}, .serial = serial, .clock = clock};
}
