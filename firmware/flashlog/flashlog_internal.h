/*
 * flashlog_internal.h - what the files of this folder share.
 */
#ifndef ECM_FIRMWARE_FLASHLOG_FLASHLOG_INTERNAL_H
#define ECM_FIRMWARE_FLASHLOG_FLASHLOG_INTERNAL_H

#include "firmware/flashlog/flashlog.h"
#include "firmware/flashlog/format.h"

/* The sector after this one in the ring. */
static inline uint32_t sector_after(const struct flashlog *log, uint32_t sector)
{
    return sector + 1 < log->sectors ? sector + 1 : 0;
}

/* Sectors between current and tail: what may be begun. */
static inline uint32_t sectors_free(const struct flashlog *log, uint32_t current)
{
    uint32_t distance = log->tail + log->sectors - current - 1;

    return distance < log->sectors ? distance : distance - log->sectors;
}

/* Read a slot into log->buffer. 0 or -EIO. */
int flashlog_load(struct flashlog *log, uint32_t sector, uint32_t slot);

/*
 * The highest seq of a readable record in sector, 0: none; its slot in *ret_slot unless that is
 * NULL. Records of one sector grow, so it is the last. 0 or -EIO.
 */
int flashlog_last_in(struct flashlog *log, uint32_t sector, uint64_t *ret_seq, uint8_t *ret_slot);

/* What sector holds from this seq on is void: the one begun after it says so. 0 or -EIO. */
int flashlog_void_from(struct flashlog *log, uint32_t sector, uint64_t *ret_seq);

/* Erase the next sector that can be erased. 0; -ENOSPC: it holds what is not done; -EIO. */
int flashlog_prepare_next(struct flashlog *log);

/* Let the tail pass over the sectors in which everything is done. 0 or -EIO. */
int flashlog_move_tail(struct flashlog *log);

#endif
