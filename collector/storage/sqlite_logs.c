/*
 * sqlite_logs.c - what devices sent: batches, high-water marks, gaps, anchors.
 *
 * Sequence numbers fit SQLite's signed integers (a device would need 292 million years to leave
 * them); epochs and boot ids use all 64 bits and are only ever compared for equality.
 */
#include "collector/storage/sqlite_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

/* Bind helpers do not fail on parameters that exist; a failure of memory shows at the step. */
static void bind_u64(sqlite3_stmt *statement, int parameter, uint64_t value)
{
    (void)sqlite3_bind_int64(statement, parameter, (int64_t)value);
}

/* Columns: log_id, device_id, epoch, through_seq, chain_head, public_key. */
static int read_log(sqlite3_stmt *statement, struct storage_log *ret_log)
{
    const unsigned char *device_id = sqlite3_column_text(statement, 1);
    const void *chain_head = sqlite3_column_blob(statement, 4);
    const void *public_key = sqlite3_column_blob(statement, 5);

    if (device_id == NULL || chain_head == NULL ||
        sqlite3_column_bytes(statement, 1) > STORAGE_DEVICE_ID_MAX ||
        sqlite3_column_bytes(statement, 4) != STORAGE_HASH_SIZE ||
        (public_key != NULL &&
            sqlite3_column_bytes(statement, 5) != (int)sizeof ret_log->public_key)) {
        return ECM_ECORRUPT;
    }
    *ret_log = (struct storage_log){
        .log_id = sqlite3_column_int64(statement, 0),
        .epoch = (uint64_t)sqlite3_column_int64(statement, 2),
        .through_seq = (uint64_t)sqlite3_column_int64(statement, 3),
        .has_public_key = public_key != NULL,
    };
    (void)snprintf(ret_log->device_id, sizeof ret_log->device_id, "%s", (const char *)device_id);
    (void)memcpy(ret_log->chain_head, chain_head, STORAGE_HASH_SIZE);
    if (public_key != NULL) {
        (void)memcpy(ret_log->public_key, public_key, sizeof ret_log->public_key);
    }
    return 0;
}

static int log_find(struct storage_sqlite *store, const char *device_id, uint64_t epoch,
    struct storage_log *ret_log)
{
    sqlite3_stmt *find = store_statement(store, SLOT_LOG_FIND,
        "SELECT log_id, device_id, epoch, through_seq, chain_head, public_key FROM log"
        " WHERE device_id = ?1 AND epoch = ?2");
    int sqlite_rc = SQLITE_OK;
    int rc = -ENOENT;

    if (find == NULL) {
        return store_failed(store, NULL);
    }
    (void)sqlite3_bind_text(find, 1, device_id, -1, SQLITE_STATIC);
    bind_u64(find, 2, epoch);
    sqlite_rc = sqlite3_step(find);
    if (sqlite_rc == SQLITE_ROW) {
        rc = read_log(find, ret_log);
    } else if (sqlite_rc != SQLITE_DONE) {
        rc = store_code(sqlite_rc);
    }
    (void)sqlite3_reset(find);
    return rc;
}

int store_log_get(struct storage *storage, const char *device_id, uint64_t epoch,
    const uint8_t *chain_head, struct storage_log *ret_log)
{
    struct storage_sqlite *store = store_of(storage);
    sqlite3_stmt *add = NULL;
    int rc = log_find(store, device_id, epoch, ret_log);

    if (rc != -ENOENT || chain_head == NULL) {
        return rc;
    }
    if (strlen(device_id) > STORAGE_DEVICE_ID_MAX) {
        return -EINVAL;
    }
    add = store_statement(store, SLOT_LOG_ADD,
        "INSERT INTO log(device_id, epoch, through_seq, chain_head) VALUES (?1, ?2, 0, ?3)");
    if (add == NULL) {
        return store_failed(store, NULL);
    }
    (void)sqlite3_bind_text(add, 1, device_id, -1, SQLITE_STATIC);
    bind_u64(add, 2, epoch);
    (void)sqlite3_bind_blob(add, 3, chain_head, STORAGE_HASH_SIZE, SQLITE_STATIC);
    rc = store_run(add);
    if (rc < 0) {
        return rc;
    }
    return log_find(store, device_id, epoch, ret_log);
}

/* Move the mark of a log from expected (from - 1) to through; -EINVAL when it stands elsewhere. */
static int move_mark(struct storage_sqlite *store, int64_t log_id, uint64_t from, uint64_t through,
    const uint8_t *chain_head)
{
    sqlite3_stmt *mark = store_statement(store, SLOT_LOG_MARK,
        "UPDATE log SET through_seq = ?3, chain_head = ?4"
        " WHERE log_id = ?1 AND through_seq = ?2");
    int rc = 0;

    if (mark == NULL) {
        return store_failed(store, NULL);
    }
    (void)sqlite3_bind_int64(mark, 1, log_id);
    bind_u64(mark, 2, from);
    bind_u64(mark, 3, through);
    (void)sqlite3_bind_blob(mark, 4, chain_head, STORAGE_HASH_SIZE, SQLITE_STATIC);
    rc = store_run(mark);
    if (rc == 0 && sqlite3_changes(store->db) != 1) {
        rc = -EINVAL;
    }
    return rc;
}

static int anchor_add(
    struct storage_sqlite *store, int64_t log_id, const struct storage_anchor *anchor)
{
    sqlite3_stmt *add = store_statement(store, SLOT_ANCHOR_ADD,
        "INSERT INTO anchor(log_id, boot_id, seq, boot_ms, wall_ms, uncertainty_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING");

    if (add == NULL) {
        return store_failed(store, NULL);
    }
    (void)sqlite3_bind_int64(add, 1, log_id);
    bind_u64(add, 2, anchor->boot_id);
    bind_u64(add, 3, anchor->seq);
    bind_u64(add, 4, anchor->boot_ms);
    (void)sqlite3_bind_int64(add, 5, anchor->wall_ms);
    (void)sqlite3_bind_int64(add, 6, anchor->uncertainty_ms);
    return store_run(add);
}

int store_anchor_get(struct storage_sqlite *store, int64_t log_id, uint64_t boot_id,
    struct storage_anchor *ret_anchor)
{
    sqlite3_stmt *find = store_statement(store, SLOT_ANCHOR_FIND,
        "SELECT seq, boot_ms, wall_ms, uncertainty_ms FROM anchor"
        " WHERE log_id = ?1 AND boot_id = ?2");
    int sqlite_rc = SQLITE_OK;

    if (find == NULL) {
        return store_failed(store, NULL);
    }
    (void)sqlite3_bind_int64(find, 1, log_id);
    bind_u64(find, 2, boot_id);
    sqlite_rc = sqlite3_step(find);
    if (sqlite_rc == SQLITE_ROW) {
        *ret_anchor = (struct storage_anchor){
            .boot_id = boot_id,
            .seq = (uint64_t)sqlite3_column_int64(find, 0),
            .boot_ms = (uint64_t)sqlite3_column_int64(find, 1),
            .wall_ms = sqlite3_column_int64(find, 2),
            .uncertainty_ms = (uint32_t)sqlite3_column_int64(find, 3),
        };
    }
    (void)sqlite3_reset(find);
    if (sqlite_rc == SQLITE_DONE) {
        return -ENOENT;
    }
    return store_code(sqlite_rc);
}

static int batch_add(struct storage_sqlite *store, const struct storage_batch *batch)
{
    sqlite3_stmt *add = store_statement(store, SLOT_BATCH_ADD,
        "INSERT INTO batch(log_id, first_seq, record_count, recv_ms, first_tap_utc,"
        " last_tap_utc, signature_is_verified, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");

    if (add == NULL) {
        return store_failed(store, NULL);
    }
    (void)sqlite3_bind_int64(add, 1, batch->log_id);
    bind_u64(add, 2, batch->first_seq);
    (void)sqlite3_bind_int64(add, 3, batch->record_count);
    (void)sqlite3_bind_int64(add, 4, batch->recv_ms);
    (void)sqlite3_bind_int64(add, 5, batch->first_tap_utc);
    (void)sqlite3_bind_int64(add, 6, batch->last_tap_utc);
    (void)sqlite3_bind_int(add, 7, batch->signature_is_verified ? 1 : 0);
    (void)sqlite3_bind_blob64(add, 8, batch->bytes, batch->size, SQLITE_STATIC);
    return store_run(add);
}

int store_batch_append(struct storage *storage, const struct storage_batch *batch)
{
    struct storage_sqlite *store = store_of(storage);
    uint64_t through = 0;
    int rc = 0;

    if (batch->first_seq == 0 || batch->record_count == 0 ||
        batch->first_seq > (uint64_t)INT64_MAX - batch->record_count) {
        return -EINVAL;
    }
    through = batch->first_seq + batch->record_count - 1;
    rc = move_mark(store, batch->log_id, batch->first_seq - 1, through, batch->chain_head);
    if (rc == 0) {
        rc = batch_add(store, batch);
    }
    if (rc == 0 && batch->gateway_id != NULL) {
        rc = store_path_add(store, batch);
    }
    for (size_t i = 0; rc == 0 && i < batch->anchor_count; i++) {
        rc = anchor_add(store, batch->log_id, &batch->anchors[i]);
    }
    for (size_t i = 0; rc == 0 && i < batch->input_count; i++) {
        rc = store_input_add(store, batch, &batch->inputs[i]);
    }
    return rc;
}

/* Where the mark of a log stands: 0, -ENOENT. */
static int mark_get(struct storage_sqlite *store, int64_t log_id, uint64_t *ret_through)
{
    sqlite3_stmt *statement = NULL;
    int sqlite_rc = sqlite3_prepare_v2(
        store->db, "SELECT through_seq FROM log WHERE log_id = ?1", -1, &statement, NULL);

    if (sqlite_rc == SQLITE_OK) {
        (void)sqlite3_bind_int64(statement, 1, log_id);
        sqlite_rc = sqlite3_step(statement);
    }
    if (sqlite_rc == SQLITE_ROW) {
        *ret_through = (uint64_t)sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_finalize(statement);
    return sqlite_rc == SQLITE_DONE ? -ENOENT : store_code(sqlite_rc);
}

int store_log_skip(struct storage *storage, int64_t log_id, uint64_t through_seq,
    const uint8_t *chain_head, int64_t recv_ms)
{
    struct storage_sqlite *store = store_of(storage);
    sqlite3_stmt *add = NULL;
    uint64_t before = 0;
    int rc = mark_get(store, log_id, &before);

    if (rc < 0) {
        return rc;
    }
    if (through_seq <= before || through_seq > (uint64_t)INT64_MAX) {
        return -EINVAL;
    }
    add = store_statement(store, SLOT_GAP_ADD,
        "INSERT INTO gap(log_id, first_seq, last_seq, recv_ms) VALUES (?1, ?2, ?3, ?4)");
    if (add == NULL) {
        return store_failed(store, NULL);
    }
    (void)sqlite3_bind_int64(add, 1, log_id);
    bind_u64(add, 2, before + 1);
    bind_u64(add, 3, through_seq);
    (void)sqlite3_bind_int64(add, 4, recv_ms);
    rc = store_run(add);
    if (rc == 0) {
        rc = move_mark(store, log_id, before, through_seq, chain_head);
    }
    return rc;
}

int store_log_set_key(struct storage *storage, int64_t log_id, const uint8_t *public_key)
{
    struct storage_sqlite *store = store_of(storage);
    sqlite3_stmt *set =
        store_statement(store, SLOT_LOG_KEY, "UPDATE log SET public_key = ?2 WHERE log_id = ?1");
    int rc = 0;

    if (set == NULL) {
        return store_failed(store, NULL);
    }
    (void)sqlite3_bind_int64(set, 1, log_id);
    (void)sqlite3_bind_blob(set, 2, public_key, 32, SQLITE_STATIC);
    rc = store_run(set);
    return rc == 0 && sqlite3_changes(store->db) != 1 ? -ENOENT : rc;
}

int store_logs(struct storage *storage, storage_log_callback callback, void *user)
{
    struct storage_sqlite *store = store_of(storage);
    sqlite3_stmt *walk = NULL;
    int sqlite_rc = sqlite3_prepare_v2(store->db,
        "SELECT log_id, device_id, epoch, through_seq, chain_head, public_key FROM log"
        " ORDER BY log_id",
        -1, &walk, NULL);
    int rc = store_code(sqlite_rc);

    while (rc == 0 && (sqlite_rc = sqlite3_step(walk)) == SQLITE_ROW) {
        struct storage_log log;

        rc = read_log(walk, &log);
        if (rc == 0) {
            rc = callback(user, &log);
        }
    }
    (void)sqlite3_finalize(walk);
    return rc != 0 ? rc : store_code(sqlite_rc);
}
