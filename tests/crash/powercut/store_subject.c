/*
 * store_subject.c - see store_subject.h.
 */
#include "tests/crash/powercut/store_subject.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include "base/err.h"
#include "collector/storage/event_block.h"
#include "collector/storage/storage_sqlite.h"
#include "tests/unit/suite.h"

enum {
    RECORDS_IN_BATCH = 3,
    BATCH_SIZE = 700,
    IMPORT_ROWS = 40,
    VERDICT_ROWS = 30,
    LINE_SIZE = 200,
};

static const uint8_t first_head[STORAGE_HASH_SIZE] = {1};

/* ---- working ------------------------------------------------------------------------------ */

void store_state_init(struct store_state *state)
{
    *state = (struct store_state){.storage = NULL};
}

static void expect_known(struct store_state *state, const char *what, int rc)
{
    bool is_known = rc == 0 || rc == -EIO || rc == ECM_EFULL || rc == -EACCES;

    if (!is_known && state->surprise == NULL) {
        state->surprise = what;
        state->surprise_code = rc;
    }
}

int store_state_open(struct store_state *state)
{
    struct storage_log log;
    int rc = storage_sqlite_open(&state->storage, STORE_FILE, 0, NULL);

    expect_known(state, "open", rc);
    /* What was tried and came back is confirmed by now: the next batch follows it. */
    if (rc == 0 && state->storage->ops->log_get(state->storage, "GW-1", 5, NULL, &log) == 0 &&
        log.through_seq > state->seq.kept && log.through_seq <= state->seq.tried) {
        state->seq.kept = log.through_seq;
    }
    return rc;
}

void store_state_close(void *subject_state)
{
    struct store_state *state = subject_state;

    storage_close(state->storage);
    state->storage = NULL;
}

static void make_bytes(uint64_t first_seq, uint8_t ret_bytes[static BATCH_SIZE])
{
    for (unsigned i = 0; i < BATCH_SIZE; i++) {
        ret_bytes[i] = (uint8_t)(first_seq * 31 + i * (first_seq % 7 + 1));
    }
}

static int append_batches(struct store_state *state, unsigned count, uint64_t *through)
{
    struct storage *storage = state->storage;
    struct storage_log log;
    int rc = storage->ops->log_get(storage, "GW-1", 5, first_head, &log);

    *through = state->seq.kept;
    if (rc == 0 && log.through_seq != state->seq.kept) {
        return -EPROTO; /* the mark is not where we were told */
    }
    for (unsigned i = 0; rc == 0 && i < count; i++) {
        uint8_t bytes[BATCH_SIZE];
        struct storage_anchor anchor = {.boot_id = *through, .seq = *through + 1, .wall_ms = 1};
        const struct storage_batch batch = {.log_id = log.log_id,
            .first_seq = *through + 1,
            .record_count = RECORDS_IN_BATCH,
            .first_tap_utc = 1603065600,
            .last_tap_utc = 1603065600,
            .anchors = &anchor,
            .anchor_count = 1,
            .bytes = bytes,
            .size = sizeof bytes};

        make_bytes(batch.first_seq, bytes);
        rc = storage->ops->batch_append(storage, &batch);
        *through += RECORDS_IN_BATCH;
    }
    return rc;
}

void store_state_take_batches(struct store_state *state, unsigned count)
{
    struct storage *storage = state->storage;
    uint64_t through = 0;
    int rc = storage == NULL ? -EIO : storage->ops->begin(storage);

    if (rc == 0) {
        rc = append_batches(state, count, &through);
        if (rc == 0) {
            state->seq.tried = through > state->seq.tried ? through : state->seq.tried;
            rc = storage->ops->commit(storage);
        }
        if (rc < 0) {
            storage->ops->rollback(storage);
        } else {
            state->seq.kept = through;
        }
    }
    expect_known(state, "batch", rc);
}

static text_id text(struct dataset *dataset, const char *words)
{
    text_id id = 0;

    assert_int_equal(dataset_intern(dataset, words, strlen(words), &id), 0);
    return id;
}

static void fill(struct dataset *dataset, uint64_t number)
{
    for (unsigned i = 0; i < IMPORT_ROWS; i++) {
        char name[40];
        struct planned_row planned = {.person_id = text(dataset, "S1"),
            .provider_id = text(dataset, "P1"),
            .start_utc = 1603065600 + 1800 * (int64_t)i,
            .end_utc = 1603067400 + 1800 * (int64_t)i,
            .carers_required = 1,
            .roster_carers = text(dataset, "C1"),
            .cancel_utc = DATASET_NEVER};
        struct event_row event = {.recv_utc = planned.start_utc,
            .device_id = text(dataset, "H1"),
            .card_uid = text(dataset, "04AA"),
            .kind = 'I',
            .ts_utc = planned.start_utc};

        (void)snprintf(name, sizeof name, "%llu-%02u", (unsigned long long)number, i);
        planned.visit_id = text(dataset, name);
        event.event_id = planned.visit_id;
        assert_int_equal(dataset_add_planned(dataset, &planned), 0);
        assert_int_equal(dataset_add_event(dataset, &event), 0);
    }
}

void store_state_import(struct store_state *state)
{
    struct storage_import_counts counts = {0};
    struct dataset dataset;
    int rc = -EIO;

    if (state->storage == NULL) {
        return;
    }
    assert_int_equal(dataset_init(&dataset), 0);
    fill(&dataset, state->imports.kept + 1);
    state->imports.tried = state->imports.kept + 1;
    rc = state->storage->ops->import(state->storage, &dataset, 1, &counts, NULL);
    dataset_done(&dataset);
    if (rc == 0) {
        state->imports.kept++;
    }
    expect_known(state, "import", rc);
}

void store_state_put_verdicts(struct store_state *state)
{
    char lines[VERDICT_ROWS][LINE_SIZE];
    char visits[VERDICT_ROWS][16];
    struct storage_verdict verdicts[VERDICT_ROWS];
    uint64_t changed = 0;
    int rc = -EIO;

    if (state->storage == NULL) {
        return;
    }
    state->verdicts.tried = state->verdicts.kept + 1;
    for (unsigned i = 0; i < VERDICT_ROWS; i++) {
        (void)snprintf(visits[i], sizeof visits[i], "V%02u", i);
        (void)snprintf(
            lines[i], LINE_SIZE, "%llu %0150u", (unsigned long long)state->verdicts.tried, i);
        verdicts[i] = (struct storage_verdict){
            .period_id = "W1", .visit_id = visits[i], .person_id = "S1", .line = lines[i]};
    }
    rc = state->storage->ops->verdicts_put(
        state->storage, "W1", NULL, verdicts, VERDICT_ROWS, &changed);
    if (rc == 0) {
        state->verdicts.kept = state->verdicts.tried;
    }
    expect_known(state, "verdicts", rc);
}

/* ---- checking ----------------------------------------------------------------------------- */

/* The number a query gives; -1 when it gives none. */
static int64_t ask(sqlite3 *db, const char *sql, uint64_t parameter)
{
    sqlite3_stmt *stmt = NULL;
    int64_t value = -1;

    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK) {
        (void)sqlite3_bind_int64(stmt, 1, (int64_t)parameter);
        if (sqlite3_step(stmt) == SQLITE_ROW) {
            value = sqlite3_column_int64(stmt, 0);
        }
    }
    (void)sqlite3_finalize(stmt);
    return value;
}

/* The mark moved in the transaction of its batches: they end at the same record. */
static void check_batches(struct store_state *state, sqlite3 *db, struct sweep_tally *tally)
{
    static const char sql[] = "SELECT first_seq, record_count, bytes FROM batch ORDER BY batch_id";
    int64_t mark = ask(db, "SELECT max(through_seq) FROM log", 0);
    uint64_t through = 0;
    sqlite3_stmt *stmt = NULL;

    (void)sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        uint64_t first_seq = (uint64_t)sqlite3_column_int64(stmt, 0);
        uint8_t bytes[BATCH_SIZE];

        make_bytes(first_seq, bytes);
        if (first_seq <= through) {
            sweep_note(
                tally, &tally->duplicates, "record %llu twice", (unsigned long long)first_seq);
        } else if (first_seq != through + 1 || sqlite3_column_bytes(stmt, 2) != BATCH_SIZE ||
                   memcmp(bytes, sqlite3_column_blob(stmt, 2), BATCH_SIZE) != 0) {
            sweep_note(tally, &tally->losses, "after record %llu comes not what came",
                (unsigned long long)through);
        }
        through = first_seq + (uint64_t)sqlite3_column_int64(stmt, 1) - 1;
    }
    (void)sqlite3_finalize(stmt);
    if (through < state->seq.kept) {
        sweep_note(tally, &tally->losses, "records through %llu, promised %llu",
            (unsigned long long)through, (unsigned long long)state->seq.kept);
    }
    if (through > state->seq.tried || (mark > 0 ? (uint64_t)mark : 0) != through) {
        sweep_note(tally, &tally->broken, "mark %lld, records through %llu, tried %llu",
            (long long)mark, (unsigned long long)through, (unsigned long long)state->seq.tried);
    }
}

/* How many events of an import there are; their ids begin with its number. */
static int64_t count_events(sqlite3 *db, uint64_t number)
{
    struct event_reader reader;
    struct event_view event;
    sqlite3_stmt *stmt = NULL;
    char start[32];
    int size = snprintf(start, sizeof start, "%llu-", (unsigned long long)number);
    int64_t count = 0;

    (void)sqlite3_prepare_v2(db, "SELECT bytes FROM event_block", -1, &stmt, NULL);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        event_reader_init(
            &reader, sqlite3_column_blob(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0));
        while (event_reader_next(&reader, &event) == 1) {
            count += strncmp(event.event_id.text, start, (size_t)size) == 0 ? 1 : 0;
        }
    }
    (void)sqlite3_finalize(stmt);
    return count;
}

/* Each import whole or not at all, counted once. */
static void check_imports(struct store_state *state, sqlite3 *db, struct sweep_tally *tally)
{
    static const char sql[] = "SELECT count(*) FROM planned WHERE visit_id LIKE ?1 || '-%'";
    static const char hashes_sql[] = "SELECT (SELECT coalesce(sum(length(hashes)), 0) / 4"
                                     " FROM event_hashes)"
                                     " - (SELECT coalesce(sum(event_count), 0) FROM event_block)";
    const int64_t whole = IMPORT_ROWS + 1000 * IMPORT_ROWS;
    int64_t stray_hashes = ask(db, hashes_sql, 0);

    if (stray_hashes != 0 && state->imports.kept > 0) {
        sweep_note(tally, &tally->broken, "%lld hashes more than events", (long long)stray_hashes);
    }
    for (uint64_t number = 1; number <= state->imports.tried; number++) {
        int64_t planned = ask(db, sql, number);
        int64_t found = planned < 0 ? planned : planned + 1000 * count_events(db, number);

        if (found != whole && (found != 0 || number <= state->imports.kept)) {
            sweep_note(tally, &tally->losses, "import %llu has %lld of %lld rows",
                (unsigned long long)number, (long long)found, (long long)whole);
        }
    }
}

/* All rows of one generation, each with a version of its own. */
static void check_verdicts(struct store_state *state, sqlite3 *db, struct sweep_tally *tally)
{
    int64_t oldest = ask(db, "SELECT coalesce(min(CAST(line AS INTEGER)), 0) FROM verdict", 0);
    int64_t newest = ask(db, "SELECT coalesce(max(CAST(line AS INTEGER)), 0) FROM verdict", 0);
    /* The tables may not be there yet. */
    int64_t rows = ask(db, "SELECT count(DISTINCT version) FROM verdict", 0);

    oldest = oldest < 0 ? 0 : oldest;
    newest = newest < 0 ? 0 : newest;
    if (oldest != newest || (newest > 0 && rows != VERDICT_ROWS)) {
        sweep_note(tally, &tally->broken, "verdicts of %lld to %lld, %lld rows", (long long)oldest,
            (long long)newest, (long long)rows);
    }
    if (newest < (int64_t)state->verdicts.kept || newest > (int64_t)state->verdicts.tried) {
        sweep_note(tally, &tally->losses, "verdicts are of %lld, promised %llu", (long long)newest,
            (unsigned long long)state->verdicts.kept);
    }
}

static void check_file(struct store_state *state, struct sweep_tally *tally)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;

    if (sqlite3_open(STORE_FILE, &db) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW ||
        strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") != 0) {
        sweep_note(tally, &tally->broken, "integrity_check: %s", sqlite3_errmsg(db));
    }
    (void)sqlite3_finalize(stmt);
    check_batches(state, db, tally);
    check_imports(state, db, tally);
    check_verdicts(state, db, tally);
    (void)sqlite3_close(db);
}

static void go_on(void *subject_state, struct sweep_tally *tally)
{
    struct store_state *state = subject_state;
    uint64_t before = 0;

    if (state->storage == NULL && store_state_open(state) < 0) {
        sweep_note(tally, &tally->broken, "does not open");
        return;
    }
    before = state->seq.kept;
    store_state_take_batches(state, 1);
    if (state->seq.kept != before + RECORDS_IN_BATCH) {
        sweep_note(tally, &tally->broken, "takes no more");
    }
    if (state->surprise != NULL) {
        sweep_note(
            tally, &tally->broken, "%s: %s", state->surprise, err_name(state->surprise_code));
        state->surprise = NULL;
    }
}

static void check(void *subject_state, struct sweep_tally *tally)
{
    check_file(subject_state, tally);
    go_on(subject_state, tally);
    store_state_close(subject_state);
    check_file(subject_state, tally);
}

struct sweep_subject store_subject(
    const char *name, struct store_state *state, void (*work)(void *state))
{
    return (struct sweep_subject){.name = name,
        .state = state,
        .state_size = sizeof *state,
        .work = work,
        .close = store_state_close,
        .go_on = go_on,
        .check = check};
}
