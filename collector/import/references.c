/* references.c - see references.h. */
#include "collector/import/references.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

struct checking {
    const struct dataset *dataset;
    const struct import_file *files;
    struct err *err;
    uint32_t *rows; /* scratch by text id: 1 + the row that has it, 0 for none */
};

static int refuse(const struct checking *checking, enum table_index table, size_t row,
    const char *column, text_id id, const char *reason)
{
    return err_set(checking->err, ECM_EFORMAT, "%s:%u: %s: %s %s", tables[table].file,
        checking->files[table].lines[row], column, dataset_text(checking->dataset, id), reason);
}

/* The text id in a row; every table's rows begin with the table pointer and have their size. */
static text_id id_at(const void *rows, size_t row_size, size_t row, size_t offset)
{
    text_id id = 0;

    (void)memcpy(&id, (const char *)rows + row * row_size + offset, sizeof id);
    return id;
}

/* One column of one table, for walking over it. */
struct walk {
    enum table_index table;
    const char *column;
    const void *rows;
    size_t row_size;
    size_t count;
    size_t offset;
};

#define WALK(index, column_name, row_type, table_name, member)                                     \
    (struct walk)                                                                                  \
    {                                                                                              \
        index, column_name, dataset->table_name, sizeof(struct row_type),                          \
            dataset->table_name##_count, offsetof(struct row_type, member)                         \
    }

/* Note every id of the column in rows. Refused when one occurs twice and must not. */
static int note_keys(struct checking *checking, const struct walk *walk, bool must_be_unique)
{
    (void)memset(checking->rows, 0, dataset_text_count(checking->dataset) * sizeof *checking->rows);
    for (size_t i = 0; i < walk->count; i++) {
        text_id id = id_at(walk->rows, walk->row_size, i, walk->offset);

        if (must_be_unique && checking->rows[id] != 0) {
            return err_set(checking->err, ECM_EFORMAT, "%s:%u: %s: %s is already on line %u",
                tables[walk->table].file, checking->files[walk->table].lines[i], walk->column,
                dataset_text(checking->dataset, id),
                checking->files[walk->table].lines[checking->rows[id] - 1]);
        }
        checking->rows[id] = (uint32_t)(i + 1);
    }
    return 0;
}

/* Every id of the column must have been noted; 0 passes, other columns see to that. */
static int check_known(struct checking *checking, const struct walk *walk, const char *reason)
{
    for (size_t i = 0; i < walk->count; i++) {
        text_id id = id_at(walk->rows, walk->row_size, i, walk->offset);

        if (id != 0 && checking->rows[id] == 0) {
            return refuse(checking, walk->table, i, walk->column, id, reason);
        }
    }
    return 0;
}

static int check_walks(
    struct checking *checking, const struct walk *walks, size_t count, const char *reason)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = check_known(checking, &walks[i], reason);
    }
    return rc;
}

/* Each name of the lists "a|b" in planned.csv. */
static int check_rosters(struct checking *checking)
{
    const struct dataset *dataset = checking->dataset;

    for (size_t i = 0; i < dataset->planned_count; i++) {
        const char *at = dataset_text(dataset, dataset->planned[i].roster_carers);

        while (*at != '\0') {
            const char *end = strchrnul(at, '|');
            text_id id = dataset_find(dataset, at, (size_t)(end - at));

            if (id == 0 || checking->rows[id] == 0) {
                return refuse(checking, TABLE_PLANNED, i, "roster_carers",
                    dataset->planned[i].roster_carers, "names a carer not in carers.csv");
            }
            at = *end == '|' ? end + 1 : end;
        }
    }
    return 0;
}

static int check_providers(struct checking *checking)
{
    const struct dataset *dataset = checking->dataset;
    const struct walk keys =
        WALK(TABLE_PROVIDERS, "provider_id", provider_row, providers, provider_id);
    const struct walk users[] = {
        WALK(TABLE_RATES, "provider_id", rate_row, rates, provider_id),
        WALK(TABLE_PEOPLE, "provider_id", person_row, people, provider_id),
        WALK(TABLE_CARERS, "provider_id", carer_row, carers, provider_id),
        WALK(TABLE_PLANNED, "provider_id", planned_row, planned, provider_id),
    };
    int rc = note_keys(checking, &keys, true);

    if (rc == 0 && checking->files[TABLE_PROVIDERS].is_read) {
        rc =
            check_walks(checking, users, sizeof users / sizeof users[0], "is not in providers.csv");
    }
    return rc;
}

static int check_people(struct checking *checking)
{
    const struct dataset *dataset = checking->dataset;
    const struct walk keys = WALK(TABLE_PEOPLE, "person_id", person_row, people, person_id);
    const struct walk users[] = {
        WALK(TABLE_DEVICES, "person_id", device_row, devices, person_id),
        WALK(TABLE_PLANNED, "person_id", planned_row, planned, person_id),
        WALK(TABLE_AMENDMENTS, "person_id", amendment_row, amendments, person_id),
        WALK(TABLE_HOME_TAGS, "person_id", home_tag_row, home_tags, person_id),
    };
    int rc = note_keys(checking, &keys, true);

    if (rc == 0 && checking->files[TABLE_PEOPLE].is_read) {
        rc = check_walks(checking, users, sizeof users / sizeof users[0], "is not in people.csv");
    }
    return rc;
}

static int check_carers(struct checking *checking)
{
    const struct dataset *dataset = checking->dataset;
    const struct walk keys = WALK(TABLE_CARERS, "carer_id", carer_row, carers, carer_id);
    const struct walk users[] = {
        WALK(TABLE_CARDS, "carer_id", card_row, cards, carer_id),
        WALK(TABLE_AMENDMENTS, "carer_id", amendment_row, amendments, carer_id),
        WALK(TABLE_CARRIED_READERS, "carer_id", carried_reader_row, carried_readers, carer_id),
    };
    int rc = note_keys(checking, &keys, true);

    if (rc == 0 && checking->files[TABLE_CARERS].is_read) {
        rc = check_walks(checking, users, sizeof users / sizeof users[0], "is not in carers.csv");
        if (rc == 0) {
            rc = check_rosters(checking);
        }
    }
    return rc;
}

static int check_funders(struct checking *checking)
{
    const struct dataset *dataset = checking->dataset;
    const struct walk keys = WALK(TABLE_RATES, "funder", rate_row, rates, funder);
    const struct walk users = WALK(TABLE_PEOPLE, "funder", person_row, people, funder);
    int rc = note_keys(checking, &keys, false);

    if (rc == 0 && checking->files[TABLE_RATES].is_read) {
        rc = check_known(checking, &users, "is a funder without a rate in rates.csv");
    }
    return rc;
}

static int check_unique(struct checking *checking)
{
    const struct dataset *dataset = checking->dataset;
    const struct walk walks[] = {
        WALK(TABLE_PERIOD, "period_id", period_row, periods, period_id),
        WALK(TABLE_PLANNED, "visit_id", planned_row, planned, visit_id),
        WALK(TABLE_AMENDMENTS, "amend_id", amendment_row, amendments, amend_id),
    };
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof walks / sizeof walks[0]; i++) {
        rc = note_keys(checking, &walks[i], true);
    }
    return rc;
}

/* A stretch of time that an id (or a pair) is valid. */
struct stretch {
    text_id id, id2;
    int64_t from, to;
    uint32_t row;
};

static int compare_stretches(const void *left, const void *right)
{
    const struct stretch *a = left;
    const struct stretch *b = right;

    if (a->id != b->id) {
        return a->id < b->id ? -1 : 1;
    }
    if (a->id2 != b->id2) {
        return a->id2 < b->id2 ? -1 : 1;
    }
    if (a->from != b->from) {
        return a->from < b->from ? -1 : 1;
    }
    return a->row < b->row ? -1 : 1;
}

/* Refuse stretches of one id that overlap, or, with gaps_too, do not join. */
static int check_stretches(struct checking *checking, enum table_index table,
    struct stretch *stretches, size_t count, bool gaps_too)
{
    const char *column = gaps_too ? "valid_from" : "valid_from_utc";

    if (count > 1) {
        qsort(stretches, count, sizeof *stretches, compare_stretches);
    }
    for (size_t i = 1; i < count; i++) {
        const struct stretch *before = &stretches[i - 1];
        const struct stretch *now = &stretches[i];
        const uint32_t *lines = checking->files[table].lines;

        if (before->id != now->id || before->id2 != now->id2 || now->from == before->to ||
            (now->from > before->to && !gaps_too)) {
            continue;
        }
        return err_set(checking->err, ECM_EFORMAT, "%s:%u: %s: %s %s line %u", tables[table].file,
            lines[now->row], column, dataset_text(checking->dataset, now->id),
            now->from < before->to ? "overlaps" : "leaves a gap after", lines[before->row]);
    }
    return 0;
}

static int check_rates(struct checking *checking)
{
    const struct dataset *dataset = checking->dataset;
    struct stretch *stretches = malloc((dataset->rates_count + 1) * sizeof *stretches);
    int rc = 0;

    if (stretches == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < dataset->rates_count; i++) {
        const struct rate_row *row = &dataset->rates[i];

        stretches[i] = (struct stretch){
            row->provider_id, row->funder, row->from_day, row->to_day, (uint32_t)i};
    }
    rc = check_stretches(checking, TABLE_RATES, stretches, dataset->rates_count, true);
    free(stretches);
    return rc;
}

/* One of the four tables of validities; all have an id and two instants. */
static int check_validities(
    struct checking *checking, const struct walk *ids, size_t from_offset, size_t to_offset)
{
    struct stretch *stretches = malloc((ids->count + 1) * sizeof *stretches);
    int rc = 0;

    if (stretches == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < ids->count; i++) {
        const char *row = (const char *)ids->rows + i * ids->row_size;

        stretches[i] = (struct stretch){
            .id = id_at(ids->rows, ids->row_size, i, ids->offset), .row = (uint32_t)i};
        (void)memcpy(&stretches[i].from, row + from_offset, sizeof stretches[i].from);
        (void)memcpy(&stretches[i].to, row + to_offset, sizeof stretches[i].to);
    }
    rc = check_stretches(checking, ids->table, stretches, ids->count, false);
    free(stretches);
    return rc;
}

static int check_all_validities(struct checking *checking)
{
    const struct dataset *dataset = checking->dataset;
    const struct {
        struct walk ids;
        size_t from_offset, to_offset;
    } checks[] = {
        {WALK(TABLE_CARDS, "card_uid", card_row, cards, card_uid),
            offsetof(struct card_row, from_utc), offsetof(struct card_row, to_utc)},
        {WALK(TABLE_DEVICES, "device_id", device_row, devices, device_id),
            offsetof(struct device_row, from_utc), offsetof(struct device_row, to_utc)},
        {WALK(TABLE_HOME_TAGS, "tag_uid", home_tag_row, home_tags, tag_uid),
            offsetof(struct home_tag_row, from_utc), offsetof(struct home_tag_row, to_utc)},
        {WALK(TABLE_CARRIED_READERS, "device_id", carried_reader_row, carried_readers, device_id),
            offsetof(struct carried_reader_row, from_utc),
            offsetof(struct carried_reader_row, to_utc)},
    };
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof checks / sizeof checks[0]; i++) {
        rc = check_validities(checking, &checks[i].ids, checks[i].from_offset, checks[i].to_offset);
    }
    return rc;
}

int references_check(
    const struct dataset *dataset, const struct import_file *files, struct err *err)
{
    int (*const checks[])(struct checking *) = {check_unique, check_providers, check_people,
        check_carers, check_funders, check_rates, check_all_validities};
    struct checking checking = {.dataset = dataset, .files = files, .err = err};
    int rc = 0;

    checking.rows = malloc(dataset_text_count(dataset) * sizeof *checking.rows);
    if (checking.rows == NULL) {
        return err_set(err, -ENOMEM, "out of memory");
    }
    for (size_t i = 0; rc == 0 && i < sizeof checks / sizeof checks[0]; i++) {
        rc = checks[i](&checking);
    }
    free(checking.rows);
    return rc == -ENOMEM ? err_set(err, rc, "out of memory") : rc;
}
