/* test_link_frame.c - frames survive any bytes before, between and inside them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* after setjmp.h */
#include <cmocka.h>

#include "proto/crc32.h"
#include "proto/link_frame.h"

static uint64_t chance_state = 0x2545f4914f6cdd1d;

static uint64_t chance(void)
{
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return chance_state;
}

/* Feed bytes; how many good frames came, the last one in *ret_frame. */
static unsigned feed(
    struct link_decoder *decoder, const uint8_t *bytes, size_t size, struct link_frame *ret_frame)
{
    unsigned count = 0;

    for (size_t i = 0; i < size; i++) {
        struct link_frame frame;

        if (link_decoder_take(decoder, bytes[i], &frame)) {
            *ret_frame = frame;
            count++;
        }
    }
    return count;
}

static void crc_has_the_check_value(void **state)
{
    (void)state;
    assert_int_equal(crc32_update(0, "123456789", 9), 0xcbf43926);
    assert_int_equal(crc32_update(crc32_update(0, "1234", 4), "56789", 5), 0xcbf43926);
}

static void cobs_gives_the_bytes_of_the_paper(void **state)
{
    /* Only the stuffing: the frame 11 00 22 00 and its CRC begins 02 11 02 22. */
    const struct link_frame frame = {.version = 0x11, .type = 0, .tx_seq = 0x22, .ack_seq = 0};
    uint8_t bytes[LINK_FRAME_MAX];

    (void)state;
    assert_true(link_frame_encode(&frame, bytes, sizeof bytes) > 0);
    assert_memory_equal(bytes, "\x00\x02\x11\x02\x22", 5);
}

static void every_size_and_every_byte_comes_back(void **state)
{
    static uint8_t payload[LINK_PAYLOAD_MAX];
    static uint8_t bytes[LINK_FRAME_MAX];
    static struct link_decoder decoder;

    (void)state;
    for (size_t size = 0; size <= LINK_PAYLOAD_MAX; size++) {
        struct link_frame frame = {1, LINK_BATCH, (uint8_t)size, 7, payload, size};
        struct link_frame back = {0};
        size_t length = 0;

        for (size_t i = 0; i < size; i++) {
            payload[i] = size % 3 == 0 ? 0 : size % 3 == 1 ? 0xaa : (uint8_t)(chance() % 4);
        }
        length = link_frame_encode(&frame, bytes, sizeof bytes);
        assert_in_range(length, size + 8 + 3, LINK_FRAME_MAX);
        assert_null(memchr(bytes + 1, 0, length - 2));
        assert_int_equal(bytes[length - 1], 0);
        assert_int_equal(feed(&decoder, bytes, length, &back), 1);
        assert_int_equal(back.size, size);
        assert_int_equal(back.type, LINK_BATCH);
        assert_int_equal(back.tx_seq, (uint8_t)size);
        assert_int_equal(back.ack_seq, 7);
        if (size > 0) {
            assert_memory_equal(back.payload, payload, size);
        }
    }
    assert_int_equal(decoder.bad, 0);
}

static void a_frame_that_would_not_fit_is_not_written(void **state)
{
    static const uint8_t payload[LINK_PAYLOAD_MAX + 1];
    static uint8_t bytes[2 * LINK_FRAME_MAX];
    struct link_frame frame = {1, LINK_BATCH, 0, 0, payload, LINK_PAYLOAD_MAX + 1};

    (void)state;
    assert_int_equal(link_frame_encode(&frame, bytes, sizeof bytes), 0);
    frame.size = LINK_PAYLOAD_MAX;
    assert_int_equal(link_frame_encode(&frame, bytes, LINK_FRAME_MAX - 1), 0);
    assert_true(link_frame_encode(&frame, bytes, LINK_FRAME_MAX) > 0);
}

static void the_good_frame_after_any_noise_is_taken(void **state)
{
    static struct link_decoder decoder;
    uint8_t noise[2000];
    uint8_t bytes[LINK_FRAME_MAX];
    const struct link_frame frame = {1, LINK_STATE, 9, 0, (const uint8_t *)"state", 5};
    size_t length = link_frame_encode(&frame, bytes, sizeof bytes);

    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct link_frame back = {0};
        size_t size = chance() % (round % 50 == 0 ? sizeof noise : 40);

        for (size_t i = 0; i < size; i++) {
            noise[i] = (uint8_t)chance();
        }
        (void)feed(&decoder, noise, size, &back);
        assert_int_equal(feed(&decoder, bytes, length, &back), 1);
        assert_int_equal(back.size, 5);
        assert_memory_equal(back.payload, "state", 5);
    }
    assert_true(decoder.bad > 10000);
}

static void a_changed_bit_is_never_taken_for_the_frame(void **state)
{
    static struct link_decoder decoder;
    uint8_t bytes[LINK_FRAME_MAX];
    const struct link_frame frame = {1, LINK_ACK, 3, 4, (const uint8_t *)"\0held\0", 6};
    size_t length = link_frame_encode(&frame, bytes, sizeof bytes);

    (void)state;
    for (size_t bit = 8; bit < 8 * (length - 1); bit++) {
        struct link_frame back = {0};

        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(feed(&decoder, bytes, length, &back), 0);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(feed(&decoder, bytes, length, &back), 1);
    }
}

static void a_frame_that_was_cut_costs_only_itself(void **state)
{
    static struct link_decoder decoder;
    uint8_t bytes[LINK_FRAME_MAX];
    const struct link_frame frame = {1, LINK_TIME, 3, 4, (const uint8_t *)"0123456789", 10};
    size_t length = link_frame_encode(&frame, bytes, sizeof bytes);

    (void)state;
    for (size_t cut = 0; cut < length; cut++) {
        struct link_frame back = {0};

        assert_int_equal(feed(&decoder, bytes, cut, &back), 0);
        /* One that lacks its last zero only is ended by the zero before the next. */
        assert_int_equal(feed(&decoder, bytes, length, &back), cut == length - 1 ? 2 : 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_has_the_check_value),
        cmocka_unit_test(cobs_gives_the_bytes_of_the_paper),
        cmocka_unit_test(every_size_and_every_byte_comes_back),
        cmocka_unit_test(a_frame_that_would_not_fit_is_not_written),
        cmocka_unit_test(the_good_frame_after_any_noise_is_taken),
        cmocka_unit_test(a_changed_bit_is_never_taken_for_the_frame),
        cmocka_unit_test(a_frame_that_was_cut_costs_only_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
