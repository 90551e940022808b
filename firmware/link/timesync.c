/* timesync.c - see timesync.h. */
#include "firmware/link/timesync.h"

#include <string.h>

#define MS_US 1000u
#define MILLION 1000000u
/* 2020 to 2200: what lies outside is no time of day, and could not be stamped one day. */
#define WALL_MIN_US INT64_C(1577836800000000)
#define WALL_MAX_US INT64_C(7258118400000000)

void timesync_init(struct timesync *sync, uint64_t boot_id)
{
    memset(sync, 0, sizeof *sync);
    sync->boot_id = boot_id;
}

/* What the sample may be off by at at_us, also before it was taken. */
static uint64_t error_at(const struct timesync *sync, unsigned index, uint64_t at_us)
{
    uint64_t taken_us = sync->samples[index].at_us;
    uint64_t age_us = at_us > taken_us ? at_us - taken_us : taken_us - at_us;
    uint64_t error_us = sync->samples[index].error_us;

    return error_us == UINT64_MAX ? UINT64_MAX
                                  : error_us + age_us / MILLION * TIMESYNC_DRIFT_PPM +
                                        age_us % MILLION * TIMESYNC_DRIFT_PPM / MILLION;
}

/* The sample to go by at at_us, or TIMESYNC_SAMPLES: there is none. */
static unsigned best_at(const struct timesync *sync, uint64_t at_us)
{
    unsigned best = TIMESYNC_SAMPLES;

    for (unsigned i = 0; i < TIMESYNC_SAMPLES; i++) {
        if (sync->samples[i].at_us == 0) {
            continue;
        }
        if (best == TIMESYNC_SAMPLES || sync->samples[i].trust > sync->samples[best].trust ||
            (sync->samples[i].trust == sync->samples[best].trust &&
                error_at(sync, i, at_us) < error_at(sync, best, at_us))) {
            best = i;
        }
    }
    return best;
}

static void add(struct timesync *sync, uint64_t at_us, int64_t offset_us, uint64_t error_us,
    enum wall_trust trust)
{
    unsigned best = best_at(sync, at_us);
    unsigned slot = sync->next;

    /* Less trust takes no place from more: an unsynced gateway is no news. */
    if (trust == WALL_UNSET || (best != TIMESYNC_SAMPLES && trust < sync->samples[best].trust)) {
        return;
    }
    if (best != TIMESYNC_SAMPLES && trust > sync->samples[best].trust) {
        memset(sync->samples, 0, sizeof sync->samples);
        slot = 0;
    }
    sync->samples[slot].at_us = at_us > 0 ? at_us : 1;
    sync->samples[slot].offset_us = offset_us;
    sync->samples[slot].error_us = error_us;
    sync->samples[slot].trust = trust;
    sync->next = (slot + 1) % TIMESYNC_SAMPLES;
}

void timesync_take_rtc(
    struct timesync *sync, uint64_t now_us, int64_t wall_ms, uint32_t uncertainty_ms)
{
    if (wall_ms < WALL_MIN_US / (int64_t)MS_US || wall_ms > WALL_MAX_US / (int64_t)MS_US) {
        return;
    }
    add(sync, now_us, wall_ms * (int64_t)MS_US - (int64_t)now_us,
        uncertainty_ms == UINT32_MAX ? UINT64_MAX : (uint64_t)uncertainty_ms * MS_US, WALL_RTC);
}

/*
 * The last samples agree with each other within what they may be off by, unless the gateway's clock
 * was stepped: then what came before is not to be averaged or preferred.
 */
static void drop_before_step(
    struct timesync *sync, uint64_t at_us, int64_t offset_us, uint64_t error_us)
{
    unsigned best = best_at(sync, at_us);
    int64_t moved_us = 0;
    uint64_t allowed_us = 0;

    if (best == TIMESYNC_SAMPLES || error_us == UINT64_MAX ||
        sync->samples[best].error_us == UINT64_MAX) {
        return;
    }
    moved_us = offset_us - sync->samples[best].offset_us;
    allowed_us = error_us + error_at(sync, best, at_us);
    if ((uint64_t)(moved_us < 0 ? -moved_us : moved_us) > allowed_us) {
        memset(sync->samples, 0, sizeof sync->samples);
        sync->next = 0;
    }
}

void timesync_take(struct timesync *sync, const struct timesync_sample *sample)
{
    uint64_t away_us = sample->t4_us - sample->t1_us;
    uint64_t inside_us = (uint64_t)(sample->t3_us - sample->t2_us);
    uint64_t error_us = UINT64_MAX;
    int64_t offset_us = 0;
    unsigned best = best_at(sync, sample->t4_us);

    if (sample->t4_us < sample->t1_us || sample->t3_us < sample->t2_us || inside_us > away_us ||
        sample->t2_us < WALL_MIN_US || sample->t3_us > WALL_MAX_US) {
        return;
    }
    /* t2 - t1 - (way there) = t3 - t4 + (way back): both ways are taken to be equally long. */
    offset_us = sample->t2_us - (int64_t)(sample->t1_us + (away_us - inside_us) / 2);
    if (sample->uncertainty_ms != UINT32_MAX) {
        error_us = (away_us - inside_us) / 2 + (uint64_t)sample->uncertainty_ms * MS_US;
    }
    if (best == TIMESYNC_SAMPLES || sample->trust >= sync->samples[best].trust) {
        drop_before_step(sync, sample->t4_us, offset_us, error_us);
    }
    add(sync, sample->t4_us, offset_us, error_us, sample->trust);
}

/* Towards the past, also below zero. */
static int64_t to_ms(int64_t us)
{
    return us >= 0 ? us / (int64_t)MS_US : -((-us + (int64_t)MS_US - 1) / (int64_t)MS_US);
}

void timesync_stamp(const struct timesync *sync, uint64_t at_us, struct record *ret_record)
{
    unsigned best = best_at(sync, at_us);
    uint64_t error_ms = 0;

    ret_record->boot_id = sync->boot_id;
    ret_record->boot_ms = at_us / MS_US;
    if (best == TIMESYNC_SAMPLES) {
        ret_record->wall_ms = (int64_t)(at_us / MS_US);
        ret_record->wall_trust = WALL_UNSET;
        ret_record->wall_uncertainty_ms = UINT32_MAX;
        return;
    }
    ret_record->wall_ms = to_ms((int64_t)at_us + sync->samples[best].offset_us);
    ret_record->wall_trust = sync->samples[best].trust;
    ret_record->wall_uncertainty_ms = UINT32_MAX;
    if (sync->samples[best].error_us == UINT64_MAX) {
        return;
    }
    error_ms = error_at(sync, best, at_us) / MS_US + 1;
    if (error_ms > TIMESYNC_SYNCED_MAX_MS && ret_record->wall_trust == WALL_SYNCED) {
        ret_record->wall_trust = WALL_RTC;
    }
    if (error_ms < UINT32_MAX) {
        ret_record->wall_uncertainty_ms = (uint32_t)error_ms;
    }
}

bool timesync_wants_anchor(const struct timesync *sync, uint64_t now_us, struct record *ret_record)
{
    struct record record = {.type = RECORD_CLOCK_SET};
    unsigned best = best_at(sync, now_us);
    int64_t moved_us = 0;

    if (best == TIMESYNC_SAMPLES) {
        return false;
    }
    timesync_stamp(sync, now_us, &record);
    moved_us = sync->samples[best].offset_us - (sync->has_anchor ? sync->anchor_offset_us : 0);
    if (sync->has_anchor && record.wall_trust <= sync->anchor_trust &&
        moved_us <= TIMESYNC_STEP_MS * (int64_t)MS_US &&
        moved_us >= -TIMESYNC_STEP_MS * (int64_t)MS_US) {
        return false;
    }
    record.clock_set.wall_before_ms = record.wall_ms - to_ms(moved_us);
    *ret_record = record;
    return true;
}

void timesync_anchored(struct timesync *sync, const struct record *record)
{
    unsigned best = best_at(sync, record->boot_ms * MS_US);

    sync->has_anchor = true;
    sync->anchor_trust = record->wall_trust;
    if (best != TIMESYNC_SAMPLES) {
        sync->anchor_offset_us = sync->samples[best].offset_us;
    }
}
