/*
 * sqlite_verdicts.c - the reconciled slots behind the payment feed, and payment runs.
 *
 * A version is never used twice: rows are withdrawn, not deleted, so the greatest one only grows.
 */
#include "collector/storage/sqlite_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool column_is(sqlite3_stmt *statement, int column, const char *text)
{
    const unsigned char *found = sqlite3_column_text(statement, column);

    return found != NULL && strcmp((const char *)found, text) == 0;
}

struct putting {
    struct storage_sqlite *store;
    const char *period_id;
    uint64_t version; /* the greatest so far */
    uint64_t changed;
};

/* Whether the row is stored just so already. */
static int is_stored(struct putting *putting, const struct storage_verdict *verdict, bool *ret_is)
{
    sqlite3_stmt *find = store_statement(putting->store, SLOT_VERDICT_FIND,
        "SELECT person_id, line, withdrawn FROM verdict"
        " WHERE period_id = ?1 AND visit_id = ?2 AND slot = ?3");
    int sqlite_rc = SQLITE_OK;

    if (find == NULL) {
        return store_failed(putting->store, NULL);
    }
    (void)sqlite3_bind_text(find, 1, putting->period_id, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(find, 2, verdict->visit_id, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int(find, 3, verdict->slot);
    sqlite_rc = sqlite3_step(find);
    *ret_is = sqlite_rc == SQLITE_ROW && sqlite3_column_int(find, 2) == 0 &&
              column_is(find, 0, verdict->person_id) && column_is(find, 1, verdict->line);
    (void)sqlite3_reset(find);
    return store_code(sqlite_rc);
}

static int put_one(struct putting *putting, const struct storage_verdict *verdict)
{
    sqlite3_stmt *put = NULL;
    bool is_same = false;
    int rc = is_stored(putting, verdict, &is_same);

    if (rc < 0 || is_same) {
        return rc;
    }
    put = store_statement(putting->store, SLOT_VERDICT_PUT,
        "REPLACE INTO verdict(period_id, visit_id, slot, version, person_id, withdrawn, line)"
        " VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6)");
    if (put == NULL) {
        return store_failed(putting->store, NULL);
    }
    (void)sqlite3_bind_text(put, 1, putting->period_id, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(put, 2, verdict->visit_id, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int(put, 3, verdict->slot);
    (void)sqlite3_bind_int64(put, 4, (int64_t)++putting->version);
    (void)sqlite3_bind_text(put, 5, verdict->person_id, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(put, 6, verdict->line, -1, SQLITE_STATIC);
    putting->changed++;
    return store_run(put);
}

static int keep_one(struct putting *putting, const struct storage_verdict *verdict)
{
    sqlite3_stmt *keep = store_statement(putting->store, SLOT_KEPT_ADD,
        "INSERT OR IGNORE INTO temp.kept(visit_id, slot) VALUES (?1, ?2)");

    if (keep == NULL) {
        return store_failed(putting->store, NULL);
    }
    (void)sqlite3_bind_text(keep, 1, verdict->visit_id, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int(keep, 2, verdict->slot);
    return store_run(keep);
}

/* Rows of a scope that were not put again: withdrawn, each with a version of its own. */
#define WITHDRAW(scope)                                                                            \
    "WITH gone AS (SELECT visit_id, slot, row_number() OVER (ORDER BY visit_id, slot) AS n"        \
    "  FROM verdict v " scope " AND period_id = ?1 AND withdrawn = 0 AND NOT EXISTS"               \
    "  (SELECT 1 FROM temp.kept k WHERE k.visit_id = v.visit_id AND k.slot = v.slot))"             \
    " UPDATE verdict SET withdrawn = 1, version = ?3 + gone.n FROM gone"                           \
    " WHERE verdict.period_id = ?1 AND verdict.visit_id = gone.visit_id"                           \
    " AND verdict.slot = gone.slot"

/* Left to itself SQLite walks the period in order of its key: every row of it for each late tap. */
static int withdraw_rest(struct putting *putting, const char *person_id)
{
    sqlite3_stmt *withdraw =
        person_id == NULL
            ? store_statement(putting->store, SLOT_VERDICT_WITHDRAW, WITHDRAW("WHERE ?2 IS NULL"))
            : store_statement(putting->store, SLOT_VERDICT_WITHDRAW_PERSON,
                  WITHDRAW("INDEXED BY verdict_by_person WHERE person_id = ?2"));
    int rc = 0;

    if (withdraw == NULL) {
        return store_failed(putting->store, NULL);
    }
    (void)sqlite3_bind_text(withdraw, 1, putting->period_id, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(withdraw, 2, person_id, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(withdraw, 3, (int64_t)putting->version);
    rc = store_run(withdraw);
    if (rc == 0) {
        putting->changed += (uint64_t)sqlite3_changes64(putting->store->db);
    }
    return rc;
}

static int put_all(struct putting *putting, const char *person_id,
    const struct storage_verdict *verdicts, size_t count)
{
    sqlite3_stmt *newest = store_statement(
        putting->store, SLOT_VERDICT_VERSION, "SELECT coalesce(max(version), 0) FROM verdict");
    int rc = 0;

    if (newest == NULL) {
        return store_failed(putting->store, NULL);
    }
    rc = store_code(sqlite3_step(newest));
    putting->version = (uint64_t)sqlite3_column_int64(newest, 0);
    (void)sqlite3_reset(newest);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = put_one(putting, &verdicts[i]);
        if (rc == 0) {
            rc = keep_one(putting, &verdicts[i]);
        }
    }
    return rc == 0 ? withdraw_rest(putting, person_id) : rc;
}

int store_verdicts_put(struct storage *storage, const char *period_id, const char *person_id,
    const struct storage_verdict *verdicts, size_t count, uint64_t *ret_changed)
{
    struct storage_sqlite *store = store_of(storage);
    struct putting putting = {.store = store, .period_id = period_id};
    int rc = store_begin(storage);

    if (rc < 0) {
        return rc;
    }
    rc = store_exec(store, "CREATE TEMP TABLE IF NOT EXISTS kept(visit_id TEXT, slot INTEGER,"
                           " PRIMARY KEY(visit_id, slot)) WITHOUT ROWID;"
                           "DELETE FROM temp.kept;");
    if (rc == 0) {
        rc = put_all(&putting, person_id, verdicts, count);
    }
    if (rc == 0 && putting.changed == 0) {
        store_rollback(storage); /* nothing to wait for the disk for */
        *ret_changed = 0;
        return 0;
    }
    if (rc == 0) {
        rc = store_commit(storage);
    }
    if (rc < 0) {
        store_rollback(storage);
        return rc;
    }
    *ret_changed = putting.changed;
    return 0;
}

int store_verdicts(struct storage *storage, const char *period_id, uint64_t since,
    storage_verdict_callback callback, void *user)
{
    struct storage_sqlite *store = store_of(storage);
    sqlite3_stmt *walk = NULL;
    int sqlite_rc = sqlite3_prepare_v2(store->db,
        "SELECT version, period_id, visit_id, slot, person_id, line, withdrawn FROM verdict"
        " WHERE version > ?1 AND (?2 IS NULL OR period_id = ?2) ORDER BY version",
        -1, &walk, NULL);
    int rc = store_code(sqlite_rc);

    if (rc == 0) {
        (void)sqlite3_bind_int64(walk, 1, (int64_t)since);
        (void)sqlite3_bind_text(walk, 2, period_id, -1, SQLITE_STATIC);
    }
    while (rc == 0 && (sqlite_rc = sqlite3_step(walk)) == SQLITE_ROW) {
        struct storage_verdict verdict = {
            .version = (uint64_t)sqlite3_column_int64(walk, 0),
            .period_id = (const char *)sqlite3_column_text(walk, 1),
            .visit_id = (const char *)sqlite3_column_text(walk, 2),
            .slot = sqlite3_column_int(walk, 3),
            .person_id = (const char *)sqlite3_column_text(walk, 4),
            .line = (const char *)sqlite3_column_text(walk, 5),
            .withdrawn = sqlite3_column_int(walk, 6) != 0,
        };

        rc = callback(user, &verdict);
    }
    (void)sqlite3_finalize(walk);
    return rc != 0 ? rc : store_code(sqlite_rc);
}

/* ---- runs --------------------------------------------------------------------------------- */

int store_run_put(struct storage *storage, const struct storage_run *run)
{
    struct storage_sqlite *store = store_of(storage);
    sqlite3_stmt *put = NULL;
    int rc = store_begin(storage);

    if (rc < 0) {
        return rc;
    }
    rc = store_code(sqlite3_prepare_v2(store->db,
        "INSERT INTO run(run_id, period_id, asof_utc, created_utc, manifest, lines)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        -1, &put, NULL));
    if (rc == 0) {
        (void)sqlite3_bind_text(put, 1, run->run_id, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(put, 2, run->period_id, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(put, 3, run->asof_utc);
        (void)sqlite3_bind_int64(put, 4, run->created_utc);
        (void)sqlite3_bind_text(put, 5, run->manifest, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(put, 6, run->lines, -1, SQLITE_STATIC);
        rc = store_run(put);
    }
    (void)sqlite3_finalize(put);
    if (rc == 0) {
        rc = store_commit(storage);
    }
    if (rc < 0) {
        store_rollback(storage);
    }
    return rc;
}

int store_run_get(
    struct storage *storage, const char *run_id, storage_run_callback callback, void *user)
{
    struct storage_sqlite *store = store_of(storage);
    sqlite3_stmt *find = NULL;
    int sqlite_rc = sqlite3_prepare_v2(store->db,
        "SELECT run_id, period_id, asof_utc, created_utc, manifest, lines FROM run"
        " WHERE run_id = ?1",
        -1, &find, NULL);
    int rc = store_code(sqlite_rc);

    if (rc == 0) {
        (void)sqlite3_bind_text(find, 1, run_id, -1, SQLITE_STATIC);
        sqlite_rc = sqlite3_step(find);
        rc = sqlite_rc == SQLITE_DONE ? -ENOENT : store_code(sqlite_rc);
    }
    if (rc == 0) {
        struct storage_run run = {
            .period_id = (const char *)sqlite3_column_text(find, 1),
            .asof_utc = sqlite3_column_int64(find, 2),
            .created_utc = sqlite3_column_int64(find, 3),
            .manifest = (const char *)sqlite3_column_text(find, 4),
            .lines = (const char *)sqlite3_column_text(find, 5),
        };

        (void)snprintf(
            run.run_id, sizeof run.run_id, "%s", (const char *)sqlite3_column_text(find, 0));
        rc = callback(user, &run);
    }
    (void)sqlite3_finalize(find);
    return rc;
}
