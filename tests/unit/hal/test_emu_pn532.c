/*
 * test_emu_pn532.c - the emulated chip, spoken to in bytes as a chip is.
 */
#include <string.h>

#include "hal/fake/emu_pn532.h"
#include "hal/fake/fake_clock.h"
#include "tests/unit/hal/pn532_vectors.h"
#include "tests/unit/hal/rig.h"
#include "tests/unit/suite.h"

enum { LOOK_US = 100, PATIENCE_US = 200000, READ = 64 };

struct bench {
    struct fake_clock clock;
    struct emu_pn532 emu;
};

static int set_up(void **state)
{
    static struct bench bench;

    memset(&bench, 0, sizeof bench);
    fake_clock_init(&bench.clock, 1, 0);
    emu_pn532_init(&bench.emu, &bench.clock.base, 3);
    *state = &bench;
    return 0;
}

static void send_bytes(struct bench *bench, const uint8_t *frame, size_t size, uint32_t wake_us)
{
    uint8_t tx[EMU_FRAME_MAX] = {0x01};
    uint8_t rx[EMU_FRAME_MAX];

    memcpy(tx + 1, frame, size);
    emu_pn532_spi(&bench->emu, tx, rx, size + 1, wake_us);
}

static void send(struct bench *bench, const char *hex, uint32_t wake_us)
{
    uint8_t frame[EMU_FRAME_MAX];

    send_bytes(bench, frame, rig_bytes(hex, frame, sizeof frame), wake_us);
}

static bool is_ready(struct bench *bench)
{
    const uint8_t tx[2] = {0x02, 0x00};
    uint8_t rx[2];

    emu_pn532_spi(&bench->emu, tx, rx, sizeof tx, 0);
    return rx[1] == 0x01;
}

static bool becomes_ready(struct bench *bench)
{
    for (int i = 0; i < PATIENCE_US / LOOK_US; i++) {
        if (is_ready(bench)) {
            return true;
        }
        fake_clock_advance_us(&bench->clock, LOOK_US);
    }
    return false;
}

static void read_bytes(struct bench *bench, uint8_t *bytes, size_t size)
{
    uint8_t tx[EMU_FRAME_MAX + 1] = {0x03};
    uint8_t rx[EMU_FRAME_MAX + 1];

    emu_pn532_spi(&bench->emu, tx, rx, size + 1, 0);
    memcpy(bytes, rx + 1, size);
}

/* A frame comes, and it begins with these bytes. */
static void expect(struct bench *bench, const char *hex)
{
    uint8_t wanted[EMU_FRAME_MAX];
    uint8_t bytes[READ];
    size_t size = rig_bytes(hex, wanted, sizeof wanted);

    assert_true(becomes_ready(bench));
    read_bytes(bench, bytes, sizeof bytes);
    assert_memory_equal(bytes, wanted, size);
}

static void expect_ack(struct bench *bench)
{
    expect(bench, "00 00 FF 00 FF 00");
}

static void command(struct bench *bench, const char *tx, const char *rx)
{
    send(bench, tx, 0);
    expect_ack(bench);
    expect(bench, rx);
}

static void bring_up(struct bench *bench)
{
    send(bench, "00 00 FF 05 FB D4 14 01 14 01 02 00", 2000);
    expect_ack(bench);
    expect(bench, "00 00 FF 02 FE D5 15 16 00");
}

static void place(struct bench *bench, enum emu_tag_kind kind, const char *uid, const char *uri)
{
    struct emu_tag tag = rig_tag(kind, uid);

    if (uri != NULL) {
        assert_int_equal(emu_tag_set_uri(&tag, uri), 0);
    }
    assert_int_equal(emu_pn532_place_tag(&bench->emu, &tag), 0);
}

/* The vector of this name, sent and answered byte by byte. */
static void exchange_vector(struct bench *bench, const char *name)
{
    for (size_t i = 0; i < sizeof pn532_vectors / sizeof pn532_vectors[0]; i++) {
        if (strcmp(pn532_vectors[i].name, name) == 0) {
            command(bench, pn532_vectors[i].tx, pn532_vectors[i].rx);
            return;
        }
    }
    fail_msg("no vector is called %s", name);
}

static void commands_without_a_tag_are_answered_byte_by_byte(void **state)
{
    static const char *const names[] = {"GetFirmwareVersion",
        "SAMConfiguration normal, timeout 0x14, IRQ", "SAMConfiguration 2-byte form (libnfc)",
        "SetParameters AutoATR_RES|AutoRATS", "RFConfiguration item1 RF off",
        "RFConfiguration item1 RF on", "RFConfiguration item2 timings 00 0B 0A",
        "RFConfiguration item4 MaxRtyCOM 0",
        "RFConfiguration item5 retries 00 01 02 (libnfc finite)", "InListPassiveTarget none",
        "InRelease all", "InDeselect all", "Diagnose comm line test libnfc"};
    struct bench *bench = *state;

    bring_up(bench);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        exchange_vector(bench, names[i]);
    }
}

static void a_type_2_tag_is_answered_byte_by_byte(void **state)
{
    struct bench *bench = *state;

    bring_up(bench);
    place(bench, EMU_TAG_NTAG213, "0416C6C2D73881", "http://www.nxp.com/abc");
    exchange_vector(bench, "InListPassiveTarget 106A");
    exchange_vector(bench, "InDataExchange T2T READ page 4");
    exchange_vector(bench, "InCommunicateThru GET_VERSION 60 -> NTAG213");
    exchange_vector(bench, "InCommunicateThru PWD_AUTH");
    emu_pn532_remove_tag(&bench->emu);
    exchange_vector(bench, "InDataExchange T2T error timeout");
}

static void an_ntag_424_is_answered_byte_by_byte(void **state)
{
    static const char *const names[] = {"InDataExchange SELECT NDEF app",
        "InDataExchange SELECT CC", "InDataExchange READ CC 15", "InDataExchange SELECT NDEF file",
        "InDataExchange READ NLEN"};
    struct bench *bench = *state;
    char uri[128] = "https://";

    memset(uri + 8, 'x', 0x51 - 5);
    uri[8 + 0x51 - 5] = '\0';
    bring_up(bench);
    place(bench, EMU_TAG_NTAG424, "044B17125B6680", uri);
    exchange_vector(bench, "InListPassiveTarget NTAG424");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        exchange_vector(bench, names[i]);
    }
}

static void a_sleeping_chip_needs_two_things_before_it_works(void **state)
{
    struct bench *bench = *state;
    const uint8_t tx[2] = {0x02, 0x00};
    uint8_t rx[2];

    send(bench, "00 00 FF 02 FE D4 02 2A 00", 0);
    emu_pn532_spi(&bench->emu, tx, rx, sizeof tx, 0);
    assert_int_equal(rx[1], 0xFF); /* nobody drives the line */
    send(bench, "00 00 FF 02 FE D4 02 2A 00", 500);
    assert_false(becomes_ready(bench));
    send(bench, "00 00 FF 02 FE D4 02 2A 00", 1000);
    expect_ack(bench);
    expect(bench, "00 00 FF 06 FA D5 03 32 01 06 07 E8 00");
    command(bench, "00 00 FF 04 FC D4 4A 01 00 E1 00", "00 00 FF 01 FF 7F 81 00");
}

static void irq_stays_low_until_a_frame_is_read_to_its_end(void **state)
{
    struct bench *bench = *state;
    uint8_t bytes[8];

    bring_up(bench);
    send(bench, "00 00 FF 02 FE D4 02 2A 00", 0);
    assert_true(emu_pn532_irq(&bench->emu));
    assert_true(becomes_ready(bench));
    assert_false(emu_pn532_irq(&bench->emu));
    read_bytes(bench, bytes, 5); /* all but the postamble */
    assert_false(emu_pn532_irq(&bench->emu));
    read_bytes(bench, bytes, 1);
    assert_true(emu_pn532_irq(&bench->emu));
    assert_true(becomes_ready(bench));
    assert_false(emu_pn532_irq(&bench->emu));
}

static void without_irq_in_sam_configuration_the_line_stays_high(void **state)
{
    struct bench *bench = *state;

    send(bench, "00 00 FF 03 FD D4 14 01 17 00", 2000);
    assert_true(becomes_ready(bench));
    assert_true(emu_pn532_irq(&bench->emu));
}

static void a_nack_brings_the_last_answer_again(void **state)
{
    struct bench *bench = *state;

    bring_up(bench);
    exchange_vector(bench, "GetFirmwareVersion");
    send(bench, "00 00 FF FF 00 00", 0);
    expect(bench, "00 00 FF 06 FA D5 03 32 01 06 07 E8 00");
}

static void an_ack_aborts_a_search_and_a_command_replaces_it(void **state)
{
    struct bench *bench = *state;

    bring_up(bench);
    send(bench, "00 00 FF 04 FC D4 4A 01 00 E1 00", 0);
    expect_ack(bench);
    send(bench, "00 00 FF 00 FF 00", 0);
    place(bench, EMU_TAG_NTAG213, "0416C6C2D73881", NULL);
    assert_false(becomes_ready(bench));
    send(bench, "00 00 FF 04 FC D4 4A 01 00 E1 00", 0);
    expect_ack(bench);
    exchange_vector(bench, "GetFirmwareVersion");
    assert_false(becomes_ready(bench));
}

static void a_search_for_ever_ends_when_a_tag_comes(void **state)
{
    struct bench *bench = *state;

    bring_up(bench);
    send(bench, "00 00 FF 04 FC D4 4A 01 00 E1 00", 0);
    expect_ack(bench);
    fake_clock_advance_us(&bench->clock, 3600 * 1000000ull);
    assert_int_equal(emu_pn532_next_us(&bench->emu), UINT64_MAX);
    place(bench, EMU_TAG_NTAG213, "0416C6C2D73881", NULL);
    assert_int_not_equal(emu_pn532_next_us(&bench->emu), UINT64_MAX);
    expect(bench, "00 00 FF 0F F1 D5 4B 01 01 00 44 00 07 04 16 C6 C2 D7 38 81 61 00");
}

static void a_selected_tag_ignores_the_next_search_until_the_field_drops(void **state)
{
    static const char none[] = "00 00 FF 03 FD D5 4B 00 E0 00";
    static const char search[] = "00 00 FF 04 FC D4 4A 01 00 E1 00";
    struct bench *bench = *state;

    bring_up(bench);
    command(bench, "00 00 FF 06 FA D4 32 05 00 01 00 F4 00", "00 00 FF 02 FE D5 33 F8 00");
    place(bench, EMU_TAG_NTAG424, "044B17125B6680", NULL);
    exchange_vector(bench, "InListPassiveTarget NTAG424");
    command(bench, search, none);
    command(bench, search, none);
    exchange_vector(bench, "RFConfiguration item1 RF off");
    exchange_vector(bench, "RFConfiguration item1 RF on");
    exchange_vector(bench, "InListPassiveTarget NTAG424");
}

static void every_second_search_for_a_type_2_tag_fails(void **state)
{
    static const char none[] = "00 00 FF 03 FD D5 4B 00 E0 00";
    struct bench *bench = *state;

    bring_up(bench);
    command(bench, "00 00 FF 06 FA D4 32 05 00 01 00 F4 00", "00 00 FF 02 FE D5 33 F8 00");
    place(bench, EMU_TAG_NTAG213, "0416C6C2D73881", NULL);
    for (int i = 0; i < 3; i++) {
        exchange_vector(bench, "InListPassiveTarget 106A");
        command(bench, "00 00 FF 04 FC D4 4A 01 00 E1 00", none);
    }
}

static void a_hang_ends_only_with_a_reset_pulse(void **state)
{
    struct bench *bench = *state;
    const struct emu_fault hang = {.kind = EMU_FAULT_HANG};
    const struct emu_fault none = {.kind = EMU_FAULT_NONE};

    bring_up(bench);
    emu_pn532_set_fault(&bench->emu, &hang);
    emu_pn532_set_fault(&bench->emu, &none);
    send(bench, "00 00 FF 02 FE D4 02 2A 00", 2000);
    assert_false(becomes_ready(bench));
    emu_pn532_reset(&bench->emu, false);
    send(bench, "00 00 FF 02 FE D4 02 2A 00", 2000);
    assert_false(becomes_ready(bench));
    emu_pn532_reset(&bench->emu, true);
    bring_up(bench);
    assert_int_equal(bench->emu.counters.resets, 1);
}

static void power_down_needs_a_wake_up(void **state)
{
    struct bench *bench = *state;

    bring_up(bench);
    exchange_vector(bench, "PowerDown wake SPI only");
    send(bench, "00 00 FF 02 FE D4 02 2A 00", 0);
    assert_false(becomes_ready(bench));
    bring_up(bench);
}

static void the_uart_loses_what_wakes_it_and_answers_the_rest(void **state)
{
    static const uint8_t wake[16] = {0x55, 0x55};
    struct bench *bench = *state;
    uint8_t frame[16];
    uint8_t answer[64];
    size_t size = rig_bytes("00 00 FF 05 FB D4 14 01 14 01 02 00", frame, sizeof frame);

    emu_pn532_hsu_write(&bench->emu, frame, 9);
    fake_clock_advance_us(&bench->clock, 10000);
    assert_int_equal(emu_pn532_hsu_read(&bench->emu, answer, sizeof answer), 0);
    emu_pn532_hsu_write(&bench->emu, wake, sizeof wake);
    for (size_t i = 0; i < size; i++) {
        emu_pn532_hsu_write(&bench->emu, frame + i, 1);
    }
    fake_clock_advance_us(&bench->clock, 500);
    assert_int_equal(emu_pn532_hsu_read(&bench->emu, answer, sizeof answer), 6);
    fake_clock_advance_us(&bench->clock, 5000);
    assert_int_equal(emu_pn532_hsu_read(&bench->emu, answer, 3), 3);
    assert_int_equal(emu_pn532_hsu_read(&bench->emu, answer + 3, 61), 6);
    assert_memory_equal(answer, "\x00\x00\xFF\x02\xFE\xD5\x15\x16\x00", 9);
}

static void the_same_seed_gives_the_same_times(void **state)
{
    uint64_t times[2][8];

    (void)state;
    for (int run = 0; run < 2; run++) {
        struct bench bench = {0};

        fake_clock_init(&bench.clock, 1, 0);
        emu_pn532_init(&bench.emu, &bench.clock.base, 99);
        bring_up(&bench);
        for (int i = 0; i < 8; i++) {
            send(&bench, "00 00 FF 04 FC D4 4A 01 00 E1 00", 0);
            expect_ack(&bench);
            place(&bench, EMU_TAG_NTAG213, "0416C6C2D73881", NULL);
            times[run][i] = emu_pn532_next_us(&bench.emu) - bench.clock.boot_us;
            emu_pn532_remove_tag(&bench.emu);
        }
    }
    assert_memory_equal(times[0], times[1], sizeof times[0]);
    assert_memory_not_equal(&times[0][0], &times[0][1], sizeof times[0][0]);
}

static void thousands_fit_into_one_process(void **state)
{
    (void)state;
    assert_true(sizeof(struct emu_pn532) < 4096);
}

static void what_cannot_lie_on_the_reader_is_refused(void **state)
{
    struct bench *bench = *state;
    struct emu_tag tag = rig_tag(EMU_TAG_NTAG213, "0416C6C2D738");

    assert_int_equal(emu_pn532_place_tag(&bench->emu, &tag), -22);
    tag = rig_tag(EMU_TAG_NTAG213, "0416C6C2D73881");
    for (int i = 0; i < EMU_CARDS_MAX; i++) {
        assert_int_equal(emu_pn532_place_tag(&bench->emu, &tag), 0);
    }
    assert_int_equal(emu_pn532_place_tag(&bench->emu, &tag), -28);
    assert_int_equal(emu_pn532_remove_uid(&bench->emu, (const uint8_t *)"none", 4), -2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(commands_without_a_tag_are_answered_byte_by_byte, set_up),
        cmocka_unit_test_setup(a_type_2_tag_is_answered_byte_by_byte, set_up),
        cmocka_unit_test_setup(an_ntag_424_is_answered_byte_by_byte, set_up),
        cmocka_unit_test_setup(a_sleeping_chip_needs_two_things_before_it_works, set_up),
        cmocka_unit_test_setup(irq_stays_low_until_a_frame_is_read_to_its_end, set_up),
        cmocka_unit_test_setup(without_irq_in_sam_configuration_the_line_stays_high, set_up),
        cmocka_unit_test_setup(a_nack_brings_the_last_answer_again, set_up),
        cmocka_unit_test_setup(an_ack_aborts_a_search_and_a_command_replaces_it, set_up),
        cmocka_unit_test_setup(a_search_for_ever_ends_when_a_tag_comes, set_up),
        cmocka_unit_test_setup(
            a_selected_tag_ignores_the_next_search_until_the_field_drops, set_up),
        cmocka_unit_test_setup(every_second_search_for_a_type_2_tag_fails, set_up),
        cmocka_unit_test_setup(a_hang_ends_only_with_a_reset_pulse, set_up),
        cmocka_unit_test_setup(power_down_needs_a_wake_up, set_up),
        cmocka_unit_test_setup(the_uart_loses_what_wakes_it_and_answers_the_rest, set_up),
        cmocka_unit_test_setup(the_same_seed_gives_the_same_times, set_up),
        cmocka_unit_test_setup(thousands_fit_into_one_process, set_up),
        cmocka_unit_test_setup(what_cannot_lie_on_the_reader_is_refused, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
