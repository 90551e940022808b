/*
 * sqlite_load.c - from the store into a dataset: everything, one period, or one person.
 *
 * One load is one read transaction: a writer in between is seen whole or not at all. For one person
 * only what bears on that person is read (the homes, the cards that were read there), because a
 * late tap must not cost a walk over everybody.
 */
#include "collector/storage/sqlite_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/* ---- one table, some of its rows ---------------------------------------------------------- */

/* Parameters of every condition: ?1 from, ?2 to, ?3 person, ?4 plan from, ?5 plan until. */
static void bind_window(sqlite3_stmt *statement, const struct store_window *window)
{
    (void)sqlite3_bind_int64(statement, 1, window->from_utc);
    (void)sqlite3_bind_int64(statement, 2, window->to_utc);
    (void)sqlite3_bind_text(statement, 3, window->person_id, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 4, window->plan_from);
    (void)sqlite3_bind_int64(statement, 5, window->plan_until);
}

static int load_rows(struct storage_sqlite *store, const struct table *table, const char *condition,
    const struct store_window *window, struct dataset *dataset)
{
    char columns[TABLE_SQL_MAX];
    char sql[4 * TABLE_SQL_MAX];
    sqlite3_stmt *walk = NULL;
    int rc = 0;

    table_columns(table, table->column_count, "", ", ", columns);
    (void)snprintf(sql, sizeof sql, "SELECT %s FROM %s %s", columns, table->name, condition);
    rc = store_code(sqlite3_prepare_v2(store->db, sql, -1, &walk, NULL));
    if (rc == 0) {
        bind_window(walk, window);
        rc = table_read_all(table, walk, dataset);
    }
    (void)sqlite3_finalize(walk);
    return rc;
}

/* ---- everybody ---------------------------------------------------------------------------- */

/* A correction may have moved the visit into the window. */
#define HAS_OTHER_TIMES                                                                            \
    "visit_id IN (SELECT json_extract(line, '$.visit_id') FROM correction"                         \
    " WHERE json_extract(line, '$.action') = 'PLAN')"

static int load_everybody(
    struct storage_sqlite *store, const struct store_window *window, struct dataset *dataset)
{
    const char *amendments = "ORDER BY amendment_seq";
    const char *planned = "";
    int rc = 0;

    if (window->is_bounded) {
        amendments = "WHERE is_void = 1 OR ts_utc BETWEEN ?1 AND ?2 ORDER BY amendment_seq";
        planned = "WHERE (start_utc >= ?4 AND start_utc < ?5) OR " HAS_OTHER_TIMES;
    }
    for (int i = 0; i < TABLE_COUNT && rc == 0; i++) {
        const char *condition = i == TABLE_AMENDMENT ? amendments
                                : i == TABLE_PLANNED ? planned
                                                     : "";

        rc = i == TABLE_EVENT ? store_load_events(store, window, dataset)
                              : load_rows(store, &store_tables[i], condition, window, dataset);
    }
    return rc;
}

/* ---- one person --------------------------------------------------------------------------- */

/* The person's amendments. */
static const char own_amendments_sql[] =
    "SELECT amendment_seq FROM amendment WHERE person_id = ?3 AND ts_utc BETWEEN ?1 AND ?2";

/* Voids of taps whose ids begin with a device of the person's: so do those of taps that came live. */
static const char device_voids_sql[] =
    "SELECT a.amendment_seq FROM device d CROSS JOIN amendment a ON a.event_id >= d.device_id || "
    "'-'"
    " AND a.event_id < d.device_id || '.' WHERE d.person_id = ?3 AND a.is_void = 1";

static int find_amendments(struct storage_sqlite *store, const char *sql,
    const struct store_window *window, struct numbers *numbers)
{
    sqlite3_stmt *find = NULL;
    int rc = store_prepare(store, sql, &find);

    if (rc == 0) {
        bind_window(find, window);
        rc = numbers_add_all(numbers, find);
    }
    (void)sqlite3_finalize(find);
    return rc;
}

/* Voids of the events that are loaded. */
static int find_voids(
    struct storage_sqlite *store, const struct dataset *dataset, struct numbers *numbers)
{
    sqlite3_stmt *find = NULL;
    int rc = store_prepare(
        store, "SELECT amendment_seq FROM amendment WHERE event_id = ?1 AND is_void = 1", &find);

    for (size_t i = 0; rc == 0 && i < dataset->events_count; i++) {
        (void)sqlite3_bind_text(
            find, 1, dataset_text(dataset, dataset->events[i].event_id), -1, SQLITE_STATIC);
        rc = numbers_add_all(numbers, find);
    }
    (void)sqlite3_finalize(find);
    return rc;
}

static int load_numbered(struct storage_sqlite *store, const struct table *table,
    const char *condition, const struct numbers *numbers, struct dataset *dataset)
{
    char columns[TABLE_SQL_MAX];
    char sql[2 * TABLE_SQL_MAX];
    sqlite3_stmt *find = NULL;
    int rc = 0;

    table_columns(table, table->column_count, "", ", ", columns);
    (void)snprintf(sql, sizeof sql, "SELECT %s FROM %s %s", columns, table->name, condition);
    rc = store_prepare(store, sql, &find);
    for (size_t i = 0; rc == 0 && i < numbers->count; i++) {
        (void)sqlite3_bind_int64(find, 1, numbers->rows[i]);
        rc = store_code(sqlite3_step(find));
        if (rc == 0) {
            rc = table_read(table, find, dataset);
        }
        (void)sqlite3_reset(find);
    }
    (void)sqlite3_finalize(find);
    return rc;
}

/* After the events. */
static int load_person_amendments(
    struct storage_sqlite *store, const struct store_window *window, struct dataset *dataset)
{
    struct numbers numbers = {0};
    int rc = find_amendments(store, own_amendments_sql, window, &numbers);

    if (rc == 0) {
        rc = find_amendments(store, device_voids_sql, window, &numbers);
    }
    if (rc == 0) {
        rc = find_voids(store, dataset, &numbers);
    }
    if (rc == 0) {
        numbers_settle(&numbers);
        rc = load_numbered(
            store, &store_tables[TABLE_AMENDMENT], "WHERE amendment_seq = ?1", &numbers, dataset);
    }
    free(numbers.rows);
    return rc;
}

/* The rows of table whose first column is id, once. */
static int load_by_id(struct storage_sqlite *store, sqlite3_stmt *find, const struct table *table,
    struct dataset *dataset, text_id id)
{
    int sqlite_rc = SQLITE_OK;
    int rc = 0;

    (void)store;
    (void)sqlite3_bind_text(find, 1, dataset_text(dataset, id), -1, SQLITE_TRANSIENT);
    while (rc == 0 && (sqlite_rc = sqlite3_step(find)) == SQLITE_ROW) {
        rc = table_read(table, find, dataset);
    }
    (void)sqlite3_reset(find);
    return rc != 0 ? rc : store_code(sqlite_rc);
}

struct id_list {
    text_id ids[1024];
    size_t count;
};

static bool id_list_take(struct id_list *list, text_id id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->ids[i] == id) {
            return false;
        }
    }
    if (list->count < sizeof list->ids / sizeof list->ids[0]) {
        list->ids[list->count++] = id;
    }
    return true;
}

/* What the events name besides the person's own: cards, and devices of other homes. */
static int load_named(struct storage_sqlite *store, const struct table *table,
    const struct dataset *dataset_events, struct dataset *dataset, size_t offset)
{
    char columns[TABLE_SQL_MAX];
    char sql[2 * TABLE_SQL_MAX];
    struct id_list seen = {.count = 0};
    sqlite3_stmt *find = NULL;
    int rc = 0;

    table_columns(table, table->column_count, "", ", ", columns);
    (void)snprintf(sql, sizeof sql, "SELECT %s FROM %s WHERE %s = ?1", columns, table->name,
        table->columns[0].name);
    rc = store_code(sqlite3_prepare_v2(store->db, sql, -1, &find, NULL));
    for (size_t i = 0; rc == 0 && i < dataset_events->events_count; i++) {
        const char *row = (const char *)&dataset_events->events[i];
        text_id id = 0;

        (void)memcpy(&id, row + offset, sizeof id);
        if (id_list_take(&seen, id)) {
            rc = load_by_id(store, find, table, dataset, id);
        }
    }
    (void)sqlite3_finalize(find);
    return rc;
}

static int load_carers(struct storage_sqlite *store, struct dataset *dataset)
{
    const struct table *table = &store_tables[TABLE_CARER];
    struct id_list seen = {.count = 0};
    sqlite3_stmt *find = NULL;
    int rc = store_code(sqlite3_prepare_v2(
        store->db, "SELECT carer_id, provider_id FROM carer WHERE carer_id = ?1", -1, &find, NULL));

    for (size_t i = 0; rc == 0 && i < dataset->cards_count; i++) {
        if (id_list_take(&seen, dataset->cards[i].carer_id)) {
            rc = load_by_id(store, find, table, dataset, dataset->cards[i].carer_id);
        }
    }
    for (size_t i = 0; rc == 0 && i < dataset->carried_readers_count; i++) {
        if (id_list_take(&seen, dataset->carried_readers[i].carer_id)) {
            rc = load_by_id(store, find, table, dataset, dataset->carried_readers[i].carer_id);
        }
    }
    for (size_t i = 0; rc == 0 && i < dataset->amendments_count; i++) {
        if (id_list_take(&seen, dataset->amendments[i].carer_id)) {
            rc = load_by_id(store, find, table, dataset, dataset->amendments[i].carer_id);
        }
    }
    (void)sqlite3_finalize(find);
    return rc;
}

static int load_person(
    struct storage_sqlite *store, const struct store_window *window, struct dataset *dataset)
{
    const struct {
        enum table_name table;
        const char *condition;
    } own[] = {
        {TABLE_PERIOD, ""},
        {TABLE_PROVIDER, ""},
        {TABLE_RATE, ""},
        {TABLE_PERSON, "WHERE person_id = ?3"},
        {TABLE_PLANNED, "WHERE person_id = ?3 AND ((start_utc >= ?4 AND start_utc < ?5)"
                        " OR " HAS_OTHER_TIMES ")"},
    };
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof own / sizeof own[0]; i++) {
        rc = load_rows(store, &store_tables[own[i].table], own[i].condition, window, dataset);
    }
    if (rc == 0) {
        rc = store_load_person_events(store, window, dataset);
    }
    if (rc == 0) {
        rc = load_person_amendments(store, window, dataset);
    }
    return rc == 0 && dataset->people_count == 0 ? -ENOENT : rc;
}

/* After the taps: whose cards, whose homes. */
static int load_person_names(struct storage_sqlite *store, struct dataset *dataset)
{
    const size_t device = offsetof(struct event_row, device_id);
    const size_t card = offsetof(struct event_row, card_uid);
    int rc = load_named(store, &store_tables[TABLE_DEVICE], dataset, dataset, device);

    if (rc == 0) {
        rc = load_named(store, &store_tables[TABLE_CARRIED_READER], dataset, dataset, device);
    }
    if (rc == 0) {
        rc = load_named(store, &store_tables[TABLE_CARD], dataset, dataset, card);
    }
    if (rc == 0) {
        rc = load_named(store, &store_tables[TABLE_HOME_TAG], dataset, dataset, card);
    }
    return rc == 0 ? load_carers(store, dataset) : rc;
}

/* ---- the filter --------------------------------------------------------------------------- */

static int64_t earlier(int64_t instant, int64_t seconds)
{
    return instant < INT64_MIN + seconds ? INT64_MIN : instant - seconds;
}

static int64_t later(int64_t instant, int64_t seconds)
{
    return instant > INT64_MAX - seconds ? INT64_MAX : instant + seconds;
}

static int resolve_period(
    struct storage_sqlite *store, const char *period_id, struct store_window *window)
{
    sqlite3_stmt *find = NULL;
    int sqlite_rc = sqlite3_prepare_v2(store->db,
        "SELECT start_utc, end_utc, (SELECT count(*) FROM period) FROM period"
        " WHERE period_id = ?1",
        -1, &find, NULL);

    if (sqlite_rc == SQLITE_OK) {
        (void)sqlite3_bind_text(find, 1, period_id, -1, SQLITE_STATIC);
        sqlite_rc = sqlite3_step(find);
    }
    if (sqlite_rc == SQLITE_ROW) {
        window->plan_from = sqlite3_column_int64(find, 0);
        window->plan_until = sqlite3_column_int64(find, 1);
        /* All there is belongs to the only period. */
        window->is_bounded = window->person_id != NULL || sqlite3_column_int(find, 2) > 1;
    }
    if (window->is_bounded) {
        window->from_utc = earlier(window->plan_from, STORAGE_MARGIN_S);
        window->to_utc = later(window->plan_until, STORAGE_MARGIN_S);
    }
    (void)sqlite3_finalize(find);
    return sqlite_rc == SQLITE_DONE ? -ENOENT : store_code(sqlite_rc);
}

static int resolve_filter(struct storage_sqlite *store, const struct storage_filter *filter,
    struct store_window *ret_window)
{
    *ret_window = (struct store_window){
        .person_id = filter->person_id,
        .from_utc = INT64_MIN,
        .to_utc = INT64_MAX,
        .plan_from = INT64_MIN,
        .plan_until = INT64_MAX,
    };
    if (filter->from_utc != 0 && filter->to_utc != 0) {
        ret_window->from_utc = earlier(filter->from_utc, STORAGE_MARGIN_S);
        ret_window->to_utc = later(filter->to_utc, STORAGE_MARGIN_S);
        ret_window->plan_from = ret_window->from_utc;
        ret_window->plan_until = ret_window->to_utc;
        ret_window->is_bounded = true;
        return 0;
    }
    return filter->period_id != NULL ? resolve_period(store, filter->period_id, ret_window) : 0;
}

int store_load(struct storage *storage, const struct storage_filter *filter,
    struct dataset *dataset, struct err *err)
{
    struct storage_sqlite *store = store_of(storage);
    struct store_window window;
    bool is_own = sqlite3_get_autocommit(store->db) != 0;
    int rc = is_own ? store_exec(store, "BEGIN") : 0;

    if (rc == 0) {
        rc = resolve_filter(store, filter, &window);
        if (rc == -ENOENT) {
            (void)err_set(err, rc, "store: no period '%s'", filter->period_id);
        }
    }
    if (rc == 0 && filter->person_id == NULL) {
        rc = load_everybody(store, &window, dataset);
    } else if (rc == 0) {
        rc = load_person(store, &window, dataset);
        if (rc == -ENOENT) {
            (void)err_set(err, rc, "store: no such person");
        }
    }
    if (rc == 0) {
        rc = store_load_taps(store, &window, dataset);
    }
    if (rc == 0 && filter->person_id != NULL) {
        rc = load_person_names(store, dataset);
    }
    if (rc < 0 && rc != -ENOENT) {
        (void)err_set(
            err, rc, "store: %s", rc == -ENOMEM ? "out of memory" : sqlite3_errmsg(store->db));
    }
    if (is_own && sqlite3_get_autocommit(store->db) == 0) {
        (void)store_exec(store, "ROLLBACK");
    }
    return rc;
}
