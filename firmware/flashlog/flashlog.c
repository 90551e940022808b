/*
 * flashlog.c - see flashlog.h: finding the log, appending, making room.
 *
 * What a cut can leave behind and what is done about it:
 *
 *   half a record, also one that reads as sound today and not tomorrow
 *       The newest sound record is programmed once more at open: now it is whole. When something
 *       that is not blank lies behind it, nothing more goes into that sector: the next one begins,
 *       and its first_seq voids whatever the sector before may come to show from there on. (To
 *       overwrite such a slot with zeros is no way: cut short, that leaves a record that can not be
 *       made firm, because no cell can be programmed back to 1.)
 *   a slot that reads as blank and is not
 *       Then no more than its first byte is not, and it will never be a record. The first blank
 *       slot after open is never used; it is overwritten with zeros.
 *   half a header, or a sector that reads as erased and is not
 *       No sector that was erased before open is trusted: prepare erases it again. That is one
 *       erase a start, and no question is left. One with half a header is erased at open, before
 *       anything is shown that it could void.
 */
#include <errno.h>
#include <string.h>

#include "firmware/flashlog/flashlog_internal.h"

enum { SLOT_TRIES = 3, SECTOR_TRIES = 8, SLOTS_A_PAGE = HAL_FLASH_PAGE / FLASHLOG_SLOT };

/* ---- writing one slot --------------------------------------------------------------------- */

/* Clear the page that will carry the slot; returns where in it the slot is. */
static uint8_t *page_of(struct flashlog *log, uint32_t slot)
{
    (void)memset(log->page, 0xFF, sizeof log->page);
    return log->page + slot % SLOTS_A_PAGE * FLASHLOG_SLOT;
}

static int program_page(struct flashlog *log, uint32_t sector, uint32_t slot)
{
    return hal_flash_program(log->flash,
        log->offset + sector * HAL_FLASH_SECTOR + slot / SLOTS_A_PAGE * HAL_FLASH_PAGE, log->page,
        HAL_FLASH_PAGE);
}

/* Program the page and read the slot back. 0, or -EIO when it is not there. */
static int store_slot(struct flashlog *log, uint32_t sector, uint32_t slot)
{
    const uint8_t *wanted = log->page + slot % SLOTS_A_PAGE * FLASHLOG_SLOT;
    int rc = program_page(log, sector, slot);

    if (rc == 0) {
        rc = flashlog_load(log, sector, slot);
    }
    return rc == 0 && memcmp(log->buffer, wanted, FLASHLOG_SLOT) != 0 ? -EIO : rc;
}

/* Nothing more goes into the current sector. */
static void close_sector(struct flashlog *log)
{
    log->slot = FLASHLOG_SECTOR_RECORDS + 1;
    log->slot_is_suspect = false;
}

/* Overwrite the slot that only seems to be blank, and go on behind it. */
static void spoil_slot(struct flashlog *log)
{
    if (log->slot_is_suspect && log->slot <= FLASHLOG_SECTOR_RECORDS) {
        (void)memset(page_of(log, log->slot), 0, FLASHLOG_SLOT);
        /* When that fails: there is still no record in it, and there never will be. */
        (void)store_slot(log, log->current, log->slot);
        log->slot++;
    }
    log->slot_is_suspect = false;
}

/* ---- making room -------------------------------------------------------------------------- */

/* Whether sector holds a record that is not done. 1, 0, -EIO. Every slot, since garbage may lie. */
static int holds_undone(struct flashlog *log, uint32_t sector)
{
    struct format_record record;

    for (uint32_t slot = 1; slot <= FLASHLOG_SECTOR_RECORDS; slot++) {
        int rc = flashlog_load(log, sector, slot);

        if (rc < 0) {
            return rc;
        }
        if (format_get_record(log->buffer, log->epoch, &record) && record.seq > log->done) {
            return 1;
        }
    }
    return 0;
}

/* How often the sector was erased, as it says, else as many times as the ring went round. */
static uint32_t erases_of(struct flashlog *log, uint32_t sector)
{
    struct format_erased erased;
    struct format_begun begun;

    if (flashlog_load(log, sector, 0) == 0) {
        if (format_get_erased(log->buffer, &erased)) {
            return erased.erases;
        }
        if (format_get_begun(log->buffer, &begun)) {
            return begun.erases;
        }
    }
    return log->lap / log->sectors;
}

static int check_blank(struct flashlog *log, uint32_t sector)
{
    for (uint32_t slot = 0; slot <= FLASHLOG_SECTOR_RECORDS; slot++) {
        int rc = flashlog_load(log, sector, slot);

        if (rc < 0) {
            return rc;
        }
        if (!format_is_blank(log->buffer, FLASHLOG_SLOT)) {
            return -EIO;
        }
    }
    return 0;
}

static int erase_sector(struct flashlog *log, uint32_t sector)
{
    struct format_erased erased = {.version = FORMAT_VERSION,
        .slots = FORMAT_SLOTS,
        .sectors = (uint16_t)log->sectors,
        .erases = erases_of(log, sector) + 1};
    int rc = hal_flash_erase(log->flash, log->offset + sector * HAL_FLASH_SECTOR, HAL_FLASH_SECTOR);

    if (rc == 0) {
        rc = check_blank(log, sector);
    }
    if (rc == 0) {
        format_put_erased(page_of(log, 0), &erased);
        rc = store_slot(log, sector, 0);
    }
    return rc;
}

/* Give up the sector that was to be next. */
static void pass_over_next(struct flashlog *log)
{
    log->bad++;
    log->next = sector_after(log, log->next);
    log->next_is_prepared = false;
}

int flashlog_prepare_next(struct flashlog *log)
{
    for (int i = 0; i < SECTOR_TRIES; i++) {
        int rc = log->next == log->current ? 1 : holds_undone(log, log->next);

        if (rc != 0) {
            return rc < 0 ? rc : -ENOSPC;
        }
        log->read_seq = 0; /* the next read looks for its place anew */
        if (erase_sector(log, log->next) == 0) {
            log->next_is_prepared = true;
            return 0;
        }
        pass_over_next(log);
    }
    return -EIO;
}

/* Whether the next sector may be begun: what is left behind it must be done already, because its
 * header is what will say so in flash, and only then may it be erased. */
static bool has_room(const struct flashlog *log)
{
    uint32_t skipped = log->next + log->sectors - log->current;

    skipped = skipped < log->sectors ? skipped : skipped - log->sectors;
    return sectors_free(log, log->current) >= skipped + FLASHLOG_RESERVE;
}

static int begin_sector(
    struct flashlog *log, const uint8_t chain_before[static FLASHLOG_CHAIN_SIZE])
{
    struct format_erased erased;
    struct format_begun begun = {.lap = log->lap + 1,
        .first_seq = log->head + 1,
        .done_seq = log->done,
        .epoch = log->epoch};
    uint8_t *slot = page_of(log, 0);
    int rc = flashlog_load(log, log->next, 0);

    if (rc < 0 || !format_get_erased(log->buffer, &erased)) {
        return -EIO;
    }
    begun.erases = erased.erases;
    (void)memcpy(begun.chain, chain_before, FLASHLOG_CHAIN_SIZE);
    (void)memcpy(begun.device_id, log->device_id, strlen(log->device_id) + 1);
    (void)memcpy(slot, log->buffer, FLASHLOG_SLOT); /* the first part once more: now it is firm */
    format_put_begun(slot, &begun);
    return store_slot(log, log->next, 0);
}

/* Go on in the next sector. */
static int change_sector(
    struct flashlog *log, const uint8_t chain_before[static FLASHLOG_CHAIN_SIZE])
{
    for (int i = 0; i < SECTOR_TRIES; i++) {
        int rc = has_room(log) ? 0 : -ENOSPC;

        if (rc == 0 && !log->next_is_prepared) {
            rc = flashlog_prepare_next(log);
        }
        if (rc < 0) {
            return rc;
        }
        if (begin_sector(log, chain_before) == 0) {
            log->lap++;
            log->current = log->next;
            log->next = sector_after(log, log->current);
            log->next_is_prepared = false;
            log->slot = 1;
            log->done_flash = log->done;
            log->read_seq = 0;
            return flashlog_move_tail(log);
        }
        pass_over_next(log);
    }
    return -EIO;
}

int flashlog_append(struct flashlog *log, const uint8_t *bytes, uint32_t size,
    const uint8_t chain_before[static FLASHLOG_CHAIN_SIZE])
{
    if (size == 0 || size > FLASHLOG_RECORD_MAX) {
        return -EINVAL;
    }
    for (int i = 0; i < SLOT_TRIES; i++) {
        int rc = 0;

        spoil_slot(log);
        if (log->slot > FLASHLOG_SECTOR_RECORDS) {
            rc = change_sector(log, chain_before);
        }
        if (rc < 0) {
            return rc;
        }
        format_put_record(page_of(log, log->slot), log->epoch, log->head + 1, bytes, size);
        if (store_slot(log, log->current, log->slot) == 0) {
            log->slot++;
            log->head++;
            return 0;
        }
        close_sector(log);
        log->bad++;
    }
    return -EIO;
}

int flashlog_prepare(struct flashlog *log)
{
    int rc = log->next_is_prepared ? -ENOSPC : flashlog_prepare_next(log);

    return rc == 0 ? 1 : rc == -ENOSPC ? 0 : rc;
}

bool flashlog_wants_prepare(const struct flashlog *log)
{
    return !log->next_is_prepared && sectors_free(log, log->current) > 0;
}

int flashlog_done(struct flashlog *log, uint64_t seq)
{
    if (seq > log->head) {
        return -EINVAL;
    }
    log->done = seq > log->done ? seq : log->done;
    return flashlog_move_tail(log);
}

uint64_t flashlog_epoch(const struct flashlog *log)
{
    return log->epoch;
}

uint64_t flashlog_head(const struct flashlog *log)
{
    return log->head;
}

uint64_t flashlog_done_seq(const struct flashlog *log)
{
    return log->done;
}

uint32_t flashlog_space(const struct flashlog *log)
{
    uint32_t free = sectors_free(log, log->current);
    uint32_t here = FLASHLOG_SECTOR_RECORDS + 1u - log->slot;

    here -= log->slot_is_suspect && here > 0 ? 1 : 0;
    free += here == 0 && log->head <= log->done ? 1 : 0; /* the current one itself can go */
    return here + (free > FLASHLOG_RESERVE ? free - FLASHLOG_RESERVE : 0) * FLASHLOG_SECTOR_RECORDS;
}
