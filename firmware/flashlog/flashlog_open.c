/*
 * flashlog_open.c - finding the log: one look at every header, one at every newest record.
 */
#include <errno.h>
#include <string.h>

#include "firmware/flashlog/flashlog_internal.h"

/* What the first look found: the header of the sector that was begun last. */
struct newest {
    struct format_begun begun;
    uint32_t sector;
};

static bool conf_is_valid(const struct flashlog_conf *conf)
{
    size_t id_size = strnlen(conf->device_id, FLASHLOG_ID_MAX + 1);

    return id_size >= 1 && id_size <= FLASHLOG_ID_MAX && conf->new_epoch != 0 &&
           conf->offset % HAL_FLASH_SECTOR == 0 && conf->sectors >= FLASHLOG_SECTORS_MIN &&
           conf->sectors <= FLASHLOG_SECTORS_MAX && conf->offset <= conf->flash->size &&
           conf->sectors <= (conf->flash->size - conf->offset) / HAL_FLASH_SECTOR;
}

/* Whether the header in log->buffer is one that this log may live with. */
static int check_erased(const struct flashlog *log, const struct format_erased *erased)
{
    if (erased->version != FORMAT_VERSION || erased->slots != FORMAT_SLOTS) {
        return -EPROTONOSUPPORT;
    }
    return erased->sectors == log->sectors ? 0 : -EDOM;
}

static int look_at_header(
    struct flashlog *log, uint32_t sector, struct newest *newest, struct flashlog_found *found)
{
    struct format_erased erased;
    struct format_begun begun;
    int rc = flashlog_load(log, sector, 0);
    bool is_erased = false;

    if (rc == 0 && format_get_erased(log->buffer, &erased)) {
        is_erased = true;
        rc = check_erased(log, &erased);
    }
    if (rc < 0) {
        return rc;
    }
    if (!format_get_begun(log->buffer, &begun)) {
        found->unreadable += is_erased || format_is_blank(log->buffer, sizeof log->buffer) ? 0 : 1;
        return 0;
    }
    if (strcmp(begun.device_id, log->device_id) != 0) {
        return -EXDEV;
    }
    if (begun.lap > newest->begun.lap) {
        found->begun = begun.epoch == newest->begun.epoch ? found->begun : 0;
        *newest = (struct newest){.begun = begun, .sector = sector};
    }
    found->begun += begun.epoch == newest->begun.epoch ? 1 : 0;
    return 0;
}

/* A record newer than the newest header's: its header was lost, the record was not. Its sector
 * becomes the current one, to which nothing more is added. */
static int look_for_orphans(struct flashlog *log, struct flashlog_found *found)
{
    for (uint32_t sector = 0; sector < log->sectors; sector++) {
        uint64_t last = 0;
        uint64_t void_from = 0;
        int rc = sector == log->current ? 0 : flashlog_last_in(log, sector, &last, NULL);

        if (rc == 0 && last > log->head) {
            rc = flashlog_void_from(log, sector, &void_from);
        }
        if (rc < 0) {
            return rc;
        }
        if (last > log->head && last < void_from) {
            log->head = last;
            log->current = sector;
            log->slot = FLASHLOG_SECTOR_RECORDS + 1;
            log->slot_is_suspect = false;
            found->orphans++;
        }
    }
    return 0;
}

/* Program once more what a cut may have left weak: it reads as sound, so it is what was meant. */
static void firm_up(struct flashlog *log, uint32_t slot)
{
    uint32_t at = log->offset + log->current * HAL_FLASH_SECTOR + slot * FLASHLOG_SLOT;
    uint32_t in_page = at % HAL_FLASH_PAGE;

    (void)memset(log->page, 0xFF, sizeof log->page);
    /* A flash that takes no more bytes can still be read, and that is worth a start. */
    if (hal_flash_read(log->flash, at, log->page + in_page, FLASHLOG_SLOT) < 0 ||
        hal_flash_program(log->flash, at - in_page, log->page, HAL_FLASH_PAGE) < 0) {
        log->bad++;
    }
}

/* Behind the newest record: blank slots, of which the first is suspect; or something half-written,
 * and then the sector is closed. */
static int look_behind(struct flashlog *log)
{
    for (uint8_t slot = log->slot; slot <= (uint8_t)FLASHLOG_SECTOR_RECORDS; slot++) {
        int rc = flashlog_load(log, log->current, slot);

        if (rc < 0) {
            return rc;
        }
        if (!format_is_blank(log->buffer, FLASHLOG_SLOT) && log->buffer[0] != 0) {
            log->slot = FLASHLOG_SECTOR_RECORDS + 1;
            return 0;
        }
        if (log->buffer[0] == 0) { /* given up earlier */
            log->slot = (uint8_t)(slot + 1);
        }
    }
    log->slot_is_suspect = log->slot <= FLASHLOG_SECTOR_RECORDS;
    return 0;
}

/* Half a header in the sector to be begun next could be whole tomorrow, and void what is shown
 * today. */
static int clear_next(struct flashlog *log)
{
    struct format_begun begun;
    int rc = flashlog_load(log, log->next, 0);

    if (rc < 0 || format_is_blank(log->buffer + FORMAT_BEGUN_AT, FORMAT_SLOT - FORMAT_BEGUN_AT) ||
        format_get_begun(log->buffer, &begun)) {
        return rc;
    }
    rc = flashlog_prepare_next(log);
    return rc == -ENOSPC ? 0 : rc;
}

/* Go on where the newest sector ends. */
static int take_up(struct flashlog *log, const struct newest *newest, struct flashlog_found *found)
{
    uint64_t last = 0;
    uint8_t slot = 0;
    int rc = 0;

    log->epoch = newest->begun.epoch;
    log->lap = newest->begun.lap;
    log->done = newest->begun.done_seq;
    log->current = newest->sector;
    rc = flashlog_last_in(log, log->current, &last, &slot);
    if (rc < 0) {
        return rc;
    }
    log->head = last >= newest->begun.first_seq ? last : newest->begun.first_seq - 1;
    log->slot = (uint8_t)(slot + 1);
    rc = look_behind(log);
    if (rc == 0) {
        rc = look_for_orphans(log, found);
    }
    if (rc == 0 && found->orphans == 0) {
        firm_up(log, 0);
        if (slot != 0) {
            firm_up(log, slot);
        }
    }
    return rc;
}

/* Nothing is there: the first append begins sector 0. */
static void begin_anew(struct flashlog *log, uint64_t new_epoch)
{
    log->epoch = new_epoch;
    log->current = log->sectors - 1;
    log->slot = FLASHLOG_SECTOR_RECORDS + 1;
}

int flashlog_open(
    struct flashlog *log, const struct flashlog_conf *conf, struct flashlog_found *ret_found)
{
    struct flashlog_found found = {.is_new = false};
    struct newest newest = {.sector = 0};
    int rc = 0;

    if (!conf_is_valid(conf)) {
        return -EINVAL;
    }
    (void)memset(log, 0, sizeof *log);
    log->flash = conf->flash;
    log->device_id = conf->device_id;
    log->offset = conf->offset;
    log->sectors = conf->sectors;
    for (uint32_t sector = 0; sector < log->sectors && rc == 0; sector++) {
        rc = look_at_header(log, sector, &newest, &found);
    }
    if (rc < 0) {
        return rc;
    }
    found.is_new = newest.begun.lap == 0;
    if (found.is_new) {
        begin_anew(log, conf->new_epoch);
    } else {
        rc = take_up(log, &newest, &found);
    }
    log->done_flash = log->done;
    log->next = sector_after(log, log->current);
    log->tail = log->next;
    if (rc == 0) {
        rc = flashlog_move_tail(log);
    }
    if (rc == 0 && !found.is_new) {
        rc = clear_next(log);
    }
    if (rc == 0) {
        *ret_found = found;
    }
    return rc;
}
