/*
 * timesync.h - the wall clock of a tag reader, made of its boot clock and what a gateway says.
 *
 * An exchange has four time stamps: t1 and t4 on the reader's boot clock (request sent, answer
 * there), t2 and t3 on the gateway's wall clock (request there, answer sent). The wall clock is the
 * boot clock plus ((t2 - t1) + (t3 - t4)) / 2, and wrong by no more than half of the way there and
 * back, (t4 - t1) - (t3 - t2), plus what the gateway is wrong by (RFC 5905 section 8). Of the last
 * TIMESYNC_SAMPLES the one with the least to be wrong by now is used; each grows worse by
 * TIMESYNC_DRIFT_PPM.
 *
 * A gateway that is not sure of its own time makes this clock no surer: its trust is taken over,
 * and a sample of less trust never takes the place of one with more.
 *
 * Portable C11; pure; no allocation.
 */
#ifndef ECM_FIRMWARE_LINK_TIMESYNC_H
#define ECM_FIRMWARE_LINK_TIMESYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/messages.h"

enum {
    TIMESYNC_SAMPLES = 8,
    /* The Pico's crystal is given with 30 ppm; with age and cold. The collector reckons with the
     * same (collector/storage/effective_time.h). */
    TIMESYNC_DRIFT_PPM = 100,
    /* Above this a clock is not synced any more but one that merely runs on: rtc. As Linux does. */
    TIMESYNC_SYNCED_MAX_MS = 16000,
    /* The wall clock moved so far against the boot clock: another anchor. */
    TIMESYNC_STEP_MS = 1000,
};

struct timesync_sample {
    uint64_t t1_us, t4_us;
    int64_t t2_us, t3_us;
    enum wall_trust trust;
    uint32_t uncertainty_ms; /* of the gateway; UINT32_MAX: it does not know */
};

/* The caller's memory, private. */
struct timesync {
    uint64_t boot_id;
    struct {
        uint64_t at_us;    /* boot clock; 0: no sample */
        int64_t offset_us; /* wall = boot + offset */
        uint64_t error_us; /* at at_us; UINT64_MAX: nobody knows */
        enum wall_trust trust;
    } samples[TIMESYNC_SAMPLES];
    unsigned next;
    bool has_anchor;
    int64_t anchor_offset_us;
    enum wall_trust anchor_trust;
};

void timesync_init(struct timesync *sync, uint64_t boot_id);

/* The battery clock said wall_ms at boot time now_us; it may be off by uncertainty_ms. */
void timesync_take_rtc(
    struct timesync *sync, uint64_t now_us, int64_t wall_ms, uint32_t uncertainty_ms);

/* What an exchange gave. One that cannot be (t4 before t1, an answer longer than the exchange) is
 * passed over. */
void timesync_take(struct timesync *sync, const struct timesync_sample *sample);

/* Fill the stamp of record: what this clock said at boot time at_us. Without a sample: unset, and
 * the wall clock counts from 1970. */
void timesync_stamp(const struct timesync *sync, uint64_t at_us, struct record *ret_record);

/*
 * Whether a clock_set record is due: the first sure time of this boot, more trust than at the last
 * one, or a step above TIMESYNC_STEP_MS. true: it is in *ret_record, all but its seq. After it was
 * stored: timesync_anchored().
 */
bool timesync_wants_anchor(const struct timesync *sync, uint64_t now_us, struct record *ret_record);
void timesync_anchored(struct timesync *sync, const struct record *record);

#endif
