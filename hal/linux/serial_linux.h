/*
 * serial_linux.h - hal_serial on a tty, raw.
 *
 * Ownership: the struct is the caller's; it owns the descriptor from open to close.
 */
#ifndef ECM_HAL_LINUX_SERIAL_LINUX_H
#define ECM_HAL_LINUX_SERIAL_LINUX_H

#include "hal/serial.h"

struct serial_linux {
    struct hal_serial base; /* first */
    int fd;
};

/*
 * Open path ("/dev/serial0") at 115200 8N1, no flow control, for us alone. 0, or -errno: what
 * open() gave, -ENOTTY when it is no tty, -EBUSY when somebody else has it.
 */
int serial_linux_open(struct serial_linux *serial, const char *path);

/* After a failed open this does nothing. */
void serial_linux_close(struct serial_linux *serial);

#endif
