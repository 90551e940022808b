/*
 * flashlog_read.c - finding and reading: by the records themselves, never by a header alone, so
 * that a header that was lost loses nothing else.
 */
#include <errno.h>
#include <string.h>

#include "firmware/flashlog/flashlog_internal.h"

int flashlog_load(struct flashlog *log, uint32_t sector, uint32_t slot)
{
    return hal_flash_read(log->flash,
        log->offset + sector * HAL_FLASH_SECTOR + slot * FLASHLOG_SLOT, log->buffer, FLASHLOG_SLOT);
}

int flashlog_last_in(struct flashlog *log, uint32_t sector, uint64_t *ret_seq, uint8_t *ret_slot)
{
    struct format_record record;

    for (uint8_t slot = FLASHLOG_SECTOR_RECORDS; slot > 0; slot--) {
        int rc = flashlog_load(log, sector, slot);

        if (rc < 0) {
            return rc;
        }
        if (format_get_record(log->buffer, log->epoch, &record)) {
            *ret_seq = record.seq;
            if (ret_slot != NULL) {
                *ret_slot = slot;
            }
            return 0;
        }
    }
    *ret_seq = 0;
    return 0;
}

/* When a sector was begun: its lap; 0 when it does not say. And the seq of its first record. */
static int look_at_begin(
    struct flashlog *log, uint32_t sector, uint32_t *ret_lap, uint64_t *ret_first)
{
    struct format_begun begun;
    struct format_record record;
    int rc = flashlog_load(log, sector, 0);

    *ret_lap = 0;
    *ret_first = UINT64_MAX;
    if (rc < 0) {
        return rc;
    }
    if (format_get_begun(log->buffer, &begun) && begun.epoch == log->epoch) {
        *ret_lap = begun.lap;
        *ret_first = begun.first_seq;
        return 0;
    }
    for (uint32_t slot = 1; slot <= FLASHLOG_SECTOR_RECORDS && rc == 0; slot++) {
        rc = flashlog_load(log, sector, slot);
        if (rc == 0 && format_get_record(log->buffer, log->epoch, &record)) {
            *ret_first = record.seq;
            return 0;
        }
    }
    return rc;
}

int flashlog_void_from(struct flashlog *log, uint32_t sector, uint64_t *ret_seq)
{
    uint32_t lap = 0;
    uint64_t first = 0;
    int rc = look_at_begin(log, sector, &lap, &first);

    *ret_seq = UINT64_MAX;
    while (rc == 0 && sector != log->current) {
        struct format_begun begun;

        sector = sector_after(log, sector);
        rc = flashlog_load(log, sector, 0);
        if (rc == 0 && format_get_begun(log->buffer, &begun) && begun.epoch == log->epoch) {
            /* Behind the newest sector the ring goes on with the oldest, and that voids nothing. */
            if (lap != 0 ? begun.lap > lap : begun.first_seq > first) {
                *ret_seq = begun.first_seq;
            }
            return 0;
        }
    }
    return rc;
}

int flashlog_move_tail(struct flashlog *log)
{
    while (log->tail != log->current) {
        uint64_t last = 0;
        int rc = flashlog_last_in(log, log->tail, &last, NULL);

        if (rc < 0) {
            return rc;
        }
        if (last > log->done) {
            return 0;
        }
        log->tail = sector_after(log, log->tail);
    }
    return 0;
}

/* The first record from from_seq on in sector, looking from slot on. 1: found; 0; -EIO. */
static int find_in(struct flashlog *log, uint32_t sector, uint8_t slot, uint64_t from_seq,
    struct flashlog_item *ret_item)
{
    struct format_record record;
    uint64_t void_from = 0;
    int rc = flashlog_void_from(log, sector, &void_from);

    for (; slot <= (uint8_t)FLASHLOG_SECTOR_RECORDS && rc == 0; slot++) {
        rc = flashlog_load(log, sector, slot);
        if (rc < 0) {
            return rc;
        }
        /* Above head: nothing of ours, whatever its check says. */
        if (format_get_record(log->buffer, log->epoch, &record) && record.seq >= from_seq &&
            record.seq <= log->head && record.seq < void_from) {
            log->read_sector = sector;
            log->read_slot = slot;
            log->read_seq = record.seq;
            *ret_item = (struct flashlog_item){
                .seq = record.seq, .bytes = record.bytes, .size = record.size};
            return 1;
        }
    }
    return rc;
}

int flashlog_read(struct flashlog *log, uint64_t from_seq, struct flashlog_item *ret_item)
{
    bool goes_on = log->read_seq != 0 && from_seq == log->read_seq + 1;
    uint32_t sector = goes_on                ? log->read_sector
                      : from_seq > log->done ? log->tail
                                             : sector_after(log, log->current);
    uint8_t slot = goes_on ? (uint8_t)(log->read_slot + 1) : 1;

    if (from_seq > log->head) {
        return -ENOENT;
    }
    for (uint32_t i = 0; i < log->sectors; i++) {
        uint64_t last = 0;
        int rc = goes_on && i == 0 ? 0 : flashlog_last_in(log, sector, &last, NULL);

        if (rc == 0 && ((goes_on && i == 0) || last >= from_seq)) {
            rc = find_in(log, sector, slot, from_seq, ret_item);
        }
        if (rc != 0) {
            return rc < 0 ? rc : 0;
        }
        if (sector == log->current) {
            break;
        }
        sector = sector_after(log, sector);
        slot = 1;
    }
    return -ENOENT;
}

int flashlog_chain_base(struct flashlog *log, uint64_t seq, uint64_t *ret_seq,
    uint8_t ret_head[static FLASHLOG_CHAIN_SIZE])
{
    struct format_begun begun;
    uint64_t best = 0;

    for (uint32_t sector = 0; sector < log->sectors; sector++) {
        int rc = flashlog_load(log, sector, 0);

        if (rc < 0) {
            return rc;
        }
        if (format_get_begun(log->buffer, &begun) && begun.epoch == log->epoch &&
            begun.first_seq <= seq && begun.first_seq > best) {
            best = begun.first_seq;
            (void)memcpy(ret_head, begun.chain, FLASHLOG_CHAIN_SIZE);
        }
    }
    if (best == 0) {
        return -ENOENT;
    }
    *ret_seq = best;
    return 0;
}

int flashlog_wear(struct flashlog *log, struct flashlog_wear *ret_wear)
{
    struct flashlog_wear wear = {.erases_min = UINT32_MAX, .bad = log->bad};
    uint32_t sum = 0; /* 4096 sectors of 100,000 erases fit four times over */
    uint32_t count = 0;

    for (uint32_t sector = 0; sector < log->sectors; sector++) {
        struct format_erased erased;
        int rc = flashlog_load(log, sector, 0);

        if (rc < 0) {
            return rc;
        }
        if (!format_get_erased(log->buffer, &erased)) {
            continue;
        }
        count++;
        sum += erased.erases;
        wear.erases_min = erased.erases < wear.erases_min ? erased.erases : wear.erases_min;
        wear.erases_max = erased.erases > wear.erases_max ? erased.erases : wear.erases_max;
    }
    wear.erases_mean = count > 0 ? sum / count : 0;
    wear.erases_min = count > 0 ? wear.erases_min : 0;
    *ret_wear = wear;
    return 0;
}
