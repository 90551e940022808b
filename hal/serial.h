/*
 * serial.h - a byte stream both ways: a UART, a pty.
 *
 * Threads:  one port belongs to one thread.
 * Blocking: read() waits as long as it is told, write() until the bytes are taken.
 */
#ifndef ECM_HAL_SERIAL_H
#define ECM_HAL_SERIAL_H

#include <stddef.h>
#include <stdint.h>

struct hal_serial;

struct hal_serial_ops {
    /*
     * Up to size bytes, as soon as there is one. Returns how many, 0 when none came within
     * timeout_us, -EIO when the line is gone.
     */
    int (*read)(struct hal_serial *serial, uint8_t *bytes, size_t size, uint64_t timeout_us);
    /* All of bytes. 0, or -EIO. */
    int (*write)(struct hal_serial *serial, const uint8_t *bytes, size_t size);
    /* Drop what was received and not read yet. 0, or -EIO. */
    int (*flush)(struct hal_serial *serial);
    /* A descriptor that is readable while bytes wait, HAL_GPIO_NO_FD or HAL_GPIO_TOLD (gpio.h). */
    int (*fd)(struct hal_serial *serial);
};

struct hal_serial {
    const struct hal_serial_ops *ops;
};

static inline int hal_serial_read(
    struct hal_serial *serial, uint8_t *bytes, size_t size, uint64_t timeout_us)
{
    return serial->ops->read(serial, bytes, size, timeout_us);
}

static inline int hal_serial_write(struct hal_serial *serial, const uint8_t *bytes, size_t size)
{
    return serial->ops->write(serial, bytes, size);
}

static inline int hal_serial_flush(struct hal_serial *serial)
{
    return serial->ops->flush(serial);
}

static inline int hal_serial_fd(struct hal_serial *serial)
{
    return serial->ops->fd(serial);
}

#endif
