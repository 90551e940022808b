/*
 * serial_linux.c - a tty in raw mode, non-blocking, waited for with poll().
 */
#include "hal/linux/serial_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { WRITE_TIMEOUT_MS = 200 }; /* 300 bytes take 26 ms; longer means nobody takes them */

static struct serial_linux *from_base(struct hal_serial *serial)
{
    return (struct serial_linux *)serial;
}

/* Wait for events. 1, 0 in time nothing, -EIO. */
static int wait_for(int fd, short events, uint64_t timeout_us)
{
    struct pollfd waiter = {.fd = fd, .events = events};
    struct timespec timeout = {
        .tv_sec = (time_t)(timeout_us / 1000000), .tv_nsec = (long)(timeout_us % 1000000) * 1000};
    int rc = ppoll(&waiter, 1, &timeout, NULL);

    if (rc < 0) {
        return errno == EINTR ? 0 : -EIO;
    }
    if (rc > 0 && (waiter.revents & events) == 0) {
        return -EIO; /* hung up */
    }
    return rc;
}

static int read_bytes(struct hal_serial *base, uint8_t *bytes, size_t size, uint64_t timeout_us)
{
    struct serial_linux *serial = from_base(base);
    int rc = wait_for(serial->fd, POLLIN, timeout_us);
    ssize_t count = 0;

    if (rc <= 0) {
        return rc;
    }
    count = read(serial->fd, bytes, size);
    if (count > 0) {
        return (int)count;
    }
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }
    return -EIO;
}

static int write_bytes(struct hal_serial *base, const uint8_t *bytes, size_t size)
{
    struct serial_linux *serial = from_base(base);
    size_t done = 0;

    while (done < size) {
        ssize_t count = write(serial->fd, bytes + done, size - done);

        if (count > 0) {
            done += (size_t)count;
        } else if (count < 0 && errno != EAGAIN && errno != EINTR) {
            return -EIO;
        } else if (wait_for(serial->fd, POLLOUT, WRITE_TIMEOUT_MS * 1000) <= 0) {
            return -EIO;
        }
    }
    return 0;
}

static int flush_input(struct hal_serial *base)
{
    return tcflush(from_base(base)->fd, TCIFLUSH) < 0 ? -EIO : 0;
}

static int get_fd(struct hal_serial *base)
{
    return from_base(base)->fd;
}

static const struct hal_serial_ops serial_linux_ops = {
    .read = read_bytes, .write = write_bytes, .flush = flush_input, .fd = get_fd};

static int set_up(int fd)
{
    struct termios settings;

    if (tcgetattr(fd, &settings) < 0) {
        return -errno;
    }
    cfmakeraw(&settings);
    settings.c_cflag |= CLOCAL | CREAD;
    settings.c_cflag &= ~(tcflag_t)(CSTOPB | CRTSCTS);
    settings.c_cc[VMIN] = 0;
    settings.c_cc[VTIME] = 0;
    if (cfsetspeed(&settings, B115200) < 0 || tcsetattr(fd, TCSANOW, &settings) < 0 ||
        ioctl(fd, TIOCEXCL) < 0) {
        return -errno;
    }
    return tcflush(fd, TCIOFLUSH) < 0 ? -errno : 0;
}

int serial_linux_open(struct serial_linux *serial, const char *path)
{
    int rc = 0;

    *serial = (struct serial_linux){.base = {.ops = &serial_linux_ops}};
    serial->fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (serial->fd < 0) {
        return -errno;
    }
    rc = set_up(serial->fd);
    if (rc < 0) {
        serial_linux_close(serial);
    }
    return rc;
}

void serial_linux_close(struct serial_linux *serial)
{
    if (serial->fd >= 0) {
        (void)ioctl(serial->fd, TIOCNXCL); /* a pty stays exclusive as long as it exists */
        (void)close(serial->fd);
        serial->fd = -1;
    }
}
