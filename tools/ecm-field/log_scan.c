/*
 * log_scan.c - see log_scan.h.
 */
#include "tools/ecm-field/log_scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "hal/flash.h"

/* ---- headers ------------------------------------------------------------------------------ */

static void take_erases(struct log_scan *scan, uint32_t erases)
{
    scan->erases_min =
        scan->erases_count == 0 || erases < scan->erases_min ? erases : scan->erases_min;
    scan->erases_max = erases > scan->erases_max ? erases : scan->erases_max;
    scan->erases_sum += erases;
    scan->erases_count++;
}

static void take_epoch(struct log_scan *scan, uint64_t epoch)
{
    for (size_t i = 0; i < scan->epoch_count; i++) {
        if (scan->epochs[i] == epoch) {
            return;
        }
    }
    if (scan->epoch_count < LOG_SCAN_EPOCHS_MAX) {
        scan->epochs[scan->epoch_count++] = epoch;
    }
}

static void look_at_header(struct log_scan *scan, const uint8_t *sector)
{
    struct format_erased erased;
    struct format_begun begun;
    bool is_erased = format_get_erased(sector, &erased);

    if (is_erased) {
        take_erases(scan, erased.erases);
    }
    if (format_get_begun(sector, &begun)) {
        scan->sectors_begun++;
        take_epoch(scan, begun.epoch);
        if (!scan->has_log || begun.lap > scan->newest.lap) {
            scan->has_log = true;
            scan->newest = begun;
        }
    } else if (is_erased && format_is_blank(sector + 16, HAL_FLASH_SECTOR - 16)) {
        scan->sectors_erased++;
    } else if (format_is_blank(sector, HAL_FLASH_SECTOR)) {
        scan->sectors_blank++;
    } else {
        scan->sectors_unreadable++;
    }
}

/* ---- records ------------------------------------------------------------------------------ */

static void look_at_slot(
    struct log_scan *scan, const uint8_t *slot, uint32_t sector_index, uint8_t slot_index)
{
    struct format_record record;

    if (format_is_blank(slot, FORMAT_SLOT)) {
        return;
    }
    for (size_t i = 0; i < scan->epoch_count; i++) {
        if (format_get_record(slot, scan->epochs[i], &record)) {
            scan->records[scan->record_count++] = (struct log_scan_record){.epoch = scan->epochs[i],
                .seq = record.seq,
                .sector = sector_index,
                .slot = slot_index,
                .size = record.size,
                .bytes = record.bytes};
            return;
        }
    }
    if (slot[0] == 0) {
        scan->slots_given_up++;
    } else {
        scan->slots_damaged++;
    }
}

static uint64_t newest_epoch; /* qsort() takes no argument of the caller's */

static int compare_records(const void *left, const void *right)
{
    const struct log_scan_record *a = left;
    const struct log_scan_record *b = right;
    bool a_is_old = a->epoch != newest_epoch;
    bool b_is_old = b->epoch != newest_epoch;

    if (a_is_old != b_is_old) {
        return a_is_old ? 1 : -1;
    }
    if (a->epoch != b->epoch) {
        return a->epoch < b->epoch ? -1 : 1;
    }
    return a->seq < b->seq ? -1 : a->seq > b->seq ? 1 : 0;
}

/* What the newest epoch has, and has not. */
static void count_up(struct log_scan *scan)
{
    uint64_t there = 0;

    scan->head = scan->newest.first_seq - 1;
    for (size_t i = 0; i < scan->record_count; i++) {
        const struct log_scan_record *record = &scan->records[i];

        if (record->epoch != scan->newest.epoch ||
            (i > 0 && record->epoch == record[-1].epoch && record->seq == record[-1].seq)) {
            continue;
        }
        scan->oldest = scan->oldest == 0 ? record->seq : scan->oldest;
        scan->head = record->seq > scan->head ? record->seq : scan->head;
        there += record->seq > scan->newest.done_seq ? 1 : 0;
    }
    scan->missing = scan->head - scan->newest.done_seq - there;
}

int log_scan(const uint8_t *bytes, size_t size, struct log_scan *ret_scan, struct err *err)
{
    struct log_scan scan = {.sectors = (uint32_t)(size / HAL_FLASH_SECTOR)};

    if (size == 0 || size % HAL_FLASH_SECTOR != 0) {
        return err_set(
            err, ECM_EFORMAT, "%zu bytes are not whole sectors of %d", size, HAL_FLASH_SECTOR);
    }
    scan.records = calloc((size_t)scan.sectors * (FORMAT_SLOTS - 1), sizeof *scan.records);
    if (scan.records == NULL) {
        return err_set(err, -ENOMEM, "out of memory");
    }
    for (uint32_t i = 0; i < scan.sectors; i++) {
        look_at_header(&scan, bytes + (size_t)i * HAL_FLASH_SECTOR);
    }
    for (uint32_t i = 0; i < scan.sectors && scan.has_log; i++) {
        for (uint8_t slot = 1; slot < (uint8_t)FORMAT_SLOTS; slot++) {
            look_at_slot(
                &scan, bytes + (size_t)i * HAL_FLASH_SECTOR + (size_t)slot * FORMAT_SLOT, i, slot);
        }
    }
    if (scan.has_log) {
        newest_epoch = scan.newest.epoch;
        qsort(scan.records, scan.record_count, sizeof *scan.records, compare_records);
        count_up(&scan);
    }
    *ret_scan = scan;
    return 0;
}

void log_scan_done(struct log_scan *scan)
{
    free(scan->records);
    scan->records = NULL;
}

int log_scan_find(
    const uint8_t *bytes, size_t size, size_t *ret_offset, size_t *ret_size, struct err *err)
{
    /* From the end: what the program in front happens to contain is no header. */
    for (size_t at = size / HAL_FLASH_SECTOR * HAL_FLASH_SECTOR; at > 0; at -= HAL_FLASH_SECTOR) {
        struct format_erased erased;

        if (format_get_erased(bytes + at - HAL_FLASH_SECTOR, &erased) &&
            (size_t)erased.sectors * HAL_FLASH_SECTOR <= size) {
            *ret_size = (size_t)erased.sectors * HAL_FLASH_SECTOR;
            *ret_offset = size / HAL_FLASH_SECTOR * HAL_FLASH_SECTOR - *ret_size;
            return 0;
        }
    }
    return err_set(err, ECM_EFORMAT,
        "no sector of a tag reader's log is in it; if it was wiped, --offset and --size say where "
        "to look");
}
