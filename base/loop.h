/*
 * loop.h - the one event loop of a daemon, over libev.
 *
 * Descriptors, timers and the stop signals run callbacks in the thread that called loop_run().
 * Ownership: whoever opens closes; a source is closed before the loop it belongs to. Any callback
 *            may close any source; it is not called again.
 * Threads:   one loop belongs to one thread.
 * Blocking:  loop_run() only. Callbacks must not block for long: a carer is waiting.
 */
#ifndef ECM_BASE_LOOP_H
#define ECM_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct loop;
struct loop_source;

typedef void (*loop_callback)(void *user);

/* 0, or a negative errno with err saying why. */
int loop_open(struct loop **ret_loop, struct err *err);

/* Release loop. NULL is allowed. */
void loop_close(struct loop *loop);

/*
 * Run callback whenever fd is readable (level-triggered). fd stays the caller's, and is closed only
 * after its source. A file of a disk is always readable. 0 or -ENOMEM.
 */
int loop_add_fd(
    struct loop *loop, struct loop_source **ret_source, int fd, loop_callback callback, void *user);

/* A timer that is not set. callback runs once each time it comes due. */
int loop_add_timer(
    struct loop *loop, struct loop_source **ret_source, loop_callback callback, void *user);

/* (Re)arm timer to fire delay_us from now, and at most 1 ms later. 0 fires on the next turn. */
void loop_timer_set(struct loop_source *timer, uint64_t delay_us);

/* Disarm timer. */
void loop_timer_clear(struct loop_source *timer);

/* Release a source. NULL is allowed. */
void loop_source_close(struct loop_source *source);

/* SIGINT and SIGTERM end loop_run(); a second one ends the process at once. Once in a process. */
int loop_stop_on_signals(struct loop *loop);

/* Run until loop_stop(). 0; or a negative errno, should a loop of another kind fail. */
int loop_run(struct loop *loop);

/* Make loop_run() return after the current callback. */
void loop_stop(struct loop *loop);

/* Microseconds of CLOCK_MONOTONIC. */
uint64_t loop_now_us(void);

/*
 * Tell the service manager (sd_notify(3)): "READY=1", "STATUS=...", "WATCHDOG=1", "STOPPING=1".
 * Does nothing when there is none.
 */
void loop_notify(const char *state);

/* The watchdog period the service manager wants, in microseconds; 0 when it wants none. */
uint64_t loop_watchdog_us(void);

#endif
