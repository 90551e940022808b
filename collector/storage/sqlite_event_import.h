/*
 * sqlite_event_import.h - an import of events under way. Inside storage/ only: shared by
 * sqlite_event_import.c, sqlite_places.c and sqlite_copies.c.
 */
#ifndef ECM_COLLECTOR_STORAGE_SQLITE_EVENT_IMPORT_H
#define ECM_COLLECTOR_STORAGE_SQLITE_EVENT_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/visits/dataset.h"

struct storage_sqlite;

/* A stored event whose id is in the dataset, in ids of the dataset. */
struct stored_event {
    struct event_row row;
    int64_t number;
    uint32_t next; /* of the same id: 1 + its index, 0 for none */
    bool is_used;  /* equal to a row that was seen already, or to none */
};

struct event_laying {
    struct storage_sqlite *store;
    const struct dataset *dataset;
    int64_t newest_before; /* the number of the last event stored before */
    struct stored_event *stored;
    size_t stored_count, stored_capacity;
    uint32_t *heads;  /* by text id: 1 + the index of a stored event; NULL: nothing is stored */
    uint32_t *places; /* by event of the dataset: its place among the new ones, 0: not new */
    uint32_t new_count;
};

/* Note where the new events of each device lie. 0 or an error of storage.h. */
int event_places_put(const struct event_laying *laying);

/* Note where the copies lie of ids that come more than once, and which lie apart in time. Likewise. */
int event_copies_put(const struct event_laying *laying);

#endif
