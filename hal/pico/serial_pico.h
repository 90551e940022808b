/*
 * serial_pico.h - a UART of an RP2040 (hal/serial.h), 8N1.
 *
 * Received bytes go through an interrupt into a ring; a byte that finds it full is dropped and
 * counted, and the frame it belonged to fails its checksum. The chip itself holds 32 bytes, 2.8 ms
 * at 115200: while interrupts are off for an erase, the other side must be silent.
 *
 * Ownership: the struct is the caller's and must live as long as the program. UART0 only.
 */
#ifndef ECM_HAL_PICO_SERIAL_PICO_H
#define ECM_HAL_PICO_SERIAL_PICO_H

#include <stdbool.h>

#include "hal/serial.h"

enum { SERIAL_PICO_RING = 1024 };

struct serial_pico {
    struct hal_serial serial; /* first */
    volatile uint32_t head;   /* counts bytes put in, by the interrupt */
    volatile uint32_t tail;   /* counts bytes taken out */
    volatile uint32_t zeros;  /* counts zero bytes put in: ends of frames */
    uint32_t zeros_taken;     /* as many of them the reader has been told of */
    uint32_t dropped;
    uint8_t ring[SERIAL_PICO_RING];
};

void serial_pico_init(struct serial_pico *port, unsigned tx, unsigned rx, unsigned baud);

/*
 * Whether it is worth waking up for what waits: the end of a frame (proto/link_frame.h) is there, or
 * the ring is half full. Bytes that are the beginning of something can wait for its end.
 */
bool serial_pico_has_frame(const struct serial_pico *port);

#endif
