/*
 * test_pn532_reader.c - what hal/reader.h promises, of a PN532 however it is connected.
 */
#include <string.h>

#include "tests/unit/hal/rig.h"
#include "tests/unit/suite.h"

static const char uid_a[] = "04A1B2C3D4E5F6";
static const char uid_b[] = "04112233445566";

static enum rig_wiring wiring;

static int set_up(void **state)
{
    static struct rig rig;

    rig_init(&rig, wiring, true);
    *state = &rig;
    return 0;
}

static void assert_tag(const struct hal_reader_event *event, const char *hex)
{
    uint8_t uid[HAL_TAG_UID_MAX];
    size_t size = rig_bytes(hex, uid, sizeof uid);

    assert_int_equal(event->tag.uid_size, size);
    assert_memory_equal(event->tag.uid, uid, size);
}

static void a_tag_is_reported_once_when_it_comes_and_once_when_it_leaves(void **state)
{
    struct rig *rig = *state;
    struct emu_tag tag = rig_tag(EMU_TAG_NTAG213, uid_a);
    struct hal_reader_event event;

    rig_expect_quiet(rig, 1000);
    rig_place(rig, &tag);
    event = rig_expect(rig, HAL_READER_TAG, 100);
    assert_tag(&event, uid_a);
    assert_int_equal(event.tag.tech, HAL_TAG_TYPE2);
    assert_false(event.tag.uid_is_random);
    assert_false(event.tag.has_sun);
    rig_expect_quiet(rig, 5000);
    emu_pn532_remove_tag(&rig->emu);
    event = rig_expect(rig, HAL_READER_GONE, 1200);
    assert_tag(&event, uid_a);
    rig_expect_quiet(rig, 60000);
}

static void a_tag_is_detected_at_the_time_the_chip_said_so(void **state)
{
    struct rig *rig = *state;
    struct emu_tag tag = rig_sun_tag(uid_a);
    struct hal_reader_event event;
    uint64_t placed_us = 0;

    rig_expect_quiet(rig, 1000);
    placed_us = rig->clock.boot_us;
    rig_place(rig, &tag);
    event = rig_expect(rig, HAL_READER_TAG, 300);
    assert_in_range(event.detected_us, placed_us + 5000, placed_us + 40000);
}

static void every_kind_of_tag_is_told_apart(void **state)
{
    static const struct {
        enum emu_tag_kind kind;
        const char *uid;
        enum hal_tag_tech tech;
    } cases[] = {
        {EMU_TAG_ULTRALIGHT, "04A1B2C3D4E5F6", HAL_TAG_TYPE2},
        {EMU_TAG_NTAG216, "04A1B2C3D4E5F7", HAL_TAG_TYPE2},
        {EMU_TAG_TYPE4, "04A1B2C3D4E5F8", HAL_TAG_TYPE4},
        {EMU_TAG_NTAG424, "04A1B2C3D4E5F9", HAL_TAG_TYPE4}, /* without a SUN message */
        {EMU_TAG_CLASSIC, "DEADBEEF", HAL_TAG_CLASSIC},
        {EMU_TAG_TYPE4, "04A1B2C3D4E5F60718AA", HAL_TAG_TYPE4},
    };
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct emu_tag tag = rig_tag(cases[i].kind, cases[i].uid);
        struct hal_reader_event event;

        rig_place(rig, &tag);
        event = rig_expect(rig, HAL_READER_TAG, 500);
        assert_tag(&event, cases[i].uid);
        assert_int_equal(event.tag.tech, cases[i].tech);
        emu_pn532_remove_tag(&rig->emu);
        (void)rig_expect(rig, HAL_READER_GONE, 1500);
    }
}

static void a_sun_message_is_handed_over_as_read(void **state)
{
    struct rig *rig = *state;
    struct emu_tag tag = rig_sun_tag(uid_a);
    struct hal_reader_event event;
    uint8_t picc[16];
    uint8_t mac[8];

    (void)rig_bytes("EF963FF7828658A599F3041510671E88", picc, sizeof picc);
    (void)rig_bytes("94EED9EE65337086", mac, sizeof mac);
    rig_place(rig, &tag);
    event = rig_expect(rig, HAL_READER_TAG, 500);
    assert_int_equal(event.tag.tech, HAL_TAG_NTAG424);
    assert_true(event.tag.has_sun);
    assert_memory_equal(event.tag.sun_picc, picc, sizeof picc);
    assert_memory_equal(event.tag.sun_mac, mac, sizeof mac);
}

static void a_random_number_is_flagged_and_counts_as_one_visit(void **state)
{
    struct rig *rig = *state;
    struct emu_tag tag = rig_sun_tag(uid_a);
    struct hal_reader_event event;

    tag.random_uid = true;
    rig_place(rig, &tag);
    event = rig_expect(rig, HAL_READER_TAG, 500);
    assert_true(event.tag.uid_is_random);
    assert_int_equal(event.tag.uid_size, 4);
    assert_true(event.tag.has_sun);
    rig_expect_quiet(rig, 5000);
    emu_pn532_remove_tag(&rig->emu);
    (void)rig_expect(rig, HAL_READER_GONE, 1200);
    rig_place(rig, &tag);
    (void)rig_expect(rig, HAL_READER_TAG, 500);
}

static void two_tags_at_once_are_both_reported(void **state)
{
    struct rig *rig = *state;
    struct emu_tag a = rig_tag(EMU_TAG_NTAG213, uid_a);
    struct emu_tag b = rig_sun_tag(uid_b);
    struct hal_reader_event event;

    rig_place(rig, &a);
    rig_place(rig, &b);
    event = rig_expect(rig, HAL_READER_TAG, 500);
    assert_tag(&event, uid_a);
    event = rig_expect(rig, HAL_READER_TAG, 500);
    assert_tag(&event, uid_b);
    rig_expect_quiet(rig, 5000);
    assert_int_equal(emu_pn532_remove_uid(&rig->emu, a.uid, a.uid_size), 0);
    event = rig_expect(rig, HAL_READER_GONE, 1500);
    assert_tag(&event, uid_a);
    rig_expect_quiet(rig, 5000);
}

static void a_tag_left_all_night_does_not_block_the_next_carer(void **state)
{
    struct rig *rig = *state;
    struct emu_tag forgotten = rig_tag(EMU_TAG_NTAG213, uid_a);
    struct emu_tag card = rig_tag(EMU_TAG_NTAG215, uid_b);
    struct hal_reader_event event;

    rig_place(rig, &forgotten);
    (void)rig_expect(rig, HAL_READER_TAG, 500);
    rig_expect_quiet(rig, 8 * 3600 * 1000u);
    rig_place(rig, &card);
    event = rig_expect(rig, HAL_READER_TAG, 500);
    assert_tag(&event, uid_b);
    assert_int_equal(emu_pn532_remove_uid(&rig->emu, card.uid, card.uid_size), 0);
    event = rig_expect(rig, HAL_READER_GONE, 2500);
    assert_tag(&event, uid_b);
    assert_int_equal(rig->reader.counters.faults, 0);
}

static void a_tag_that_leaves_while_it_is_read_still_counts(void **state)
{
    struct rig *rig = *state;
    struct emu_tag tag = rig_sun_tag(uid_a);
    struct hal_reader_event event;

    rig_expect_quiet(rig, 100);
    rig_fault(rig, EMU_FAULT_CARD_LEAVES, 1, 0);
    rig_place(rig, &tag);
    event = rig_expect(rig, HAL_READER_TAG, 500);
    assert_tag(&event, uid_a);
    assert_int_equal(event.tag.tech, HAL_TAG_TYPE4);
    assert_false(event.tag.has_sun);
    (void)rig_expect(rig, HAL_READER_GONE, 1200);
}

static void a_glimpse_too_short_to_be_read_is_no_tap(void **state)
{
    struct rig *rig = *state;
    struct emu_tag tag = rig_tag(EMU_TAG_NTAG213, uid_a);

    rig_expect_quiet(rig, 100);
    rig_place(rig, &tag);
    fake_clock_advance_us(&rig->clock, 2000);
    emu_pn532_remove_tag(&rig->emu);
    rig_expect_quiet(rig, 2000);
    rig_place(rig, &tag);
    (void)rig_expect(rig, HAL_READER_TAG, 500);
}

static void one_disturbed_answer_never_costs_a_tap(void **state)
{
    static const enum emu_fault_kind faults[] = {EMU_FAULT_NO_ACK, EMU_FAULT_BAD_LCS,
        EMU_FAULT_BAD_DCS, EMU_FAULT_GARBAGE, EMU_FAULT_ERROR_FRAME, EMU_FAULT_LONG_PREAMBLE,
        EMU_FAULT_EXTENDED, EMU_FAULT_LATE};
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct emu_tag tag = rig_tag(EMU_TAG_NTAG213, uid_a);
        struct hal_reader_event event;

        rig_expect_quiet(rig, 1000);
        rig_fault(rig, faults[i], 1, 800000);
        rig_place(rig, &tag);
        event = rig_expect(rig, HAL_READER_TAG, 1500);
        assert_tag(&event, uid_a);
        rig_expect_quiet(rig, 3000);
        emu_pn532_remove_tag(&rig->emu);
        (void)rig_expect(rig, HAL_READER_GONE, 1500);
        assert_int_equal(rig->reader.counters.faults, 0);
    }
}

static void a_hang_is_cured_by_a_reset_and_told_once_each_way(void **state)
{
    struct rig *rig = *state;
    struct emu_tag tag = rig_tag(EMU_TAG_NTAG213, uid_a);
    struct hal_reader_event event;

    rig_expect_quiet(rig, 1000);
    rig_fault(rig, EMU_FAULT_HANG, 0, 0);
    event = rig_expect(rig, HAL_READER_FAULT, PN532_READER_HEALTH_MS + 1000);
    assert_string_equal(event.text, "spi0: PN532 does not answer");
    event = rig_expect(rig, HAL_READER_RECOVERED, 1000);
    assert_string_equal(event.text, "spi0: PN532 works again");
    assert_int_equal(rig->emu.counters.resets, 2); /* the first one is the bring-up's */
    rig_place(rig, &tag);
    (void)rig_expect(rig, HAL_READER_TAG, 500);
}

static void a_chip_that_stays_bad_is_retried_for_ever_and_told_once(void **state)
{
    static const enum emu_fault_kind faults[] = {EMU_FAULT_NO_ACK, EMU_FAULT_BAD_DCS,
        EMU_FAULT_GARBAGE, EMU_FAULT_ERROR_FRAME, EMU_FAULT_LATE};
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct emu_tag tag = rig_tag(EMU_TAG_NTAG213, uid_a);
        uint32_t resets = rig->reader.counters.resets;

        rig_expect_quiet(rig, 1000);
        rig_fault(rig, faults[i], 0, 800000);
        (void)rig_expect(rig, HAL_READER_FAULT, PN532_READER_HEALTH_MS + 3000);
        rig_expect_quiet(rig, 10 * 60 * 1000);
        assert_in_range(rig->reader.counters.resets - resets, 100, 140);
        rig_fault(rig, EMU_FAULT_NONE, 0, 0);
        (void)rig_expect(rig, HAL_READER_RECOVERED, 6000);
        rig_place(rig, &tag);
        (void)rig_expect(rig, HAL_READER_TAG, 500);
        emu_pn532_remove_tag(&rig->emu);
        (void)rig_expect(rig, HAL_READER_GONE, 1500);
    }
}

static void a_short_outage_does_not_make_a_second_tap_of_a_lying_tag(void **state)
{
    struct rig *rig = *state;
    struct emu_tag tag = rig_tag(EMU_TAG_NTAG213, uid_a);

    rig_place(rig, &tag);
    (void)rig_expect(rig, HAL_READER_TAG, 500);
    rig_fault(rig, EMU_FAULT_HANG, 0, 0);
    (void)rig_expect(rig, HAL_READER_FAULT, 2000);
    (void)rig_expect(rig, HAL_READER_RECOVERED, 2000);
    rig_expect_quiet(rig, 5000);
    emu_pn532_remove_tag(&rig->emu);
    (void)rig_expect(rig, HAL_READER_GONE, 1500);
}

static void a_power_dip_is_noticed_and_cured(void **state)
{
    struct rig *rig = *state;
    struct emu_tag tag = rig_tag(EMU_TAG_NTAG213, uid_a);
    struct hal_reader_event event;

    rig_expect_quiet(rig, 1000);
    rig_fault(rig, EMU_FAULT_BROWN_OUT, 0, 0);
    event = rig_wait(rig, PN532_READER_HEALTH_MS + 1000);
    if (event.kind == HAL_READER_FAULT) {
        (void)rig_expect(rig, HAL_READER_RECOVERED, 1000);
    }
    rig_place(rig, &tag);
    (void)rig_expect(rig, HAL_READER_TAG, 500);
}

static void thousands_of_taps_leave_no_trace(void **state)
{
    enum { TAPS = 10000 };
    struct rig *rig = *state;

    for (unsigned i = 0; i < TAPS; i++) {
        struct emu_tag tag = i % 2 == 0 ? rig_tag(EMU_TAG_NTAG213, uid_a) : rig_sun_tag(uid_b);
        struct hal_reader_event event;

        tag.uid[6] = (uint8_t)i;
        rig_place(rig, &tag);
        event = rig_expect(rig, HAL_READER_TAG, 1000);
        assert_memory_equal(event.tag.uid, tag.uid, 7);
        assert_int_equal(event.tag.has_sun, i % 2);
        emu_pn532_remove_tag(&rig->emu);
        (void)rig_expect(rig, HAL_READER_GONE, 1500);
    }
    assert_int_equal(rig->reader.counters.tags, TAPS);
    assert_int_equal(rig->reader.counters.faults, 0);
    assert_int_equal(rig->reader.counters.ndef_failed, 0);
    assert_int_equal(rig->reader.pn.counters.ack_missing, 0);
    assert_int_equal(rig->reader.pn.counters.garbled, 0);
}

int main(void)
{
    static const char *const names[] = {"over SPI with IRQ", "over SPI by status", "over HSU"};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(
            a_tag_is_reported_once_when_it_comes_and_once_when_it_leaves, set_up),
        cmocka_unit_test_setup(a_tag_is_detected_at_the_time_the_chip_said_so, set_up),
        cmocka_unit_test_setup(every_kind_of_tag_is_told_apart, set_up),
        cmocka_unit_test_setup(a_sun_message_is_handed_over_as_read, set_up),
        cmocka_unit_test_setup(a_random_number_is_flagged_and_counts_as_one_visit, set_up),
        cmocka_unit_test_setup(two_tags_at_once_are_both_reported, set_up),
        cmocka_unit_test_setup(a_tag_left_all_night_does_not_block_the_next_carer, set_up),
        cmocka_unit_test_setup(a_tag_that_leaves_while_it_is_read_still_counts, set_up),
        cmocka_unit_test_setup(a_glimpse_too_short_to_be_read_is_no_tap, set_up),
        cmocka_unit_test_setup(one_disturbed_answer_never_costs_a_tap, set_up),
        cmocka_unit_test_setup(a_hang_is_cured_by_a_reset_and_told_once_each_way, set_up),
        cmocka_unit_test_setup(a_chip_that_stays_bad_is_retried_for_ever_and_told_once, set_up),
        cmocka_unit_test_setup(a_short_outage_does_not_make_a_second_tap_of_a_lying_tag, set_up),
        cmocka_unit_test_setup(a_power_dip_is_noticed_and_cured, set_up),
        cmocka_unit_test_setup(thousands_of_taps_leave_no_trace, set_up),
    };
    int failed = 0;

    for (int i = 0; i < RIG_WIRINGS; i++) {
        wiring = (enum rig_wiring)i;
        failed += cmocka_run_group_tests_name(names[i], tests, NULL, NULL);
    }
    return failed;
}
