/*
 * tag_table.h - which tags lie on a reader, and which of their comings and goings were told.
 *
 * A reader looks in rounds: in each it finds some of the tags, and a tag that three rounds did not
 * find has left. A coming is told before the going of the same tag, always: a tag that was found
 * is a tap, however short it was there.
 *
 * A tag with a random number shows another one in every round. While it lies there, a random
 * number that no other tag has in this round is taken for it.
 *
 * Ownership: the struct is the caller's. Nothing is allocated.
 * Limits:    TAG_TABLE_MAX tags at once.
 */
#ifndef ECM_HAL_CHIP_TAG_TABLE_H
#define ECM_HAL_CHIP_TAG_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "hal/chip/pn532.h"
#include "hal/reader.h"

enum { TAG_TABLE_MAX = 4, TAG_TABLE_MISSES = 3 };

enum tag_slot_state {
    TAG_SLOT_FREE,
    TAG_SLOT_NEW,     /* it is here; that is still to be told */
    TAG_SLOT_PRESENT, /* it is here, and that was told */
    TAG_SLOT_LEFT,    /* it has left; that is still to be told */
};

struct tag_slot {
    enum tag_slot_state state;
    bool is_seen; /* in this round */
    uint8_t misses;
    uint8_t round_uid[PN532_UID_MAX]; /* the number it shows in this round */
    uint64_t since_us;
    struct hal_tag tag;
};

struct tag_table {
    struct tag_slot slots[TAG_TABLE_MAX]; /* zeros: nobody is here */
};

/* Whether this is a number that changes with every touch (ISO/IEC 14443-3). */
bool tag_uid_is_random(const uint8_t *uid, uint8_t uid_size);

/* The tag that was found, NULL when it is a new one. */
struct tag_slot *tag_table_find(struct tag_table *table, const struct pn532_target *target);

/*
 * Add a tag that was found, seen in this round. The caller completes its tag. NULL when the table
 * is full.
 */
struct tag_slot *tag_table_add(
    struct tag_table *table, const struct pn532_target *target, uint64_t at_us);

/* It was found in this round. */
void tag_slot_see(struct tag_slot *slot, const struct pn532_target *target);

/* A new round: nobody was seen in it yet. */
void tag_table_start_round(struct tag_table *table);

/* The round is over: who was not seen has a miss, and has left after TAG_TABLE_MISSES. */
void tag_table_end_round(struct tag_table *table);

/* Nobody knows what happened meanwhile: everybody has left. */
void tag_table_all_left(struct tag_table *table);

/* How many tags are here; how many of them this round has not seen. */
int tag_table_count(const struct tag_table *table);
int tag_table_unseen(const struct tag_table *table);

/* Since when the youngest is here. 0 when nobody is. */
uint64_t tag_table_youngest_us(const struct tag_table *table);

/* Whether tag_table_take() has something to tell. */
bool tag_table_has_news(const struct tag_table *table);

/* Fill in the next TAG or GONE to be told. False when there is none. */
bool tag_table_take(struct tag_table *table, struct hal_reader_event *ret_event);

#endif
