/* cmd_verify.c - ecm-verify, and ecm-pay verify: reckon again what is claimed. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "collector/cli/cli.h"
#include "collector/cli/verify.h"
#include "collector/storage/storage_sqlite.h"
#include "collector/storage/storage.h"

enum { KEY_STORE = 0x100 };

struct verify_args {
    const char *store;
    char **folders;
    int folder_count;
};

static const struct argp_option options[] = {
    {"store", KEY_STORE, "FILE", 0,
        "Check corrections and devices' logs of this store, and runs against it", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct verify_args *args = state->input;

    switch (key) {
    case KEY_STORE:
        args->store = arg;
        return 0;
    case ARGP_KEY_ARGS:
        args->folders = state->argv + state->next;
        args->folder_count = state->argc - state->next;
        return 0;
    case ARGP_KEY_END:
        if (args->store == NULL && args->folder_count == 0) {
            argp_error(state, "name a --store, folders of runs, or both");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.options = options,
    .parser = parse,
    .args_doc = "[RUN_FOLDER...]",
    .doc = "Check that nothing was changed afterwards: the chain of corrections, the chain and "
           "signatures of what devices sent, the files of runs against their manifests.\v"
           "Exit status 0 when all is as it should be, 1 when something is not (a line each)."};

static int verify_store(struct storage *storage, struct err *err)
{
    int found = verify_corrections(storage, stdout, err);
    int more = found < 0 ? found : verify_logs(storage, stdout, err);

    return more < 0 ? more : found + more;
}

static int verify(const struct verify_args *args, struct err *err)
{
    struct storage *storage = NULL;
    int faults = 0;

    if (args->store != NULL) {
        faults = storage_sqlite_open(&storage, args->store, STORAGE_SQLITE_MUST_EXIST, err);
        faults = faults < 0 ? faults : verify_store(storage, err);
    }
    for (int i = 0; faults >= 0 && i < args->folder_count; i++) {
        int rc = verify_run(args->folders[i], storage, stdout, err);

        faults = rc < 0 ? rc : faults + rc;
    }
    storage_close(storage);
    return faults;
}

int cmd_verify(int argc, char **argv)
{
    struct verify_args args = {0};
    struct err err = {0};
    int faults = 0;

    if (argp_parse(&argp, argc, argv, 0, NULL, &args) != 0) {
        return EXIT_INPUT;
    }
    faults = verify(&args, &err);
    if (faults > 0) {
        (void)fprintf(stderr, "ecm-verify: %d faults\n", faults);
        return EXIT_FAILED;
    }
    return cli_report(faults, &err);
}
