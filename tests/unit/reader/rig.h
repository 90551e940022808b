/*
 * rig.h - a tag reader made of fakes: the program of the Pico on the host.
 */
#ifndef ECM_TESTS_UNIT_READER_RIG_H
#define ECM_TESTS_UNIT_READER_RIG_H

#include "firmware/app/app.h"
#include "hal/fake/fake_clock.h"
#include "hal/fake/fake_feedback.h"
#include "hal/fake/fake_flash.h"
#include "hal/fake/fake_reader.h"
#include "hal/fake/fake_serial.h"

#define RIG_DEVICE "PR-0007"

enum {
    RIG_SECTORS = 8,
    RIG_STEPS = 64,
    RIG_TAP_US = 2000000, /* from one tap to the next: the tag is gone in between */
    RIG_BOUNCE_US = 121000000,
};

struct rig {
    struct fake_clock clock;
    struct fake_feedback feedback;
    struct fake_flash flash;
    struct fake_reader reader;
    struct fake_serial line;
    struct app app;
    struct fake_reader_step steps[2];
    uint64_t epoch;
};

/* A reader with a blank log, started. */
void rig_init(struct rig *rig);
void rig_done(struct rig *rig);

/* Power off and on: another boot. Returns what app_start() does. */
int rig_restart(struct rig *rig);

/* The tag of this number comes, and goes after a second; the app does what it does. */
void rig_tap(struct rig *rig, uint8_t number);

/* Let the app work for so long. */
void rig_run(struct rig *rig, uint64_t duration_us);

/* The record of that seq. */
struct record rig_record(struct rig *rig, uint64_t seq);

#endif
