/*
 * test_flashlog.c - the flash log on a simulated chip. The power cuts are in tests/crash/flashlog.
 */
#include "firmware/flashlog/flashlog.h"

#include <errno.h>
#include <string.h>

#include "firmware/flashlog/format.h"
#include "tests/unit/firmware/log_rig.h"
#include "tests/unit/suite.h"

enum { SECTORS = 6, CAPACITY = (SECTORS - FLASHLOG_RESERVE) * FLASHLOG_SECTOR_RECORDS };

static uint32_t slot_at(const struct log_rig *rig, uint32_t sector, uint32_t slot)
{
    return rig->conf.offset + sector * HAL_FLASH_SECTOR + slot * FLASHLOG_SLOT;
}

static void what_was_appended_is_there_after_a_start(void **state)
{
    struct log_rig rig;

    (void)state;
    log_rig_init(&rig, SECTORS);
    assert_true(rig.found.is_new);
    log_rig_fill(&rig, 70);
    log_rig_expect(&rig, 1, 70);
    assert_int_equal(log_rig_open(&rig), 0);
    assert_false(rig.found.is_new);
    assert_int_equal(rig.found.begun, 3);
    log_rig_expect(&rig, 1, 70);
    log_rig_fill(&rig, 1);
    log_rig_expect(&rig, 1, 71);
    log_rig_done(&rig);
}

static void epoch_is_made_once(void **state)
{
    struct log_rig rig;

    (void)state;
    log_rig_init(&rig, SECTORS);
    log_rig_fill(&rig, 1);
    rig.conf.new_epoch = 99;
    assert_int_equal(log_rig_open(&rig), 0);
    assert_true(flashlog_epoch(&rig.log) == 0x1122334455667788);
    log_rig_done(&rig);
}

static void full_of_what_is_not_done_refuses_and_keeps_all(void **state)
{
    struct log_rig rig;

    (void)state;
    log_rig_init(&rig, SECTORS);
    assert_int_equal(flashlog_space(&rig.log), CAPACITY);
    assert_int_equal(log_rig_fill_up(&rig), CAPACITY);
    assert_int_equal(flashlog_space(&rig.log), 0);
    log_rig_expect(&rig, 1, CAPACITY);
    assert_int_equal(log_rig_open(&rig), 0);
    assert_int_equal(flashlog_space(&rig.log), 0);
    assert_int_equal(log_rig_append(&rig), -ENOSPC);
    log_rig_expect(&rig, 1, CAPACITY);
    log_rig_done(&rig);
}

static void done_records_make_room_oldest_first(void **state)
{
    struct log_rig rig;
    struct flashlog_item item;

    (void)state;
    log_rig_init(&rig, SECTORS);
    (void)log_rig_fill_up(&rig);
    assert_int_equal(flashlog_done(&rig.log, FLASHLOG_SECTOR_RECORDS), 0);
    assert_int_equal(flashlog_space(&rig.log), FLASHLOG_SECTOR_RECORDS);
    assert_int_equal(flashlog_read(&rig.log, 1, &item), 0); /* still there */
    assert_int_equal(item.seq, 1);
    assert_int_equal(log_rig_fill_up(&rig), FLASHLOG_SECTOR_RECORDS);
    log_rig_expect(&rig, FLASHLOG_SECTOR_RECORDS + 1, CAPACITY + FLASHLOG_SECTOR_RECORDS);
    log_rig_done(&rig);
}

static void ring_goes_round_many_times(void **state)
{
    struct log_rig rig;
    struct flashlog_wear wear;

    (void)state;
    log_rig_init(&rig, SECTORS);
    for (uint64_t seq = 1; seq <= 3000; seq++) {
        assert_int_equal(log_rig_append(&rig), 0);
        assert_true(flashlog_prepare(&rig.log) >= 0);
        if (seq > 40) {
            assert_int_equal(flashlog_done(&rig.log, seq - 40), 0);
        }
    }
    log_rig_expect(&rig, 2961, 3000);
    assert_int_equal(log_rig_open(&rig), 0);
    log_rig_expect(&rig, flashlog_done_seq(&rig.log) + 1, 3000);
    assert_int_equal(flashlog_wear(&rig.log, &wear), 0);
    assert_true(wear.erases_max - wear.erases_min <= 1);
    assert_in_range(wear.erases_mean, 15, 17); /* 3000 / 31 / 6 */
    log_rig_done(&rig);
}

static void done_comes_back_with_the_next_sector(void **state)
{
    struct log_rig rig;

    (void)state;
    log_rig_init(&rig, SECTORS);
    log_rig_fill(&rig, 40);
    assert_int_equal(flashlog_done(&rig.log, 35), 0);
    assert_int_equal(flashlog_done(&rig.log, 20), 0);
    assert_int_equal(flashlog_done_seq(&rig.log), 35);
    assert_int_equal(flashlog_done(&rig.log, 41), -EINVAL);
    log_rig_fill(&rig, 31);
    assert_int_equal(log_rig_open(&rig), 0);
    assert_int_equal(flashlog_done_seq(&rig.log), 35);
    log_rig_done(&rig);
}

static void prepared_sector_saves_the_tap_an_erase(void **state)
{
    struct log_rig rig;
    struct fake_clock clock;
    uint64_t before_us = 0;

    (void)state;
    log_rig_init(&rig, SECTORS);
    fake_clock_init(&clock, 1, 0);
    rig.flash.clock = &clock;
    for (int i = 0; i < 100; i++) {
        if (flashlog_wants_prepare(&rig.log)) {
            assert_int_equal(flashlog_prepare(&rig.log), 1);
        }
        assert_false(flashlog_wants_prepare(&rig.log));
        assert_int_equal(flashlog_prepare(&rig.log), 0);
        before_us = clock.boot_us;
        assert_int_equal(log_rig_append(&rig), 0);
        assert_in_range(clock.boot_us - before_us, FAKE_FLASH_PAGE_US, 2 * FAKE_FLASH_PAGE_US);
    }
    log_rig_done(&rig);
}

static void chain_head_comes_back_from_the_sector_header(void **state)
{
    struct log_rig rig;
    uint8_t head[FLASHLOG_CHAIN_SIZE];
    uint8_t expected[FLASHLOG_CHAIN_SIZE];
    uint64_t seq = 0;

    (void)state;
    log_rig_init(&rig, SECTORS);
    assert_int_equal(flashlog_chain_base(&rig.log, 1, &seq, head), -ENOENT);
    log_rig_fill(&rig, 80);
    assert_int_equal(log_rig_open(&rig), 0);
    assert_int_equal(flashlog_chain_base(&rig.log, 81, &seq, head), 0);
    assert_int_equal(seq, 63);
    log_rig_chain(62, expected);
    assert_memory_equal(head, expected, sizeof head);
    assert_int_equal(flashlog_chain_base(&rig.log, 62, &seq, head), 0);
    assert_int_equal(seq, 32);
    assert_int_equal(flashlog_chain_base(&rig.log, 31, &seq, head), 0);
    assert_int_equal(seq, 1);
    log_rig_done(&rig);
}

/* ---- what is refused ---------------------------------------------------------------------- */

static void expect_refusal(struct log_rig *rig, int code)
{
    uint32_t programs = rig->flash.programs;

    assert_int_equal(log_rig_open(rig), code);
    assert_int_equal(rig->flash.programs, programs);
    for (uint32_t i = 0; i < SECTORS; i++) {
        assert_true(rig->flash.erases[1 + i] <= 1);
    }
}

static void log_of_another_device_is_refused_untouched(void **state)
{
    struct log_rig rig;

    (void)state;
    log_rig_init(&rig, SECTORS);
    log_rig_fill(&rig, 40);
    rig.conf.device_id = "PR-0008";
    expect_refusal(&rig, -EXDEV);
    rig.conf.device_id = "PR-0007";
    assert_int_equal(log_rig_open(&rig), 0);
    log_rig_expect(&rig, 1, 40);
    log_rig_done(&rig);
}

static void log_of_another_size_is_refused_untouched(void **state)
{
    struct log_rig rig;

    (void)state;
    log_rig_init(&rig, SECTORS);
    log_rig_fill(&rig, 40);
    rig.conf.sectors = SECTORS - 1;
    expect_refusal(&rig, -EDOM);
    log_rig_done(&rig);
}

static void log_of_a_newer_format_is_refused_untouched(void **state)
{
    const struct format_erased newer = {.version = 2, .slots = 32, .sectors = SECTORS};
    struct log_rig rig;

    (void)state;
    log_rig_init(&rig, SECTORS);
    format_put_erased(rig.flash.bytes + slot_at(&rig, 3, 0), &newer);
    expect_refusal(&rig, -EPROTONOSUPPORT);
    log_rig_done(&rig);
}

static void nonsense_is_refused(void **state)
{
    static const uint8_t chain[FLASHLOG_CHAIN_SIZE];
    uint8_t bytes[FLASHLOG_RECORD_MAX + 1] = {0};
    struct log_rig rig;

    (void)state;
    log_rig_init(&rig, SECTORS);
    assert_int_equal(flashlog_append(&rig.log, bytes, 0, chain), -EINVAL);
    assert_int_equal(flashlog_append(&rig.log, bytes, sizeof bytes, chain), -EINVAL);
    rig.conf.sectors = SECTORS + 2; /* beyond the chip */
    assert_int_equal(log_rig_open(&rig), -EINVAL);
    rig.conf.sectors = FLASHLOG_SECTORS_MIN - 1;
    assert_int_equal(log_rig_open(&rig), -EINVAL);
    rig.conf.sectors = SECTORS;
    rig.conf.offset = 17;
    assert_int_equal(log_rig_open(&rig), -EINVAL);
    rig.conf.offset = HAL_FLASH_SECTOR;
    rig.conf.new_epoch = 0;
    assert_int_equal(log_rig_open(&rig), -EINVAL);
    rig.conf.new_epoch = 1;
    rig.conf.device_id = "";
    assert_int_equal(log_rig_open(&rig), -EINVAL);
    rig.conf.device_id = "a-name-that-is-longer-than-the-32-allowed";
    assert_int_equal(log_rig_open(&rig), -EINVAL);
    log_rig_done(&rig);
}

/* ---- damage ------------------------------------------------------------------------------- */

static void worn_slot_is_passed_over(void **state)
{
    struct log_rig rig;

    (void)state;
    log_rig_init(&rig, SECTORS);
    fake_flash_wear_out(&rig.flash, slot_at(&rig, 0, 5) + 20, 0xFF);
    log_rig_fill(&rig, 60);
    log_rig_expect(&rig, 1, 60);
    assert_int_equal(rig.log.bad, 1);
    assert_int_equal(log_rig_open(&rig), 0);
    log_rig_expect(&rig, 1, 60);
    log_rig_done(&rig);
}

static void sector_that_does_not_erase_is_passed_over(void **state)
{
    struct log_rig rig;

    (void)state;
    log_rig_init(&rig, SECTORS);
    fake_flash_wear_out(&rig.flash, slot_at(&rig, 1, 9), 0x00);
    fake_flash_wear_out(&rig.flash, slot_at(&rig, 4, 0), 0x00);
    for (uint64_t seq = 1; seq <= 1000; seq++) {
        assert_int_equal(log_rig_append(&rig), 0);
        if (seq > 31) {
            assert_int_equal(flashlog_done(&rig.log, seq - 31), 0);
        }
        if (seq % 100 == 0) {
            assert_int_equal(log_rig_open(&rig), 0);
        }
        log_rig_expect(&rig, flashlog_done_seq(&rig.log) + 1, seq);
    }
    log_rig_done(&rig);
}

static void lost_header_loses_neither_records_nor_numbers(void **state)
{
    struct log_rig rig;

    (void)state;
    for (uint32_t sector = 0; sector < 3; sector++) {
        log_rig_init(&rig, SECTORS);
        log_rig_fill(&rig, 70);
        rig.flash.bytes[slot_at(&rig, sector, 0) + 40] ^= 1;
        assert_int_equal(log_rig_open(&rig), 0);
        assert_int_equal(rig.found.orphans, sector == 2 ? 1 : 0);
        log_rig_expect(&rig, 1, 70);
        log_rig_fill(&rig, 30);
        assert_int_equal(log_rig_open(&rig), 0);
        log_rig_expect(&rig, 1, 100);
        log_rig_done(&rig);
    }
}

static void damaged_record_is_missing_and_its_neighbours_are_not(void **state)
{
    struct log_rig rig;
    struct flashlog_item item;

    (void)state;
    log_rig_init(&rig, SECTORS);
    log_rig_fill(&rig, 70);
    rig.flash.bytes[slot_at(&rig, 0, 10) + 50] ^= 1;
    assert_int_equal(log_rig_open(&rig), 0);
    assert_int_equal(flashlog_read(&rig.log, 9, &item), 0);
    assert_int_equal(item.seq, 9);
    assert_int_equal(flashlog_read(&rig.log, 10, &item), 0);
    assert_int_equal(item.seq, 11);
    log_rig_expect(&rig, 11, 70);
    log_rig_done(&rig);
}

static void wiped_log_is_a_new_epoch(void **state)
{
    struct log_rig rig;

    (void)state;
    log_rig_init(&rig, SECTORS);
    log_rig_fill(&rig, 70);
    memset(rig.flash.bytes, 0xFF, rig.flash.base.size);
    rig.conf.new_epoch = 5;
    assert_int_equal(log_rig_open(&rig), 0);
    assert_true(rig.found.is_new);
    assert_true(flashlog_epoch(&rig.log) == 5);
    assert_int_equal(flashlog_head(&rig.log), 0);
    log_rig_fill(&rig, 1);
    log_rig_expect(&rig, 1, 1);
    log_rig_done(&rig);
}

/* ---- failing calls ------------------------------------------------------------------------ */

/* Work during which call number at of one kind fails; what was stored must be there. */
static void work_with_fault(struct fake_fail *fail, struct log_rig *rig, uint32_t at, bool forever)
{
    uint64_t stored = 0;
    uint64_t done = 0;

    *fail = (struct fake_fail){.at = at, .forever = forever};
    for (int i = 0; i < 200; i++) {
        (void)flashlog_prepare(&rig->log);
        if (log_rig_append(rig) == 0) {
            stored++;
        }
        (void)flashlog_done(&rig->log, flashlog_head(&rig->log) * 3 / 4);
        assert_int_equal(flashlog_head(&rig->log), stored);
    }
    done = flashlog_done_seq(&rig->log);
    *fail = (struct fake_fail){.calls = fail->calls};
    assert_int_equal(log_rig_open(rig), 0);
    /* One that failed may be there all the same, under the seq that nobody else got. */
    assert_in_range(flashlog_head(&rig->log), stored, stored + 1);
    log_rig_expect(rig, done + 1, flashlog_head(&rig->log));
    assert_int_equal(flashlog_done(&rig->log, flashlog_head(&rig->log)), 0);
    log_rig_fill(rig, 20);
}

static void sweep_faults(size_t which, bool forever, bool half)
{
    uint32_t at = 1;
    bool is_more = true;

    for (; is_more; at += which == 0 ? 397 : 3) {
        struct log_rig rig;
        struct fake_fail *fail = NULL;

        log_rig_init(&rig, SECTORS);
        rig.flash.fails_half = half;
        fail = which == 0   ? &rig.flash.fail_read
               : which == 1 ? &rig.flash.fail_program
                            : &rig.flash.fail_erase;
        work_with_fault(fail, &rig, at, forever);
        is_more = fail->calls > at;
        log_rig_done(&rig);
    }
    assert_true(at > 5);
}

static void failing_call_loses_nothing_that_was_stored(void **state)
{
    (void)state;
    for (size_t which = 0; which < 3; which++) {
        for (int how = 0; how < 4; how++) {
            sweep_faults(which, (how & 1) != 0, (how & 2) != 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_appended_is_there_after_a_start),
        cmocka_unit_test(epoch_is_made_once),
        cmocka_unit_test(full_of_what_is_not_done_refuses_and_keeps_all),
        cmocka_unit_test(done_records_make_room_oldest_first),
        cmocka_unit_test(ring_goes_round_many_times),
        cmocka_unit_test(done_comes_back_with_the_next_sector),
        cmocka_unit_test(prepared_sector_saves_the_tap_an_erase),
        cmocka_unit_test(chain_head_comes_back_from_the_sector_header),
        cmocka_unit_test(log_of_another_device_is_refused_untouched),
        cmocka_unit_test(log_of_another_size_is_refused_untouched),
        cmocka_unit_test(log_of_a_newer_format_is_refused_untouched),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(worn_slot_is_passed_over),
        cmocka_unit_test(sector_that_does_not_erase_is_passed_over),
        cmocka_unit_test(lost_header_loses_neither_records_nor_numbers),
        cmocka_unit_test(damaged_record_is_missing_and_its_neighbours_are_not),
        cmocka_unit_test(wiped_log_is_a_new_epoch),
        cmocka_unit_test(failing_call_loses_nothing_that_was_stored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
