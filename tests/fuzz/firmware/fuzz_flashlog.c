/*
 * fuzz_flashlog.c - any bytes in the flash: sound headers and records with any values, garbage over
 * them. The log must open or refuse, read only what has a right check, in order, once, and take a
 * record and find it again. ecm-field must survive the same bytes.
 *
 * The input is a list of steps, because no fuzzer guesses a CRC: what to write, where, with what.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/flashlog/flashlog.h"
#include "firmware/flashlog/format.h"
#include "hal/fake/fake_flash.h"
#include "tools/ecm-field/log_scan.h"

enum { SECTORS = 5, SIZE = SECTORS * HAL_FLASH_SECTOR, STEP = 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Small numbers mostly, now and then a huge one. */
static uint64_t number(const uint8_t *at)
{
    uint64_t value = (uint64_t)at[0] | (uint64_t)at[1] << 8;

    return at[2] < 240 ? value : UINT64_MAX - value;
}

static void put_header(uint8_t *slot, const uint8_t *step)
{
    const struct format_erased erased = {.version = step[2] % 16 == 0 ? 2 : 1,
        .slots = 32,
        .sectors = step[3] % 16 == 0 ? 9 : SECTORS,
        .erases = (uint32_t)number(step + 4)};
    struct format_begun begun = {.lap = (uint32_t)number(step + 7),
        .first_seq = number(step + 10),
        .done_seq = number(step + 13),
        .epoch = step[16] % 4,
        .device_id = "PR-0007"};

    begun.device_id[0] = step[17] % 32 == 0 ? 'X' : 'P';
    format_put_erased(slot, &erased);
    if (step[18] % 8 != 0) {
        format_put_begun(slot, &begun);
    }
}

static void put_step(uint8_t *bytes, const uint8_t *step)
{
    uint8_t *sector = bytes + step[1] % SECTORS * HAL_FLASH_SECTOR;

    switch (step[0] % 4) {
    case 0:
        put_header(sector, step);
        break;
    case 1: /* one record */
        format_put_record(sector + step[2] % 32 * FORMAT_SLOT, step[3] % 4, number(step + 4),
            step + 8, 1 + step[7] % (STEP - 8));
        break;
    case 2: /* a run of them */
        for (uint64_t i = 0; i < step[8] % 32u; i++) {
            format_put_record(
                sector + (1 + i) * FORMAT_SLOT, step[3] % 4, number(step + 4) + i, step + 8, 4);
        }
        break;
    default: /* garbage */
        memcpy(sector + (size_t)(step[2] | step[3] << 8) % (HAL_FLASH_SECTOR - STEP), step, STEP);
        break;
    }
}

/* Whether some slot of the flash holds just this record with a right check. */
static void check_item(
    const struct fake_flash *flash, const struct flashlog *log, const struct flashlog_item *item)
{
    for (uint32_t at = 0; at < SIZE; at += FORMAT_SLOT) {
        struct format_record record;

        if (format_get_record(flash->bytes + at, log->epoch, &record) && record.seq == item->seq &&
            record.size == item->size && memcmp(record.bytes, item->bytes, item->size) == 0) {
            return;
        }
    }
    abort();
}

static void read_all(const struct fake_flash *flash, struct flashlog *log)
{
    uint64_t wanted = flashlog_done_seq(log) + 1;
    struct flashlog_item item;

    for (int i = 0; flashlog_read(log, wanted, &item) == 0; i++) {
        if (item.seq < wanted || item.seq > flashlog_head(log) || i > SECTORS * FORMAT_SLOTS) {
            abort();
        }
        check_item(flash, log, &item);
        wanted = item.seq + 1;
    }
}

static void work(struct fake_flash *flash, struct flashlog *log)
{
    uint8_t chain[FLASHLOG_CHAIN_SIZE] = {0};
    uint64_t seq = 0;
    struct flashlog_wear wear;

    read_all(flash, log);
    (void)flashlog_chain_base(log, flashlog_head(log) + 1, &seq, chain);
    (void)flashlog_wear(log, &wear);
    for (int i = 0; i < 40; i++) {
        struct flashlog_item item;
        uint64_t next = flashlog_head(log) + 1;
        int rc = flashlog_append(log, (const uint8_t *)"tap", 3, chain);

        /* A forged record may bear that seq too; which of the two is read is all the same. */
        if (rc == 0 &&
            (flashlog_head(log) != next ||
                (i % 8 == 0 && (flashlog_read(log, next, &item) != 0 || item.seq != next)))) {
            abort();
        }
        if (rc != 0 && rc != -ENOSPC && rc != -EIO) {
            abort();
        }
        if (i % 8 == 7 && flashlog_done(log, flashlog_head(log) - 3) != 0 &&
            flashlog_head(log) >= 3) {
            abort();
        }
        (void)flashlog_prepare(log);
    }
    read_all(flash, log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fake_flash flash;
    struct flashlog log;
    struct flashlog_found found;
    struct flashlog_conf conf = {
        .flash = &flash.base, .sectors = SECTORS, .device_id = "PR-0007", .new_epoch = 3};
    struct log_scan scan;

    if (fake_flash_init(&flash, SIZE, 1) != 0) {
        return 0;
    }
    for (size_t at = 0; at + STEP <= size && at < 64 * (size_t)STEP; at += STEP) {
        put_step(flash.bytes, data + at);
    }
    if (log_scan(flash.bytes, SIZE, &scan, NULL) == 0) {
        log_scan_done(&scan);
    }
    if (flashlog_open(&log, &conf, &found) == 0) {
        uint64_t head = 0;

        work(&flash, &log);
        head = flashlog_head(&log);
        /* Numbers never go back. A forged record that hid behind another may push them on. */
        if (flashlog_open(&log, &conf, &found) != 0 || flashlog_head(&log) < head) {
            abort();
        }
        read_all(&flash, &log);
    }
    fake_flash_done(&flash);
    return 0;
}
