/*
 * sqlite_evidence.c - see evidence.h.
 *
 * Triggers keep even this program from changing what is in the table of corrections.
 */
#include "collector/storage/evidence.h"

#include <errno.h>

#include "collector/storage/sqlite_internal.h"

static void bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    (void)sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

/* -EAGAIN when the chain ends elsewhere: somebody else appended in between. */
static int check_end(struct storage_sqlite *store, int64_t seq)
{
    sqlite3_stmt *last = NULL;
    int rc = store_code(sqlite3_prepare_v2(
        store->db, "SELECT coalesce(max(seq), 0) FROM correction", -1, &last, NULL));

    if (rc == 0 && sqlite3_step(last) == SQLITE_ROW) {
        rc = sqlite3_column_int64(last, 0) == seq - 1 ? 0 : -EAGAIN;
    } else if (rc == 0) {
        rc = store_failed(store, NULL);
    }
    (void)sqlite3_finalize(last);
    return rc;
}

static int put_correction(struct storage_sqlite *store, const struct storage_correction *correction)
{
    sqlite3_stmt *put = NULL;
    int rc = store_code(sqlite3_prepare_v2(
        store->db, "INSERT INTO correction(seq, line, hash) VALUES (?1, ?2, ?3)", -1, &put, NULL));

    if (rc == 0) {
        (void)sqlite3_bind_int64(put, 1, correction->seq);
        bind_text(put, 2, correction->line);
        bind_text(put, 3, correction->hash);
        rc = store_run(put);
    }
    (void)sqlite3_finalize(put);
    return rc;
}

static int put_amendment(struct storage_sqlite *store, const struct storage_amendment *amendment)
{
    sqlite3_stmt *put = NULL;
    int rc = store_code(sqlite3_prepare_v2(store->db,
        "INSERT INTO amendment(amend_id, created_utc, is_void, person_id, carer_id, kind, ts_utc,"
        " event_id, reason_code) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        -1, &put, NULL));

    if (rc == 0) {
        bind_text(put, 1, amendment->amend_id);
        (void)sqlite3_bind_int64(put, 2, amendment->created_utc);
        (void)sqlite3_bind_int(put, 3, amendment->is_void != 0);
        bind_text(put, 4, amendment->person_id);
        bind_text(put, 5, amendment->carer_id);
        bind_text(put, 6, amendment->kind);
        (void)sqlite3_bind_int64(put, 7, amendment->ts_utc);
        bind_text(put, 8, amendment->event_id);
        bind_text(put, 9, amendment->reason_code);
        rc = store_run(put);
    }
    (void)sqlite3_finalize(put);
    return rc;
}

int store_correction_append(struct storage *storage, const struct storage_correction *correction,
    const struct storage_amendment *amendment)
{
    struct storage_sqlite *store = store_of(storage);
    int rc = store_begin(storage);

    if (rc < 0) {
        return rc;
    }
    rc = check_end(store, correction->seq);
    if (rc == 0) {
        rc = put_correction(store, correction);
    }
    if (rc == 0 && amendment != NULL) {
        rc = put_amendment(store, amendment);
    }
    if (rc == 0) {
        rc = store_exec(store, "UPDATE imports SET imports = imports + 1");
    }
    if (rc == 0) {
        rc = store_commit(storage);
    }
    if (rc < 0) {
        store_rollback(storage);
    }
    return rc;
}

int store_corrections(struct storage *storage, storage_correction_callback callback, void *user)
{
    struct storage_sqlite *store = store_of(storage);
    sqlite3_stmt *walk = NULL;
    int sqlite_rc = sqlite3_prepare_v2(
        store->db, "SELECT seq, line, hash FROM correction ORDER BY seq", -1, &walk, NULL);
    int rc = store_code(sqlite_rc);

    while (rc == 0 && (sqlite_rc = sqlite3_step(walk)) == SQLITE_ROW) {
        const struct storage_correction correction = {.seq = sqlite3_column_int64(walk, 0),
            .line = (const char *)sqlite3_column_text(walk, 1),
            .hash = (const char *)sqlite3_column_text(walk, 2)};

        rc = correction.line == NULL || correction.hash == NULL ? -ENOMEM
                                                                : callback(user, &correction);
    }
    (void)sqlite3_finalize(walk);
    return rc != 0 ? rc : store_code(sqlite_rc);
}

/* AUTOINCREMENT: a number is not given again even if its row were removed. */
static const char reference_table[] =
    "CREATE TABLE IF NOT EXISTS file_reference("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT, used_for TEXT NOT NULL,"
    "  created_utc INTEGER NOT NULL) STRICT;";

int store_reference_take(
    struct storage *storage, const char *used_for, int64_t now_utc, int64_t *ret_number)
{
    struct storage_sqlite *store = store_of(storage);
    sqlite3_stmt *put = NULL;
    int rc = store_begin(storage);

    if (rc < 0) {
        return rc;
    }
    rc = store_exec(store, reference_table);
    if (rc == 0) {
        rc = store_code(sqlite3_prepare_v2(store->db,
            "INSERT INTO file_reference(used_for, created_utc) VALUES (?1, ?2)", -1, &put, NULL));
    }
    if (rc == 0) {
        bind_text(put, 1, used_for);
        (void)sqlite3_bind_int64(put, 2, now_utc);
        rc = store_run(put);
    }
    (void)sqlite3_finalize(put);
    if (rc == 0) {
        *ret_number = sqlite3_last_insert_rowid(store->db);
        rc = store_commit(storage);
    }
    if (rc < 0) {
        store_rollback(storage);
    }
    return rc;
}

int store_evidence(struct storage *storage, storage_evidence_callback callback, void *user)
{
    struct storage_sqlite *store = store_of(storage);
    sqlite3_stmt *walk = NULL;
    int sqlite_rc = sqlite3_prepare_v2(store->db,
        "SELECT log_id, first_seq, record_count, bytes FROM batch ORDER BY log_id, first_seq", -1,
        &walk, NULL);
    int rc = store_code(sqlite_rc);

    while (rc == 0 && (sqlite_rc = sqlite3_step(walk)) == SQLITE_ROW) {
        const struct storage_evidence evidence = {.log_id = sqlite3_column_int64(walk, 0),
            .first_seq = (uint64_t)sqlite3_column_int64(walk, 1),
            .record_count = (uint32_t)sqlite3_column_int64(walk, 2),
            .bytes = sqlite3_column_blob(walk, 3),
            .size = (size_t)sqlite3_column_bytes(walk, 3)};

        rc = callback(user, &evidence);
    }
    (void)sqlite3_finalize(walk);
    return rc != 0 ? rc : store_code(sqlite_rc);
}
