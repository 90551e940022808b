/*
 * direction.h - arriving or leaving: what a tap of this tag means here and now.
 *
 * A tap is OUT when the tag has an open check-in here younger than the home's limit, else IN: a
 * forgotten tap-out must not turn the next visit's arrival into a leaving.
 *
 * A tap is a bounce, and means the same again, when
 *   - the tag has not left this reader's field since its last tap, however long ago; or
 *   - its last tap that counted is known to be less than DIRECTION_BOUNCE_MS ago. No visit is that short, and
 *     a carer who taps again after ten seconds because she is not sure must not be checked out.
 * A bounce does not extend the time, and is recorded like any tap, flagged.
 *
 * A tag that gives a random number each time (phone wallets) can never be recognised: it is
 * always IN and leaves nothing behind.
 *
 * How old a check-in is: by boot time when it was made in this boot; else by wall time when both
 * ends are trusted; else nobody knows, and it counts as made when this boot began: a power cut in
 * mid-visit is the common case and keeps the visit open, and it still runs out at the limit.
 *
 * Limits:  the DIRECTION_TAGS_MAX tags tapped last are remembered.
 * Threads: none of its business; plain values.
 */
#ifndef ECM_TAP_DIRECTION_H
#define ECM_TAP_DIRECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/messages.h"

enum {
    DIRECTION_TAGS_MAX = 512,
    DIRECTION_READERS_MAX = 4,
    DIRECTION_BOUNCE_MS = 120 * 1000,
    DIRECTION_HOME_LIMIT_DEFAULT_S = 4 * 3600,
};

struct direction_tag {
    uint8_t uid[TAG_UID_MAX];
    uint8_t uid_size;             /* 0: the slot is free */
    enum tap_direction direction; /* of the last tap that counted */
    enum wall_trust wall_trust;
    uint64_t boot_id;
    uint64_t boot_ms;
    int64_t wall_ms;
    uint64_t used; /* order of last use, for the oldest to make room */
};

/* What was laid on a reader last and has not left. */
struct direction_present {
    uint8_t uid[TAG_UID_MAX];
    uint8_t uid_size; /* 0: nothing */
};

struct direction {
    uint64_t home_limit_ms;
    uint64_t uses;
    struct direction_tag tags[DIRECTION_TAGS_MAX];
    struct direction_present present[DIRECTION_READERS_MAX];
};

/* home_limit_s 0: the default. */
void direction_init(struct direction *direction, unsigned home_limit_s);

/*
 * Fill tap->direction and TAP_FLAG_BOUNCE for a stamped record of type TAP read at reader.
 * Remembers nothing: the tap may yet fail to be stored.
 */
void direction_decide(const struct direction *direction, size_t reader, struct record *record);

/* The tap was stored and its direction shown: from now on it counts. */
void direction_remember(struct direction *direction, size_t reader, const struct record *record);

/* The tag left the field of reader. */
void direction_gone(
    struct direction *direction, size_t reader, const uint8_t *uid, size_t uid_size);

/* The reader broke down: it can no longer tell what lies on it. */
void direction_forget_present(struct direction *direction, size_t reader);

/*
 * Rebuild from the log: call with the records newest first until it returns false. cursor starts
 * zeroed. now is a stamp of this moment (type ignored).
 */
struct direction_replay {
    uint64_t seen;   /* records so far */
    bool has_anchor; /* a trusted stamp, newer than what follows, of boot anchor_boot_id */
    uint64_t anchor_boot_id;
    uint64_t anchor_boot_ms;
    int64_t anchor_wall_ms;
};
bool direction_replay(struct direction *direction, struct direction_replay *cursor,
    const struct record *record, const struct record *now);

#endif
