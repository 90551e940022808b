/*
 * dataset.c - see dataset.h.
 *
 * A year of a council is 3.4 M taps, each with a text of its own, so interning is on the
 * hot path: the slots of the hash table keep the hash beside the id, which makes growing
 * a copy and nearly every miss a comparison of two numbers. Texts lie in blocks that
 * never move.
 */
#include "collector/visits/dataset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_SIZE = 256 * 1024,
    SLOTS_START = 1024, /* a power of two */
    ROWS_START = 64,
};

struct text_slot {
    uint32_t hash;
    text_id id; /* 0: free */
};

struct texts {
    struct text_slot *slots;
    size_t slots_mask;
    const char **starts; /* by id */
    uint32_t *sizes;     /* by id */
    size_t count;
    size_t capacity;
    char **blocks;
    size_t block_count;
    size_t block_capacity;
    size_t block_left; /* of the newest block */
    char *block_next;
};

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

static uint32_t hash_of(const char *text, size_t size)
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
    const struct texts *texts, const char *text, size_t size, uint32_t hash)
{
    size_t at = hash & texts->slots_mask;

    for (;; at = (at + 1) & texts->slots_mask) {
        struct text_slot *slot = &texts->slots[at];

        if (slot->id == 0) {
            return slot;
        }
        if (slot->hash == hash && texts->sizes[slot->id] == size &&
            memcmp(texts->starts[slot->id], text, size) == 0) {
            return slot;
        }
    }
}

static int grow_slots(struct texts *texts)
{
    size_t count = (texts->slots_mask + 1) * 2;
    struct text_slot *slots = calloc(count, sizeof *slots);

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

static int new_block(struct texts *texts, size_t size)
{
    char *block = NULL;

    if (reserve((void **)&texts->blocks, texts->block_count, &texts->block_capacity,
            sizeof *texts->blocks) < 0) {
        return -ENOMEM;
    }
    block = malloc(size);
    if (block == NULL) {
        return -ENOMEM;
    }
    texts->blocks[texts->block_count++] = block;
    texts->block_next = block;
    texts->block_left = size;
    return 0;
}

static const char *keep_text(struct texts *texts, const char *text, size_t size)
{
    char *kept = NULL;

    if (texts->block_left < size + 1 &&
        new_block(texts, size + 1 > BLOCK_SIZE ? size + 1 : BLOCK_SIZE) < 0) {
        return NULL;
    }
    kept = texts->block_next;
    (void)memcpy(kept, text, size);
    kept[size] = '\0';
    texts->block_next += size + 1;
    texts->block_left -= size + 1;
    return kept;
}

/* The two columns by id grow together: capacity counts for both. */
static int reserve_id(struct texts *texts)
{
    size_t starts_capacity = texts->capacity;
    size_t sizes_capacity = texts->capacity;

    if (reserve((void **)&texts->starts, texts->count, &starts_capacity, sizeof *texts->starts) <
            0 ||
        reserve((void **)&texts->sizes, texts->count, &sizes_capacity, sizeof *texts->sizes) < 0) {
        return -ENOMEM; /* capacity stays the lesser one */
    }
    texts->capacity = sizes_capacity;
    return 0;
}

static int add_text(struct texts *texts, const char *text, size_t size, uint32_t hash)
{
    const char *kept = NULL;

    if (texts->count >= UINT32_MAX || size >= UINT32_MAX || reserve_id(texts) < 0) {
        return -ENOMEM;
    }
    kept = keep_text(texts, text, size);
    if (kept == NULL) {
        return -ENOMEM;
    }
    texts->starts[texts->count] = kept;
    texts->sizes[texts->count] = (uint32_t)size;
    texts->count++;
    if (size > 0) {
        *find_slot(texts, text, size, hash) =
            (struct text_slot){.hash = hash, .id = (text_id)(texts->count - 1)};
    }
    return 0;
}

static void texts_free(struct texts *texts)
{
    if (texts == NULL) {
        return;
    }
    for (size_t i = 0; i < texts->block_count; i++) {
        free(texts->blocks[i]);
    }
    free(texts->blocks);
    free(texts->slots);
    free(texts->starts);
    free(texts->sizes);
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
    if (texts->slots == NULL || add_text(texts, "", 0, 0) < 0) {
        texts_free(texts);
        return -ENOMEM;
    }
    *dataset = (struct dataset){.texts = texts};
    return 0;
}

void dataset_done(struct dataset *dataset)
{
    texts_free(dataset->texts);
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

int dataset_intern(struct dataset *dataset, const char *text, size_t size, text_id *ret_id)
{
    struct texts *texts = dataset->texts;
    uint32_t hash = 0;
    const struct text_slot *slot = NULL;

    if (size == 0) {
        *ret_id = 0;
        return 0;
    }
    hash = hash_of(text, size);
    slot = find_slot(texts, text, size, hash);
    if (slot->id != 0) {
        *ret_id = slot->id;
        return 0;
    }
    if (texts->count > texts->slots_mask / 4 * 3 && grow_slots(texts) < 0) {
        return -ENOMEM;
    }
    if (add_text(texts, text, size, hash) < 0) {
        return -ENOMEM;
    }
    *ret_id = (text_id)(texts->count - 1);
    return 0;
}

text_id dataset_find(const struct dataset *dataset, const char *text, size_t size)
{
    return size == 0 ? 0 : find_slot(dataset->texts, text, size, hash_of(text, size))->id;
}

const char *dataset_text(const struct dataset *dataset, text_id id)
{
    return dataset->texts->starts[id];
}

size_t dataset_text_size(const struct dataset *dataset, text_id id)
{
    return dataset->texts->sizes[id];
}

size_t dataset_text_count(const struct dataset *dataset)
{
    return dataset->texts->count;
}

int dataset_compare(const struct dataset *dataset, text_id a, text_id b)
{
    const struct texts *texts = dataset->texts;
    size_t a_size = texts->sizes[a];
    size_t b_size = texts->sizes[b];
    int order = 0;

    if (a == b) {
        return 0;
    }
    order = memcmp(texts->starts[a], texts->starts[b], a_size < b_size ? a_size : b_size);
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
