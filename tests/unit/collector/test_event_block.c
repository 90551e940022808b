/* Imported events as bytes: what was written is read again, and no other bytes are believed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "collector/storage/event_block.h"
#include "tests/unit/suite.h"

static struct event_text text(const char *from)
{
    return (struct event_text){from, (uint32_t)strlen(from)};
}

static void assert_text(const char *wanted, const struct event_text *found)
{
    assert_int_equal(found->size, strlen(wanted));
    assert_memory_equal(found->text, wanted, found->size);
}

static void what_was_written_is_read_again(void **state)
{
    const int64_t recvs[] = {1585545547, 1585545000, INT64_MIN, INT64_MAX, 0};
    const int64_t times[] = {1585545542, 1585549000, INT64_MAX, INT64_MIN, -1};
    const char *ids[] = {"H00800-000001", "", "x", "\xc3\xa9", "H00800-000001"};
    struct event_bytes bytes = {0};
    struct event_reader reader;
    struct event_view event;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        event = (struct event_view){.recv_utc = recvs[i],
            .ts_utc = times[i],
            .kind = i == 1 ? '\0' : 'I',
            .event_id = text(ids[i]),
            .device_id = text("H00800"),
            .card_uid = text("04AA")};
        assert_int_equal(event_bytes_add(&bytes, &event), 0);
    }
    event_reader_init(&reader, bytes.bytes, bytes.size);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(event_reader_next(&reader, &event), 1);
        assert_true(event.recv_utc == recvs[i] && event.ts_utc == times[i]);
        assert_int_equal(event.kind, i == 1 ? '\0' : 'I');
        assert_text(ids[i], &event.event_id);
        assert_text("H00800", &event.device_id);
        assert_text("04AA", &event.card_uid);
    }
    assert_int_equal(event_reader_next(&reader, &event), 0);
    free(bytes.bytes);
}

static void places_are_read_again(void **state)
{
    const struct event_place places[] = {
        {1, 1585545547, false}, {2, 1585545000, true}, {UINT32_MAX, INT64_MIN, false}};
    struct event_bytes bytes = {0};
    struct event_reader reader;
    struct event_place place;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(event_bytes_add_place(&bytes, &places[i]), 0);
    }
    event_reader_init(&reader, bytes.bytes, bytes.size);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(event_reader_next_place(&reader, &place), 1);
        assert_true(place.number == places[i].number && place.at_utc == places[i].at_utc &&
                    place.is_ahead == places[i].is_ahead);
    }
    assert_int_equal(event_reader_next_place(&reader, &place), 0);
    free(bytes.bytes);
}

static void block_that_was_cut_anywhere_inside_an_event_is_corrupt(void **state)
{
    const struct event_view event = {.recv_utc = 1585545547,
        .ts_utc = 1585545542,
        .kind = 'O',
        .event_id = {"H1-1", 4},
        .device_id = {"H1", 2},
        .card_uid = {"04AA", 4}};
    struct event_bytes bytes = {0};

    (void)state;
    assert_int_equal(event_bytes_add(&bytes, &event), 0);
    for (size_t size = 1; size < bytes.size; size++) {
        struct event_reader reader;
        struct event_view found;

        event_reader_init(&reader, bytes.bytes, size);
        assert_int_equal(event_reader_next(&reader, &found), ECM_ECORRUPT);
    }
    free(bytes.bytes);
}

static void text_with_a_zero_byte_and_a_number_above_64_bits_are_corrupt(void **state)
{
    static const uint8_t zero[] = {0, 0, 'I', 1, '\0', 0, 0};
    static const uint8_t long_number[] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 'I', 0, 0, 0};
    struct event_reader reader;
    struct event_view event;
    struct event_place place;

    (void)state;
    event_reader_init(&reader, zero, sizeof zero);
    assert_int_equal(event_reader_next(&reader, &event), ECM_ECORRUPT);
    event_reader_init(&reader, long_number, sizeof long_number);
    assert_int_equal(event_reader_next(&reader, &event), ECM_ECORRUPT);
    event_reader_init(&reader, "\1\2\0", 3); /* a flag that is neither */
    assert_int_equal(event_reader_next_place(&reader, &place), ECM_ECORRUPT);
}

/* Stores keep it: another function would not find what they hold. */
static void hash_of_an_id_stays_what_it_is(void **state)
{
    (void)state;
    assert_int_equal(event_id_hash("", 0), UINT32_C(0x811c9dc5));
    assert_int_equal(event_id_hash("foobar", 6), UINT32_C(0xbf9cf968));
}

static void event_far_ahead_lies_where_it_was_received(void **state)
{
    (void)state;
    assert_int_equal(event_at(1300, 1000), 1300);
    assert_int_equal(event_at(1301, 1000), 1000);
    assert_true(event_at(INT64_MAX, INT64_MAX) == INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_again),
        cmocka_unit_test(places_are_read_again),
        cmocka_unit_test(block_that_was_cut_anywhere_inside_an_event_is_corrupt),
        cmocka_unit_test(text_with_a_zero_byte_and_a_number_above_64_bits_are_corrupt),
        cmocka_unit_test(hash_of_an_id_stays_what_it_is),
        cmocka_unit_test(event_far_ahead_lies_where_it_was_received),
    };

    return cmocka_run_group_tests_name("event_block", tests, NULL, NULL);
}
