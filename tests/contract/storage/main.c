/* main.c - the contract suite of storage.h, once for each implementation. */
#include "tests/contract/storage/implementations.h"

static int run(const char *name, const struct CMUnitTest *tests, size_t count)
{
    return _cmocka_run_group_tests(name, tests, count, NULL, NULL);
}

static int run_all(void)
{
    return run("logs", log_tests, log_tests_count) + run("tables", table_tests, table_tests_count) +
           run("verdicts", verdict_tests, verdict_tests_count);
}

int main(void)
{
    int failed = 0;

    implementation_use(false);
    failed += run_all();
    implementation_use(true);
    failed += run_all();
    return failed;
}
