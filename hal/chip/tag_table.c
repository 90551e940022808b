/*
 * tag_table.c - see tag_table.h.
 */
#include "hal/chip/tag_table.h"

#include <stddef.h>
#include <string.h>

enum { RANDOM_UID_SIZE = 4, RANDOM_UID_FIRST = 0x08 };

bool tag_uid_is_random(const uint8_t *uid, uint8_t uid_size)
{
    return uid_size == RANDOM_UID_SIZE && uid[0] == RANDOM_UID_FIRST;
}

static bool is_here(const struct tag_slot *slot)
{
    return slot->state == TAG_SLOT_NEW || slot->state == TAG_SLOT_PRESENT;
}

/* Within a round a random number stays, so there it is as good as any other. */
static bool has_number(const struct tag_slot *slot, const struct pn532_target *target)
{
    const uint8_t *uid = slot->is_seen ? slot->round_uid : slot->tag.uid;

    return slot->tag.uid_size == target->uid_size &&
           memcmp(uid, target->uid, target->uid_size) == 0;
}

struct tag_slot *tag_table_find(struct tag_table *table, const struct pn532_target *target)
{
    struct tag_slot *random = NULL;

    for (int i = 0; i < TAG_TABLE_MAX; i++) {
        struct tag_slot *slot = &table->slots[i];

        if (!is_here(slot)) {
            continue;
        }
        if (has_number(slot, target)) {
            return slot;
        }
        if (slot->tag.uid_is_random && !slot->is_seen) {
            random = slot;
        }
    }
    return tag_uid_is_random(target->uid, target->uid_size) ? random : NULL;
}

static struct tag_slot *first_in(struct tag_table *table, enum tag_slot_state state)
{
    for (int i = 0; i < TAG_TABLE_MAX; i++) {
        if (table->slots[i].state == state) {
            return &table->slots[i];
        }
    }
    return NULL;
}

struct tag_slot *tag_table_add(
    struct tag_table *table, const struct pn532_target *target, uint64_t at_us)
{
    struct tag_slot *slot = first_in(table, TAG_SLOT_FREE);

    if (slot == NULL) {
        return NULL;
    }
    *slot = (struct tag_slot){.state = TAG_SLOT_NEW, .since_us = at_us};
    slot->tag.uid_size = target->uid_size;
    memcpy(slot->tag.uid, target->uid, target->uid_size);
    slot->tag.uid_is_random = tag_uid_is_random(target->uid, target->uid_size);
    tag_slot_see(slot, target);
    return slot;
}

void tag_slot_see(struct tag_slot *slot, const struct pn532_target *target)
{
    slot->is_seen = true;
    slot->misses = 0;
    memcpy(slot->round_uid, target->uid, target->uid_size);
}

void tag_table_start_round(struct tag_table *table)
{
    for (int i = 0; i < TAG_TABLE_MAX; i++) {
        table->slots[i].is_seen = false;
    }
}

/* One whose coming was not told yet stays until it was: it leaves in a later round. */
static void leave(struct tag_slot *slot)
{
    if (slot->state == TAG_SLOT_PRESENT) {
        slot->state = TAG_SLOT_LEFT;
    }
}

void tag_table_end_round(struct tag_table *table)
{
    for (int i = 0; i < TAG_TABLE_MAX; i++) {
        struct tag_slot *slot = &table->slots[i];

        if (!is_here(slot) || slot->is_seen) {
            continue;
        }
        if (slot->misses < TAG_TABLE_MISSES) {
            slot->misses++;
        }
        if (slot->misses == TAG_TABLE_MISSES) {
            leave(slot);
        }
    }
}

void tag_table_all_left(struct tag_table *table)
{
    for (int i = 0; i < TAG_TABLE_MAX; i++) {
        leave(&table->slots[i]);
    }
}

int tag_table_count(const struct tag_table *table)
{
    int count = 0;

    for (int i = 0; i < TAG_TABLE_MAX; i++) {
        count += is_here(&table->slots[i]);
    }
    return count;
}

int tag_table_unseen(const struct tag_table *table)
{
    int count = 0;

    for (int i = 0; i < TAG_TABLE_MAX; i++) {
        count += is_here(&table->slots[i]) && !table->slots[i].is_seen;
    }
    return count;
}

uint64_t tag_table_youngest_us(const struct tag_table *table)
{
    uint64_t youngest_us = 0;

    for (int i = 0; i < TAG_TABLE_MAX; i++) {
        if (is_here(&table->slots[i]) && table->slots[i].since_us > youngest_us) {
            youngest_us = table->slots[i].since_us;
        }
    }
    return youngest_us;
}

bool tag_table_has_news(const struct tag_table *table)
{
    for (int i = 0; i < TAG_TABLE_MAX; i++) {
        if (table->slots[i].state == TAG_SLOT_NEW || table->slots[i].state == TAG_SLOT_LEFT) {
            return true;
        }
    }
    return false;
}

bool tag_table_take(struct tag_table *table, struct hal_reader_event *ret_event)
{
    /* Goings first: the place they leave may be wanted by who comes. */
    struct tag_slot *slot = first_in(table, TAG_SLOT_LEFT);

    if (slot != NULL) {
        ret_event->kind = HAL_READER_GONE;
        ret_event->tag = slot->tag;
        slot->state = TAG_SLOT_FREE;
        return true;
    }
    slot = first_in(table, TAG_SLOT_NEW);
    if (slot != NULL) {
        ret_event->kind = HAL_READER_TAG;
        ret_event->tag = slot->tag;
        ret_event->detected_us = slot->since_us;
        slot->state = TAG_SLOT_PRESENT;
        return true;
    }
    return false;
}
