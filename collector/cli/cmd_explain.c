/* cmd_explain.c - ecm-pay explain: why a visit, a tap or a line of pay came out as it did. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "collector/cli/cli.h"
#include "collector/cli/line_filter.h"
#include "collector/cli/source_args.h"
#include "collector/pay/explain.h"

enum { KEY_LINE = 0x200, KEY_JSON };

struct explain_args {
    struct source source;
    const char *id;   /* of a visit or a tap */
    const char *line; /* or of lines */
    bool is_json;
};

static const struct argp_option options[] = {
    {"line", KEY_LINE, "LINE", 0,
        "Instead of a visit: the lines of pay that fit LINE, a row of lines.csv: "
        "MODEL,PROVIDER,FUNDER,PERSON,WEEK,RATE,KIND,PENCE; what is empty or left out fits all",
        0},
    {"json", KEY_JSON, NULL, 0, "As JSON, for machines", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct explain_args *args = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &args->source;
        return 0;
    case KEY_LINE:
        args->line = arg;
        return 0;
    case KEY_JSON:
        args->is_json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (args->id != NULL) {
            argp_error(state, "one visit or tap at a time, not '%s' too", arg);
        }
        args->id = arg;
        return 0;
    case ARGP_KEY_END:
        if ((args->id == NULL) == (args->line == NULL)) {
            argp_error(state, "say what to explain: either a visit or a tap, or --line LINE");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&source_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {.options = options,
    .parser = parse,
    .children = children,
    .args_doc = "VISIT|TAP",
    .doc = "Say why a visit came out as it did: the taps, what the match cost, what else could "
           "have been, what is paid and by which rule. Of a tap: what became of it, and of the "
           "attendance it is part of. Of a line: which slots and which rounding made its pence.\v"
           "M3, S5 and the like are the rules of docs/RECONCILIATION.md, which also names what "
           "the JSON holds."};

static void begin(struct text *text, const struct explain_args *args, const char *what)
{
    if (args->is_json) {
        text_addf(text, "{\"explains\":\"%s\",\"%ss\":[", what, what);
    }
}

static void end(struct text *text, const struct explain_args *args, const struct session *session)
{
    if (!args->is_json) {
        return;
    }
    text_add_string(text, "],\"period_id\":");
    text_add_json(text, dataset_text(&session->dataset, session->period->period_id));
    text_addf(text, ",\"as_of\":%lld}\n", (long long)session->visits_period.asof_utc);
}

/* All slots of the visit; -ENOENT when it has none. */
static int explain_visit(
    struct text *text, const struct explain_args *args, const struct session *session, text_id id)
{
    int rc = -ENOENT;

    for (size_t i = 0; i < session->result.slots_count; i++) {
        struct slot_explanation slot;
        struct text one = {0};

        if (session->dataset.planned[session->result.slots[i].planned].visit_id != id) {
            continue;
        }
        if (rc == -ENOENT) {
            begin(text, args, "slot");
        } else if (args->is_json) {
            text_add_char(text, ',');
        }
        rc = explain_slot(&session->input, i, &slot);
        if (rc < 0) {
            return rc;
        }
        (args->is_json ? explain_slot_json : explain_slot_words)(&one, &slot);
        text_add(text, one.bytes, one.size);
        text->rc = one.rc < 0 ? one.rc : text->rc;
        text_done(&one);
    }
    if (rc == 0) {
        end(text, args, session);
    }
    return rc;
}

static int explain_one_tap(
    struct text *text, const struct explain_args *args, const struct session *session, text_id id)
{
    struct tap_explanation tap;
    struct text one = {0};
    int rc = explain_tap(&session->input, session->visits_period.asof_utc, id, &tap);

    if (rc < 0 || !tap.trace.is_known) {
        return rc < 0 ? rc : -ENOENT;
    }
    begin(text, args, "tap");
    (args->is_json ? explain_tap_json : explain_tap_words)(&one, &tap);
    text_add(text, one.bytes, one.size);
    text->rc = one.rc < 0 ? one.rc : text->rc;
    text_done(&one);
    end(text, args, session);
    return 0;
}

static int explain_id(struct text *text, const struct explain_args *args,
    const struct session *session, struct err *err)
{
    text_id id = dataset_find(&session->dataset, args->id, strlen(args->id));
    int rc = id == 0 ? -ENOENT : explain_visit(text, args, session, id);

    if (rc == -ENOENT && id != 0) {
        rc = explain_one_tap(text, args, session, id);
    }
    if (rc == -ENOENT) {
        return err_set(err, rc, "there is no visit and no tap '%s' in period %s", args->id,
            dataset_text(&session->dataset, session->period->period_id));
    }
    return rc < 0 ? err_set(err, rc, "out of memory") : 0;
}

static int add_line(struct text *text, const struct explain_args *args,
    const struct session *session, const struct pay_line *line)
{
    struct line_explanation explanation;
    struct text one = {0};
    int rc = explain_line(&session->input, line, &explanation);

    if (rc < 0) {
        return rc;
    }
    (args->is_json ? explain_line_json : explain_line_words)(&one, &explanation);
    text_add(text, one.bytes, one.size);
    rc = one.rc;
    text_done(&one);
    explain_line_done(&explanation);
    return rc;
}

static int explain_lines(struct text *text, const struct explain_args *args,
    const struct session *session, struct err *err)
{
    struct line_filter filter;
    struct pay_lines lines = {0};
    struct pay_problem problem = {""};
    size_t found = 0;
    int rc = line_filter_read(args->line, &filter, err);

    for (const char *model = "ABC"; rc == 0 && *model != '\0'; model++) {
        if (filter.model == '\0' || filter.model == *model) {
            rc = pay_model(&session->input, *model, &lines, &problem);
            rc = rc < 0 ? err_set(err, rc, "model %c: %s", *model,
                              rc == -ENOMEM ? "out of memory" : problem.text)
                        : 0;
        }
    }
    begin(text, args, "line");
    for (size_t i = 0; rc == 0 && i < lines.count; i++) {
        if (line_filter_fits(&filter, &session->dataset, &lines.rows[i])) {
            text_add_string(text, found == 0 ? "" : args->is_json ? "," : "\n");
            found++;
            rc = add_line(text, args, session, &lines.rows[i]);
            rc = rc < 0 ? err_set(err, rc, "out of memory") : 0;
        }
    }
    end(text, args, session);
    pay_lines_done(&lines);
    if (rc == 0 && found == 0) {
        rc = err_set(err, -ENOENT, "no line of period %s fits '%s'",
            dataset_text(&session->dataset, session->period->period_id), args->line);
    }
    return rc;
}

static int explain(struct explain_args *args, struct session *session, struct err *err)
{
    struct text text = {0};
    int rc = session_open(session, &args->source, err);

    if (rc == 0) {
        rc = session_reconcile(session, err);
    }
    if (rc < 0) {
        return rc;
    }
    if (visits_find_overlaps(&session->result) < 0) {
        return err_set(err, -ENOMEM, "out of memory");
    }
    rc = args->line != NULL ? explain_lines(&text, args, session, err)
                            : explain_id(&text, args, session, err);
    if (rc == 0 && text.rc < 0) {
        rc = err_set(err, text.rc, "out of memory");
    }
    if (rc == 0) {
        (void)fwrite(text.bytes, 1, text.size, stdout);
    }
    text_done(&text);
    return rc;
}

int cmd_explain(int argc, char **argv)
{
    struct explain_args args = {.source = source_default};
    struct session session = {0};
    struct err err = {0};
    int rc = 0;

    if (argp_parse(&argp, argc, argv, 0, NULL, &args) != 0) {
        return EXIT_INPUT;
    }
    rc = explain(&args, &session, &err);
    session_close(&session);
    return cli_report(rc, &err);
}
