/* cmd_reconcile.c - ecm-pay reconcile: put the verdicts of a period into the store's feed. */
#include <argp.h>
#include <stdio.h>

#include "base/err.h"
#include "collector/cli/cli.h"
#include "collector/cli/source_args.h"
#include "collector/cli/verdicts.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct source *source = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = source;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is not an option", arg);
        return 0;
    case ARGP_KEY_END:
        if (source->store == NULL) {
            argp_error(state, "--store FILE is needed: the verdicts go there");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&source_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {.parser = parse,
    .children = children,
    .doc = "Match planned visits with taps and put the verdicts into the payment feed.\v"
           "Rows that did not change keep their version. The collector does the same by itself "
           "for whatever a tap touches."};

static void print_summary(const struct session *session, uint64_t changed)
{
    uint64_t counts[SLOT_STATUS_COUNT] = {0};

    for (size_t i = 0; i < session->result.slots_count; i++) {
        counts[session->result.slots[i].status]++;
    }
    (void)printf("period %s: %zu slots, %llu rows of the feed changed\n",
        dataset_text(&session->dataset, session->period->period_id), session->result.slots_count,
        (unsigned long long)changed);
    for (int status = 0; status < SLOT_STATUS_COUNT; status++) {
        if (counts[status] > 0) {
            (void)printf("  %-12s %8llu\n", slot_status_name((enum slot_status)status),
                (unsigned long long)counts[status]);
        }
    }
    (void)printf("  %-12s %8zu\n", "exceptions", session->result.exceptions_count);
}

static int reconcile(const struct source *source, struct session *session, struct err *err)
{
    struct verdicts verdicts = {0};
    uint64_t changed = 0;
    int rc = session_open(session, source, err);

    if (rc == 0) {
        rc = session_reconcile(session, err);
    }
    if (rc < 0) {
        return rc;
    }
    rc = verdicts_make(&verdicts, session);
    if (rc == 0) {
        rc = session->storage->ops->verdicts_put(session->storage,
            dataset_text(&session->dataset, session->period->period_id), NULL, verdicts.rows,
            verdicts.count, &changed);
    }
    if (rc < 0) {
        rc = err_set(err, rc, "the verdicts could not be stored: %s", err_name(rc));
    } else {
        print_summary(session, changed);
    }
    verdicts_done(&verdicts);
    return rc;
}

int cmd_reconcile(int argc, char **argv)
{
    struct source source = source_default;
    struct session session = {0};
    struct err err = {0};
    int rc = 0;

    if (argp_parse(&argp, argc, argv, 0, NULL, &source) != 0) {
        return EXIT_INPUT;
    }
    rc = reconcile(&source, &session, &err);
    session_close(&session);
    return cli_report(rc, &err);
}
