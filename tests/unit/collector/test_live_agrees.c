/*
 * test_live_agrees.c - the daemon's verdicts are those of `ecm-pay reconcile` as of the same instant.
 *
 * Random weeks from a seed, random corrections of every kind, a clock that goes on in jumps: after
 * each, what live put into the feed is what a session of ecm-pay would put. Its put changes nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "collector/cli/verdicts.h"
#include "collector/live/live.h"
#include "collector/storage/storage_sqlite.h"
#include "tests/unit/suite.h"
#include "tests/unit/visits/chance.h"

enum { SEEDS = 12, STEPS = 10, DAY_S = 86400, PATH_SIZE = 64 };

struct fixture {
    char path[PATH_SIZE];
    struct storage *store;
    struct live *live;
    struct world world;
    int64_t now_utc;
};

static int64_t tell_utc(void *user)
{
    return ((struct fixture *)user)->now_utc;
}

static uint64_t tell_us(void *user)
{
    (void)user;
    return 0;
}

/* What is imported has happened already: nothing of it becomes visible (E1) only later. */
static void forget_the_future(struct dataset *dataset, int64_t now_utc)
{
    size_t kept = 0;

    for (size_t i = 0; i < dataset->events_count; i++) {
        if (dataset->events[i].recv_utc <= now_utc) {
            dataset->events[kept++] = dataset->events[i];
        }
    }
    dataset->events_count = kept;
    kept = 0;
    for (size_t i = 0; i < dataset->amendments_count; i++) {
        if (dataset->amendments[i].created_utc <= now_utc) {
            dataset->amendments[kept++] = dataset->amendments[i];
        }
    }
    dataset->amendments_count = kept;
    for (size_t i = 0; i < dataset->planned_count; i++) {
        if (dataset->planned[i].cancel_utc > now_utc) {
            dataset->planned[i].cancel_utc = DATASET_NEVER;
        }
    }
}

static void import_week(struct fixture *fx, unsigned *seed)
{
    struct dataset *dataset = &fx->world.dataset;
    struct period_row period = {.start_day = 0};
    struct storage_import_counts counts;

    chance_fill(&fx->world, seed);
    forget_the_future(dataset, fx->now_utc);
    period.period_id = world_text(&fx->world, "R1");
    period.end_utc = CHANCE_DAYS * DAY_S / 2;
    period.end_day = CHANCE_DAYS / 2;
    assert_int_equal(dataset_add_period(dataset, &period), 0);
    period.period_id = world_text(&fx->world, "R2");
    period.start_day = period.end_day;
    period.start_utc = period.end_utc;
    period.end_day = CHANCE_DAYS;
    period.end_utc = CHANCE_DAYS * DAY_S;
    assert_int_equal(dataset_add_period(dataset, &period), 0);
    assert_int_equal(fx->store->ops->import(fx->store, dataset, 0, &counts, NULL), 0);
}

static void set_up(struct fixture *fx, unsigned *seed, int64_t now_utc)
{
    struct live_ports ports = {.now_utc = tell_utc, .now_us = tell_us, .user = fx};
    int fd = -1;

    *fx = (struct fixture){.path = "/tmp/ecm-live-XXXXXX"};
    fd = mkstemp(fx->path);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(fx->path), 0);
    assert_int_equal(storage_sqlite_open(&fx->store, fx->path, 0, NULL), 0);
    fx->now_utc = now_utc;
    import_week(fx, seed);
    ports.storage = fx->store;
    assert_int_equal(live_open(&fx->live, &ports, NULL), 0);
}

static void tear_down(struct fixture *fx)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".lock"};

    live_close(fx->live);
    storage_close(fx->store);
    world_done(&fx->world);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char path[PATH_SIZE + 8];

        (void)snprintf(path, sizeof path, "%s%s", fx->path, ends[i]);
        (void)unlink(path);
    }
}

static void settle(struct fixture *fx)
{
    assert_int_equal(live_watch(fx->live), 0);
    while (live_has_work(fx->live)) {
        assert_int_equal(live_run(fx->live, 1000), 0);
    }
}

/* What ecm-pay makes of a period is what is in the feed already. */
static void assert_batch_agrees(struct fixture *fx, const char *period_id, int step)
{
    const struct source source = {.store = fx->path,
        .period_id = period_id,
        .zone = SESSION_ZONE_DEFAULT,
        .asof_utc = fx->now_utc,
        .has_asof = true};
    struct session session = {0};
    struct verdicts verdicts;
    struct err err = {0};
    uint64_t changed = 0;

    assert_int_equal(session_open(&session, &source, &err), 0);
    assert_int_equal(session_reconcile(&session, &err), 0);
    assert_int_equal(verdicts_make(&verdicts, &session), 0);
    assert_int_equal(session.storage->ops->verdicts_put(
                         session.storage, period_id, NULL, verdicts.rows, verdicts.count, &changed),
        0);
    if (changed > 0) {
        printf("step %d, period %s, as of %lld\n", step, period_id, (long long)fx->now_utc);
    }
    assert_int_equal(changed, 0);
    verdicts_done(&verdicts);
    session_close(&session);
}

static void fill_in(struct fixture *fx, unsigned *seed, struct correction *correction)
{
    static const char *const people[] = {"S1", "S2", "S3"};
    static const char *const carers[] = {"C1", "C2", "C3", "C4"};
    const struct dataset *dataset = &fx->world.dataset;
    const char *event_id =
        dataset->events_count == 0
            ? "e1"
            : dataset_text(
                  dataset, dataset->events[chance_draw(seed, dataset->events_count)].event_id);
    int64_t at = (int64_t)chance_draw(seed, CHANCE_DAYS * 96) * 900;

    (void)snprintf(correction->visit_id, sizeof correction->visit_id, "V%zu",
        chance_draw(seed, CHANCE_VISITS));
    (void)snprintf(correction->event_id, sizeof correction->event_id, "%s", event_id);
    (void)snprintf(
        correction->person_id, sizeof correction->person_id, "%s", people[chance_draw(seed, 3)]);
    (void)snprintf(
        correction->carer_id, sizeof correction->carer_id, "%s", carers[chance_draw(seed, 4)]);
    correction->kind = chance_draw(seed, 2) == 0 ? 'I' : 'O';
    correction->ts_utc = at;
    correction->start_utc = at;
    correction->end_utc = at + 1800;
    correction->slot = 1;
}

/* Kinds come in turn, so that each seed has every one; an UNDO is of any correction before. */
static void correct(struct fixture *fx, unsigned *seed, int step)
{
    struct corrections corrections = {0};
    struct err err = {0};
    struct correction correction = {.action = (enum correction_action)(step % 5),
        .created_utc = fx->now_utc,
        .who = "officer",
        .reason = "R1",
        .memo = "a test"};

    assert_int_equal(corrections_read(&corrections, fx->store, &err), 0);
    fill_in(fx, seed, &correction);
    correction.undone_seq = 1 + (int64_t)chance_draw(seed, corrections.count + 1);
    if (correction.action == CORRECTION_UNDO &&
        correction.undone_seq > (int64_t)corrections.count) {
        correction.undone_seq = 1;
    }
    assert_int_equal(corrections_append(&corrections, &correction, fx->store, &err), 0);
    corrections_done(&corrections);
}

static void live_and_batch_agree_after_every_kind_of_correction_and_as_time_goes_on(void **state)
{
    (void)state;
    for (unsigned first = 1; first <= SEEDS; first++) {
        unsigned seed = first;
        struct fixture fx;

        printf("seed %u\n", first);
        set_up(&fx, &seed, (1 + (int64_t)chance_draw(&seed, CHANCE_DAYS)) * DAY_S);
        for (int step = 0; step < STEPS; step++) {
            settle(&fx);
            assert_batch_agrees(&fx, "R1", step);
            assert_batch_agrees(&fx, "R2", step);
            correct(&fx, &seed, step);
            fx.now_utc += chance_draw(&seed, 3) == 0 ? 0 : (int64_t)chance_draw(&seed, 30000);
        }
        tear_down(&fx);
    }
}

/* One day of one visit, minute by minute: every mark is passed and none is missed. */
static void rows_follow_the_clock_without_any_tap(void **state)
{
    unsigned seed = 99;
    struct fixture fx;

    (void)state;
    set_up(&fx, &seed, DAY_S / 4);
    for (int step = 0; step < 300; step++) {
        settle(&fx);
        if (step % 10 == 0) {
            assert_batch_agrees(&fx, "R1", step);
        }
        fx.now_utc += 61 + (int64_t)chance_draw(&seed, 600);
    }
    tear_down(&fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_and_batch_agree_after_every_kind_of_correction_and_as_time_goes_on),
        cmocka_unit_test(rows_follow_the_clock_without_any_tap),
    };

    return cmocka_run_group_tests_name("live agrees", tests, NULL, NULL);
}
