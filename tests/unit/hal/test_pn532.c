/*
 * test_pn532.c - the driver: what it sends, and what it makes of a bad answer or a bad bus.
 */
#include <errno.h>
#include <string.h>

#include "tests/unit/hal/rig.h"
#include "tests/unit/suite.h"

enum {
    RECORDED_MAX = 64,
    SWEEP_MAX = 300, /* bus calls: bring-up, a tap, and several rounds */
    STORY_US = 3500000,
    PLACED_US = 500000,
    REMOVED_US = 1500000,
};

/* A link that remembers the frames written and passes everything on. */
struct recorder {
    struct pn532_link link; /* first */
    struct pn532_link *inner;
    size_t count;
    uint8_t frames[RECORDED_MAX][32];
    size_t sizes[RECORDED_MAX];
};

static int record_wake(struct pn532_link *link)
{
    struct recorder *recorder = (struct recorder *)link;

    return recorder->inner->ops->wake(recorder->inner);
}

static int record_write(struct pn532_link *link, const uint8_t *frame, size_t size)
{
    struct recorder *recorder = (struct recorder *)link;

    assert_true(recorder->count < RECORDED_MAX && size <= 32);
    memcpy(recorder->frames[recorder->count], frame, size);
    recorder->sizes[recorder->count] = size;
    recorder->count++;
    return recorder->inner->ops->write(recorder->inner, frame, size);
}

static int record_wait(struct pn532_link *link, uint64_t timeout_us)
{
    struct recorder *recorder = (struct recorder *)link;

    return recorder->inner->ops->wait(recorder->inner, timeout_us);
}

static int record_read(struct pn532_link *link, uint8_t *frame, size_t size)
{
    struct recorder *recorder = (struct recorder *)link;

    return recorder->inner->ops->read(recorder->inner, frame, size);
}

static int record_discard(struct pn532_link *link)
{
    struct recorder *recorder = (struct recorder *)link;

    return recorder->inner->ops->discard(recorder->inner);
}

static int record_fd(struct pn532_link *link)
{
    struct recorder *recorder = (struct recorder *)link;

    return recorder->inner->ops->fd(recorder->inner);
}

static const struct pn532_link_ops recorder_ops = {.wake = record_wake,
    .write = record_write,
    .wait = record_wait,
    .read = record_read,
    .discard = record_discard,
    .fd = record_fd};

static int set_up(void **state)
{
    static struct rig rig;

    rig_init(&rig, RIG_SPI_IRQ, true);
    *state = &rig;
    return 0;
}

static void assert_written(const struct recorder *recorder, size_t index, const char *hex)
{
    uint8_t bytes[32];
    size_t size = rig_bytes(hex, bytes, sizeof bytes);

    assert_true(index < recorder->count);
    assert_int_equal(recorder->sizes[index], size);
    assert_memory_equal(recorder->frames[index], bytes, size);
}

static void set_up_sends_the_recommended_commands_and_nothing_else(void **state)
{
    static const char *const frames[] = {
        "00 00 FF 05 FB D4 14 01 14 01 02 00",
        "00 00 FF 02 FE D4 02 2A 00",
        "00 00 FF 03 FD D4 12 14 06 00",
        "00 00 FF 06 FA D4 32 05 FF 01 FF F6 00",
        "00 00 FF 04 FC D4 32 04 00 F6 00",
        "00 00 FF 06 FA D4 32 02 00 0B 0C E1 00",
    };
    struct rig *rig = *state;
    struct recorder recorder = {.link = {.ops = &recorder_ops}, .inner = rig->link};
    struct pn532 pn;

    pn532_init(&pn, &recorder.link, &rig->clock.base);
    assert_int_equal(pn532_setup(&pn), 0);
    assert_int_equal(recorder.count, sizeof frames / sizeof frames[0]);
    for (size_t i = 0; i < recorder.count; i++) {
        assert_written(&recorder, i, frames[i]);
    }
}

static void a_garbled_answer_is_asked_for_with_a_nack(void **state)
{
    struct rig *rig = *state;
    struct recorder recorder = {.link = {.ops = &recorder_ops}, .inner = rig->link};
    struct pn532 pn;
    uint8_t version[4];

    pn532_init(&pn, &recorder.link, &rig->clock.base);
    assert_int_equal(pn532_setup(&pn), 0);
    recorder.count = 0;
    rig_fault(rig, EMU_FAULT_BAD_DCS, 1, 0);
    assert_int_equal(pn532_get_firmware(&pn, version), 0);
    assert_int_equal(recorder.count, 2);
    assert_written(&recorder, 0, "00 00 FF 02 FE D4 02 2A 00");
    assert_written(&recorder, 1, "00 00 FF FF 00 00");
    assert_memory_equal(version, "\x32\x01\x06\x07", 4);
}

static void an_answer_that_does_not_come_is_aborted_with_an_ack(void **state)
{
    struct rig *rig = *state;
    struct recorder recorder = {.link = {.ops = &recorder_ops}, .inner = rig->link};
    struct pn532 pn;
    uint8_t version[4];

    pn532_init(&pn, &recorder.link, &rig->clock.base);
    assert_int_equal(pn532_setup(&pn), 0);
    recorder.count = 0;
    rig_fault(rig, EMU_FAULT_LATE, 1, 500000);
    assert_int_equal(pn532_get_firmware(&pn, version), 0);
    assert_int_equal(recorder.count, 3);
    assert_written(&recorder, 1, "00 00 FF 00 FF 00");
    assert_written(&recorder, 2, "00 00 FF 02 FE D4 02 2A 00");
}

static void each_lasting_fault_has_its_own_code(void **state)
{
    static const struct {
        enum emu_fault_kind fault;
        int rc;
    } cases[] = {
        {EMU_FAULT_NO_ACK, -ETIMEDOUT},
        {EMU_FAULT_LATE, -ETIMEDOUT},
        {EMU_FAULT_BAD_DCS, -EBADMSG},
        {EMU_FAULT_BAD_LCS, -EBADMSG},
        {EMU_FAULT_GARBAGE, -EBADMSG},
        {EMU_FAULT_ERROR_FRAME, -EPROTO},
        {EMU_FAULT_LONG_PREAMBLE, 0},
        {EMU_FAULT_EXTENDED, 0},
        {EMU_FAULT_HANG, -ETIMEDOUT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int wiring = 0; wiring < RIG_WIRINGS; wiring++) {
            static struct rig rig;
            uint8_t version[4];

            rig_init(&rig, (enum rig_wiring)wiring, true);
            assert_int_equal(pn532_setup(&rig.reader.pn), 0);
            rig_fault(&rig, cases[i].fault, 0, 500000);
            assert_int_equal(pn532_get_firmware(&rig.reader.pn, version), cases[i].rc);
        }
    }
}

static void no_wait_goes_beyond_the_deadline(void **state)
{
    struct rig *rig = *state;
    struct pn532 *pn = &rig->reader.pn;
    uint8_t version[4];
    uint64_t start_us = 0;

    assert_int_equal(pn532_setup(pn), 0);
    rig_fault(rig, EMU_FAULT_LATE, 0, 500000);
    start_us = rig->clock.boot_us;
    pn532_set_deadline(pn, start_us + 10000);
    assert_int_equal(pn532_get_firmware(pn, version), -ETIMEDOUT);
    assert_true(rig->clock.boot_us - start_us < 20000);
}

static void an_empty_bus_is_a_chip_that_does_not_answer(void **state)
{
    struct rig *rig = *state;

    rig->spi.inner = NULL;
    rig->irq.inner = NULL;
    rig->irq.clock = &rig->clock.base;
    assert_int_equal(pn532_setup(&rig->reader.pn), -ETIMEDOUT);
}

static void answers_to_a_search_are_taken_apart(void **state)
{
    static const struct {
        const char *hex;
        int rc;
    } cases[] = {
        {"01 01 00 44 00 07 04 16 C6 C2 D7 38 81", 0},
        {"01 01 03 44 20 07 04 4B 17 12 5B 66 80 06 77 77 71 02 80", 0},
        {"01 01 03 44 20 07 04 4B 17 12 5B 66 80", 0}, /* RATS was not automatic */
        {"00", -ENODEV},
        {"", -EPROTO},
        {"01", -EPROTO},
        {"01 01 00 44 00 07 04 16 C6 C2 D7 38", -EPROTO},
        {"01 01 00 44 00 05 04 16 C6 C2 D7", -EPROTO},
        {"01 01 03 44 20 07 04 4B 17 12 5B 66 80 07 77 77 71 02 80", -EPROTO},
        {"01 01 03 44 20 07 04 4B 17 12 5B 66 80 00", -EPROTO},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pn532_target target;
        uint8_t bytes[64];
        size_t size = rig_bytes(cases[i].hex, bytes, sizeof bytes);

        assert_int_equal(pn532_parse_target(bytes, size, &target), cases[i].rc);
    }
}

/* Bring up, one tap with a SUN message, gone. Counts what was told; ends without hanging. */
struct story {
    int tags;
    int gone;
    int faults;
    int recoveries;
};

static struct story play(struct rig *rig)
{
    struct emu_tag tag = rig_sun_tag("04A1B2C3D4E5F6");
    struct story story = {0};
    uint64_t end_us = rig->clock.boot_us + STORY_US;
    bool is_placed = false;
    bool is_removed = false;

    while (rig->clock.boot_us < end_us) {
        struct hal_reader_event event = rig_wait(rig, 100);

        story.tags += event.kind == HAL_READER_TAG;
        story.gone += event.kind == HAL_READER_GONE;
        story.faults += event.kind == HAL_READER_FAULT;
        story.recoveries += event.kind == HAL_READER_RECOVERED;
        if (!is_placed && end_us - rig->clock.boot_us < STORY_US - PLACED_US) {
            rig_place(rig, &tag);
            is_placed = true;
        }
        if (!is_removed && end_us - rig->clock.boot_us < STORY_US - REMOVED_US) {
            emu_pn532_remove_tag(&rig->emu);
            is_removed = true;
        }
    }
    return story;
}

static void one_failing_bus_call_at_any_place_costs_no_tap_and_makes_no_second_one(void **state)
{
    (void)state;
    for (int wiring = 0; wiring < RIG_WIRINGS; wiring++) {
        for (uint32_t at = 1; at <= SWEEP_MAX; at++) {
            static struct rig rig;
            struct fake_fail *fail = wiring == RIG_HSU ? &rig.serial.fail : &rig.spi.fail;
            struct story story;

            rig_init(&rig, (enum rig_wiring)wiring, true);
            fail->at = at;
            story = play(&rig);
            assert_int_equal(story.tags, 1);
            assert_int_equal(story.gone, 1);
            assert_int_equal(story.faults, story.recoveries);
            assert_in_range(story.faults, 0, 1);
            if (fail->calls < at) {
                assert_true(at > 150);
                break;
            }
        }
    }
}

static void a_bus_that_dies_at_any_place_is_told_once(void **state)
{
    (void)state;
    for (int wiring = 0; wiring < RIG_WIRINGS; wiring++) {
        for (uint32_t at = 1; at < 120; at++) {
            static struct rig rig;
            struct fake_fail *fail = wiring == RIG_HSU ? &rig.serial.fail : &rig.spi.fail;
            struct story story;

            rig_init(&rig, (enum rig_wiring)wiring, true);
            fail->at = at;
            fail->forever = true;
            story = play(&rig);
            assert_int_equal(story.faults, 1);
            assert_int_equal(story.recoveries, 0);
            assert_in_range(story.tags, 0, 1);
        }
    }
}

static void a_failing_irq_or_reset_line_is_a_fault_that_heals(void **state)
{
    (void)state;
    for (uint32_t at = 1; at < 200; at++) {
        static struct rig rig;
        struct story story;

        rig_init(&rig, RIG_SPI_IRQ, true);
        rig.irq.fail.at = at;
        rig.reset.fail.at = at;
        story = play(&rig);
        assert_int_equal(story.tags, 1);
        assert_int_equal(story.gone, 1);
        assert_int_equal(story.faults, story.recoveries);
    }
}

static void an_idle_poll_costs_one_look_at_the_irq_line(void **state)
{
    struct rig *rig = *state;
    struct hal_reader_event event;
    uint32_t spi_calls = 0;
    uint64_t start_us = 0;

    rig_expect_quiet(rig, 1000);
    spi_calls = rig->spi.fail.calls;
    start_us = rig->clock.boot_us;
    for (int i = 0; i < 1000; i++) {
        hal_reader_poll(&rig->reader.base, &event);
        assert_int_equal(event.kind, HAL_READER_NONE);
    }
    assert_int_equal(rig->spi.fail.calls, spi_calls);
    assert_int_equal(rig->clock.boot_us, start_us);
    assert_true(hal_reader_due_us(&rig->reader.base) > start_us + 25000000);
}

static void a_reader_that_is_down_offers_no_descriptor(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(hal_reader_fd(&rig->reader.base), -1);
    assert_false(pn532_reader_is_up(&rig->reader));
    rig_expect_quiet(rig, 1000);
    assert_true(pn532_reader_is_up(&rig->reader));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(set_up_sends_the_recommended_commands_and_nothing_else, set_up),
        cmocka_unit_test_setup(a_garbled_answer_is_asked_for_with_a_nack, set_up),
        cmocka_unit_test_setup(an_answer_that_does_not_come_is_aborted_with_an_ack, set_up),
        cmocka_unit_test(each_lasting_fault_has_its_own_code),
        cmocka_unit_test_setup(no_wait_goes_beyond_the_deadline, set_up),
        cmocka_unit_test_setup(an_empty_bus_is_a_chip_that_does_not_answer, set_up),
        cmocka_unit_test(answers_to_a_search_are_taken_apart),
        cmocka_unit_test(one_failing_bus_call_at_any_place_costs_no_tap_and_makes_no_second_one),
        cmocka_unit_test(a_bus_that_dies_at_any_place_is_told_once),
        cmocka_unit_test(a_failing_irq_or_reset_line_is_a_fault_that_heals),
        cmocka_unit_test_setup(an_idle_poll_costs_one_look_at_the_irq_line, set_up),
        cmocka_unit_test_setup(a_reader_that_is_down_offers_no_descriptor, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
