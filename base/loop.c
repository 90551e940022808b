/*
 * loop.c - see loop.h. The only file that knows sd-event and sd_notify.
 */
#include "base/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"

enum { TIMER_ACCURACY_US = 1 };

struct loop {
    sd_event *event;
    bool is_stopping;
};

struct loop_source {
    sd_event_source *source;
    loop_callback callback;
    void *user;
};

int loop_open(struct loop **ret_loop, struct err *err)
{
    struct loop *loop = calloc(1, sizeof *loop);
    int rc = 0;

    if (loop == NULL) {
        return err_set(err, -ENOMEM, "event loop: out of memory");
    }
    rc = sd_event_new(&loop->event);
    if (rc < 0) {
        free(loop);
        return err_set(err, rc, "event loop: %s", strerror(-rc));
    }
    *ret_loop = loop;
    return 0;
}

void loop_close(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    (void)sd_event_unref(loop->event);
    free(loop);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *user)
{
    struct loop_source *me = user;

    (void)source;
    (void)fd;
    (void)revents;
    me->callback(me->user);
    return 0;
}

static int on_time(sd_event_source *source, uint64_t usec, void *user)
{
    struct loop_source *me = user;

    (void)source;
    (void)usec;
    me->callback(me->user);
    return 0;
}

static struct loop_source *source_new(loop_callback callback, void *user)
{
    struct loop_source *source = calloc(1, sizeof *source);

    if (source != NULL) {
        source->callback = callback;
        source->user = user;
    }
    return source;
}

int loop_add_fd(
    struct loop *loop, struct loop_source **ret_source, int fd, loop_callback callback, void *user)
{
    struct loop_source *source = source_new(callback, user);
    int rc = 0;

    if (source == NULL) {
        return -ENOMEM;
    }
    rc = sd_event_add_io(loop->event, &source->source, fd, EPOLLIN, on_io, source);
    if (rc < 0) {
        free(source);
        return rc;
    }
    *ret_source = source;
    return 0;
}

int loop_add_timer(
    struct loop *loop, struct loop_source **ret_source, loop_callback callback, void *user)
{
    struct loop_source *source = source_new(callback, user);
    int rc = 0;

    if (source == NULL) {
        return -ENOMEM;
    }
    rc = sd_event_add_time(loop->event, &source->source, CLOCK_MONOTONIC, UINT64_MAX,
        TIMER_ACCURACY_US, on_time, source);
    if (rc >= 0) {
        rc = sd_event_source_set_enabled(source->source, SD_EVENT_OFF);
    }
    if (rc < 0) {
        loop_source_close(source);
        return rc;
    }
    *ret_source = source;
    return 0;
}

void loop_timer_set(struct loop_source *timer, uint64_t delay_us)
{
    /* Both calls fail only for a source that is no timer, which would be a bug here. */
    (void)sd_event_source_set_time(timer->source, loop_now_us() + delay_us);
    (void)sd_event_source_set_enabled(timer->source, SD_EVENT_ONESHOT);
}

void loop_timer_clear(struct loop_source *timer)
{
    (void)sd_event_source_set_enabled(timer->source, SD_EVENT_OFF);
}

void loop_source_close(struct loop_source *source)
{
    if (source == NULL) {
        return;
    }
    (void)sd_event_source_disable_unref(source->source);
    free(source);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
    struct loop *loop = user;

    (void)source;
    if (loop->is_stopping) {
        _exit(128 + (int)info->ssi_signo); /* asked twice: the data is safe without us */
    }
    loop->is_stopping = true;
    loop_stop(loop);
    return 0;
}

int loop_stop_on_signals(struct loop *loop)
{
    const int signals[] = {SIGINT, SIGTERM};
    sigset_t mask;

    (void)sigemptyset(&mask);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        (void)sigaddset(&mask, signals[i]);
    }
    if (sigprocmask(SIG_BLOCK, &mask, NULL) != 0) {
        return -errno;
    }
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        int rc = sd_event_add_signal(loop->event, NULL, signals[i], on_signal, loop);

        if (rc < 0) {
            return rc;
        }
    }
    (void)signal(SIGPIPE, SIG_IGN);
    return 0;
}

int loop_run(struct loop *loop)
{
    int rc = sd_event_loop(loop->event);

    return rc < 0 ? rc : 0;
}

void loop_stop(struct loop *loop)
{
    (void)sd_event_exit(loop->event, 0);
}

uint64_t loop_now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

void loop_notify(const char *state)
{
    (void)sd_notify(0, state); /* without a service manager there is nobody to tell */
}

uint64_t loop_watchdog_us(void)
{
    uint64_t period_us = 0;

    return sd_watchdog_enabled(0, &period_us) > 0 ? period_us : 0;
}
