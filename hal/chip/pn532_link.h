/*
 * pn532_link.h - how frames get to a PN532 and back: SPI (pn532_spi.h) or UART (pn532_hsu.h).
 *
 * Threads:  one link belongs to one thread.
 * Blocking: wait() as long as it is told; the others as long as the wire needs.
 */
#ifndef ECM_HAL_CHIP_PN532_LINK_H
#define ECM_HAL_CHIP_PN532_LINK_H

#include <stddef.h>
#include <stdint.h>

struct pn532_link;

struct pn532_link_ops {
    /* Make sure the next write() reaches a chip that may be asleep. 0 or -EIO. */
    int (*wake)(struct pn532_link *link);
    /* Send one frame. 0 or -EIO. */
    int (*write)(struct pn532_link *link, const uint8_t *frame, size_t size);
    /* 1 when a frame waits to be read, 0 when none came within timeout_us, -EIO. */
    int (*wait)(struct pn532_link *link, uint64_t timeout_us);
    /*
     * Read the frame that waits: up to size bytes, of which the frame is somewhere inside.
     * Returns how many were put into frame, or -EIO.
     */
    int (*read)(struct pn532_link *link, uint8_t *frame, size_t size);
    /* Drop whatever waits. 0 or -EIO. */
    int (*discard)(struct pn532_link *link);
    /* A descriptor that becomes readable when a frame may wait, HAL_GPIO_NO_FD or HAL_GPIO_TOLD. */
    int (*fd)(struct pn532_link *link);
};

struct pn532_link {
    const struct pn532_link_ops *ops;
};

#endif
