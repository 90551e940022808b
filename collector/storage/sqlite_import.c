/*
 * sqlite_import.c - laying a dataset over the stored tables, whole or not at all.
 *
 * Keyed tables: try to insert; where the key is taken compare, and when the rows differ move the
 * former one to history. Amendments have no key: of equal rows as many are kept as the richest single
 * import had. For that the stored rows of the same stretch of time are put into a hash table first; a
 * hit is compared in full. Events likewise, in sqlite_event_import.c.
 */
#include "collector/storage/sqlite_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "collector/storage/sqlite_schema.h"

/* ---- keyed tables ------------------------------------------------------------------------- */

/* A statement that inserts several rows at once halves what a row costs. */
enum { INSERT_ROWS = 32, VALUES_SQL_MAX = 4096 };

#define IF_ABSENT " ON CONFLICT DO NOTHING"

struct upsert {
    sqlite3_stmt *insert, *insert_many, *find, *keep, *replace;
};

static void upsert_done(struct upsert *upsert)
{
    (void)sqlite3_finalize(upsert->insert);
    (void)sqlite3_finalize(upsert->insert_many);
    (void)sqlite3_finalize(upsert->find);
    (void)sqlite3_finalize(upsert->keep);
    (void)sqlite3_finalize(upsert->replace);
}

/* "(?1, ?2), (?3, ?4)" for that many rows. */
static void value_list(const struct table *table, int rows, char ret_sql[static VALUES_SQL_MAX])
{
    size_t used = 0;

    for (int i = 0; i < rows * table->column_count; i++) {
        bool is_first = i % table->column_count == 0;
        bool is_last = (i + 1) % table->column_count == 0;

        used += (size_t)snprintf(ret_sql + used, VALUES_SQL_MAX - used, "%s%s?%d%s",
            is_first && i > 0 ? ", " : "", is_first ? "(" : ", ", i + 1, is_last ? ")" : "");
        assert(used < VALUES_SQL_MAX);
    }
}

static int prepare_insert(struct storage_sqlite *store, const struct table *table, const char *verb,
    int rows, const char *tail, sqlite3_stmt **ret_statement)
{
    char columns[TABLE_SQL_MAX];
    char values[VALUES_SQL_MAX];
    char sql[2 * TABLE_SQL_MAX + VALUES_SQL_MAX];

    table_columns(table, table->column_count, "", ", ", columns);
    value_list(table, rows, values);
    (void)snprintf(
        sql, sizeof sql, "%s INTO %s(%s) VALUES %s%s", verb, table->name, columns, values, tail);
    return store_prepare(store, sql, ret_statement);
}

static int upsert_prepare(
    struct storage_sqlite *store, const struct table *table, int64_t now_utc, struct upsert *upsert)
{
    char columns[TABLE_SQL_MAX];
    char keys[TABLE_SQL_MAX];
    char sql[3 * TABLE_SQL_MAX];
    int rc = prepare_insert(store, table, "INSERT", 1, IF_ABSENT, &upsert->insert);

    if (rc == 0) {
        rc = prepare_insert(store, table, "INSERT", INSERT_ROWS, IF_ABSENT, &upsert->insert_many);
    }
    if (rc == 0) {
        rc = prepare_insert(store, table, "REPLACE", 1, "", &upsert->replace);
    }
    table_columns(table, table->column_count, "", ", ", columns);
    table_columns(table, table->key_count, " = ?", " AND ", keys);
    if (rc == 0) {
        (void)snprintf(sql, sizeof sql, "SELECT %s FROM %s WHERE %s", columns, table->name, keys);
        rc = store_prepare(store, sql, &upsert->find);
    }
    if (rc == 0) {
        (void)snprintf(sql, sizeof sql,
            "INSERT INTO history(replaced_utc, table_name, former_row)"
            " SELECT %lld, '%s', json_array(%s) FROM %s WHERE %s",
            (long long)now_utc, table->name, columns, table->name, keys);
        rc = store_prepare(store, sql, &upsert->keep);
    }
    return rc;
}

/* The key is taken: compare, and put row in place of what differs. */
static int upsert_over(const struct table *table, const struct upsert *upsert,
    const struct dataset *dataset, const char *row, struct storage_import_counts *counts)
{
    int rc = table_bind(table, table->key_count, dataset, row, upsert->find);
    bool is_equal = false;

    if (rc < 0) {
        return rc;
    }
    rc = store_code(sqlite3_step(upsert->find));
    is_equal = rc == 0 && table_equals(table, dataset, row, upsert->find);
    (void)sqlite3_reset(upsert->find);
    if (rc < 0 || is_equal) {
        counts->unchanged += is_equal ? 1 : 0;
        return rc;
    }
    rc = table_bind(table, table->key_count, dataset, row, upsert->keep);
    if (rc == 0) {
        rc = store_run(upsert->keep);
    }
    if (rc == 0) {
        rc = table_bind(table, table->column_count, dataset, row, upsert->replace);
    }
    if (rc == 0) {
        rc = store_run(upsert->replace);
    }
    counts->changed++;
    return rc;
}

/*
 * The next rows, together. Where a key was taken each is looked at; those that were just inserted
 * are found as they are, and were counted already.
 */
static int lay_rows(struct storage_sqlite *store, const struct table *table,
    const struct upsert *upsert, const struct dataset *dataset, const char *rows, int count,
    struct storage_import_counts *counts)
{
    sqlite3_stmt *insert = count == INSERT_ROWS ? upsert->insert_many : upsert->insert;
    uint64_t added = 0;
    int rc = 0;

    for (int i = 0; rc == 0 && i < count; i++) {
        rc = table_bind_at(table, i * table->column_count + 1, dataset,
            rows + (size_t)i * table->row_size, insert);
    }
    if (rc == 0) {
        rc = store_run(insert);
    }
    if (rc < 0) {
        return rc;
    }
    added = (uint64_t)sqlite3_changes(store->db);
    counts->added += added;
    if (added == (uint64_t)count) {
        return 0;
    }
    for (int i = 0; rc == 0 && i < count; i++) {
        rc = upsert_over(table, upsert, dataset, rows + (size_t)i * table->row_size, counts);
    }
    counts->unchanged -= rc == 0 ? added : 0;
    return rc;
}

static int import_keyed(struct storage_sqlite *store, const struct table *table,
    const struct dataset *dataset, int64_t now_utc, struct storage_import_counts *counts)
{
    struct upsert upsert = {0};
    size_t count = 0;
    const char *rows = table_rows(table, dataset, &count);
    int rc = count > 0 ? upsert_prepare(store, table, now_utc, &upsert) : 0;

    for (size_t i = 0; rc == 0 && i < count;) {
        int together = count - i >= INSERT_ROWS ? INSERT_ROWS : 1;

        rc = lay_rows(store, table, &upsert, dataset, rows + i * table->row_size, together, counts);
        i += (size_t)together;
    }
    upsert_done(&upsert);
    return rc;
}

/* Whether a table is so much larger after the import that its indices had better be made anew:
 * sorting once is far cheaper than growing them row by row in random order. */
static int outgrows(
    struct storage_sqlite *store, const char *count_sql, size_t rows, bool *ret_does)
{
    sqlite3_stmt *count = NULL;
    int rc = store_prepare(store, count_sql, &count);

    if (rc == 0) {
        rc = store_code(sqlite3_step(count));
        *ret_does = rows > 10000 && (int64_t)rows > 2 * sqlite3_column_int64(count, 0);
    }
    (void)sqlite3_finalize(count);
    return rc;
}

static int import_planned(struct storage_sqlite *store, const struct dataset *dataset,
    int64_t now_utc, struct storage_import_counts *counts)
{
    bool is_large = false;
    int rc = outgrows(store, "SELECT count(*) FROM planned", dataset->planned_count, &is_large);

    if (rc == 0 && is_large) {
        rc = store_exec(store, store_planned_indices_drop);
    }
    if (rc == 0) {
        rc = import_keyed(store, &store_tables[TABLE_PLANNED], dataset, now_utc, counts);
    }
    return rc == 0 && is_large ? store_exec(store, store_planned_indices_make) : rc;
}

/* ---- tables without a key ----------------------------------------------------------------- */

/* Stored rows by hash; open addressing. rowid 0: free; -1: used up by an equal new row. */
struct seen_row {
    uint64_t hash;
    int64_t rowid;
};
struct seen {
    struct seen_row *rows;
    size_t mask, count;
};

static int seen_grow(struct seen *seen)
{
    size_t size = seen->rows == NULL ? 1024 : 2 * (seen->mask + 1);
    struct seen_row *rows = calloc(size, sizeof *rows);

    if (rows == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; seen->rows != NULL && i <= seen->mask; i++) {
        size_t at = seen->rows[i].hash & (size - 1);

        if (seen->rows[i].rowid == 0) {
            continue;
        }
        while (rows[at].rowid != 0) {
            at = (at + 1) & (size - 1);
        }
        rows[at] = seen->rows[i];
    }
    free(seen->rows);
    seen->rows = rows;
    seen->mask = size - 1;
    return 0;
}

static int seen_add(struct seen *seen, uint64_t hash, int64_t rowid)
{
    size_t at = 0;

    if ((seen->rows == NULL || 2 * seen->count > seen->mask) && seen_grow(seen) < 0) {
        return -ENOMEM;
    }
    at = hash & seen->mask;
    while (seen->rows[at].rowid != 0) {
        at = (at + 1) & seen->mask;
    }
    seen->rows[at] = (struct seen_row){hash, rowid};
    seen->count++;
    return 0;
}

struct append {
    const struct table *table;
    const struct dataset *dataset;
    sqlite3_stmt *insert, *find;
    struct seen seen;
};

/* The instant that says when a row came: the first COLUMN_I64 of the table. */
static const struct column *instant_of(const struct table *table)
{
    int i = 0;

    while (table->columns[i].kind != COLUMN_I64) {
        i++;
        assert(i < table->column_count);
    }
    return &table->columns[i];
}

static void stretch_of(
    const struct table *table, const char *rows, size_t count, int64_t *ret_from, int64_t *ret_to)
{
    size_t offset = instant_of(table)->offset;

    *ret_from = INT64_MAX;
    *ret_to = INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        int64_t at = *(const int64_t *)(const void *)(rows + i * table->row_size + offset);

        *ret_from = at < *ret_from ? at : *ret_from;
        *ret_to = at > *ret_to ? at : *ret_to;
    }
}

static int see_stored(
    struct storage_sqlite *store, struct append *append, const char *rows, size_t count)
{
    char columns[TABLE_SQL_MAX];
    char sql[2 * TABLE_SQL_MAX];
    sqlite3_stmt *walk = NULL;
    int64_t from = 0, to = 0;
    int sqlite_rc = SQLITE_OK;
    int rc = 0;

    stretch_of(append->table, rows, count, &from, &to);
    table_columns(append->table, append->table->column_count, "", ", ", columns);
    (void)snprintf(sql, sizeof sql, "SELECT %s, rowid FROM %s WHERE %s BETWEEN ?1 AND ?2", columns,
        append->table->name, instant_of(append->table)->name);
    rc = store_prepare(store, sql, &walk);
    if (rc == 0) {
        (void)sqlite3_bind_int64(walk, 1, from);
        (void)sqlite3_bind_int64(walk, 2, to);
    }
    while (rc == 0 && (sqlite_rc = sqlite3_step(walk)) == SQLITE_ROW) {
        rc = seen_add(&append->seen, table_hash_stored(append->table, walk),
            sqlite3_column_int64(walk, append->table->column_count));
    }
    (void)sqlite3_finalize(walk);
    return rc != 0 ? rc : store_code(sqlite_rc);
}

/* Use up one stored row equal to row. 1: there was one; 0: none; negative: failed. */
static int seen_take(struct append *append, const char *row)
{
    const struct seen *seen = &append->seen;
    uint64_t hash = 0;

    if (seen->rows == NULL) {
        return 0;
    }
    hash = table_hash_row(append->table, append->dataset, row);
    for (size_t at = hash & seen->mask; seen->rows[at].rowid != 0; at = (at + 1) & seen->mask) {
        bool is_equal = false;
        int rc = 0;

        if (seen->rows[at].hash != hash || seen->rows[at].rowid < 0) {
            continue;
        }
        (void)sqlite3_bind_int64(append->find, 1, seen->rows[at].rowid);
        rc = store_code(sqlite3_step(append->find));
        is_equal = rc == 0 && table_equals(append->table, append->dataset, row, append->find);
        (void)sqlite3_reset(append->find);
        if (rc < 0) {
            return rc;
        }
        if (is_equal) {
            seen->rows[at].rowid = -1;
            return 1;
        }
    }
    return 0;
}

static int append_rows(
    struct append *append, const char *rows, size_t count, struct storage_import_counts *counts)
{
    const struct table *table = append->table;

    for (size_t i = 0; i < count; i++) {
        const char *row = rows + i * table->row_size;
        int rc = seen_take(append, row);

        if (rc < 0) {
            return rc;
        }
        if (rc == 1) {
            counts->unchanged++;
            continue;
        }
        rc = table_bind(table, table->column_count, append->dataset, row, append->insert);
        if (rc == 0) {
            rc = store_run(append->insert);
        }
        if (rc < 0) {
            return rc;
        }
        counts->added++;
    }
    return 0;
}

static int import_unkeyed(struct storage_sqlite *store, const struct table *table,
    const struct dataset *dataset, struct storage_import_counts *counts)
{
    struct append append = {.table = table, .dataset = dataset};
    char columns[TABLE_SQL_MAX];
    char sql[2 * TABLE_SQL_MAX];
    size_t count = 0;
    const char *rows = table_rows(table, dataset, &count);
    int rc = 0;

    if (count == 0) {
        return 0;
    }
    rc = see_stored(store, &append, rows, count);
    if (rc == 0) {
        rc = prepare_insert(store, table, "INSERT", 1, "", &append.insert);
    }
    if (rc == 0) {
        table_columns(table, table->column_count, "", ", ", columns);
        (void)snprintf(sql, sizeof sql, "SELECT %s FROM %s WHERE rowid = ?1", columns, table->name);
        rc = store_prepare(store, sql, &append.find);
    }
    if (rc == 0) {
        rc = append_rows(&append, rows, count, counts);
    }
    (void)sqlite3_finalize(append.insert);
    (void)sqlite3_finalize(append.find);
    free(append.seen.rows);
    return rc;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static int import_tables(struct storage_sqlite *store, const struct dataset *dataset,
    int64_t now_utc, struct storage_import_counts *counts)
{
    int rc = 0;

    for (int i = 0; i < TABLE_COUNT && rc == 0; i++) {
        const struct table *table = &store_tables[i];

        if (i == TABLE_PLANNED) {
            rc = import_planned(store, dataset, now_utc, counts);
        } else if (table->key_count > 0) {
            rc = import_keyed(store, table, dataset, now_utc, counts);
        } else if (i == TABLE_EVENT) {
            rc = store_events_import(store, dataset, counts);
        } else {
            rc = import_unkeyed(store, table, dataset, counts);
        }
    }
    if (rc == 0 && counts->added + counts->changed > 0) {
        rc = store_run(
            store_statement(store, SLOT_IMPORTS_ADD, "UPDATE imports SET imports = imports + 1"));
    }
    return rc;
}

int store_import(struct storage *storage, const struct dataset *dataset, int64_t now_utc,
    struct storage_import_counts *ret_counts, struct err *err)
{
    struct storage_sqlite *store = store_of(storage);
    struct storage_import_counts counts = {0};
    int rc = store_begin(storage);

    if (rc < 0) {
        return err_set(err, rc, "store: cannot begin to import (%s)", err_name(rc));
    }
    /* Room to sort and to touch pages twice; a daemon never imports and stays small. */
    (void)store_exec(store, "PRAGMA cache_size=-131072");
    rc = import_tables(store, dataset, now_utc, &counts);
    if (rc == 0) {
        rc = store_commit(storage);
    }
    if (rc < 0) {
        (void)err_set(
            err, rc, "store: %s", rc == -ENOMEM ? "out of memory" : sqlite3_errmsg(store->db));
        store_rollback(storage);
    }
    (void)store_exec(store, "PRAGMA cache_size=-2000");
    if (rc == 0) {
        *ret_counts = counts;
    }
    return rc;
}

int store_imports(struct storage *storage, uint64_t *ret_count)
{
    struct storage_sqlite *store = store_of(storage);
    sqlite3_stmt *get = store_statement(store, SLOT_IMPORTS_GET, "SELECT imports FROM imports");
    int rc = 0;

    if (get == NULL) {
        return store_failed(store, NULL);
    }
    rc = store_code(sqlite3_step(get));
    if (rc == 0) {
        *ret_count = (uint64_t)sqlite3_column_int64(get, 0);
    }
    (void)sqlite3_reset(get);
    return rc;
}
