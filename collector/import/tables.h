/*
 * tables.h - what the files hold, column by column, as data. Inside import/ only.
 */
#ifndef ECM_COLLECTOR_IMPORT_TABLES_H
#define ECM_COLLECTOR_IMPORT_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/visits/dataset.h"

enum {
    TABLE_COLUMNS_MAX = 10,
    TABLE_ID_SIZE_MAX = 128,
    TABLE_LIST_SIZE_MAX = 2048,
};

/* The greatest instant that may occur: "for ever" in validities, the year 36812. */
#define TABLE_INSTANT_MAX INT64_C(1099511627776)

enum column_type {
    COLUMN_ID,               /* text_id, not empty */
    COLUMN_ID_LISTED,        /* text_id, not empty, without the bar of COLUMN_LIST */
    COLUMN_ID_OPTIONAL,      /* text_id */
    COLUMN_LIST,             /* text_id, "a|b", perhaps empty */
    COLUMN_INSTANT,          /* int64_t, seconds */
    COLUMN_INSTANT_OR_NEVER, /* int64_t, empty: DATASET_NEVER */
    COLUMN_INSTANT_OPTIONAL, /* int64_t, empty: 0 */
    COLUMN_DAY,              /* int32_t, "2021-03-28" */
    COLUMN_COUNT,            /* int64_t, 0 .. max */
    COLUMN_SMALL_COUNT,      /* int32_t, 1 .. max */
    COLUMN_FLAG,             /* bool, 0 or 1 */
    COLUMN_KIND,             /* char, I or O */
    COLUMN_KIND_OPTIONAL,    /* char, I, O or 0 when empty */
    COLUMN_ACTION,           /* bool is_void, ADD or VOID */
};

struct column {
    const char *name;
    enum column_type type;
    size_t offset; /* in the row */
    int64_t max;   /* counts only */
};

/* Room for a row of any table. */
union table_row {
    struct period_row period;
    struct provider_row provider;
    struct rate_row rate;
    struct person_row person;
    struct carer_row carer;
    struct card_row card;
    struct device_row device;
    struct home_tag_row home_tag;
    struct carried_reader_row carried_reader;
    struct planned_row planned;
    struct event_row event;
    struct amendment_row amendment;
};

/* Where a fault is: the column's name, and why. */
struct table_fault {
    const char *column;
    const char *reason;
};

enum table_index {
    TABLE_PERIOD,
    TABLE_PROVIDERS,
    TABLE_RATES,
    TABLE_PEOPLE,
    TABLE_CARERS,
    TABLE_CARDS,
    TABLE_DEVICES,
    TABLE_PLANNED,
    TABLE_EVENTS,
    TABLE_AMENDMENTS,
    TABLE_HOME_TAGS,
    TABLE_CARRIED_READERS,
    TABLE_COUNT
};

struct table {
    const char *file; /* "planned.csv" */
    bool is_optional;
    struct column columns[TABLE_COLUMNS_MAX]; /* ended by a NULL name, or full */
    /* What the columns must be to each other. True when the row is sound. May be NULL. */
    bool (*check)(const union table_row *row, struct table_fault *ret_fault);
    int (*add)(struct dataset *dataset, union table_row *row);
    /* How many rows the dataset has. */
    size_t (*count)(const struct dataset *dataset);
};

/* In the order of section 1. */
extern const struct table tables[TABLE_COUNT];

#endif
