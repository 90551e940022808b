/*
 * outbox_db.c - the file format of the outbox, version 1, and the settings it is opened with.
 *
 * A SQLite 3 database, application_id "ecmo", user_version 1, 4 KiB pages, WAL:
 *
 *   log      one row (id 1)
 *     device_id TEXT          whose log this is
 *     epoch INTEGER           the 64 bits as SQLite's signed integer; random, never 0
 *     next_seq INTEGER        what the next record will be called; starts at 1
 *     acked_seq INTEGER       the collector holds everything up to it, as last written down
 *     oldest_seq INTEGER      the oldest record still here; next_seq when there is none
 *     chain_before_oldest BLOB  32 bytes: the chain head before record oldest_seq
 *     taps INTEGER            taps stored since the log began
 *   record   one row a record, seq from oldest_seq to next_seq - 1 without gaps
 *     seq INTEGER PRIMARY KEY
 *     bytes BLOB              the encoded record (proto/messages.h), as made and as sent
 *     chain BLOB              32 bytes: the chain head after it (base/chain.h)
 *   ack_mark one row a day on which something was acked under a trusted clock
 *     day INTEGER PRIMARY KEY days since 1970-01-01 UTC
 *     through_seq INTEGER     acked by the end of that day
 *
 * Settings: locking_mode=EXCLUSIVE comes before WAL, so that the WAL index lives on the heap: no
 * -shm file, so no SIGBUS on a full disk, no second process, and not the WAL-reset bug of SQLite
 * before 3.51.3, which needs two connections. synchronous=FULL makes COMMIT wait for fdatasync of
 * the WAL: that wait is the promise behind the green light. max_page_count is our own limit below
 * the partition's size: at that limit, unlike on a full disk, deletes and updates still work.
 */
#include "gateway/outbox_db.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/err.h"
#include "base/medium.h"

enum {
    FORMAT_VERSION = 1,
    APPLICATION_ID = 0x65636d6f, /* "ecmo" */
    LOOKASIDE_SLOT_SIZE = 128,
    LOOKASIDE_SLOTS = 48,
    SQL_MAX = 160,
};

static const char schema_sql[] =
    "CREATE TABLE log (id INTEGER PRIMARY KEY CHECK (id = 1), device_id TEXT NOT NULL,"
    " epoch INTEGER NOT NULL, next_seq INTEGER NOT NULL, acked_seq INTEGER NOT NULL,"
    " oldest_seq INTEGER NOT NULL, chain_before_oldest BLOB NOT NULL,"
    " taps INTEGER NOT NULL) STRICT;"
    "CREATE TABLE record (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL,"
    " chain BLOB NOT NULL) STRICT;"
    "CREATE TABLE ack_mark (day INTEGER PRIMARY KEY, through_seq INTEGER NOT NULL) STRICT;";

/* In this order. wanted is what SQLite must answer afterwards; NULL: max_page_count. */
static const struct {
    const char *name;
    const char *value;
    const char *wanted;
} settings[] = {
    {"locking_mode", "EXCLUSIVE", "exclusive"},
    {"journal_mode", "WAL", "wal"},
    {"synchronous", "FULL", "2"},
    {"wal_autocheckpoint", "256", "256"},
    {"journal_size_limit", "4194304", "4194304"},
    {"mmap_size", "0", "0"},
    {"cache_size", "64", "64"},
    {"temp_store", "MEMORY", "2"},
    {"trusted_schema", "OFF", "0"},
    {"cell_size_check", "ON", "1"},
};

int outbox_db_code(sqlite3 *db, int sqlite_rc)
{
    switch (sqlite_rc) {
    case SQLITE_IOERR_READ:
    case SQLITE_IOERR_SHORT_READ:
    case SQLITE_IOERR_DATA:
    case SQLITE_IOERR_CORRUPTFS:
        return ECM_ECORRUPT; /* a worn card answers EIO for what it has lost */
    default:
        break;
    }
    switch (sqlite_rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_FULL:
        return ECM_EFULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ECM_ECORRUPT;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_CANTOPEN:
        return db != NULL && sqlite3_system_errno(db) > 0 ? -sqlite3_system_errno(db) : -EIO;
    default:
        return -EIO;
    }
}

int outbox_db_exec(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

int outbox_db_ask(sqlite3 *db, const char *sql, char *ret_text, size_t size)
{
    sqlite3_stmt *stmt = NULL;
    int sqlite_rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = sqlite3_step(stmt);
    }
    if (sqlite_rc == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);

        (void)snprintf(ret_text, size, "%s", text != NULL ? text : "");
        sqlite_rc = SQLITE_OK;
    }
    (void)sqlite3_finalize(stmt);
    return sqlite_rc;
}

static int ask_integer(sqlite3 *db, const char *sql, int64_t *ret_value)
{
    sqlite3_stmt *stmt = NULL;
    int sqlite_rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = sqlite3_step(stmt);
    }
    if (sqlite_rc == SQLITE_ROW) {
        *ret_value = sqlite3_column_int64(stmt, 0);
        sqlite_rc = SQLITE_OK;
    }
    (void)sqlite3_finalize(stmt);
    return sqlite_rc;
}

static int refuse(sqlite3 *db, const char *path, int sqlite_rc, struct err *err)
{
    int rc = outbox_db_code(db, sqlite_rc);

    if (rc == -EBUSY) {
        return err_set(err, rc, "outbox '%s': another process is using it", path);
    }
    return err_set(err, rc < 0 ? rc : -EIO, "outbox '%s': %s", path, sqlite3_errmsg(db));
}

static int set_page_limit(sqlite3 *db, const struct outbox_conf *conf, struct err *err)
{
    int64_t wanted = (int64_t)(conf->bytes_max / OUTBOX_PAGE_SIZE);
    int64_t used = 0;
    int64_t limit = 0;
    char sql[SQL_MAX] = "";
    int sqlite_rc = ask_integer(db, "PRAGMA page_count", &used);

    (void)snprintf(sql, sizeof sql, "PRAGMA max_page_count=%lld", (long long)wanted);
    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = ask_integer(db, sql, &limit);
    }
    if (sqlite_rc != SQLITE_OK) {
        return refuse(db, conf->path, sqlite_rc, err);
    }
    /* A file that already is larger than a lowered budget keeps its size and grows no more. */
    if (limit != (wanted > used ? wanted : used)) {
        return err_set(err, -EIO, "outbox '%s': max_page_count is %lld, wanted %lld", conf->path,
            (long long)limit, (long long)wanted);
    }
    return 0;
}

static int apply_settings(sqlite3 *db, const struct outbox_conf *conf, struct err *err)
{
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        char sql[SQL_MAX] = "";
        char answer[SQL_MAX] = "";
        int sqlite_rc = SQLITE_OK;

        (void)snprintf(sql, sizeof sql, "PRAGMA %s=%s", settings[i].name, settings[i].value);
        sqlite_rc = outbox_db_exec(db, sql);
        if (sqlite_rc == SQLITE_OK) {
            (void)snprintf(sql, sizeof sql, "PRAGMA %s", settings[i].name);
            sqlite_rc = outbox_db_ask(db, sql, answer, sizeof answer);
        }
        if (sqlite_rc != SQLITE_OK) {
            return refuse(db, conf->path, sqlite_rc, err);
        }
        if (strcmp(answer, settings[i].wanted) != 0) {
            return err_set(err, -EIO, "outbox '%s': %s is %s, wanted %s", conf->path,
                settings[i].name, answer, settings[i].wanted);
        }
    }
    return set_page_limit(db, conf, err);
}

static int apply_db_config(sqlite3 *db)
{
    int sqlite_rc = sqlite3_extended_result_codes(db, 1);

    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = sqlite3_db_config(
            db, SQLITE_DBCONFIG_LOOKASIDE, NULL, LOOKASIDE_SLOT_SIZE, LOOKASIDE_SLOTS);
    }
    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    }
    /* Until the file has passed its check: closing a damaged one must not change it. */
    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    }
    return sqlite_rc;
}

static int insert_head(sqlite3 *db, const struct outbox_conf *conf)
{
    static const char sql[] = "INSERT INTO log VALUES (1, ?1, ?2, 1, 0, 1, ?3, 0)";
    uint8_t head[CHAIN_SIZE] = {0};
    uint64_t epoch = 0;
    struct chain *chain = NULL;
    sqlite3_stmt *stmt = NULL;
    int sqlite_rc = SQLITE_OK;

    while (epoch == 0) {
        if (getrandom(&epoch, sizeof epoch, 0) != (ssize_t)sizeof epoch) {
            return SQLITE_IOERR;
        }
    }
    chain = chain_new();
    if (chain == NULL) {
        return SQLITE_NOMEM;
    }
    chain_start(chain, conf->device_id, epoch, head);
    chain_free(chain);

    sqlite_rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    if (sqlite_rc == SQLITE_OK) {
        (void)sqlite3_bind_text(stmt, 1, conf->device_id, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(stmt, 2, (sqlite3_int64)epoch);
        (void)sqlite3_bind_blob(stmt, 3, head, CHAIN_SIZE, SQLITE_STATIC);
        sqlite_rc = sqlite3_step(stmt);
    }
    (void)sqlite3_finalize(stmt);
    return sqlite_rc == SQLITE_DONE ? SQLITE_OK : sqlite_rc;
}

/* All tables, the epoch and the format number in one transaction: a cut leaves all or nothing. */
static int create(sqlite3 *db, const struct outbox_conf *conf)
{
    char sql[SQL_MAX] = "";
    int sqlite_rc = outbox_db_exec(db, "BEGIN IMMEDIATE");

    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = outbox_db_exec(db, schema_sql);
    }
    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = insert_head(db, conf);
    }
    if (sqlite_rc == SQLITE_OK) {
        (void)snprintf(sql, sizeof sql, "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
            APPLICATION_ID, FORMAT_VERSION);
        sqlite_rc = outbox_db_exec(db, sql);
    }
    return sqlite_rc;
}

/* Create the tables in an empty file; refuse a database that is something else. */
static int settle_format(sqlite3 *db, const struct outbox_conf *conf, struct err *err)
{
    int64_t tables = 0;
    int64_t application = 0;
    int64_t version = 0;
    int sqlite_rc = ask_integer(db, "SELECT count(*) FROM sqlite_schema", &tables);

    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = ask_integer(db, "PRAGMA application_id", &application);
    }
    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = ask_integer(db, "PRAGMA user_version", &version);
    }
    if (sqlite_rc == SQLITE_OK && tables == 0) {
        sqlite_rc = create(db, conf);
    } else if (sqlite_rc == SQLITE_OK && application != APPLICATION_ID) {
        return err_set(err, ECM_EFORMAT, "'%s' is a database, but not an outbox", conf->path);
    } else if (sqlite_rc == SQLITE_OK && version != FORMAT_VERSION) {
        return err_set(err, ECM_EFORMAT, "outbox '%s' has format %lld, this program knows %d",
            conf->path, (long long)version, FORMAT_VERSION);
    }
    return sqlite_rc == SQLITE_OK ? 0 : refuse(db, conf->path, sqlite_rc, err);
}

static int copy_hash(sqlite3_stmt *stmt, int column, uint8_t ret_hash[static CHAIN_SIZE])
{
    const void *blob = sqlite3_column_blob(stmt, column);

    if (blob == NULL || sqlite3_column_bytes(stmt, column) != CHAIN_SIZE) {
        return SQLITE_CORRUPT;
    }
    memcpy(ret_hash, blob, CHAIN_SIZE);
    return SQLITE_OK;
}

/* The log row must agree with the records: their range, and the newest one's chain head. */
static int load_chain(sqlite3 *db, struct outbox_head *head)
{
    static const char sql[] = "SELECT (SELECT min(seq) FROM record), max(seq), chain FROM record";
    sqlite3_stmt *stmt = NULL;
    int sqlite_rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = sqlite3_step(stmt);
    }
    if (sqlite_rc == SQLITE_ROW && sqlite3_column_type(stmt, 1) == SQLITE_NULL) {
        memcpy(head->chain, head->chain_before_oldest, CHAIN_SIZE);
        sqlite_rc = head->oldest_seq == head->next_seq ? SQLITE_OK : SQLITE_CORRUPT;
    } else if (sqlite_rc == SQLITE_ROW) {
        sqlite_rc = copy_hash(stmt, 2, head->chain);
        if ((uint64_t)sqlite3_column_int64(stmt, 0) != head->oldest_seq ||
            (uint64_t)sqlite3_column_int64(stmt, 1) != head->next_seq - 1) {
            sqlite_rc = SQLITE_CORRUPT;
        }
    }
    (void)sqlite3_finalize(stmt);
    return sqlite_rc;
}

int outbox_db_read_log(
    sqlite3 *db, struct outbox_head *ret_head, char ret_device_id[static OUTBOX_DEVICE_ID_SIZE])
{
    static const char sql[] = "SELECT device_id, epoch, next_seq, acked_seq, oldest_seq, taps,"
                              " chain_before_oldest FROM log WHERE id = 1";
    struct outbox_head head = {0};
    sqlite3_stmt *stmt = NULL;
    int sqlite_rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = sqlite3_step(stmt);
    }
    if (sqlite_rc == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);

        (void)snprintf(ret_device_id, OUTBOX_DEVICE_ID_SIZE, "%s", text != NULL ? text : "");
        head.epoch = (uint64_t)sqlite3_column_int64(stmt, 1);
        head.next_seq = (uint64_t)sqlite3_column_int64(stmt, 2);
        head.acked_seq = (uint64_t)sqlite3_column_int64(stmt, 3);
        head.oldest_seq = (uint64_t)sqlite3_column_int64(stmt, 4);
        head.taps = (uint64_t)sqlite3_column_int64(stmt, 5);
        sqlite_rc = copy_hash(stmt, 6, head.chain_before_oldest);
        if (head.epoch == 0 || head.next_seq == 0 || head.next_seq > INT64_MAX ||
            head.acked_seq >= head.next_seq || head.oldest_seq > head.next_seq) {
            sqlite_rc = SQLITE_CORRUPT;
        }
    } else if (sqlite_rc == SQLITE_DONE) {
        sqlite_rc = SQLITE_CORRUPT;
    }
    (void)sqlite3_finalize(stmt);
    if (sqlite_rc == SQLITE_OK) {
        *ret_head = head;
    }
    return sqlite_rc;
}

static int check(
    sqlite3 *db, const struct outbox_conf *conf, struct outbox_head *ret_head, struct err *err)
{
    char answer[SQL_MAX] = "";
    char device_id[OUTBOX_DEVICE_ID_SIZE] = "";
    int sqlite_rc = outbox_db_ask(db, "PRAGMA quick_check(1)", answer, sizeof answer);

    if (sqlite_rc == SQLITE_OK && strcmp(answer, "ok") != 0) {
        return err_set(err, ECM_ECORRUPT, "outbox '%s': %s", conf->path, answer);
    }
    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = outbox_db_read_log(db, ret_head, device_id);
    }
    if (sqlite_rc == SQLITE_OK && strcmp(device_id, conf->device_id) != 0) {
        return err_set(err, -EINVAL, "outbox '%s' is the log of device %s, not of %s", conf->path,
            device_id, conf->device_id);
    }
    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = load_chain(db, ret_head);
    }
    if (sqlite_rc == SQLITE_CORRUPT) {
        return err_set(
            err, ECM_ECORRUPT, "outbox '%s': its head and its records disagree", conf->path);
    }
    return sqlite_rc == SQLITE_OK ? 0 : refuse(db, conf->path, sqlite_rc, err);
}

/*
 * If a process before us died of an fsync that failed, the WAL may hold a transaction that is only
 * in memory, and everything we add behind it would be lost with it. The folder for the like reason:
 * SQLite does not look at how the folder's fsync ended. Only with the file locked.
 */
int outbox_db_make_durable(const char *path, struct err *err)
{
    char wal[OUTBOX_PATH_MAX + 8] = "";
    int rc = 0;

    (void)snprintf(wal, sizeof wal, "%s-wal", path);
    rc = medium_write_again(wal);
    if (rc == 0) {
        rc = medium_sync_folder(path);
    }
    if (rc < 0) {
        (void)err_set(err, rc, "outbox '%s': cannot sync: %s", path, strerror(-rc));
    }
    return rc == -ENOSPC ? ECM_EFULL : rc;
}

int outbox_db_connect(sqlite3 **ret_db, const struct outbox_conf *conf, struct err *err)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    sqlite3 *db = NULL;
    int sqlite_rc = sqlite3_open_v2(conf->path, &db, flags, NULL);
    int rc = 0;

    if (db == NULL) {
        return err_set(err, -ENOMEM, "outbox '%s': out of memory", conf->path);
    }
    if (sqlite_rc == SQLITE_OK) {
        sqlite_rc = apply_db_config(db);
    }
    rc = sqlite_rc == SQLITE_OK ? apply_settings(db, conf, err)
                                : refuse(db, conf->path, sqlite_rc, err);
    if (rc < 0) {
        (void)sqlite3_close(db);
        return rc;
    }
    *ret_db = db;
    return 0;
}

int outbox_db_open(
    sqlite3 **ret_db, const struct outbox_conf *conf, struct outbox_head *ret_head, struct err *err)
{
    sqlite3 *db = NULL;
    int rc = outbox_db_connect(&db, conf, err);

    if (rc < 0) {
        return rc;
    }
    rc = settle_format(db, conf, err);
    if (rc == 0) {
        rc = outbox_db_make_durable(conf->path, err);
    }
    if (rc == 0) {
        rc = check(db, conf, ret_head, err);
    }
    if (rc < 0) {
        (void)sqlite3_close(db);
        return rc;
    }
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    *ret_db = db;
    return 0;
}
