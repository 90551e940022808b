/* delivery.c - see delivery.h. */
#include "collector/pay/delivery.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTE_S = 60, HOUR_S = 3600, PENCE_A_POUND = 100, WEEK_DAYS = 7 };

/* One row with everything a field may ask for. */
struct row {
    const struct delivery *delivery;
    const struct visits_slot *slot;
    const struct planned_row *planned;
    const struct visits_attendance *attendance; /* NULL: cancelled at short notice */
    const struct person_row *person;
    int64_t rate, units, pence;
};

static void add_local(struct text *text, const struct row *row, int64_t utc, int from, int size)
{
    char instant[INSTANT_TEXT_SIZE];

    (void)instant_text(local_seconds(row->delivery->run->input.days, utc), instant);
    text_add(text, instant + from, (size_t)size);
}

static void add_pounds(struct text *text, int64_t pence)
{
    text_addf(text, "%lld.%02lld", (long long)(pence / PENCE_A_POUND),
        (long long)(pence % PENCE_A_POUND));
}

static void add_id(struct text *text, const struct row *row, text_id id)
{
    text_add_string(text, dataset_text(row->delivery->run->input.dataset, id));
}

static void field_file_reference(struct text *text, const struct row *row)
{
    text_add_string(text, row->delivery->file_reference);
}

static void field_period(struct text *text, const struct row *row)
{
    add_id(text, row, row->delivery->run->input.period->period_id);
}

/* The as-of, not the clock: the same run makes the same rows. */
static void field_created(struct text *text, const struct row *row)
{
    add_local(text, row, row->delivery->run->period->asof_utc, 0, 10);
}

static void field_provider(struct text *text, const struct row *row)
{
    add_id(text, row, row->planned->provider_id);
}

static void field_funder(struct text *text, const struct row *row)
{
    add_id(text, row, row->person->funder);
}

static void field_person(struct text *text, const struct row *row)
{
    add_id(text, row, row->planned->person_id);
}

static void field_zone(struct text *text, const struct row *row)
{
    add_id(text, row, row->person->zone);
}

static void field_carer(struct text *text, const struct row *row)
{
    if (row->attendance != NULL) {
        add_id(text, row, row->attendance->carer_id);
    }
}

static void field_visit(struct text *text, const struct row *row)
{
    add_id(text, row, row->planned->visit_id);
}

static void field_slot(struct text *text, const struct row *row)
{
    text_add_int(text, row->slot->number);
}

static void field_status(struct text *text, const struct row *row)
{
    text_add_string(text, slot_status_name((enum slot_status)row->slot->status));
}

static void field_week_ending(struct text *text, const struct row *row)
{
    const struct pay_input *input = &row->delivery->run->input;
    char date[DAY_TEXT_SIZE];

    text_add_string(
        text, day_text(input->period->start_day +
                           WEEK_DAYS * pay_week(input, row->planned->start_utc) + WEEK_DAYS - 1,
                  date));
}

static void field_visit_date(struct text *text, const struct row *row)
{
    add_local(text, row, row->planned->start_utc, 0, 10);
}

static void field_planned_start(struct text *text, const struct row *row)
{
    add_local(text, row, row->planned->start_utc, 11, 5);
}

static void field_planned_minutes(struct text *text, const struct row *row)
{
    text_add_int(text, (row->planned->end_utc - row->planned->start_utc) / MINUTE_S);
}

static void field_actual_start(struct text *text, const struct row *row)
{
    if (row->attendance != NULL) {
        add_local(text, row, row->attendance->in_utc, 11, 5);
    }
}

static void field_actual_minutes(struct text *text, const struct row *row)
{
    text_add_int(text, row->attendance == NULL ? 0 : row->attendance->worked_s / MINUTE_S);
}

static void field_paid_minutes(struct text *text, const struct row *row)
{
    text_add_int(text, row->units * row->delivery->run->input.params->unit_s / MINUTE_S);
}

static void field_paid_pounds(struct text *text, const struct row *row)
{
    add_pounds(text, row->pence);
}

static void field_rate_pounds(struct text *text, const struct row *row)
{
    add_pounds(text, row->rate);
}

static void field_secondary(struct text *text, const struct row *row)
{
    text_add_char(text, row->slot->number > 1 ? 'Y' : 'N');
}

static void field_carers(struct text *text, const struct row *row)
{
    text_add_int(text, row->planned->carers_required);
}

static const struct field {
    const char *name;
    void (*add)(struct text *text, const struct row *row);
} fields[] = {
    {"file_reference", field_file_reference},
    {"period", field_period},
    {"created", field_created},
    {"provider", field_provider},
    {"funder", field_funder},
    {"person", field_person},
    {"zone", field_zone},
    {"carer", field_carer},
    {"visit", field_visit},
    {"slot", field_slot},
    {"status", field_status},
    {"week_ending", field_week_ending},
    {"visit_date", field_visit_date},
    {"planned_start", field_planned_start},
    {"planned_minutes", field_planned_minutes},
    {"actual_start", field_actual_start},
    {"actual_minutes", field_actual_minutes},
    {"paid_minutes", field_paid_minutes},
    {"paid_pounds", field_paid_pounds},
    {"rate_pounds", field_rate_pounds},
    {"secondary", field_secondary},
    {"carers", field_carers},
};
enum { FIELD_COUNT = sizeof fields / sizeof fields[0] };

static const struct field *find_field(const char *name, size_t size)
{
    for (int i = 0; i < FIELD_COUNT; i++) {
        if (strlen(fields[i].name) == size && memcmp(fields[i].name, name, size) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

static void complain_of_field(struct text *problems, size_t line)
{
    text_addf(problems, "%zu: there is no such field; permitted:", line);
    for (int i = 0; i < FIELD_COUNT; i++) {
        text_addf(problems, " {%s}", fields[i].name);
    }
    text_add_char(problems, '\n');
}

/* Every {field} of a value must be known. */
static size_t check_value(const struct delivery_column *column, size_t line, struct text *problems)
{
    const char *end = column->value + column->value_size;
    size_t count = 0;

    for (const char *at = column->value; at < end; at++) {
        const char *close = NULL;

        if (*at != '{') {
            continue;
        }
        close = memchr(at, '}', (size_t)(end - at));
        if (close == NULL || find_field(at + 1, (size_t)(close - at - 1)) == NULL) {
            complain_of_field(problems, line);
            count++;
        }
    }
    return count;
}

static void trim(const char **ret_start, size_t *ret_size)
{
    while (*ret_size > 0 && (**ret_start == ' ' || **ret_start == '\t')) {
        (*ret_start)++;
        (*ret_size)--;
    }
    while (*ret_size > 0 && strchr(" \t\r", (*ret_start)[*ret_size - 1]) != NULL) {
        (*ret_size)--;
    }
}

static bool is_repeated(
    const struct delivery_template *template, const struct delivery_column *column)
{
    for (size_t i = 0; i < template->count; i++) {
        if (template->columns[i].name_size == column->name_size &&
            memcmp(template->columns[i].name, column->name, column->name_size) == 0) {
            return true;
        }
    }
    return false;
}

/* One line of a template. */
static size_t read_column(struct delivery_template *template, const char *text, size_t size,
    size_t line, struct text *problems)
{
    const char *equals = memchr(text, '=', size);
    struct delivery_column column = {.name = text};

    if (equals == NULL) {
        text_addf(problems, "%zu: is no column; permitted: Name = text with {fields}\n", line);
        return 1;
    }
    column.name_size = (size_t)(equals - text);
    column.value = equals + 1;
    column.value_size = size - column.name_size - 1;
    trim(&column.name, &column.name_size);
    trim(&column.value, &column.value_size);
    if (column.name_size == 0 || is_repeated(template, &column)) {
        text_addf(
            problems, "%zu: a column without a name of its own; permitted: each name once\n", line);
        return 1;
    }
    if (template->count == DELIVERY_COLUMNS_MAX) {
        text_addf(problems, "%zu: too many columns; permitted: %d\n", line, DELIVERY_COLUMNS_MAX);
        return 1;
    }
    template->columns[template->count++] = column;
    return check_value(&column, line, problems);
}

size_t delivery_read(
    const char *bytes, struct delivery_template *ret_template, struct text *problems)
{
    size_t count = 0;
    size_t line = 0;

    *ret_template = (struct delivery_template){.count = 0};
    while (*bytes != '\0') {
        size_t size = strcspn(bytes, "\n");
        const char *start = bytes;
        size_t rest = size;

        line++;
        bytes += size + (bytes[size] == '\n' ? 1 : 0);
        trim(&start, &rest);
        if (rest > 0 && *start != '#') {
            count += read_column(ret_template, start, rest, line, problems);
        }
    }
    if (ret_template->count == 0) {
        text_add_string(problems, "1: has no column; permitted: at least one\n");
        count++;
    }
    return count;
}

static void add_value(
    struct text *text, const struct row *row, const struct delivery_column *column)
{
    const char *end = column->value + column->value_size;
    struct text value = {0};

    for (const char *at = column->value; at < end; at++) {
        const char *close = *at == '{' ? memchr(at, '}', (size_t)(end - at)) : NULL;

        if (close != NULL) {
            find_field(at + 1, (size_t)(close - at - 1))->add(&value, row);
            at = close;
        } else {
            text_add_char(&value, *at);
        }
    }
    (void)text_end(&value);
    if (value.rc < 0) {
        text->rc = value.rc;
    } else {
        text_add_csv(text, value.bytes, value.size);
    }
    text_done(&value);
}

/* Rates count by the day, so a week has no more of them. */
enum { RATES_MAX = WEEK_DAYS };

/* Where a person's week stands at each rate, so that rows add up to their line. */
struct running {
    int32_t week;
    struct {
        int64_t rate, units, pence;
    } rates[RATES_MAX];
    size_t count;
};

/* The row's share of its line: the step of the rounded running sum. Weeks come in order. */
static int64_t share(
    const struct delivery *delivery, struct running *running, int32_t week, const struct row *row)
{
    int64_t per_hour = HOUR_S / delivery->run->input.params->unit_s;
    size_t i = 0;
    int64_t sum = 0;
    int64_t pence = 0;

    if (running->week != week) {
        *running = (struct running){.week = week};
    }
    while (i < running->count && running->rates[i].rate != row->rate) {
        i++;
    }
    assert(i < RATES_MAX);
    if (i == running->count) {
        running->count++;
        running->rates[i].rate = row->rate;
    }
    running->rates[i].units += row->units;
    sum = pay_half_up(running->rates[i].units * row->rate, per_hour);
    pence = sum - running->rates[i].pence;
    running->rates[i].pence = sum;
    return pence;
}

static int add_slot(struct text *text, const struct delivery *delivery, size_t index,
    struct running *running, struct pay_problem *ret_problem)
{
    const struct pay_input *input = &delivery->run->input;
    struct row row = {.delivery = delivery, .slot = &input->result->slots[index]};
    int rc = 0;

    row.planned = &input->dataset->planned[row.slot->planned];
    row.attendance = row.slot->attendance == VISITS_NONE
                         ? NULL
                         : &input->result->attendances[row.slot->attendance];
    row.units = pay_units(input->params, row.planned, row.slot, row.attendance);
    if (row.planned->provider_id != delivery->provider_id || row.units == 0) {
        return 0;
    }
    rc = pay_person(input, row.planned->person_id, &row.person, ret_problem);
    if (rc == 0) {
        rc = pay_rate_on(input, row.planned->provider_id, row.person->funder,
            local_day(input->days, row.planned->start_utc), &row.rate, ret_problem);
    }
    if (rc < 0) {
        return rc;
    }
    row.pence = share(delivery, running, pay_week(input, row.planned->start_utc), &row);
    for (size_t c = 0; c < delivery->columns->count; c++) {
        if (c > 0) {
            text_add_char(text, ',');
        }
        add_value(text, &row, &delivery->columns->columns[c]);
    }
    text_add_string(text, "\r\n"); /* RFC 4180 */
    return text->rc;
}

static void add_header(struct text *text, const struct delivery_template *template)
{
    for (size_t c = 0; c < template->count; c++) {
        struct text name = {0};

        text_add(&name, template->columns[c].name, template->columns[c].name_size);
        (void)text_end(&name);
        if (c > 0) {
            text_add_char(text, ',');
        }
        if (name.rc == 0) {
            text_add_csv(text, name.bytes, name.size);
        }
        text->rc = name.rc < 0 ? name.rc : text->rc;
        text_done(&name);
    }
    text_add_string(text, "\r\n");
}

int delivery_add(
    struct text *text, const struct delivery *delivery, struct pay_problem *ret_problem)
{
    const struct visits_result *result = delivery->run->input.result;
    int rc = 0;

    add_header(text, delivery->columns);
    for (size_t p = 0; rc == 0 && p < result->people_count; p++) {
        struct running running = {.week = 0};

        for (size_t i = result->people[p].slots_from; rc == 0 && i < result->people[p].slots_to;
             i++) {
            rc = add_slot(text, delivery, i, &running, ret_problem);
        }
    }
    return rc < 0 ? rc : text->rc;
}
