/*
 * health.h - what is wrong with this gateway, said once when it begins and once when it ends.
 *
 * Each part is well or has one sentence that says how it is not. health_set() logs only at the
 * change from one to the other, with the event id of docs/OPERATIONS.md; another sentence while
 * the part is still bad replaces the first silently and shows in health_line().
 *
 * Threads: one struct health belongs to one thread. Nothing blocks.
 */
#ifndef ECM_GATEWAY_HEALTH_H
#define ECM_GATEWAY_HEALTH_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/messages.h"

/* Most serious first: the order in which health_line() looks. */
enum health_part {
    HEALTH_OUTBOX,   /* event=outbox-refuses: taps are not stored, the carer sees red */
    HEALTH_READER_0, /* event=reader-down */
    HEALTH_READER_1,
    HEALTH_READER_2,
    HEALTH_READER_3,
    HEALTH_FEEDBACK,  /* event=feedback-fault: a lamp or the buzzer cannot be set */
    HEALTH_ASSIST,    /* event=input-fault: nobody can call by the button */
    HEALTH_CASE,      /* event=input-fault: nobody sees the case being opened */
    HEALTH_CLOCK,     /* event=clock-unset: taps are stored with an unknown time */
    HEALTH_BROKER,    /* event=broker-down: taps are stored and wait */
    HEALTH_COLLECTOR, /* event=collector-silent: likewise */
    HEALTH_PARTS,
};

enum { HEALTH_WHY_SIZE = 160 };

struct health {
    char device[DEVICE_ID_MAX + 1];
    unsigned changes; /* from well to bad or back, all parts together */
    struct {
        bool is_bad;
        char why[HEALTH_WHY_SIZE];
    } parts[HEALTH_PARTS];
};

/* All is well. */
void health_init(struct health *health, const char *device);

/* why NULL: the part is well. Else it is not, and why says how; truncated when too long. */
void health_set(struct health *health, enum health_part part, const char *why);

bool health_is_bad(const struct health *health, enum health_part part);

/* "ok", or the most serious trouble and how many more there are. Returns line. */
const char *health_line(const struct health *health, char *line, size_t size);

#endif
