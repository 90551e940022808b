/*
 * implementations.h - every implementation of storage.h, behind one fixture.
 */
#ifndef ECM_TESTS_CONTRACT_STORAGE_IMPLEMENTATIONS_H
#define ECM_TESTS_CONTRACT_STORAGE_IMPLEMENTATIONS_H

#include <stdbool.h>

#include "collector/storage/storage.h"
#include "tests/unit/suite.h"

struct fixture {
    struct storage *storage;
    bool survives; /* can be closed and opened again */
    char path[128];
};

/* cmocka set-up and tear-down; which implementation is set before a group runs. */
void implementation_use(bool in_memory);
int open_store(void **state);
int close_store(void **state);
/* Close and open: what was committed is there, the rest is not. */
void reopen_store(struct fixture *fixture);

extern const struct CMUnitTest log_tests[];
extern const size_t log_tests_count;
extern const struct CMUnitTest table_tests[];
extern const size_t table_tests_count;
extern const struct CMUnitTest verdict_tests[];
extern const size_t verdict_tests_count;

#define STORE_TEST(function) cmocka_unit_test_setup_teardown(function, open_store, close_store)

#endif
