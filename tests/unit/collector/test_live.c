/*
 * test_live.c - verdicts that follow the taps, over a real store in memory and clocks we push.
 *
 * The roster is one person, one home, one carer, one visit of half an hour.
 */
#include "collector/live/live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "collector/storage/storage.h"
#include "collector/storage/storage_sqlite.h"
#include "tests/unit/collector/fake_device.h"
#include "tests/unit/suite.h"

#define START INT64_C(1603062000)
#define END INT64_C(1603670400)
#define VISIT (START + 36000)

struct fixture {
    struct storage *store;
    struct live *live;
    struct fake_device device;
    uint64_t now_us;
    uint64_t step_us; /* how much each look at the clock takes */
};

static struct fake_message message;

static int64_t tell_utc(void *user)
{
    (void)user;
    return END + 1000000;
}

static uint64_t tell_us(void *user)
{
    struct fixture *fx = user;

    fx->now_us += fx->step_us;
    return fx->now_us;
}

static text_id id(struct dataset *dataset, const char *text)
{
    text_id ret = 0;

    assert_int_equal(dataset_intern(dataset, text, strlen(text), &ret), 0);
    return ret;
}

static void fill(struct dataset *dataset)
{
    const struct period_row period = {.period_id = id(dataset, "R1"),
        .start_day = 18554,
        .end_day = 18561,
        .start_utc = START,
        .end_utc = END};
    const struct provider_row provider = {.provider_id = id(dataset, "P1")};
    const struct rate_row rate = {.provider_id = provider.provider_id,
        .funder = id(dataset, "LA"),
        .to_day = 30000,
        .pence_per_hour = 1529};
    const struct person_row person = {
        .person_id = id(dataset, "S1"), .funder = rate.funder, .provider_id = provider.provider_id};
    const struct carer_row carer = {id(dataset, "C1"), provider.provider_id};
    const struct card_row card = {
        .card_uid = id(dataset, "04AB0000000001"), .carer_id = carer.carer_id, .to_utc = INT64_MAX};
    const struct device_row home = {
        .device_id = id(dataset, "GW-1"), .person_id = person.person_id, .to_utc = INT64_MAX};
    const struct planned_row visit = {.visit_id = id(dataset, "V1"),
        .person_id = person.person_id,
        .provider_id = provider.provider_id,
        .start_utc = VISIT,
        .end_utc = VISIT + 1800,
        .carers_required = 1,
        .roster_carers = carer.carer_id,
        .cancel_utc = DATASET_NEVER};

    assert_int_equal(dataset_add_period(dataset, &period), 0);
    assert_int_equal(dataset_add_provider(dataset, &provider), 0);
    assert_int_equal(dataset_add_rate(dataset, &rate), 0);
    assert_int_equal(dataset_add_person(dataset, &person), 0);
    assert_int_equal(dataset_add_carer(dataset, &carer), 0);
    assert_int_equal(dataset_add_card(dataset, &card), 0);
    assert_int_equal(dataset_add_device(dataset, &home), 0);
    assert_int_equal(dataset_add_planned(dataset, &visit), 0);
}

static void import_roster(struct fixture *fx)
{
    struct storage_import_counts counts;
    struct dataset dataset;

    assert_int_equal(dataset_init(&dataset), 0);
    fill(&dataset);
    assert_int_equal(fx->store->ops->import(fx->store, &dataset, START, &counts, NULL), 0);
    dataset_done(&dataset);
}

/* The tap is in the store, as ingest would have put it. */
static void store_tap(struct fixture *fx, enum tap_direction direction, int64_t utc)
{
    struct storage_log log;
    struct storage_batch batch = {.record_count = 1,
        .recv_ms = (END + 500) * 1000,
        .first_tap_utc = utc,
        .last_tap_utc = utc};

    fake_device_tap(&fx->device, 1, direction, utc * 1000);
    fake_device_batch(&fx->device, fx->device.head_seq, fx->device.head_seq, &message);
    assert_int_equal(fx->store->ops->begin(fx->store), 0);
    assert_int_equal(fx->store->ops->log_get(fx->store, "GW-1", 5, fx->device.heads[0], &log), 0);
    batch.log_id = log.log_id;
    batch.first_seq = fx->device.head_seq;
    batch.bytes = message.bytes;
    batch.size = message.size;
    assert_int_equal(fx->store->ops->batch_append(fx->store, &batch), 0);
    assert_int_equal(fx->store->ops->commit(fx->store), 0);
}

static void open_live(struct fixture *fx)
{
    const struct live_ports ports = {
        .storage = fx->store, .now_utc = tell_utc, .now_us = tell_us, .user = fx};

    assert_int_equal(live_open(&fx->live, &ports, NULL), 0);
}

/* A site that has forgotten taps on leaving put right, or proposed. */
static void open_live_that_repairs(struct fixture *fx, const char *repairs)
{
    const struct live_ports ports = {.storage = fx->store,
        .now_utc = tell_utc,
        .now_us = tell_us,
        .user = fx,
        .repairs = repairs};

    assert_int_equal(live_open(&fx->live, &ports, NULL), 0);
}

static int setup(void **state)
{
    struct fixture *fx = calloc(1, sizeof *fx);

    assert_non_null(fx);
    fx->step_us = 1;
    assert_int_equal(storage_sqlite_open(&fx->store, ":memory:", 0, NULL), 0);
    fake_device_init(&fx->device, "GW-1", 5);
    *state = fx;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fx = *state;

    live_close(fx->live);
    storage_close(fx->store);
    fake_device_done(&fx->device);
    free(fx);
    return 0;
}

static void work(struct fixture *fx)
{
    while (live_has_work(fx->live)) {
        assert_int_equal(live_run(fx->live, 1000000), 0);
    }
}

static int take_line(void *user, const struct storage_verdict *verdict)
{
    (void)snprintf(user, 1024, "%s%s", verdict->withdrawn ? "-" : "", verdict->line);
    return 0;
}

static void assert_status(struct fixture *fx, const char *status)
{
    char line[1024] = "";
    char wanted[64];

    (void)snprintf(wanted, sizeof wanted, "\"status\":\"%s\"", status);
    assert_int_equal(fx->store->ops->verdicts(fx->store, "R1", 0, take_line, line), 0);
    if (strstr(line, wanted) == NULL) {
        fail_msg("%s is not in: %s", wanted, line);
    }
}

static void start_reconciles_every_period(void **state)
{
    struct fixture *fx = *state;

    import_roster(fx);
    store_tap(fx, TAP_IN, VISIT);
    open_live(fx);
    assert_true(live_has_work(fx->live));
    work(fx);
    assert_status(fx, "HELD_NO_OUT");
    assert_int_equal(live_counts(fx->live).periods, 1);
}

static void tap_changes_the_verdict_of_whom_it_touches(void **state)
{
    struct fixture *fx = *state;

    import_roster(fx);
    open_live(fx);
    work(fx);
    assert_status(fx, "MISSED");
    store_tap(fx, TAP_IN, VISIT);
    assert_int_equal(live_touch(fx->live, "GW-1", VISIT, VISIT), 0);
    work(fx);
    assert_status(fx, "HELD_NO_OUT");
    store_tap(fx, TAP_OUT, VISIT + 1800);
    assert_int_equal(live_touch(fx->live, "GW-1", VISIT + 1800, VISIT + 1800), 0);
    work(fx);
    assert_status(fx, "OK");
    assert_int_equal(live_counts(fx->live).periods, 1);
    assert_int_equal(live_counts(fx->live).people, 2);
}

static void verdict_says_what_the_site_would_repair(void **state)
{
    struct fixture *fx = *state;
    char line[1024] = "";

    import_roster(fx);
    open_live_that_repairs(fx, "leaving:hold");
    work(fx);
    store_tap(fx, TAP_IN, VISIT);
    assert_int_equal(live_touch(fx->live, "GW-1", VISIT, VISIT), 0);
    work(fx);
    assert_status(fx, "HELD_NO_OUT");
    assert_int_equal(fx->store->ops->verdicts(fx->store, "R1", 0, take_line, line), 0);
    assert_non_null(strstr(line, "\"repaired\":1800"));
    assert_non_null(strstr(line, "repair-leaving/1"));
}

static void a_choice_of_repairs_that_is_none_is_refused(void **state)
{
    struct fixture *fx = *state;
    const struct live_ports ports = {.storage = fx->store,
        .now_utc = tell_utc,
        .now_us = tell_us,
        .user = fx,
        .repairs = "everything"};

    assert_false(live_repairs_are_valid("everything"));
    assert_true(live_repairs_are_valid("none"));
    assert_int_equal(live_open(&fx->live, &ports, NULL), -EINVAL);
}

static void tap_outside_every_period_costs_nothing(void **state)
{
    struct fixture *fx = *state;

    import_roster(fx);
    open_live(fx);
    work(fx);
    assert_int_equal(live_touch(fx->live, "GW-1", END + 864000, END + 864000), 0);
    work(fx);
    assert_int_equal(live_counts(fx->live).people, 0);
}

static void tap_before_the_import_is_reconciled_by_the_import(void **state)
{
    struct fixture *fx = *state;

    open_live(fx);
    store_tap(fx, TAP_IN, VISIT);
    assert_int_equal(live_touch(fx->live, "GW-1", VISIT, VISIT), 0);
    work(fx);
    assert_int_equal(live_watch(fx->live), 0);
    assert_false(live_has_work(fx->live));
    import_roster(fx);
    assert_int_equal(live_watch(fx->live), 0);
    work(fx);
    assert_status(fx, "HELD_NO_OUT");
}

static void many_taps_of_one_device_are_one_step(void **state)
{
    struct fixture *fx = *state;

    import_roster(fx);
    open_live(fx);
    work(fx);
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(live_touch(fx->live, "GW-1", VISIT + i, VISIT + i), 0);
    }
    work(fx);
    assert_int_equal(live_counts(fx->live).people, 1);
}

static void slice_ends_when_its_time_is_up(void **state)
{
    struct fixture *fx = *state;
    char name[16];

    import_roster(fx);
    open_live(fx);
    work(fx);
    for (int i = 0; i < 10; i++) {
        (void)snprintf(name, sizeof name, "GW-%d", i);
        assert_int_equal(live_touch(fx->live, name, VISIT, VISIT), 0);
    }
    fx->step_us = 1000;
    assert_int_equal(live_run(fx->live, 3000), 0);
    assert_true(live_has_work(fx->live));
    work(fx);
    assert_int_equal(live_counts(fx->live).people, 1);
}

#define LIVE_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static void what_waits_is_counted_with_its_age(void **state)
{
    struct fixture *fx = *state;
    struct live_backlog backlog;

    import_roster(fx);
    open_live(fx);
    fx->step_us = 1000;
    backlog = live_backlog(fx->live);
    assert_int_equal(backlog.periods, 1);
    while (live_has_work(fx->live)) {
        assert_int_equal(live_run(fx->live, 1000000), 0);
    }
    backlog = live_backlog(fx->live);
    assert_int_equal(backlog.periods + backlog.devices + backlog.oldest_us, 0);
    assert_int_equal(live_touch(fx->live, "GW-1", VISIT, VISIT), 0);
    assert_int_equal(live_touch(fx->live, "GW-1", VISIT + 60, VISIT + 60), 0);
    assert_int_equal(live_touch(fx->live, "GW-2", VISIT, VISIT), 0);
    backlog = live_backlog(fx->live);
    assert_int_equal(backlog.devices, 2);
    assert_int_equal(backlog.oldest_us, 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE_TEST(start_reconciles_every_period),
        LIVE_TEST(tap_changes_the_verdict_of_whom_it_touches),
        LIVE_TEST(verdict_says_what_the_site_would_repair),
        LIVE_TEST(a_choice_of_repairs_that_is_none_is_refused),
        LIVE_TEST(tap_outside_every_period_costs_nothing),
        LIVE_TEST(tap_before_the_import_is_reconciled_by_the_import),
        LIVE_TEST(many_taps_of_one_device_are_one_step),
        LIVE_TEST(what_waits_is_counted_with_its_age),
        LIVE_TEST(slice_ends_when_its_time_is_up),
    };

    return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}
