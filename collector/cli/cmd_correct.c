/* cmd_correct.c - ecm-pay correct: sign for a correction; see correction_log.h. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "collector/cli/cli.h"
#include "collector/cli/instant.h"
#include "collector/cli/contract_file.h"
#include "collector/cli/correction_check.h"
#include "collector/cli/source_args.h"
#include "collector/pay/contract.h"

enum {
    KEY_WHO = 0x200,
    KEY_REASON,
    KEY_MEMO,
    KEY_PERSON,
    KEY_CARER,
    KEY_KIND,
    KEY_AT,
    KEY_EVENT,
    KEY_VISIT,
    KEY_SLOT,
    KEY_START,
    KEY_END,
    KEY_NUMBER,
    KEY_CONTRACT
};

struct correct_args {
    struct source source;
    const char *action; /* add, void, plan, release, undo, list */
    struct correction correction;
    const char *contract;
};

static const struct argp_option options[] = {
    {"who", KEY_WHO, "NAME", 0, "Who signs for it", 0},
    {"reason", KEY_REASON, "CODE", 0, "Reason code", 0},
    {"memo", KEY_MEMO, "TEXT", 0, "Why, in words", 0},
    {"person", KEY_PERSON, "ID", 0, "add: at whose home", 0},
    {"carer", KEY_CARER, "ID", 0, "add: whose tap", 0},
    {"kind", KEY_KIND, "I|O", 0, "add: arriving or leaving", 0},
    {"at", KEY_AT, "INSTANT", 0, "add: when; 2021-03-28T07:00:00Z or seconds since 1970", 0},
    {"event", KEY_EVENT, "ID", 0, "void: the tap that does not count", 0},
    {"visit", KEY_VISIT, "ID", 0, "plan, release: the visit", 0},
    {"slot", KEY_SLOT, "N", 0, "release: which carer's part (default: 1)", 0},
    {"start", KEY_START, "INSTANT", 0, "plan: the new start", 0},
    {"end", KEY_END, "INSTANT", 0, "plan: the new end", 0},
    {"number", KEY_NUMBER, "N", 0, "undo: the correction that no longer counts", 0},
    {"contract", KEY_CONTRACT, "FILE", 0,
        "Refuse what this contract does not allow (edits.may = shrink)", 0},
    {0},
};

static const char *const action_words[] = {"add", "void", "plan", "release", "undo", "list", NULL};

static bool copy(char *place, size_t size, const char *arg)
{
    size_t length = strlen(arg);

    if (length == 0 || length >= size) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)arg[i] < 0x20) {
            return false;
        }
    }
    (void)memcpy(place, arg, length + 1);
    return true;
}

static bool read_count(const char *arg, int64_t *ret_count)
{
    char *end = NULL;

    errno = 0;
    *ret_count = strtoll(arg, &end, 10);
    return errno == 0 && end != arg && *end == '\0' && *ret_count >= 1;
}

static bool take_option(int key, const char *arg, struct correction *c)
{
    switch (key) {
    case KEY_WHO:
        return copy(c->who, sizeof c->who, arg);
    case KEY_REASON:
        return copy(c->reason, sizeof c->reason, arg);
    case KEY_MEMO:
        return copy(c->memo, sizeof c->memo, arg);
    case KEY_PERSON:
        return copy(c->person_id, sizeof c->person_id, arg);
    case KEY_CARER:
        return copy(c->carer_id, sizeof c->carer_id, arg);
    case KEY_KIND:
        c->kind = arg[0];
        return strcmp(arg, "I") == 0 || strcmp(arg, "O") == 0;
    case KEY_AT:
        return instant_read(arg, &c->ts_utc);
    case KEY_EVENT:
        return copy(c->event_id, sizeof c->event_id, arg);
    case KEY_VISIT:
        return copy(c->visit_id, sizeof c->visit_id, arg);
    case KEY_SLOT:
        return read_count(arg, &c->slot);
    case KEY_START:
        return instant_read(arg, &c->start_utc);
    case KEY_END:
        return instant_read(arg, &c->end_utc);
    case KEY_NUMBER:
        return read_count(arg, &c->undone_seq);
    default:
        return false;
    }
}

/* What the action needs; NULL when nothing is missing. */
static const char *find_missing(const struct correct_args *args)
{
    const struct correction *c = &args->correction;

    if (c->who[0] == '\0' || c->reason[0] == '\0' || c->memo[0] == '\0') {
        return "a correction needs --who, --reason and --memo";
    }
    switch (c->action) {
    case CORRECTION_ADD:
        return c->person_id[0] != '\0' && c->carer_id[0] != '\0' && c->kind != '\0' && c->ts_utc > 0
                   ? NULL
                   : "add needs --person, --carer, --kind and --at";
    case CORRECTION_VOID:
        return c->event_id[0] != '\0' ? NULL : "void needs --event";
    case CORRECTION_PLAN:
        return c->visit_id[0] != '\0' && c->start_utc > 0 && c->end_utc > 0
                   ? NULL
                   : "plan needs --visit, --start and --end";
    case CORRECTION_RELEASE:
        return c->visit_id[0] != '\0' ? NULL : "release needs --visit";
    case CORRECTION_UNDO:
        return c->undone_seq > 0 ? NULL : "undo needs --number";
    }
    return NULL;
}

static error_t finish(struct correct_args *args, struct argp_state *state)
{
    const char *missing = NULL;
    int action = 0;

    while (args->action != NULL && action_words[action] != NULL &&
           strcmp(args->action, action_words[action]) != 0) {
        action++;
    }
    if (args->action == NULL || action_words[action] == NULL) {
        argp_error(state, "say add, void, plan, release, undo or list");
    } else if (args->source.store == NULL) {
        argp_error(state, "--store FILE is needed: corrections are kept there");
    } else if (strcmp(args->action, "list") != 0) {
        args->correction.action = (enum correction_action)action;
        missing = find_missing(args);
        if (missing != NULL) {
            argp_error(state, "%s", missing);
        }
    }
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct correct_args *args = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &args->source;
        return 0;
    case ARGP_KEY_ARG:
        if (args->action != NULL) {
            argp_error(state, "'%s' is one argument too many", arg);
        }
        args->action = arg;
        return 0;
    case ARGP_KEY_END:
        return finish(args, state);
    case KEY_CONTRACT:
        args->contract = arg;
        return 0;
    default:
        if (key < KEY_WHO || key > KEY_NUMBER) {
            return ARGP_ERR_UNKNOWN;
        }
        if (!take_option(key, arg, &args->correction)) {
            argp_error(state, "'%s' is not what this option takes; see --help", arg);
        }
        return 0;
    }
}

static const struct argp_child children[] = {{&source_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {.options = options,
    .parser = parse,
    .children = children,
    .args_doc = "add|void|plan|release|undo|list",
    .doc = "Lay a correction over what was tapped or planned. Nothing is changed or removed: who, "
           "when, why and a memo are appended to a chain that ecm-verify checks.\v"
           "A run as of X sees the corrections made up to X."};

static void print_list(const struct corrections *corrections)
{
    for (size_t i = 0; i < corrections->count; i++) {
        const struct correction *c = &corrections->rows[i];
        char when[INSTANT_TEXT_SIZE];

        (void)printf("%lld  %s  %s  %s  %s  %s%s%s%s%s\n", (long long)c->seq,
            instant_text(c->created_utc, when), correction_action_name(c->action), c->who,
            c->reason, c->memo, c->visit_id[0] != '\0' ? "  visit " : "", c->visit_id,
            c->event_id[0] != '\0' ? "  tap " : "", c->event_id);
    }
}

static int check_contract(const struct correct_args *args, struct session *session, struct err *err)
{
    struct contract contract;
    int rc = 0;

    if (args->contract == NULL) {
        return 0;
    }
    rc = contract_file_read(args->contract, &contract, stderr);
    if (rc < 0) {
        return err_set(err, rc, "%s: the contract is refused", args->contract);
    }
    return contract.words.edits == EDITS_SHRINK
               ? correction_check_shrinks(session, &args->correction, err)
               : 0;
}

static int correct(struct correct_args *args, struct session *session, struct err *err)
{
    struct corrections corrections = {0};
    int rc = session_open(session, &args->source, err);

    if (rc == 0) {
        rc = corrections_read(&corrections, session->storage, err);
    }
    if (rc == 0 && strcmp(args->action, "list") == 0) {
        print_list(&corrections);
    } else if (rc == 0) {
        args->correction.created_utc = (int64_t)time(NULL);
        args->correction.slot = args->correction.slot == 0 ? 1 : args->correction.slot;
        rc = correction_check(session, &corrections, &args->correction, err);
        if (rc == 0) {
            rc = check_contract(args, session, err);
        }
        if (rc == 0) {
            rc = corrections_append(&corrections, &args->correction, session->storage, err);
        }
        if (rc == 0) {
            (void)printf("correction %lld\n", (long long)args->correction.seq);
        }
    }
    corrections_done(&corrections);
    return rc;
}

int cmd_correct(int argc, char **argv)
{
    struct correct_args args = {.source = source_default};
    struct session session = {0};
    struct err err = {0};
    int rc = 0;

    if (argp_parse(&argp, argc, argv, 0, NULL, &args) != 0) {
        return EXIT_INPUT;
    }
    rc = correct(&args, &session, &err);
    session_close(&session);
    return cli_report(rc, &err);
}
