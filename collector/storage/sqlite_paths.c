/*
 * sqlite_paths.c - which way a log came: a row where it changes, so that a log that always comes the
 * same way has one, and one that its device brought none.
 */
#include "collector/storage/sqlite_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

const char store_path_table[] = "CREATE TABLE IF NOT EXISTS path("
                                "  log_id INTEGER NOT NULL,"
                                "  first_seq INTEGER NOT NULL,"
                                "  gateway_id TEXT NOT NULL," /* '': the device itself */
                                "  PRIMARY KEY(log_id, first_seq)) STRICT, WITHOUT ROWID;";

int store_path_add(struct storage_sqlite *store, const struct storage_batch *batch)
{
    sqlite3_stmt *add = store_statement(store, SLOT_PATH_ADD,
        "INSERT INTO path(log_id, first_seq, gateway_id) VALUES (?1, ?2, ?3)");

    if (add == NULL) {
        return store_failed(store, NULL);
    }
    (void)sqlite3_bind_int64(add, 1, batch->log_id);
    (void)sqlite3_bind_int64(add, 2, (int64_t)batch->first_seq);
    (void)sqlite3_bind_text(add, 3, batch->gateway_id, -1, SQLITE_STATIC);
    return store_run(add);
}

int store_paths(struct storage *storage, storage_path_callback callback, void *user)
{
    struct storage_sqlite *store = store_of(storage);
    sqlite3_stmt *walk = NULL;
    int sqlite_rc = sqlite3_prepare_v2(store->db,
        "SELECT device_id, epoch, first_seq, gateway_id FROM path JOIN log USING (log_id)"
        " ORDER BY log_id, first_seq",
        -1, &walk, NULL);
    int rc = store_code(sqlite_rc);

    while (rc == 0 && (sqlite_rc = sqlite3_step(walk)) == SQLITE_ROW) {
        const char *device_id = (const char *)sqlite3_column_text(walk, 0);
        const char *gateway_id = (const char *)sqlite3_column_text(walk, 3);
        struct storage_path path = {
            .epoch = (uint64_t)sqlite3_column_int64(walk, 1),
            .first_seq = (uint64_t)sqlite3_column_int64(walk, 2),
        };

        if (device_id == NULL || strlen(device_id) > STORAGE_DEVICE_ID_MAX || gateway_id == NULL ||
            strlen(gateway_id) > STORAGE_DEVICE_ID_MAX) {
            rc = ECM_ECORRUPT;
            break;
        }
        (void)snprintf(path.device_id, sizeof path.device_id, "%s", device_id);
        (void)snprintf(path.gateway_id, sizeof path.gateway_id, "%s", gateway_id);
        rc = callback(user, &path);
    }
    (void)sqlite3_finalize(walk);
    return rc != 0 ? rc : store_code(sqlite_rc);
}
