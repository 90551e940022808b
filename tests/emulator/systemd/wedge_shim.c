/*
 * wedge_shim.c - LD_PRELOAD for a daemon: a disk that never comes back, a thread that never does.
 *
 * While /run/wedge-disk exists, whoever syncs a file waits: what a dying card does to the thread that
 * stores taps. While /run/wedge-network exists, every thread but the first waits instead of looking
 * for events.
 */
#include <dlfcn.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Under names of our own, and the loader finds them under the library's. */
int shim_fdatasync(int fd) __asm__("fdatasync");
int shim_fsync(int fd) __asm__("fsync");
int shim_epoll_wait(int epfd, struct epoll_event *events, int count, int timeout_ms) __asm__(
    "epoll_wait");

static void wait_while(const char *path)
{
    while (access(path, F_OK) == 0) {
        (void)sleep(1);
    }
}

int shim_fdatasync(int fd)
{
    static int (*real)(int);

    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
    }
    wait_while("/run/wedge-disk");
    return real(fd);
}

int shim_fsync(int fd)
{
    static int (*real)(int);

    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "fsync");
    }
    wait_while("/run/wedge-disk");
    return real(fd);
}

int shim_epoll_wait(int epfd, struct epoll_event *events, int count, int timeout_ms)
{
    static int (*real)(int, struct epoll_event *, int, int);

    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "epoll_wait");
    }
    if (gettid() != getpid()) {
        wait_while("/run/wedge-network");
    }
    return real(epfd, events, count, timeout_ms);
}
