/* test_dataset.c - texts and tables. */
#include "collector/visits/dataset.h"

#include <stdio.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/suite.h"

enum { MANY = 50000 };

static text_id intern(struct dataset *dataset, const char *text)
{
    text_id id = 0;

    assert_int_equal(dataset_intern(dataset, text, strlen(text), &id), 0);
    return id;
}

static void equal_texts_have_equal_ids_and_keep_their_place(void **state)
{
    struct dataset dataset;
    const char *first = NULL;

    (void)state;
    assert_int_equal(dataset_init(&dataset), 0);
    first = dataset_text(&dataset, intern(&dataset, "t0"));
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            char text[32];
            text_id id = 0;

            (void)snprintf(text, sizeof text, "t%d", i);
            id = intern(&dataset, text);
            assert_int_equal(id, i + 1);
            assert_string_equal(dataset_text(&dataset, id), text);
            assert_int_equal(dataset_text_size(&dataset, id), strlen(text));
        }
    }
    assert_int_equal(dataset_text_count(&dataset), MANY + 1);
    assert_ptr_equal(dataset_text(&dataset, 1), first);
    dataset_done(&dataset);
}

static void empty_text_is_0_and_unknown_text_is_not_found(void **state)
{
    struct dataset dataset;
    text_id known = 0;

    (void)state;
    assert_int_equal(dataset_init(&dataset), 0);
    known = intern(&dataset, "known");
    assert_int_equal(intern(&dataset, ""), 0);
    assert_string_equal(dataset_text(&dataset, 0), "");
    assert_int_equal(dataset_find(&dataset, "known", 5), known);
    assert_int_equal(dataset_find(&dataset, "knows", 5), 0);
    assert_int_equal(dataset_find(&dataset, "", 0), 0);
    dataset_done(&dataset);
}

static void texts_compare_as_raw_bytes(void **state)
{
    struct dataset dataset;
    text_id shorter = 0;
    text_id longer = 0;
    text_id high = 0;

    (void)state;
    assert_int_equal(dataset_init(&dataset), 0);
    high = intern(&dataset, "\xc3\xa9");
    longer = intern(&dataset, "P10");
    shorter = intern(&dataset, "P1");
    assert_true(dataset_compare(&dataset, shorter, longer) < 0);
    assert_true(dataset_compare(&dataset, longer, shorter) > 0);
    assert_true(dataset_compare(&dataset, longer, high) < 0);
    assert_int_equal(dataset_compare(&dataset, high, high), 0);
    dataset_done(&dataset);
}

static void text_of_the_greatest_size_is_kept_whole_and_a_longer_one_refused(void **state)
{
    static char large[DATASET_TEXT_SIZE_MAX + 2];
    struct dataset dataset;
    text_id id = 99;

    (void)state;
    (void)memset(large, 'x', sizeof large - 1);
    assert_int_equal(dataset_init(&dataset), 0);
    assert_int_equal(dataset_intern(&dataset, large, sizeof large - 1, &id), -ENOMEM);
    assert_int_equal(id, 99);
    large[DATASET_TEXT_SIZE_MAX] = '\0';
    for (int i = 0; i < 8; i++) { /* some of them begin a new block */
        large[0] = (char)('a' + i);
        id = intern(&dataset, large);
        assert_int_equal(dataset_text_size(&dataset, id), DATASET_TEXT_SIZE_MAX);
        assert_string_equal(dataset_text(&dataset, id), large);
    }
    dataset_done(&dataset);
}

static void rows_are_copied_in_and_counted(void **state)
{
    struct dataset dataset;

    (void)state;
    assert_int_equal(dataset_init(&dataset), 0);
    for (uint32_t i = 0; i < MANY; i++) {
        const struct event_row row = {.arrival = i};

        assert_int_equal(dataset_add_event(&dataset, &row), 0);
    }
    assert_int_equal(dataset.events_count, MANY);
    assert_int_equal(dataset.events[MANY - 1].arrival, MANY - 1);
    dataset_done(&dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_texts_have_equal_ids_and_keep_their_place),
        cmocka_unit_test(empty_text_is_0_and_unknown_text_is_not_found),
        cmocka_unit_test(texts_compare_as_raw_bytes),
        cmocka_unit_test(text_of_the_greatest_size_is_kept_whole_and_a_longer_one_refused),
        cmocka_unit_test(rows_are_copied_in_and_counted),
    };

    return cmocka_run_group_tests_name("dataset", tests, NULL, NULL);
}
