/*
 * direction.c - a small table of tags, searched from end to end: 512 comparisons of a few bytes are
 * nothing beside the fsync that follows.
 */
#include "tap/direction.h"

#include <assert.h>
#include <string.h>

/* A home sees some ten taps a day; an office dock some hundred. Enough for 14 h of either. */
enum { REPLAY_RECORDS_MAX = 8192 };

void direction_init(struct direction *direction, unsigned home_limit_s)
{
    memset(direction, 0, sizeof *direction);
    direction->home_limit_ms =
        1000ull * (home_limit_s != 0 ? home_limit_s : DIRECTION_HOME_LIMIT_DEFAULT_S);
}

static struct direction_tag *find(const struct direction *direction, const struct tap *tap)
{
    for (size_t i = 0; i < DIRECTION_TAGS_MAX; i++) {
        const struct direction_tag *tag = &direction->tags[i];

        if (tag->uid_size == tap->uid_size && memcmp(tag->uid, tap->uid, tap->uid_size) == 0) {
            return (struct direction_tag *)(uintptr_t)tag;
        }
    }
    return NULL;
}

static uint64_t since(int64_t earlier_ms, int64_t later_ms)
{
    return later_ms > earlier_ms ? (uint64_t)(later_ms - earlier_ms) : 0;
}

/*
 * How long ago the tag's last counted tap was, by the best clock that knows. false: nobody knows,
 * and *ret_age is how long it is at least.
 */
static bool age_ms(const struct direction_tag *tag, const struct record *now, uint64_t *ret_age)
{
    uint64_t by_wall = 0;

    if (tag->boot_id == now->boot_id) {
        *ret_age = now->boot_ms > tag->boot_ms ? now->boot_ms - tag->boot_ms : 0;
        return true;
    }
    if (tag->wall_trust == WALL_UNSET || now->wall_trust == WALL_UNSET) {
        *ret_age = now->boot_ms;
        return false;
    }
    by_wall = since(tag->wall_ms, now->wall_ms);
    *ret_age = by_wall > now->boot_ms ? by_wall : now->boot_ms;
    return true;
}

static bool is_present(const struct direction *direction, size_t reader, const struct tap *tap)
{
    const struct direction_present *present = &direction->present[reader];

    return present->uid_size == tap->uid_size && memcmp(present->uid, tap->uid, tap->uid_size) == 0;
}

void direction_decide(const struct direction *direction, size_t reader, struct record *record)
{
    struct tap *tap = &record->tap;
    const struct direction_tag *tag = find(direction, tap);
    uint64_t age = 0;
    bool is_known = false;

    assert(reader < DIRECTION_READERS_MAX);
    tap->direction = TAP_IN;
    tap->flags &= ~(uint32_t)TAP_FLAG_BOUNCE;
    if ((tap->flags & TAP_FLAG_RANDOM_UID) != 0 || tag == NULL) {
        return;
    }
    is_known = age_ms(tag, record, &age);
    if (is_present(direction, reader, tap) || (is_known && age < DIRECTION_BOUNCE_MS)) {
        tap->direction = tag->direction;
        tap->flags |= TAP_FLAG_BOUNCE;
    } else if (tag->direction == TAP_IN && age < direction->home_limit_ms) {
        tap->direction = TAP_OUT;
    }
}

/* A free slot, else the one used longest ago. */
static struct direction_tag *take_slot(struct direction *direction)
{
    struct direction_tag *oldest = &direction->tags[0];

    for (size_t i = 0; i < DIRECTION_TAGS_MAX; i++) {
        if (direction->tags[i].uid_size == 0) {
            return &direction->tags[i];
        }
        if (direction->tags[i].used < oldest->used) {
            oldest = &direction->tags[i];
        }
    }
    return oldest;
}

static void fill(struct direction_tag *tag, const struct record *record, uint64_t used)
{
    memset(tag, 0, sizeof *tag);
    memcpy(tag->uid, record->tap.uid, record->tap.uid_size);
    tag->uid_size = record->tap.uid_size;
    tag->direction = record->tap.direction;
    tag->wall_trust = record->wall_trust;
    tag->boot_id = record->boot_id;
    tag->boot_ms = record->boot_ms;
    tag->wall_ms = record->wall_ms;
    tag->used = used;
}

void direction_remember(struct direction *direction, size_t reader, const struct record *record)
{
    const struct tap *tap = &record->tap;
    struct direction_present *present = &direction->present[reader];
    struct direction_tag *tag = NULL;

    assert(reader < DIRECTION_READERS_MAX && tap->uid_size <= TAG_UID_MAX);
    if ((tap->flags & TAP_FLAG_RANDOM_UID) != 0 || tap->uid_size == 0) {
        return;
    }
    memcpy(present->uid, tap->uid, tap->uid_size);
    present->uid_size = tap->uid_size;
    if ((tap->flags & TAP_FLAG_BOUNCE) != 0) {
        return;
    }
    tag = find(direction, tap);
    fill(tag != NULL ? tag : take_slot(direction), record, ++direction->uses);
}

void direction_gone(struct direction *direction, size_t reader, const uint8_t *uid, size_t uid_size)
{
    struct direction_present *present = NULL;

    assert(reader < DIRECTION_READERS_MAX);
    present = &direction->present[reader];
    if (present->uid_size == uid_size && memcmp(present->uid, uid, uid_size) == 0) {
        present->uid_size = 0;
    }
}

void direction_forget_present(struct direction *direction, size_t reader)
{
    assert(reader < DIRECTION_READERS_MAX);
    direction->present[reader].uid_size = 0;
}

/* Give a stamp of an unset clock the wall time that a later, trusted one of its boot implies. */
static void correct_stamp(const struct direction_replay *cursor, struct direction_tag *tag)
{
    if (tag->wall_trust == WALL_UNSET && cursor->has_anchor &&
        cursor->anchor_boot_id == tag->boot_id && cursor->anchor_boot_ms >= tag->boot_ms) {
        tag->wall_ms = cursor->anchor_wall_ms - (int64_t)(cursor->anchor_boot_ms - tag->boot_ms);
        tag->wall_trust = WALL_RTC;
    }
}

static bool counts(const struct record *record)
{
    return record->type == RECORD_TAP && record->tap.uid_size > 0 &&
           (record->tap.flags & (TAP_FLAG_BOUNCE | TAP_FLAG_RANDOM_UID)) == 0;
}

bool direction_replay(struct direction *direction, struct direction_replay *cursor,
    const struct record *record, const struct record *now)
{
    struct direction_tag tag = {0};
    struct direction_tag *slot = NULL;
    uint64_t age = 0;

    cursor->seen++;
    if (record->wall_trust != WALL_UNSET) {
        cursor->has_anchor = true;
        cursor->anchor_boot_id = record->boot_id;
        cursor->anchor_boot_ms = record->boot_ms;
        cursor->anchor_wall_ms = record->wall_ms;
    }
    direction->uses = REPLAY_RECORDS_MAX;
    if (counts(record) && find(direction, &record->tap) == NULL) {
        /* Newest first: what comes later is older, and makes room first. */
        fill(&tag, record, REPLAY_RECORDS_MAX - cursor->seen);
        correct_stamp(cursor, &tag);
        (void)age_ms(&tag, now, &age);
        slot = take_slot(direction);
        if (slot->uid_size != 0) {
            return false; /* the table is full of newer ones */
        }
        if (age < direction->home_limit_ms) {
            *slot = tag;
        }
    }
    return cursor->seen < REPLAY_RECORDS_MAX;
}
