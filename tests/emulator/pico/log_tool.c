/*
 * log_tool.c - the log in a saved flash, for the tests of the emulated tag reader.
 *
 *   pico-log list FILE DEVICE          each record as "seq boot_id type uid direction flags"
 *   pico-log fill FILE DEVICE LEAVE    taps until only LEAVE more would fit
 *
 * The log lies where boards/pico-reader.h says. fill writes FILE; list leaves it as it is, although
 * opening a log may spoil half-written slots.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boards/pico-reader.h"
#include "firmware/crypto/crypto.h"
#include "firmware/flashlog/flashlog.h"
#include "proto/messages.h"

enum { FLASH_SIZE = 2 * 1024 * 1024 };

static uint8_t bytes_of_flash[FLASH_SIZE];

static int read_flash(struct hal_flash *flash, uint32_t offset, void *bytes, uint32_t size)
{
    if (offset > flash->size || size > flash->size - offset) {
        return -EINVAL;
    }
    memcpy(bytes, bytes_of_flash + offset, size);
    return 0;
}

static int program_flash(
    struct hal_flash *flash, uint32_t offset, const uint8_t *bytes, uint32_t size)
{
    if (offset > flash->size || size > flash->size - offset) {
        return -EINVAL;
    }
    for (uint32_t i = 0; i < size; i++) {
        bytes_of_flash[offset + i] &= bytes[i];
    }
    return 0;
}

static int erase_flash(struct hal_flash *flash, uint32_t offset, uint32_t size)
{
    if (offset > flash->size || size > flash->size - offset) {
        return -EINVAL;
    }
    memset(bytes_of_flash + offset, 0xff, size);
    return 0;
}

static const struct hal_flash_ops flash_ops = {
    .read = read_flash, .program = program_flash, .erase = erase_flash};
static struct hal_flash flash = {.ops = &flash_ops, .size = FLASH_SIZE};

static int load(const char *path)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        return -1;
    }
    memset(bytes_of_flash, 0xff, sizeof bytes_of_flash);
    if (fread(bytes_of_flash, 1, sizeof bytes_of_flash, file) == 0 && ferror(file) != 0) {
        (void)fclose(file);
        return -1;
    }
    return fclose(file);
}

static int save(const char *path)
{
    FILE *file = fopen(path, "wb");

    if (file == NULL) {
        return -1;
    }
    if (fwrite(bytes_of_flash, 1, sizeof bytes_of_flash, file) != sizeof bytes_of_flash) {
        (void)fclose(file);
        return -1;
    }
    return fclose(file);
}

static void print_record(const struct record *record)
{
    printf("%" PRIu64 " %016" PRIx64 " %d ", record->seq, record->boot_id, (int)record->type);
    if (record->type != RECORD_TAP) {
        printf("-\n");
        return;
    }
    for (int i = 0; i < record->tap.uid_size; i++) {
        printf("%02X", record->tap.uid[i]);
    }
    printf(" %d %u\n", (int)record->tap.direction, (unsigned)record->tap.flags);
}

static int list(struct flashlog *log)
{
    struct flashlog_item item;
    uint64_t seq = 1;

    while (flashlog_read(log, seq, &item) == 0) {
        struct record record;

        if (record_decode(item.bytes, item.size, &record) < 0) {
            (void)fprintf(stderr, "pico-log: record %" PRIu64 " cannot be read\n", item.seq);
            return 1;
        }
        print_record(&record);
        seq = item.seq + 1;
    }
    return 0;
}

static int fill(struct flashlog *log, const char *device, unsigned long leave)
{
    uint8_t head[CRYPTO_HASH_SIZE];
    uint8_t bytes[FLASHLOG_RECORD_MAX];
    size_t size = 0;

    crypto_chain_start(device, flashlog_epoch(log), head);
    while (flashlog_space(log) > leave) {
        struct record record = {.seq = flashlog_head(log) + 1, .type = RECORD_TAP, .boot_id = 1};

        record.tap = (struct tap){.reader = "tagreader", .uid_size = 4, .direction = TAP_IN};
        record.boot_ms = record.seq;
        record.wall_uncertainty_ms = UINT32_MAX;
        memcpy(record.tap.uid, &record.boot_ms, 4);
        if (record_encode(&record, bytes, sizeof bytes, &size) < 0 ||
            flashlog_append(log, bytes, (uint32_t)size, head) < 0) {
            return 1;
        }
        crypto_chain_next(head, bytes, size, head);
        (void)flashlog_prepare(log);
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct flashlog log;
    struct flashlog_found found;
    struct flashlog_conf conf = {.flash = &flash,
        .offset = BOARD_FLASH_LOG,
        .sectors = BOARD_FLASH_LOG_SECTORS,
        .new_epoch = 0x1122334455667788u};
    int rc = 0;

    if (argc < 4 || load(argv[2]) < 0) {
        (void)fprintf(stderr, "usage: pico-log list|fill FILE DEVICE [LEAVE]\n");
        return 2;
    }
    conf.device_id = argv[3];
    rc = flashlog_open(&log, &conf, &found);
    if (rc < 0) {
        (void)fprintf(stderr, "pico-log: %s: %s\n", argv[2], strerror(-rc));
        return 1;
    }
    if (strcmp(argv[1], "list") == 0) {
        return list(&log);
    }
    rc = fill(&log, argv[3], argc > 4 ? strtoul(argv[4], NULL, 10) : 0);
    return rc == 0 && save(argv[2]) == 0 ? 0 : 1;
}
