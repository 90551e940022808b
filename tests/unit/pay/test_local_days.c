/* test_local_days.c - local dates, and the two nights on which the clocks change. */
#include "collector/pay/local_days.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/tzif.h"
#include "tests/unit/suite.h"

static struct tzif london;
static struct local_days days;

static int load(void **state)
{
    (void)state;
    assert_int_equal(tzif_load(&london, "Europe/London", NULL), 0);
    days = (struct local_days){london.at_utc, london.offset_s, london.count};
    return 0;
}

static int unload(void **state)
{
    (void)state;
    tzif_done(&london);
    return 0;
}

static void assert_local(int64_t utc, const char *expected)
{
    char text[INSTANT_TEXT_SIZE];

    (void)instant_text(local_seconds(&days, utc), text);
    text[19] = '\0';
    assert_string_equal(text, expected);
}

static void spring_night_has_eleven_hours_from_ten_to_ten(void **state)
{
    (void)state;
    /* 2026-03-28 22:00 local is UTC; 2026-03-29 10:00 local is one hour ahead of it. */
    assert_local(1774735200, "2026-03-28T22:00:00");
    assert_local(1774735200 + 11 * 3600, "2026-03-29T10:00:00");
    assert_local(1774745999, "2026-03-29T00:59:59");
    assert_local(1774746000, "2026-03-29T02:00:00");
}

static void autumn_night_has_thirteen_hours_from_ten_to_ten(void **state)
{
    (void)state;
    assert_local(1792875600, "2026-10-24T22:00:00");
    assert_local(1792875600 + 13 * 3600, "2026-10-25T10:00:00");
    assert_local(1792889999, "2026-10-25T01:59:59");
    assert_local(1792890000, "2026-10-25T01:00:00");
}

static void summer_midnight_begins_the_local_day_an_hour_before_utc(void **state)
{
    char text[DAY_TEXT_SIZE];

    (void)state;
    assert_string_equal(day_text(local_day(&days, 1616972400 - 1), text), "2021-03-28");
    assert_string_equal(day_text(local_day(&days, 1616972400), text), "2021-03-29");
}

static void dates_are_written_right_over_leap_years_and_centuries(void **state)
{
    char text[DAY_TEXT_SIZE];

    (void)state;
    assert_string_equal(day_text(0, text), "1970-01-01");
    assert_string_equal(day_text(-1, text), "1969-12-31");
    assert_string_equal(day_text(11016, text), "2000-02-29");
    assert_string_equal(day_text(19782, text), "2024-02-29");
    assert_string_equal(day_text(47540, text), "2100-02-28");
    assert_string_equal(day_text(47541, text), "2100-03-01");
}

static void clock_changes_go_on_where_the_file_ends(void **state)
{
    (void)state;
    assert_local(2216249999, "2040-03-25T00:59:59");
    assert_local(2216250000, "2040-03-25T02:00:00");
}

static void zone_that_does_not_exist_or_leaves_its_folder_is_refused(void **state)
{
    struct tzif none = {0};
    struct err err;

    (void)state;
    assert_int_equal(tzif_load(&none, "Europe/Rotherham", &err), -ENOENT);
    assert_non_null(strstr(err.text, "Europe/Rotherham"));
    assert_int_equal(tzif_load(&none, "../../etc/passwd", &err), -EINVAL);
    assert_int_equal(tzif_parse(&none, (const uint8_t *)"TZif", 4), ECM_EFORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spring_night_has_eleven_hours_from_ten_to_ten),
        cmocka_unit_test(autumn_night_has_thirteen_hours_from_ten_to_ten),
        cmocka_unit_test(summer_midnight_begins_the_local_day_an_hour_before_utc),
        cmocka_unit_test(dates_are_written_right_over_leap_years_and_centuries),
        cmocka_unit_test(clock_changes_go_on_where_the_file_ends),
        cmocka_unit_test(zone_that_does_not_exist_or_leaves_its_folder_is_refused),
    };

    return cmocka_run_group_tests_name("local_days", tests, load, unload);
}
