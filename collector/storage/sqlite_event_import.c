/*
 * sqlite_event_import.c - laying the events of a dataset behind those that are stored.
 *
 * Events have no key: of equal rows as many are kept as the richest single import had, so that
 * importing a file again changes nothing while a device that really sent the same thing twice keeps
 * both (rule E2 decides later). For that, and to know whose ids come again, the stored events with
 * ids of the dataset are fetched first: the hashes say in which blocks to look.
 */
#include "collector/storage/sqlite_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "collector/storage/event_block.h"
#include "collector/storage/sqlite_event_import.h"

enum { BITMAP_BITS = 26, STORED_START = 1024 };

/* ---- what is stored ----------------------------------------------------------------------- */

/* By the low bits of its hash, whether the dataset may have an id. */
static uint8_t *map_ids(const struct dataset *dataset)
{
    uint8_t *map = calloc(1, (size_t)1 << (BITMAP_BITS - 3));

    for (size_t i = 0; map != NULL && i < dataset->events_count; i++) {
        text_id id = dataset->events[i].event_id;
        uint32_t hash = event_id_hash(dataset_text(dataset, id), dataset_text_size(dataset, id)) &
                        ((1u << BITMAP_BITS) - 1);

        map[hash >> 3] |= (uint8_t)(1u << (hash & 7));
    }
    return map;
}

static bool has_some(const uint8_t *map, sqlite3_stmt *walk)
{
    const uint8_t *hashes = sqlite3_column_blob(walk, 1);
    size_t count = (size_t)sqlite3_column_bytes(walk, 1) / STORE_HASH_SIZE;

    for (size_t i = 0; i < count; i++) {
        uint32_t hash = store_hash_at(hashes, i) & ((1u << BITMAP_BITS) - 1);

        if ((map[hash >> 3] & 1u << (hash & 7)) != 0) {
            return true;
        }
    }
    return false;
}

static text_id find_text(const struct dataset *dataset, const struct event_text *text)
{
    return dataset_find(dataset, text->text, text->size);
}

/* Remember a stored event when the dataset has its id. */
static int note_stored(struct event_laying *laying, const struct event_view *event, int64_t number)
{
    const struct dataset *dataset = laying->dataset;
    text_id id = find_text(dataset, &event->event_id);
    struct stored_event *stored = NULL;

    if (id == 0) {
        return 0;
    }
    if (laying->stored_count == laying->stored_capacity) {
        size_t capacity = laying->stored_capacity == 0 ? STORED_START : 2 * laying->stored_capacity;

        stored = realloc(laying->stored, capacity * sizeof *stored);
        if (stored == NULL) {
            return -ENOMEM;
        }
        laying->stored = stored;
        laying->stored_capacity = capacity;
    }
    stored = &laying->stored[laying->stored_count++];
    *stored = (struct stored_event){.number = number,
        .row = {.recv_utc = event->recv_utc,
            .event_id = id,
            .device_id = find_text(dataset, &event->device_id),
            .card_uid = find_text(dataset, &event->card_uid),
            .kind = event->kind,
            .ts_utc = event->ts_utc},
        /* A text that the dataset has not is no text of its rows; 0 is the empty text. */
        .is_used = (event->device_id.size > 0 && find_text(dataset, &event->device_id) == 0) ||
                   (event->card_uid.size > 0 && find_text(dataset, &event->card_uid) == 0),
        .next = laying->heads[id]};
    laying->heads[id] = (uint32_t)laying->stored_count;
    return 0;
}

static int note_block(struct event_laying *laying, sqlite3_stmt *block)
{
    int64_t number = sqlite3_column_int64(block, 0);
    struct event_reader reader;
    struct event_view event;
    int rc = 0;

    event_reader_init(
        &reader, sqlite3_column_blob(block, 1), (size_t)sqlite3_column_bytes(block, 1));
    while (rc == 0 && (rc = event_reader_next(&reader, &event)) == 1) {
        rc = note_stored(laying, &event, number++);
    }
    return rc;
}

static int see_blocks(struct event_laying *laying, const uint8_t *map)
{
    sqlite3_stmt *hashes = NULL;
    sqlite3_stmt *block = NULL;
    int sqlite_rc = SQLITE_OK;
    int rc = store_prepare(laying->store,
        "SELECT first_number, hashes FROM event_hashes ORDER BY first_number DESC", &hashes);

    if (rc == 0) {
        rc = store_prepare(laying->store,
            "SELECT first_number, bytes FROM event_block WHERE first_number = ?1", &block);
    }
    while (rc == 0 && (sqlite_rc = sqlite3_step(hashes)) == SQLITE_ROW) {
        if (has_some(map, hashes)) {
            (void)sqlite3_bind_int64(block, 1, sqlite3_column_int64(hashes, 0));
            rc = sqlite3_step(block) == SQLITE_ROW ? note_block(laying, block) : ECM_ECORRUPT;
            (void)sqlite3_reset(block);
        }
    }
    (void)sqlite3_finalize(hashes);
    (void)sqlite3_finalize(block);
    return rc < 0 ? rc : store_code(sqlite_rc);
}

static int see_stored(struct event_laying *laying)
{
    uint8_t *map = NULL;
    int rc = 0;

    if (laying->newest_before == 0) {
        return 0;
    }
    laying->heads = calloc(dataset_text_count(laying->dataset), sizeof *laying->heads);
    map = map_ids(laying->dataset);
    rc = laying->heads == NULL || map == NULL ? -ENOMEM : see_blocks(laying, map);
    free(map);
    return rc;
}

/* ---- which are new ------------------------------------------------------------------------ */

static bool is_equal(const struct event_row *a, const struct event_row *b)
{
    return a->recv_utc == b->recv_utc && a->device_id == b->device_id &&
           a->card_uid == b->card_uid && a->kind == b->kind && a->ts_utc == b->ts_utc;
}

/* Use up one stored event equal to row, when there is one. */
static bool take_stored(struct event_laying *laying, const struct event_row *row)
{
    uint32_t at = laying->heads == NULL ? 0 : laying->heads[row->event_id];

    while (at != 0) {
        struct stored_event *stored = &laying->stored[at - 1];

        if (!stored->is_used && is_equal(&stored->row, row)) {
            stored->is_used = true;
            return true;
        }
        at = stored->next;
    }
    return false;
}

static int number_new(struct event_laying *laying, struct storage_import_counts *counts)
{
    const struct dataset *dataset = laying->dataset;

    laying->places = malloc(dataset->events_count * sizeof *laying->places);
    if (laying->places == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < dataset->events_count; i++) {
        bool is_stored = take_stored(laying, &dataset->events[i]);

        laying->places[i] = is_stored ? 0 : ++laying->new_count;
    }
    counts->added += laying->new_count;
    counts->unchanged += dataset->events_count - laying->new_count;
    return laying->newest_before + laying->new_count > UINT32_MAX ? -ENOMEM : 0;
}

/* ---- blocks ------------------------------------------------------------------------------- */

struct block {
    struct event_bytes bytes;
    uint8_t hashes[EVENT_BLOCK_ROWS * STORE_HASH_SIZE];
    size_t count;
    int64_t first_number;
    int64_t first_utc, last_utc;
};

static struct event_text text_of(const struct dataset *dataset, text_id id)
{
    return (struct event_text){dataset_text(dataset, id), (uint32_t)dataset_text_size(dataset, id)};
}

static int block_add(
    struct block *block, const struct dataset *dataset, const struct event_row *row)
{
    const struct event_view event = {.recv_utc = row->recv_utc,
        .ts_utc = row->ts_utc,
        .kind = row->kind,
        .event_id = text_of(dataset, row->event_id),
        .device_id = text_of(dataset, row->device_id),
        .card_uid = text_of(dataset, row->card_uid)};
    int64_t at = event_at(row->ts_utc, row->recv_utc);
    uint32_t hash = event_id_hash(event.event_id.text, event.event_id.size);

    if (block->count == 0 || at < block->first_utc) {
        block->first_utc = at;
    }
    if (block->count == 0 || row->ts_utc > block->last_utc) {
        block->last_utc = row->ts_utc;
    }
    for (size_t i = 0; i < STORE_HASH_SIZE; i++) {
        block->hashes[block->count * STORE_HASH_SIZE + i] = (uint8_t)(hash >> 8 * i);
    }
    block->count++;
    return event_bytes_add(&block->bytes, &event);
}

static int block_put(struct block *block, sqlite3_stmt *put, sqlite3_stmt *put_hashes)
{
    int rc = 0;

    if (block->count == 0) {
        return 0;
    }
    (void)sqlite3_bind_int64(put, 1, block->first_number);
    (void)sqlite3_bind_int64(put, 2, (int64_t)block->count);
    (void)sqlite3_bind_int64(put, 3, block->first_utc);
    (void)sqlite3_bind_int64(put, 4, block->last_utc);
    (void)sqlite3_bind_blob(put, 5, block->bytes.bytes, (int)block->bytes.size, SQLITE_STATIC);
    rc = store_run(put);
    if (rc == 0) {
        (void)sqlite3_bind_int64(put_hashes, 1, block->first_number);
        (void)sqlite3_bind_blob(
            put_hashes, 2, block->hashes, (int)(block->count * STORE_HASH_SIZE), SQLITE_STATIC);
        rc = store_run(put_hashes);
    }
    block->first_number += (int64_t)block->count;
    block->count = 0;
    event_bytes_clear(&block->bytes);
    return rc;
}

static int put_blocks(const struct event_laying *laying)
{
    const struct dataset *dataset = laying->dataset;
    struct block *block = calloc(1, sizeof *block);
    sqlite3_stmt *put = NULL;
    sqlite3_stmt *put_hashes = NULL;
    int rc = block == NULL
                 ? -ENOMEM
                 : store_prepare(laying->store,
                       "INSERT INTO event_block(first_number, event_count, first_utc, last_utc,"
                       " bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
                       &put);

    if (rc == 0) {
        rc = store_prepare(laying->store,
            "INSERT INTO event_hashes(first_number, hashes) VALUES (?1, ?2)", &put_hashes);
    }
    if (rc == 0) {
        block->first_number = laying->newest_before + 1;
    }
    for (size_t i = 0; rc == 0 && i < dataset->events_count; i++) {
        if (laying->places[i] == 0) {
            continue;
        }
        rc = block_add(block, dataset, &dataset->events[i]);
        if (rc == 0 && block->count == EVENT_BLOCK_ROWS) {
            rc = block_put(block, put, put_hashes);
        }
    }
    if (rc == 0) {
        rc = block_put(block, put, put_hashes);
    }
    (void)sqlite3_finalize(put);
    (void)sqlite3_finalize(put_hashes);
    free(block != NULL ? block->bytes.bytes : NULL);
    free(block);
    return rc;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static int find_newest(struct storage_sqlite *store, int64_t *ret_number)
{
    sqlite3_stmt *find = NULL;
    int rc = store_prepare(store,
        "SELECT first_number + event_count - 1 FROM event_block"
        " ORDER BY first_number DESC LIMIT 1",
        &find);

    if (rc == 0) {
        rc = store_code(sqlite3_step(find));
        *ret_number = sqlite3_column_int64(find, 0); /* 0 when there is none */
    }
    (void)sqlite3_finalize(find);
    return rc;
}

int store_events_import(struct storage_sqlite *store, const struct dataset *dataset,
    struct storage_import_counts *counts)
{
    struct event_laying laying = {.store = store, .dataset = dataset};
    int rc = 0;

    if (dataset->events_count == 0) {
        return 0;
    }
    rc = find_newest(store, &laying.newest_before);
    if (rc == 0) {
        rc = see_stored(&laying);
    }
    if (rc == 0) {
        rc = number_new(&laying, counts);
    }
    if (rc == 0 && laying.new_count > 0) {
        rc = put_blocks(&laying);
    }
    if (rc == 0 && laying.new_count > 0) {
        rc = event_places_put(&laying);
    }
    if (rc == 0 && laying.new_count > 0) {
        rc = event_copies_put(&laying);
    }
    free(laying.heads);
    free(laying.stored);
    free(laying.places);
    return rc;
}
