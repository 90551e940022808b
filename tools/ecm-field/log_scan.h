/*
 * log_scan.h - everything a flash log's partition says, slot by slot, without trusting any of it.
 *
 * Unlike firmware/flashlog it follows no ring and changes nothing: a record is whatever has a right
 * check under an epoch that some header names. So it also shows what the reader itself would pass
 * over: records of an older epoch, done ones, ones in a sector whose header is lost.
 *
 * Ownership: log_scan() allocates, log_scan_done() frees; record bytes point into the image.
 */
#ifndef ECM_TOOLS_FIELD_LOG_SCAN_H
#define ECM_TOOLS_FIELD_LOG_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firmware/flashlog/format.h"

struct err;

enum { LOG_SCAN_EPOCHS_MAX = 16, LOG_SCAN_IMAGE_MAX = 32 << 20 };

struct log_scan_record {
    uint64_t epoch;
    uint64_t seq;
    uint32_t sector;
    uint8_t slot;
    uint8_t size;
    const uint8_t *bytes;
};

struct log_scan {
    uint32_t sectors;
    uint32_t sectors_begun;  /* with a sound header of any epoch */
    uint32_t sectors_erased; /* erased and not begun */
    uint32_t sectors_blank;
    uint32_t sectors_unreadable; /* none of these */
    uint32_t slots_damaged;      /* neither blank nor a record nor given up */
    uint32_t slots_given_up;
    uint32_t erases_min;
    uint32_t erases_max;
    uint64_t erases_sum;
    uint32_t erases_count; /* sectors that say it */

    bool has_log; /* newest is valid */
    struct format_begun newest;
    uint64_t epochs[LOG_SCAN_EPOCHS_MAX];
    size_t epoch_count;

    struct log_scan_record *records; /* the newest epoch first, then by seq */
    size_t record_count;
    uint64_t head;    /* of the newest epoch */
    uint64_t oldest;  /* of the newest epoch, that can be read; 0: none */
    uint64_t missing; /* numbers above done and up to head that cannot be read */
};

/* Look at a partition. 0; ECM_EFORMAT size is not whole sectors; -ENOMEM. */
int log_scan(const uint8_t *bytes, size_t size, struct log_scan *ret_scan, struct err *err);
void log_scan_done(struct log_scan *scan);

/* The part of a whole flash image that is the log: its header says how large it is, and it lies at
 * the end. ECM_EFORMAT when there is no header. */
int log_scan_find(
    const uint8_t *bytes, size_t size, size_t *ret_offset, size_t *ret_size, struct err *err);

#endif
