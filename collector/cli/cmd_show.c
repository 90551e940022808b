/*
 * cmd_show.c - ecm-pay show: visits as a table for people.
 *
 * From a store it prints what is in the feed, that is what the collector or `reconcile` put there.
 */
#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "collector/cli/cli.h"
#include "collector/cli/source_args.h"
#include "collector/cli/verdicts.h"

enum { KEY_LIMIT = 0x200, KEY_STATUS };
enum { LIMIT_DEFAULT = 40, STATUSES_MAX = 16, PENCE_A_POUND = 100, MINUTE_S = 60 };

struct show_args {
    struct source source;
    size_t limit;
    const char *status;
};

static const struct argp_option options[] = {
    {"limit", KEY_LIMIT, "N", 0, "Print at most N rows (default: 40; 0: all)", 0},
    {"status", KEY_STATUS, "NAME", 0, "Only rows of this status, such as MISSED", 0},
    {0},
};

static error_t parse_limit(const char *arg, struct show_args *args, struct argp_state *state)
{
    char *end = NULL;
    unsigned long value = 0;

    errno = 0;
    value = strtoul(arg, &end, 10);
    if (errno != 0 || end == arg || *end != '\0' || arg[0] == '-') {
        argp_error(state, "--limit: '%s' is not a number of rows", arg);
    }
    args->limit = value == 0 ? SIZE_MAX : value;
    return 0;
}

/* Those of a run and those of a day that goes on. */
static bool is_status(const char *name)
{
    bool is_known = false;

    for (int i = 0; i < SLOT_STATUS_COUNT; i++) {
        is_known = is_known || strcmp(name, slot_status_name((enum slot_status)i)) == 0;
    }
    for (int i = STAGE_NOT_DUE; i <= STAGE_ONGOING; i++) {
        is_known = is_known || strcmp(name, visits_stage_name((enum visits_stage)i)) == 0;
    }
    return is_known;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct show_args *args = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &args->source;
        return 0;
    case KEY_LIMIT:
        return parse_limit(arg, args, state);
    case KEY_STATUS:
        if (!is_status(arg)) {
            argp_error(state,
                "--status: '%s' is none of OK, HELD_NO_OUT, HELD_NO_IN, MISSED, SAME_CARER, "
                "CANC_NOTICE, CANC_SHORT, NOT_DUE, DUE, LATE, ONGOING",
                arg);
        }
        args->status = arg;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is not an option", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&source_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {.options = options,
    .parser = parse,
    .children = children,
    .doc = "Print visits as a table: planned, actual, verdict, pay, and why.\v"
           "Times are local. From a store it shows what is in the payment feed."};

/* One row of the table, its texts in the JSON it came from. */
struct shown {
    json_t *row;
    const char *planned_start; /* sorts as text: all are UTC and of one form */
};

struct table {
    const struct local_days *days;
    const char *status; /* only this one; NULL: all */
    struct shown *rows;
    size_t count;
    size_t capacity;
};

static const char *string_of(json_t *row, const char *key)
{
    const char *value = json_string_value(json_object_get(row, key));

    return value == NULL ? "" : value;
}

static int add_row(void *user, const struct storage_verdict *verdict)
{
    struct table *table = user;
    json_error_t error;
    json_t *row = NULL;

    if (verdict->withdrawn) {
        return 0;
    }
    if (table->count == table->capacity) {
        size_t capacity = table->capacity == 0 ? 256 : table->capacity * 2;
        struct shown *rows = realloc(table->rows, capacity * sizeof *rows);

        if (rows == NULL) {
            return -ENOMEM;
        }
        table->rows = rows;
        table->capacity = capacity;
    }
    row = json_loads(verdict->line, 0, &error);
    if (row == NULL) {
        return ECM_ECORRUPT;
    }
    if (table->status != NULL && strcmp(table->status, string_of(row, "status")) != 0) {
        json_decref(row);
        return 0;
    }
    table->rows[table->count++] =
        (struct shown){.row = row, .planned_start = string_of(row, "planned_start")};
    return 0;
}

static int compare(const void *left, const void *right)
{
    const struct shown *a = left;
    const struct shown *b = right;
    int order = strcmp(a->planned_start, b->planned_start);

    if (order == 0) {
        order = strcmp(string_of(a->row, "visit_id"), string_of(b->row, "visit_id"));
    }
    if (order == 0) {
        order = (int)(json_integer_value(json_object_get(a->row, "slot")) -
                      json_integer_value(json_object_get(b->row, "slot")));
    }
    return order;
}

/* "2021-03-28T07:15:00Z" to "08:15" local; "--:--" for none. */
static void local_clock(const struct table *table, const char *instant, char clock[static 6])
{
    char local[INSTANT_TEXT_SIZE];
    struct tm fields = {0};

    if (strptime(instant, "%Y-%m-%dT%H:%M:%SZ", &fields) == NULL) {
        (void)memcpy(clock, "--:--", 6);
        return;
    }
    (void)instant_text(local_seconds(table->days, (int64_t)timegm(&fields)), local);
    (void)memcpy(clock, local + 11, 5);
    clock[5] = '\0';
}

static void print_pay(json_t *row)
{
    json_t *pence = json_object_get(row, "pence");

    if (json_is_integer(pence)) {
        long long value = json_integer_value(pence);

        (void)printf("%5lld.%02lld", value / PENCE_A_POUND, value % PENCE_A_POUND);
    } else {
        (void)printf("%8s", "?");
    }
}

static void print_row(const struct table *table, json_t *row)
{
    char planned_start[6];
    char planned_end[6];
    char in[6];
    char out[6];

    local_clock(table, string_of(row, "planned_start"), planned_start);
    local_clock(table, string_of(row, "planned_end"), planned_end);
    local_clock(table, string_of(row, "actual_in"), in);
    local_clock(table, string_of(row, "actual_out"), out);
    (void)printf("%-10s %s-%s  %-10s %-10s ", string_of(row, "planned_date"), planned_start,
        planned_end, string_of(row, "visit_id"), string_of(row, "person_id"));
    if (string_of(row, "carer_id")[0] == '\0') {
        (void)printf("%-11s %-10s ", "", "");
    } else {
        (void)printf("%s-%s %-10s ", in, out, string_of(row, "carer_id"));
    }
    (void)printf("%-12s", string_of(row, "status"));
    print_pay(row);
    (void)printf("  %s\n", string_of(row, "why"));
}

struct summary {
    const char *names[STATUSES_MAX];
    size_t counts[STATUSES_MAX];
    size_t count;
    long long pence;
    long long worked_s;
    long long paid_min;
};

static void count_status(struct summary *summary, const char *name)
{
    size_t at = 0;

    while (at < summary->count && strcmp(summary->names[at], name) != 0) {
        at++;
    }
    if (at == STATUSES_MAX) {
        return;
    }
    if (at == summary->count) {
        summary->names[summary->count++] = name;
    }
    summary->counts[at]++;
}

static void print_summary(const struct table *table)
{
    struct summary summary = {0};

    for (size_t i = 0; i < table->count; i++) {
        json_t *row = table->rows[i].row;

        count_status(&summary, string_of(row, "status"));
        summary.pence += json_integer_value(json_object_get(row, "pence"));
        summary.worked_s += json_integer_value(json_object_get(row, "worked_s"));
        summary.paid_min += json_integer_value(json_object_get(row, "paid_minutes"));
    }
    (void)printf("\n%zu slots", table->count);
    for (size_t i = 0; i < summary.count; i++) {
        (void)printf("%s %zu %s", i == 0 ? ":" : ",", summary.counts[i], summary.names[i]);
    }
    (void)printf("\nworked %lld min, paid %lld min, about \302\243%lld.%02lld (a run rounds once "
                 "for each person's week)\n",
        summary.worked_s / MINUTE_S, summary.paid_min, summary.pence / PENCE_A_POUND,
        summary.pence % PENCE_A_POUND);
}

static void print_table(struct table *table, size_t limit)
{
    if (table->count > 1) {
        qsort(table->rows, table->count, sizeof *table->rows, compare);
    }
    (void)printf("%-10s %-11s  %-10s %-10s %-11s %-10s %-12s%8s  %s\n", "date", "planned", "visit",
        "person", "actual", "carer", "verdict", "pounds", "why");
    for (size_t i = 0; i < table->count && i < limit; i++) {
        print_row(table, table->rows[i].row);
    }
    if (table->count > limit) {
        (void)printf("... and %zu more (--limit 0 shows all)\n", table->count - limit);
    }
    print_summary(table);
}

/* Rows from files, made on the spot. */
static int fill_from_files(
    const struct source *source, struct session *session, struct table *table, struct err *err)
{
    struct verdicts verdicts = {0};
    int rc = session_open(session, source, err);

    if (rc == 0) {
        rc = session_reconcile(session, err);
    }
    if (rc < 0) {
        return rc;
    }
    rc = verdicts_make(&verdicts, session);
    for (size_t i = 0; rc == 0 && i < verdicts.count; i++) {
        rc = add_row(table, &verdicts.rows[i]);
    }
    verdicts_done(&verdicts);
    return rc;
}

static int fill_from_store(
    const struct source *source, struct session *session, struct table *table, struct err *err)
{
    int rc = session_open_store(session, source->store, true, err);

    return rc < 0 ? rc
                  : session->storage->ops->verdicts(
                        session->storage, source->period_id, 0, add_row, table);
}

static int show(const struct show_args *args, struct session *session, struct err *err)
{
    struct tzif tzif = {0};
    struct local_days days;
    struct table table = {.days = &days, .status = args->status};
    int rc = tzif_load(&tzif, args->source.zone, err);

    if (rc < 0) {
        return rc;
    }
    days = (struct local_days){tzif.at_utc, tzif.offset_s, tzif.count};
    rc = args->source.from != NULL ? fill_from_files(&args->source, session, &table, err)
                                   : fill_from_store(&args->source, session, &table, err);
    if (rc == 0) {
        print_table(&table, args->limit);
    } else if (err->text[0] == '\0') {
        (void)err_set(err, rc, "the feed could not be read: %s", err_name(rc));
    }
    for (size_t i = 0; i < table.count; i++) {
        json_decref(table.rows[i].row);
    }
    free(table.rows);
    tzif_done(&tzif);
    return rc;
}

int cmd_show(int argc, char **argv)
{
    struct show_args args = {.source = source_default, .limit = LIMIT_DEFAULT};
    struct session session = {0};
    struct err err = {0};
    int rc = 0;

    if (argp_parse(&argp, argc, argv, 0, NULL, &args) != 0) {
        return EXIT_INPUT;
    }
    rc = show(&args, &session, &err);
    session_close(&session);
    return cli_report(rc, &err);
}
