/* test_storage_verdicts.c - the rows of the feed and their versions; runs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/contract/storage/implementations.h"

struct seen {
    char text[256]; /* "V1/1=line@version " and "-" before what is withdrawn */
    uint64_t greatest;
};

static int see(void *user, const struct storage_verdict *verdict)
{
    struct seen *seen = user;
    size_t used = strlen(seen->text);

    assert_true(verdict->version > seen->greatest); /* in order, and never twice */
    seen->greatest = verdict->version;
    (void)snprintf(seen->text + used, sizeof seen->text - used, "%s%s/%d=%s ",
        verdict->withdrawn ? "-" : "", verdict->visit_id, verdict->slot, verdict->line);
    return 0;
}

static struct seen since(struct fixture *fx, uint64_t version)
{
    struct seen seen = {.greatest = version};

    assert_int_equal(fx->storage->ops->verdicts(fx->storage, "R1", version, see, &seen), 0);
    return seen;
}

static struct storage_verdict verdict(const char *visit, const char *person, const char *line)
{
    return (struct storage_verdict){
        .period_id = "R1", .visit_id = visit, .slot = 1, .person_id = person, .line = line};
}

static uint64_t put(
    struct fixture *fx, const char *person, const struct storage_verdict *verdicts, size_t count)
{
    uint64_t changed = 0;

    assert_int_equal(
        fx->storage->ops->verdicts_put(fx->storage, "R1", person, verdicts, count, &changed), 0);
    return changed;
}

static void row_that_did_not_change_keeps_its_version(void **state)
{
    struct fixture *fx = *state;
    struct storage_verdict rows[] = {verdict("V1", "S1", "a"), verdict("V2", "S1", "b")};
    uint64_t before = 0;

    assert_int_equal(put(fx, NULL, rows, 2), 2);
    before = since(fx, 0).greatest;
    assert_int_equal(put(fx, NULL, rows, 2), 0);
    assert_string_equal(since(fx, before).text, "");
    rows[0].line = "c";
    assert_int_equal(put(fx, NULL, rows, 2), 1);
    reopen_store(fx);
    assert_string_equal(since(fx, before).text, "V1/1=c ");
    assert_string_equal(since(fx, 0).text, "V2/1=b V1/1=c ");
}

static void row_that_is_gone_is_withdrawn_once_and_can_come_back(void **state)
{
    struct fixture *fx = *state;
    const struct storage_verdict rows[] = {verdict("V1", "S1", "a"), verdict("V2", "S1", "b")};
    uint64_t before = 0;

    (void)put(fx, NULL, rows, 2);
    before = since(fx, 0).greatest;
    assert_int_equal(put(fx, NULL, rows, 1), 1);
    assert_string_equal(since(fx, before).text, "-V2/1=b ");
    assert_int_equal(put(fx, NULL, rows, 1), 0);
    before = since(fx, 0).greatest;
    assert_int_equal(put(fx, NULL, rows, 2), 1);
    assert_string_equal(since(fx, before).text, "V2/1=b ");
}

static void putting_one_person_leaves_the_others_alone(void **state)
{
    struct fixture *fx = *state;
    const struct storage_verdict rows[] = {verdict("V1", "S1", "a"), verdict("V2", "S2", "b")};
    uint64_t before = 0;

    (void)put(fx, NULL, rows, 2);
    before = since(fx, 0).greatest;
    assert_int_equal(put(fx, "S1", NULL, 0), 1);
    assert_string_equal(since(fx, before).text, "-V1/1=a ");
}

static int check_run(void *user, const struct storage_run *run)
{
    (*(int *)user)++;
    assert_string_equal(run->run_id, "abc");
    assert_string_equal(run->manifest, "{}");
    assert_int_equal(run->asof_utc, 7);
    return 0;
}

static void run_is_kept_once_and_never_rewritten(void **state)
{
    struct fixture *fx = *state;
    struct storage_run run = {.run_id = "abc",
        .period_id = "R1",
        .asof_utc = 7,
        .created_utc = 8,
        .manifest = "{}",
        .lines = ""};
    int calls = 0;

    assert_int_equal(fx->storage->ops->run_put(fx->storage, &run), 0);
    run.manifest = "{\"other\":1}";
    assert_int_equal(fx->storage->ops->run_put(fx->storage, &run), 0);
    assert_int_equal(fx->storage->ops->run_get(fx->storage, "abc", check_run, &calls), 0);
    assert_int_equal(calls, 1);
    assert_int_equal(fx->storage->ops->run_get(fx->storage, "nope", check_run, &calls), -ENOENT);
}

const struct CMUnitTest verdict_tests[] = {
    STORE_TEST(row_that_did_not_change_keeps_its_version),
    STORE_TEST(row_that_is_gone_is_withdrawn_once_and_can_come_back),
    STORE_TEST(putting_one_person_leaves_the_others_alone),
    STORE_TEST(run_is_kept_once_and_never_rewritten),
};
const size_t verdict_tests_count = sizeof verdict_tests / sizeof verdict_tests[0];
