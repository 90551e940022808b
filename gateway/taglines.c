/*
 * taglines.c - see taglines.h. One epoll descriptor stands for all lines, so the loop around it does
 * not change when a cable does.
 */
#include "gateway/taglines.h"

#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "gateway/gateway.h"
#include "gateway/relay.h"
#include "hal/serial.h"

enum {
    READ_SIZE = 2048,
    READS_MAX = 8, /* of one line in one turn; the others are waiting */
    EVENTS_MAX = 16,
    FAILED_MAX = 16, /* devices that cannot be opened and were complained of */
    PATH_ROOM = 256,
};

struct line {
    struct hal_serial *serial; /* NULL: no line */
    dev_t device;
    char path[PATH_ROOM];
};

struct taglines {
    struct tagline_port port;
    struct gateway *gateway; /* NULL: stopped */
    int epoll;
    uint64_t scan_us;
    char patterns[TAGLINES_PATTERNS_SIZE];
    struct line lines[RELAY_LINES_MAX]; /* by number of the line */
    char failed[FAILED_MAX][PATH_ROOM];
    size_t failed_turn;
};

int taglines_open(struct taglines **ret_lines, const char *patterns,
    const struct tagline_port *port, struct err *err)
{
    struct taglines *lines = calloc(1, sizeof *lines);

    if (lines == NULL) {
        return err_set(err, -ENOMEM, "tag readers: out of memory");
    }
    lines->port = *port;
    (void)snprintf(lines->patterns, sizeof lines->patterns, "%s", patterns);
    lines->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (lines->epoll < 0) {
        int rc = -errno;

        free(lines);
        return err_set(err, rc, "tag readers: %s", strerror(-rc));
    }
    *ret_lines = lines;
    return 0;
}

void taglines_start(struct taglines *lines, struct gateway *gateway)
{
    lines->gateway = gateway;
    lines->scan_us = 0;
}

static void drop(struct taglines *lines, int number)
{
    struct line *line = &lines->lines[number];

    /* Closing the descriptor takes it out of the epoll set. */
    lines->port.close(lines->port.user, line->serial);
    line->serial = NULL;
    gateway_line_close(lines->gateway, number);
}

void taglines_stop(struct taglines *lines)
{
    if (lines == NULL || lines->gateway == NULL) {
        return;
    }
    for (int i = 0; i < RELAY_LINES_MAX; i++) {
        if (lines->lines[i].serial != NULL) {
            drop(lines, i);
        }
    }
    lines->gateway = NULL;
}

void taglines_close(struct taglines *lines)
{
    if (lines == NULL) {
        return;
    }
    taglines_stop(lines);
    (void)close(lines->epoll);
    free(lines);
}

int taglines_fd(const struct taglines *lines)
{
    return lines->epoll;
}

uint64_t taglines_due_us(const struct taglines *lines)
{
    return lines->scan_us;
}

/* ---- looking for devices ------------------------------------------------------------------ */

static bool is_open(const struct taglines *lines, dev_t device)
{
    for (size_t i = 0; i < RELAY_LINES_MAX; i++) {
        if (lines->lines[i].serial != NULL && lines->lines[i].device == device) {
            return true;
        }
    }
    return false;
}

/* Complain of a device once; until it could be opened. */
static void note_failure(struct taglines *lines, const char *path, const char *why)
{
    for (size_t i = 0; i < FAILED_MAX; i++) {
        if (strcmp(lines->failed[i], path) == 0) {
            return;
        }
    }
    log_warn("cannot open the line '%s' of a tag reader: %s event=tag-line-failed", path, why);
    (void)snprintf(lines->failed[lines->failed_turn], PATH_ROOM, "%s", path);
    lines->failed_turn = (lines->failed_turn + 1) % FAILED_MAX;
}

static void forgive(struct taglines *lines, const char *path)
{
    for (size_t i = 0; i < FAILED_MAX; i++) {
        if (strcmp(lines->failed[i], path) == 0) {
            lines->failed[i][0] = '\0';
        }
    }
}

static int watch(struct taglines *lines, int number, struct hal_serial *serial)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)number};

    return epoll_ctl(lines->epoll, EPOLL_CTL_ADD, hal_serial_fd(serial), &event) == 0 ? 0 : -errno;
}

static void open_line(struct taglines *lines, const char *path)
{
    const char *name = strrchr(path, '/');
    struct hal_serial *serial = NULL;
    struct stat status = {0};
    int number = 0;
    int rc = 0;

    if (stat(path, &status) != 0 || strlen(path) >= PATH_ROOM || is_open(lines, status.st_rdev)) {
        return;
    }
    rc = lines->port.open(lines->port.user, path, &serial);
    if (rc < 0) {
        note_failure(lines, path, strerror(-rc));
        return;
    }
    number = gateway_line_open(lines->gateway, name != NULL ? name + 1 : path);
    rc = number < 0 ? number : watch(lines, number, serial);
    if (rc < 0) {
        note_failure(lines, path, strerror(-rc));
        lines->port.close(lines->port.user, serial);
        if (number >= 0) {
            gateway_line_close(lines->gateway, number);
        }
        return;
    }
    forgive(lines, path);
    lines->lines[number].serial = serial;
    lines->lines[number].device = status.st_rdev;
    (void)snprintf(lines->lines[number].path, PATH_ROOM, "%s", path);
    log_info("line '%s' for a tag reader is open event=tag-line-open", path);
}

static void scan(struct taglines *lines)
{
    const char *at = lines->patterns;
    char pattern[TAGLINES_PATTERNS_SIZE] = "";

    while (*(at += strspn(at, " ")) != '\0') {
        size_t size = strcspn(at, " ");
        glob_t found = {0};

        memcpy(pattern, at, size);
        pattern[size] = '\0';
        at += size;
        if (glob(pattern, 0, NULL, &found) == 0) {
            for (size_t i = 0; i < found.gl_pathc; i++) {
                open_line(lines, found.gl_pathv[i]);
            }
        }
        globfree(&found);
    }
}

/* ---- bytes -------------------------------------------------------------------------------- */

static void read_line(struct taglines *lines, int number)
{
    struct line *line = &lines->lines[number];
    uint8_t bytes[READ_SIZE];

    for (int i = 0; i < READS_MAX && line->serial != NULL; i++) {
        int size = hal_serial_read(line->serial, bytes, sizeof bytes, 0);

        if (size == 0) {
            return;
        }
        if (size < 0) {
            log_info("line '%s' is gone event=tag-line-gone", line->path);
            drop(lines, number);
            return;
        }
        gateway_line_bytes(lines->gateway, number, bytes, (size_t)size);
    }
}

void taglines_poll(struct taglines *lines, uint64_t now_us)
{
    struct epoll_event events[EVENTS_MAX];
    int count = 0;

    if (lines->gateway == NULL) {
        return;
    }
    count = epoll_wait(lines->epoll, events, EVENTS_MAX, 0);
    for (int i = 0; i < count; i++) {
        read_line(lines, (int)events[i].data.u32);
    }
    if (now_us >= lines->scan_us) {
        lines->scan_us = now_us + TAGLINES_SCAN_US;
        scan(lines);
    }
}

void taglines_send(void *user, int line, const uint8_t *bytes, size_t size)
{
    struct taglines *lines = user;

    /* A line that does not take it is seen at its next read; the tag reader asks again. */
    if (lines->lines[line].serial != NULL) {
        (void)hal_serial_write(lines->lines[line].serial, bytes, size);
    }
}
