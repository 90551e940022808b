/* test_storage_sqlite.c - what is SQLite's own about the store: the file, its lock, its refusals. */
#include "collector/storage/storage_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "collector/storage/storage.h"
#include "tests/unit/suite.h"

static char folder[64], path[96];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/ecm-sqlite-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/store.db", folder);
    return 0;
}

static int teardown(void **state)
{
    static const char *const endings[] = {"", "-wal", "-shm", ".lock"};
    char name[128];

    (void)state;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, endings[i]);
        (void)unlink(name);
    }
    return rmdir(folder);
}

static struct storage *open_store(void)
{
    struct storage *store = NULL;
    struct err err = {.text = ""};

    if (storage_sqlite_open(&store, path, 0, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return store;
}

static void assert_refused(unsigned flags, int code)
{
    struct storage *store = NULL;
    struct err err = {.text = ""};

    assert_int_equal(storage_sqlite_open(&store, path, flags, &err), code);
    assert_null(store);
    assert_non_null(strstr(err.text, path));
}

static void run_sql(const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void absent_store_is_made_unless_it_must_exist(void **state)
{
    (void)state;
    assert_refused(STORAGE_SQLITE_MUST_EXIST, -ENOENT);
    storage_close(open_store());
    storage_close(open_store());
    assert_int_equal(access(path, F_OK), 0);
}

static void store_of_another_layout_is_refused_with_what_to_do(void **state)
{
    struct storage *store = NULL;
    struct err err = {.text = ""};

    (void)state;
    storage_close(open_store());
    run_sql("PRAGMA user_version=1");
    assert_refused(0, ECM_EFORMAT);
    assert_int_equal(storage_sqlite_open(&store, path, 0, &err), ECM_EFORMAT);
    assert_non_null(strstr(err.text, "layout is version 1"));
    assert_non_null(strstr(err.text, "the files anew into a new store"));
}

static void file_that_is_another_database_is_refused(void **state)
{
    (void)state;
    run_sql("CREATE TABLE somebody_elses(x)");
    assert_refused(0, ECM_EFORMAT);
}

static void file_that_is_no_database_is_refused(void **state)
{
    FILE *file = NULL;

    (void)state;
    file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++) {
        assert_true(fputs("this is not a database\n", file) >= 0);
    }
    assert_int_equal(fclose(file), 0);
    assert_refused(0, ECM_ECORRUPT);
}

/* What a SQLite that does not do as it is told would look like: this pragma changes nothing. */
static const char *ignored_pragma;

static int ignore_pragma(void *user, int action, const char *name, const char *value,
    const char *database, const char *trigger)
{
    (void)user;
    (void)database;
    (void)trigger;
    return action == SQLITE_PRAGMA && value != NULL && ignored_pragma != NULL &&
                   strcmp(name, ignored_pragma) == 0
               ? SQLITE_IGNORE
               : SQLITE_OK;
}

static int watch_new_handle(sqlite3 *db, char **message, const struct sqlite3_api_routines *api)
{
    (void)message;
    (void)api;
    return sqlite3_set_authorizer(db, ignore_pragma, NULL);
}

static void ignore_from_now_on(const char *pragma)
{
    ignored_pragma = pragma;
    assert_int_equal(sqlite3_auto_extension((void (*)(void))watch_new_handle), SQLITE_OK);
}

static void obey_again(void)
{
    assert_int_equal(sqlite3_cancel_auto_extension((void (*)(void))watch_new_handle), 1);
    ignored_pragma = NULL;
}

static void a_sqlite_that_ignores_what_our_promise_rests_on_is_refused(void **state)
{
    struct storage *store = NULL;
    struct err err = {.text = ""};

    (void)state;
    ignore_from_now_on("journal_mode");
    assert_int_equal(storage_sqlite_open(&store, path, 0, &err), -EIO);
    obey_again();
    assert_null(store);
    assert_non_null(strstr(err.text, "journal_mode is 'delete' and not 'wal'"));
    storage_close(open_store());
}

static void folder_that_is_not_there_is_named(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "%s/none/store.db", folder);
    assert_refused(0, -ENOENT);
    (void)snprintf(path, sizeof path, "%s/store.db", folder);
}

/* Two handles stand for two processes: flock() holds between any two open files. */
static void second_writer_waits_for_the_first(void **state)
{
    struct storage *first = NULL;
    struct storage *second = NULL;
    pid_t child = 0;
    int status = 0;

    (void)state;
    first = open_store();
    second = open_store();
    storage_close(first);
    assert_int_equal(second->ops->begin(second), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        /* A process of its own: it must not touch the parent's handle. */
        char *const arguments[] = {
            (char *)(intptr_t) "test", (char *)(intptr_t) "--write", path, NULL};

        (void)execv("/proc/self/exe", arguments);
        _exit(9);
    }
    (void)usleep(100000);
    assert_int_equal(waitpid(child, &status, WNOHANG), 0); /* it waits */
    assert_int_equal(second->ops->commit(second), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    storage_close(second);
}

static int write_once(const char *store_path)
{
    struct storage *store = NULL;

    if (storage_sqlite_open(&store, store_path, STORAGE_SQLITE_MUST_EXIST, NULL) < 0) {
        return 1;
    }
    if (store->ops->begin(store) < 0 || store->ops->commit(store) < 0) {
        return 2;
    }
    storage_close(store);
    return 0;
}

static void reader_sees_the_state_before_a_writer_that_is_not_done(void **state)
{
    struct storage *writer = open_store();
    struct storage *reader = open_store();
    const struct storage_quarantined message = {1, "t", "r", (const uint8_t *)"x", 1};
    struct storage_log log;
    uint8_t head[STORAGE_HASH_SIZE] = {0};
    uint64_t imports = 1;

    (void)state;
    assert_int_equal(writer->ops->begin(writer), 0);
    assert_int_equal(writer->ops->quarantine(writer, &message, 0), 0);
    assert_int_equal(writer->ops->log_get(writer, "GW-1", 1, head, &log), 0);
    assert_int_equal(reader->ops->log_get(reader, "GW-1", 1, NULL, &log), -ENOENT);
    assert_int_equal(reader->ops->imports(reader, &imports), 0);
    assert_int_equal(imports, 0);
    assert_int_equal(writer->ops->commit(writer), 0);
    assert_int_equal(reader->ops->log_get(reader, "GW-1", 1, NULL, &log), 0);
    storage_close(reader);
    storage_close(writer);
}

#define FILE_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(a_sqlite_that_ignores_what_our_promise_rests_on_is_refused),
        FILE_TEST(absent_store_is_made_unless_it_must_exist),
        FILE_TEST(store_of_another_layout_is_refused_with_what_to_do),
        FILE_TEST(file_that_is_another_database_is_refused),
        FILE_TEST(file_that_is_no_database_is_refused),
        FILE_TEST(folder_that_is_not_there_is_named),
        FILE_TEST(second_writer_waits_for_the_first),
        FILE_TEST(reader_sees_the_state_before_a_writer_that_is_not_done),
    };

    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        return write_once(argv[2]);
    }
    return cmocka_run_group_tests_name("storage_sqlite", tests, NULL, NULL);
}
