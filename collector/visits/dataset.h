/*
 * dataset.h - everything a reconciliation sees, as plain tables (docs/RECONCILIATION.md section 1).
 *
 * Whoever fills a dataset (import from files, load from storage) has checked it; visits/ and pay/
 * only read it. Text is interned: equal text has equal ids, 0 is the empty text. Ids of text mean
 * nothing outside their dataset and are in no order; order by dataset_compare().
 *
 * All instants are Unix seconds UTC; local dates are days since 1970-01-01.
 *
 * Limits:    a text has at most DATASET_TEXT_SIZE_MAX bytes, all texts together less than 4 GiB.
 * Ownership: dataset_done() frees all. Tables grow by dataset_add_*(), rows are copied in.
 * Threads:   none of its own; a dataset that nobody writes may be read by many.
 */
#ifndef ECM_COLLECTOR_VISITS_DATASET_H
#define ECM_COLLECTOR_VISITS_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { DATASET_TEXT_SIZE_MAX = 65535 };

typedef uint32_t text_id; /* of this dataset; see dataset_text() */

struct period_row {
    text_id period_id;
    int32_t start_day, end_day; /* local dates, end exclusive */
    int64_t start_utc, end_utc;
    int64_t run1_asof_utc, run2_asof_utc;
};
struct provider_row {
    text_id provider_id, zone, lot, tier;
    int64_t contract_minutes;
};
struct rate_row {
    text_id provider_id, funder;
    int32_t from_day, to_day; /* local dates, [from, to) */
    int64_t pence_per_hour;
};
struct person_row {
    text_id person_id, funder, zone, provider_id;
    bool double_handed;
};
struct carer_row {
    text_id carer_id, provider_id;
};
struct card_row {
    text_id card_uid, carer_id;
    int64_t from_utc, to_utc;
};
struct device_row {
    text_id device_id, person_id;
    int64_t from_utc, to_utc;
};
struct home_tag_row {
    text_id tag_uid, person_id;
    int64_t from_utc, to_utc;
};
struct carried_reader_row {
    text_id device_id, carer_id;
    int64_t from_utc, to_utc;
};
struct planned_row {
    text_id visit_id, person_id, provider_id;
    int64_t start_utc, end_utc;
    int32_t carers_required;
    text_id roster_carers;   /* "a|b" as in the file */
    int64_t cancel_utc;      /* DATASET_NEVER: not cancelled */
    uint32_t released_slots; /* bit n - 1: a person released slot n (corrections only, no file) */
};
struct event_row {
    int64_t recv_utc;
    text_id event_id, device_id, card_uid;
    char kind;              /* 'I' or 'O' */
    uint8_t evidence;       /* EVENT_*; rows of files have none */
    uint16_t uncertainty_s; /* with EVENT_CLOCK_SUSPECT: how far ts_utc may be off */
    int64_t ts_utc;
    uint32_t arrival; /* position in order of arrival, for E2 */
};
enum {
    EVENT_CLOCK_SUSPECT = 1,  /* the clock was not synced; ts_utc is derived, or the RTC's */
    EVENT_TAG_UNVERIFIED = 2, /* nothing proves that the tag is not a copy */
};
struct amendment_row {
    text_id amend_id;
    int64_t created_utc;
    bool is_void; /* VOID, else ADD */
    text_id person_id, carer_id;
    char kind; /* ADD: 'I' or 'O' */
    int64_t ts_utc;
    text_id event_id; /* VOID */
    text_id reason_code;
};

/* A tap whose time is unknown: an exception (TIME_UNKNOWN) for a person, never a guess. */
struct unplaced_row {
    int64_t recv_utc;
    text_id event_id, device_id, card_uid;
    text_id between; /* "FROM/TO", what is known of it all the same (ISO 8601); 0: nothing */
    char kind;       /* 'I' or 'O' */
};

#define DATASET_NEVER INT64_MAX

#define DATASET_TABLE(row, name)                                                                   \
    struct row *name;                                                                              \
    size_t name##_count;                                                                           \
    size_t name##_capacity

/*
 * Where the texts lie, for the accessors below: in blocks of 1 << DATASET_BLOCK_BITS bytes that never
 * move, each text as its size in two bytes, itself and a zero byte.
 */
enum { DATASET_BLOCK_BITS = 18, DATASET_TEXT_HEAD = 2 };
struct dataset_texts {
    char **blocks;
    uint32_t *places; /* by id: the number of the block and the place in it */
    size_t count;
};

struct dataset {
    struct dataset_texts *texts;
    DATASET_TABLE(period_row, periods);
    DATASET_TABLE(provider_row, providers);
    DATASET_TABLE(rate_row, rates);
    DATASET_TABLE(person_row, people);
    DATASET_TABLE(carer_row, carers);
    DATASET_TABLE(card_row, cards);
    DATASET_TABLE(device_row, devices);
    DATASET_TABLE(home_tag_row, home_tags);
    DATASET_TABLE(carried_reader_row, carried_readers);
    DATASET_TABLE(planned_row, planned);
    DATASET_TABLE(event_row, events);
    DATASET_TABLE(amendment_row, amendments);
    DATASET_TABLE(unplaced_row, unplaced); /* from storage only, no file has it */
};

#undef DATASET_TABLE

/* 0 or -ENOMEM. */
int dataset_init(struct dataset *dataset);
void dataset_done(struct dataset *dataset);

/* Intern size bytes of text (no zero byte among them). 0; -ENOMEM, also beyond the limits. */
int dataset_intern(struct dataset *dataset, const char *text, size_t size, text_id *ret_id);

/* The id of a text that was interned, 0 when it was not (or is empty). */
text_id dataset_find(const struct dataset *dataset, const char *text, size_t size);

/*
 * For texts by the million, which are searched for in a table larger than any cache: hash them
 * (anywhere, dataset_hash() needs no dataset), announce them some texts ahead, then intern.
 */
struct dataset_piece {
    const char *text;
    uint32_t size;
    uint32_t hash; /* dataset_hash() of it */
};
uint32_t dataset_hash(const char *text, size_t size);
void dataset_announce(const struct dataset *dataset, uint32_t hash);
int dataset_intern_piece(
    struct dataset *dataset, const struct dataset_piece *piece, text_id *ret_id);

/* Make room for about that many texts at once. 0 or -ENOMEM. */
int dataset_expect(struct dataset *dataset, size_t texts);

static inline const char *dataset_text_head(const struct dataset *dataset, text_id id)
{
    uint32_t at = dataset->texts->places[id];

    return dataset->texts->blocks[at >> DATASET_BLOCK_BITS] +
           (at & ((1u << DATASET_BLOCK_BITS) - 1));
}

/* The text of id, ended by a zero byte. Never NULL. Lives as long as the dataset. */
static inline const char *dataset_text(const struct dataset *dataset, text_id id)
{
    return dataset_text_head(dataset, id) + DATASET_TEXT_HEAD;
}

/* Its size without the zero byte. */
static inline size_t dataset_text_size(const struct dataset *dataset, text_id id)
{
    uint16_t size = 0;

    (void)memcpy(&size, dataset_text_head(dataset, id), sizeof size);
    return size;
}

/* Every id is below this. At least 1. */
static inline size_t dataset_text_count(const struct dataset *dataset)
{
    return dataset->texts->count;
}

/*
 * For walks over rows whose texts lie anywhere: announce the text of a row some rows ahead; twice as
 * far ahead, with dataset_announce_place(), where it lies. Any id below dataset_text_count().
 */
static inline void dataset_announce_place(const struct dataset *dataset, text_id id)
{
    __builtin_prefetch(&dataset->texts->places[id]);
}

static inline void dataset_announce_text(const struct dataset *dataset, text_id id)
{
    __builtin_prefetch(dataset_text_head(dataset, id));
}

/* Ids compared as raw bytes of their text: <0, 0, >0. */
int dataset_compare(const struct dataset *dataset, text_id a, text_id b);

/* Add one row. 0 or -ENOMEM. */
int dataset_add_period(struct dataset *dataset, const struct period_row *row);
int dataset_add_provider(struct dataset *dataset, const struct provider_row *row);
int dataset_add_rate(struct dataset *dataset, const struct rate_row *row);
int dataset_add_person(struct dataset *dataset, const struct person_row *row);
int dataset_add_carer(struct dataset *dataset, const struct carer_row *row);
int dataset_add_card(struct dataset *dataset, const struct card_row *row);
int dataset_add_device(struct dataset *dataset, const struct device_row *row);
int dataset_add_home_tag(struct dataset *dataset, const struct home_tag_row *row);
int dataset_add_carried_reader(struct dataset *dataset, const struct carried_reader_row *row);
int dataset_add_planned(struct dataset *dataset, const struct planned_row *row);
int dataset_add_event(struct dataset *dataset, const struct event_row *row);
int dataset_add_amendment(struct dataset *dataset, const struct amendment_row *row);
int dataset_add_unplaced(struct dataset *dataset, const struct unplaced_row *row);

#endif
