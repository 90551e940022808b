/* effective_time.c - see effective_time.h. */
#include "collector/storage/effective_time.h"

#include <assert.h>
#include <stddef.h>

#include "collector/storage/storage.h"
#include "proto/messages.h"

/* Boot clocks come from outside: a difference that does not fit is no time at all. */
static bool place(const struct record *record, const struct storage_anchor *anchor, int64_t *ret_ms)
{
    int64_t behind = 0;

    return !__builtin_sub_overflow(anchor->boot_ms, record->boot_ms, &behind) &&
           !__builtin_sub_overflow(anchor->wall_ms, behind, ret_ms);
}

static uint32_t limited(uint64_t ms)
{
    return ms < EFFECTIVE_NO_IDEA ? (uint32_t)ms : EFFECTIVE_NO_IDEA;
}

/* The anchor's own, and what the boot clock may have run away since or until then. */
static uint32_t anchored_uncertainty(
    const struct record *record, const struct storage_anchor *anchor)
{
    uint64_t apart = anchor->boot_ms > record->boot_ms ? anchor->boot_ms - record->boot_ms
                                                       : record->boot_ms - anchor->boot_ms;

    return limited((uint64_t)anchor->uncertainty_ms + apart / 1000000 * EFFECTIVE_DRIFT_PPM +
                   apart % 1000000 * EFFECTIVE_DRIFT_PPM / 1000000);
}

bool effective_narrow(const struct effective_bounds *bounds, const struct record *record,
    int64_t *ret_from_ms, int64_t *ret_to_ms)
{
    if (bounds == NULL || !bounds->has_from || record->boot_ms > INT64_MAX ||
        __builtin_add_overflow(bounds->from_ms, (int64_t)record->boot_ms, ret_from_ms)) {
        return false;
    }
    *ret_to_ms = bounds->to_ms;
    return *ret_from_ms <= *ret_to_ms;
}

static bool is_contradicted(const struct record *record, const struct effective_bounds *bounds)
{
    int64_t from_ms = 0;
    int64_t to_ms = 0;

    if (record->wall_ms < EFFECTIVE_FLOOR_MS) {
        return true;
    }
    if (bounds == NULL) {
        return false;
    }
    if (bounds->step_ms > EFFECTIVE_RTC_SLACK_MS) {
        return true;
    }
    if (record->wall_ms > bounds->to_ms &&
        (uint64_t)record->wall_ms - (uint64_t)bounds->to_ms > EFFECTIVE_RTC_SLACK_MS) {
        return true;
    }
    return effective_narrow(bounds, record, &from_ms, &to_ms) && record->wall_ms < from_ms &&
           (uint64_t)from_ms - (uint64_t)record->wall_ms > EFFECTIVE_RTC_SLACK_MS;
}

/* As the clock itself says; where it does not know, the bound that lies further away. */
static uint32_t rtc_uncertainty(const struct record *record, const struct effective_bounds *bounds)
{
    int64_t from_ms = 0;
    int64_t to_ms = 0;
    uint64_t before = 0;
    uint64_t after = 0;

    if (record->wall_uncertainty_ms != EFFECTIVE_NO_IDEA ||
        !effective_narrow(bounds, record, &from_ms, &to_ms)) {
        return record->wall_uncertainty_ms;
    }
    before = record->wall_ms > from_ms ? (uint64_t)record->wall_ms - (uint64_t)from_ms
                                       : (uint64_t)from_ms - (uint64_t)record->wall_ms;
    after = to_ms > record->wall_ms ? (uint64_t)to_ms - (uint64_t)record->wall_ms
                                    : (uint64_t)record->wall_ms - (uint64_t)to_ms;
    before = before > after ? before : after;
    return limited(before > bounds->step_ms ? before : bounds->step_ms);
}

struct effective_time effective_time(const struct record *record,
    const struct storage_anchor *anchor, const struct effective_bounds *bounds)
{
    int64_t ms = 0;
    int64_t to_ms = 0;

    assert(anchor == NULL || anchor->boot_id == record->boot_id);
    if (record->wall_trust == WALL_SYNCED) {
        return (struct effective_time){
            EFFECTIVE_STAMPED, record->wall_ms, record->wall_uncertainty_ms};
    }
    if (anchor != NULL && place(record, anchor, &ms)) {
        return (struct effective_time){
            EFFECTIVE_ANCHORED, ms, anchored_uncertainty(record, anchor)};
    }
    if (record->wall_trust == WALL_RTC && !is_contradicted(record, bounds)) {
        return (struct effective_time){
            EFFECTIVE_RTC, record->wall_ms, rtc_uncertainty(record, bounds)};
    }
    if (effective_narrow(bounds, record, &ms, &to_ms) &&
        (uint64_t)to_ms - (uint64_t)ms <= 2 * EFFECTIVE_BETWEEN_MAX_MS) {
        return (struct effective_time){
            EFFECTIVE_BETWEEN, ms + (to_ms - ms) / 2, (uint32_t)((to_ms - ms + 1) / 2)};
    }
    return (struct effective_time){EFFECTIVE_UNKNOWN, 0, EFFECTIVE_NO_IDEA};
}

int64_t effective_seconds(int64_t ms)
{
    return ms / 1000 - (ms % 1000 < 0 ? 1 : 0);
}
