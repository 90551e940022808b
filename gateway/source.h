/*
 * source.h - a reader whose device may not be there: not yet, or not any more.
 *
 * Wraps the opening of a reader in a hal_reader of its own. A device that cannot be opened is a
 * FAULT, once, and is tried again with waits from SOURCE_RETRY_MIN_US doubling to
 * SOURCE_RETRY_MAX_US. A reader that has been in FAULT for SOURCE_REOPEN_US is closed and opened
 * anew: an unplugged USB adapter comes back as another file. RECOVERED is told once it works.
 *
 * Between closing and opening, fd() is -1 for at least one turn of the owner's loop.
 *
 * Ownership: the struct is the caller's; the factory and its user are borrowed.
 * Threads:   one source belongs to one thread.
 */
#ifndef ECM_GATEWAY_SOURCE_H
#define ECM_GATEWAY_SOURCE_H

#include <stdbool.h>

#include "base/err.h"
#include "hal/clock.h"
#include "hal/reader.h"

#define SOURCE_RETRY_MIN_US (1u * 1000000u)
#define SOURCE_RETRY_MAX_US (60u * 1000000u)
#define SOURCE_REOPEN_US (30u * 1000000u)

struct source_factory {
    /* Open the device and give the reader on it. 0, or -errno with err naming the device. */
    int (*open)(void *user, struct hal_reader **ret_reader, struct err *err);
    /* Close what open() opened. */
    void (*close)(void *user);
    void *user;
};

struct source {
    struct hal_reader base; /* first */
    const struct source_factory *factory;
    struct hal_clock *clock;
    struct hal_reader *inner; /* NULL: closed */
    bool is_down;             /* FAULT was told */
    bool was_polled;          /* inner was, since it was opened */
    bool is_proven;           /* and it works */
    uint64_t bad_since_us;    /* inner was opened, or failed */
    uint64_t retry_us;        /* of the next open() */
    uint64_t wait_us;
};

/* Nothing is opened before the first poll(). name goes into every tap. */
void source_init(struct source *source, const char *name, const struct source_factory *factory,
    struct hal_clock *clock);

/* Close the device if it is open. */
void source_done(struct source *source);

#endif
