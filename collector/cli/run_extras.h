/*
 * run_extras.h - what a run makes besides the models: the lines of a contract, and the check that
 * every planned second is accounted for.
 *
 * Ownership: run_extras_done() frees; a zeroed struct is allowed.
 */
#ifndef ECM_COLLECTOR_CLI_RUN_EXTRAS_H
#define ECM_COLLECTOR_CLI_RUN_EXTRAS_H

#include "collector/cli/session.h"
#include "collector/pay/compose_run.h"
#include "collector/pay/outputs.h"

enum { PAY_MODELS_MAX = 3 };

struct run_extras {
    bool has_contract;
    struct contract contract;
    char *contract_text; /* as a file; NULL without a contract */
    struct text rules;   /* that and the releases: what the run's id has to know */
    struct compose_release *releases;
    size_t release_count;
    struct compose_run composed;
    struct pay_tallies tallies[PAY_MODELS_MAX]; /* of each model, in their order */
    struct text identity;                       /* identity.csv */
    struct text sentences;                      /* the same for a person */
};

/* Read the contract at path. ECM_ECONFIG: refused, each problem is a line on standard error. */
int run_extras_open(struct run_extras *extras, const char *path, struct err *err);

/* Move the session's as-of to the contract's cut-off when that is earlier. */
void run_extras_cut_off(const struct run_extras *extras, struct session *session);

/*
 * Tally the model that comes as number index among those of the run, from its lines: into
 * extras->tallies[index], so models can be tallied side by side. Not yet whether it adds up.
 */
int run_extras_tally(struct run_extras *extras, size_t index, const struct pay_run *run,
    const struct pay_lines *lines, struct err *err);

/*
 * With every model tallied: pay the period under the contract, add its lines to run, and account for every second of every
 * model. ECM_ECORRUPT when a sum does not come out: then nothing may be paid.
 */
int run_extras_calculate(
    struct run_extras *extras, struct session *session, struct pay_run *run, struct err *err);

void run_extras_done(struct run_extras *extras);

#endif
