/* test_evidence.c - corrections and file references in a store. */
#include "collector/storage/evidence.h"

#include <errno.h>
#include <string.h>

#include "collector/storage/storage.h"
#include "collector/storage/storage_sqlite.h"

#include "tests/unit/suite.h"

static int setup(void **state)
{
    struct storage *storage = NULL;

    assert_int_equal(storage_sqlite_open(&storage, ":memory:", 0, NULL), 0);
    *state = storage;
    return 0;
}

static int teardown(void **state)
{
    storage_close(*state);
    return 0;
}

static int append(struct storage *storage, int64_t seq)
{
    const struct storage_correction correction = {.seq = seq, .line = "{}", .hash = "h"};
    const struct storage_amendment amendment = {.amend_id = "C000001",
        .created_utc = 5,
        .is_void = 1,
        .person_id = "",
        .carer_id = "",
        .kind = "",
        .event_id = "E1",
        .reason_code = "06"};

    return storage->ops->correction_append(storage, &correction, &amendment);
}

static int count_correction(void *user, const struct storage_correction *correction)
{
    int64_t *count = user;

    assert_int_equal(correction->seq, ++*count);
    return 0;
}

static void corrections_come_back_in_order_and_only_the_next_may_follow(void **state)
{
    struct storage *storage = *state;
    int64_t count = 0;

    assert_int_equal(storage->ops->corrections(storage, count_correction, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(append(storage, 2), -EAGAIN);
    assert_int_equal(append(storage, 1), 0);
    assert_int_equal(append(storage, 1), -EAGAIN);
    assert_int_equal(append(storage, 3), -EAGAIN);
    assert_int_equal(append(storage, 2), 0);
    assert_int_equal(storage->ops->corrections(storage, count_correction, &count), 0);
    assert_int_equal(count, 2);
}

static void a_refused_correction_leaves_no_amendment_and_no_news(void **state)
{
    struct storage *storage = *state;
    const struct storage_filter everything = {0};
    struct dataset dataset;
    uint64_t before = 0;
    uint64_t after = 0;

    assert_int_equal(storage->ops->imports(storage, &before), 0);
    assert_int_equal(append(storage, 7), -EAGAIN);
    assert_int_equal(storage->ops->imports(storage, &after), 0);
    assert_int_equal(after, before);
    assert_int_equal(dataset_init(&dataset), 0);
    assert_int_equal(storage->ops->load(storage, &everything, &dataset, NULL), 0);
    assert_int_equal(dataset.amendments_count, 0);
    dataset_done(&dataset);
    assert_int_equal(append(storage, 1), 0);
    assert_int_equal(storage->ops->imports(storage, &after), 0);
    assert_int_equal(after, before + 1);
    assert_int_equal(dataset_init(&dataset), 0);
    assert_int_equal(storage->ops->load(storage, &everything, &dataset, NULL), 0);
    assert_int_equal(dataset.amendments_count, 1);
    assert_true(dataset.amendments[0].is_void);
    assert_string_equal(dataset_text(&dataset, dataset.amendments[0].event_id), "E1");
    dataset_done(&dataset);
}

static void no_reference_is_given_twice(void **state)
{
    struct storage *storage = *state;
    int64_t last = 0;

    for (int i = 0; i < 20; i++) {
        int64_t number = 0;

        assert_int_equal(storage->ops->reference_take(storage, "the same", 5, &number), 0);
        assert_true(number > last);
        last = number;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            corrections_come_back_in_order_and_only_the_next_may_follow, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_refused_correction_leaves_no_amendment_and_no_news, setup, teardown),
        cmocka_unit_test_setup_teardown(no_reference_is_given_twice, setup, teardown),
    };

    return cmocka_run_group_tests_name("evidence", tests, NULL, NULL);
}
