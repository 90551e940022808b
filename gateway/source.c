/*
 * source.c - passes on what the inner reader says, and stands in for it while there is none.
 */
#include "gateway/source.h"

#include <stdio.h>
#include <string.h>

static void take_wait(struct source *source, uint64_t now_us)
{
    source->retry_us = now_us + source->wait_us;
    source->wait_us =
        2 * source->wait_us < SOURCE_RETRY_MAX_US ? 2 * source->wait_us : SOURCE_RETRY_MAX_US;
}

static void tell_fault(
    struct source *source, const char *text, uint64_t now_us, struct hal_reader_event *ret_event)
{
    if (!source->is_down) {
        source->is_down = true;
        ret_event->kind = HAL_READER_FAULT;
        if (text != ret_event->text) {
            (void)snprintf(ret_event->text, sizeof ret_event->text, "%s", text);
        }
    }
    source->bad_since_us = now_us;
}

static void try_open(struct source *source, uint64_t now_us, struct hal_reader_event *ret_event)
{
    struct err err = {0};

    if (now_us < source->retry_us) {
        return;
    }
    if (source->factory->open(source->factory->user, &source->inner, &err) < 0) {
        source->inner = NULL;
        take_wait(source, now_us);
        tell_fault(source, err.text, now_us, ret_event);
        return;
    }
    source->was_polled = false;
    source->is_proven = false;
    source->bad_since_us = now_us;
}

static void tell_recovered(struct source *source, struct hal_reader_event *ret_event)
{
    source->is_down = false;
    source->wait_us = SOURCE_RETRY_MIN_US;
    ret_event->kind = HAL_READER_RECOVERED;
    (void)snprintf(ret_event->text, sizeof ret_event->text, "works again");
}

/* What the inner reader says, so that ours tell one FAULT and one RECOVERED a time it is down. */
static void translate(struct source *source, uint64_t now_us, struct hal_reader_event *ret_event)
{
    switch (ret_event->kind) {
    case HAL_READER_FAULT:
        source->is_proven = false;
        ret_event->kind = HAL_READER_NONE;
        tell_fault(source, ret_event->text, now_us, ret_event);
        break;
    case HAL_READER_RECOVERED:
        source->is_proven = true;
        ret_event->kind = HAL_READER_NONE;
        if (source->is_down) {
            tell_recovered(source, ret_event);
        }
        break;
    case HAL_READER_NONE:
        if (source->is_down && source->is_proven) {
            tell_recovered(source, ret_event);
        }
        break;
    case HAL_READER_TAG:
    case HAL_READER_GONE:
        break;
    }
}

static void poll_inner(struct source *source, uint64_t now_us, struct hal_reader_event *ret_event)
{
    bool is_first = !source->was_polled;

    source->was_polled = true;
    hal_reader_poll(source->inner, ret_event);
    /* A new reader's first poll sets the chip up; silence means that it worked. */
    if (is_first && ret_event->kind != HAL_READER_FAULT) {
        source->is_proven = true;
    }
    translate(source, now_us, ret_event);
    if (source->is_down && !source->is_proven &&
        now_us - source->bad_since_us >= SOURCE_REOPEN_US) {
        source_done(source);
        take_wait(source, now_us);
    }
}

static void poll(struct hal_reader *base, struct hal_reader_event *ret_event)
{
    struct source *source = (struct source *)base;
    uint64_t now_us = hal_clock_boot_us(source->clock);

    memset(ret_event, 0, sizeof *ret_event);
    if (source->inner == NULL) {
        try_open(source, now_us, ret_event);
    }
    if (source->inner != NULL && ret_event->kind == HAL_READER_NONE) {
        poll_inner(source, now_us, ret_event);
    }
}

static int fd(struct hal_reader *base)
{
    struct source *source = (struct source *)base;

    return source->inner != NULL ? hal_reader_fd(source->inner) : -1;
}

static uint64_t due_us(struct hal_reader *base)
{
    struct source *source = (struct source *)base;

    return source->inner != NULL ? hal_reader_due_us(source->inner) : source->retry_us;
}

void source_init(struct source *source, const char *name, const struct source_factory *factory,
    struct hal_clock *clock)
{
    static const struct hal_reader_ops ops = {.poll = poll, .fd = fd, .due_us = due_us};

    memset(source, 0, sizeof *source);
    source->base.ops = &ops;
    source->base.name = name;
    source->factory = factory;
    source->clock = clock;
    source->wait_us = SOURCE_RETRY_MIN_US;
}

void source_done(struct source *source)
{
    if (source->inner != NULL) {
        source->factory->close(source->factory->user);
        source->inner = NULL;
    }
}
