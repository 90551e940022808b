/*
 * sqlite_inputs.c - see inputs.h.
 */
#include "collector/storage/inputs.h"

#include <errno.h>

#include "collector/storage/effective_time.h"
#include "collector/storage/sqlite_internal.h"
#include "proto/messages.h"

const char store_input_table[] =
    "CREATE TABLE IF NOT EXISTS input("
    "  log_id INTEGER NOT NULL, seq INTEGER NOT NULL, site TEXT NOT NULL,"
    "  kind INTEGER NOT NULL, which INTEGER NOT NULL, active INTEGER NOT NULL,"
    "  boot_id INTEGER NOT NULL, boot_ms INTEGER NOT NULL, wall_ms INTEGER NOT NULL,"
    "  wall_trust INTEGER NOT NULL, uncertainty_ms INTEGER NOT NULL,"
    "  recv_ms INTEGER NOT NULL, told INTEGER NOT NULL,"
    "  PRIMARY KEY(log_id, seq)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS input_untold ON input(recv_ms) WHERE told = 0;";

int store_input_add(struct storage_sqlite *store, const struct storage_batch *batch,
    const struct storage_input *input)
{
    sqlite3_stmt *add = store_statement(store, SLOT_INPUT_ADD,
        "INSERT INTO input(log_id, seq, site, kind, which, active, boot_id, boot_ms, wall_ms,"
        " wall_trust, uncertainty_ms, recv_ms, told)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0)");

    if (add == NULL) {
        return store_failed(store, NULL);
    }
    (void)sqlite3_bind_int64(add, 1, batch->log_id);
    (void)sqlite3_bind_int64(add, 2, (int64_t)input->seq);
    (void)sqlite3_bind_text(add, 3, batch->site != NULL ? batch->site : "", -1, SQLITE_STATIC);
    (void)sqlite3_bind_int(add, 4, (int)input->kind);
    (void)sqlite3_bind_int64(add, 5, input->which);
    (void)sqlite3_bind_int(add, 6, input->is_active ? 1 : 0);
    (void)sqlite3_bind_int64(add, 7, (int64_t)input->boot_id);
    (void)sqlite3_bind_int64(add, 8, (int64_t)input->boot_ms);
    (void)sqlite3_bind_int64(add, 9, input->wall_ms);
    (void)sqlite3_bind_int(add, 10, input->wall_trust);
    (void)sqlite3_bind_int64(add, 11, input->uncertainty_ms);
    (void)sqlite3_bind_int64(add, 12, batch->recv_ms);
    return store_run(add);
}

/* When it was, from its own stamp or the anchor of its boot. */
static int place(struct storage_sqlite *store, struct storage_input_row *row)
{
    const struct storage_input *input = &row->input;
    const struct record record = {
        .type = input->kind == STORAGE_INPUT_CASE ? RECORD_TAMPER : RECORD_BUTTON,
        .seq = input->seq,
        .boot_id = input->boot_id,
        .boot_ms = input->boot_ms,
        .wall_ms = input->wall_ms,
        .wall_trust = (enum wall_trust)input->wall_trust,
        .wall_uncertainty_ms = input->uncertainty_ms,
    };
    struct storage_anchor anchor = {0};
    int rc = store_anchor_get(store, row->log_id, input->boot_id, &anchor);
    struct effective_time time = {.source = EFFECTIVE_UNKNOWN};

    if (rc < 0 && rc != -ENOENT) {
        return rc;
    }
    time = effective_time(&record, rc == 0 ? &anchor : NULL, NULL);
    row->has_time = time.source != EFFECTIVE_UNKNOWN;
    row->at_ms = time.ms;
    row->at_uncertainty_ms = time.uncertainty_ms;
    return 0;
}

static int read_row(
    struct storage_sqlite *store, sqlite3_stmt *walk, struct storage_input_row *ret_row)
{
    *ret_row = (struct storage_input_row){
        .input =
            {
                .seq = (uint64_t)sqlite3_column_int64(walk, 1),
                .kind = sqlite3_column_int(walk, 3) == STORAGE_INPUT_CASE ? STORAGE_INPUT_CASE
                                                                          : STORAGE_INPUT_BUTTON,
                .which = (uint32_t)sqlite3_column_int64(walk, 4),
                .is_active = sqlite3_column_int(walk, 5) != 0,
                .boot_id = (uint64_t)sqlite3_column_int64(walk, 6),
                .boot_ms = (uint64_t)sqlite3_column_int64(walk, 7),
                .wall_ms = sqlite3_column_int64(walk, 8),
                .wall_trust = sqlite3_column_int(walk, 9),
                .uncertainty_ms = (uint32_t)sqlite3_column_int64(walk, 10),
            },
        .log_id = sqlite3_column_int64(walk, 0),
        .site = (const char *)sqlite3_column_text(walk, 2),
        .recv_ms = sqlite3_column_int64(walk, 11),
        .is_told = sqlite3_column_int(walk, 12) != 0,
        .device_id = (const char *)sqlite3_column_text(walk, 13),
        .epoch = (uint64_t)sqlite3_column_int64(walk, 14),
    };
    if (ret_row->site == NULL || ret_row->device_id == NULL) {
        return -ENOMEM;
    }
    return place(store, ret_row);
}

int store_inputs(
    struct storage *storage, bool only_untold, storage_input_callback callback, void *user)
{
    static const char all[] =
        "SELECT i.log_id, seq, site, kind, which, active, boot_id, boot_ms, wall_ms, wall_trust,"
        " uncertainty_ms, recv_ms, told, device_id, epoch FROM input i JOIN log USING (log_id)"
        " ORDER BY recv_ms, i.log_id, seq";
    static const char untold[] =
        "SELECT i.log_id, seq, site, kind, which, active, boot_id, boot_ms, wall_ms, wall_trust,"
        " uncertainty_ms, recv_ms, told, device_id, epoch FROM input i JOIN log USING (log_id)"
        " WHERE told = 0 ORDER BY recv_ms, i.log_id, seq";
    struct storage_sqlite *store = store_of(storage);
    sqlite3_stmt *walk = NULL;
    int sqlite_rc = sqlite3_prepare_v2(store->db, only_untold ? untold : all, -1, &walk, NULL);
    int rc = store_code(sqlite_rc);

    while (rc == 0 && (sqlite_rc = sqlite3_step(walk)) == SQLITE_ROW) {
        struct storage_input_row row;

        rc = read_row(store, walk, &row);
        if (rc == 0) {
            rc = callback(user, &row);
        }
    }
    (void)sqlite3_finalize(walk);
    return rc != 0 ? rc : store_code(sqlite_rc);
}

int store_input_told(struct storage *storage, int64_t log_id, uint64_t seq)
{
    struct storage_sqlite *store = store_of(storage);
    sqlite3_stmt *told = store_statement(
        store, SLOT_INPUT_TOLD, "UPDATE input SET told = 1 WHERE log_id = ?1 AND seq = ?2");
    int rc = 0;

    if (told == NULL) {
        return store_failed(store, NULL);
    }
    (void)sqlite3_bind_int64(told, 1, log_id);
    (void)sqlite3_bind_int64(told, 2, (int64_t)seq);
    rc = store_run(told);
    return rc == 0 && sqlite3_changes(store->db) != 1 ? -ENOENT : rc;
}
