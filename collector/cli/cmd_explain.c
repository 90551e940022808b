/* cmd_explain.c - ecm-pay explain: why a visit came out as it did. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "collector/cli/cli.h"
#include "collector/cli/source_args.h"
#include "collector/pay/explain.h"

struct explain_args {
    struct source source;
    const char *visit_id;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct explain_args *args = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &args->source;
        return 0;
    case ARGP_KEY_ARG:
        if (args->visit_id != NULL) {
            argp_error(state, "one visit at a time");
        }
        args->visit_id = arg;
        return 0;
    case ARGP_KEY_END:
        if (args->visit_id == NULL) {
            argp_error(state, "which visit?");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&source_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {.parser = parse,
    .children = children,
    .args_doc = "VISIT",
    .doc = "Say in words why a visit came out as it did: the taps, what the match cost, what "
           "else could have been, what is paid and by which rule.\v"
           "M3, S5 and the like are the rules of docs/RECONCILIATION.md."};

static int explain(struct explain_args *args, struct session *session, struct err *err)
{
    struct text text = {0};
    bool is_found = false;
    int rc = session_open(session, &args->source, err);

    if (rc == 0) {
        rc = session_reconcile(session, err);
    }
    if (rc < 0) {
        return rc;
    }
    rc = visits_find_overlaps(&session->result);
    for (size_t i = 0; rc == 0 && i < session->result.slots_count; i++) {
        const struct planned_row *planned =
            &session->dataset.planned[session->result.slots[i].planned];

        if (strcmp(dataset_text(&session->dataset, planned->visit_id), args->visit_id) == 0) {
            is_found = true;
            rc = explain_slot(&text, &session->input, i);
        }
    }
    if (rc < 0) {
        rc = err_set(err, rc, "out of memory");
    } else if (!is_found) {
        rc = err_set(err, -ENOENT, "there is no visit '%s' in this period", args->visit_id);
    } else {
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
