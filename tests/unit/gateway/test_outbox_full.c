/*
 * test_outbox_full.c - the budget of gateway/outbox.h: refuse visibly, never drop, drain again.
 */
#include "tests/unit/suite.h"

#include <stdio.h>

#include "base/err.h"
#include "tests/unit/gateway/outbox_help.h"

static struct readout readout;

/* Append until it is full. Returns how many fitted. */
static uint64_t fill_up(struct outbox *box)
{
    uint64_t n = outbox_head_seq(box) + 1;
    struct record record = make_tap(n);

    while (outbox_append(box, &record) == 0) {
        n++;
        record = make_tap(n);
        assert_true(n < 100000);
    }
    assert_int_equal(outbox_append(box, &record), ECM_EFULL);
    return n - 1;
}

static void a_full_outbox_refuses_and_keeps_everything(void **state)
{
    struct outbox *box = open_small_box(*state, OUTBOX_BYTES_MIN);
    uint64_t fitted = fill_up(box);
    uint64_t seen = 1;

    assert_true(fitted > 200);
    assert_int_equal(outbox_head_seq(box), fitted);
    assert_int_equal(outbox_oldest_seq(box), 1);
    while (seen + 256 < fitted) {
        seen += 256;
    }
    assert_int_equal(read_out(box, seen, &readout), 0);
    assert_int_equal(readout.count, fitted - seen + 1);
    assert_true(outbox_bytes(box) <= OUTBOX_BYTES_MIN);
    outbox_close(box);
}

static void a_full_outbox_opens_and_is_still_full(void **state)
{
    struct outbox *box = open_small_box(*state, OUTBOX_BYTES_MIN);
    uint64_t fitted = fill_up(box);
    struct record record = make_tap(1);

    outbox_close(box);
    box = open_small_box(*state, OUTBOX_BYTES_MIN);
    assert_int_equal(outbox_head_seq(box), fitted);
    assert_int_equal(outbox_append(box, &record), ECM_EFULL);
    outbox_close(box);
}

static void a_refused_record_takes_no_seq(void **state)
{
    struct outbox *box = open_small_box(*state, OUTBOX_BYTES_MIN);
    uint64_t fitted = fill_up(box);
    struct record record = make_tap(fitted + 1);

    assert_int_equal(outbox_ack(box, fitted), 0);
    assert_int_equal(outbox_append(box, &record), 0);
    assert_int_equal(record.seq, fitted + 1);
    outbox_close(box);
}

static void acked_records_make_room_oldest_first(void **state)
{
    struct outbox *box = open_small_box(*state, OUTBOX_BYTES_MIN);
    uint64_t fitted = fill_up(box);

    assert_int_equal(outbox_ack(box, 300), 0);
    append_taps(box, fitted + 1, fitted + 1);
    assert_int_equal(outbox_oldest_seq(box), 257);
    assert_int_equal(read_out(box, fitted, &readout), 0);
    assert_int_equal(readout.count, 2);
    outbox_close(box);
}

static void unacked_records_never_make_room(void **state)
{
    struct outbox *box = open_small_box(*state, OUTBOX_BYTES_MIN);
    uint64_t fitted = fill_up(box);
    uint64_t more = 0;

    assert_int_equal(outbox_ack(box, 100), 0);
    more = fill_up(box);
    assert_true(more > fitted);
    assert_int_equal(outbox_oldest_seq(box), 101);
    assert_int_equal(read_out(box, more - 400, &readout), 0);
    assert_int_equal(readout.count, 401);
    outbox_close(box);
}

static void acks_are_written_while_full(void **state)
{
    struct outbox *box = open_small_box(*state, OUTBOX_BYTES_MIN);
    uint64_t fitted = fill_up(box);

    assert_int_equal(outbox_ack(box, fitted), 0);
    assert_int_equal(outbox_keep_house(box, 1700000000000, 90), 0);
    outbox_close(box);
    box = open_small_box(*state, OUTBOX_BYTES_MIN);
    assert_int_equal(outbox_acked_seq(box), fitted);
    outbox_close(box);
}

static void a_small_outbox_carries_any_number_of_acked_records(void **state)
{
    struct outbox *box = open_small_box(*state, OUTBOX_BYTES_MIN);

    for (uint64_t n = 1; n <= 4000; n++) {
        append_taps(box, n, n);
        assert_int_equal(outbox_ack(box, n), 0);
    }
    assert_int_equal(outbox_head_seq(box), 4000);
    assert_true(outbox_oldest_seq(box) > 1000);
    assert_true(outbox_bytes(box) <= OUTBOX_BYTES_MIN);
    outbox_close(box);
}

static void a_lowered_budget_keeps_what_is_there(void **state)
{
    struct outbox *box = open_small_box(*state, 4 * OUTBOX_BYTES_MIN);
    uint64_t fitted = fill_up(box);
    struct record record = make_tap(1);

    outbox_close(box);
    box = open_small_box(*state, OUTBOX_BYTES_MIN);
    assert_int_equal(outbox_head_seq(box), fitted);
    assert_int_equal(outbox_append(box, &record), ECM_EFULL);
    assert_int_equal(outbox_ack(box, fitted), 0);
    assert_int_equal(outbox_append(box, &record), 0);
    outbox_close(box);
}

#define OUTBOX_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OUTBOX_TEST(a_full_outbox_refuses_and_keeps_everything),
        OUTBOX_TEST(a_full_outbox_opens_and_is_still_full),
        OUTBOX_TEST(a_refused_record_takes_no_seq),
        OUTBOX_TEST(acked_records_make_room_oldest_first),
        OUTBOX_TEST(unacked_records_never_make_room),
        OUTBOX_TEST(acks_are_written_while_full),
        OUTBOX_TEST(a_small_outbox_carries_any_number_of_acked_records),
        OUTBOX_TEST(a_lowered_budget_keeps_what_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
