/* run_extras.c - see run_extras.h. */
#include "collector/cli/run_extras.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "collector/cli/contract_file.h"
#include "collector/pay/lines.h"

enum { DAY_S = 86400 };

int run_extras_open(struct run_extras *extras, const char *path, struct err *err)
{
    FILE *stream = NULL;
    size_t size = 0;
    int rc = 0;

    if (path == NULL) {
        return 0;
    }
    rc = contract_file_read(path, &extras->contract, stderr);
    if (rc < 0) {
        return err_set(err, rc, "%s: the contract is refused", path);
    }
    stream = open_memstream(&extras->contract_text, &size);
    if (stream == NULL) {
        return err_set(err, -errno, "out of memory");
    }
    contract_file_print(&extras->contract, stream);
    if (fclose(stream) != 0) {
        return err_set(err, -ENOMEM, "out of memory");
    }
    extras->has_contract = true;
    return 0;
}

void run_extras_cut_off(const struct run_extras *extras, struct session *session)
{
    int64_t days = extras->has_contract ? extras->contract.words.cut_off_days : 0;
    int64_t last_utc = session->period->end_utc + days * DAY_S;

    if (days > 0 && session->visits_period.asof_utc > last_utc) {
        session->visits_period.asof_utc = last_utc;
    }
}

static int account(struct run_extras *extras, const char *model, const struct pay_tallies *tallies,
    const struct dataset *dataset, struct err *err)
{
    struct pay_problem problem = {""};

    tallies_add_rows(&extras->identity, model, tallies, dataset);
    tallies_add_sentence(&extras->sentences, model, tallies);
    if (!tallies_hold(tallies, dataset, &problem)) {
        return err_set(err, ECM_ECORRUPT, "model %s does not add up: %s", model, problem.text);
    }
    return 0;
}

int run_extras_tally(struct run_extras *extras, size_t index, const struct pay_run *run,
    const struct pay_lines *lines, struct err *err)
{
    struct pay_problem problem = {""};
    int rc = tallies_init(&extras->tallies[index], run->input.dataset);

    if (rc == 0) {
        rc = tally_model(&run->input, run->models[index], lines, &extras->tallies[index], &problem);
    }
    return rc < 0 ? err_set(err, rc, "%s", rc == -ENOMEM ? "out of memory" : problem.text) : 0;
}

/* What a person released is part of what the run is. */
static void add_rules(struct run_extras *extras, const struct dataset *dataset)
{
    text_add_string(&extras->rules, extras->contract_text);
    for (size_t i = 0; i < extras->release_count; i++) {
        text_addf(&extras->rules, "release %s %d\n",
            dataset_text(dataset, extras->releases[i].visit_id), extras->releases[i].slot);
    }
}

static int pay_contract(struct run_extras *extras, struct pay_run *run, struct err *err)
{
    char name[sizeof "contract " + CONTRACT_ID_SIZE];
    struct pay_problem problem = {""};
    int rc = 0;

    add_rules(extras, run->input.dataset);
    run->contract_text = text_end(&extras->rules);
    extras->composed = (struct compose_run){.contract = &extras->contract,
        .input = &run->input,
        .releases = extras->releases,
        .release_count = extras->release_count};
    rc = compose_run(&extras->composed, &problem);
    if (rc < 0) {
        return err_set(err, rc, "contract %s: %s", extras->contract.words.id,
            rc == -ENOMEM ? "out of memory" : problem.text);
    }
    for (size_t i = 0; i < extras->composed.lines.count; i++) {
        if (lines_append(&run->lines, &extras->composed.lines.rows[i]) < 0) {
            return err_set(err, -ENOMEM, "out of memory");
        }
    }
    (void)snprintf(name, sizeof name, "contract %s", extras->contract.words.id);
    return account(extras, name, &extras->composed.tallies, run->input.dataset, err);
}

int run_extras_calculate(
    struct run_extras *extras, struct session *session, struct pay_run *run, struct err *err)
{
    int rc = corrections_releases(&session->corrections, session->visits_period.asof_utc,
        &session->dataset, &extras->releases, &extras->release_count);

    if (rc < 0) {
        return err_set(err, rc, "out of memory");
    }
    tallies_add_header(&extras->identity);
    for (size_t i = 0; rc == 0 && run->models[i] != '\0'; i++) {
        const char model[] = {run->models[i], '\0'};

        rc = account(extras, model, &extras->tallies[i], run->input.dataset, err);
    }
    if (rc == 0 && extras->has_contract) {
        rc = pay_contract(extras, run, err);
    }
    if (rc == 0 && (extras->identity.rc < 0 || extras->sentences.rc < 0 || extras->rules.rc < 0)) {
        rc = err_set(err, -ENOMEM, "out of memory");
    }
    return rc;
}

void run_extras_done(struct run_extras *extras)
{
    for (size_t i = 0; i < PAY_MODELS_MAX; i++) {
        tallies_done(&extras->tallies[i]);
    }
    compose_run_done(&extras->composed);
    text_done(&extras->identity);
    text_done(&extras->sentences);
    text_done(&extras->rules);
    free(extras->contract_text);
    free(extras->releases);
    *extras = (struct run_extras){0};
}
