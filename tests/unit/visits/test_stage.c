/* test_stage.c - what a slot is while its day goes on: each mark, and the second before it. */
#include <stdio.h>

#include "tests/unit/suite.h"
#include "tests/unit/visits/world.h"

#define START NINE
#define END (NINE + 1800)

struct mark {
    int64_t asof_utc;
    const char *stage;
};

static void assert_marks(enum slot_status status, const struct mark *marks, size_t count)
{
    const struct planned_row planned = {.start_utc = START, .end_utc = END};
    const struct visits_slot slot = {.status = (uint8_t)status};

    for (size_t i = 0; i < count; i++) {
        assert_string_equal(visits_stage_name(visits_stage(
                                &visits_default_params, &planned, &slot, marks[i].asof_utc)),
            marks[i].stage);
    }
}

static void slot_without_anybody_is_missed_only_after_the_window(void **state)
{
    const struct mark marks[] = {{START - 1, "NOT_DUE"}, {START, "DUE"}, {START + 900, "DUE"},
        {START + 901, "LATE"}, {START + 7200, "LATE"}, {START + 7201, ""}};

    (void)state;
    assert_marks(SLOT_MISSED, marks, sizeof marks / sizeof marks[0]);
}

static void who_has_not_left_is_there_until_the_window_after_the_end(void **state)
{
    const struct mark marks[] = {{START, "ONGOING"}, {END + 7200, "ONGOING"}, {END + 7201, ""}};

    (void)state;
    assert_marks(SLOT_HELD_NO_OUT, marks, sizeof marks / sizeof marks[0]);
}

static void what_is_settled_stays_so(void **state)
{
    const enum slot_status settled[] = {
        SLOT_OK, SLOT_HELD_NO_IN, SLOT_SAME_CARER, SLOT_CANC_NOTICE, SLOT_CANC_SHORT};
    const struct mark marks[] = {{START - 1, ""}, {START, ""}, {END + 7201, ""}};

    (void)state;
    for (size_t i = 0; i < sizeof settled / sizeof settled[0]; i++) {
        assert_marks(settled[i], marks, sizeof marks / sizeof marks[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slot_without_anybody_is_missed_only_after_the_window),
        cmocka_unit_test(who_has_not_left_is_there_until_the_window_after_the_end),
        cmocka_unit_test(what_is_settled_stays_so),
    };

    return cmocka_run_group_tests_name("stage", tests, NULL, NULL);
}
