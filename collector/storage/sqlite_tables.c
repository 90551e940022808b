/*
 * sqlite_tables.c - the imported tables as data, so that binding, comparing, hashing and reading
 * are written once and not twelve times. Names are those of sqlite_schema.c.
 */
#include "collector/storage/sqlite_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COLUMN(row, member, kind)                                                                  \
    {                                                                                              \
#member, kind, offsetof(struct row, member)                                                \
    }

static const struct column period_columns[] = {
    COLUMN(period_row, period_id, COLUMN_TEXT),
    COLUMN(period_row, start_day, COLUMN_I32),
    COLUMN(period_row, end_day, COLUMN_I32),
    COLUMN(period_row, start_utc, COLUMN_I64),
    COLUMN(period_row, end_utc, COLUMN_I64),
    COLUMN(period_row, run1_asof_utc, COLUMN_I64),
    COLUMN(period_row, run2_asof_utc, COLUMN_I64),
};
static const struct column provider_columns[] = {
    COLUMN(provider_row, provider_id, COLUMN_TEXT),
    COLUMN(provider_row, zone, COLUMN_TEXT),
    COLUMN(provider_row, lot, COLUMN_TEXT),
    COLUMN(provider_row, tier, COLUMN_TEXT),
    COLUMN(provider_row, contract_minutes, COLUMN_I64),
};
static const struct column rate_columns[] = {
    COLUMN(rate_row, provider_id, COLUMN_TEXT),
    COLUMN(rate_row, funder, COLUMN_TEXT),
    COLUMN(rate_row, from_day, COLUMN_I32),
    COLUMN(rate_row, to_day, COLUMN_I32),
    COLUMN(rate_row, pence_per_hour, COLUMN_I64),
};
static const struct column person_columns[] = {
    COLUMN(person_row, person_id, COLUMN_TEXT),
    COLUMN(person_row, funder, COLUMN_TEXT),
    COLUMN(person_row, zone, COLUMN_TEXT),
    COLUMN(person_row, provider_id, COLUMN_TEXT),
    COLUMN(person_row, double_handed, COLUMN_BOOL),
};
static const struct column carer_columns[] = {
    COLUMN(carer_row, carer_id, COLUMN_TEXT),
    COLUMN(carer_row, provider_id, COLUMN_TEXT),
};
static const struct column card_columns[] = {
    COLUMN(card_row, card_uid, COLUMN_TEXT),
    COLUMN(card_row, from_utc, COLUMN_I64),
    COLUMN(card_row, carer_id, COLUMN_TEXT),
    COLUMN(card_row, to_utc, COLUMN_I64),
};
static const struct column device_columns[] = {
    COLUMN(device_row, device_id, COLUMN_TEXT),
    COLUMN(device_row, from_utc, COLUMN_I64),
    COLUMN(device_row, person_id, COLUMN_TEXT),
    COLUMN(device_row, to_utc, COLUMN_I64),
};
static const struct column home_tag_columns[] = {
    COLUMN(home_tag_row, tag_uid, COLUMN_TEXT),
    COLUMN(home_tag_row, from_utc, COLUMN_I64),
    COLUMN(home_tag_row, person_id, COLUMN_TEXT),
    COLUMN(home_tag_row, to_utc, COLUMN_I64),
};
static const struct column carried_reader_columns[] = {
    COLUMN(carried_reader_row, device_id, COLUMN_TEXT),
    COLUMN(carried_reader_row, from_utc, COLUMN_I64),
    COLUMN(carried_reader_row, carer_id, COLUMN_TEXT),
    COLUMN(carried_reader_row, to_utc, COLUMN_I64),
};
static const struct column planned_columns[] = {
    COLUMN(planned_row, visit_id, COLUMN_TEXT),
    COLUMN(planned_row, person_id, COLUMN_TEXT),
    COLUMN(planned_row, provider_id, COLUMN_TEXT),
    COLUMN(planned_row, start_utc, COLUMN_I64),
    COLUMN(planned_row, end_utc, COLUMN_I64),
    COLUMN(planned_row, carers_required, COLUMN_I32),
    COLUMN(planned_row, roster_carers, COLUMN_TEXT),
    COLUMN(planned_row, cancel_utc, COLUMN_NEVER),
};
/* Not a table of SQL: see sqlite_events.c. */
static const struct column event_columns[] = {
    COLUMN(event_row, recv_utc, COLUMN_I64),
    COLUMN(event_row, event_id, COLUMN_TEXT),
    COLUMN(event_row, device_id, COLUMN_TEXT),
    COLUMN(event_row, card_uid, COLUMN_TEXT),
    COLUMN(event_row, kind, COLUMN_CHAR),
    COLUMN(event_row, ts_utc, COLUMN_I64),
    COLUMN(event_row, arrival, COLUMN_I32),
};
static const struct column amendment_columns[] = {
    COLUMN(amendment_row, amend_id, COLUMN_TEXT),
    COLUMN(amendment_row, created_utc, COLUMN_I64),
    COLUMN(amendment_row, is_void, COLUMN_BOOL),
    COLUMN(amendment_row, person_id, COLUMN_TEXT),
    COLUMN(amendment_row, carer_id, COLUMN_TEXT),
    COLUMN(amendment_row, kind, COLUMN_CHAR),
    COLUMN(amendment_row, ts_utc, COLUMN_I64),
    COLUMN(amendment_row, event_id, COLUMN_TEXT),
    COLUMN(amendment_row, reason_code, COLUMN_TEXT),
};

#define ADD(singular)                                                                              \
    static int add_##singular(struct dataset *dataset, const void *row)                            \
    {                                                                                              \
        return dataset_add_##singular(dataset, row);                                               \
    }

ADD(period)
ADD(provider)
ADD(rate)
ADD(person)
ADD(carer)
ADD(card)
ADD(device)
ADD(home_tag)
ADD(carried_reader)
ADD(planned)
ADD(event)
ADD(amendment)

#define TABLE(singular, plural, keys)                                                              \
    {                                                                                              \
#singular, singular##_columns,                                                             \
            (int)(sizeof singular##_columns / sizeof singular##_columns[0]), keys,                 \
            sizeof(struct singular##_row), offsetof(struct dataset, plural),                       \
            offsetof(struct dataset, plural##_count), add_##singular                               \
    }

const struct table store_tables[TABLE_COUNT] = {
    [TABLE_PERIOD] = TABLE(period, periods, 1),
    [TABLE_PROVIDER] = TABLE(provider, providers, 1),
    [TABLE_RATE] = TABLE(rate, rates, 3),
    [TABLE_PERSON] = TABLE(person, people, 1),
    [TABLE_CARER] = TABLE(carer, carers, 1),
    [TABLE_CARD] = TABLE(card, cards, 2),
    [TABLE_DEVICE] = TABLE(device, devices, 2),
    [TABLE_HOME_TAG] = TABLE(home_tag, home_tags, 2),
    [TABLE_CARRIED_READER] = TABLE(carried_reader, carried_readers, 2),
    [TABLE_PLANNED] = TABLE(planned, planned, 1),
    [TABLE_EVENT] = TABLE(event, events, 0),
    [TABLE_AMENDMENT] = TABLE(amendment, amendments, 0),
};

const char *table_rows(const struct table *table, const struct dataset *dataset, size_t *ret_count)
{
    const char *rows = NULL;

    /* Copied as bytes: the tables have pointers of different types. */
    (void)memcpy(&rows, (const char *)dataset + table->rows_offset, sizeof rows);
    (void)memcpy(ret_count, (const char *)dataset + table->count_offset, sizeof *ret_count);
    return rows;
}

void table_columns(const struct table *table, int count, const char *suffix, const char *between,
    char ret_sql[static TABLE_SQL_MAX])
{
    size_t used = 0;

    ret_sql[0] = '\0';
    for (int i = 0; i < count; i++) {
        int size = snprintf(ret_sql + used, TABLE_SQL_MAX - used, "%s%s%s", i == 0 ? "" : between,
            table->columns[i].name, suffix);

        assert(size > 0 && (size_t)size < TABLE_SQL_MAX - used);
        used += (size_t)size;
    }
}

/* ---- one value ---------------------------------------------------------------------------- */

struct value {
    bool is_text, is_null;
    const char *text;
    size_t size;
    int64_t number;
};

static struct value value_of(
    const struct column *column, const struct dataset *dataset, const char *row)
{
    const char *place = row + column->offset;
    struct value value = {.is_text = false};
    text_id id = 0;
    int32_t narrow = 0;

    switch (column->kind) {
    case COLUMN_TEXT:
        (void)memcpy(&id, place, sizeof id);
        value.is_text = true;
        value.text = dataset_text(dataset, id);
        value.size = dataset_text_size(dataset, id);
        break;
    case COLUMN_CHAR:
        value.is_text = true;
        value.text = place;
        value.size = *place != '\0' ? 1 : 0;
        break;
    case COLUMN_I32:
        (void)memcpy(&narrow, place, sizeof narrow);
        value.number = narrow;
        break;
    case COLUMN_I64:
        (void)memcpy(&value.number, place, sizeof value.number);
        break;
    case COLUMN_NEVER:
        (void)memcpy(&value.number, place, sizeof value.number);
        value.is_null = value.number == DATASET_NEVER;
        break;
    case COLUMN_BOOL:
        value.number = *(const bool *)place ? 1 : 0;
        break;
    }
    return value;
}

static struct value value_stored(const struct column *column, sqlite3_stmt *statement, int index)
{
    struct value value = {.is_text = false};

    if (column->kind == COLUMN_TEXT || column->kind == COLUMN_CHAR) {
        const unsigned char *text = sqlite3_column_text(statement, index);

        value.is_text = true;
        value.text = text != NULL ? (const char *)text : "";
        value.size = (size_t)sqlite3_column_bytes(statement, index);
        return value;
    }
    value.number = sqlite3_column_int64(statement, index);
    if (column->kind == COLUMN_NEVER && sqlite3_column_type(statement, index) == SQLITE_NULL) {
        value.is_null = true;
        value.number = DATASET_NEVER;
    }
    return value;
}

static int bind_value(sqlite3_stmt *statement, int parameter, const struct value *value)
{
    if (value->is_text) {
        return sqlite3_bind_text(
            statement, parameter, value->text, (int)value->size, SQLITE_STATIC);
    }
    return value->is_null ? sqlite3_bind_null(statement, parameter)
                          : sqlite3_bind_int64(statement, parameter, value->number);
}

static int bind_columns(const struct table *table, int count, int parameter,
    const struct dataset *dataset, const char *row, sqlite3_stmt *statement)
{
    int sqlite_rc = SQLITE_OK;

    for (int i = 0; i < count && sqlite_rc == SQLITE_OK; i++) {
        struct value value = value_of(&table->columns[i], dataset, row);

        sqlite_rc = bind_value(statement, parameter + i, &value);
    }
    return store_code(sqlite_rc);
}

int table_bind(const struct table *table, int count, const struct dataset *dataset, const char *row,
    sqlite3_stmt *statement)
{
    return bind_columns(table, count, 1, dataset, row, statement);
}

int table_bind_at(const struct table *table, int parameter, const struct dataset *dataset,
    const char *row, sqlite3_stmt *statement)
{
    return bind_columns(table, table->column_count, parameter, dataset, row, statement);
}

bool table_equals(const struct table *table, const struct dataset *dataset, const char *row,
    sqlite3_stmt *statement)
{
    for (int i = 0; i < table->column_count; i++) {
        struct value a = value_of(&table->columns[i], dataset, row);
        struct value b = value_stored(&table->columns[i], statement, i);
        bool is_equal =
            a.is_text ? a.size == b.size && (a.size == 0 || memcmp(a.text, b.text, a.size) == 0)
                      : a.number == b.number;

        if (!is_equal) {
            return false;
        }
    }
    return true;
}

/* ---- hashing ------------------------------------------------------------------------------ */

/* Only to find candidates: whoever finds one compares the rows. So speed, and no more. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ (hash >> 29);
}

static uint64_t hash_value(uint64_t hash, const struct value *value)
{
    size_t at = 0;

    if (!value->is_text) {
        return mix(hash, (uint64_t)value->number);
    }
    for (; at + 8 <= value->size; at += 8) {
        uint64_t word = 0;

        (void)memcpy(&word, value->text + at, 8);
        hash = mix(hash, word);
    }
    if (at < value->size) {
        uint64_t word = 0;

        (void)memcpy(&word, value->text + at, value->size - at);
        hash = mix(hash, word);
    }
    return mix(hash, value->size);
}

uint64_t table_hash_row(const struct table *table, const struct dataset *dataset, const char *row)
{
    uint64_t hash = 1;

    for (int i = 0; i < table->column_count; i++) {
        struct value value = value_of(&table->columns[i], dataset, row);

        hash = hash_value(hash, &value);
    }
    return hash;
}

uint64_t table_hash_stored(const struct table *table, sqlite3_stmt *statement)
{
    uint64_t hash = 1;

    for (int i = 0; i < table->column_count; i++) {
        struct value value = value_stored(&table->columns[i], statement, i);

        hash = hash_value(hash, &value);
    }
    return hash;
}

/* ---- reading ------------------------------------------------------------------------------ */

static int read_value(
    const struct column *column, const struct value *value, struct dataset *dataset, char *row)
{
    char *place = row + column->offset;
    text_id id = 0;
    int32_t narrow = 0;
    int rc = 0;

    switch (column->kind) {
    case COLUMN_TEXT:
        rc = dataset_intern(dataset, value->text, value->size, &id);
        (void)memcpy(place, &id, sizeof id);
        break;
    case COLUMN_CHAR:
        *place = '\0';
        if (value->size > 0) {
            *place = value->text[0];
        }
        break;
    case COLUMN_I32:
        narrow = (int32_t)value->number;
        (void)memcpy(place, &narrow, sizeof narrow);
        break;
    case COLUMN_I64:
    case COLUMN_NEVER:
        (void)memcpy(place, &value->number, sizeof value->number);
        break;
    case COLUMN_BOOL:
        *(bool *)place = value->number != 0;
        break;
    }
    return rc;
}

int table_read(const struct table *table, sqlite3_stmt *statement, struct dataset *dataset)
{
    _Alignas(int64_t) char row[ROW_SIZE_MAX] = {0};
    int rc = 0;

    assert(table->row_size <= sizeof row);
    for (int i = 0; i < table->column_count && rc == 0; i++) {
        struct value value = value_stored(&table->columns[i], statement, i);

        rc = read_value(&table->columns[i], &value, dataset, row);
    }
    return rc == 0 ? table->add(dataset, row) : rc;
}
