/*
 * taglines.h - the serial lines of tag readers: found by name, opened when they appear, closed when
 * they vanish, read without waiting.
 *
 * What is looked for is a list of paths and patterns (glob(7)), separated by spaces:
 * "/dev/ttyAMA1 /dev/serial/by-id/usb-Raspberry_Pi_Pico_*". It is looked for again every
 * TAGLINES_SCAN_US, so a tag reader can be docked at any time. A device that two patterns or links
 * name is opened once. A line is ours alone (serial_linux.h).
 *
 * Ownership: conf is copied; the gateway outlives taglines_stop().
 * Threads:   one thread. Blocking: opening a device, and sending when nobody takes it (200 ms).
 */
#ifndef ECM_GATEWAY_TAGLINES_H
#define ECM_GATEWAY_TAGLINES_H

#include <stddef.h>
#include <stdint.h>

enum { TAGLINES_PATTERNS_SIZE = 1024 };
#define TAGLINES_SCAN_US (2u * 1000000u)

struct err;
struct gateway;
struct hal_serial;
struct taglines;

struct tagline_port {
    void *user;
    /* Open the device at path. 0, or -errno: -ENOENT, -EBUSY ... */
    int (*open)(void *user, const char *path, struct hal_serial **ret_serial);
    void (*close)(void *user, struct hal_serial *serial);
};

/* -ENOMEM; -EMFILE. */
int taglines_open(struct taglines **ret_lines, const char *patterns,
    const struct tagline_port *port, struct err *err);
void taglines_close(struct taglines *lines);

/* Serve gateway from now on (the first look follows with taglines_poll()); stop doing so. */
void taglines_start(struct taglines *lines, struct gateway *gateway);
void taglines_stop(struct taglines *lines);

/* Readable while bytes wait on any line. */
int taglines_fd(const struct taglines *lines);

/* Take what has come, look for devices when it is time. */
void taglines_poll(struct taglines *lines, uint64_t now_us);

/* When it is time; loop_now_us(). */
uint64_t taglines_due_us(const struct taglines *lines);

/* For gateway_ports.line_send; user is the struct taglines. */
void taglines_send(void *user, int line, const uint8_t *bytes, size_t size);

#endif
