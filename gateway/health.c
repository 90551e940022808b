/*
 * health.c - a table of parts; what each trouble means for the taps is said in its line.
 */
#include "gateway/health.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

static const struct {
    const char *event;
    const char *name;
    const char *consequence;
    const char *ended;
    bool must_act; /* log_err, else log_warn */
} parts[HEALTH_PARTS] = {
    [HEALTH_OUTBOX] = {"outbox-refuses", "outbox", "taps are refused with a red light",
        "taps are stored again", true},
    [HEALTH_READER_0] = {"reader-down", "reader", "no tap is read; trying again",
        "the reader works again", true},
    [HEALTH_READER_1] = {"reader-down", "reader 2", "no tap is read there; trying again",
        "reader 2 works again", true},
    [HEALTH_READER_2] = {"reader-down", "reader 3", "no tap is read there; trying again",
        "reader 3 works again", true},
    [HEALTH_READER_3] = {"reader-down", "reader 4", "no tap is read there; trying again",
        "reader 4 works again", true},
    [HEALTH_FEEDBACK] = {"feedback-fault", "feedback", "taps are stored without light or sound",
        "light and sound work again", true},
    [HEALTH_ASSIST] = {"input-fault", "assist button", "a press is not seen; trying again",
        "the assist button is watched again", true},
    [HEALTH_CASE] = {"input-fault", "case contact", "an opened case is not seen; trying again",
        "the case contact is watched again", true},
    [HEALTH_CLOCK] = {"clock-unset", "clock", "taps are stored and get their time later",
        "the clock is set", false},
    [HEALTH_BROKER] = {"broker-down", "broker", "taps are kept; trying again",
        "connected to the broker", false},
    [HEALTH_COLLECTOR] = {"collector-silent", "collector", "taps are kept; trying again",
        "the collector answers", false},
};

void health_init(struct health *health, const char *device)
{
    memset(health, 0, sizeof *health);
    (void)snprintf(health->device, sizeof health->device, "%s", device);
}

static void log_begin(const struct health *health, enum health_part part)
{
    const char *why = health->parts[part].why;

    if (parts[part].must_act) {
        log_err("%s: %s; %s event=%s device=%s", parts[part].name, why, parts[part].consequence,
            parts[part].event, health->device);
    } else {
        log_warn("%s: %s; %s event=%s device=%s", parts[part].name, why, parts[part].consequence,
            parts[part].event, health->device);
    }
}

void health_set(struct health *health, enum health_part part, const char *why)
{
    bool was_bad = false;

    assert(part < HEALTH_PARTS);
    was_bad = health->parts[part].is_bad;
    health->parts[part].is_bad = why != NULL;
    (void)snprintf(
        health->parts[part].why, sizeof health->parts[part].why, "%s", why != NULL ? why : "");
    if (was_bad == (why != NULL)) {
        return;
    }
    health->changes++;
    if (why != NULL) {
        log_begin(health, part);
    } else {
        log_info("%s event=%s state=ended device=%s", parts[part].ended, parts[part].event,
            health->device);
    }
}

bool health_is_bad(const struct health *health, enum health_part part)
{
    assert(part < HEALTH_PARTS);
    return health->parts[part].is_bad;
}

const char *health_line(const struct health *health, char *line, size_t size)
{
    int worst = -1;
    int more = 0;

    for (int part = 0; part < HEALTH_PARTS; part++) {
        if (health->parts[part].is_bad) {
            more += worst >= 0;
            worst = worst >= 0 ? worst : part;
        }
    }
    if (worst < 0) {
        (void)snprintf(line, size, "ok");
    } else if (more == 0) {
        (void)snprintf(line, size, "%s: %s", parts[worst].name, health->parts[worst].why);
    } else {
        (void)snprintf(
            line, size, "%s: %s (and %d more)", parts[worst].name, health->parts[worst].why, more);
    }
    return line;
}
