/* test_jobs.c - several things at the same time. */
#include "collector/cli/jobs.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "tests/unit/suite.h"

enum { MANY = 1000, WAIT_STEPS = 10000, STEP_NS = 1000000, FEW = 3, FIRST_BAD = 5, NEXT_BAD = 7 };

/* One job's view of the test. */
struct task {
    atomic_int *clock; /* counts jobs as they begin */
    atomic_int runs;
    int code; /* to return */
};

static int note(void *user, struct err *err)
{
    struct task *task = user;

    (void)atomic_fetch_add(&task->runs, 1);
    (void)atomic_fetch_add(task->clock, 1);
    return task->code == 0 ? 0 : err_set(err, task->code, "job said %d", task->code);
}

static void prepare(struct job *jobs, struct task *tasks, size_t count, atomic_int *clock)
{
    for (size_t i = 0; i < count; i++) {
        tasks[i] = (struct task){.clock = clock};
        jobs[i] = (struct job){.run = note, .user = &tasks[i], .rc = 1};
    }
}

static void no_jobs_are_done_at_once(void **state)
{
    struct err err = {.text = "untouched"};

    (void)state;
    assert_int_equal(jobs_do(NULL, 0, &err), 0);
    assert_string_equal(err.text, "untouched");
}

static void every_job_runs_once(void **state)
{
    static struct task tasks[MANY];
    static struct job jobs[MANY];
    atomic_int clock = 0;
    struct err err = {.text = ""};

    (void)state;
    prepare(jobs, tasks, MANY, &clock);
    assert_int_equal(jobs_do(jobs, MANY, &err), 0);
    assert_int_equal(atomic_load(&clock), MANY);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(atomic_load(&tasks[i].runs), 1);
        assert_int_equal(jobs[i].rc, 0);
    }
}

static void fewer_jobs_than_threads_run_once_too(void **state)
{
    struct task tasks[FEW];
    struct job jobs[FEW];
    atomic_int clock = 0;
    struct err err = {.text = ""};

    (void)state;
    for (size_t count = 1; count <= FEW; count++) {
        prepare(jobs, tasks, FEW, &clock);
        assert_int_equal(jobs_do(jobs, count, &err), 0);
        for (size_t i = 0; i < FEW; i++) {
            assert_int_equal(atomic_load(&tasks[i].runs), i < count ? 1 : 0);
        }
    }
}

static void first_failure_in_order_is_told_and_the_others_run_all_the_same(void **state)
{
    static struct task tasks[MANY];
    static struct job jobs[MANY];
    atomic_int clock = 0;
    struct err err = {.text = ""};

    (void)state;
    prepare(jobs, tasks, MANY, &clock);
    tasks[FIRST_BAD].code = -ENOMEM;
    tasks[NEXT_BAD].code = -EIO;
    assert_int_equal(jobs_do(jobs, MANY, &err), -ENOMEM);
    assert_string_equal(err.text, jobs[FIRST_BAD].err.text);
    assert_int_equal(jobs[NEXT_BAD].rc, -EIO);
    assert_int_equal(atomic_load(&clock), MANY);
    assert_int_equal(jobs[MANY - 1].rc, 0);
}

/* The first job ends only when the last has begun, so it must not hold the others up. */
struct meeting {
    atomic_bool has_begun;
    bool has_met;
};

static int wait_for_last(void *user, struct err *err)
{
    struct meeting *meeting = user;

    (void)err;
    for (int i = 0; i < WAIT_STEPS && !atomic_load(&meeting->has_begun); i++) {
        (void)nanosleep(&(struct timespec){.tv_nsec = STEP_NS}, NULL);
    }
    meeting->has_met = atomic_load(&meeting->has_begun);
    return 0;
}

static int begin_last(void *user, struct err *err)
{
    struct meeting *meeting = user;

    (void)err;
    atomic_store(&meeting->has_begun, true);
    return 0;
}

static void jobs_run_side_by_side(void **state)
{
    struct meeting meeting = {.has_met = false};
    struct job jobs[] = {
        {.run = wait_for_last, .user = &meeting}, {.run = begin_last, .user = &meeting}};
    struct err err = {.text = ""};

    (void)state;
    assert_int_equal(jobs_do(jobs, sizeof jobs / sizeof jobs[0], &err), 0);
    /* One processor does them one after the other, and the first waits in vain. */
    assert_true(meeting.has_met == (jobs_at_once() > 1));
}

static void number_at_once_is_within_its_limits(void **state)
{
    (void)state;
    assert_in_range(jobs_at_once(), 1, JOBS_THREADS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_jobs_are_done_at_once),
        cmocka_unit_test(every_job_runs_once),
        cmocka_unit_test(fewer_jobs_than_threads_run_once_too),
        cmocka_unit_test(first_failure_in_order_is_told_and_the_others_run_all_the_same),
        cmocka_unit_test(jobs_run_side_by_side),
        cmocka_unit_test(number_at_once_is_within_its_limits),
    };

    return cmocka_run_group_tests_name("jobs", tests, NULL, NULL);
}
