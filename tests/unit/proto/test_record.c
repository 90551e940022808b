/* test_record.c - one entry of a log: values, bytes, and everything that is neither. */
#include "proto/messages.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/proto/wire.h"
#include "tests/unit/suite.h"

static struct record a_record(enum record_type type)
{
    return (struct record){
        .seq = 7,
        .type = type,
        .boot_id = UINT64_C(0xfedcba9876543210),
        .boot_ms = 123456,
        .wall_ms = INT64_C(1602051540123),
        .wall_trust = WALL_SYNCED,
        .wall_uncertainty_ms = 12,
    };
}

static struct record a_tap(void)
{
    struct record record = a_record(RECORD_TAP);

    strcpy(record.tap.reader, "spi0");
    memcpy(record.tap.uid, "\x04\x01\x02\x03\x04\x05\x06", 7);
    record.tap.uid_size = 7;
    record.tap.tech = TAP_TECH_TYPE2;
    record.tap.direction = TAP_OUT;
    record.tap.flags = TAP_FLAG_BOUNCE | 1u << 20;
    return record;
}

static void assert_stamps_equal(const struct record *a, const struct record *b)
{
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->boot_id, b->boot_id);
    assert_int_equal(a->boot_ms, b->boot_ms);
    assert_int_equal(a->wall_ms, b->wall_ms);
    assert_int_equal(a->wall_trust, b->wall_trust);
    assert_int_equal(a->wall_uncertainty_ms, b->wall_uncertainty_ms);
}

/* Encode, decode, compare the envelope; the body is in *ret_back. */
static void assert_round_trip(const struct record *record, struct record *ret_back)
{
    uint8_t bytes[RECORD_BYTES_MAX];
    size_t size = 0;

    assert_int_equal(record_encode(record, bytes, sizeof bytes, &size), 0);
    assert_int_equal(record_decode(bytes, size, ret_back), 0);
    assert_int_equal(ret_back->type, record->type);
    assert_stamps_equal(record, ret_back);
}

static void assert_not_encodable(const struct record *record)
{
    uint8_t bytes[RECORD_BYTES_MAX];
    size_t size = 99;

    assert_int_equal(record_encode(record, bytes, sizeof bytes, &size), -EINVAL);
    assert_int_equal(size, 99);
}

static void assert_malformed(const struct wire *wire)
{
    struct record record = {.seq = 99};

    assert_int_equal(record_decode(wire->bytes, wire->size, &record), -EBADMSG);
    assert_int_equal(record.seq, 99);
}

/* ---- round trips -------------------------------------------------------------------------- */

static void a_tap_comes_back_as_it_went(void **state)
{
    struct record tap = a_tap();
    struct record back;

    (void)state;
    assert_round_trip(&tap, &back);
    assert_string_equal(back.tap.reader, "spi0");
    assert_int_equal(back.tap.uid_size, 7);
    assert_memory_equal(back.tap.uid, tap.tap.uid, 7);
    assert_int_equal(back.tap.tech, TAP_TECH_TYPE2);
    assert_int_equal(back.tap.direction, TAP_OUT);
    assert_int_equal(back.tap.flags, tap.tap.flags);
    assert_false(back.tap.has_sun);
}

static void a_tap_carries_the_sun_message_of_its_tag(void **state)
{
    struct record tap = a_tap();
    struct record back;

    (void)state;
    tap.tap.tech = TAP_TECH_NTAG424;
    tap.tap.has_sun = true;
    memset(tap.tap.sun_picc, 0xa5, sizeof tap.tap.sun_picc);
    memset(tap.tap.sun_mac, 0x00, sizeof tap.tap.sun_mac);
    assert_round_trip(&tap, &back);
    assert_true(back.tap.has_sun);
    assert_memory_equal(back.tap.sun_picc, tap.tap.sun_picc, sizeof tap.tap.sun_picc);
    assert_memory_equal(back.tap.sun_mac, tap.tap.sun_mac, sizeof tap.tap.sun_mac);
}

static void every_length_of_tag_number_comes_back(void **state)
{
    static const uint8_t sizes[] = {4, 7, 10};

    (void)state;
    for (size_t i = 0; i < sizeof sizes; i++) {
        struct record tap = a_tap();
        struct record back;

        memset(tap.tap.uid, 0xff, sizeof tap.tap.uid);
        tap.tap.uid_size = sizes[i];
        assert_round_trip(&tap, &back);
        assert_int_equal(back.tap.uid_size, sizes[i]);
        assert_memory_equal(back.tap.uid, tap.tap.uid, sizes[i]);
    }
}

static void notes_of_all_kinds_come_back(void **state)
{
    static const enum record_type types[] = {
        RECORD_BOOT, RECORD_READER_FAULT, RECORD_CONFIG_APPLIED, RECORD_UPDATE_APPLIED};

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct record note = a_record(types[i]);
        struct record back;

        strcpy(note.note.text, "spi0: no answer, 3 \xc3\x97 reset \xe2\x82\xac \xf0\x9f\x94\x94");
        assert_round_trip(&note, &back);
        assert_string_equal(back.note.text, note.note.text);
        note.note.text[0] = '\0';
        assert_round_trip(&note, &back);
        assert_string_equal(back.note.text, "");
    }
}

static void inputs_and_clock_steps_come_back(void **state)
{
    struct record input = a_record(RECORD_TAMPER);
    struct record step = a_record(RECORD_CLOCK_SET);
    struct record back;

    (void)state;
    input.input.active = true;
    input.input.which = UINT32_MAX;
    assert_round_trip(&input, &back);
    assert_true(back.input.active);
    assert_int_equal(back.input.which, UINT32_MAX);
    input.type = RECORD_BUTTON;
    input.input.active = false;
    assert_round_trip(&input, &back);
    assert_false(back.input.active);
    step.clock_set.wall_before_ms = -1;
    assert_round_trip(&step, &back);
    assert_int_equal(back.clock_set.wall_before_ms, -1);
}

static void the_ends_of_every_range_come_back(void **state)
{
    struct record record = a_tap();
    struct record back;

    (void)state;
    record.seq = INT64_MAX;
    record.boot_id = UINT64_MAX;
    record.boot_ms = INT64_MAX;
    record.wall_ms = INT64_C(253402300799999);
    record.tap.flags = UINT32_MAX;
    memset(record.tap.reader, 'r', READER_NAME_MAX);
    assert_round_trip(&record, &back);
    assert_int_equal(strlen(back.tap.reader), READER_NAME_MAX);
    record.seq = 1;
    record.boot_id = 0;
    record.boot_ms = 0;
    record.wall_ms = INT64_C(-62135596800000);
    record.wall_trust = WALL_UNSET;
    record.wall_uncertainty_ms = 0;
    assert_round_trip(&record, &back);
}

static void unknown_uncertainty_is_not_the_same_as_none(void **state)
{
    struct record record = a_record(RECORD_BOOT);
    struct record back;

    (void)state;
    record.wall_uncertainty_ms = UINT32_MAX;
    assert_round_trip(&record, &back);
    record.wall_uncertainty_ms = 0;
    assert_round_trip(&record, &back);
}

static void equal_values_have_equal_bytes(void **state)
{
    struct record tap = a_tap();
    uint8_t first[RECORD_BYTES_MAX], second[RECORD_BYTES_MAX];
    size_t first_size = 0, second_size = 0;

    (void)state;
    assert_int_equal(record_encode(&tap, first, sizeof first, &first_size), 0);
    /* What lies beyond the number and the name is not part of the value. */
    memset(tap.tap.uid + 7, 0xee, 3);
    memset(tap.tap.reader + 5, 0xee, sizeof tap.tap.reader - 5);
    assert_int_equal(record_encode(&tap, second, sizeof second, &second_size), 0);
    assert_int_equal(first_size, second_size);
    assert_memory_equal(first, second, first_size);
}

static void the_bytes_of_a_tap_are_these_for_ever(void **state)
{
    static const uint8_t golden[] = "\x08\x07\x12\x18\x09\x10\x32\x54\x76\x98\xba\xdc\xfe"
                                    "\x10\xc0\xc4\x07\x18\x9b\x89\xda\x8d\xd0\x2e\x20\x02\x28\x0c"
                                    "\x52\x17\x0a\x04spi0\x12\x07\x04\x01\x02\x03\x04\x05\x06"
                                    "\x18\x01\x28\x02\x30\x81\x80\x40";
    struct record tap = a_tap();
    uint8_t bytes[RECORD_BYTES_MAX];
    size_t size = 0;

    (void)state;
    assert_int_equal(record_encode(&tap, bytes, sizeof bytes, &size), 0);
    assert_int_equal(size, sizeof golden - 1);
    assert_memory_equal(bytes, golden, size);
}

/* ---- values outside the limits ------------------------------------------------------------ */

static void values_outside_the_limits_are_not_encoded(void **state)
{
    struct record good = a_tap();
    struct record bad;

    (void)state;
    bad = good, bad.seq = 0, assert_not_encodable(&bad);
    bad = good, bad.seq = (uint64_t)INT64_MAX + 1, assert_not_encodable(&bad);
    bad = good, bad.boot_ms = (uint64_t)INT64_MAX + 1, assert_not_encodable(&bad);
    bad = good, bad.wall_ms = INT64_C(253402300800000), assert_not_encodable(&bad);
    bad = good, bad.wall_ms = INT64_C(-62135596800001), assert_not_encodable(&bad);
    bad = good, bad.wall_trust = (enum wall_trust)3, assert_not_encodable(&bad);
    bad = good, bad.type = RECORD_UNKNOWN, assert_not_encodable(&bad);
    bad = good, bad.type = (enum record_type)99, assert_not_encodable(&bad);
    bad = good, bad.tap.direction = (enum tap_direction)0, assert_not_encodable(&bad);
    bad = good, bad.tap.direction = (enum tap_direction)3, assert_not_encodable(&bad);
    bad = good, bad.tap.tech = (enum tap_tech)9, assert_not_encodable(&bad);
    for (uint8_t size = 0; size < 12; size++) {
        bad = good;
        bad.tap.uid_size = size;
        if (size != 4 && size != 7 && size != 10) {
            assert_not_encodable(&bad);
        }
    }
}

static void texts_that_are_not_texts_are_not_encoded(void **state)
{
    struct record bad = a_tap();

    (void)state;
    memset(bad.tap.reader, 'r', sizeof bad.tap.reader); /* no zero byte at the end */
    assert_not_encodable(&bad);
    bad = a_record(RECORD_BOOT);
    strcpy(bad.note.text, "line\nbreak");
    assert_not_encodable(&bad);
    bad = a_record(RECORD_CLOCK_SET);
    bad.clock_set.wall_before_ms = INT64_MAX;
    assert_not_encodable(&bad);
}

static void a_buffer_that_is_too_small_is_said_and_not_overrun(void **state)
{
    struct record tap = a_tap();
    uint8_t whole[RECORD_BYTES_MAX];
    size_t size = 0;

    (void)state;
    assert_int_equal(record_encode(&tap, whole, sizeof whole, &size), 0);
    for (size_t capacity = 0; capacity < size; capacity++) {
        uint8_t bytes[RECORD_BYTES_MAX];
        size_t untouched = 99;

        memset(bytes, 0x5a, sizeof bytes);
        assert_int_equal(record_encode(&tap, bytes, capacity, &untouched), -ENOBUFS);
        assert_int_equal(untouched, 99);
        assert_int_equal(bytes[capacity], 0x5a);
    }
    assert_int_equal(record_encode(&tap, whole, size, &size), 0);
}

/* ---- bytes from outside ------------------------------------------------------------------- */

static void put_stamp(struct wire *wire)
{
    struct wire stamp = {0};

    wire_fixed64(&stamp, 1, 5);
    wire_number(&stamp, 2, 6);
    wire_number(&stamp, 3, 7);
    wire_message(wire, 2, &stamp);
}

/* A record of seq and stamp, to be continued. */
static struct wire an_envelope(void)
{
    struct wire wire = {0};

    wire_number(&wire, 1, 1);
    put_stamp(&wire);
    return wire;
}

static struct wire with_body(unsigned field, const struct wire *body)
{
    struct wire wire = an_envelope();

    wire_message(&wire, field, body);
    return wire;
}

/* A tap with the given number of bytes of uid and a direction; 0 leaves a field out. */
static struct wire tap_body(size_t uid_size, unsigned direction)
{
    struct wire body = {0};

    wire_text(&body, 1, "spi0");
    if (uid_size > 0) {
        wire_bytes(&body, 2, "\x04\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b", uid_size);
    }
    if (direction > 0) {
        wire_number(&body, 5, direction);
    }
    return body;
}

static void a_truncated_record_is_malformed_at_every_length(void **state)
{
    struct record tap = a_tap();
    struct record back;
    uint8_t bytes[RECORD_BYTES_MAX];
    size_t size = 0;

    (void)state;
    assert_int_equal(record_encode(&tap, bytes, sizeof bytes, &size), 0);
    for (size_t cut = 0; cut < size; cut++) {
        assert_int_equal(record_decode(bytes, cut, &back), -EBADMSG);
    }
    assert_int_equal(record_decode(NULL, 0, &back), -EBADMSG);
}

static void a_record_without_number_stamp_or_body_is_malformed(void **state)
{
    struct wire body = tap_body(7, 1);
    struct wire wire = {0};

    (void)state;
    wire_number(&wire, 1, 1);
    wire_message(&wire, 10, &body);
    assert_malformed(&wire); /* no stamp */
    wire = (struct wire){0};
    put_stamp(&wire);
    wire_message(&wire, 10, &body);
    assert_malformed(&wire); /* no number */
    wire = an_envelope();
    assert_malformed(&wire); /* no body */
    wire_number(&wire, 3, 1);
    assert_malformed(&wire); /* an unknown part of the envelope is not a body */
    wire = with_body(10, &body);
    assert_int_equal(record_decode(wire.bytes, wire.size, &(struct record){0}), 0);
}

static void numbers_above_their_range_are_malformed(void **state)
{
    struct wire body = tap_body(7, 1);
    struct wire stamp = {0};
    struct wire wire = {0};

    (void)state;
    wire_number(&wire, 1, (uint64_t)INT64_MAX + 1);
    put_stamp(&wire);
    wire_message(&wire, 10, &body);
    assert_malformed(&wire);
    for (unsigned field = 2; field <= 3; field++) {
        stamp = (struct wire){0};
        wire_number(&stamp, field, UINT64_C(1) << 63);
        wire = (struct wire){0};
        wire_number(&wire, 1, 1);
        wire_message(&wire, 2, &stamp);
        wire_message(&wire, 10, &body);
        assert_malformed(&wire);
    }
    body = (struct wire){0};
    wire_number(&body, 1, INT64_MAX);
    wire = with_body(12, &body);
    assert_malformed(&wire); /* clock_set.wall_before_ms */
}

static void tag_numbers_of_other_lengths_are_malformed(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 12; size++) {
        struct wire body = tap_body(size, 1);
        struct wire wire = with_body(10, &body);
        struct record record;
        bool is_good = size == 4 || size == 7 || size == 10;

        assert_int_equal(record_decode(wire.bytes, wire.size, &record), is_good ? 0 : -EBADMSG);
    }
}

static void a_sun_message_of_other_lengths_is_malformed(void **state)
{
    static const uint8_t zeros[20];

    (void)state;
    for (size_t picc = 15; picc <= 17; picc++) {
        for (size_t mac = 7; mac <= 9; mac++) {
            struct wire sun = {0};
            struct wire body = {0};
            struct wire wire;
            struct record record;

            wire_bytes(&sun, 1, zeros, picc);
            wire_bytes(&sun, 2, zeros, mac);
            wire_bytes(&body, 2, zeros, 4);
            wire_message(&body, 4, &sun);
            wire_number(&body, 5, 1);
            wire = with_body(10, &body);
            assert_int_equal(record_decode(wire.bytes, wire.size, &record),
                picc == 16 && mac == 8 ? 0 : -EBADMSG);
        }
    }
}

static void assert_text_is(bool is_good, const char *text, size_t size)
{
    struct wire body = {0};
    struct wire wire;
    struct record record;

    wire_bytes(&body, 1, text, size);
    wire = with_body(11, &body);
    assert_int_equal(record_decode(wire.bytes, wire.size, &record), is_good ? 0 : -EBADMSG);
}

static void text_is_utf8_without_control_characters(void **state)
{
    static const char *const good[] = {"a", " ~", "\xc2\xa0", "\xdf\xbf", "\xe0\xa0\x80",
        "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbd", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\n", "\x1b[31m", "\x7f", "\xc2\x80", "\xc2\x9f", "\x80",
        "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xff", "\xc3", "\xe2\x82",
        "\xf0\x9f\x94", "\xc3(", "a\xe2(\xa1"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_text_is(true, good[i], strlen(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_text_is(false, bad[i], strlen(bad[i]));
    }
}

static void nothing_hides_behind_a_zero_byte(void **state)
{
    (void)state;
    assert_text_is(false, "0.1.0\0rest", 10);
    assert_text_is(false, "0.1.0\0", 6);
    assert_text_is(true, "0.1.0", 5);
}

static void text_of_120_bytes_fits_and_121_do_not(void **state)
{
    char text[RECORD_TEXT_MAX + 1];

    (void)state;
    memset(text, 'x', sizeof text);
    assert_text_is(true, text, RECORD_TEXT_MAX);
    assert_text_is(false, text, RECORD_TEXT_MAX + 1);
}

static void a_second_encoding_of_the_same_value_is_refused(void **state)
{
    struct wire body = tap_body(7, 1);
    struct wire wire = {0};

    (void)state;
    wire_number(&wire, 1, 3); /* the same field twice */
    wire_number(&wire, 1, 1);
    put_stamp(&wire);
    wire_message(&wire, 10, &body);
    assert_malformed(&wire);
    wire = (struct wire){.size = 3, .bytes = {0x08, 0x81, 0x00}}; /* 1 in two bytes */
    put_stamp(&wire);
    wire_message(&wire, 10, &body);
    assert_malformed(&wire);
    wire = with_body(10, &body); /* two bodies */
    wire_message(&wire, 11, &(struct wire){0});
    assert_malformed(&wire);
    wire_number(&body, 6, 0); /* a default written out */
    wire = with_body(10, &body);
    assert_malformed(&wire);
}

static void a_record_above_512_bytes_is_malformed(void **state)
{
    static const uint8_t zeros[RECORD_BYTES_MAX];
    struct wire wire = an_envelope();
    struct record record;

    (void)state;
    wire_bytes(&wire, 200, zeros, RECORD_BYTES_MAX - wire.size - 4);
    assert_int_equal(wire.size, RECORD_BYTES_MAX);
    assert_int_equal(record_decode(wire.bytes, wire.size, &record), 0);
    wire = an_envelope();
    wire_bytes(&wire, 200, zeros, RECORD_BYTES_MAX - wire.size - 3);
    assert_int_equal(wire.size, RECORD_BYTES_MAX + 1);
    assert_malformed(&wire);
}

/* ---- newer devices ------------------------------------------------------------------------ */

static void a_newer_type_is_unknown_but_keeps_number_and_stamp(void **state)
{
    struct wire body = {0};
    struct wire wire;
    struct record record;

    (void)state;
    wire_text(&body, 1, "whatever it means");
    wire = with_body(18, &body);
    assert_int_equal(record_decode(wire.bytes, wire.size, &record), 0);
    assert_int_equal(record.type, RECORD_UNKNOWN);
    assert_int_equal(record.seq, 1);
    assert_int_equal(record.boot_id, 5);
    assert_int_equal(record.boot_ms, 6);
    assert_int_equal(record.wall_ms, 7);
}

static void newer_fields_in_known_messages_are_passed_over(void **state)
{
    struct wire body = tap_body(7, 2);
    struct wire wire;
    struct record record;

    (void)state;
    wire_text(&body, 7, "newer");
    wire_fixed64(&body, 1000, 1);
    wire = with_body(10, &body);
    assert_int_equal(record_decode(wire.bytes, wire.size, &record), 0);
    assert_int_equal(record.type, RECORD_TAP);
    assert_int_equal(record.tap.direction, TAP_OUT);
}

static void a_newer_direction_is_kept_as_an_unknown_record(void **state)
{
    struct wire body = tap_body(7, 3);
    struct wire wire = with_body(10, &body);
    struct record record;

    (void)state;
    assert_int_equal(record_decode(wire.bytes, wire.size, &record), 0);
    assert_int_equal(record.type, RECORD_UNKNOWN);
    body = tap_body(7, 0);
    wire = with_body(10, &body);
    assert_malformed(&wire); /* none at all is not newer, it is broken */
}

static void newer_kinds_of_tag_and_trust_are_read_as_unknown(void **state)
{
    struct wire stamp = {0};
    struct wire body = {0};
    struct wire wire = {0};
    struct record record;

    (void)state;
    wire_number(&stamp, 4, 3);
    wire_bytes(&body, 2, "\x01\x02\x03\x04", 4);
    wire_number(&body, 3, 5);
    wire_number(&body, 5, 1);
    wire_number(&wire, 1, 1);
    wire_message(&wire, 2, &stamp);
    wire_message(&wire, 10, &body);
    assert_int_equal(record_decode(wire.bytes, wire.size, &record), 0);
    assert_int_equal(record.wall_trust, WALL_UNSET);
    assert_int_equal(record.wall_uncertainty_ms, UINT32_MAX);
    assert_int_equal(record.tap.tech, TAP_TECH_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tap_comes_back_as_it_went),
        cmocka_unit_test(a_tap_carries_the_sun_message_of_its_tag),
        cmocka_unit_test(every_length_of_tag_number_comes_back),
        cmocka_unit_test(notes_of_all_kinds_come_back),
        cmocka_unit_test(inputs_and_clock_steps_come_back),
        cmocka_unit_test(the_ends_of_every_range_come_back),
        cmocka_unit_test(unknown_uncertainty_is_not_the_same_as_none),
        cmocka_unit_test(equal_values_have_equal_bytes),
        cmocka_unit_test(the_bytes_of_a_tap_are_these_for_ever),
        cmocka_unit_test(values_outside_the_limits_are_not_encoded),
        cmocka_unit_test(texts_that_are_not_texts_are_not_encoded),
        cmocka_unit_test(a_buffer_that_is_too_small_is_said_and_not_overrun),
        cmocka_unit_test(a_truncated_record_is_malformed_at_every_length),
        cmocka_unit_test(a_record_without_number_stamp_or_body_is_malformed),
        cmocka_unit_test(numbers_above_their_range_are_malformed),
        cmocka_unit_test(tag_numbers_of_other_lengths_are_malformed),
        cmocka_unit_test(a_sun_message_of_other_lengths_is_malformed),
        cmocka_unit_test(text_is_utf8_without_control_characters),
        cmocka_unit_test(nothing_hides_behind_a_zero_byte),
        cmocka_unit_test(text_of_120_bytes_fits_and_121_do_not),
        cmocka_unit_test(a_second_encoding_of_the_same_value_is_refused),
        cmocka_unit_test(a_record_above_512_bytes_is_malformed),
        cmocka_unit_test(a_newer_type_is_unknown_but_keeps_number_and_stamp),
        cmocka_unit_test(newer_fields_in_known_messages_are_passed_over),
        cmocka_unit_test(a_newer_direction_is_kept_as_an_unknown_record),
        cmocka_unit_test(newer_kinds_of_tag_and_trust_are_read_as_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
