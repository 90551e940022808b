/*
 * make_flash_image.c - write an image of a tag reader's flash, 2 MiB, as its own log made it.
 *
 * Usage: make_flash_image FILE     70 records of which 40 are done; record 45 is damaged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/flashlog/flashlog.h"
#include "hal/fake/fake_flash.h"
#include "proto/messages.h"

enum { FLASH_SIZE = 2 << 20, LOG_AT = 1 << 20, RECORDS = 70, DONE = 40, DAMAGED = 45 };

static void fail(const char *what)
{
    (void)fprintf(stderr, "make_flash_image: %s\n", what);
    exit(1);
}

static size_t make_record(uint64_t seq, uint8_t *bytes)
{
    static const uint8_t uid[7] = {0x04, 0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6};
    struct record record = {.seq = seq,
        .type = seq == 1 ? RECORD_BOOT : RECORD_TAP,
        .boot_id = 7,
        .boot_ms = seq * 1000,
        .wall_ms = INT64_C(1774677600000) + (int64_t)seq * 1000,
        .wall_trust = WALL_SYNCED,
        .wall_uncertainty_ms = 20};
    size_t size = 0;

    if (seq == 1) {
        (void)snprintf(record.note.text, sizeof record.note.text, "0.1.0");
    } else {
        (void)snprintf(record.tap.reader, sizeof record.tap.reader, "spi0");
        memcpy(record.tap.uid, uid, sizeof uid);
        record.tap.uid_size = sizeof uid;
        record.tap.tech = TAP_TECH_TYPE2;
        record.tap.direction = seq % 2 == 0 ? TAP_IN : TAP_OUT;
    }
    if (record_encode(&record, bytes, FLASHLOG_RECORD_MAX, &size) != 0) {
        fail("a record does not fit");
    }
    return size;
}

int main(int argc, char **argv)
{
    static const uint8_t chain[FLASHLOG_CHAIN_SIZE];
    struct fake_flash flash;
    struct flashlog log;
    struct flashlog_found found;
    struct flashlog_conf conf = {.flash = &flash.base,
        .offset = LOG_AT,
        .sectors = FLASHLOG_SECTORS_DEFAULT,
        .device_id = "PR-0007",
        .new_epoch = UINT64_C(0x0123456789ABCDEF)};
    FILE *file = NULL;

    if (argc != 2 || fake_flash_init(&flash, FLASH_SIZE, 1) != 0 ||
        flashlog_open(&log, &conf, &found) != 0) {
        fail("usage: make_flash_image FILE");
    }
    for (uint64_t seq = 1; seq <= RECORDS; seq++) {
        uint8_t bytes[FLASHLOG_RECORD_MAX];
        size_t size = make_record(seq, bytes);

        if (flashlog_append(&log, bytes, (uint32_t)size, chain) != 0 ||
            (seq == DONE && flashlog_done(&log, seq) != 0)) {
            fail("append");
        }
    }
    /* Record 45 is the 14th of sector 1. */
    flash.bytes[LOG_AT + HAL_FLASH_SECTOR + (DAMAGED - FLASHLOG_SECTOR_RECORDS) * FLASHLOG_SLOT +
                20] ^= 4;
    file = fopen(argv[1], "wb");
    if (file == NULL || fwrite(flash.bytes, 1, FLASH_SIZE, file) != FLASH_SIZE ||
        fclose(file) != 0) {
        fail("cannot write");
    }
    fake_flash_done(&flash);
    return 0;
}
