/* sqlite_persons.c - whom the taps of a device touch. */
#include "collector/storage/sqlite_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PERSONS_MAX = 64, EPOCH_DIGITS = 16 };

static const char persons_of_device_sql[] = "SELECT DISTINCT person_id FROM device"
                                            " WHERE device_id = ?1 AND from_utc <= ?3"
                                            " AND to_utc > ?2";
static const char persons_of_tag_sql[] = "SELECT person_id FROM home_tag"
                                         " WHERE tag_uid = ?1 AND from_utc <= ?3 AND to_utc > ?2";

/* Who was told already: the people one device touches are one household, or a carer's round. */
struct told {
    struct dataset names; /* only its texts are used */
    text_id ids[PERSONS_MAX];
    size_t count;
    storage_person_callback callback;
    void *user;
};

static int tell(struct told *told, const char *person_id)
{
    text_id id = 0;
    int rc = dataset_intern(&told->names, person_id, strlen(person_id), &id);

    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < told->count; i++) {
        if (told->ids[i] == id) {
            return 0;
        }
    }
    /* Past the limit somebody may be told twice, which costs time and nothing else. */
    if (told->count < PERSONS_MAX) {
        told->ids[told->count++] = id;
    }
    return told->callback(told->user, person_id);
}

/* ?1 a device or a tag, ?2 from, ?3 to. The column is a person. */
static int tell_all(struct storage_sqlite *store, sqlite3_stmt *walk, const char *key,
    int64_t from_utc, int64_t to_utc, struct told *told)
{
    int sqlite_rc = SQLITE_OK;
    int rc = 0;

    if (walk == NULL) {
        return store_failed(store, NULL);
    }
    (void)sqlite3_bind_text(walk, 1, key, -1, SQLITE_TRANSIENT);
    (void)sqlite3_bind_int64(walk, 2, from_utc);
    (void)sqlite3_bind_int64(walk, 3, to_utc);
    while (rc == 0 && (sqlite_rc = sqlite3_step(walk)) == SQLITE_ROW) {
        rc = tell(told, (const char *)sqlite3_column_text(walk, 0));
    }
    (void)sqlite3_reset(walk);
    return rc != 0 ? rc : store_code(sqlite_rc);
}

static int is_carried(struct storage_sqlite *store, const char *device_id, bool *ret_is)
{
    sqlite3_stmt *find = store_statement(
        store, SLOT_CARRIED_READER, "SELECT 1 FROM carried_reader WHERE device_id = ?1");
    int sqlite_rc = SQLITE_OK;

    if (find == NULL) {
        return store_failed(store, NULL);
    }
    (void)sqlite3_bind_text(find, 1, device_id, -1, SQLITE_STATIC);
    sqlite_rc = sqlite3_step(find);
    (void)sqlite3_reset(find);
    *ret_is = sqlite_rc == SQLITE_ROW;
    return store_code(sqlite_rc);
}

/* A carer's reader: the homes are those whose tags it read. */
static int tell_homes_of_tags(struct storage_sqlite *store, const char *device_id, int64_t from_utc,
    int64_t to_utc, struct told *told)
{
    const struct store_window window = {
        .device_id = device_id, .is_bounded = true, .from_utc = from_utc, .to_utc = to_utc};
    sqlite3_stmt *homes = store_statement(store, SLOT_PERSONS_OF_TAG, persons_of_tag_sql);
    struct dataset taps;
    int rc = dataset_init(&taps);

    if (rc < 0) {
        return rc;
    }
    rc = store_load_taps(store, &window, &taps);
    for (size_t i = 0; rc == 0 && i < taps.events_count; i++) {
        rc = tell_all(
            store, homes, dataset_text(&taps, taps.events[i].card_uid), from_utc, to_utc, told);
    }
    dataset_done(&taps);
    return rc;
}

/* Where the device of a live tap's id ("<device>-<epoch, 16 digits>-<number>") ends; 0: no such id. */
static size_t device_size_of(const char *event_id)
{
    const char *number = strrchr(event_id, '-');
    size_t size = number == NULL ? 0 : (size_t)(number - event_id);

    return size > EPOCH_DIGITS + 1 && event_id[size - EPOCH_DIGITS - 1] == '-' &&
                   size - EPOCH_DIGITS - 1 <= STORAGE_DEVICE_ID_MAX
               ? size - EPOCH_DIGITS - 1
               : 0;
}

static int tell_at(struct storage_sqlite *store, const char *device_id, int64_t from_utc,
    int64_t to_utc, struct told *told)
{
    bool is_carriers = false;
    int rc = tell_all(store, store_statement(store, SLOT_PERSONS_OF_DEVICE, persons_of_device_sql),
        device_id, from_utc, to_utc, told);

    if (rc == 0) {
        rc = is_carried(store, device_id, &is_carriers);
    }
    return rc == 0 && is_carriers ? tell_homes_of_tags(store, device_id, from_utc, to_utc, told)
                                  : rc;
}

static int start(struct told *told, storage_person_callback callback, void *user)
{
    *told = (struct told){.callback = callback, .user = user};
    return dataset_init(&told->names);
}

int store_persons_at(struct storage *storage, const char *device_id, int64_t from_utc,
    int64_t to_utc, storage_person_callback callback, void *user)
{
    struct told told;
    int rc = start(&told, callback, user);

    if (rc == 0) {
        rc = tell_at(store_of(storage), device_id, from_utc, to_utc, &told);
        dataset_done(&told.names);
    }
    return rc;
}

/* The homes where the imported events of that id were read: by their device, or by a tag. */
static int tell_of_event(struct storage_sqlite *store, const char *event_id, struct told *told)
{
    sqlite3_stmt *by_device = store_statement(store, SLOT_PERSONS_OF_DEVICE, persons_of_device_sql);
    sqlite3_stmt *by_tag = store_statement(store, SLOT_PERSONS_OF_TAG, persons_of_tag_sql);
    struct dataset events;
    int rc = dataset_init(&events);

    if (rc < 0) {
        return rc;
    }
    rc = store_load_event(store, event_id, &events);
    for (size_t i = 0; rc == 0 && i < events.events_count; i++) {
        const struct event_row *event = &events.events[i];

        rc = tell_all(store, by_device, dataset_text(&events, event->device_id), event->ts_utc,
            event->ts_utc, told);
        if (rc == 0) {
            rc = tell_all(
                store, by_tag, dataset_text(&events, event->card_uid), INT64_MIN, INT64_MAX, told);
        }
    }
    dataset_done(&events);
    return rc;
}

static int tell_of_visit(struct storage_sqlite *store, const char *visit_id, struct told *told)
{
    return tell_all(store,
        store_statement(store, SLOT_PERSONS_OF_VISIT,
            "SELECT person_id FROM planned WHERE visit_id = ?1 AND ?2 <= ?3"),
        visit_id, 0, 0, told);
}

int store_persons_of(struct storage *storage, const char *visit_id, const char *event_id,
    storage_person_callback callback, void *user)
{
    struct storage_sqlite *store = store_of(storage);
    struct told told;
    size_t device_size = visit_id == NULL ? device_size_of(event_id) : 0;
    int rc = start(&told, callback, user);

    if (rc < 0) {
        return rc;
    }
    rc = visit_id != NULL ? tell_of_visit(store, visit_id, &told)
                          : tell_of_event(store, event_id, &told);
    if (rc == 0 && device_size > 0) {
        char device_id[STORAGE_DEVICE_ID_MAX + 1];

        (void)snprintf(device_id, sizeof device_id, "%.*s", (int)device_size, event_id);
        rc = tell_at(store, device_id, 0, INT64_MAX, &told);
    }
    dataset_done(&told.names);
    return rc;
}

int store_persons_due(struct storage *storage, int64_t from_utc, int64_t to_utc,
    storage_person_callback callback, void *user)
{
    struct storage_sqlite *store = store_of(storage);
    struct told told;
    int rc = start(&told, callback, user);

    if (rc == 0) {
        rc = tell_all(store,
            store_statement(store, SLOT_PERSONS_DUE,
                "SELECT DISTINCT person_id FROM planned WHERE ?1 = '' AND start_utc > ?2 - 86400"
                " AND start_utc <= ?3"
                " AND (start_utc > ?2 OR (end_utc > ?2 AND end_utc <= ?3))"),
            "", from_utc, to_utc, &told);
        dataset_done(&told.names);
    }
    return rc;
}
