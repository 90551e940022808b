/*
 * sqlite_open.c - the file behind storage_sqlite.h: settings, schema, transactions.
 *
 * Settings are set and read back: a store that does not promise what we promise is refused.
 */
#include "collector/storage/storage_sqlite.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/medium.h"
#include "collector/storage/sqlite_internal.h"
#include "collector/storage/sqlite_schema.h"

enum { LOCK_POLL_MS = 2 };

int store_code(int sqlite_rc)
{
    switch (sqlite_rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_FULL:
        return ECM_EFULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ECM_ECORRUPT;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
        return -EACCES;
    default:
        return -EIO;
    }
}

int store_failed(struct storage_sqlite *store, struct err *err)
{
    int code = store_code(sqlite3_errcode(store->db));

    return err_set(err, code != 0 ? code : -EIO, "store: %s", sqlite3_errmsg(store->db));
}

sqlite3_stmt *store_statement(struct storage_sqlite *store, enum store_slot slot, const char *sql)
{
    if (store->slots[slot] == NULL) {
        (void)sqlite3_prepare_v3(
            store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &store->slots[slot], NULL);
    }
    return store->slots[slot];
}

int store_prepare(struct storage_sqlite *store, const char *sql, sqlite3_stmt **ret_statement)
{
    return store_code(sqlite3_prepare_v2(store->db, sql, -1, ret_statement, NULL));
}

int store_run(sqlite3_stmt *statement)
{
    int sqlite_rc = SQLITE_NOMEM;

    if (statement == NULL) {
        return -EIO;
    }
    sqlite_rc = sqlite3_step(statement);
    (void)sqlite3_reset(statement);
    return store_code(sqlite_rc);
}

int store_exec(struct storage_sqlite *store, const char *sql)
{
    return store_code(sqlite3_exec(store->db, sql, NULL, NULL, NULL));
}

/* ---- the write lock ----------------------------------------------------------------------- */

static int lock_take(struct storage_sqlite *store)
{
    const struct timespec pause = {0, LOCK_POLL_MS * 1000000L};

    assert(!store->is_locked);
    for (int waited = 0; store->lock_fd >= 0; waited += LOCK_POLL_MS) {
        if (flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0) {
            break;
        }
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return -errno;
        }
        if (waited >= STORAGE_BUSY_MS) {
            return -EBUSY;
        }
        (void)nanosleep(&pause, NULL);
    }
    store->is_locked = true;
    return 0;
}

static void lock_release(struct storage_sqlite *store)
{
    if (store->is_locked && store->lock_fd >= 0) {
        (void)flock(store->lock_fd, LOCK_UN);
    }
    store->is_locked = false;
}

static bool has_room(const struct storage_sqlite *store)
{
    struct statvfs disk;

    if (store->lock_fd < 0 || fstatvfs(store->lock_fd, &disk) != 0) {
        return true;
    }
    return (uint64_t)disk.f_bavail * disk.f_frsize >= STORAGE_SQLITE_RESERVE;
}

/* ---- transactions ------------------------------------------------------------------------- */

int store_begin(struct storage *storage)
{
    struct storage_sqlite *store = store_of(storage);
    int rc = 0;

    if (!has_room(store)) {
        return ECM_EFULL;
    }
    rc = lock_take(store);
    if (rc < 0) {
        return rc;
    }
    rc = store_run(store_statement(store, SLOT_BEGIN, "BEGIN IMMEDIATE"));
    if (rc < 0) {
        lock_release(store);
    }
    return rc;
}

int store_commit(struct storage *storage)
{
    struct storage_sqlite *store = store_of(storage);
    int rc = store_run(store_statement(store, SLOT_COMMIT, "COMMIT"));

    /* The lock stays after a failure: the transaction is still open until rollback(). */
    if (rc == 0) {
        lock_release(store);
    }
    return rc;
}

void store_rollback(struct storage *storage)
{
    struct storage_sqlite *store = store_of(storage);

    if (store->db != NULL && sqlite3_get_autocommit(store->db) == 0) {
        (void)store_run(store_statement(store, SLOT_ROLLBACK, "ROLLBACK"));
    }
    lock_release(store);
}

/* ---- opening ------------------------------------------------------------------------------ */

/* The first column of the first row of sql, as text, into ret_text. */
static int read_text(struct storage_sqlite *store, const char *sql, char *ret_text, size_t size)
{
    sqlite3_stmt *statement = NULL;
    int sqlite_rc = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);

    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = sqlite3_step(statement);
    }
    if (sqlite_rc == SQLITE_ROW) {
        const unsigned char *text = sqlite3_column_text(statement, 0);

        (void)snprintf(ret_text, size, "%s", text != NULL ? (const char *)text : "");
    }
    (void)sqlite3_finalize(statement);
    return sqlite_rc == SQLITE_ROW ? 0 : (store_code(sqlite_rc) < 0 ? store_code(sqlite_rc) : -EIO);
}

static int expect(
    struct storage_sqlite *store, const char *pragma, const char *value, struct err *err)
{
    char found[64] = "";
    int rc = read_text(store, pragma, found, sizeof found);

    if (rc < 0) {
        return store_failed(store, err);
    }
    if (strcmp(found, value) != 0) {
        return err_set(err, -EIO, "store: %s is '%s' and not '%s': commits would not be safe",
            pragma, found, value);
    }
    return 0;
}

static int apply_settings(struct storage_sqlite *store, struct err *err)
{
    int rc = 0;

    (void)sqlite3_extended_result_codes(store->db, 1);
    (void)sqlite3_busy_timeout(store->db, STORAGE_BUSY_MS);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    rc = store_exec(store, store_settings_sql);
    if (rc < 0) {
        return store_failed(store, err);
    }
    rc = expect(store, "PRAGMA journal_mode", store->lock_fd >= 0 ? "wal" : "memory", err);
    if (rc == 0) {
        rc = expect(store, "PRAGMA synchronous", "2", err);
    }
    return rc;
}

/* What came after the first layout, and does not change what was there. */
static int apply_additions(struct storage_sqlite *store, struct err *err)
{
    if (store_exec(store, store_input_table) < 0 || store_exec(store, store_quarantine_table) < 0 ||
        store_exec(store, store_path_table) < 0) {
        return store_failed(store, err);
    }
    return 0;
}

static int apply_schema(struct storage_sqlite *store, struct err *err)
{
    char version[32] = "";
    char tables[32] = "";
    char wanted[32];

    (void)snprintf(wanted, sizeof wanted, "%d", STORE_SCHEMA_VERSION);
    if (read_text(store, "PRAGMA user_version", version, sizeof version) < 0 ||
        read_text(store, "SELECT count(*) FROM sqlite_master", tables, sizeof tables) < 0) {
        return store_failed(store, err);
    }
    if (strcmp(version, wanted) == 0) {
        return 0;
    }
    if (strcmp(version, "0") != 0 || strcmp(tables, "0") != 0) {
        return err_set(err, ECM_EFORMAT,
            "store: its layout is version %s, this program knows version %s: keep it, and import "
            "the files anew into a new store",
            version, wanted);
    }
    for (size_t i = 0; i < store_schema_count; i++) {
        if (store_exec(store, store_schema_sql[i]) < 0) {
            return store_failed(store, err);
        }
    }
    return 0;
}

static int open_lock(struct storage_sqlite *store, const char *path, struct err *err)
{
    char *name = NULL;

    if (strcmp(path, ":memory:") == 0) {
        return 0;
    }
    if (asprintf(&name, "%s.lock", path) < 0) {
        return err_set(err, -ENOMEM, "out of memory");
    }
    store->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (store->lock_fd < 0) {
        int rc = err_set(err, -errno, "%s: %s", name, strerror(errno));

        free(name);
        return rc;
    }
    free(name);
    return 0;
}

/* Held from opening to closing, by each who has the store open. true: nobody else has. */
static bool is_alone(struct storage_sqlite *store)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    bool is = fcntl(store->lock_fd, F_OFD_SETLK, &whole) == 0;

    whole.l_type = F_RDLCK;
    (void)fcntl(store->lock_fd, F_OFD_SETLK, &whole);
    return is;
}

/*
 * If a program before us died of an fsync that failed, the WAL may hold a transaction that is only
 * in memory, and everything we add behind it would be lost with it. The folder for the like reason:
 * SQLite does not look at how the folder's fsync ended. With the write lock; whoever comes while
 * the store is open finds it done.
 */
static int make_durable(struct storage_sqlite *store, const char *path, struct err *err)
{
    char *wal = NULL;
    int rc = 0;

    if (store->lock_fd < 0 || !is_alone(store)) {
        return 0;
    }
    if (asprintf(&wal, "%s-wal", path) < 0) {
        return err_set(err, -ENOMEM, "out of memory");
    }
    rc = medium_write_again(wal);
    free(wal);
    if (rc == 0) {
        rc = medium_sync_folder(path);
    }
    if (rc < 0) {
        (void)err_set(err, rc, "cannot sync: %s", strerror(-rc));
        return rc == -ENOSPC ? ECM_EFULL : rc;
    }
    return 0;
}

static int open_database(
    struct storage_sqlite *store, const char *path, unsigned flags, struct err *err)
{
    int how = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    int sqlite_rc = SQLITE_OK;
    int rc = 0;

    if ((flags & STORAGE_SQLITE_MUST_EXIST) == 0) {
        how |= SQLITE_OPEN_CREATE;
    }
    sqlite_rc = sqlite3_open_v2(path, &store->db, how, NULL);
    if (sqlite_rc != SQLITE_OK) {
        return err_set(err, store_code(sqlite_rc), "%s",
            store->db != NULL ? sqlite3_errmsg(store->db) : sqlite3_errstr(sqlite_rc));
    }
    rc = apply_settings(store, err);
    if (rc < 0) {
        return rc;
    }
    rc = store_run(store_statement(store, SLOT_BEGIN, "BEGIN IMMEDIATE"));
    if (rc < 0) {
        return store_failed(store, err);
    }
    rc = apply_schema(store, err);
    if (rc == 0) {
        rc = apply_additions(store, err);
    }
    if (rc < 0) {
        return rc;
    }
    rc = store_run(store_statement(store, SLOT_COMMIT, "COMMIT"));
    if (rc < 0) {
        return store_failed(store, err);
    }
    return make_durable(store, path, err);
}

static void store_close(struct storage *storage)
{
    struct storage_sqlite *store = store_of(storage);

    store_rollback(storage);
    for (int i = 0; i < SLOT_COUNT; i++) {
        (void)sqlite3_finalize(store->slots[i]);
    }
    /* The last one to close checkpoints; without the lock that must not happen. */
    if (store->db != NULL && lock_take(store) < 0) {
        (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    (void)sqlite3_close_v2(store->db);
    lock_release(store);
    if (store->lock_fd >= 0) {
        (void)close(store->lock_fd);
    }
    free(store);
}

static const struct storage_ops store_ops = {
    .close = store_close,
    .begin = store_begin,
    .commit = store_commit,
    .rollback = store_rollback,
    .log_get = store_log_get,
    .batch_append = store_batch_append,
    .log_skip = store_log_skip,
    .log_set_key = store_log_set_key,
    .quarantine = store_quarantine,
    .quarantine_state = store_quarantine_state,
    .quarantined = store_quarantined,
    .quarantine_release = store_quarantine_release,
    .inputs = store_inputs,
    .input_told = store_input_told,
    .logs = store_logs,
    .paths = store_paths,
    .import = store_import,
    .load = store_load,
    .persons_at = store_persons_at,
    .persons_of = store_persons_of,
    .persons_due = store_persons_due,
    .imports = store_imports,
    .verdicts_put = store_verdicts_put,
    .verdicts = store_verdicts,
    .run_put = store_run_put,
    .run_get = store_run_get,
    .correction_append = store_correction_append,
    .corrections = store_corrections,
    .reference_take = store_reference_take,
    .evidence = store_evidence,
};

int storage_sqlite_open(
    struct storage **ret_storage, const char *path, unsigned flags, struct err *err)
{
    struct storage_sqlite *store = NULL;
    int rc = 0;

    if ((flags & STORAGE_SQLITE_MUST_EXIST) != 0 && access(path, F_OK) != 0) {
        return err_set(err, -ENOENT, "store '%s': %s", path, strerror(ENOENT));
    }
    store = calloc(1, sizeof *store);
    if (store == NULL) {
        return err_set(err, -ENOMEM, "store '%s': out of memory", path);
    }
    store->storage.ops = &store_ops;
    store->lock_fd = -1;
    rc = open_lock(store, path, err);
    if (rc == 0) {
        rc = has_room(store) ? lock_take(store) : ECM_EFULL;
        if (rc < 0) {
            (void)err_set(
                err, rc, rc == ECM_EFULL ? "the disk is full" : "another program is writing to it");
        }
    }
    if (rc == 0) {
        rc = open_database(store, path, flags, err);
    }
    if (rc < 0) {
        store_close(&store->storage);
        return err_wrap(err, rc, "store '%s'", path);
    }
    lock_release(store);
    *ret_storage = &store->storage;
    return 0;
}
