/*
 * sqlite_events.c - imported events out of their blocks; see event_block.h and sqlite_schema.c.
 *
 * Events enter a dataset with their number as arrival. At the end of a load they are put in order,
 * what was found twice goes, and arrival becomes the place in the dataset.
 */
#include "collector/storage/sqlite_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "collector/storage/event_block.h"
#include "collector/storage/sqlite_rows.h"

/* A tap far ahead of its reception is found by the latter as well: its own time says nothing. */
static bool bears(const struct store_window *window, const struct event_view *event)
{
    return (event->ts_utc >= window->from_utc && event->ts_utc <= window->to_utc) ||
           (event_is_ahead(event->ts_utc, event->recv_utc) && event->recv_utc >= window->from_utc &&
               event->recv_utc <= window->to_utc);
}

/* ---- everybody ---------------------------------------------------------------------------- */

struct walk {
    sqlite3_stmt *blocks; /* first_number, bytes */
    const struct store_window *window;
};

/* In the order of event_columns. */
static int keep_event(struct rows_batch *batch, const struct event_view *event, int64_t number)
{
    union rows_cell *cells = batch->cells[batch->count++];
    int rc = rows_keep_text(batch, event->event_id.text, event->event_id.size, &cells[1]);

    if (rc == 0) {
        rc = rows_keep_text(batch, event->device_id.text, event->device_id.size, &cells[2]);
    }
    if (rc == 0) {
        rc = rows_keep_text(batch, event->card_uid.text, event->card_uid.size, &cells[3]);
    }
    if (rc == 0) {
        rc = rows_keep_text(batch, &event->kind, event->kind != '\0' ? 1 : 0, &cells[4]);
    }
    cells[0].number = event->recv_utc;
    cells[5].number = event->ts_utc;
    cells[6].number = number;
    return rc;
}

static void read_block(struct event_reader *reader, sqlite3_stmt *statement)
{
    const void *bytes = sqlite3_column_blob(statement, 1);

    event_reader_init(reader, bytes, (size_t)sqlite3_column_bytes(statement, 1));
}

static int keep_block(struct rows_batch *batch, const struct walk *walk)
{
    int64_t number = sqlite3_column_int64(walk->blocks, 0);
    struct event_reader reader;
    struct event_view event;
    int rc = 0;

    read_block(&reader, walk->blocks);
    while ((rc = event_reader_next(&reader, &event)) == 1) {
        if (batch->count == ROWS_BATCH) {
            return ECM_ECORRUPT; /* no block of ours has so many */
        }
        if (!walk->window->is_bounded || bears(walk->window, &event)) {
            rc = keep_event(batch, &event, number);
        }
        if (rc < 0) {
            return rc;
        }
        number++;
    }
    return rc;
}

static int fill(void *source, struct rows_batch *batch)
{
    const struct walk *walk = source;
    int sqlite_rc = SQLITE_ROW;
    int rc = 0;

    while (rc == 0 && batch->count + EVENT_BLOCK_ROWS <= ROWS_BATCH &&
           (sqlite_rc = sqlite3_step(walk->blocks)) == SQLITE_ROW) {
        rc = keep_block(batch, walk);
    }
    batch->is_last = sqlite_rc != SQLITE_ROW;
    return rc < 0 ? rc : store_code(sqlite_rc);
}

static int load_blocks(
    struct storage_sqlite *store, const struct store_window *window, struct dataset *dataset)
{
    struct walk walk = {.window = window};
    int rc = store_prepare(store,
        window->is_bounded ? "SELECT first_number, bytes FROM event_block"
                             " WHERE last_utc >= ?1 AND first_utc <= ?2 ORDER BY first_number"
                           : "SELECT first_number, bytes FROM event_block ORDER BY first_number",
        &walk.blocks);

    if (rc == 0 && window->is_bounded) {
        (void)sqlite3_bind_int64(walk.blocks, 1, window->from_utc);
        (void)sqlite3_bind_int64(walk.blocks, 2, window->to_utc);
    }
    if (rc == 0) {
        rc = rows_read_all(&store_tables[TABLE_EVENT], fill, &walk, dataset);
    }
    (void)sqlite3_finalize(walk.blocks);
    return rc;
}

/* ---- by their numbers --------------------------------------------------------------------- */

static int add_event(struct dataset *dataset, const struct event_view *event, int64_t number)
{
    struct event_row row = {.recv_utc = event->recv_utc,
        .kind = event->kind,
        .ts_utc = event->ts_utc,
        .arrival = (uint32_t)number};
    int rc = dataset_intern(dataset, event->event_id.text, event->event_id.size, &row.event_id);

    if (rc == 0) {
        rc = dataset_intern(dataset, event->device_id.text, event->device_id.size, &row.device_id);
    }
    if (rc == 0) {
        rc = dataset_intern(dataset, event->card_uid.text, event->card_uid.size, &row.card_uid);
    }
    return rc == 0 ? dataset_add_event(dataset, &row) : rc;
}

/* Whether an event that was looked up is wanted: 1, 0 or an error. */
typedef int (*wants_event)(void *user, const struct event_view *event);

struct taking {
    wants_event wants; /* NULL: all are */
    void *user;
    struct dataset *dataset;
};

/* Take from the block statement stands on those of numbers from *at on that lie in it. */
static int take_from_block(
    const struct taking *taking, sqlite3_stmt *statement, const struct numbers *numbers, size_t *at)
{
    int64_t number = sqlite3_column_int64(statement, 0);
    struct event_reader reader;
    struct event_view event;
    size_t began = *at;
    int rc = 0;

    read_block(&reader, statement);
    for (; *at < numbers->count && (rc = event_reader_next(&reader, &event)) == 1; number++) {
        int wants = 1;

        if (number != numbers->rows[*at]) {
            continue;
        }
        if (taking->wants != NULL) {
            wants = taking->wants(taking->user, &event);
        }
        rc = wants > 0 ? add_event(taking->dataset, &event, number) : wants;
        if (rc < 0) {
            return rc;
        }
        (*at)++;
    }
    return rc < 0 ? rc : (*at == began ? ECM_ECORRUPT : 0); /* there is no event of that number */
}

/* Add the events of numbers, which are settled. */
static int take_numbers(
    struct storage_sqlite *store, const struct numbers *numbers, const struct taking *taking)
{
    sqlite3_stmt *find = store_statement(store, SLOT_EVENT_BLOCK,
        "SELECT first_number, bytes FROM event_block WHERE first_number <= ?1"
        " ORDER BY first_number DESC LIMIT 1");
    int rc = find == NULL ? store_failed(store, NULL) : 0;

    for (size_t at = 0; rc == 0 && at < numbers->count;) {
        int sqlite_rc = SQLITE_OK;

        (void)sqlite3_bind_int64(find, 1, numbers->rows[at]);
        sqlite_rc = sqlite3_step(find);
        rc = sqlite_rc == SQLITE_ROW
                 ? take_from_block(taking, find, numbers, &at)
                 : (sqlite_rc == SQLITE_DONE ? ECM_ECORRUPT : store_code(sqlite_rc));
        (void)sqlite3_reset(find);
    }
    return rc;
}

/* ---- copies ------------------------------------------------------------------------------- */

/* Rule E2 looks at all copies of an id, wherever they were read: those of the events from first on. */
static int load_copies(struct storage_sqlite *store, struct dataset *dataset, size_t first)
{
    sqlite3_stmt *find = store_statement(
        store, SLOT_EVENT_COPIES, "SELECT number FROM event_copy WHERE event_id = ?1");
    const struct taking taking = {.dataset = dataset};
    struct numbers numbers = {0};
    int rc = find == NULL ? store_failed(store, NULL) : 0;

    for (size_t i = first; rc == 0 && i < dataset->events_count; i++) {
        const char *id = dataset_text(dataset, dataset->events[i].event_id);

        (void)sqlite3_bind_text(find, 1, id, -1, SQLITE_STATIC);
        rc = numbers_add_all(&numbers, find);
    }
    if (rc == 0) {
        numbers_settle(&numbers);
        rc = take_numbers(store, &numbers, &taking);
    }
    free(numbers.rows);
    return rc;
}

/* The copies that lie outside of a window, of ids that also have one inside. */
static int load_spread(
    struct storage_sqlite *store, const struct store_window *window, struct dataset *dataset)
{
    sqlite3_stmt *walk = NULL;
    const struct taking taking = {.dataset = dataset};
    struct numbers numbers = {0};
    int sqlite_rc = SQLITE_OK;
    int rc = store_prepare(store,
        "SELECT c.number, s.event_id FROM event_spread s CROSS JOIN event_copy c"
        " ON c.event_id = s.event_id"
        " WHERE (s.first_utc < ?1 AND s.last_utc >= ?1) OR (s.first_utc <= ?2 AND s.last_utc > ?2)",
        &walk);

    if (rc == 0) {
        (void)sqlite3_bind_int64(walk, 1, window->from_utc);
        (void)sqlite3_bind_int64(walk, 2, window->to_utc);
    }
    while (rc == 0 && (sqlite_rc = sqlite3_step(walk)) == SQLITE_ROW) {
        const char *id = (const char *)sqlite3_column_text(walk, 1);

        /* Should it be another thing's id as well, an event outside of the window comes along. */
        if (dataset_find(dataset, id, (size_t)sqlite3_column_bytes(walk, 1)) != 0) {
            rc = numbers_add(&numbers, sqlite3_column_int64(walk, 0));
        }
    }
    (void)sqlite3_finalize(walk);
    if (rc == 0) {
        rc = store_code(sqlite_rc);
    }
    if (rc == 0) {
        numbers_settle(&numbers);
        rc = take_numbers(store, &numbers, &taking);
    }
    free(numbers.rows);
    return rc;
}

/* ---- in order ----------------------------------------------------------------------------- */

static int compare_arrivals(const void *left, const void *right)
{
    const struct event_row *a = left;
    const struct event_row *b = right;

    return (a->arrival > b->arrival) - (a->arrival < b->arrival);
}

/* The events from first on: by number, each once, and numbered anew. */
static void settle(struct dataset *dataset, size_t first)
{
    struct event_row *events = dataset->events;
    bool is_in_order = true;
    size_t kept = first;

    for (size_t i = first + 1; is_in_order && i < dataset->events_count; i++) {
        is_in_order = events[i - 1].arrival < events[i].arrival;
    }
    if (!is_in_order) {
        qsort(events + first, dataset->events_count - first, sizeof *events, compare_arrivals);
    }
    for (size_t i = first; i < dataset->events_count; i++) {
        if (i == first || events[i].arrival != events[i - 1].arrival) {
            events[kept++] = events[i];
        }
    }
    dataset->events_count = kept;
    for (size_t i = first; i < kept; i++) {
        events[i].arrival = (uint32_t)i;
    }
}

int store_load_events(
    struct storage_sqlite *store, const struct store_window *window, struct dataset *dataset)
{
    size_t first = dataset->events_count;
    int rc = load_blocks(store, window, dataset);

    if (rc == 0 && window->is_bounded) {
        rc = load_spread(store, window, dataset);
    }
    if (rc == 0) {
        settle(dataset, first);
    }
    return rc;
}

/* ---- one person --------------------------------------------------------------------------- */

static int wants_in_window(void *user, const struct event_view *event)
{
    return bears(user, event) ? 1 : 0;
}

struct tag_search {
    const struct store_window *window;
    sqlite3_stmt *is_home_tag;
};

/* Read by a carer's reader, from a tag of the person's home. */
static int wants_home_tag(void *user, const struct event_view *event)
{
    const struct tag_search *search = user;
    int sqlite_rc = SQLITE_DONE;

    if (event->ts_utc < search->window->from_utc || event->ts_utc > search->window->to_utc) {
        return 0;
    }
    (void)sqlite3_bind_text(
        search->is_home_tag, 1, event->card_uid.text, (int)event->card_uid.size, SQLITE_STATIC);
    (void)sqlite3_bind_text(search->is_home_tag, 2, search->window->person_id, -1, SQLITE_STATIC);
    sqlite_rc = sqlite3_step(search->is_home_tag);
    (void)sqlite3_reset(search->is_home_tag);
    return sqlite_rc == SQLITE_ROW ? 1 : store_code(sqlite_rc);
}

static int find_places(
    sqlite3_stmt *lists, const struct store_window *window, struct numbers *numbers)
{
    int sqlite_rc = SQLITE_OK;
    int rc = 0;

    (void)sqlite3_bind_int64(lists, 1, window->from_utc);
    (void)sqlite3_bind_int64(lists, 2, window->to_utc);
    (void)sqlite3_bind_text(lists, 3, window->person_id, -1, SQLITE_STATIC);
    while (rc == 0 && (sqlite_rc = sqlite3_step(lists)) == SQLITE_ROW) {
        const void *bytes = sqlite3_column_blob(lists, 0);
        struct event_reader reader;
        struct event_place place;

        event_reader_init(&reader, bytes, (size_t)sqlite3_column_bytes(lists, 0));
        while (rc == 0 && (rc = event_reader_next_place(&reader, &place)) == 1) {
            /* Of one far ahead both instants count: the event itself will tell. */
            bool may_bear = place.is_ahead ||
                            (place.at_utc >= window->from_utc && place.at_utc <= window->to_utc);

            rc = may_bear ? numbers_add(numbers, place.number) : 0;
        }
    }
    (void)sqlite3_reset(lists);
    if (rc == 0) {
        numbers_settle(numbers);
    }
    return rc < 0 ? rc : store_code(sqlite_rc);
}

#define PLACES_OF(devices)                                                                         \
    "SELECT p.places FROM (SELECT DISTINCT device_id FROM " devices                                \
    ") d CROSS JOIN event_places p"                                                                \
    " ON p.device_id = d.device_id AND p.first_utc <= ?2 AND p.last_utc >= ?1"

static int load_listed(struct storage_sqlite *store, enum store_slot slot, const char *lists_sql,
    const struct store_window *window, const struct taking *taking)
{
    sqlite3_stmt *lists = store_statement(store, slot, lists_sql);
    struct numbers numbers = {0};
    int rc = lists == NULL ? store_failed(store, NULL) : 0;

    if (rc == 0) {
        rc = find_places(lists, window, &numbers);
    }
    if (rc == 0) {
        rc = take_numbers(store, &numbers, taking);
    }
    free(numbers.rows);
    return rc;
}

int store_load_person_events(
    struct storage_sqlite *store, const struct store_window *window, struct dataset *dataset)
{
    struct store_window own = *window;
    struct tag_search search = {.window = window,
        .is_home_tag = store_statement(store, SLOT_IS_HOME_TAG,
            "SELECT 1 FROM home_tag WHERE tag_uid = ?1 AND person_id = ?2")};
    const struct taking by_device = {wants_in_window, &own, dataset};
    const struct taking by_tag = {wants_home_tag, &search, dataset};
    size_t first = dataset->events_count;
    int rc = search.is_home_tag == NULL ? store_failed(store, NULL) : 0;

    if (rc == 0) {
        rc = load_listed(store, SLOT_PLACES_OF_PERSON, PLACES_OF("device WHERE person_id = ?3"),
            window, &by_device);
    }
    if (rc == 0) {
        rc = load_listed(store, SLOT_PLACES_OF_READERS,
            PLACES_OF("carried_reader WHERE EXISTS (SELECT 1 FROM home_tag WHERE person_id = ?3)"),
            window, &by_tag);
    }
    if (rc == 0) {
        rc = load_copies(store, dataset, first);
    }
    if (rc == 0) {
        settle(dataset, first);
    }
    return rc;
}

/* ---- one id ------------------------------------------------------------------------------- */

static int find_hash(sqlite3_stmt *walk, uint32_t wanted, struct numbers *numbers)
{
    const uint8_t *hashes = sqlite3_column_blob(walk, 1);
    size_t count = (size_t)sqlite3_column_bytes(walk, 1) / STORE_HASH_SIZE;
    int64_t number = sqlite3_column_int64(walk, 0);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (store_hash_at(hashes, i) == wanted) {
            rc = numbers_add(numbers, number + (int64_t)i);
        }
    }
    return rc;
}

static int wants_id(void *user, const struct event_view *event)
{
    const struct event_text *id = user;

    return id->size == event->event_id.size && memcmp(id->text, event->event_id.text, id->size) == 0
               ? 1
               : 0;
}

int store_load_event(struct storage_sqlite *store, const char *event_id, struct dataset *dataset)
{
    struct event_text id = {event_id, (uint32_t)strlen(event_id)};
    const struct taking taking = {wants_id, &id, dataset};
    uint32_t wanted = event_id_hash(id.text, id.size);
    sqlite3_stmt *walk = NULL;
    struct numbers numbers = {0};
    int sqlite_rc = SQLITE_OK;
    int rc = store_prepare(
        store, "SELECT first_number, hashes FROM event_hashes ORDER BY first_number", &walk);

    while (rc == 0 && (sqlite_rc = sqlite3_step(walk)) == SQLITE_ROW) {
        rc = find_hash(walk, wanted, &numbers);
    }
    (void)sqlite3_finalize(walk);
    if (rc == 0) {
        rc = store_code(sqlite_rc);
    }
    if (rc == 0) {
        rc = take_numbers(store, &numbers, &taking);
    }
    free(numbers.rows);
    return rc;
}
