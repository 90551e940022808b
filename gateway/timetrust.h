/*
 * timetrust.h - stamps on records, and the anchors that make untrusted stamps usable later.
 *
 * A stamp is what the device believed: boot id, boot time, wall time and how far that could be
 * off. It is never corrected afterwards. Instead a clock_set record ("anchor") ties boot time to
 * wall time
 *   - when the clock is synchronised for the first time in this run of the daemon (also when it
 *     already is at start);
 *   - when trust rises from unset to a battery clock;
 *   - whenever wall time has moved against boot time by more than TIMETRUST_STEP_MS since the
 *     last anchor, be it at once or little by little.
 * The collector derives effective times from them.
 *
 * Threads: one struct timetrust belongs to one thread. Nothing blocks.
 */
#ifndef ECM_GATEWAY_TIMETRUST_H
#define ECM_GATEWAY_TIMETRUST_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/messages.h"

enum { TIMETRUST_STEP_MS = 1000 };

struct hal_clock;

struct timetrust {
    struct hal_clock *clock;
    int64_t offset_ms;     /* wall - boot at the last anchor */
    enum wall_trust trust; /* at the last anchor */
    bool is_start;         /* no anchor yet */
};

void timetrust_init(struct timetrust *timetrust, struct hal_clock *clock);

/* Fill the stamp of record with this moment. */
void timetrust_stamp(const struct timetrust *timetrust, struct record *record);

/* Fill the stamp of record with the moment boot_us of this boot, at or before now. */
void timetrust_stamp_at(const struct timetrust *timetrust, uint64_t boot_us, struct record *record);

/*
 * Whether an anchor is due; if so *ret_record is it, complete but for seq. It stays due until
 * timetrust_anchored() is told that it was stored.
 */
bool timetrust_check(const struct timetrust *timetrust, struct record *ret_record);
void timetrust_anchored(struct timetrust *timetrust, const struct record *record);

#endif
