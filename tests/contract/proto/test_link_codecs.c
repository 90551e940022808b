/*
 * test_link_codecs.c - the codec of the gateway (protobuf-c) and that of the tag reader (nanopb) keep
 * to the same headers: the same bytes for the same values, the same values for the same bytes.
 */
#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after setjmp.h */
#include <cmocka.h>

#include "proto/link.h"
#include "proto/messages.h"

/* The reader's codec under its other names. */
int nano_record_encode(const struct record *m, uint8_t *bytes, size_t capacity, size_t *ret);
int nano_record_decode(const uint8_t *bytes, size_t size, struct record *ret);
int nano_batch_encode(const struct batch *m, uint8_t *bytes, size_t capacity, size_t *ret);
int nano_command_result_encode(
    const struct command_result *m, uint8_t *bytes, size_t capacity, size_t *ret);
int nano_link_hello_encode(
    const struct link_hello *m, uint8_t *bytes, size_t capacity, size_t *ret);
int nano_link_time_request_encode(
    const struct link_time_request *m, uint8_t *bytes, size_t capacity, size_t *ret);
int nano_link_state_encode(
    const struct link_state *m, uint8_t *bytes, size_t capacity, size_t *ret);
int nano_link_update_request_encode(
    const struct link_update_request *m, uint8_t *bytes, size_t capacity, size_t *ret);
int nano_link_update_result_encode(
    const struct link_update_result *m, uint8_t *bytes, size_t capacity, size_t *ret);
int nano_link_welcome_decode(const uint8_t *bytes, size_t size, struct link_welcome *ret);
int nano_link_refusal_decode(const uint8_t *bytes, size_t size, struct link_refusal *ret);
int nano_link_ack_decode(const uint8_t *bytes, size_t size, struct link_ack *ret);
int nano_link_time_decode(const uint8_t *bytes, size_t size, struct link_time *ret);
int nano_link_update_block_decode(const uint8_t *bytes, size_t size, struct link_update_block *ret);

enum { ROUNDS = 3000, ROOM = 8192 };

static uint64_t chance_state = 1;

static uint64_t chance(void)
{
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return chance_state;
}

/* Numbers of all lengths, zero among them. */
static uint64_t number(unsigned bits)
{
    unsigned shift = (unsigned)(chance() % (bits + 1));

    return shift == 0 ? 0 : chance() >> (64 - shift);
}

static uint64_t count(void)
{
    return number(63);
}

static bool coin(void)
{
    return chance() % 2 == 0;
}

static void some_bytes(uint8_t *bytes, size_t size)
{
    bool is_zero = chance() % 8 == 0;

    for (size_t i = 0; i < size; i++) {
        bytes[i] = is_zero ? 0 : (uint8_t)chance();
    }
}

static void some_text(char *text, size_t max)
{
    static const char *const pieces[] = {"a", "Z", "7", "-", "\xc3\xa9", "\xe2\x82\xac", " "};
    size_t used = 0;
    size_t wanted = chance() % 4 == 0 ? max : chance() % (max + 1);

    for (;;) {
        const char *piece = pieces[chance() % (sizeof pieces / sizeof pieces[0])];

        if (used + strlen(piece) > wanted) {
            break;
        }
        memcpy(text + used, piece, strlen(piece));
        used += strlen(piece);
    }
    text[used] = '\0';
}

static void some_id(char *id)
{
    size_t size = 1 + chance() % DEVICE_ID_MAX;

    for (size_t i = 0; i < size; i++) {
        id[i] = "abXYZ019-_."[chance() % 11];
    }
    id[size] = '\0';
}

static int64_t some_unix_ms(void)
{
    return (int64_t)(chance() % INT64_C(315537897600000)) - INT64_C(62135596800000);
}

static struct record some_record(void)
{
    static const uint8_t sizes[] = {4, 7, 10};
    struct record record = {
        .seq = 1 + number(62),
        .type = (enum record_type)(1 + chance() % 8),
        .boot_id = chance(),
        .boot_ms = count(),
        .wall_ms = some_unix_ms(),
        .wall_trust = (enum wall_trust)(chance() % 3),
        .wall_uncertainty_ms = coin() ? UINT32_MAX : (uint32_t)number(32),
    };

    if (record.type == RECORD_TAP) {
        record.tap.uid_size = sizes[chance() % 3];
        some_text(record.tap.reader, READER_NAME_MAX);
        some_bytes(record.tap.uid, record.tap.uid_size);
        record.tap.tech = (enum tap_tech)(chance() % 5);
        record.tap.has_sun = coin();
        if (record.tap.has_sun) {
            some_bytes(record.tap.sun_picc, sizeof record.tap.sun_picc);
            some_bytes(record.tap.sun_mac, sizeof record.tap.sun_mac);
        }
        record.tap.direction = coin() ? TAP_IN : TAP_OUT;
        record.tap.flags = (uint32_t)number(32);
    } else if (record.type == RECORD_CLOCK_SET) {
        record.clock_set.wall_before_ms = some_unix_ms();
    } else if (record.type == RECORD_TAMPER || record.type == RECORD_BUTTON) {
        record.input.active = coin();
        record.input.which = (uint32_t)number(32);
    } else {
        some_text(record.note.text, RECORD_TEXT_MAX);
    }
    return record;
}

static uint8_t ours[ROOM], theirs[ROOM];

static void assert_same_bytes(int rc, size_t size, int nano_rc, size_t nano_size)
{
    assert_int_equal(rc, nano_rc);
    if (rc == 0) {
        assert_int_equal(size, nano_size);
        assert_memory_equal(ours, theirs, size);
    }
}

#define ASSERT_SAME_ENCODING(name, value)                                                          \
    do {                                                                                           \
        size_t size_ = 0, nano_size_ = 0;                                                          \
        int rc_ = name##_encode(&(value), ours, sizeof ours, &size_);                              \
        int nano_rc_ = nano_##name##_encode(&(value), theirs, sizeof theirs, &nano_size_);         \
        assert_same_bytes(rc_, size_, nano_rc_, nano_size_);                                       \
        assert_int_equal(rc_, 0);                                                                  \
    } while (0)

static void both_codecs_write_the_same_record_and_read_it_back(void **state)
{
    (void)state;
    for (int i = 0; i < 4 * ROUNDS; i++) {
        struct record record = some_record();
        struct record back, nano_back;
        size_t size = 0;

        ASSERT_SAME_ENCODING(record, record);
        assert_int_equal(record_encode(&record, ours, sizeof ours, &size), 0);
        assert_int_equal(record_decode(ours, size, &back), 0);
        assert_int_equal(nano_record_decode(ours, size, &nano_back), 0);
        assert_memory_equal(&back, &nano_back, sizeof back);
        assert_int_equal(record_encode(&nano_back, theirs, sizeof theirs, &size), 0);
        assert_memory_equal(ours, theirs, size);
    }
}

static void both_codecs_write_the_same_batch_and_the_gateway_reads_it(void **state)
{
    static uint8_t bytes[LINK_BATCH_RECORDS_MAX][RECORD_BYTES_MAX];

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct bytes_view views[LINK_BATCH_RECORDS_MAX];
        struct batch batch = {.records = views, .epoch = chance(), .first_seq = 1 + number(60)};
        struct up_message up;
        size_t size = 0;

        some_id(batch.device_id);
        batch.record_count = 1 + chance() % LINK_BATCH_RECORDS_MAX;
        for (size_t r = 0; r < batch.record_count; r++) {
            views[r].size = 1 + chance() % (chance() % 16 == 0 ? RECORD_BYTES_MAX : 112);
            some_bytes(bytes[r], views[r].size);
            views[r].bytes = bytes[r];
        }
        batch.head_seq = batch.first_seq + batch.record_count - 1 + number(40);
        some_bytes(batch.chain_head, sizeof batch.chain_head);
        batch.has_signature = coin();
        some_bytes(batch.signature, sizeof batch.signature);
        ASSERT_SAME_ENCODING(batch, batch);
        assert_int_equal(batch_encode(&batch, ours, sizeof ours, &size), 0);
        assert_int_equal(up_message_decode(ours, size, &up), 0);
        assert_int_equal(up.kind, UP_BATCH);
        assert_int_equal(up.batch.record_count, batch.record_count);
        up_message_done(&up);
    }
}

static void both_codecs_write_the_same_hello(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct link_hello hello = {.epoch = chance(), .boot_id = chance(), .head_seq = number(62)};
        struct link_hello back;
        size_t size = 0;

        some_id(hello.device_id);
        hello.done_seq = hello.head_seq == 0 ? 0 : chance() % (hello.head_seq + 1);
        hello.oldest_seq = 1 + chance() % (hello.head_seq + 1);
        some_bytes(hello.chain_before_oldest, sizeof hello.chain_before_oldest);
        some_bytes(hello.chain_after_done, sizeof hello.chain_after_done);
        hello.has_public_key = coin();
        if (hello.has_public_key) {
            some_bytes(hello.public_key, sizeof hello.public_key);
        }
        hello.protocol_min = 1 + (uint32_t)number(8);
        hello.protocol_max = hello.protocol_min + (uint32_t)number(8);
        some_text(hello.version, LINK_NAME_MAX);
        some_text(hello.board, LINK_NAME_MAX);
        some_text(hello.failed_update, LINK_NAME_MAX);
        ASSERT_SAME_ENCODING(link_hello, hello);
        assert_int_equal(link_hello_encode(&hello, ours, sizeof ours, &size), 0);
        assert_int_equal(link_hello_decode(ours, size, &back), 0);
        assert_string_equal(back.device_id, hello.device_id);
        assert_memory_equal(back.public_key, hello.public_key, sizeof hello.public_key);
        assert_int_equal(back.oldest_seq, hello.oldest_seq);
        assert_int_equal(link_hello_encode(&back, theirs, sizeof theirs, &size), 0);
        assert_memory_equal(ours, theirs, size);
    }
}

static void both_codecs_write_the_same_small_requests(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct link_time_request time = {.t1_us = count()};
        struct link_state how = {count(), count(), count(), count(), count(), coin(),
            (enum wall_trust)(chance() % 3), count(), count(), (uint32_t)number(32), count(),
            count()};
        struct link_update_request update = {.offset = (uint32_t)number(31)};
        struct link_update_result became = {.code = (int32_t)(uint32_t)number(32)};
        struct command_result result = {.command_id = chance(), .code = -(int32_t)number(31)};
        struct link_state back;
        size_t size = 0;

        update.size = 1 + (uint32_t)(chance() % LINK_UPDATE_DATA_MAX);
        some_bytes(update.image_sha256, sizeof update.image_sha256);
        some_bytes(became.image_sha256, sizeof became.image_sha256);
        some_text(became.text, RECORD_TEXT_MAX);
        some_text(result.text, RECORD_TEXT_MAX);
        ASSERT_SAME_ENCODING(link_time_request, time);
        ASSERT_SAME_ENCODING(link_update_request, update);
        ASSERT_SAME_ENCODING(link_update_result, became);
        ASSERT_SAME_ENCODING(command_result, result);
        ASSERT_SAME_ENCODING(link_state, how);
        assert_int_equal(link_state_encode(&how, ours, sizeof ours, &size), 0);
        assert_int_equal(link_state_decode(ours, size, &back), 0);
        assert_int_equal(back.timeouts, how.timeouts);
        assert_int_equal(back.log_bytes_max, how.log_bytes_max);
    }
}

static void the_reader_reads_every_answer_as_the_gateway_meant_it(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct link_welcome welcome = {.boot_id = chance(),
            .protocol = 1 + (uint32_t)number(8),
            .epoch = chance(),
            .held_seq = count()};
        struct link_welcome welcome_back = {0};
        struct link_refusal refusal = {.code = (enum link_refusal_code)(chance() % 7)};
        struct link_refusal refusal_back = {0};
        struct link_time time = {.t1_us = count(),
            .t2_us = some_unix_ms() * 1000,
            .wall_trust = (enum wall_trust)(chance() % 3),
            .wall_uncertainty_ms = coin() ? UINT32_MAX : (uint32_t)number(32)};
        struct link_time time_back = {0};
        size_t size = 0;

        some_id(welcome.gateway_id);
        welcome.done_seq = chance() % (welcome.held_seq + 1);
        assert_int_equal(link_welcome_encode(&welcome, ours, sizeof ours, &size), 0);
        assert_int_equal(nano_link_welcome_decode(ours, size, &welcome_back), 0);
        assert_string_equal(welcome.gateway_id, welcome_back.gateway_id);
        assert_true(welcome.boot_id == welcome_back.boot_id);
        assert_true(welcome.held_seq == welcome_back.held_seq);
        assert_true(welcome.done_seq == welcome_back.done_seq);

        some_text(refusal.reason, RECORD_TEXT_MAX);
        assert_int_equal(link_refusal_encode(&refusal, ours, sizeof ours, &size), 0);
        assert_int_equal(nano_link_refusal_decode(ours, size, &refusal_back), 0);
        assert_string_equal(refusal.reason, refusal_back.reason);
        assert_int_equal(refusal.code, refusal_back.code);

        time.t3_us = time.t2_us + (int64_t)(chance() % 1000);
        assert_int_equal(link_time_encode(&time, ours, sizeof ours, &size), 0);
        assert_int_equal(nano_link_time_decode(ours, size, &time_back), 0);
        assert_true(time.t1_us == time_back.t1_us && time.t2_us == time_back.t2_us &&
                    time.t3_us == time_back.t3_us && time.wall_trust == time_back.wall_trust &&
                    time.wall_uncertainty_ms == time_back.wall_uncertainty_ms);
    }
}

static void the_reader_reads_every_ack_and_block_as_the_gateway_meant_it(void **state)
{
    static uint8_t data[LINK_UPDATE_DATA_MAX];

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct link_ack ack = {.epoch = chance(),
            .held_seq = count(),
            .resend_from_seq = count(),
            .is_full = coin(),
            .has_command = coin(),
            .has_offer = coin()};
        struct link_ack back = {0};
        struct link_update_block block = {
            .offset = (uint32_t)number(32), .data = data, .size = chance() % (sizeof data + 1)};
        struct link_update_block block_back = {0};
        size_t size = 0;

        ack.done_seq = chance() % (ack.held_seq + 1);
        if (ack.has_command) {
            ack.command.command_id = chance();
            (void)snprintf(ack.command.name, sizeof ack.command.name, "blink");
            some_text(ack.command.argument, RECORD_TEXT_MAX);
        }
        if (ack.has_offer) {
            ack.offer.size = 1 + (uint32_t)number(31);
            some_bytes(ack.offer.image_sha256, sizeof ack.offer.image_sha256);
            some_text(ack.offer.board, LINK_NAME_MAX);
            some_text(ack.offer.version, LINK_NAME_MAX);
        }
        assert_int_equal(link_ack_encode(&ack, ours, sizeof ours, &size), 0);
        assert_int_equal(nano_link_ack_decode(ours, size, &back), 0);
        assert_true(ack.epoch == back.epoch && ack.held_seq == back.held_seq &&
                    ack.done_seq == back.done_seq && ack.is_full == back.is_full &&
                    ack.resend_from_seq == back.resend_from_seq);
        assert_int_equal(ack.has_command, back.has_command);
        assert_int_equal(ack.has_offer, back.has_offer);
        assert_string_equal(ack.command.argument, back.command.argument);
        assert_memory_equal(&ack.offer, &back.offer, sizeof ack.offer.image_sha256);
        assert_string_equal(ack.offer.version, back.offer.version);

        some_bytes(data, sizeof data);
        assert_int_equal(link_update_block_encode(&block, ours, sizeof ours, &size), 0);
        assert_int_equal(nano_link_update_block_decode(ours, size, &block_back), 0);
        assert_int_equal(block.size, block_back.size);
        assert_true(block.offset == block_back.offset);
        if (block.size > 0) {
            assert_memory_equal(data, block_back.data, block.size);
        }
    }
}

/* A value that one refuses the other refuses as well; what is not to be told apart by bytes. */
static void both_codecs_refuse_the_same_values(void **state)
{
    struct record record = {.seq = 1, .type = RECORD_TAP};
    struct link_hello hello = {
        .device_id = "PR/1", .oldest_seq = 1, .protocol_min = 1, .protocol_max = 1};
    size_t size = 0;

    (void)state;
    record.tap.uid_size = 5;
    record.tap.direction = TAP_IN;
    assert_int_equal(record_encode(&record, ours, sizeof ours, &size), -EINVAL);
    assert_int_equal(nano_record_encode(&record, ours, sizeof ours, &size), -EINVAL);
    record.tap.uid_size = 7;
    assert_int_equal(record_encode(&record, ours, 5, &size), -ENOBUFS);
    assert_int_equal(nano_record_encode(&record, ours, 5, &size), -ENOBUFS);
    record.seq = 0;
    assert_int_equal(nano_record_encode(&record, ours, sizeof ours, &size), -EINVAL);
    assert_int_equal(link_hello_encode(&hello, ours, sizeof ours, &size), -EINVAL);
    assert_int_equal(nano_link_hello_encode(&hello, ours, sizeof ours, &size), -EINVAL);
    (void)snprintf(hello.device_id, sizeof hello.device_id, "PR-1");
    hello.protocol_min = 2;
    assert_int_equal(link_hello_encode(&hello, ours, sizeof ours, &size), -EINVAL);
    assert_int_equal(nano_link_hello_encode(&hello, ours, sizeof ours, &size), -EINVAL);
}

/* What a newer gateway adds is passed over by the reader. */
static void the_reader_passes_over_fields_of_a_newer_gateway(void **state)
{
    static const uint8_t newer[] = {0xf2, 0x03, 3, 'n', 'e', 'w'}; /* field 62 */
    struct link_ack ack = {.epoch = 1, .held_seq = 9, .done_seq = 3};
    struct link_ack back = {0};
    size_t size = 0;

    (void)state;
    assert_int_equal(link_ack_encode(&ack, ours, sizeof ours, &size), 0);
    memcpy(ours + size, newer, sizeof newer);
    assert_int_equal(nano_link_ack_decode(ours, size + 6, &back), 0);
    assert_int_equal(back.held_seq, 9);
    assert_int_equal(link_ack_decode(ours, size + 6, &back), 0);
    assert_int_equal(back.done_seq, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_codecs_write_the_same_record_and_read_it_back),
        cmocka_unit_test(both_codecs_write_the_same_batch_and_the_gateway_reads_it),
        cmocka_unit_test(both_codecs_write_the_same_hello),
        cmocka_unit_test(both_codecs_write_the_same_small_requests),
        cmocka_unit_test(the_reader_reads_every_answer_as_the_gateway_meant_it),
        cmocka_unit_test(the_reader_reads_every_ack_and_block_as_the_gateway_meant_it),
        cmocka_unit_test(both_codecs_refuse_the_same_values),
        cmocka_unit_test(the_reader_passes_over_fields_of_a_newer_gateway),
    };

    chance_state = 0x9e3779b97f4a7c15;
    print_message("seed %llx\n", (unsigned long long)chance_state);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
