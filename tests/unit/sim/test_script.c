/* test_script.c - what will happen, made from roster, noise and seed. */
#include "tools/ecm-sim/script.h"

#include <string.h>

#include "tests/unit/sim/folder.h"
#include "tests/unit/suite.h"
#include "tools/ecm-sim/local_day.h"
#include "tools/ecm-sim/make_roster.h"

/* 25 homes, a day, several visits; GB had winter time. */
enum { DAY_UTC = 1767571200 }; /* 2026-01-05 */

static struct roster roster;
static struct folder made_folder;

static int make_homes(void **state)
{
    struct make_roster what = {.is_borough = true, .homes = 25, .days = 1, .visits = 4, .seed = 3};

    (void)state;
    made_folder = folder_make();
    return local_day_parse("2026-01-05", &what.first_day) < 0 ||
                   make_roster(&what, made_folder.path, NULL) < 0 ||
                   roster_load(&roster, made_folder.path, NULL) < 0
               ? -1
               : 0;
}

static int drop_homes(void **state)
{
    (void)state;
    roster_done(&roster);
    folder_remove(&made_folder);
    return 0;
}

static struct script_conf everything(const struct noise *noise, uint64_t seed)
{
    return (struct script_conf){
        .from_utc = INT64_MIN, .to_utc = INT64_MAX, .seed = seed, .noise = *noise};
}

static struct script made(const struct script_conf *conf)
{
    struct script script;

    assert_int_equal(script_make(&script, &roster, conf, NULL), 0);
    return script;
}

static size_t count_kind(const struct script *script, enum action_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < script->action_count; i++) {
        count += script->actions[i].kind == kind;
    }
    return count;
}

static void assert_equal_scripts(const struct script *a, const struct script *b)
{
    assert_int_equal(a->action_count, b->action_count);
    for (size_t i = 0; i < a->action_count; i++) {
        assert_int_equal(a->actions[i].at_ms, b->actions[i].at_ms);
        assert_int_equal(a->actions[i].home, b->actions[i].home);
        assert_int_equal(a->actions[i].kind, b->actions[i].kind);
        assert_ptr_equal(a->actions[i].card, b->actions[i].card);
    }
}

/* ---- without noise ------------------------------------------------------------------------ */

static void without_noise_each_slot_is_a_tap_at_its_start_and_one_at_its_end(void **state)
{
    struct script_conf conf = everything(&noise_none, 1);
    struct script script = made(&conf);
    size_t slots = 0;

    (void)state;
    for (size_t i = 0; i < roster.visit_count; i++) {
        slots += (size_t)roster.visits[i].carers_required;
    }
    assert_int_equal(roster.visit_count, 100);
    assert_int_equal(script.counts.slots, slots);
    assert_int_equal(count_kind(&script, ACTION_TAP_IN), slots);
    assert_int_equal(count_kind(&script, ACTION_TAP_OUT), slots);
    assert_int_equal(script.action_count, 2 * slots);
    assert_int_equal(script.actions[0].at_ms, roster.visits[0].start_utc * 1000);
    assert_string_equal(script.homes[script.actions[0].home].device_id,
        roster_device_of(&roster, roster.visits[0].person_id, DAY_UTC)->device_id);
    script_done(&script);
}

static void actions_are_in_order_of_time(void **state)
{
    struct script_conf conf = everything(&noise_field, 5);
    struct script script = made(&conf);

    (void)state;
    for (size_t i = 1; i < script.action_count; i++) {
        assert_true(script.actions[i - 1].at_ms <= script.actions[i].at_ms);
    }
    script_done(&script);
}

static void who_leaves_taps_before_who_arrives_at_the_same_moment(void **state)
{
    struct roster two = {.card_count = 2, .device_count = 1, .visit_count = 2};
    struct script_conf conf = everything(&noise_none, 1);
    struct script script;

    (void)state;
    two.cards = (struct roster_card[]){
        {.carer_id = (char[]){"a"}, .to_utc = 9999}, {.carer_id = (char[]){"b"}, .to_utc = 9999}};
    two.devices = (struct roster_device[]){
        {.device_id = (char[]){"H"}, .person_id = (char[]){"p"}, .to_utc = 9999}};
    two.visits = (struct roster_visit[]){
        {.visit_id = (char[]){"1"},
            .person_id = (char[]){"p"},
            .roster_carers = (char[]){"b"},
            .start_utc = 2000,
            .end_utc = 3000,
            .carers_required = 1,
            .cancel_utc = INT64_MAX},
        {.visit_id = (char[]){"2"},
            .person_id = (char[]){"p"},
            .roster_carers = (char[]){"a"},
            .start_utc = 1000,
            .end_utc = 2000,
            .carers_required = 1,
            .cancel_utc = INT64_MAX},
    };
    assert_int_equal(script_make(&script, &two, &conf, NULL), 0);
    assert_int_equal(script.action_count, 4);
    assert_int_equal(script.actions[1].kind, ACTION_TAP_OUT);
    assert_string_equal(script.actions[1].card->carer_id, "a");
    assert_int_equal(script.actions[2].kind, ACTION_TAP_IN);
    assert_int_equal(script.actions[1].at_ms, script.actions[2].at_ms);
    script_done(&script);
}

static void what_cannot_be_played_is_counted(void **state)
{
    struct roster odd = {.card_count = 1, .device_count = 1, .visit_count = 3};
    struct script_conf conf = everything(&noise_none, 1);
    struct script script;

    (void)state;
    odd.cards = (struct roster_card[]){{.carer_id = (char[]){"a"}, .to_utc = 9999}};
    odd.devices = (struct roster_device[]){
        {.device_id = (char[]){"H"}, .person_id = (char[]){"p"}, .to_utc = 9999}};
    odd.visits = (struct roster_visit[]){
        {.visit_id = (char[]){"1"},
            .person_id = (char[]){"p"},
            .roster_carers = (char[]){"a|b"},
            .start_utc = 1000,
            .end_utc = 2000,
            .carers_required = 3,
            .cancel_utc = INT64_MAX},
        {.visit_id = (char[]){"2"},
            .person_id = (char[]){"p"},
            .roster_carers = (char[]){"a"},
            .start_utc = 1000,
            .end_utc = 2000,
            .carers_required = 1,
            .cancel_utc = 5},
        {.visit_id = (char[]){"3"},
            .person_id = (char[]){"q"},
            .roster_carers = (char[]){"a"},
            .start_utc = 1000,
            .end_utc = 2000,
            .carers_required = 1,
            .cancel_utc = INT64_MAX},
    };
    assert_int_equal(script_make(&script, &odd, &conf, NULL), 0);
    assert_int_equal(script.action_count, 2);
    assert_int_equal(script.counts.visits, 3);
    assert_int_equal(script.counts.without_carer, 2); /* one has no card, one is not named */
    assert_int_equal(script.counts.cancelled, 1);
    assert_int_equal(script.counts.without_device, 1);
    script_done(&script);
}

static void only_the_wanted_hours_and_homes_are_played(void **state)
{
    struct script_conf conf = everything(&noise_none, 1);
    struct script script;

    (void)state;
    conf.homes_max = 3;
    script = made(&conf);
    assert_int_equal(script.home_count, 3);
    assert_string_equal(script.homes[2].device_id, "GW-0003");
    assert_int_equal(script.counts.visits, 12);
    script_done(&script);
    conf.homes_max = 0;
    conf.to_utc = roster.visits[10].start_utc;
    script = made(&conf);
    assert_true(script.counts.visits <= 10);
    assert_true(script.counts.visits > 0);
    script_done(&script);
    conf.from_utc = DAY_UTC + 86400;
    conf.to_utc = INT64_MAX;
    script = made(&conf);
    assert_int_equal(script.action_count, 0);
    script_done(&script);
}

static void a_home_with_long_visits_keeps_check_ins_open_for_longer(void **state)
{
    static const struct {
        int64_t length_s;
        unsigned limit_s;
    } cases[] = {{3600, 4 * 3600}, {3 * 3600, 4 * 3600}, {3 * 3600 + 1, 14 * 3600},
        {13 * 3600, 14 * 3600}, {20 * 3600, 21 * 3600}};
    struct roster_card card = {.carer_id = (char[]){"a"}, .to_utc = 999999};
    struct roster_device device = {
        .device_id = (char[]){"H"}, .person_id = (char[]){"p"}, .to_utc = 999999};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct roster_visit visit = {.visit_id = (char[]){"1"},
            .person_id = (char[]){"p"},
            .roster_carers = (char[]){"a"},
            .start_utc = 1000,
            .end_utc = 1000 + cases[i].length_s,
            .carers_required = 1,
            .cancel_utc = INT64_MAX};
        struct roster one = {.cards = &card,
            .card_count = 1,
            .devices = &device,
            .device_count = 1,
            .visits = &visit,
            .visit_count = 1};
        struct script_conf conf = everything(&noise_none, 1);
        struct script script;

        assert_int_equal(script_make(&script, &one, &conf, NULL), 0);
        assert_int_equal(script.homes[0].home_limit_s, cases[i].limit_s);
        script_done(&script);
    }
}

/* ---- with noise --------------------------------------------------------------------------- */

static void the_same_seed_makes_the_same_script_and_another_another(void **state)
{
    struct script_conf conf = everything(&noise_field, 7);
    struct script first = made(&conf);
    struct script second = made(&conf);
    struct script other;

    (void)state;
    assert_equal_scripts(&first, &second);
    conf.seed = 8;
    other = made(&conf);
    assert_true(
        first.action_count != other.action_count ||
        memcmp(first.actions, other.actions, first.action_count * sizeof *first.actions) != 0);
    script_done(&first);
    script_done(&second);
    script_done(&other);
}

static void more_of_one_noise_leaves_the_others_as_they_were(void **state)
{
    struct noise noise = noise_field;
    struct script_conf conf = everything(&noise, 7);
    struct script before = made(&conf);
    struct script after;

    (void)state;
    conf.noise.missed = 100;
    after = made(&conf);
    assert_int_equal(before.counts.late, after.counts.late);
    assert_int_equal(before.counts.forgotten, after.counts.forgotten);
    assert_int_equal(before.counts.outages, after.counts.outages);
    assert_int_equal(before.counts.power_cuts, after.counts.power_cuts);
    assert_int_equal(after.counts.missed, after.counts.slots);
    script_done(&before);
    script_done(&after);
}

static void each_kind_of_noise_does_what_it_says(void **state)
{
    struct noise noise = {.missed = 100};
    struct script_conf conf = everything(&noise, 1);
    struct script script = made(&conf);
    size_t slots = script.counts.slots;

    (void)state;
    assert_int_equal(script.action_count, 0);
    script_done(&script);

    conf.noise = (struct noise){.forgotten = 100};
    script = made(&conf);
    assert_int_equal(count_kind(&script, ACTION_TAP_IN), slots);
    assert_int_equal(count_kind(&script, ACTION_TAP_OUT), 0);
    script_done(&script);

    conf.noise = (struct noise){.double_tap = 100};
    script = made(&conf);
    assert_int_equal(count_kind(&script, ACTION_TAP_AGAIN), slots);
    script_done(&script);

    conf.noise = (struct noise){.power_cut = 100, .outage = 100};
    script = made(&conf);
    assert_int_equal(count_kind(&script, ACTION_POWER_DOWN), 25);
    assert_int_equal(count_kind(&script, ACTION_POWER_UP), 25);
    assert_int_equal(count_kind(&script, ACTION_CLOCK_SYNC), 25);
    assert_int_equal(count_kind(&script, ACTION_NET_DOWN), 25);
    assert_int_equal(count_kind(&script, ACTION_NET_UP), 25);
    script_done(&script);
}

static void late_carers_are_late_by_16_to_60_minutes(void **state)
{
    struct noise noise = {.late = 100};
    struct script_conf conf = everything(&noise, 1);
    struct script late = made(&conf);
    struct script exact;
    int64_t least = INT64_MAX;

    (void)state;
    conf.noise = noise_none;
    exact = made(&conf);
    assert_int_equal(late.action_count, exact.action_count);
    for (size_t i = 0; i < late.action_count; i++) {
        const struct action *action = &late.actions[i];

        for (size_t j = 0; j < exact.action_count; j++) {
            const struct action *planned = &exact.actions[j];
            int64_t by = action->at_ms - planned->at_ms;

            if (planned->number == action->number && by < least) {
                assert_true(by <= INT64_C(3600000));
                least = by;
            }
        }
    }
    assert_true(least >= INT64_C(16) * 60 * 1000);
    script_done(&late);
    script_done(&exact);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_noise_each_slot_is_a_tap_at_its_start_and_one_at_its_end),
        cmocka_unit_test(actions_are_in_order_of_time),
        cmocka_unit_test(who_leaves_taps_before_who_arrives_at_the_same_moment),
        cmocka_unit_test(what_cannot_be_played_is_counted),
        cmocka_unit_test(only_the_wanted_hours_and_homes_are_played),
        cmocka_unit_test(a_home_with_long_visits_keeps_check_ins_open_for_longer),
        cmocka_unit_test(the_same_seed_makes_the_same_script_and_another_another),
        cmocka_unit_test(more_of_one_noise_leaves_the_others_as_they_were),
        cmocka_unit_test(each_kind_of_noise_does_what_it_says),
        cmocka_unit_test(late_carers_are_late_by_16_to_60_minutes),
    };

    return cmocka_run_group_tests(tests, make_homes, drop_homes);
}
