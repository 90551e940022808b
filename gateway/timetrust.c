/*
 * timetrust.c - compares the distance between two clocks with what it was; see the header.
 */
#include "gateway/timetrust.h"

#include <string.h>

#include "hal/clock.h"

static enum wall_trust trust_from(enum hal_clock_trust trust)
{
    switch (trust) {
    case HAL_CLOCK_SYNCED:
        return WALL_SYNCED;
    case HAL_CLOCK_RTC:
        return WALL_RTC;
    case HAL_CLOCK_UNSET:
        break;
    }
    return WALL_UNSET;
}

static int64_t offset_of(const struct record *record)
{
    return record->wall_ms - (int64_t)record->boot_ms;
}

void timetrust_init(struct timetrust *timetrust, struct hal_clock *clock)
{
    struct record now = {0};

    memset(timetrust, 0, sizeof *timetrust);
    timetrust->clock = clock;
    timetrust_stamp(timetrust, &now);
    timetrust->offset_ms = offset_of(&now);
    timetrust->trust = now.wall_trust;
    timetrust->is_start = true;
}

void timetrust_stamp_at(const struct timetrust *timetrust, uint64_t boot_us, struct record *record)
{
    struct hal_clock_reading now = {0};

    hal_clock_read(timetrust->clock, &now);
    if (boot_us > now.boot_us) {
        boot_us = now.boot_us;
    }
    record->boot_id = timetrust->clock->boot_id;
    record->boot_ms = boot_us / 1000;
    record->wall_ms = now.wall_ms - (int64_t)(now.boot_us / 1000 - boot_us / 1000);
    record->wall_trust = trust_from(now.trust);
    record->wall_uncertainty_ms = now.uncertainty_ms;
}

void timetrust_stamp(const struct timetrust *timetrust, struct record *record)
{
    timetrust_stamp_at(timetrust, UINT64_MAX, record);
}

bool timetrust_check(const struct timetrust *timetrust, struct record *ret_record)
{
    struct record record = {.type = RECORD_CLOCK_SET};
    int64_t moved_ms = 0;
    bool is_due = false;

    timetrust_stamp(timetrust, &record);
    moved_ms = offset_of(&record) - timetrust->offset_ms;
    is_due = record.wall_trust > timetrust->trust ||
             (timetrust->is_start && record.wall_trust == WALL_SYNCED) ||
             moved_ms > TIMETRUST_STEP_MS || moved_ms < -TIMETRUST_STEP_MS;
    if (is_due) {
        record.clock_set.wall_before_ms = timetrust->offset_ms + (int64_t)record.boot_ms;
        *ret_record = record;
    }
    return is_due;
}

void timetrust_anchored(struct timetrust *timetrust, const struct record *record)
{
    timetrust->offset_ms = offset_of(record);
    timetrust->trust = record->wall_trust;
    timetrust->is_start = false;
}
