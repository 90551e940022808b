/* test_up.c - hello and batch: values, bytes, and everything that is neither. */
#include "proto/messages.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/proto/wire.h"
#include "tests/unit/suite.h"

static uint8_t buffer[BATCH_BYTES_MAX + 1];

static struct hello a_hello(void)
{
    return (struct hello){
        .device_id = "GW-0001",
        .epoch = UINT64_MAX,
        .head_seq = 9,
        .acked_seq = 4,
        .oldest_seq = 3,
        .chain_before_oldest = {1, 2, 3},
        .boot_id = 77,
        .version = "0.1.0",
        .has_public_key = true,
        .public_key = {4, 5, 6},
    };
}

/* A batch of count records of size bytes each, all shown from one static block. */
static struct batch a_batch(size_t count, size_t size)
{
    static struct bytes_view views[BATCH_RECORDS_MAX + 1];
    static const uint8_t block[RECORD_BYTES_MAX + 1] = {0x08, 0x01};

    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        views[i] = (struct bytes_view){.bytes = block, .size = size};
    }
    return (struct batch){
        .device_id = "GW-0001",
        .epoch = 42,
        .first_seq = 10,
        .record_count = count,
        .records = views,
        .head_seq = 1000,
        .chain_head = {9, 8, 7},
    };
}

static void assert_malformed(const struct wire *wire)
{
    struct up_message up = {.kind = UP_BATCH};

    assert_int_equal(up_message_decode(wire->bytes, wire->size, &up), -EBADMSG);
    assert_int_equal(up.kind, UP_BATCH);
    assert_null(up.storage);
}

/* ---- hello -------------------------------------------------------------------------------- */

static void a_hello_comes_back_as_it_went(void **state)
{
    struct hello hello = a_hello();
    struct up_message up;
    size_t size = 0;

    (void)state;
    assert_int_equal(hello_encode(&hello, buffer, SMALL_MESSAGE_MAX, &size), 0);
    assert_int_equal(up_message_decode(buffer, size, &up), 0);
    assert_int_equal(up.kind, UP_HELLO);
    assert_string_equal(up.hello.device_id, "GW-0001");
    assert_int_equal(up.hello.epoch, UINT64_MAX);
    assert_int_equal(up.hello.head_seq, 9);
    assert_int_equal(up.hello.acked_seq, 4);
    assert_int_equal(up.hello.oldest_seq, 3);
    assert_memory_equal(up.hello.chain_before_oldest, hello.chain_before_oldest, 32);
    assert_int_equal(up.hello.boot_id, 77);
    assert_string_equal(up.hello.version, "0.1.0");
    assert_true(up.hello.has_public_key);
    assert_memory_equal(up.hello.public_key, hello.public_key, 32);
    up_message_done(&up);
}

static void a_device_without_records_or_key_can_say_hello(void **state)
{
    struct hello hello = {.device_id = "x", .oldest_seq = 1};
    struct up_message up;
    size_t size = 0;

    (void)state;
    assert_int_equal(hello_encode(&hello, buffer, SMALL_MESSAGE_MAX, &size), 0);
    assert_int_equal(up_message_decode(buffer, size, &up), 0);
    assert_false(up.hello.has_public_key);
    assert_int_equal(up.hello.head_seq, 0);
    up_message_done(&up);
}

static void the_largest_hello_is_a_small_message(void **state)
{
    struct hello hello = a_hello();
    size_t size = 0;

    (void)state;
    memset(hello.device_id, 'd', DEVICE_ID_MAX);
    memset(hello.version, 'v', RECORD_TEXT_MAX);
    hello.head_seq = hello.acked_seq = hello.oldest_seq = INT64_MAX;
    assert_int_equal(hello_encode(&hello, buffer, SMALL_MESSAGE_MAX, &size), 0);
}

static void assert_hello_refused(const struct hello *hello)
{
    size_t size = 99;

    assert_int_equal(hello_encode(hello, buffer, SMALL_MESSAGE_MAX, &size), -EINVAL);
    assert_int_equal(size, 99);
}

static void a_hello_that_contradicts_itself_is_not_encoded(void **state)
{
    struct hello bad;

    (void)state;
    bad = a_hello(), bad.device_id[0] = '\0', assert_hello_refused(&bad);
    bad = a_hello(), bad.device_id[1] = '/', assert_hello_refused(&bad);
    bad = a_hello(), bad.acked_seq = 10, assert_hello_refused(&bad);
    bad = a_hello(), bad.oldest_seq = 0, assert_hello_refused(&bad);
    bad = a_hello(), bad.oldest_seq = 11, assert_hello_refused(&bad);
    bad = a_hello(), bad.head_seq = UINT64_MAX, assert_hello_refused(&bad);
    bad = a_hello(), bad.version[0] = '\t', assert_hello_refused(&bad);
}

/* A hello by hand, each part of the given size or value. */
static struct wire hello_wire(const char *id, size_t chain, size_t key, uint64_t oldest)
{
    static const uint8_t ones[40] = {1};
    struct wire hello = {0};
    struct wire up = {0};

    wire_text(&hello, 1, id);
    wire_number(&hello, 3, 5);
    wire_number(&hello, 5, oldest);
    wire_bytes(&hello, 6, ones, chain);
    if (key > 0) {
        wire_bytes(&hello, 9, ones, key);
    }
    wire_message(&up, 1, &hello);
    return up;
}

static void a_hello_with_a_part_of_another_size_is_malformed(void **state)
{
    struct wire wire = hello_wire("GW1", 32, 32, 6);
    struct up_message up;

    (void)state;
    assert_int_equal(up_message_decode(wire.bytes, wire.size, &up), 0);
    up_message_done(&up);
    wire = hello_wire("GW1", 31, 0, 6), assert_malformed(&wire);
    wire = hello_wire("GW1", 33, 0, 6), assert_malformed(&wire);
    wire = hello_wire("GW1", 32, 31, 6), assert_malformed(&wire);
    wire = hello_wire("GW1", 32, 33, 6), assert_malformed(&wire);
    wire = hello_wire("GW1", 32, 0, 7), assert_malformed(&wire);
    wire = hello_wire("G/1", 32, 0, 6), assert_malformed(&wire);
    wire = hello_wire("", 32, 0, 6), assert_malformed(&wire);
    wire = hello_wire("123456789012345678901234567890123", 32, 0, 6), assert_malformed(&wire);
}

/* ---- batch -------------------------------------------------------------------------------- */

static void assert_batch_round_trip(const struct batch *batch)
{
    struct up_message up;
    size_t size = 0;

    assert_int_equal(batch_encode(batch, buffer, BATCH_BYTES_MAX, &size), 0);
    assert_int_equal(up_message_decode(buffer, size, &up), 0);
    memset(buffer, 0xee, size); /* the message may go away */
    assert_int_equal(up.kind, UP_BATCH);
    assert_string_equal(up.batch.device_id, batch->device_id);
    assert_int_equal(up.batch.epoch, batch->epoch);
    assert_int_equal(up.batch.first_seq, batch->first_seq);
    assert_int_equal(up.batch.head_seq, batch->head_seq);
    assert_memory_equal(up.batch.chain_head, batch->chain_head, MESSAGE_HASH_SIZE);
    assert_int_equal(up.batch.has_signature, batch->has_signature);
    assert_memory_equal(up.batch.signature, batch->signature, MESSAGE_SIGNATURE_SIZE);
    assert_int_equal(up.batch.record_count, batch->record_count);
    for (size_t i = 0; i < batch->record_count; i++) {
        assert_int_equal(up.batch.records[i].size, batch->records[i].size);
        assert_memory_equal(
            up.batch.records[i].bytes, batch->records[i].bytes, batch->records[i].size);
    }
    up_message_done(&up);
    assert_null(up.storage);
}

static void batches_of_one_and_of_256_come_back(void **state)
{
    struct batch one = a_batch(1, 60);
    struct batch full = a_batch(BATCH_RECORDS_MAX, 200);

    (void)state;
    one.has_signature = true;
    memset(one.signature, 0x33, sizeof one.signature);
    assert_batch_round_trip(&one);
    assert_batch_round_trip(&full);
    one.first_seq = one.head_seq = INT64_MAX;
    assert_batch_round_trip(&one);
}

static void a_batch_of_exactly_64_kib_fits_and_one_byte_more_does_not(void **state)
{
    struct batch batch = a_batch(128, RECORD_BYTES_MAX);
    struct bytes_view views[128];
    size_t size = 0;
    size_t excess = 0;

    (void)state;
    assert_int_equal(batch_encode(&batch, buffer, sizeof buffer, &size), -EINVAL);
    memcpy(views, batch.records, sizeof views);
    views[126].size = 300;
    batch.records = views;
    batch.record_count = 127;
    assert_int_equal(batch_encode(&batch, buffer, sizeof buffer, &size), 0);
    excess = BATCH_BYTES_MAX - size - 3; /* its tag and the two bytes of its length */
    views[127].size = excess;
    batch.record_count = 128;
    assert_true(excess > 127 && excess < RECORD_BYTES_MAX);
    assert_int_equal(batch_encode(&batch, buffer, sizeof buffer, &size), 0);
    assert_int_equal(size, BATCH_BYTES_MAX);
    assert_batch_round_trip(&batch);
    views[127].size = excess + 1;
    assert_int_equal(batch_encode(&batch, buffer, sizeof buffer, &size), -EINVAL);
    assert_int_equal(batch_encode(&batch, buffer, 100, &size), -EINVAL);
    views[127].size = excess;
    assert_int_equal(batch_encode(&batch, buffer, 100, &size), -ENOBUFS);
}

static void assert_batch_refused(const struct batch *batch)
{
    size_t size = 99;

    assert_int_equal(batch_encode(batch, buffer, sizeof buffer, &size), -EINVAL);
    assert_int_equal(size, 99);
}

static void a_batch_outside_the_limits_is_not_encoded(void **state)
{
    struct batch bad;

    (void)state;
    bad = a_batch(0, 10), assert_batch_refused(&bad);
    bad = a_batch(BATCH_RECORDS_MAX + 1, 10), assert_batch_refused(&bad);
    bad = a_batch(1, 0), assert_batch_refused(&bad);
    bad = a_batch(1, RECORD_BYTES_MAX + 1), assert_batch_refused(&bad);
    bad = a_batch(1, 10), bad.first_seq = 0, assert_batch_refused(&bad);
    bad = a_batch(2, 10), bad.head_seq = 10, assert_batch_refused(&bad);
    bad = a_batch(1, 10), bad.head_seq = UINT64_MAX, assert_batch_refused(&bad);
    bad = a_batch(1, 10), bad.first_seq = UINT64_MAX, assert_batch_refused(&bad);
    bad = a_batch(1, 10), bad.device_id[0] = '+', assert_batch_refused(&bad);
}

/* A batch by hand. */
static struct wire batch_wire(size_t count, size_t record, size_t chain, size_t signature)
{
    static const uint8_t ones[RECORD_BYTES_MAX + 1] = {1};
    struct wire batch = {0};
    struct wire up = {0};

    wire_text(&batch, 1, "GW1");
    wire_number(&batch, 3, 1);
    for (size_t i = 0; i < count; i++) {
        wire_bytes(&batch, 4, ones, record);
    }
    wire_number(&batch, 5, 300);
    wire_bytes(&batch, 6, ones, chain);
    if (signature > 0) {
        wire_bytes(&batch, 7, ones, signature);
    }
    wire_message(&up, 2, &batch);
    return up;
}

static void a_batch_with_a_part_of_another_size_is_malformed(void **state)
{
    struct wire wire = batch_wire(256, 10, 32, 64);
    struct up_message up;

    (void)state;
    assert_int_equal(up_message_decode(wire.bytes, wire.size, &up), 0);
    up_message_done(&up);
    wire = batch_wire(257, 10, 32, 64), assert_malformed(&wire);
    wire = batch_wire(0, 10, 32, 64), assert_malformed(&wire);
    wire = batch_wire(2, 0, 32, 64), assert_malformed(&wire);
    wire = batch_wire(1, 513, 32, 64), assert_malformed(&wire);
    wire = batch_wire(1, 10, 31, 64), assert_malformed(&wire);
    wire = batch_wire(1, 10, 33, 0), assert_malformed(&wire);
    wire = batch_wire(1, 10, 32, 63), assert_malformed(&wire);
    wire = batch_wire(1, 10, 32, 65), assert_malformed(&wire);
    wire = batch_wire(130, 510, 32, 0), assert_malformed(&wire); /* above 64 KiB */
}

static void a_truncated_batch_is_malformed_at_every_length(void **state)
{
    struct batch batch = a_batch(3, 20);
    struct up_message up;
    size_t size = 0;

    (void)state;
    assert_int_equal(batch_encode(&batch, buffer, sizeof buffer, &size), 0);
    for (size_t cut = 0; cut < size; cut++) {
        assert_int_equal(up_message_decode(buffer, cut, &up), -EBADMSG);
    }
}

static void neither_hello_nor_batch_is_malformed(void **state)
{
    struct wire wire = {0};

    (void)state;
    assert_malformed(&wire);
    wire_text(&wire, 3, "a third kind");
    assert_malformed(&wire);
}

static void newer_fields_of_a_batch_are_passed_over(void **state)
{
    struct wire wire = batch_wire(2, 10, 32, 0);
    struct up_message up;

    (void)state;
    wire_number(&wire, 900, 1);
    assert_int_equal(up_message_decode(wire.bytes, wire.size, &up), 0);
    assert_int_equal(up.batch.record_count, 2);
    up_message_done(&up);
}

static void done_may_be_called_twice_and_on_nothing(void **state)
{
    struct up_message up = {0};
    struct batch batch = a_batch(1, 10);
    size_t size = 0;

    (void)state;
    up_message_done(&up);
    assert_int_equal(batch_encode(&batch, buffer, sizeof buffer, &size), 0);
    assert_int_equal(up_message_decode(buffer, size, &up), 0);
    up_message_done(&up);
    up_message_done(&up);
    assert_int_equal(up.batch.record_count, 0);
}

/* ---- what is signed ----------------------------------------------------------------------- */

static void the_signing_input_is_purpose_id_epoch_range_and_head(void **state)
{
    struct batch batch = a_batch(3, 10);
    uint8_t input[BATCH_SIGNING_INPUT_MAX];
    static const uint8_t golden[] = "ecm.v1 batch\0GW-0001\0"
                                    "\x01\x02\x03\x04\x05\x06\x07\x08"
                                    "\0\0\0\0\0\0\0\x0a"
                                    "\0\0\0\0\0\0\0\x0c"
                                    "\x09\x08\x07";
    size_t size = 0;

    (void)state;
    batch.epoch = UINT64_C(0x0102030405060708);
    size = batch_signing_input(&batch, input);
    assert_int_equal(size, 13 + 8 + 24 + 32);
    assert_memory_equal(input, golden, sizeof golden - 1);
    for (size_t i = 13 + 8 + 24 + 3; i < size; i++) {
        assert_int_equal(input[i], 0);
    }
}

static void the_longest_signing_input_fits(void **state)
{
    struct batch batch = a_batch(1, 10);
    uint8_t input[BATCH_SIGNING_INPUT_MAX];

    (void)state;
    memset(batch.device_id, 'd', DEVICE_ID_MAX);
    assert_true(batch_signing_input(&batch, input) <= sizeof input);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_comes_back_as_it_went),
        cmocka_unit_test(a_device_without_records_or_key_can_say_hello),
        cmocka_unit_test(the_largest_hello_is_a_small_message),
        cmocka_unit_test(a_hello_that_contradicts_itself_is_not_encoded),
        cmocka_unit_test(a_hello_with_a_part_of_another_size_is_malformed),
        cmocka_unit_test(batches_of_one_and_of_256_come_back),
        cmocka_unit_test(a_batch_of_exactly_64_kib_fits_and_one_byte_more_does_not),
        cmocka_unit_test(a_batch_outside_the_limits_is_not_encoded),
        cmocka_unit_test(a_batch_with_a_part_of_another_size_is_malformed),
        cmocka_unit_test(a_truncated_batch_is_malformed_at_every_length),
        cmocka_unit_test(neither_hello_nor_batch_is_malformed),
        cmocka_unit_test(newer_fields_of_a_batch_are_passed_over),
        cmocka_unit_test(done_may_be_called_twice_and_on_nothing),
        cmocka_unit_test(the_signing_input_is_purpose_id_epoch_range_and_head),
        cmocka_unit_test(the_longest_signing_input_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
