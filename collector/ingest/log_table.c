/*
 * log_table.c - see log_table.h. Open addressing over pointers, at most half full.
 *
 * The hash is of the device alone, so that all its logs (one, as a rule) lie in one run of slots.
 */
#include "collector/ingest/log_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 256 };

static size_t hash_of(const char *device_id)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (; *device_id != '\0'; device_id++) {
        hash = (hash ^ (unsigned char)*device_id) * UINT64_C(1099511628211);
    }
    return (size_t)(hash ^ (hash >> 32));
}

struct log_entry *log_table_find(
    const struct log_table *table, const char *device_id, uint64_t epoch)
{
    size_t at = 0;

    if (table->capacity == 0) {
        return NULL;
    }
    at = hash_of(device_id) & (table->capacity - 1);
    while (table->slots[at] != NULL) {
        const struct storage_log *log = &table->slots[at]->log;

        if (log->epoch == epoch && strcmp(log->device_id, device_id) == 0) {
            return table->slots[at];
        }
        at = (at + 1) & (table->capacity - 1);
    }
    return NULL;
}

static void place(struct log_entry **slots, size_t capacity, struct log_entry *entry)
{
    size_t at = hash_of(entry->log.device_id) & (capacity - 1);

    while (slots[at] != NULL) {
        at = (at + 1) & (capacity - 1);
    }
    slots[at] = entry;
}

static bool grow(struct log_table *table)
{
    size_t capacity = table->capacity == 0 ? FIRST_CAPACITY : 2 * table->capacity;
    struct log_entry **slots = calloc(capacity, sizeof(struct log_entry *));

    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < table->capacity; i++) {
        if (table->slots[i] != NULL) {
            place(slots, capacity, table->slots[i]);
        }
    }
    free(table->slots);
    table->slots = slots;
    table->capacity = capacity;
    return true;
}

struct log_entry *log_table_add(struct log_table *table, const struct storage_log *log)
{
    struct log_entry *entry = NULL;

    if (2 * table->count >= table->capacity && !grow(table)) {
        return NULL;
    }
    entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        return NULL;
    }
    entry->log = *log;
    place(table->slots, table->capacity, entry);
    table->count++;
    return entry;
}

/* The next log of the device from slot *at on, or NULL; *at is then behind it. */
static struct log_entry *next_of(const struct log_table *table, const char *device_id, size_t *at)
{
    while (table->slots[*at] != NULL) {
        struct log_entry *entry = table->slots[*at];

        *at = (*at + 1) & (table->capacity - 1);
        if (strcmp(entry->log.device_id, device_id) == 0) {
            return entry;
        }
    }
    return NULL;
}

const struct log_entry *log_table_key_of(const struct log_table *table, const char *device_id)
{
    const struct log_entry *oldest = NULL;
    const struct log_entry *entry = NULL;
    size_t at = table->capacity == 0 ? 0 : hash_of(device_id) & (table->capacity - 1);

    while (table->capacity > 0 && (entry = next_of(table, device_id, &at)) != NULL) {
        if (entry->log.has_public_key &&
            (oldest == NULL || entry->log.log_id < oldest->log.log_id)) {
            oldest = entry;
        }
    }
    return oldest;
}

bool log_table_greeted_since(const struct log_table *table, const struct log_entry *entry)
{
    const struct log_entry *other = NULL;
    size_t at = hash_of(entry->log.device_id) & (table->capacity - 1);

    while ((other = next_of(table, entry->log.device_id, &at)) != NULL) {
        if (other->greeted > entry->greeted) {
            return true;
        }
    }
    return false;
}

bool log_table_is_newest(const struct log_table *table, const struct log_entry *entry)
{
    const struct log_entry *other = NULL;
    size_t at = hash_of(entry->log.device_id) & (table->capacity - 1);

    while ((other = next_of(table, entry->log.device_id, &at)) != NULL) {
        if (other->is_in_store && other->log.log_id > entry->log.log_id) {
            return false;
        }
    }
    return entry->is_in_store;
}

bool log_table_is_direct(const struct log_table *table, const char *device_id)
{
    const struct log_entry *entry = NULL;
    size_t at = table->capacity == 0 ? 0 : hash_of(device_id) & (table->capacity - 1);

    while (table->capacity > 0 && (entry = next_of(table, device_id, &at)) != NULL) {
        if (entry->is_direct) {
            return true;
        }
    }
    return false;
}

void log_entry_add_gateway(struct log_entry *entry, const char *gateway_id)
{
    for (size_t i = 0; i < GATEWAYS_MAX; i++) {
        if (strcmp(entry->gateways[i], gateway_id) == 0) {
            return;
        }
    }
    (void)snprintf(
        entry->gateways[entry->gateway_turn], sizeof entry->gateways[0], "%s", gateway_id);
    entry->gateway_turn = (entry->gateway_turn + 1) % GATEWAYS_MAX;
}

void log_table_done(struct log_table *table)
{
    for (size_t i = 0; i < table->capacity; i++) {
        free(table->slots[i]);
    }
    free(table->slots);
    *table = (struct log_table){.count = 0};
}
