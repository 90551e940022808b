/* test_making_import.c - whole imports made up, and whether their noise is that of the field. */
#include "tools/ecm-sim/make_import.h"

#include <string.h>

#include "base/err.h"
#include "collector/import/import.h"
#include "collector/visits/visits.h"
#include "tests/unit/sim/folder.h"
#include "tests/unit/suite.h"
#include "tools/ecm-sim/local_day.h"

enum { PEOPLE = 600, WEEKS = 3 };

static void make(const struct folder *folder, unsigned people, unsigned weeks, uint64_t seed)
{
    struct make_import what = {.people = people, .weeks = weeks, .seed = seed};
    struct err err = {0};

    assert_int_equal(local_day_parse("2021-03-15", &what.first_day), 0);
    assert_int_equal(make_import(&what, folder->path, &err), 0);
}

static void the_same_seed_makes_the_same_import(void **state)
{
    static const char *const names[] = {"period.csv", "providers.csv", "rates.csv", "people.csv",
        "carers.csv", "cards.csv", "devices.csv", "planned.csv", "events.csv", "amendments.csv"};
    struct folder first = folder_make();
    struct folder again = folder_make();
    struct folder other = folder_make();

    (void)state;
    make(&first, 40, 2, 7);
    make(&again, 40, 2, 7);
    make(&other, 40, 2, 8);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *a = folder_read(&first, names[i]);
        char *b = folder_read(&again, names[i]);
        char *c = folder_read(&other, names[i]);

        assert_non_null(a);
        assert_string_equal(a, b);
        if (strcmp(names[i], "events.csv") == 0 || strcmp(names[i], "planned.csv") == 0) {
            assert_string_not_equal(a, c);
        }
        free(a);
        free(b);
        free(c);
    }
    folder_remove(&first);
    folder_remove(&again);
    folder_remove(&other);
}

/* What happened in a made-up import, counted. */
struct counted {
    size_t slots, taps;
    size_t statuses[SLOT_STATUS_COUNT];
    size_t exceptions[EXCEPTION_CODE_COUNT];
    size_t other_carer, late;
};

static void count(const struct dataset *dataset, struct counted *counted)
{
    const struct period_row *row = &dataset->periods[0];
    const struct visits_period period = {row->start_utc, row->end_utc, row->run2_asof_utc};
    struct visits_result result;

    assert_int_equal(visits_reconcile(dataset, &visits_default_params, &period, &result), 0);
    counted->slots = result.slots_count;
    counted->taps = dataset->events_count;
    for (size_t i = 0; i < result.slots_count; i++) {
        struct visits_flags flags;

        counted->statuses[result.slots[i].status]++;
        visits_flags(dataset, &visits_default_params, &result, i, &flags);
        counted->other_carer += flags.is_set[FLAG_CARER_NOT_ROSTERED];
        counted->late += flags.is_set[FLAG_LATE];
    }
    for (size_t i = 0; i < result.exceptions_count; i++) {
        counted->exceptions[result.exceptions[i].code]++;
    }
    visits_done(&result);
}

/* Within a third of what the reference week has, in a million. */
static void assert_like(size_t part, size_t whole, size_t wanted)
{
    size_t got = part * 1000000 / whole;

    assert_in_range(got, wanted * 2 / 3, wanted * 4 / 3);
}

static void a_made_up_import_has_the_noise_of_the_reference_week(void **state)
{
    struct folder folder = folder_make();
    struct dataset dataset;
    struct counted counted = {0};
    struct err err = {0};

    (void)state;
    make(&folder, PEOPLE, WEEKS, 1);
    assert_int_equal(dataset_init(&dataset), 0);
    assert_int_equal(import_path(folder.path, true, NULL, &dataset, &err), 0);
    count(&dataset, &counted);

    assert_like(dataset.planned_count, (size_t)PEOPLE * WEEKS, 14232000);
    assert_like(counted.slots, dataset.planned_count, 1417000);
    assert_like(counted.taps, counted.slots, 1973000);
    assert_like(counted.statuses[SLOT_OK], counted.slots, 956250);
    assert_like(counted.statuses[SLOT_MISSED], counted.slots, 15740);
    assert_like(counted.statuses[SLOT_CANC_NOTICE], counted.slots, 13520);
    assert_like(counted.statuses[SLOT_CANC_SHORT], counted.slots, 5950);
    assert_like(counted.statuses[SLOT_HELD_NO_OUT], counted.slots, 6430);
    assert_like(counted.other_carer, counted.slots, 54000);
    assert_like(counted.exceptions[EXCEPTION_BOUNCE], counted.taps, 19110);
    assert_like(counted.exceptions[EXCEPTION_DUP_ID], counted.taps, 10040);
    assert_like(counted.exceptions[EXCEPTION_MERGED], counted.taps, 2210);
    assert_like(counted.exceptions[EXCEPTION_NO_OUT], counted.taps, 3440);
    assert_true(counted.exceptions[EXCEPTION_VOIDED] > 0);
    assert_true(counted.exceptions[EXCEPTION_CLOCK_FUTURE] > 0);
    assert_true(counted.exceptions[EXCEPTION_UNKNOWN_CARD] > 0);
    dataset_done(&dataset);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_makes_the_same_import),
        cmocka_unit_test(a_made_up_import_has_the_noise_of_the_reference_week),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
