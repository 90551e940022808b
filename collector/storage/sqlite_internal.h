/*
 * sqlite_internal.h - what the files of storage_sqlite share. Nobody else includes it.
 *
 * sqlite_open.c      the file, its settings and schema, transactions, the write lock
 * sqlite_logs.c      batches, marks, anchors
 * sqlite_inputs.c    case and button records
 * sqlite_quarantine.c  what could not be used
 * sqlite_bounds.c    between what instants a boot without an anchor lies
 * sqlite_tables.c    the imported tables as data: columns, keys, binding, comparing
 * sqlite_rows.c      rows by the batch into a dataset
 * sqlite_import.c    laying a dataset over the tables
 * sqlite_event_import.c  its events behind those that are stored
 * sqlite_places.c    where the events of a device lie
 * sqlite_copies.c    event ids that came more than once
 * sqlite_load.c      tables into a dataset
 * sqlite_events.c    imported events into a dataset
 * sqlite_numbers.c   a list of row numbers
 * sqlite_taps.c      the taps of the logs as events
 * sqlite_persons.c   whom taps touch
 * sqlite_verdicts.c  verdicts and runs
 */
#ifndef ECM_COLLECTOR_STORAGE_SQLITE_INTERNAL_H
#define ECM_COLLECTOR_STORAGE_SQLITE_INTERNAL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/storage/sqlite_tables.h"
#include "collector/storage/storage.h"

/* Statements that are used again and again stay prepared, each in a slot of its own. */
enum store_slot {
    SLOT_BEGIN,
    SLOT_COMMIT,
    SLOT_ROLLBACK,
    SLOT_LOG_FIND,
    SLOT_LOG_ADD,
    SLOT_LOG_MARK,
    SLOT_LOG_KEY,
    SLOT_BATCH_ADD,
    SLOT_PATH_ADD,
    SLOT_GAP_ADD,
    SLOT_ANCHOR_ADD,
    SLOT_ANCHOR_FIND,
    SLOT_BOUND_BEFORE,
    SLOT_BOUND_AFTER,
    SLOT_QUARANTINE_ADD,
    SLOT_QUARANTINE_STATE,
    SLOT_QUARANTINE_SUM,
    SLOT_INPUT_ADD,
    SLOT_INPUT_TOLD,
    SLOT_IMPORTS_GET,
    SLOT_IMPORTS_ADD,
    SLOT_PERSONS_OF_DEVICE,
    SLOT_CARRIED_READER,
    SLOT_PERSONS_OF_TAG,
    SLOT_PERSONS_OF_VISIT,
    SLOT_PERSONS_DUE,
    SLOT_EVENT_BLOCK,
    SLOT_EVENT_COPIES,
    SLOT_IS_HOME_TAG,
    SLOT_PLACES_OF_PERSON,
    SLOT_PLACES_OF_READERS,
    SLOT_VERDICT_FIND,
    SLOT_VERDICT_PUT,
    SLOT_VERDICT_VERSION,
    SLOT_VERDICT_WITHDRAW,
    SLOT_VERDICT_WITHDRAW_PERSON,
    SLOT_KEPT_ADD,
    SLOT_COUNT,
};

struct storage_sqlite {
    struct storage storage; /* first: &store->storage is what the others hold */
    sqlite3 *db;
    int lock_fd; /* -1: in memory, nobody else can come */
    bool is_locked;
    sqlite3_stmt *slots[SLOT_COUNT];
};

static inline struct storage_sqlite *store_of(struct storage *storage)
{
    return (struct storage_sqlite *)storage;
}

/* ---- sqlite_open.c ------------------------------------------------------------------------ */

/* Our code for SQLite's. SQLITE_OK, _ROW and _DONE are 0. */
int store_code(int sqlite_rc);
/* The code of the last failure on this handle, with SQLite's sentence in err. */
int store_failed(struct storage_sqlite *store, struct err *err);

/* The statement in slot, made on first use, bare of bindings. NULL: see store_code(errcode). */
sqlite3_stmt *store_statement(struct storage_sqlite *store, enum store_slot slot, const char *sql);
/* A statement for one use, to be finalized. 0, or the code of why not. */
int store_prepare(struct storage_sqlite *store, const char *sql, sqlite3_stmt **ret_statement);
/* Step a statement that returns no rows and make it ready for the next use. */
int store_run(sqlite3_stmt *statement);
/* Run text of one or more statements. */
int store_exec(struct storage_sqlite *store, const char *sql);

int store_begin(struct storage *storage);
int store_commit(struct storage *storage);
void store_rollback(struct storage *storage);

/* ---- sqlite_logs.c ------------------------------------------------------------------------ */

int store_log_get(struct storage *storage, const char *device_id, uint64_t epoch,
    const uint8_t *chain_head, struct storage_log *ret_log);
int store_batch_append(struct storage *storage, const struct storage_batch *batch);
int store_log_skip(struct storage *storage, int64_t log_id, uint64_t through_seq,
    const uint8_t *chain_head, int64_t recv_ms);
int store_log_set_key(struct storage *storage, int64_t log_id, const uint8_t *public_key);
int store_logs(struct storage *storage, storage_log_callback callback, void *user);
/* The anchor of a boot: 0 or -ENOENT. */
int store_anchor_get(struct storage_sqlite *store, int64_t log_id, uint64_t boot_id,
    struct storage_anchor *ret_anchor);

/* ---- sqlite_inputs.c ---------------------------------------------------------------------- */

/* Made when a store is opened: it came after the first layout, and older programs pass over it. */
extern const char store_input_table[];

int store_input_add(struct storage_sqlite *store, const struct storage_batch *batch,
    const struct storage_input *input);
int store_inputs(
    struct storage *storage, bool only_untold, storage_input_callback callback, void *user);
int store_input_told(struct storage *storage, int64_t log_id, uint64_t seq);

/* ---- sqlite_paths.c ----------------------------------------------------------------------- */

extern const char store_path_table[]; /* likewise */

int store_path_add(struct storage_sqlite *store, const struct storage_batch *batch);
int store_paths(struct storage *storage, storage_path_callback callback, void *user);

/* ---- sqlite_quarantine.c ------------------------------------------------------------------ */

extern const char store_quarantine_table[]; /* likewise */

int store_quarantine(
    struct storage *storage, const struct storage_quarantined *message, uint64_t bytes_max);
int store_quarantine_state(struct storage *storage, struct storage_quarantine_state *ret_state);
int store_quarantined(struct storage *storage, storage_quarantined_callback callback, void *user);
int store_quarantine_release(struct storage *storage, int64_t through_id);

/* ---- sqlite_bounds.c ---------------------------------------------------------------------- */

struct effective_bounds;
struct record;

/* The bounds of the boot of tap, which has no anchor; recv_ms is when its batch came. */
int store_bounds_get(struct storage_sqlite *store, int64_t log_id, const struct record *tap,
    int64_t recv_ms, struct effective_bounds *ret_bounds);

/* ---- sqlite_import.c ---------------------------------------------------------------------- */

int store_import(struct storage *storage, const struct dataset *dataset, int64_t now_utc,
    struct storage_import_counts *ret_counts, struct err *err);
int store_imports(struct storage *storage, uint64_t *ret_count);

/* ---- sqlite_load.c ------------------------------------------------------------------------ */

/* A filter with its instants worked out. */
struct store_window {
    const char *person_id;         /* NULL: everybody */
    const char *device_id;         /* of taps only; NULL: whatever bears on the person */
    bool is_bounded;               /* false: all time */
    int64_t from_utc, to_utc;      /* of taps and amendments, inclusive */
    int64_t plan_from, plan_until; /* of planned starts, end exclusive */
};

int store_load(struct storage *storage, const struct storage_filter *filter,
    struct dataset *dataset, struct err *err);

/* ---- sqlite_event_import.c ---------------------------------------------------------------- */

enum { STORE_HASH_SIZE = 4 };

/* Keep the events of dataset, inside a transaction: equal ones as often as the richest import had. */
int store_events_import(struct storage_sqlite *store, const struct dataset *dataset,
    struct storage_import_counts *counts);

/* The hash of the number-th event of a block; lowest byte first. */
static inline uint32_t store_hash_at(const uint8_t *hashes, size_t number)
{
    const uint8_t *at = hashes + number * STORE_HASH_SIZE;

    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* ---- sqlite_events.c ---------------------------------------------------------------------- */

/* Add what the window selects of everybody's imported events, in order of arrival. */
int store_load_events(
    struct storage_sqlite *store, const struct store_window *window, struct dataset *dataset);
/* The same of the window's person, with every copy of their ids. */
int store_load_person_events(
    struct storage_sqlite *store, const struct store_window *window, struct dataset *dataset);
/* Every event of that id. Walks over the hashes of all events: 10 ms a year of a borough. */
int store_load_event(struct storage_sqlite *store, const char *event_id, struct dataset *dataset);

/* ---- sqlite_numbers.c --------------------------------------------------------------------- */

/* Zero-initialise; free(rows) at the end. */
struct numbers {
    int64_t *rows;
    size_t count, capacity;
};

/* 0 or -ENOMEM. */
int numbers_add(struct numbers *numbers, int64_t number);
/* Add the first column of all rows of statement, and reset it. */
int numbers_add_all(struct numbers *numbers, sqlite3_stmt *statement);
/* Put them in order, each once. */
void numbers_settle(struct numbers *numbers);

/* ---- sqlite_persons.c --------------------------------------------------------------------- */

int store_persons_at(struct storage *storage, const char *device_id, int64_t from_utc,
    int64_t to_utc, storage_person_callback callback, void *user);
int store_persons_of(struct storage *storage, const char *visit_id, const char *event_id,
    storage_person_callback callback, void *user);
int store_persons_due(struct storage *storage, int64_t from_utc, int64_t to_utc,
    storage_person_callback callback, void *user);

/* ---- sqlite_taps.c ------------------------------------------------------------------------ */

int store_load_taps(
    struct storage_sqlite *store, const struct store_window *window, struct dataset *dataset);

/* ---- sqlite_verdicts.c -------------------------------------------------------------------- */

int store_verdicts_put(struct storage *storage, const char *period_id, const char *person_id,
    const struct storage_verdict *verdicts, size_t count, uint64_t *ret_changed);
int store_verdicts(struct storage *storage, const char *period_id, uint64_t since,
    storage_verdict_callback callback, void *user);
int store_run_put(struct storage *storage, const struct storage_run *run);
int store_run_get(
    struct storage *storage, const char *run_id, storage_run_callback callback, void *user);

/* ---- sqlite_evidence.c -------------------------------------------------------------------- */

int store_correction_append(struct storage *storage, const struct storage_correction *correction,
    const struct storage_amendment *amendment);
int store_corrections(struct storage *storage, storage_correction_callback callback, void *user);
int store_reference_take(
    struct storage *storage, const char *used_for, int64_t now_utc, int64_t *ret_number);
int store_evidence(struct storage *storage, storage_evidence_callback callback, void *user);

#endif
