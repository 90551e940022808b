/*
 * test_tag_table.c - who lies on a reader, and what is told of it.
 */
#include <string.h>

#include "hal/chip/tag_table.h"
#include "tests/unit/suite.h"

static struct pn532_target target(uint8_t first, uint8_t last)
{
    return (struct pn532_target){.number = 1, .uid_size = 4, .uid = {first, 2, 3, last}};
}

static void see(struct tag_table *table, uint8_t first, uint8_t last)
{
    struct pn532_target found = target(first, last);
    struct tag_slot *slot = tag_table_find(table, &found);

    if (slot != NULL) {
        tag_slot_see(slot, &found);
    } else {
        assert_non_null(tag_table_add(table, &found, 5));
    }
}

static void assert_told(struct tag_table *table, enum hal_reader_event_kind kind, uint8_t last)
{
    struct hal_reader_event event = {.kind = HAL_READER_NONE};

    assert_true(tag_table_has_news(table));
    assert_true(tag_table_take(table, &event));
    assert_int_equal(event.kind, kind);
    assert_int_equal(event.tag.uid[3], last);
}

static void assert_nothing_told(struct tag_table *table)
{
    struct hal_reader_event event;

    assert_false(tag_table_has_news(table));
    assert_false(tag_table_take(table, &event));
}

static void miss_round(struct tag_table *table)
{
    tag_table_start_round(table);
    tag_table_end_round(table);
}

static void a_tag_leaves_after_three_misses_in_a_row(void **state)
{
    struct tag_table table = {0};

    (void)state;
    see(&table, 4, 1);
    assert_told(&table, HAL_READER_TAG, 1);
    miss_round(&table);
    miss_round(&table);
    tag_table_start_round(&table);
    see(&table, 4, 1);
    tag_table_end_round(&table);
    miss_round(&table);
    miss_round(&table);
    assert_nothing_told(&table);
    miss_round(&table);
    assert_told(&table, HAL_READER_GONE, 1);
    assert_nothing_told(&table);
    assert_int_equal(tag_table_count(&table), 0);
}

static void a_coming_is_told_even_when_the_tag_has_left_again(void **state)
{
    struct tag_table table = {0};

    (void)state;
    see(&table, 4, 1);
    for (int i = 0; i < 10; i++) {
        miss_round(&table);
    }
    tag_table_all_left(&table);
    assert_told(&table, HAL_READER_TAG, 1);
    miss_round(&table);
    assert_told(&table, HAL_READER_GONE, 1);
    assert_nothing_told(&table);
}

static void a_random_number_is_the_same_tag_in_the_next_round_only(void **state)
{
    struct tag_table table = {0};
    struct pn532_target other = target(8, 3);

    (void)state;
    see(&table, 8, 1);
    assert_told(&table, HAL_READER_TAG, 1);
    tag_table_start_round(&table);
    see(&table, 8, 2);
    assert_nothing_told(&table);
    assert_int_equal(tag_table_unseen(&table), 0);
    assert_null(tag_table_find(&table, &other)); /* a second one in the same round */
    see(&table, 8, 3);
    assert_told(&table, HAL_READER_TAG, 3);
    assert_int_equal(tag_table_count(&table), 2);
}

static void a_full_table_takes_nobody_until_one_has_left_and_that_was_told(void **state)
{
    struct tag_table table = {0};
    struct pn532_target fifth = target(4, 5);

    (void)state;
    for (int i = 1; i <= TAG_TABLE_MAX; i++) {
        see(&table, 4, (uint8_t)i);
        assert_told(&table, HAL_READER_TAG, (uint8_t)i);
    }
    assert_null(tag_table_add(&table, &fifth, 6));
    tag_table_all_left(&table);
    assert_null(tag_table_add(&table, &fifth, 6));
    assert_told(&table, HAL_READER_GONE, 1);
    assert_non_null(tag_table_add(&table, &fifth, 6));
    assert_told(&table, HAL_READER_GONE, 2);
}

static void the_youngest_counts(void **state)
{
    struct tag_table table = {0};
    struct pn532_target found = target(4, 9);

    (void)state;
    assert_int_equal(tag_table_youngest_us(&table), 0);
    see(&table, 4, 1);
    assert_non_null(tag_table_add(&table, &found, 77));
    assert_int_equal(tag_table_youngest_us(&table), 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tag_leaves_after_three_misses_in_a_row),
        cmocka_unit_test(a_coming_is_told_even_when_the_tag_has_left_again),
        cmocka_unit_test(a_random_number_is_the_same_tag_in_the_next_round_only),
        cmocka_unit_test(a_full_table_takes_nobody_until_one_has_left_and_that_was_told),
        cmocka_unit_test(the_youngest_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
