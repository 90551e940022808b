/*
 * log_rig.c - see log_rig.h.
 */
#include "tests/unit/firmware/log_rig.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/suite.h"

void log_rig_init(struct log_rig *rig, uint32_t sectors)
{
    memset(rig, 0, sizeof *rig);
    assert_int_equal(fake_flash_init(&rig->flash, (sectors + 2) * HAL_FLASH_SECTOR, 1), 0);
    rig->conf = (struct flashlog_conf){.flash = &rig->flash.base,
        .offset = HAL_FLASH_SECTOR,
        .sectors = sectors,
        .device_id = "PR-0007",
        .new_epoch = 0x1122334455667788};
    assert_int_equal(log_rig_open(rig), 0);
}

void log_rig_done(struct log_rig *rig)
{
    assert_int_equal(rig->flash.raised, 0);
    assert_int_equal(rig->flash.busy_calls, 0);
    for (uint32_t i = 0; i < HAL_FLASH_SECTOR; i++) { /* nothing outside the partition */
        assert_int_equal(rig->flash.bytes[i], 0xFF);
        assert_int_equal(rig->flash.bytes[rig->flash.base.size - 1 - i], 0xFF);
    }
    fake_flash_done(&rig->flash);
}

int log_rig_open(struct log_rig *rig)
{
    fake_flash_power_on(&rig->flash);
    return flashlog_open(&rig->log, &rig->conf, &rig->found);
}

uint32_t log_rig_record(uint64_t seq, uint8_t ret_bytes[static FLASHLOG_RECORD_MAX])
{
    uint32_t size = (uint32_t)(1 + seq * 37 % FLASHLOG_RECORD_MAX);

    for (uint32_t i = 0; i < size; i++) {
        ret_bytes[i] = (uint8_t)(seq * 31 + i * 7);
    }
    return size;
}

void log_rig_chain(uint64_t seq, uint8_t ret_head[static FLASHLOG_CHAIN_SIZE])
{
    for (uint32_t i = 0; i < FLASHLOG_CHAIN_SIZE; i++) {
        ret_head[i] = (uint8_t)(seq * 13 + i);
    }
}

int log_rig_append(struct log_rig *rig)
{
    uint8_t bytes[FLASHLOG_RECORD_MAX];
    uint8_t chain[FLASHLOG_CHAIN_SIZE];
    uint64_t seq = flashlog_head(&rig->log) + 1;
    uint32_t size = log_rig_record(seq, bytes);

    log_rig_chain(seq - 1, chain);
    return flashlog_append(&rig->log, bytes, size, chain);
}

void log_rig_fill(struct log_rig *rig, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(log_rig_append(rig), 0);
    }
}

uint32_t log_rig_fill_up(struct log_rig *rig)
{
    uint32_t count = 0;
    int rc = 0;

    while ((rc = log_rig_append(rig)) == 0) {
        count++;
    }
    assert_int_equal(rc, -ENOSPC);
    return count;
}

void log_rig_expect(struct log_rig *rig, uint64_t first, uint64_t last)
{
    struct flashlog_item item;
    uint8_t bytes[FLASHLOG_RECORD_MAX];

    for (uint64_t seq = first; seq <= last; seq++) {
        assert_int_equal(flashlog_read(&rig->log, seq, &item), 0);
        assert_int_equal(item.seq, seq);
        assert_int_equal(item.size, log_rig_record(seq, bytes));
        assert_memory_equal(item.bytes, bytes, item.size);
    }
    assert_int_equal(flashlog_head(&rig->log), last);
    assert_int_equal(flashlog_read(&rig->log, last + 1, &item), -ENOENT);
}
