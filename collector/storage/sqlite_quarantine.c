/*
 * sqlite_quarantine.c - messages that could not be used, with their bytes, up to a limit.
 *
 * How full it is stands in one row, so that a flood costs no counting. What is turned away is
 * counted there for good.
 */
#include <errno.h>
#include <string.h>

#include "collector/storage/sqlite_internal.h"

/* A row's own cost beyond the message's bytes; nobody fills a disk with empty messages. */
enum { ROW_BYTES = 128 };

const char store_quarantine_table[] =
    "CREATE TABLE IF NOT EXISTS quarantine_sum("
    "  one INTEGER PRIMARY KEY CHECK (one = 1), messages INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    "  turned_away INTEGER NOT NULL, turned_away_bytes INTEGER NOT NULL) STRICT;"
    "INSERT OR IGNORE INTO quarantine_sum"
    "  SELECT 1, count(*), coalesce(sum(length(bytes) + 128), 0), 0, 0 FROM quarantine;";

int store_quarantine_state(struct storage *storage, struct storage_quarantine_state *ret_state)
{
    struct storage_sqlite *store = store_of(storage);
    sqlite3_stmt *get = store_statement(store, SLOT_QUARANTINE_STATE,
        "SELECT messages, bytes, turned_away, turned_away_bytes FROM quarantine_sum");
    int sqlite_rc = SQLITE_OK;

    if (get == NULL) {
        return store_failed(store, NULL);
    }
    sqlite_rc = sqlite3_step(get);
    if (sqlite_rc == SQLITE_ROW) {
        *ret_state = (struct storage_quarantine_state){
            .messages = (uint64_t)sqlite3_column_int64(get, 0),
            .bytes = (uint64_t)sqlite3_column_int64(get, 1),
            .turned_away = (uint64_t)sqlite3_column_int64(get, 2),
            .turned_away_bytes = (uint64_t)sqlite3_column_int64(get, 3),
        };
    }
    (void)sqlite3_reset(get);
    return sqlite_rc == SQLITE_ROW ? 0 : store_failed(store, NULL);
}

/* Count one message of so many bytes, as kept or as turned away. */
static int count_one(struct storage_sqlite *store, size_t size, bool is_kept)
{
    sqlite3_stmt *add = store_statement(store, SLOT_QUARANTINE_SUM,
        "UPDATE quarantine_sum SET messages = messages + ?1, bytes = bytes + ?2,"
        " turned_away = turned_away + ?3, turned_away_bytes = turned_away_bytes + ?4");

    if (add == NULL) {
        return store_failed(store, NULL);
    }
    (void)sqlite3_bind_int64(add, 1, is_kept ? 1 : 0);
    (void)sqlite3_bind_int64(add, 2, is_kept ? (int64_t)size + ROW_BYTES : 0);
    (void)sqlite3_bind_int64(add, 3, is_kept ? 0 : 1);
    (void)sqlite3_bind_int64(add, 4, is_kept ? 0 : (int64_t)size);
    return store_run(add);
}

static int keep(struct storage_sqlite *store, const struct storage_quarantined *message)
{
    sqlite3_stmt *add = store_statement(store, SLOT_QUARANTINE_ADD,
        "INSERT INTO quarantine(recv_ms, topic, reason, bytes) VALUES (?1, ?2, ?3, ?4)");

    if (add == NULL) {
        return store_failed(store, NULL);
    }
    (void)sqlite3_bind_int64(add, 1, message->recv_ms);
    (void)sqlite3_bind_text(add, 2, message->topic, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(add, 3, message->reason, -1, SQLITE_STATIC);
    /* A NULL pointer would be SQL's NULL: an empty message is a blob of no bytes. */
    (void)sqlite3_bind_blob64(add, 4, message->size > 0 ? message->bytes : (const uint8_t *)"",
        message->size, SQLITE_STATIC);
    return store_run(add);
}

int store_quarantine(
    struct storage *storage, const struct storage_quarantined *message, uint64_t bytes_max)
{
    struct storage_sqlite *store = store_of(storage);
    struct storage_quarantine_state state = {.messages = 0};
    bool is_kept = true;
    int rc = store_quarantine_state(storage, &state);

    if (rc < 0) {
        return rc;
    }
    is_kept = bytes_max == 0 || state.bytes + message->size + ROW_BYTES <= bytes_max;
    if (is_kept) {
        rc = keep(store, message);
    }
    if (rc == 0) {
        rc = count_one(store, message->size, is_kept);
    }
    return rc < 0 ? rc : !is_kept;
}

int store_quarantined(struct storage *storage, storage_quarantined_callback callback, void *user)
{
    struct storage_sqlite *store = store_of(storage);
    sqlite3_stmt *walk = NULL;
    int sqlite_rc = sqlite3_prepare_v2(store->db,
        "SELECT quarantine_id, recv_ms, topic, reason, bytes FROM quarantine"
        " ORDER BY quarantine_id",
        -1, &walk, NULL);
    int rc = store_code(sqlite_rc);

    while (rc == 0 && (sqlite_rc = sqlite3_step(walk)) == SQLITE_ROW) {
        const struct storage_quarantined message = {
            .recv_ms = sqlite3_column_int64(walk, 1),
            .topic = (const char *)sqlite3_column_text(walk, 2),
            .reason = (const char *)sqlite3_column_text(walk, 3),
            .bytes = sqlite3_column_blob(walk, 4),
            .size = (size_t)sqlite3_column_bytes(walk, 4),
        };

        rc = message.topic == NULL || message.reason == NULL
                 ? -ENOMEM
                 : callback(user, sqlite3_column_int64(walk, 0), &message);
    }
    (void)sqlite3_finalize(walk);
    return rc != 0 ? rc : store_code(sqlite_rc);
}

int store_quarantine_release(struct storage *storage, int64_t through_id)
{
    struct storage_sqlite *store = store_of(storage);
    sqlite3_stmt *remove = NULL;
    int rc = store_begin(storage);

    if (rc < 0) {
        return rc;
    }
    rc = store_code(sqlite3_prepare_v2(
        store->db, "DELETE FROM quarantine WHERE quarantine_id <= ?1", -1, &remove, NULL));
    if (rc == 0) {
        (void)sqlite3_bind_int64(remove, 1, through_id);
        rc = store_run(remove);
    }
    (void)sqlite3_finalize(remove);
    if (rc == 0) {
        rc = store_exec(store,
            "UPDATE quarantine_sum SET (messages, bytes) ="
            " (SELECT count(*), coalesce(sum(length(bytes) + 128), 0) FROM quarantine)");
    }
    if (rc == 0) {
        rc = store_commit(storage);
    }
    if (rc < 0) {
        store_rollback(storage);
    }
    return rc;
}
