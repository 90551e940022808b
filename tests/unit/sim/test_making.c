/* test_making.c - calendar days, and rosters made up. */
#include "tools/ecm-sim/make_roster.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/sim/folder.h"
#include "tests/unit/suite.h"
#include "tools/ecm-sim/local_day.h"
#include "tools/ecm-sim/roster.h"

static int32_t day_of(const char *text)
{
    int32_t day = 0;

    assert_int_equal(local_day_parse(text, &day), 0);
    return day;
}

static void dates_are_days_since_1970_and_back(void **state)
{
    char text[LOCAL_DAY_TEXT];

    (void)state;
    assert_int_equal(day_of("1970-01-01"), 0);
    assert_int_equal(day_of("2000-02-29"), 11016);
    assert_int_equal(day_of("2026-03-29"), 20541);
    for (int32_t day = 0; day < 60000; day++) {
        assert_int_equal(day_of(local_day_format(day, text)), day);
    }
}

static void what_is_no_date_is_refused(void **state)
{
    static const char *const bad[] = {"", "2026-02-29", "2026-13-01", "2026-00-10", "2026-1-10",
        "2026-01-32", "26-01-01", "2026/01/01", "2026-01-01x", "1969-12-31", " 026-01-01",
        "2026--1-01"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int32_t day = 99;

        assert_int_equal(local_day_parse(bad[i], &day), -EINVAL);
        assert_int_equal(day, 99);
    }
}

static void a_local_day_begins_at_local_midnight(void **state)
{
    int64_t start = 0;
    int64_t next = 0;

    (void)state;
    assert_int_equal(local_day_start(day_of("2026-01-05"), &start, NULL), 0);
    assert_int_equal(start, 1767571200);
    assert_int_equal(local_day_start(day_of("2026-03-29"), &start, NULL), 0);
    assert_int_equal(local_day_start(day_of("2026-03-30"), &next, NULL), 0);
    assert_int_equal(next - start, 23 * 3600);
    assert_int_equal(local_day_start(day_of("2026-10-25"), &start, NULL), 0);
    assert_int_equal(local_day_start(day_of("2026-10-26"), &next, NULL), 0);
    assert_int_equal(next - start, 25 * 3600);
}

static void weeks_begin_on_monday(void **state)
{
    (void)state;
    assert_int_equal(local_day_monday(day_of("2026-01-05")), day_of("2026-01-05"));
    assert_int_equal(local_day_monday(day_of("2026-01-11")), day_of("2026-01-05"));
    assert_int_equal(local_day_monday(day_of("2026-01-12")), day_of("2026-01-12"));
}

/* ---- rosters ------------------------------------------------------------------------------ */

static struct folder made(bool is_borough, unsigned homes, uint64_t seed)
{
    struct folder folder = folder_make();
    struct make_roster what = {.is_borough = is_borough, .homes = homes, .days = 2, .seed = seed};

    what.first_day = day_of("2026-01-06");
    assert_int_equal(make_roster(&what, folder.path, NULL), 0);
    return folder;
}

static void a_made_roster_can_be_loaded_and_every_slot_is_served(void **state)
{
    struct folder folder = made(true, 60, 4);
    struct roster roster;

    (void)state;
    assert_int_equal(roster_load(&roster, folder.path, NULL), 0);
    assert_int_equal(roster.visit_count, 60 * 2 * 3);
    assert_int_equal(roster.device_count, 60);
    for (size_t i = 0; i < roster.visit_count; i++) {
        const struct roster_visit *visit = &roster.visits[i];
        char carer[16];

        assert_non_null(roster_device_of(&roster, visit->person_id, visit->start_utc));
        for (size_t k = 0; k < (size_t)visit->carers_required; k++) {
            assert_int_equal(roster_carer(visit, k, carer, sizeof carer), 0);
            assert_non_null(roster_card_of(&roster, carer, visit->start_utc));
        }
    }
    roster_done(&roster);
    folder_remove(&folder);
}

static bool share_a_carer(const struct roster_visit *a, const struct roster_visit *b)
{
    char one[16];
    char other[16];

    for (size_t i = 0; roster_carer(a, i, one, sizeof one) == 0; i++) {
        for (size_t j = 0; roster_carer(b, j, other, sizeof other) == 0; j++) {
            if (strcmp(one, other) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void nobody_is_in_two_places_at_once(void **state)
{
    struct folder folder = made(true, 60, 5);
    struct roster roster;

    (void)state;
    assert_int_equal(roster_load(&roster, folder.path, NULL), 0);
    for (size_t i = 0; i < roster.visit_count; i++) {
        for (size_t j = i + 1;
             j < roster.visit_count && roster.visits[j].start_utc < roster.visits[i].end_utc + 300;
             j++) {
            assert_false(share_a_carer(&roster.visits[i], &roster.visits[j]));
        }
    }
    roster_done(&roster);
    folder_remove(&folder);
}

static void cards_have_numbers_that_tags_can_have(void **state)
{
    struct folder folder = made(false, 300, 6);
    struct roster roster;

    (void)state;
    assert_int_equal(roster_load(&roster, folder.path, NULL), 0);
    assert_true(roster.card_count > 10);
    for (size_t i = 0; i < roster.card_count; i++) {
        char text[ROSTER_UID_TEXT];

        assert_string_equal(roster.cards[i].card_uid,
            roster_uid_to_text(roster.cards[i].uid, roster.cards[i].uid_size, text));
    }
    roster_done(&roster);
    folder_remove(&folder);
}

static void the_same_seed_makes_the_same_roster(void **state)
{
    struct folder one = made(false, 20, 7);
    struct folder same = made(false, 20, 7);
    struct folder other = made(false, 20, 8);
    char *a = folder_read(&one, "planned.csv");
    char *b = folder_read(&same, "planned.csv");
    char *c = folder_read(&other, "planned.csv");

    (void)state;
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
    free(a);
    free(b);
    free(c);
    folder_remove(&one);
    folder_remove(&same);
    folder_remove(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_days_since_1970_and_back),
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(a_local_day_begins_at_local_midnight),
        cmocka_unit_test(weeks_begin_on_monday),
        cmocka_unit_test(a_made_roster_can_be_loaded_and_every_slot_is_served),
        cmocka_unit_test(nobody_is_in_two_places_at_once),
        cmocka_unit_test(cards_have_numbers_that_tags_can_have),
        cmocka_unit_test(the_same_seed_makes_the_same_roster),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
