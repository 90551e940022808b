/*
 * rig.c - the ports of a tag reader, all of them fakes but the cryptography.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "firmware/crypto/crypto.h"

static const int64_t wall_ms = 1780000000000;

static void chain_next(void *user, const uint8_t head[static MESSAGE_HASH_SIZE],
    const uint8_t *record, size_t size, uint8_t ret_head[static MESSAGE_HASH_SIZE])
{
    (void)user;
    crypto_chain_next(head, record, size, ret_head);
}

static void chain_start(
    void *user, const char *device_id, uint64_t epoch, uint8_t ret_head[static MESSAGE_HASH_SIZE])
{
    (void)user;
    crypto_chain_start(device_id, epoch, ret_head);
}

static uint64_t next_epoch(void *user)
{
    struct rig *rig = user;

    rig->epoch++;
    return rig->epoch;
}

static int start(struct rig *rig)
{
    const struct app_ports ports = {.reader = &rig->reader.base,
        .clock = &rig->clock.base,
        .feedback = &rig->feedback.base,
        .flash = &rig->flash.base,
        .link = &rig->line.base,
        .crypto = {.chain_next = chain_next},
        .chain_start = chain_start,
        .random = next_epoch,
        .user = rig};
    const struct app_conf conf = {.device_id = RIG_DEVICE,
        .reader_name = "tagreader",
        .version = "1.2.3",
        .board = "test",
        .log_sectors = RIG_SECTORS,
        .baud = 115200};

    fake_reader_init(&rig->reader, "fake0", &rig->clock.base);
    return app_start(&rig->app, &ports, &conf);
}

void rig_init(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    fake_clock_init(&rig->clock, 1, wall_ms);
    fake_feedback_init(&rig->feedback);
    fake_serial_init(&rig->line, NULL);
    assert_int_equal(fake_flash_init(&rig->flash, RIG_SECTORS * HAL_FLASH_SECTOR, 7), 0);
    rig->flash.clock = &rig->clock;
    assert_int_equal(start(rig), 0);
}

void rig_done(struct rig *rig)
{
    fake_flash_done(&rig->flash);
}

int rig_restart(struct rig *rig)
{
    fake_flash_power_on(&rig->flash);
    fake_clock_reboot(&rig->clock, rig->clock.base.boot_id + 1, wall_ms);
    return start(rig);
}

void rig_run(struct rig *rig, uint64_t duration_us)
{
    uint64_t end_us = rig->clock.boot_us + duration_us;

    while (rig->clock.boot_us < end_us) {
        uint64_t due_us = app_step(&rig->app);

        if (due_us > end_us) {
            due_us = end_us;
        }
        fake_clock_advance_to_us(
            &rig->clock, due_us > rig->clock.boot_us ? due_us : rig->clock.boot_us + 10);
    }
}

void rig_tap(struct rig *rig, uint8_t number)
{
    struct hal_tag tag = {.uid = {4, 1, 2, 3, 4, 5, number}, .uid_size = 7, .tech = HAL_TAG_TYPE2};
    uint64_t now_us = rig->clock.boot_us;

    rig->steps[0] = (struct fake_reader_step){
        .at_us = now_us, .event = {.kind = HAL_READER_TAG, .tag = tag, .detected_us = now_us}};
    rig->steps[1] = (struct fake_reader_step){
        .at_us = now_us + RIG_TAP_US / 2, .event = {.kind = HAL_READER_GONE, .tag = tag}};
    fake_reader_play(&rig->reader, rig->steps, 2);
    rig_run(rig, RIG_TAP_US);
}

struct record rig_record(struct rig *rig, uint64_t seq)
{
    struct flashlog_item item;
    struct record record = {0};

    assert_int_equal(flashlog_read(&rig->app.log, seq, &item), 0);
    assert_int_equal(item.seq, seq);
    assert_int_equal(record_decode(item.bytes, item.size, &record), 0);
    assert_int_equal(record.seq, seq);
    return record;
}
