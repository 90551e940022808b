/*
 * loop.c - see loop.h. One epoll; one timerfd for the earliest of a handful of timers.
 *
 * sd-event would do, but libsystemd brings six more libraries into a process (lzma, zstd, lz4,
 * gcrypt, gpg-error, cap: 1.1 MB resident), of which nothing here is used, and what a daemon wants of
 * it are these few calls. sd_notify(3) and sd_watchdog_enabled(3) describe the two protocols.
 *
 * A source that is closed while events are being handed out stays until all of them are: an event
 * of this turn may still name it.
 */
#include "base/loop.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"

enum { EVENTS_MAX = 16 };

#define NEVER UINT64_MAX

struct loop_source {
    struct loop *loop;
    struct loop_source *next;
    loop_callback callback;
    void *user;
    int fd;          /* -1: a timer */
    uint64_t due_us; /* NEVER: not set */
    bool is_closed;
};

struct loop {
    int epoll_fd;
    int timer_fd;
    int signal_fd; /* -1: signals are not ours */
    sigset_t signals;
    struct loop_source *sources;
    uint64_t armed_us; /* what timer_fd is set to */
    bool is_handing_out;
    bool is_stopping;
};

/* ---- open and close ----------------------------------------------------------------------- */

static int watch(struct loop *loop, int fd, void *what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};

    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

int loop_open(struct loop **ret_loop, struct err *err)
{
    struct loop *loop = calloc(1, sizeof *loop);
    int rc = 0;

    if (loop == NULL) {
        return err_set(err, -ENOMEM, "event loop: out of memory");
    }
    loop->signal_fd = -1;
    loop->armed_us = NEVER;
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    rc = loop->epoll_fd < 0 || loop->timer_fd < 0 ? -errno
                                                  : watch(loop, loop->timer_fd, &loop->timer_fd);
    if (rc < 0) {
        loop_close(loop);
        return err_set(err, rc, "event loop: %s", strerror(-rc));
    }
    *ret_loop = loop;
    return 0;
}

static void close_fd(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
}

void loop_close(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    close_fd(loop->signal_fd);
    close_fd(loop->timer_fd);
    close_fd(loop->epoll_fd);
    free(loop);
}

/* ---- sources ------------------------------------------------------------------------------ */

static struct loop_source *source_new(struct loop *loop, int fd, loop_callback callback, void *user)
{
    struct loop_source *source = calloc(1, sizeof *source);

    if (source != NULL) {
        source->loop = loop;
        source->fd = fd;
        source->callback = callback;
        source->user = user;
        source->due_us = NEVER;
        source->next = loop->sources;
        loop->sources = source;
    }
    return source;
}

int loop_add_fd(
    struct loop *loop, struct loop_source **ret_source, int fd, loop_callback callback, void *user)
{
    struct loop_source *source = source_new(loop, fd, callback, user);
    int rc = 0;

    if (source == NULL) {
        return -ENOMEM;
    }
    rc = watch(loop, fd, source);
    if (rc < 0) {
        source->fd = -1; /* there is nothing to stop watching */
        loop_source_close(source);
        return rc;
    }
    *ret_source = source;
    return 0;
}

int loop_add_timer(
    struct loop *loop, struct loop_source **ret_source, loop_callback callback, void *user)
{
    struct loop_source *source = source_new(loop, -1, callback, user);

    if (source == NULL) {
        return -ENOMEM;
    }
    *ret_source = source;
    return 0;
}

void loop_timer_set(struct loop_source *timer, uint64_t delay_us)
{
    timer->due_us = loop_now_us() + delay_us;
}

void loop_timer_clear(struct loop_source *timer)
{
    timer->due_us = NEVER;
}

static void free_closed(struct loop *loop)
{
    struct loop_source **link = &loop->sources;

    while (*link != NULL) {
        struct loop_source *source = *link;

        if (source->is_closed) {
            *link = source->next;
            free(source);
        } else {
            link = &source->next;
        }
    }
}

void loop_source_close(struct loop_source *source)
{
    struct loop *loop = NULL;

    if (source == NULL) {
        return;
    }
    loop = source->loop;
    if (source->fd >= 0) {
        /* Fails only when the caller closed it before, and with that it left the epoll. */
        (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
    }
    source->is_closed = true;
    if (!loop->is_handing_out) {
        free_closed(loop);
    }
}

/* ---- signals ------------------------------------------------------------------------------ */

int loop_stop_on_signals(struct loop *loop)
{
    (void)sigemptyset(&loop->signals);
    (void)sigaddset(&loop->signals, SIGINT);
    (void)sigaddset(&loop->signals, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &loop->signals, NULL) != 0) {
        return -errno;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    loop->signal_fd = signalfd(-1, &loop->signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return loop->signal_fd < 0 ? -errno : watch(loop, loop->signal_fd, &loop->signal_fd);
}

/* Asked once we end in good order; from here on the kernel ends us: the data is safe without us. */
static void take_signal(struct loop *loop)
{
    struct signalfd_siginfo info;

    if (read(loop->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        loop_stop(loop);
        (void)sigprocmask(SIG_UNBLOCK, &loop->signals, NULL);
    }
}

/* ---- the turn ----------------------------------------------------------------------------- */

static uint64_t earliest_us(const struct loop *loop)
{
    uint64_t due_us = NEVER;

    for (const struct loop_source *source = loop->sources; source != NULL; source = source->next) {
        due_us = source->due_us < due_us ? source->due_us : due_us;
    }
    return due_us;
}

/* How long epoll may wait, as it wants it: not at all, or until something happens. */
static int arm(struct loop *loop)
{
    uint64_t due_us = earliest_us(loop);
    struct itimerspec when = {.it_value = {0, 0}}; /* that is: never */

    if (due_us <= loop_now_us()) {
        return 0;
    }
    if (due_us != loop->armed_us) {
        if (due_us != NEVER) {
            when.it_value.tv_sec = (time_t)(due_us / 1000000u);
            when.it_value.tv_nsec = (long)(due_us % 1000000u) * 1000;
        }
        (void)timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
        loop->armed_us = due_us;
    }
    return -1;
}

static void hand_out_event(struct loop *loop, void *what)
{
    struct loop_source *source = what;
    uint64_t times = 0;

    if (what == &loop->timer_fd) {
        loop->armed_us = NEVER;
        (void)(read(loop->timer_fd, &times, sizeof times) < 0); /* it was set anew meanwhile */
    } else if (what == &loop->signal_fd) {
        take_signal(loop);
    } else if (!source->is_closed) {
        source->callback(source->user);
    }
}

static void hand_out_timers(struct loop *loop)
{
    uint64_t now_us = loop_now_us();

    for (struct loop_source *source = loop->sources; source != NULL && !loop->is_stopping;
         source = source->next) {
        if (!source->is_closed && source->due_us <= now_us) {
            source->due_us = NEVER;
            source->callback(source->user);
        }
    }
}

int loop_run(struct loop *loop)
{
    while (!loop->is_stopping) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(loop->epoll_fd, events, EVENTS_MAX, arm(loop));

        if (count < 0 && errno != EINTR) {
            return -errno;
        }
        loop->is_handing_out = true;
        for (int i = 0; i < count && !loop->is_stopping; i++) {
            hand_out_event(loop, events[i].data.ptr);
        }
        hand_out_timers(loop);
        loop->is_handing_out = false;
        free_closed(loop);
    }
    return 0;
}

void loop_stop(struct loop *loop)
{
    loop->is_stopping = true;
}

uint64_t loop_now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* ---- the service manager ------------------------------------------------------------------ */

void loop_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t size = path != NULL ? strlen(path) : 0;
    int fd = -1;

    if (size < 2 || size >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@')) {
        return; /* there is nobody to tell */
    }
    (void)memcpy(to.sun_path, path, size);
    if (path[0] == '@') {
        to.sun_path[0] = '\0'; /* a name that is not in the file system */
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        /* A manager that does not listen is no reason to do anything else than go on. */
        (void)(sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to,
                   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)) < 0);
        (void)close(fd);
    }
}

static uint64_t number_from_environment(const char *name)
{
    const char *text = getenv(name);
    char *end = NULL;
    unsigned long long value = 0;

    if (text == NULL || text[0] < '0' || text[0] > '9') {
        return 0;
    }
    errno = 0;
    value = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0 ? value : 0;
}

uint64_t loop_watchdog_us(void)
{
    /* WATCHDOG_PID says whom it is for; a child inherits the environment and is not meant. */
    if (getenv("WATCHDOG_PID") != NULL &&
        number_from_environment("WATCHDOG_PID") != (uint64_t)getpid()) {
        return 0;
    }
    return number_from_environment("WATCHDOG_USEC");
}
