/* test_play.c - homes played without any broker: what carers see, and what lies in the outboxes. */
#include "tools/ecm-sim/play.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/log.h"
#include "tests/unit/sim/folder.h"
#include "tests/unit/suite.h"
#include "tools/ecm-sim/local_day.h"
#include "tools/ecm-sim/make_roster.h"

enum { NOBODY_LISTENS = 1 }; /* a port of loopback */

struct played {
    struct folder folder;
    struct script_counts script;
    struct outcome_counts did;
    char *truth;
};

static struct played play_homes(const char *style_seed, const struct noise *noise, uint64_t seed)
{
    struct make_roster what = {.is_borough = true, .homes = 8, .days = 1, .visits = 4, .seed = 2};
    struct played played = {.folder = folder_make()};
    struct script_conf conf = {
        .from_utc = INT64_MIN, .to_utc = INT64_MAX, .seed = seed, .noise = *noise};
    struct outcome outcome;
    struct roster roster;
    struct script script;
    struct play_conf play_conf = {
        .home = {.site = "s",
            .host = "127.0.0.1",
            .port = NOBODY_LISTENS,
            .folder = played.folder.path,
            .seed = seed},
        .script = &script,
        .is_quiet = true,
    };
    int rc = local_day_parse(style_seed, &what.first_day);

    assert_int_equal(rc, 0);
    log_set_level(LOG_LEVEL_ERR);
    assert_int_equal(make_roster(&what, played.folder.path, NULL), 0);
    assert_int_equal(roster_load(&roster, played.folder.path, NULL), 0);
    assert_int_equal(script_make(&script, &roster, &conf, NULL), 0);
    assert_int_equal(outcome_open(&outcome, played.folder.path, NULL), 0);
    assert_int_equal(play(&play_conf, &outcome, NULL), -ETIMEDOUT);
    assert_int_equal(outcome_close(&outcome, NULL), 0);
    assert_int_equal(outcome_write(&outcome, &script.counts, seed, played.folder.path, NULL), 0);
    played.script = script.counts;
    played.did = outcome.counts;
    played.truth = folder_read(&played.folder, "truth.csv");
    script_done(&script);
    roster_done(&roster);
    return played;
}

static void played_done(struct played *played)
{
    free(played->truth);
    folder_remove(&played->folder);
}

/* truth.csv without the epochs, which are made by real chance. */
static char *without_epochs(const char *truth)
{
    char *text = strdup(truth);
    char *to = text;

    for (const char *from = text; *from != '\0';) {
        size_t device = strcspn(from, ",") + 1;
        size_t epoch = strcspn(from + device, ",") + 1;
        size_t rest = strcspn(from + device + epoch, "\n") + 1;

        memmove(to, from, device);
        memmove(to + device, from + device + epoch, rest);
        to += device + rest;
        from += device + epoch + rest;
    }
    *to = '\0';
    return text;
}

static void without_noise_every_tap_is_green_and_in_its_second(void **state)
{
    struct played played = play_homes("2026-01-05", &noise_none, 1);

    (void)state;
    assert_true(played.did.taps > 60);
    assert_int_equal(played.did.taps, 2 * played.script.slots);
    assert_int_equal(played.did.green, played.did.taps);
    assert_int_equal(played.did.in, played.script.slots);
    assert_int_equal(played.did.out, played.script.slots);
    assert_int_equal(played.did.late_stamps, 0);
    assert_int_equal(played.did.unnoticed, 0);
    played_done(&played);
}

static void a_carer_waits_less_than_150_ms_for_the_light(void **state)
{
    struct played played = play_homes("2026-01-05", &noise_none, 1);

    (void)state;
    assert_true(played.did.detect_us_max > 0);
    assert_true(played.did.detect_us_max < 150000);
    played_done(&played);
}

static void the_same_seed_plays_the_same_taps(void **state)
{
    struct noise noise = noise_field;
    struct played first;
    struct played second;
    struct played other;

    (void)state;
    noise.power_cut = 60;
    first = play_homes("2026-01-05", &noise, 11);
    second = play_homes("2026-01-05", &noise, 11);
    other = play_homes("2026-01-05", &noise, 12);
    {
        char *a = without_epochs(first.truth);
        char *b = without_epochs(second.truth);
        char *c = without_epochs(other.truth);

        assert_true(first.did.power_cuts > 0);
        assert_string_equal(a, b);
        assert_string_not_equal(a, c);
        free(a);
        free(b);
        free(c);
    }
    played_done(&first);
    played_done(&second);
    played_done(&other);
}

static void nothing_green_is_lost_in_a_power_cut(void **state)
{
    struct noise noise = {.power_cut = 100};
    struct played played = play_homes("2026-01-05", &noise, 3);

    (void)state;
    assert_int_equal(played.did.power_cuts, 8);
    assert_int_equal(played.did.green + played.did.unnoticed, played.did.taps);
    /* Each green tap is still owed: a boot record and an anchor a boot come on top. */
    assert_int_equal(played.did.records_unacked, played.did.green + 2 * (8 + 8));
    played_done(&played);
}

static void a_second_tap_is_shown_as_the_first_and_counted_as_a_bounce(void **state)
{
    struct noise noise = {.double_tap = 100};
    struct played played = play_homes("2026-01-05", &noise, 3);

    (void)state;
    assert_int_equal(played.did.bounces, played.script.slots);
    assert_int_equal(played.did.in, played.script.slots);
    assert_int_equal(played.did.out, played.script.slots);
    played_done(&played);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_noise_every_tap_is_green_and_in_its_second),
        cmocka_unit_test(a_carer_waits_less_than_150_ms_for_the_light),
        cmocka_unit_test(the_same_seed_plays_the_same_taps),
        cmocka_unit_test(nothing_green_is_lost_in_a_power_cut),
        cmocka_unit_test(a_second_tap_is_shown_as_the_first_and_counted_as_a_bounce),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
