/* effective_time.c - see effective_time.h. */
#include "collector/storage/effective_time.h"

#include <assert.h>
#include <stdbool.h>
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

struct effective_time effective_time(
    const struct record *record, const struct storage_anchor *anchor)
{
    int64_t ms = 0;

    assert(anchor == NULL || anchor->boot_id == record->boot_id);
    if (record->wall_trust == WALL_SYNCED) {
        return (struct effective_time){EFFECTIVE_STAMPED, record->wall_ms};
    }
    if (anchor != NULL && place(record, anchor, &ms)) {
        return (struct effective_time){EFFECTIVE_ANCHORED, ms};
    }
    if (record->wall_trust == WALL_RTC) {
        return (struct effective_time){EFFECTIVE_RTC, record->wall_ms};
    }
    return (struct effective_time){EFFECTIVE_UNKNOWN, 0};
}

int64_t effective_seconds(int64_t ms)
{
    return ms / 1000 - (ms % 1000 < 0 ? 1 : 0);
}
