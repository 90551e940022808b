/* statement.c - see statement.h. The two forms share what is said and differ in how. */
#include "collector/pay/statement.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MINUTE_S = 60, HOUR_S = 3600, PENCE_A_POUND = 100, CELL_SIZE = 96, CELLS_MAX = 6 };

/* A table row under construction. */
struct row {
    char cells[CELLS_MAX][CELL_SIZE];
    int count;
};

/* How a document is put together; text and HTML implement it. */
struct form {
    void (*open)(struct text *text, const char *title);
    void (*heading)(struct text *text, const char *words);
    void (*sentence)(struct text *text, const char *words);
    void (*table_open)(struct text *text, const struct row *heads, int first_number);
    void (*table_row)(struct text *text, const struct row *row, int first_number, bool is_sum);
    void (*table_close)(struct text *text);
    void (*close)(struct text *text);
};

static void put(struct row *row, const char *words)
{
    (void)snprintf(row->cells[row->count++], CELL_SIZE, "%s", words);
}

static void put_pounds(struct row *row, int64_t pence)
{
    int64_t size = pence < 0 ? -pence : pence;

    (void)snprintf(row->cells[row->count++], CELL_SIZE, "%s%lld.%02lld", pence < 0 ? "-" : "",
        (long long)(size / PENCE_A_POUND), (long long)(size % PENCE_A_POUND));
}

static void put_hours(struct row *row, int64_t s)
{
    int64_t size = s < 0 ? -s : s;

    (void)snprintf(row->cells[row->count++], CELL_SIZE, "%s%lld:%02lld:%02lld", s < 0 ? "-" : "",
        (long long)(size / HOUR_S), (long long)(size / MINUTE_S % MINUTE_S),
        (long long)(size % MINUTE_S));
}

/* ---- plain text --------------------------------------------------------------------------- */

static void text_open(struct text *text, const char *title)
{
    text_addf(text, "%s\n", title);
    for (size_t i = 0; i < strlen(title); i++) {
        text_add_char(text, '=');
    }
    text_add_char(text, '\n');
}

static void text_heading(struct text *text, const char *words)
{
    text_addf(text, "\n%s\n", words);
    for (size_t i = 0; i < strlen(words); i++) {
        text_add_char(text, '-');
    }
    text_add_char(text, '\n');
}

static void text_sentence(struct text *text, const char *words)
{
    text_addf(text, "%s\n", words);
}

/* Fill up to width characters; the bytes that continue a character of UTF-8 take no room. */
static void add_padding(struct text *text, const char *words, int width)
{
    for (const char *at = words; *at != '\0'; at++) {
        width -= ((unsigned char)*at & 0xc0) != 0x80 ? 1 : 0;
    }
    for (; width > 0; width--) {
        text_add_char(text, ' ');
    }
}

static void text_row(struct text *text, const struct row *row, int first_number, bool is_sum)
{
    (void)is_sum;
    for (int i = 0; i < row->count; i++) {
        if (i < first_number) {
            /* The last text may be a sentence; a name that is longer keeps the others in place. */
            text_add_string(text, row->cells[i]);
            add_padding(text, row->cells[i],
                first_number == 1       ? 30
                : i + 1 == first_number ? 28
                                        : 18);
            text_add_char(text, ' ');
        } else {
            add_padding(text, row->cells[i], 12);
            text_add_string(text, row->cells[i]);
        }
    }
    text_add_char(text, '\n');
}

static void text_table_open(struct text *text, const struct row *heads, int first_number)
{
    text_row(text, heads, first_number, false);
}

static void text_nothing(struct text *text)
{
    (void)text;
}

static const struct form plain = {.open = text_open,
    .heading = text_heading,
    .sentence = text_sentence,
    .table_open = text_table_open,
    .table_row = text_row,
    .table_close = text_nothing,
    .close = text_nothing};

/* ---- HTML --------------------------------------------------------------------------------- */

static void add_escaped(struct text *text, const char *words)
{
    for (const char *at = words; *at != '\0'; at++) {
        switch (*at) {
        case '&':
            text_add_string(text, "&amp;");
            break;
        case '<':
            text_add_string(text, "&lt;");
            break;
        case '>':
            text_add_string(text, "&gt;");
            break;
        case '"':
            text_add_string(text, "&quot;");
            break;
        default:
            text_add_char(text, *at);
        }
    }
}

static void add_element(struct text *text, const char *name, const char *words)
{
    text_addf(text, "<%s>", name);
    add_escaped(text, words);
    text_addf(text, "</%s>\n", name);
}

static void html_open(struct text *text, const char *title)
{
    text_add_string(text,
        "<!DOCTYPE html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    add_element(text, "title", title);
    text_add_string(text,
        "<style>\n"
        "@page { size: A4; margin: 18mm 15mm; }\n"
        "body { font: 11pt/1.4 system-ui, sans-serif; color: #1a1a1a; max-width: 180mm;"
        " margin: 2em auto; padding: 0 1em; }\n"
        "h1 { font-size: 16pt; } h2 { font-size: 12.5pt; margin: 1.6em 0 .4em; break-after: avoid;"
        " }\n"
        "p { margin: .2em 0; overflow-wrap: anywhere; }\n"
        "table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }\n"
        "thead { display: table-header-group; } tr { break-inside: avoid; }\n"
        "th, td { text-align: left; padding: .25em .5em; border-bottom: 1px solid #bbb; }\n"
        "th { border-bottom: 2px solid #444; }\n"
        ".n { text-align: right; white-space: nowrap; }\n"
        ".sum td { font-weight: bold; border-top: 2px solid #444; }\n"
        "@media print { body { margin: 0; padding: 0; max-width: none; font-size: 9.5pt; } }\n"
        "</style>\n</head>\n<body>\n");
    add_element(text, "h1", title);
}

static void html_heading(struct text *text, const char *words)
{
    add_element(text, "h2", words);
}

static void html_sentence(struct text *text, const char *words)
{
    add_element(text, "p", words);
}

static void html_cells(
    struct text *text, const struct row *row, const char *element, int first_number)
{
    for (int i = 0; i < row->count; i++) {
        text_addf(text, "<%s%s>", element, i >= first_number ? " class=\"n\"" : "");
        add_escaped(text, row->cells[i]);
        text_addf(text, "</%s>", element);
    }
}

static void html_table_open(struct text *text, const struct row *heads, int first_number)
{
    text_add_string(text, "<table>\n<thead><tr>");
    html_cells(text, heads, "th", first_number);
    text_add_string(text, "</tr></thead>\n<tbody>\n");
}

static void html_row(struct text *text, const struct row *row, int first_number, bool is_sum)
{
    text_add_string(text, is_sum ? "<tr class=\"sum\">" : "<tr>");
    html_cells(text, row, "td", first_number);
    text_add_string(text, "</tr>\n");
}

static void html_table_close(struct text *text)
{
    text_add_string(text, "</tbody>\n</table>\n");
}

static void html_close(struct text *text)
{
    text_add_string(text, "</body>\n</html>\n");
}

static const struct form html = {.open = html_open,
    .heading = html_heading,
    .sentence = html_sentence,
    .table_open = html_table_open,
    .table_row = html_row,
    .table_close = html_table_close,
    .close = html_close};

/* ---- what is said ------------------------------------------------------------------------- */

static const char *name_of(const struct statement *statement, text_id id)
{
    return dataset_text(statement->run->input.dataset, id);
}

static int64_t line_seconds(const struct statement *statement, const struct pay_line *line)
{
    switch (line->model) {
    case 'A':
        return line->quantity * statement->run->input.params->unit_s;
    case 'K':
        return line->quantity;
    default:
        return line->quantity * MINUTE_S;
    }
}

static void say_head(struct text *text, const struct statement *statement, const struct form *form)
{
    const struct period_row *period = statement->run->input.period;
    char first[DAY_TEXT_SIZE];
    char last[DAY_TEXT_SIZE];
    char asof[INSTANT_TEXT_SIZE];
    char words[320];

    (void)snprintf(
        words, sizeof words, "Payment statement: %s", name_of(statement, statement->provider_id));
    form->open(text, words);
    (void)snprintf(words, sizeof words, "Period %s: %s to %s.",
        name_of(statement, period->period_id), day_text(period->start_day, first),
        day_text(period->end_day - 1, last));
    form->sentence(text, words);
    (void)snprintf(words, sizeof words, "Rule %s, as known at %s.", statement->rule,
        instant_text(statement->run->period->asof_utc, asof));
    form->sentence(text, words);
    (void)snprintf(words, sizeof words, "Run %s.", statement->run_id);
    form->sentence(text, words);
}

static void say_lines(struct text *text, const struct statement *statement, const struct form *form)
{
    struct row heads = {.count = 0};
    struct row sum = {.count = 0};
    int64_t seconds = 0;
    int64_t pence = 0;

    put(&heads, "Person");
    put(&heads, "Funder");
    put(&heads, "Week");
    put(&heads, "Hours");
    put(&heads, "Rate \302\243/h");
    put(&heads, "Pay \302\243");
    form->heading(text, "What is paid");
    form->table_open(text, &heads, 3);
    for (size_t i = 0; i < statement->run->lines.count; i++) {
        const struct pay_line *line = &statement->run->lines.rows[i];
        struct row row = {.count = 0};
        char week[16] = "";

        if (line->model != statement->model || line->provider_id != statement->provider_id) {
            continue;
        }
        if (line->person_id != 0) {
            (void)snprintf(week, sizeof week, "%d", (int)line->week + 1);
        }
        put(&row, line->person_id != 0 ? name_of(statement, line->person_id)
                                       : pay_kind_name((enum pay_kind)line->kind));
        put(&row, name_of(statement, line->funder));
        put(&row, week);
        put_hours(&row, line_seconds(statement, line));
        if (line->pence_per_hour > 0) {
            put_pounds(&row, line->pence_per_hour);
        } else {
            put(&row, "by the visit");
        }
        put_pounds(&row, line->pence);
        form->table_row(text, &row, 3, false);
        seconds += line_seconds(statement, line);
        pence += line->pence;
    }
    put(&sum, "Total");
    put(&sum, "");
    put(&sum, "");
    put_hours(&sum, seconds);
    put(&sum, "");
    put_pounds(&sum, pence);
    form->table_row(text, &sum, 3, true);
    form->table_close(text);
}

static void say_tally(struct text *text, const struct statement *statement, const struct form *form)
{
    static const char *const names[] = {
        "Paid", "Held", "Missed", "Cancelled in time", "Rounding, caps and guarantee", "Planned"};
    const struct pay_tally *tally = statement->tally;
    const int64_t seconds[] = {tally->paid_s, tally->held_s, tally->missed_s, tally->cancelled_s,
        tally->difference_s, tally->planned_s};
    struct row heads = {.count = 0};

    put(&heads, "Time");
    put(&heads, "Hours");
    form->heading(text, "Where the planned time went");
    form->table_open(text, &heads, 1);
    for (int i = 0; i < 6; i++) {
        struct row row = {.count = 0};

        put(&row, names[i]);
        put_hours(&row, seconds[i]);
        form->table_row(text, &row, 1, i == 5);
    }
    form->table_close(text);
}

/* Why a slot is not paid; NULL when it is, or when it was cancelled. */
static const char *why_unpaid(const struct statement *statement, size_t slot)
{
    if (statement->composed != NULL &&
        statement->composed->results[slot].outcome == COMPOSE_PARKED) {
        return "parked: length off the plan";
    }
    switch ((enum slot_status)statement->run->input.result->slots[slot].status) {
    case SLOT_HELD_NO_OUT:
        return "held: no tap on leaving";
    case SLOT_HELD_NO_IN:
        return "held: no tap on arriving";
    case SLOT_HELD_REPAIR:
        return "held: a repair is proposed";
    case SLOT_MISSED:
        return "missed";
    case SLOT_SAME_CARER:
        return "second carer did not come";
    case SLOT_OK:
    case SLOT_CANC_NOTICE:
    case SLOT_CANC_SHORT:
    case SLOT_STATUS_COUNT:
        break;
    }
    return NULL;
}

static void say_unpaid(
    struct text *text, const struct statement *statement, const struct form *form)
{
    const struct pay_input *input = &statement->run->input;
    struct row heads = {.count = 0};
    size_t count = 0;

    put(&heads, "Visit");
    put(&heads, "Person");
    put(&heads, "Planned");
    put(&heads, "Why");
    put(&heads, "Hours");
    form->heading(text, "Held, parked and missed visits");
    for (size_t i = 0; i < input->result->slots_count; i++) {
        const struct planned_row *planned =
            &input->dataset->planned[input->result->slots[i].planned];
        const char *why = why_unpaid(statement, i);
        struct row row = {.count = 0};
        char local[INSTANT_TEXT_SIZE];

        if (why == NULL || planned->provider_id != statement->provider_id) {
            continue;
        }
        if (count++ == 0) {
            form->table_open(text, &heads, 4);
        }
        (void)instant_text(local_seconds(input->days, planned->start_utc), local);
        local[10] = ' ';
        local[16] = '\0';
        put(&row, name_of(statement, planned->visit_id));
        put(&row, name_of(statement, planned->person_id));
        put(&row, local);
        put(&row, why);
        put_hours(&row, planned->end_utc - planned->start_utc);
        form->table_row(text, &row, 4, false);
    }
    if (count == 0) {
        form->sentence(text, "None.");
    } else {
        form->table_close(text);
    }
}

static void say_all(struct text *text, const struct statement *statement, const struct form *form)
{
    say_head(text, statement, form);
    say_lines(text, statement, form);
    say_tally(text, statement, form);
    say_unpaid(text, statement, form);
    form->close(text);
}

void statement_add_text(struct text *text, const struct statement *statement)
{
    say_all(text, statement, &plain);
}

void statement_add_html(struct text *text, const struct statement *statement)
{
    say_all(text, statement, &html);
}
