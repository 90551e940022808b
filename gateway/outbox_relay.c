/*
 * outbox_relay.c - the file format of relayed logs, version 1.
 *
 * A SQLite 3 database, application_id "ecmr", user_version 1, settings as in outbox_db.c:
 *
 *   log     one row a log: device_id, epoch, held_seq, done_seq, public_key
 *   batch   one row a batch as it came
 *     log_id, first_seq, last_seq INTEGER
 *     chain_before, chain_after BLOB    32 bytes each
 *     done_day INTEGER                  days since 1970 when it was known to be done; NULL: owed
 *     bytes BLOB                        the message with the tag reader's signature
 */
#include "gateway/outbox_relay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/err.h"
#include "gateway/outbox.h"
#include "gateway/outbox_db.h"

enum {
    FORMAT_VERSION = 1,
    APPLICATION_ID = 0x65636d72, /* "ecmr" */
    PRUNE_COUNT = 64,            /* batches that make way at a time */
    MARGIN_PAGES = 16,           /* what a transaction may need besides its bytes */
    MS_PER_DAY = 86400000,
    PATH_ROOM = OUTBOX_PATH_MAX + 48,
};

static const char schema_sql[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE log (log_id INTEGER PRIMARY KEY, device_id TEXT NOT NULL,"
    " epoch INTEGER NOT NULL, held_seq INTEGER NOT NULL, done_seq INTEGER NOT NULL,"
    " public_key BLOB, UNIQUE (device_id, epoch)) STRICT;"
    "CREATE TABLE batch (batch_id INTEGER PRIMARY KEY, log_id INTEGER NOT NULL,"
    " first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, chain_before BLOB NOT NULL,"
    " chain_after BLOB NOT NULL, done_day INTEGER, bytes BLOB NOT NULL,"
    " UNIQUE (log_id, first_seq)) STRICT;"
    "CREATE INDEX batch_owed ON batch (log_id, last_seq) WHERE done_day IS NULL;"
    "CREATE INDEX batch_done ON batch (done_day, batch_id) WHERE done_day IS NOT NULL;"
    "CREATE INDEX batch_by_end ON batch (log_id, last_seq);"
    "PRAGMA application_id=1701014898; PRAGMA user_version=1;"
    "COMMIT;";

enum statement {
    STMT_BEGIN,
    STMT_COMMIT,
    STMT_LOG_ADD,
    STMT_LOG_SET,
    STMT_PUT,
    STMT_NEXT,
    STMT_DONE,
    STMT_AGED,
    STMT_PRUNE,
    STMT_PAGES,
    STMT_COUNT,
};

static const char *const statement_sql[STMT_COUNT] = {
    [STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STMT_COMMIT] = "COMMIT",
    [STMT_LOG_ADD] = "INSERT INTO log (held_seq, done_seq, public_key, device_id, epoch)"
                     " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (device_id, epoch) DO UPDATE SET"
                     " held_seq = ?1, done_seq = ?2, public_key = ?3 RETURNING log_id",
    [STMT_LOG_SET] = "UPDATE log SET held_seq = ?1, done_seq = ?2, public_key = ?3"
                     " WHERE log_id = ?4",
    [STMT_PUT] = "INSERT INTO batch (log_id, first_seq, last_seq, chain_before, chain_after, bytes)"
                 " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (log_id, first_seq) DO UPDATE SET"
                 " last_seq = excluded.last_seq, chain_after = excluded.chain_after,"
                 " done_day = NULL, bytes = excluded.bytes WHERE excluded.last_seq > last_seq",
    [STMT_NEXT] = "SELECT first_seq, last_seq, chain_before, chain_after, bytes FROM batch"
                  " WHERE log_id = ?1 AND last_seq >= ?2 ORDER BY last_seq LIMIT 1",
    [STMT_DONE] = "UPDATE batch SET done_day = ?3 WHERE log_id = ?1 AND last_seq <= ?2"
                  " AND done_day IS NULL",
    [STMT_AGED] = "DELETE FROM batch WHERE batch_id IN (SELECT batch_id FROM batch"
                  " WHERE done_day > 0 AND done_day <= ?1 ORDER BY done_day, batch_id LIMIT ?2)",
    [STMT_PRUNE] = "DELETE FROM batch WHERE batch_id IN (SELECT batch_id FROM batch"
                   " WHERE done_day IS NOT NULL ORDER BY done_day, batch_id LIMIT ?1)",
    [STMT_PAGES] =
        "SELECT page_count - freelist_count FROM pragma_page_count, pragma_freelist_count",
};

struct relay_store {
    sqlite3 *db;
    sqlite3_stmt *statements[STMT_COUNT];
    uint64_t bytes_max;
    bool is_begun;
    int failure; /* the transaction was undone; the caller has not heard yet */
};

/* ---- statements --------------------------------------------------------------------------- */

static int run(struct relay_store *store, enum statement which)
{
    int sqlite_rc = sqlite3_step(store->statements[which]);

    (void)sqlite3_reset(store->statements[which]);
    return outbox_db_code(store->db, sqlite_rc);
}

static void bind(struct relay_store *store, enum statement which, int index, uint64_t value)
{
    (void)sqlite3_bind_int64(store->statements[which], index, (sqlite3_int64)value);
}

static void bind_bytes(
    struct relay_store *store, enum statement which, int index, const uint8_t *bytes, size_t size)
{
    (void)sqlite3_bind_blob64(store->statements[which], index, bytes, size, SQLITE_STATIC);
}

/* Undo all that was gathered, and remember why. */
static int fail(struct relay_store *store, int rc)
{
    if (sqlite3_get_autocommit(store->db) == 0) {
        (void)outbox_db_exec(store->db, "ROLLBACK");
    }
    store->is_begun = false;
    store->failure = rc;
    return rc;
}

static int begin(struct relay_store *store)
{
    int rc = store->failure;

    if (rc == 0 && !store->is_begun) {
        (void)sqlite3_reset(store->statements[STMT_NEXT]); /* an open read keeps the WAL growing */
        rc = run(store, STMT_BEGIN);
        store->is_begun = rc == 0;
    }
    return rc < 0 ? fail(store, rc) : 0;
}

int relay_store_commit(struct relay_store *store)
{
    int rc = store->failure;

    if (rc == 0 && store->is_begun) {
        rc = run(store, STMT_COMMIT);
        if (rc < 0) {
            (void)fail(store, rc);
        }
        store->is_begun = false;
    }
    store->failure = 0;
    return rc;
}

/* ---- open and close ----------------------------------------------------------------------- */

static int column_of(sqlite3 *db, const char *sql, int64_t *ret_value)
{
    sqlite3_stmt *stmt = NULL;
    int sqlite_rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = sqlite3_step(stmt);
    }
    if (sqlite_rc == SQLITE_ROW) {
        *ret_value = sqlite3_column_int64(stmt, 0);
    }
    (void)sqlite3_finalize(stmt);
    return outbox_db_code(db, sqlite_rc);
}

/* Not as a table-valued function: that takes its argument for a table's name since SQLite 3.46. */
static int check_pages(sqlite3 *db)
{
    char answer[16] = "";
    int rc = outbox_db_code(db, outbox_db_ask(db, "PRAGMA quick_check(1)", answer, sizeof answer));

    return rc == 0 && strcmp(answer, "ok") != 0 ? ECM_ECORRUPT : rc;
}

static int settle_format(sqlite3 *db, const char *path, struct err *err)
{
    int64_t tables = 0;
    int64_t application = 0;
    int64_t version = 0;
    int rc = column_of(db, "SELECT count(*) FROM sqlite_schema", &tables);

    if (rc == 0 && tables == 0) {
        rc = outbox_db_code(db, outbox_db_exec(db, schema_sql));
    }
    if (rc == 0) {
        rc = column_of(db, "PRAGMA application_id", &application);
    }
    if (rc == 0) {
        rc = column_of(db, "PRAGMA user_version", &version);
    }
    if (rc == 0 && (application != APPLICATION_ID || version != FORMAT_VERSION)) {
        return err_set(err, ECM_EFORMAT, "'%s' is no store of relayed logs of format %d", path,
            FORMAT_VERSION);
    }
    if (rc == 0) {
        rc = check_pages(db);
    }
    return rc < 0 ? err_set(err, rc, "relayed logs '%s': %s", path, sqlite3_errmsg(db)) : 0;
}

static int connect(struct relay_store *store, const char *path, struct err *err)
{
    const struct outbox_conf conf = {.path = path, .bytes_max = store->bytes_max};
    int rc = outbox_db_connect(&store->db, &conf, err);

    if (rc == 0) {
        rc = settle_format(store->db, path, err);
    }
    if (rc == 0) {
        rc = outbox_db_make_durable(path, err);
    }
    for (int i = 0; rc == 0 && i < STMT_COUNT; i++) {
        rc = outbox_db_code(store->db, sqlite3_prepare_v3(store->db, statement_sql[i], -1,
                                           SQLITE_PREPARE_PERSISTENT, &store->statements[i], NULL));
        (void)(rc < 0 &&
               err_set(err, rc, "relayed logs '%s': %s", path, sqlite3_errmsg(store->db)));
    }
    if (rc == 0) {
        (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    }
    return rc;
}

static void disconnect(struct relay_store *store)
{
    for (int i = 0; i < STMT_COUNT; i++) {
        (void)sqlite3_finalize(store->statements[i]);
        store->statements[i] = NULL;
    }
    (void)sqlite3_close(store->db);
    store->db = NULL;
}

/* The file and what SQLite keeps beside it, under the same new name. */
static int set_aside(const char *path, char *ret_name, size_t size)
{
    char wal[PATH_ROOM] = "";
    char wal_name[PATH_ROOM] = "";

    (void)snprintf(ret_name, size, "%s.bad.%lld", path, (long long)time(NULL));
    (void)snprintf(wal, sizeof wal, "%s-wal", path);
    (void)snprintf(wal_name, sizeof wal_name, "%s-wal", ret_name);
    if (rename(wal, wal_name) != 0 && errno != ENOENT) {
        return -errno;
    }
    return rename(path, ret_name) == 0 ? 0 : -errno;
}

int relay_store_open(struct relay_store **ret_store, const char *path, uint64_t bytes_max,
    char *ret_set_aside, size_t set_aside_size, struct err *err)
{
    struct relay_store *store = NULL;
    int rc = 0;

    if (strlen(path) >= OUTBOX_PATH_MAX || bytes_max < RELAY_STORE_BYTES_MIN) {
        return err_set(err, -EINVAL, "relayed logs '%s': path or budget out of bounds", path);
    }
    store = calloc(1, sizeof *store);
    if (store == NULL) {
        return err_set(err, -ENOMEM, "relayed logs '%s': out of memory", path);
    }
    store->bytes_max = bytes_max;
    ret_set_aside[0] = '\0';
    rc = connect(store, path, err);
    if (rc == ECM_ECORRUPT) {
        disconnect(store);
        rc = set_aside(path, ret_set_aside, set_aside_size);
        rc = rc < 0 ? err_set(err, rc, "relayed logs '%s': cannot be set aside", path)
                    : connect(store, path, err);
    }
    if (rc < 0) {
        relay_store_close(store);
        return rc;
    }
    *ret_store = store;
    return 0;
}

void relay_store_close(struct relay_store *store)
{
    if (store == NULL) {
        return;
    }
    disconnect(store);
    free(store);
}

/* ---- logs --------------------------------------------------------------------------------- */

static int read_log(sqlite3_stmt *stmt, struct relay_store_log *ret_log)
{
    const char *device_id = (const char *)sqlite3_column_text(stmt, 1);
    const void *key = sqlite3_column_blob(stmt, 5);
    struct relay_store_log log = {
        .log_id = sqlite3_column_int64(stmt, 0),
        .epoch = (uint64_t)sqlite3_column_int64(stmt, 2),
        .held_seq = (uint64_t)sqlite3_column_int64(stmt, 3),
        .done_seq = (uint64_t)sqlite3_column_int64(stmt, 4),
        .has_public_key = key != NULL,
    };

    if (device_id == NULL || strlen(device_id) > DEVICE_ID_MAX || log.held_seq > INT64_MAX ||
        log.done_seq > log.held_seq ||
        (key != NULL && sqlite3_column_bytes(stmt, 5) != MESSAGE_KEY_SIZE)) {
        return ECM_ECORRUPT;
    }
    (void)snprintf(log.device_id, sizeof log.device_id, "%s", device_id);
    if (key != NULL) {
        memcpy(log.public_key, key, sizeof log.public_key);
    }
    *ret_log = log;
    return 0;
}

int relay_store_logs(struct relay_store *store, relay_store_visit visit, void *user)
{
    static const char sql[] = "SELECT log_id, device_id, epoch, held_seq, done_seq, public_key"
                              " FROM log ORDER BY log_id";
    sqlite3_stmt *stmt = NULL;
    int sqlite_rc =
        outbox_db_exec(store->db, "DELETE FROM log WHERE log_id NOT IN (SELECT log_id FROM batch)");
    int rc = 0;

    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL);
    }
    rc = outbox_db_code(store->db, sqlite_rc);
    while (rc == 0 && (sqlite_rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct relay_store_log log;

        rc = read_log(stmt, &log);
        if (rc == 0) {
            rc = visit(user, &log);
        }
    }
    (void)sqlite3_finalize(stmt);
    return rc != 0 ? rc : outbox_db_code(store->db, sqlite_rc);
}

/* A log that was forgotten in memory may still be here, with batches that are done. */
static int add_log(struct relay_store *store, struct relay_store_log *log)
{
    sqlite3_stmt *stmt = store->statements[STMT_LOG_ADD];
    int sqlite_rc = SQLITE_OK;

    (void)sqlite3_bind_text(stmt, 4, log->device_id, -1, SQLITE_STATIC);
    bind(store, STMT_LOG_ADD, 5, log->epoch);
    sqlite_rc = sqlite3_step(stmt);
    if (sqlite_rc == SQLITE_ROW) {
        log->log_id = sqlite3_column_int64(stmt, 0);
        sqlite_rc = sqlite3_step(stmt);
    }
    (void)sqlite3_reset(stmt);
    return outbox_db_code(store->db, sqlite_rc);
}

int relay_store_put_log(struct relay_store *store, struct relay_store_log *log)
{
    enum statement which = log->log_id == 0 ? STMT_LOG_ADD : STMT_LOG_SET;
    int rc = begin(store);

    if (rc < 0) {
        return rc;
    }
    bind(store, which, 1, log->held_seq);
    bind(store, which, 2, log->done_seq);
    bind_bytes(store, which, 3, log->has_public_key ? log->public_key : NULL, MESSAGE_KEY_SIZE);
    if (log->log_id == 0) {
        rc = add_log(store, log);
    } else {
        bind(store, which, 4, (uint64_t)log->log_id);
        rc = run(store, which);
    }
    return rc < 0 ? fail(store, rc) : 0;
}

/* ---- batches ------------------------------------------------------------------------------ */

uint64_t relay_store_bytes(struct relay_store *store)
{
    uint64_t pages = 0;

    if (sqlite3_step(store->statements[STMT_PAGES]) == SQLITE_ROW) {
        pages = (uint64_t)sqlite3_column_int64(store->statements[STMT_PAGES], 0);
    }
    (void)sqlite3_reset(store->statements[STMT_PAGES]);
    return pages * OUTBOX_PAGE_SIZE;
}

uint64_t relay_store_bytes_max(const struct relay_store *store)
{
    return store->bytes_max;
}

/* Asked beforehand, because a statement that runs into the limit may undo the whole transaction. */
static int make_room(struct relay_store *store, size_t size)
{
    uint64_t wanted = size + (uint64_t)MARGIN_PAGES * OUTBOX_PAGE_SIZE;

    while (relay_store_bytes(store) + wanted > store->bytes_max) {
        int rc = 0;

        bind(store, STMT_PRUNE, 1, PRUNE_COUNT);
        rc = run(store, STMT_PRUNE);
        if (rc < 0) {
            return rc;
        }
        if (sqlite3_changes(store->db) == 0) {
            return ECM_EFULL;
        }
    }
    return 0;
}

int relay_store_put(
    struct relay_store *store, int64_t log_id, const struct relay_store_batch *batch)
{
    int rc = begin(store);

    if (rc < 0) {
        return rc;
    }
    rc = make_room(store, batch->size);
    if (rc == ECM_EFULL) {
        return rc; /* and what was gathered stays */
    }
    if (rc == 0) {
        bind(store, STMT_PUT, 1, (uint64_t)log_id);
        bind(store, STMT_PUT, 2, batch->first_seq);
        bind(store, STMT_PUT, 3, batch->last_seq);
        bind_bytes(store, STMT_PUT, 4, batch->chain_before, MESSAGE_HASH_SIZE);
        bind_bytes(store, STMT_PUT, 5, batch->chain_after, MESSAGE_HASH_SIZE);
        bind_bytes(store, STMT_PUT, 6, batch->bytes, batch->size);
        rc = run(store, STMT_PUT);
    }
    return rc < 0 ? fail(store, rc) : 0;
}

int relay_store_mark_done(struct relay_store *store, int64_t log_id, uint64_t done_seq, int64_t day)
{
    int rc = begin(store);

    if (rc == 0) {
        bind(store, STMT_DONE, 1, (uint64_t)log_id);
        bind(store, STMT_DONE, 2, done_seq);
        bind(store, STMT_DONE, 3, (uint64_t)day);
        rc = run(store, STMT_DONE);
    }
    return rc < 0 ? fail(store, rc) : 0;
}

static int take_hash(sqlite3_stmt *stmt, int column, uint8_t *ret_hash)
{
    const void *hash = sqlite3_column_blob(stmt, column);

    if (hash == NULL || sqlite3_column_bytes(stmt, column) != MESSAGE_HASH_SIZE) {
        return ECM_ECORRUPT;
    }
    memcpy(ret_hash, hash, MESSAGE_HASH_SIZE);
    return 0;
}

int relay_store_next(struct relay_store *store, int64_t log_id, uint64_t from_seq,
    struct relay_store_batch *ret_batch)
{
    sqlite3_stmt *stmt = store->statements[STMT_NEXT];
    int rc = 0;

    /* The row of the call before is borrowed until this one. */
    (void)sqlite3_reset(stmt);
    bind(store, STMT_NEXT, 1, (uint64_t)log_id);
    bind(store, STMT_NEXT, 2, from_seq);
    if (sqlite3_step(stmt) != SQLITE_ROW) {
        rc = outbox_db_code(store->db, sqlite3_reset(stmt));
        return rc < 0 ? rc : -ENOENT;
    }
    ret_batch->first_seq = (uint64_t)sqlite3_column_int64(stmt, 0);
    ret_batch->last_seq = (uint64_t)sqlite3_column_int64(stmt, 1);
    rc = take_hash(stmt, 2, ret_batch->chain_before);
    if (rc == 0) {
        rc = take_hash(stmt, 3, ret_batch->chain_after);
    }
    ret_batch->bytes = sqlite3_column_blob(stmt, 4);
    ret_batch->size = (size_t)sqlite3_column_bytes(stmt, 4);
    return rc;
}

int relay_store_keep_house(struct relay_store *store, const struct relay_store_log *log,
    int64_t wall_ms, unsigned keep_days)
{
    int64_t day = wall_ms == OUTBOX_NO_CLOCK ? 0 : wall_ms / MS_PER_DAY;
    int rc = 0;

    rc = relay_store_mark_done(store, log->log_id, log->done_seq, day);
    if (rc == 0 && day > (int64_t)keep_days) {
        bind(store, STMT_AGED, 1, (uint64_t)(day - (int64_t)keep_days));
        bind(store, STMT_AGED, 2, PRUNE_COUNT);
        rc = run(store, STMT_AGED);
        if (rc < 0) {
            (void)fail(store, rc);
        }
    }
    return relay_store_commit(store);
}
