/*
 * loop.c - see loop.h. libev's loop; the service manager's protocol, which is one datagram.
 *
 * sd-event would do, but libsystemd brings six more libraries into a process (lzma, zstd, lz4,
 * gcrypt, gpg-error, cap: 1.1 MB resident), of which nothing here is used. sd_notify(3) and
 * sd_watchdog_enabled(3) describe the two protocols that are spoken here instead.
 *
 * libev waits in whole milliseconds, so a timer may come one late. What must not be late (the
 * reader's interrupt line) is a descriptor.
 */
#include "base/loop.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"

struct loop_source {
    struct loop *loop;
    loop_callback callback;
    void *user;
    bool is_timer;
    struct ev_io io;
    struct ev_timer timer;
};

struct loop {
    struct ev_loop *ev;
    struct ev_signal interrupt;
    struct ev_signal terminate;
    bool is_stopping;
};

int loop_open(struct loop **ret_loop, struct err *err)
{
    struct loop *loop = calloc(1, sizeof *loop);

    if (loop == NULL) {
        return err_set(err, -ENOMEM, "event loop: out of memory");
    }
    /* With signalfd the stop signals are blocked in every thread that is started later. */
    loop->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_SIGNALFD | EVFLAG_NOENV);
    if (loop->ev == NULL) {
        free(loop);
        return err_set(err, -EMFILE, "event loop: the kernel gives no epoll");
    }
    ev_ref(loop->ev); /* it goes on although nothing is watched for the moment */
    *ret_loop = loop;
    return 0;
}

void loop_close(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    ev_signal_stop(loop->ev, &loop->interrupt);
    ev_signal_stop(loop->ev, &loop->terminate);
    ev_loop_destroy(loop->ev);
    free(loop);
}

/* ---- sources ------------------------------------------------------------------------------ */

/* After loop_stop() nothing more is called, also not what libev holds ready in this turn. */
static void call(struct loop_source *source)
{
    if (!source->loop->is_stopping) {
        source->callback(source->user);
    }
}

static void on_io(struct ev_loop *ev, struct ev_io *io, int events)
{
    (void)ev;
    (void)events;
    call(io->data);
}

static void on_timer(struct ev_loop *ev, struct ev_timer *timer, int events)
{
    (void)ev;
    (void)events;
    call(timer->data);
}

static struct loop_source *source_new(struct loop *loop, loop_callback callback, void *user)
{
    struct loop_source *source = calloc(1, sizeof *source);

    if (source != NULL) {
        source->loop = loop;
        source->callback = callback;
        source->user = user;
        ev_init(&source->io, on_io);
        ev_init(&source->timer, on_timer);
        source->io.data = source;
        source->timer.data = source;
    }
    return source;
}

int loop_add_fd(
    struct loop *loop, struct loop_source **ret_source, int fd, loop_callback callback, void *user)
{
    struct loop_source *source = source_new(loop, callback, user);

    if (source == NULL) {
        return -ENOMEM;
    }
    ev_io_set(&source->io, fd, EV_READ);
    ev_io_start(loop->ev, &source->io);
    *ret_source = source;
    return 0;
}

int loop_add_timer(
    struct loop *loop, struct loop_source **ret_source, loop_callback callback, void *user)
{
    struct loop_source *source = source_new(loop, callback, user);

    if (source == NULL) {
        return -ENOMEM;
    }
    source->is_timer = true;
    *ret_source = source;
    return 0;
}

void loop_timer_set(struct loop_source *timer, uint64_t delay_us)
{
    struct ev_loop *ev = timer->loop->ev;

    ev_timer_stop(ev, &timer->timer);
    ev_now_update(ev); /* else it would count from the beginning of this turn */
    ev_timer_set(&timer->timer, (double)delay_us / 1e6, 0.0);
    ev_timer_start(ev, &timer->timer);
}

void loop_timer_clear(struct loop_source *timer)
{
    ev_timer_stop(timer->loop->ev, &timer->timer);
}

void loop_source_close(struct loop_source *source)
{
    if (source == NULL) {
        return;
    }
    /* What is pending is forgotten with it, so it may be freed inside any callback. */
    if (source->is_timer) {
        ev_timer_stop(source->loop->ev, &source->timer);
    } else {
        ev_io_stop(source->loop->ev, &source->io);
    }
    free(source);
}

/* ---- signals, and the turn ---------------------------------------------------------------- */

/* Asked once we end in good order; from here on the kernel ends us: the data is safe without us. */
static void on_signal(struct ev_loop *ev, struct ev_signal *signal_watcher, int events)
{
    struct loop *loop = signal_watcher->data;

    (void)events;
    ev_signal_stop(ev, &loop->interrupt);
    ev_signal_stop(ev, &loop->terminate);
    loop_stop(loop);
}

int loop_stop_on_signals(struct loop *loop)
{
    (void)signal(SIGPIPE, SIG_IGN);
    ev_signal_init(&loop->interrupt, on_signal, SIGINT);
    ev_signal_init(&loop->terminate, on_signal, SIGTERM);
    loop->interrupt.data = loop;
    loop->terminate.data = loop;
    ev_signal_start(loop->ev, &loop->interrupt);
    ev_signal_start(loop->ev, &loop->terminate);
    return 0;
}

int loop_run(struct loop *loop)
{
    while (!loop->is_stopping) {
        (void)ev_run(loop->ev, EVRUN_ONCE);
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
