/* cmd_import.c - ecm-pay import: the files of a folder into a store. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"
#include "collector/cli/cli.h"
#include "collector/cli/progress.h"
#include "collector/cli/session.h"
#include "collector/import/import.h"

enum { KEY_STORE = 0x100 };

struct import_args {
    const char *path;
    const char *store;
};

static const struct argp_option options[] = {
    {"store", KEY_STORE, "FILE", 0, "The store to import into; made when it is not there", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct import_args *args = state->input;

    switch (key) {
    case KEY_STORE:
        args->store = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (args->path != NULL) {
            argp_error(state, "one folder or file at a time");
        }
        args->path = arg;
        return 0;
    case ARGP_KEY_END:
        if (args->path == NULL || args->store == NULL) {
            argp_error(state, "what to import and --store FILE are needed");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.options = options,
    .parser = parse,
    .args_doc = "DIR|FILE",
    .doc = "Take the files of a period (period.csv, planned.csv, events.csv ...) into a store.\v"
           "Everything lands, or nothing: the first bad row is named with its file, line and "
           "column. Importing the same files again changes nothing."};

static int import(const struct import_args *args, struct session *session, struct err *err)
{
    struct progress progress = progress_start("reading");
    const struct import_watch watch = {
        .notice = progress_notice, .progress = progress_show, .user = &progress};
    struct storage_import_counts counts = {0};
    int rc = dataset_init(&session->dataset);

    if (rc < 0) {
        return err_set(err, rc, "out of memory");
    }
    rc = import_path(args->path, false, &watch, &session->dataset, err);
    progress_end(&progress);
    if (rc < 0) {
        return rc;
    }
    rc = session_open_store(session, args->store, false, err);
    if (rc < 0) {
        return rc;
    }
    rc = session->storage->ops->import(
        session->storage, &session->dataset, (int64_t)time(NULL), &counts, err);
    if (rc == 0) {
        (void)printf("%llu rows added, %llu changed, %llu as they were\n",
            (unsigned long long)counts.added, (unsigned long long)counts.changed,
            (unsigned long long)counts.unchanged);
    }
    return rc;
}

int cmd_import(int argc, char **argv)
{
    struct import_args args = {0};
    struct session session = {0};
    struct err err = {0};
    int rc = 0;

    if (argp_parse(&argp, argc, argv, 0, NULL, &args) != 0) {
        return EXIT_INPUT;
    }
    rc = import(&args, &session, &err);
    session_close(&session);
    return cli_report(rc, &err);
}
