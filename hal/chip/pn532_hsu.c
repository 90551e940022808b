/*
 * pn532_hsu.c - frames over the UART.
 *
 * Bytes are collected until a whole frame (or a broken one) is among them. Noise in front is
 * dropped as it comes, so the buffer cannot fill up with it.
 */
#include "hal/chip/pn532_hsu.h"

#include <errno.h>
#include <string.h>

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

/* 1 when a frame, whole or broken, is at the front of the buffer. */
static int has_frame(struct pn532_hsu *link)
{
    struct pn532_frame frame;
    int rc = pn532_frame_parse(link->buffer, link->size, &frame);

    if (rc == -EAGAIN) {
        drop(link, frame.consumed);
        if (link->size < sizeof link->buffer) {
            return 0;
        }
        drop(link, 2); /* cannot be: the buffer holds more than the largest frame */
        return 0;
    }
    return 1;
}

/* Take what has come, waiting for it up to timeout_us. 1 when there is a frame now. */
static int collect(struct pn532_hsu *link, uint64_t timeout_us)
{
    int rc = hal_serial_read(
        link->serial, link->buffer + link->size, sizeof link->buffer - link->size, timeout_us);

    if (rc <= 0) {
        return rc;
    }
    link->size += (size_t)rc;
    return has_frame(link);
}

static int wait_frame(struct pn532_link *base, uint64_t timeout_us)
{
    struct pn532_hsu *link = from_link(base);
    uint64_t end_us = 0;
    int rc = link->size > 0 ? has_frame(link) : 0;

    if (rc == 0) {
        rc = collect(link, 0);
    }
    if (rc != 0 || timeout_us == 0) {
        return rc;
    }
    end_us = hal_clock_boot_us(link->clock) + timeout_us;
    for (;;) {
        uint64_t now_us = hal_clock_boot_us(link->clock);

        if (now_us >= end_us) {
            return 0;
        }
        rc = collect(link, end_us - now_us);
        if (rc != 0) {
            return rc;
        }
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

    if (rc == -EAGAIN) {
        return 0;
    }
    /* A broken frame is shown up to where its damage is visible, and its rest is dropped. */
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
