/*
 * test_pn532_frame.c - frames, byte by byte.
 */
#include <errno.h>
#include <string.h>

#include "hal/chip/pn532_frame.h"
#include "tests/unit/hal/pn532_vectors.h"
#include "tests/unit/hal/rig.h"
#include "tests/unit/suite.h"

enum { VECTORS = sizeof pn532_vectors / sizeof pn532_vectors[0] };

/* What is parsed from the frame in hex, encoded again, must be the same bytes. */
static void assert_both_ways(const char *hex, uint8_t tfi)
{
    uint8_t bytes[PN532_FRAME_MAX];
    uint8_t again[PN532_FRAME_MAX];
    struct pn532_frame frame;
    size_t size = rig_bytes(hex, bytes, sizeof bytes);

    assert_int_equal(pn532_frame_parse(bytes, size, &frame), 0);
    assert_int_equal(frame.kind, PN532_FRAME_DATA);
    assert_int_equal(frame.tfi, tfi);
    assert_int_equal(frame.consumed, size);
    assert_int_equal(pn532_frame_encode(again, sizeof again, tfi, frame.data, frame.size), size);
    assert_memory_equal(again, bytes, size);
}

static void every_known_frame_is_read_and_written_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        assert_both_ways(pn532_vectors[i].tx, PN532_TFI_HOST);
        assert_both_ways(pn532_vectors[i].rx, PN532_TFI_CHIP);
    }
}

static void a_frame_cut_short_is_waited_for_wherever_it_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        uint8_t bytes[PN532_FRAME_MAX];
        size_t size = rig_bytes(pn532_vectors[i].rx, bytes, sizeof bytes);

        for (size_t cut = 0; cut < size - 1; cut++) {
            struct pn532_frame frame;

            assert_int_equal(pn532_frame_parse(bytes, cut, &frame), -EAGAIN);
            assert_true(frame.consumed <= cut);
        }
    }
}

static void one_flipped_bit_never_makes_another_frame(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        uint8_t bytes[PN532_FRAME_MAX];
        size_t size = rig_bytes(pn532_vectors[i].rx, bytes, sizeof bytes);

        for (size_t bit = 3 * 8; bit < (size - 1) * 8; bit++) {
            struct pn532_frame frame;

            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_not_equal(pn532_frame_parse(bytes, size, &frame), 0);
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

static void signals_are_told_apart(void **state)
{
    static const struct {
        const char *hex;
        enum pn532_frame_kind kind;
    } cases[] = {{"00 00 FF 00 FF 00", PN532_FRAME_ACK}, {"00 00 FF FF 00 00", PN532_FRAME_NACK},
        {"00 00 FF 01 FF 7F 81 00", PN532_FRAME_ERROR}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[16];
        struct pn532_frame frame;
        size_t size = rig_bytes(cases[i].hex, bytes, sizeof bytes);

        assert_int_equal(pn532_frame_parse(bytes, size, &frame), 0);
        assert_int_equal(frame.kind, cases[i].kind);
        assert_int_equal(frame.consumed, size);
    }
    assert_memory_equal(pn532_ack_frame, "\x00\x00\xFF\x00\xFF\x00", 6);
    assert_memory_equal(pn532_nack_frame, "\x00\x00\xFF\xFF\x00\x00", 6);
}

static void a_long_preamble_and_noise_in_front_are_skipped(void **state)
{
    static const char *const cases[] = {"00 00 00 00 00 00 00 FF 02 FE D5 15 16 00",
        "00 FF 02 FE D5 15 16 00", "55 55 AA FF FF 00 FF 02 FE D5 15 16 00"};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[32];
        struct pn532_frame frame;
        size_t size = rig_bytes(cases[i], bytes, sizeof bytes);

        assert_int_equal(pn532_frame_parse(bytes, size, &frame), 0);
        assert_int_equal(frame.size, 1);
        assert_int_equal(frame.data[0], 0x15);
        assert_int_equal(frame.consumed, size);
    }
}

static void noise_can_be_dropped_but_for_a_zero_that_may_start_a_frame(void **state)
{
    const uint8_t noise[] = {0x12, 0x34, 0x00};
    struct pn532_frame frame;

    (void)state;
    assert_int_equal(pn532_frame_parse(noise, 3, &frame), -EAGAIN);
    assert_int_equal(frame.consumed, 2);
    assert_int_equal(pn532_frame_parse(noise, 2, &frame), -EAGAIN);
    assert_int_equal(frame.consumed, 2);
    assert_int_equal(pn532_frame_parse(noise, 0, &frame), -EAGAIN);
    assert_int_equal(frame.consumed, 0);
}

static void after_a_broken_frame_the_next_one_is_found(void **state)
{
    uint8_t bytes[64];
    size_t at = 0;
    struct pn532_frame frame;
    size_t size =
        rig_bytes("00 00 FF 02 FF D5 15 16 00 00 00 FF 02 FE D5 33 F8 00", bytes, sizeof bytes);
    int rc = 0;

    (void)state;
    do {
        rc = pn532_frame_parse(bytes + at, size - at, &frame);
        assert_true(frame.consumed > 0);
        at += frame.consumed;
    } while (rc == -EBADMSG);
    assert_int_equal(rc, 0);
    assert_int_equal(frame.data[0], 0x33);
}

static void extended_frames_go_both_ways_at_every_size(void **state)
{
    uint8_t data[PN532_DATA_MAX];
    uint8_t bytes[PN532_FRAME_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 7);
    }
    for (size_t size = 0; size <= PN532_DATA_MAX; size++) {
        struct pn532_frame frame;
        size_t made = pn532_frame_encode(bytes, sizeof bytes, PN532_TFI_HOST, data, size);

        assert_int_equal(made, size + (size < 255 ? 8 : 11));
        assert_int_equal(pn532_frame_parse(bytes, made, &frame), 0);
        assert_int_equal(frame.size, size);
        assert_memory_equal(frame.data, data, size);
    }
}

static void what_does_not_fit_is_refused(void **state)
{
    static const uint8_t data[PN532_DATA_MAX + 1];
    uint8_t bytes[PN532_FRAME_MAX + 8];

    (void)state;
    assert_int_equal(pn532_frame_encode(bytes, sizeof bytes, PN532_TFI_HOST, data, sizeof data), 0);
    assert_int_equal(pn532_frame_encode(bytes, 8, PN532_TFI_HOST, data, 1), 0);
    assert_int_equal(pn532_frame_encode(bytes, 9, PN532_TFI_HOST, data, 1), 9);
}

static void a_length_no_frame_can_have_is_broken_at_once(void **state)
{
    static const char *const cases[] = {
        "00 00 FF FF FF 01 0A F5 D5", /* extended, 266 bytes */
        "00 00 FF FF FF 00 00 00 D5", /* extended, none */
        "00 00 FF FF FF 01 00 FE D5", /* extended, length checksum */
        "00 00 FF 02 FD D5 15 16 00",
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[16];
        struct pn532_frame frame;
        size_t size = rig_bytes(cases[i], bytes, sizeof bytes);

        assert_int_equal(pn532_frame_parse(bytes, size, &frame), -EBADMSG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_known_frame_is_read_and_written_the_same),
        cmocka_unit_test(a_frame_cut_short_is_waited_for_wherever_it_is_cut),
        cmocka_unit_test(one_flipped_bit_never_makes_another_frame),
        cmocka_unit_test(signals_are_told_apart),
        cmocka_unit_test(a_long_preamble_and_noise_in_front_are_skipped),
        cmocka_unit_test(noise_can_be_dropped_but_for_a_zero_that_may_start_a_frame),
        cmocka_unit_test(after_a_broken_frame_the_next_one_is_found),
        cmocka_unit_test(extended_frames_go_both_ways_at_every_size),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(a_length_no_frame_can_have_is_broken_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
