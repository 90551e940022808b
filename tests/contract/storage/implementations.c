/* implementations.c - see implementations.h. */
#include "tests/contract/storage/implementations.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "collector/storage/storage_sqlite.h"

static bool is_in_memory;

void implementation_use(bool in_memory)
{
    is_in_memory = in_memory;
}

static void open_path(struct fixture *fixture)
{
    struct err err = {.text = ""};

    if (storage_sqlite_open(&fixture->storage, fixture->path, 0, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

int open_store(void **state)
{
    static unsigned number;
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    fixture->survives = !is_in_memory;
    (void)snprintf(fixture->path, sizeof fixture->path,
        is_in_memory ? ":memory:" : "/tmp/ecm-contract-%d-%u.db", (int)getpid(), number++);
    open_path(fixture);
    *state = fixture;
    return 0;
}

int close_store(void **state)
{
    static const char *const endings[] = {"", "-wal", "-shm", ".lock"};
    struct fixture *fixture = *state;

    storage_close(fixture->storage);
    for (size_t i = 0; fixture->survives && i < sizeof endings / sizeof endings[0]; i++) {
        char name[160];

        (void)snprintf(name, sizeof name, "%s%s", fixture->path, endings[i]);
        (void)unlink(name);
    }
    free(fixture);
    return 0;
}

void reopen_store(struct fixture *fixture)
{
    if (fixture->survives) {
        storage_close(fixture->storage);
        open_path(fixture);
    }
}
