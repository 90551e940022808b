/*
 * libc_shim.c - the calls that our code makes beside SQLite (renaming, folder syncs, the store's
 * lock file), led to the disk of disk.h when the path lies below DISK_ROOT.
 *
 * The program is linked with --wrap for each of them (ecm_powercut_test in the CMakeLists.txt of
 * tests/crash/powercut), so that the code under test is the code of the product, byte for byte.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tests/crash/lib/disk.h"

enum {
    FD_FIRST = 1 << 20, /* above any real descriptor: FD_FIRST + file */
    FD_FOLDER = FD_FIRST + DISK_FILES_MAX,
    SIMULATED_TIME = 1603065600,
};

/* The linker's names, not ours. NOLINTBEGIN(readability-identifier-naming) */
int __real_open(const char *path, int flags, ...);
int __real_close(int fd);
ssize_t __real_pread(int fd, void *bytes, size_t size, off_t offset);
ssize_t __real_pwrite(int fd, const void *bytes, size_t size, off_t offset);
int __real_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __real_unlink(const char *path);
int __real_stat(const char *path, struct stat *status);
int __real_lstat(const char *path, struct stat *status);
int __real_access(const char *path, int mode);
int __real_fcntl(int fd, int command, ...);
int __real_flock(int fd, int operation);
int __real_fstatvfs(int fd, struct statvfs *status);

int __wrap_open(const char *path, int flags, ...);
int __wrap_close(int fd);
ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset);
int __wrap_fsync(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_unlink(const char *path);
int __wrap_stat(const char *path, struct stat *status);
int __wrap_lstat(const char *path, struct stat *status);
int __wrap_access(const char *path, int mode);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_flock(int fd, int operation);
int __wrap_fstatvfs(int fd, struct statvfs *status);

static bool is_ours(const char *path)
{
    return strncmp(path, DISK_ROOT, sizeof DISK_ROOT - 1) == 0;
}

static bool is_our_fd(int fd)
{
    return fd >= FD_FIRST && fd <= FD_FOLDER;
}

/* libc's way to say it. */
static int answer(int rc)
{
    if (rc < 0) {
        errno = -rc;
        return -1;
    }
    return rc;
}

int __wrap_open(const char *path, int flags, ...)
{
    bool is_new = false;
    int file = 0;

    if (!is_ours(path)) {
        va_list arguments;
        unsigned mode = 0;

        va_start(arguments, flags);
        if ((flags & O_CREAT) != 0) {
            mode = va_arg(arguments, unsigned);
        }
        va_end(arguments);
        return __real_open(path, flags, mode);
    }
    if (strcmp(path, DISK_ROOT) == 0) {
        return FD_FOLDER;
    }
    file = disk_open(path, (flags & O_CREAT) != 0, &is_new);
    return answer(file < 0 ? file : FD_FIRST + file);
}

int __wrap_close(int fd)
{
    if (!is_our_fd(fd)) {
        return __real_close(fd);
    }
    if (fd != FD_FOLDER) {
        disk_close(fd - FD_FIRST);
    }
    return 0;
}

ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t offset)
{
    int64_t got = 0;

    if (!is_our_fd(fd)) {
        return __real_pread(fd, bytes, size, offset);
    }
    got = disk_read(fd - FD_FIRST, (uint64_t)offset, bytes, size);
    return got < 0 ? answer((int)got) : (ssize_t)got;
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    int rc = 0;

    if (!is_our_fd(fd)) {
        return __real_pwrite(fd, bytes, size, offset);
    }
    rc = disk_write(fd - FD_FIRST, (uint64_t)offset, bytes, size);
    return rc < 0 ? answer(rc) : (ssize_t)size;
}

int __wrap_fsync(int fd)
{
    if (!is_our_fd(fd)) {
        return __real_fsync(fd);
    }
    return answer(fd == FD_FOLDER ? disk_sync_folder() : disk_sync(fd - FD_FIRST));
}

int __wrap_rename(const char *from, const char *to)
{
    return is_ours(from) ? answer(disk_rename(from, to)) : __real_rename(from, to);
}

int __wrap_unlink(const char *path)
{
    return is_ours(path) ? answer(disk_delete(path)) : __real_unlink(path);
}

static int describe(const char *path, struct stat *status)
{
    int file = disk_find(path);

    if (file >= 0) {
        *status = (struct stat){.st_mode = S_IFREG | 0600,
            .st_size = (off_t)disk_size(file),
            .st_mtim = {.tv_sec = SIMULATED_TIME}};
    }
    return answer(file < 0 ? file : 0);
}

int __wrap_stat(const char *path, struct stat *status)
{
    return is_ours(path) ? describe(path, status) : __real_stat(path, status);
}

int __wrap_lstat(const char *path, struct stat *status)
{
    return is_ours(path) ? describe(path, status) : __real_lstat(path, status);
}

int __wrap_access(const char *path, int mode)
{
    if (!is_ours(path)) {
        return __real_access(path, mode);
    }
    return answer(disk_find(path) < 0 ? -ENOENT : 0);
}

/* Only locks are asked for, and there is only one process. */
int __wrap_fcntl(int fd, int command, ...)
{
    va_list arguments;
    void *argument = NULL;

    va_start(arguments, command);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    return is_our_fd(fd) ? 0 : __real_fcntl(fd, command, argument);
}

int __wrap_flock(int fd, int operation)
{
    return is_our_fd(fd) ? 0 : __real_flock(fd, operation);
}

int __wrap_fstatvfs(int fd, struct statvfs *status)
{
    if (!is_our_fd(fd)) {
        return __real_fstatvfs(fd, status);
    }
    *status = (struct statvfs){.f_bavail = 1 << 20, .f_frsize = DISK_PAGE};
    return 0;
}
/* NOLINTEND(readability-identifier-naming) */
