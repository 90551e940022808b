/* monitor.c - ecm-pay monitor: what a provider, zone, lot or funder delivered, in numbers. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "collector/cli/cli.h"
#include "collector/cli/source_args.h"
#include "collector/pay/contract.h"
#include "collector/pay/monitoring.h"
#include "collector/pay/text.h"

enum { KEY_BY = 0x200, KEY_FROM_DATE, KEY_TO_DATE, KEY_LATE, KEY_USUAL, KEY_FORMAT };
enum { MINUTE_S = 60, LATE_MIN_MAX = 1440 };

struct monitor_args {
    struct source source;
    struct monitoring_params params;
    int32_t to_date; /* inclusive, as a person says it */
    bool has_from, has_to;
    void (*write)(struct text *text, const struct monitoring *monitoring,
        const struct monitor_args *args, const struct session *session);
};

static const struct argp_option options[] = {
    {"by", KEY_BY, "provider|zone|lot|funder", 0, "One column for each (default: provider)", 0},
    {"from-date", KEY_FROM_DATE, "YYYY-MM-DD", 0, "First local date (default: the first there is)",
        0},
    {"to-date", KEY_TO_DATE, "YYYY-MM-DD", 0,
        "Last local date, counted too (default: the last there is)", 0},
    {"late", KEY_LATE, "MIN,MIN,MIN", 0, "Bands of lateness (default: 15,30,60)", 0},
    {"usual", KEY_USUAL, "N", 0, "How many carers are a person's usual ones (default: 3)", 0},
    {"format", KEY_FORMAT, "table|tsv|json", 0, "How to print (default: table)", 0},
    {0},
};

static const char *key_name(const struct session *session, const struct monitoring_row *row)
{
    const char *name = dataset_text(&session->dataset, row->key);

    return name[0] == '\0' ? "-" : name;
}

static int64_t value_of(size_t number, const struct monitoring_row *row)
{
    return monitoring_numbers[number].value(&row->counts, &pay_default_params);
}

/* One row a number, one column a provider (zone, lot, funder); below it what each number means. */
static void write_table(struct text *text, const struct monitoring *monitoring,
    const struct monitor_args *args, const struct session *session)
{
    const int32_t *late_s = args->params.late_s;
    char from[DAY_TEXT_SIZE];
    char to[DAY_TEXT_SIZE];

    text_addf(text,
        "Contract monitoring by %s, %s to %s, late bands %d, %d, %d min, usual carers %d\n",
        monitoring_by_name(args->params.by), day_text(args->params.from_day, from),
        day_text(args->params.to_day - 1, to), late_s[0] / MINUTE_S, late_s[1] / MINUTE_S,
        late_s[2] / MINUTE_S, args->params.usual_carers);
    text_add_string(text, "Whole numbers only; permille and milli are thousandths.\n\n");
    text_addf(text, "%-20s", "");
    for (size_t i = 0; i < monitoring->count; i++) {
        text_addf(text, " %10s", key_name(session, &monitoring->rows[i]));
    }
    text_addf(text, " %10s\n", "total");
    for (size_t n = 0; n < MONITORING_NUMBERS; n++) {
        text_addf(text, "%-20s", monitoring_numbers[n].name);
        for (size_t i = 0; i < monitoring->count; i++) {
            text_addf(text, " %10lld", (long long)value_of(n, &monitoring->rows[i]));
        }
        text_addf(text, " %10lld\n", (long long)value_of(n, &monitoring->total));
    }
    text_add_char(text, '\n');
    for (size_t n = 0; n < MONITORING_NUMBERS; n++) {
        text_addf(text, "%-20s %s\n", monitoring_numbers[n].name, monitoring_numbers[n].definition);
    }
}

static void write_tsv_row(struct text *text, const char *key, const struct monitoring_row *row)
{
    for (; *key != '\0'; key++) {
        /* Nothing quotes in TSV, so a separator inside a name becomes a space. */
        text_add_char(text, *key == '\t' || *key == '\n' || *key == '\r' ? ' ' : *key);
    }
    for (size_t n = 0; n < MONITORING_NUMBERS; n++) {
        text_add_char(text, '\t');
        text_add_int(text, value_of(n, row));
    }
    text_add_char(text, '\n');
}

/* No total: it would be added up once more. */
static void write_tsv(struct text *text, const struct monitoring *monitoring,
    const struct monitor_args *args, const struct session *session)
{
    text_add_string(text, monitoring_by_name(args->params.by));
    for (size_t n = 0; n < MONITORING_NUMBERS; n++) {
        text_addf(text, "\t%s", monitoring_numbers[n].name);
    }
    text_add_char(text, '\n');
    for (size_t i = 0; i < monitoring->count; i++) {
        write_tsv_row(text, key_name(session, &monitoring->rows[i]), &monitoring->rows[i]);
    }
}

static void write_json_numbers(struct text *text, const struct monitoring_row *row)
{
    for (size_t n = 0; n < MONITORING_NUMBERS; n++) {
        text_addf(text, "%s\"%s\": %lld", n == 0 ? "{" : ", ", monitoring_numbers[n].name,
            (long long)value_of(n, row));
    }
    text_add_char(text, '}');
}

static void write_json(struct text *text, const struct monitoring *monitoring,
    const struct monitor_args *args, const struct session *session)
{
    const int32_t *late_s = args->params.late_s;
    char from[DAY_TEXT_SIZE];
    char to[DAY_TEXT_SIZE];

    text_addf(text,
        "{\"by\": \"%s\", \"from_date\": \"%s\", \"to_date\": \"%s\", \"late_s\": [%d, %d, %d], "
        "\"usual_carers\": %d,\n\"definitions\": ",
        monitoring_by_name(args->params.by), day_text(args->params.from_day, from),
        day_text(args->params.to_day - 1, to), late_s[0], late_s[1], late_s[2],
        args->params.usual_carers);
    for (size_t n = 0; n < MONITORING_NUMBERS; n++) {
        text_addf(text, "%s\"%s\": ", n == 0 ? "{" : ",\n ", monitoring_numbers[n].name);
        text_add_json(text, monitoring_numbers[n].definition);
    }
    text_add_string(text, "},\n\"rows\": [");
    for (size_t i = 0; i < monitoring->count; i++) {
        text_add_string(text, i == 0 ? "\n{\"key\": " : ",\n{\"key\": ");
        text_add_json(text, dataset_text(&session->dataset, monitoring->rows[i].key));
        text_add_string(text, ", \"numbers\": ");
        write_json_numbers(text, &monitoring->rows[i]);
        text_add_char(text, '}');
    }
    text_add_string(text, "],\n\"total\": ");
    write_json_numbers(text, &monitoring->total);
    text_add_string(text, "}\n");
}

static error_t parse_by(const char *arg, struct monitor_args *args, struct argp_state *state)
{
    for (int by = MONITORING_PROVIDER; by <= MONITORING_FUNDER; by++) {
        if (strcmp(arg, monitoring_by_name((enum monitoring_by)by)) == 0) {
            args->params.by = (enum monitoring_by)by;
            return 0;
        }
    }
    argp_error(state, "--by: '%s' is none of provider, zone, lot, funder", arg);
    return EINVAL;
}

static error_t parse_format(const char *arg, struct monitor_args *args, struct argp_state *state)
{
    if (strcmp(arg, "table") == 0) {
        args->write = write_table;
    } else if (strcmp(arg, "tsv") == 0) {
        args->write = write_tsv;
    } else if (strcmp(arg, "json") == 0) {
        args->write = write_json;
    } else {
        argp_error(state, "--format: '%s' is none of table, tsv, json", arg);
    }
    return 0;
}

/* A whole number of at most high that ends at end_char. NULL when it is not; else behind it. */
static const char *read_number(const char *at, char end_char, long high, int32_t *ret_number)
{
    char *end = NULL;
    long value = 0;

    if (*at < '0' || *at > '9') {
        return NULL;
    }
    errno = 0;
    value = strtol(at, &end, 10);
    if (errno != 0 || *end != end_char || value > high) {
        return NULL;
    }
    *ret_number = (int32_t)value;
    return end_char == '\0' ? end : end + 1;
}

static error_t parse_late(const char *arg, struct monitor_args *args, struct argp_state *state)
{
    const char *at = arg;
    int32_t before = -1;

    for (size_t i = 0; at != NULL && i < MONITORING_LATE_BANDS; i++) {
        int32_t minutes = 0;

        at = read_number(at, i + 1 < MONITORING_LATE_BANDS ? ',' : '\0', LATE_MIN_MAX, &minutes);
        at = minutes > before ? at : NULL;
        before = minutes;
        args->params.late_s[i] = minutes * MINUTE_S;
    }
    if (at == NULL) {
        argp_error(state, "--late: '%s' is not three ascending numbers of minutes", arg);
    }
    return 0;
}

static void parse_date(
    const char *option, const char *arg, int32_t *ret_day, struct argp_state *state)
{
    if (!contract_read_date(arg, ret_day)) {
        argp_error(state, "%s: '%s' is not a date YYYY-MM-DD", option, arg);
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct monitor_args *args = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &args->source;
        return 0;
    case KEY_BY:
        return parse_by(arg, args, state);
    case KEY_FROM_DATE:
        parse_date("--from-date", arg, &args->params.from_day, state);
        args->has_from = true;
        return 0;
    case KEY_TO_DATE:
        parse_date("--to-date", arg, &args->to_date, state);
        args->has_to = true;
        return 0;
    case KEY_LATE:
        return parse_late(arg, args, state);
    case KEY_USUAL:
        if (read_number(arg, '\0', MONITORING_USUAL_MAX, &args->params.usual_carers) == NULL ||
            args->params.usual_carers == 0) {
            argp_error(
                state, "--usual: '%s' is not a number of 1 to %d", arg, MONITORING_USUAL_MAX);
        }
        return 0;
    case KEY_FORMAT:
        return parse_format(arg, args, state);
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
    .doc = "Print contract monitoring numbers: delivered, missed, late, short, taps, carers, "
           "minutes, held money.\v"
           "Every number is printed with its definition (table and json). All are whole numbers."};

/* Without a period: the dates say which, and there may be several. */
static void choose_stretch(struct monitor_args *args)
{
    args->source.is_stretch = args->source.period_id == NULL;
    args->source.from_day = args->has_from ? args->params.from_day : INT32_MIN;
    args->source.to_day = args->has_to ? args->to_date + 1 : INT32_MAX;
}

/* The dates asked for must lie in the periods: elsewhere there would only be noughts. */
static int choose_dates(struct monitor_args *args, const struct session *session, struct err *err)
{
    struct monitoring_params *params = &args->params;
    const struct period_row *period = session->period;

    params->from_day = args->has_from ? params->from_day : period->start_day;
    params->to_day = args->has_to ? args->to_date + 1 : period->end_day;
    if (params->from_day < period->start_day || params->from_day >= period->end_day ||
        params->to_day > period->end_day || params->to_day <= period->start_day) {
        char first[DAY_TEXT_SIZE];
        char last[DAY_TEXT_SIZE];

        return err_set(err, -EINVAL, "%s %s to %s: --from-date and --to-date must lie in that",
            session->stretch_periods > 1 ? "the periods are" : "the period is",
            day_text(period->start_day, first), day_text(period->end_day - 1, last));
    }
    if (params->from_day >= params->to_day) {
        return err_set(err, -EINVAL, "--to-date is before --from-date");
    }
    return 0;
}

static int print(void *user, const char *bytes, size_t size)
{
    return fwrite(bytes, 1, size, user) == size ? 0 : -EIO;
}

static int monitor(struct monitor_args *args, struct session *session, struct err *err)
{
    struct text text = {.drain = print, .user = stdout};
    struct monitoring monitoring = {0};
    struct pay_problem problem = {""};
    int rc = 0;

    choose_stretch(args);
    rc = session_open(session, &args->source, err);
    if (rc == 0) {
        rc = choose_dates(args, session, err);
    }
    if (rc == 0) {
        rc = session_reconcile(session, err);
    }
    if (rc < 0) {
        return rc;
    }
    rc = monitoring_make(&monitoring, &session->input, &args->params, &problem);
    if (rc < 0) {
        return err_set(err, rc, "%s", problem.text[0] != '\0' ? problem.text : err_name(rc));
    }
    args->write(&text, &monitoring, args, session);
    rc = text_drain(&text);
    if (rc == 0 && fflush(stdout) != 0) {
        rc = -EIO;
    }
    if (rc < 0) {
        rc = err_set(err, rc, "the numbers could not be written: %s", err_name(rc));
    }
    text_done(&text);
    monitoring_done(&monitoring);
    return rc;
}

int cmd_monitor(int argc, char **argv)
{
    struct monitor_args args = {
        .source = source_default, .params = monitoring_default_params, .write = write_table};
    struct session session = {0};
    struct err err = {0};
    int rc = 0;

    if (argp_parse(&argp, argc, argv, 0, NULL, &args) != 0) {
        return EXIT_INPUT;
    }
    rc = monitor(&args, &session, &err);
    session_close(&session);
    return cli_report(rc, &err);
}
