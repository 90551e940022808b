/*
 * medium.c - see medium.h.
 */
#include "base/medium.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { COPY_SIZE = 32768 };

int medium_sync_folder(const char *path)
{
    char folder[PATH_MAX] = "";
    const char *slash = strrchr(path, '/');
    int fd = -1;
    int rc = 0;

    (void)snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1,
        slash == NULL ? "." : path);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    if (fsync(fd) < 0) {
        rc = -errno;
    }
    (void)close(fd);
    return rc;
}

static int write_over(int fd)
{
    uint8_t bytes[COPY_SIZE];
    off_t offset = 0;
    ssize_t got = 0;

    while ((got = pread(fd, bytes, sizeof bytes, offset)) > 0) {
        ssize_t put = pwrite(fd, bytes, (size_t)got, offset);

        if (put != got) {
            return put < 0 ? -errno : -EIO;
        }
        offset += got;
    }
    if (got < 0 || (offset > 0 && fsync(fd) < 0)) {
        return -errno;
    }
    return 0;
}

int medium_write_again(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    int rc = 0;

    if (fd < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    rc = write_over(fd);
    (void)close(fd);
    return rc;
}
