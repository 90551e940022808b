/* cmd_feed.c - ecm-pay feed: the payment feed as CSV or JSON Lines. */
#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "collector/cli/cli.h"
#include "collector/cli/source_args.h"
#include "collector/cli/verdicts.h"
#include "collector/pay/feed.h"

enum { KEY_FORMAT = 0x200, KEY_SINCE };
enum feed_format { FORMAT_CSV, FORMAT_JSONL };

struct feed_args {
    struct source source;
    enum feed_format format;
    uint64_t since;
};

static const struct argp_option options[] = {
    {"format", KEY_FORMAT, "csv|jsonl", 0, "How to print it (default: jsonl)", 0},
    {"since", KEY_SINCE, "N", 0, "Only rows with a version above N: the last one you have", 0},
    {0},
};

static error_t parse_since(const char *arg, struct feed_args *args, struct argp_state *state)
{
    char *end = NULL;

    errno = 0;
    args->since = strtoull(arg, &end, 10);
    if (errno != 0 || end == arg || *end != '\0' || arg[0] == '-') {
        argp_error(state, "--since: '%s' is not a version", arg);
    }
    return 0;
}

static error_t parse_format(const char *arg, struct feed_args *args, struct argp_state *state)
{
    if (strcmp(arg, "csv") == 0) {
        args->format = FORMAT_CSV;
    } else if (strcmp(arg, "jsonl") == 0) {
        args->format = FORMAT_JSONL;
    } else {
        argp_error(state, "--format: '%s' is neither csv nor jsonl", arg);
    }
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct feed_args *args = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &args->source;
        return 0;
    case KEY_FORMAT:
        return parse_format(arg, args, state);
    case KEY_SINCE:
        return parse_since(arg, args, state);
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
    .doc = "Print the payment feed, one row a slot.\v"
           "From a store: what was last reconciled, in order of version; poll with --since and "
           "the greatest version you have seen. A withdrawn row was in the feed and no longer "
           "counts. With --from the rows are made on the spot and have version 0."};

/* {"version":7,"period_id":"R1","withdrawn":false, and then the row as it is stored. */
static void add_jsonl(struct text *text, const struct storage_verdict *verdict)
{
    text_addf(text, "{\"version\":%llu,\"period_id\":", (unsigned long long)verdict->version);
    text_add_json(text, verdict->period_id);
    text_addf(text, ",\"withdrawn\":%s,", verdict->withdrawn ? "true" : "false");
    text_add_string(text, verdict->line + 1);
    text_add_char(text, '\n');
}

/* {"late":1260,"manual":0} as late=1260|manual=0. */
static void add_flags(struct text *text, json_t *flags)
{
    const char *separator = "";
    const char *key = NULL;
    json_t *value = NULL;

    json_object_foreach(flags, key, value)
    {
        text_addf(text, "%s%s=%" JSON_INTEGER_FORMAT, separator, key, json_integer_value(value));
        separator = "|";
    }
}

static void add_value(struct text *text, json_t *value)
{
    if (json_is_string(value)) {
        text_add_csv(text, json_string_value(value), json_string_length(value));
    } else if (json_is_integer(value)) {
        text_add_int(text, json_integer_value(value));
    } else if (json_is_object(value)) {
        add_flags(text, value);
    }
}

static int add_csv(struct text *text, const struct storage_verdict *verdict)
{
    json_error_t error;
    json_t *row = json_loads(verdict->line, 0, &error);

    if (row == NULL) {
        return ECM_ECORRUPT;
    }
    text_addf(text, "%llu,", (unsigned long long)verdict->version);
    text_add_csv(text, verdict->period_id, strlen(verdict->period_id));
    text_addf(text, ",%d", verdict->withdrawn ? 1 : 0);
    for (int i = 0; i < FEED_COLUMN_COUNT; i++) {
        text_add_char(text, ',');
        add_value(text, json_object_get(row, feed_columns[i]));
    }
    text_add_char(text, '\n');
    json_decref(row);
    return 0;
}

struct printing {
    enum feed_format format;
    struct text text;
    size_t count;
};

static int print_row(void *user, const struct storage_verdict *verdict)
{
    struct printing *printing = user;
    int rc = 0;

    printing->count++;
    if (printing->format == FORMAT_CSV) {
        rc = add_csv(&printing->text, verdict);
    } else {
        add_jsonl(&printing->text, verdict);
    }
    return rc < 0 ? rc : printing->text.rc;
}

static int to_stdout(void *user, const char *bytes, size_t size)
{
    (void)user;
    return fwrite(bytes, 1, size, stdout) == size ? 0 : -EIO;
}

static void print_header(struct printing *printing)
{
    if (printing->format == FORMAT_CSV) {
        text_add_string(&printing->text, "version,period_id,withdrawn");
        for (int i = 0; i < FEED_COLUMN_COUNT; i++) {
            text_addf(&printing->text, ",%s", feed_columns[i]);
        }
        text_add_char(&printing->text, '\n');
    }
}

static int print_from_files(const struct source *source, struct session *session,
    struct printing *printing, struct err *err)
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
        rc = print_row(printing, &verdicts.rows[i]);
    }
    verdicts_done(&verdicts);
    return rc;
}

static int print_feed(const struct feed_args *args, struct session *session, struct err *err)
{
    struct printing printing = {.format = args->format, .text = {.drain = to_stdout}};
    int rc = 0;

    print_header(&printing);
    if (args->source.from != NULL) {
        rc = print_from_files(&args->source, session, &printing, err);
    } else {
        rc = session_open_store(session, args->source.store, true, err);
        if (rc == 0) {
            rc = session->storage->ops->verdicts(
                session->storage, args->source.period_id, args->since, print_row, &printing);
        }
        if (rc == 0 && args->since == 0 && printing.count == 0) {
            (void)fputs(
                "ecm-pay: the feed is empty: the collector fills it, or ecm-pay reconcile\n",
                stderr);
        }
    }
    if (rc == 0) {
        rc = text_drain(&printing.text);
    }
    if (rc == 0 && fflush(stdout) != 0) {
        rc = -errno;
    }
    text_done(&printing.text);
    if (rc < 0 && err->text[0] == '\0') {
        (void)err_set(err, rc, "the feed could not be printed: %s", err_name(rc));
    }
    return rc;
}

int cmd_feed(int argc, char **argv)
{
    struct feed_args args = {.source = source_default, .format = FORMAT_JSONL};
    struct session session = {0};
    struct err err = {0};
    int rc = 0;

    if (argp_parse(&argp, argc, argv, 0, NULL, &args) != 0) {
        return EXIT_INPUT;
    }
    rc = print_feed(&args, &session, &err);
    session_close(&session);
    return cli_report(rc, &err);
}
