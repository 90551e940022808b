/*
 * dataset.c - see dataset.h.
 *
 * A year of a council is 3.4 M taps, each with a text of its own, so interning is on the
 * hot path: the slots of the hash table keep the hash beside the id, which makes growing
 * a copy and nearly every miss a comparison of two numbers. Texts lie in blocks that
 * never move, and a text costs four bytes besides itself, its size and its slot.
 */
#include "collector/visits/dataset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    BLOCK_SIZE = 1 << DATASET_BLOCK_BITS,
    BLOCKS_MAX = 1 << (32 - DATASET_BLOCK_BITS),
    SLOTS_START = 1024, /* a power of two */
    LARGE_PAGE = 2 * 1024 * 1024,
    ROWS_START = 64,
};

struct text_slot {
    uint32_t hash;
    text_id id; /* 0: free */
};

struct texts {
    struct dataset_texts shown; /* first: the dataset points to it */
    struct text_slot *slots;
    size_t slots_mask;
    size_t capacity; /* of shown.places */
    size_t block_count;
    size_t block_capacity;
    size_t block_used; /* of the newest block */
};

static struct texts *texts_of(const struct dataset *dataset)
{
    return (struct texts *)dataset->texts;
}

/* Room for one more element. Grows by half, so that little of a large table lies idle. */
static int reserve(void **rows, size_t count, size_t *capacity, size_t row_size)
{
    size_t wanted = 0;
    void *grown = NULL;

    if (count < *capacity) {
        return 0;
    }
    wanted = *capacity < ROWS_START ? ROWS_START : *capacity + *capacity / 2;
    if (wanted > SIZE_MAX / row_size) {
        return -ENOMEM;
    }
    grown = realloc(*rows, wanted * row_size);
    if (grown == NULL) {
        return -ENOMEM;
    }
    *rows = grown;
    *capacity = wanted;
    return 0;
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ (hash >> 29);
}

uint32_t dataset_hash(const char *text, size_t size)
{
    uint64_t hash = size;
    uint64_t word = 0;

    for (; size >= sizeof word; text += sizeof word, size -= sizeof word) {
        (void)memcpy(&word, text, sizeof word);
        hash = mix(hash, word);
    }
    word = 0;
    (void)memcpy(&word, text, size);
    hash = mix(hash, word);
    return (uint32_t)(hash ^ (hash >> 32));
}

/* The slot that holds this text, or the free one where it belongs. */
static struct text_slot *find_slot(
    const struct dataset *dataset, const char *text, size_t size, uint32_t hash)
{
    const struct texts *texts = texts_of(dataset);
    size_t at = hash & texts->slots_mask;

    for (;; at = (at + 1) & texts->slots_mask) {
        struct text_slot *slot = &texts->slots[at];

        if (slot->id == 0) {
            return slot;
        }
        if (slot->hash == hash && dataset_text_size(dataset, slot->id) == size &&
            memcmp(dataset_text(dataset, slot->id), text, size) == 0) {
            return slot;
        }
    }
}

/* count free slots. Hit anywhere, a large table wants large pages; without them it is only slower. */
static struct text_slot *new_slots(size_t count)
{
    size_t size = count * sizeof(struct text_slot);
    struct text_slot *slots = NULL;

    if (size < LARGE_PAGE) {
        return calloc(count, sizeof *slots);
    }
    slots = aligned_alloc(LARGE_PAGE, size); /* count is a power of two */
    if (slots != NULL) {
        (void)madvise(slots, size, MADV_HUGEPAGE);
        (void)memset(slots, 0, size);
    }
    return slots;
}

static int grow_slots(struct texts *texts, size_t count)
{
    struct text_slot *slots = new_slots(count);

    if (slots == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i <= texts->slots_mask; i++) {
        size_t at = texts->slots[i].hash & (count - 1);

        if (texts->slots[i].id == 0) {
            continue;
        }
        while (slots[at].id != 0) {
            at = (at + 1) & (count - 1);
        }
        slots[at] = texts->slots[i];
    }
    free(texts->slots);
    texts->slots = slots;
    texts->slots_mask = count - 1;
    return 0;
}

static int new_block(struct texts *texts)
{
    char *block = NULL;

    if (texts->block_count == BLOCKS_MAX ||
        reserve((void **)&texts->shown.blocks, texts->block_count, &texts->block_capacity,
            sizeof *texts->shown.blocks) < 0) {
        return -ENOMEM;
    }
    block = malloc(BLOCK_SIZE);
    if (block == NULL) {
        return -ENOMEM;
    }
    texts->shown.blocks[texts->block_count++] = block;
    texts->block_used = 0;
    return 0;
}

/* Copy text to the newest block, or a new one. */
static int keep_text(struct texts *texts, const char *text, size_t size, uint32_t *ret_place)
{
    uint16_t head = (uint16_t)size;
    size_t needed = DATASET_TEXT_HEAD + size + 1;
    char *kept = NULL;

    if ((texts->block_count == 0 || BLOCK_SIZE - texts->block_used < needed) &&
        new_block(texts) < 0) {
        return -ENOMEM;
    }
    kept = texts->shown.blocks[texts->block_count - 1] + texts->block_used;
    (void)memcpy(kept, &head, sizeof head);
    (void)memcpy(kept + DATASET_TEXT_HEAD, text, size);
    kept[DATASET_TEXT_HEAD + size] = '\0';
    *ret_place = (uint32_t)((texts->block_count - 1) << DATASET_BLOCK_BITS | texts->block_used);
    texts->block_used += needed;
    return 0;
}

static int add_text(struct texts *texts, const char *text, size_t size)
{
    uint32_t place = 0;

    if (texts->shown.count >= UINT32_MAX || size > DATASET_TEXT_SIZE_MAX ||
        reserve((void **)&texts->shown.places, texts->shown.count, &texts->capacity,
            sizeof *texts->shown.places) < 0 ||
        keep_text(texts, text, size, &place) < 0) {
        return -ENOMEM;
    }
    texts->shown.places[texts->shown.count++] = place;
    return 0;
}

static void texts_free(struct texts *texts)
{
    if (texts == NULL) {
        return;
    }
    for (size_t i = 0; i < texts->block_count; i++) {
        free(texts->shown.blocks[i]);
    }
    free(texts->shown.blocks);
    free(texts->shown.places);
    free(texts->slots);
    free(texts);
}

int dataset_init(struct dataset *dataset)
{
    struct texts *texts = calloc(1, sizeof *texts);

    if (texts == NULL) {
        return -ENOMEM;
    }
    texts->slots = calloc(SLOTS_START, sizeof *texts->slots);
    texts->slots_mask = SLOTS_START - 1;
    if (texts->slots == NULL || add_text(texts, "", 0) < 0) {
        texts_free(texts);
        return -ENOMEM;
    }
    *dataset = (struct dataset){.texts = &texts->shown};
    return 0;
}

void dataset_done(struct dataset *dataset)
{
    texts_free(texts_of(dataset));
    free(dataset->periods);
    free(dataset->providers);
    free(dataset->rates);
    free(dataset->people);
    free(dataset->carers);
    free(dataset->cards);
    free(dataset->devices);
    free(dataset->home_tags);
    free(dataset->carried_readers);
    free(dataset->planned);
    free(dataset->events);
    free(dataset->unplaced);
    free(dataset->amendments);
    *dataset = (struct dataset){0};
}

int dataset_expect(struct dataset *dataset, size_t texts)
{
    struct texts *all = texts_of(dataset);
    size_t slots = all->slots_mask + 1;

    while (slots / 4 * 3 < texts) {
        slots *= 2;
    }
    return slots > all->slots_mask + 1 ? grow_slots(all, slots) : 0;
}

void dataset_announce(const struct dataset *dataset, uint32_t hash)
{
    const struct texts *texts = texts_of(dataset);

    __builtin_prefetch(&texts->slots[hash & texts->slots_mask], 1);
}

int dataset_intern_piece(
    struct dataset *dataset, const struct dataset_piece *piece, text_id *ret_id)
{
    struct texts *texts = texts_of(dataset);
    struct text_slot *slot = NULL;

    if (piece->size == 0) {
        *ret_id = 0;
        return 0;
    }
    if (texts->shown.count > texts->slots_mask / 4 * 3 &&
        grow_slots(texts, (texts->slots_mask + 1) * 2) < 0) {
        return -ENOMEM;
    }
    slot = find_slot(dataset, piece->text, piece->size, piece->hash);
    if (slot->id == 0) {
        if (add_text(texts, piece->text, piece->size) < 0) {
            return -ENOMEM;
        }
        *slot = (struct text_slot){.hash = piece->hash, .id = (text_id)(texts->shown.count - 1)};
    }
    *ret_id = slot->id;
    return 0;
}

int dataset_intern(struct dataset *dataset, const char *text, size_t size, text_id *ret_id)
{
    const struct dataset_piece piece = {
        .text = text, .size = (uint32_t)size, .hash = dataset_hash(text, size)};

    return size > DATASET_TEXT_SIZE_MAX ? -ENOMEM : dataset_intern_piece(dataset, &piece, ret_id);
}

text_id dataset_find(const struct dataset *dataset, const char *text, size_t size)
{
    return size == 0 ? 0 : find_slot(dataset, text, size, dataset_hash(text, size))->id;
}

int dataset_compare(const struct dataset *dataset, text_id a, text_id b)
{
    size_t a_size = 0;
    size_t b_size = 0;
    int order = 0;

    if (a == b) {
        return 0;
    }
    a_size = dataset_text_size(dataset, a);
    b_size = dataset_text_size(dataset, b);
    order = memcmp(
        dataset_text(dataset, a), dataset_text(dataset, b), a_size < b_size ? a_size : b_size);
    if (order != 0) {
        return order;
    }
    return a_size < b_size ? -1 : 1;
}

/* One function a table: the same three lines, which C cannot share without giving up
 * types. */
#define DEFINE_ADD(name, row_type, table)                                                          \
    int dataset_add_##name(struct dataset *dataset, const struct row_type *row)                    \
    {                                                                                              \
        if (reserve((void **)&dataset->table, dataset->table##_count, &dataset->table##_capacity,  \
                sizeof *row) < 0) {                                                                \
            return -ENOMEM;                                                                        \
        }                                                                                          \
        dataset->table[dataset->table##_count++] = *row;                                           \
        return 0;                                                                                  \
    }

DEFINE_ADD(period, period_row, periods)
DEFINE_ADD(provider, provider_row, providers)
DEFINE_ADD(rate, rate_row, rates)
DEFINE_ADD(person, person_row, people)
DEFINE_ADD(carer, carer_row, carers)
DEFINE_ADD(card, card_row, cards)
DEFINE_ADD(device, device_row, devices)
DEFINE_ADD(home_tag, home_tag_row, home_tags)
DEFINE_ADD(carried_reader, carried_reader_row, carried_readers)
DEFINE_ADD(planned, planned_row, planned)
DEFINE_ADD(event, event_row, events)
DEFINE_ADD(unplaced, unplaced_row, unplaced)
DEFINE_ADD(amendment, amendment_row, amendments)
