/* cmd_run.c - ecm-pay run: calculate a payment run and write its files. */
#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/err.h"
#include "base/hash.h"
#include "collector/cli/cli.h"
#include "collector/cli/jobs.h"
#include "collector/cli/outfile.h"
#include "collector/cli/previous_run.h"
#include "collector/cli/run_documents.h"
#include "collector/cli/run_extras.h"
#include "collector/cli/source_args.h"
#include "collector/pay/adjust.h"
#include "collector/pay/inputs.h"
#include "collector/pay/lines.h"
#include "collector/pay/outputs.h"
#include "collector/pay/repair_words.h"

enum { KEY_MODELS = 0x200, KEY_OUT, KEY_PREVIOUS, KEY_CONTRACT, KEY_STATEMENTS, KEY_DELIVERY };
enum { FOLDER_MODE = 0777, PREVIOUS_SIZE_MAX = 256 * 1024 * 1024 };

struct run_args {
    struct source source;
    char models[PAY_MODELS_MAX + 1];
    const char *out;
    const char *previous;
    const char *contract;
    bool has_statements;
    const char *delivery;
};

static const struct argp_option options[] = {
    {"models", KEY_MODELS, "A,B,C", 0, "Payment models to calculate (default: A,B,C)", 0},
    {"out", KEY_OUT, "DIR", 0, "Write the files of the run into DIR; made when not there", 0},
    {"contract", KEY_CONTRACT, "FILE", 0, "Pay under this contract too; see docs/CONTRACTS.md", 0},
    {"statements", KEY_STATEMENTS, NULL, 0,
        "Write a statement for each provider, as text and as HTML to print", 0},
    {"delivery", KEY_DELIVERY, "FILE", 0,
        "Write each provider's service-delivery CSV by this template (with --store)", 0},
    {"previous", KEY_PREVIOUS, "RUN_ID", 0,
        "Post the differences to this earlier run (with --from: the folder of its files)", 0},
    {0},
};

/* "A,C" to "AC"; each known model once, in any order. */
static error_t parse_models(const char *arg, struct run_args *args, struct argp_state *state)
{
    static const char known[] = "ABC";
    bool wanted[PAY_MODELS_MAX] = {false};
    size_t count = 0;

    for (const char *at = arg; *at != '\0'; at += at[1] == ',' ? 2 : 1) {
        const char *found = strchr(known, *at);

        if (found == NULL || (at[1] != ',' && at[1] != '\0') || (at[1] == ',' && at[2] == '\0')) {
            argp_error(state, "--models: '%s' is not a list of A, B and C", arg);
            return EINVAL;
        }
        wanted[found - known] = true;
    }
    for (size_t i = 0; i < PAY_MODELS_MAX; i++) {
        if (wanted[i]) {
            args->models[count++] = known[i];
        }
    }
    args->models[count] = '\0';
    if (count == 0) {
        argp_error(state, "--models: name at least one of A, B and C");
    }
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct run_args *args = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &args->source;
        return 0;
    case KEY_MODELS:
        return parse_models(arg, args, state);
    case KEY_OUT:
        args->out = arg;
        return 0;
    case KEY_PREVIOUS:
        args->previous = arg;
        return 0;
    case KEY_STATEMENTS:
        args->has_statements = true;
        return 0;
    case KEY_DELIVERY:
        args->delivery = arg;
        return 0;
    case KEY_CONTRACT:
        args->contract = arg;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is not an option", arg);
        return EINVAL;
    case ARGP_KEY_END:
        if (args->out == NULL) {
            argp_error(state, "--out DIR is needed");
        }
        if (args->delivery != NULL && args->source.store == NULL) {
            argp_error(state, "--delivery needs --store: it knows which references were used");
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
    .doc = "Calculate a payment run: what was planned, what happened, what is paid.\v"
           "The run's id goes to standard output. The same inputs give the same id and the same "
           "bytes. With --previous, adjustments.csv holds what this run owes to the earlier one."};

/* One run while it is made. */
struct running {
    const struct run_args *args;
    struct session *session;
    struct pay_run run;
    char output_hashes[OUTPUT_COUNT][HASH_HEX_SIZE];
    char input_hashes[INPUT_COUNT][HASH_HEX_SIZE];
    const char *outputs[OUTPUT_COUNT]; /* their hashes; NULL: not written */
    const char *inputs[INPUT_COUNT];
    struct run_files files; /* for the manifest */
    char file_hashes[RUN_FILES_MAX][HASH_HEX_SIZE];
    char run_id[HASH_HEX_SIZE];
    struct output_sums sums;
    struct text lines;
    struct text manifest;
    char *previous_lines; /* NULL: no earlier run */
    struct run_extras extras;
};

/* ---- what is paid ---------------------------------------------------------------------------- */

/* One model of the run: its lines, and where its seconds went. */
struct paying {
    struct running *running;
    size_t index; /* among the models */
    struct pay_lines lines;
};

static int pay(void *user, struct err *err)
{
    struct paying *paying = user;
    struct running *running = paying->running;
    char model = running->run.models[paying->index];
    struct pay_problem problem = {""};
    int rc = pay_model(&running->run.input, model, &paying->lines, &problem);

    if (rc < 0) {
        return err_set(
            err, rc, "model %c: %s", model, rc == -ENOMEM ? "out of memory" : problem.text);
    }
    return run_extras_tally(&running->extras, paying->index, &running->run, &paying->lines, err);
}

static int sum(void *user, struct err *err)
{
    struct running *running = user;

    (void)err;
    running->sums = output_sum(&running->run);
    return 0;
}

/* One model after another, then the contract. Ends the models' own lists. */
static int join_lines(struct running *running, struct paying *payings, struct err *err)
{
    struct pay_lines *lines = &running->run.lines;

    for (size_t i = 0; i < PAY_MODELS_MAX; i++) {
        for (size_t l = 0; l < payings[i].lines.count; l++) {
            if (lines_append(lines, &payings[i].lines.rows[l]) < 0) {
                return err_set(err, -ENOMEM, "out of memory");
            }
        }
        pay_lines_done(&payings[i].lines);
    }
    return run_extras_calculate(&running->extras, running->session, &running->run, err);
}

static int list_lines(void *user, struct err *err)
{
    struct running *running = user;

    adjust_add_lines(&running->lines, &running->run);
    (void)text_end(&running->lines);
    return running->lines.rc < 0 ? err_set(err, running->lines.rc, "out of memory") : 0;
}

/* ---- the files of the engine ----------------------------------------------------------------- */

/* One of outputs[]: written beside the calculation, and named when that went well. */
struct writing {
    struct running *running;
    int index;
    struct outfile outfile;
};

static int write_output(void *user, struct err *err)
{
    struct writing *writing = user;
    struct running *running = writing->running;
    int rc =
        outfile_start(&writing->outfile, running->args->out, outputs[writing->index].file, err);

    if (rc < 0) {
        return rc;
    }
    outputs[writing->index].write(&writing->outfile.text, &running->run);
    return outfile_close(&writing->outfile, running->output_hashes[writing->index], err);
}

static bool is_wanted(const struct running *running, int index)
{
    char model = outputs[index].model;

    return model == 0 || strchr(running->run.models, model) != NULL;
}

static int publish(struct running *running, struct writing *writing, struct err *err)
{
    const int index = writing->index;

    running->outputs[index] = running->output_hashes[index];
    running->files.names[running->files.count] = outputs[index].file;
    running->files.hashes[running->files.count++] = running->output_hashes[index];
    return outfile_publish(&writing->outfile, err);
}

static bool is_wanted_now(const struct running *running, int index, bool shows_lines)
{
    return (outputs[index].model != 0) == shows_lines && is_wanted(running, index);
}

/* The jobs of the outputs that show lines, or of those that do not. Returns how many they are. */
static size_t add_writes(
    struct running *running, struct writing *writings, bool shows_lines, struct job *jobs)
{
    size_t count = 0;

    for (int i = OUTPUT_COUNT; i-- > 0;) { /* slots.csv and sessions.csv first: the longest */
        if (is_wanted_now(running, i, shows_lines)) {
            jobs[count++] = (struct job){.run = write_output, .user = &writings[i]};
        }
    }
    return count;
}

/* Pay, and beside it write what shows no lines, by far the longest files; then what shows them. */
static int pay_and_write(struct running *running, struct writing *writings, struct err *err)
{
    struct paying payings[PAY_MODELS_MAX] = {{.running = NULL}};
    struct job jobs[OUTPUT_COUNT + PAY_MODELS_MAX + 1];
    size_t count = add_writes(running, writings, false, jobs);
    int rc = 0;

    for (size_t i = 0; running->run.models[i] != '\0'; i++) {
        payings[i] = (struct paying){.running = running, .index = i};
        jobs[count++] = (struct job){.run = pay, .user = &payings[i]};
    }
    jobs[count++] = (struct job){.run = sum, .user = running};
    rc = jobs_do(jobs, count, err);
    if (rc == 0) {
        rc = join_lines(running, payings, err);
    }
    for (size_t i = 0; i < PAY_MODELS_MAX; i++) {
        pay_lines_done(&payings[i].lines);
    }
    if (rc == 0) {
        jobs[0] = (struct job){.run = list_lines, .user = running};
        rc = jobs_do(jobs, 1 + add_writes(running, writings, true, &jobs[1]), err);
    }
    return rc;
}

static int calculate_and_write(struct running *running, struct err *err)
{
    struct writing writings[OUTPUT_COUNT];
    int rc = 0;

    (void)memset(writings, 0, sizeof writings);
    for (int i = 0; i < OUTPUT_COUNT; i++) {
        writings[i] = (struct writing){.running = running, .index = i};
    }
    running->run = (struct pay_run){.input = running->session->input,
        .period = &running->session->visits_period,
        .models = running->args->models};
    rc = pay_and_write(running, writings, err);
    for (int i = 0; i < OUTPUT_COUNT; i++) {
        if (rc == 0 && is_wanted(running, i)) {
            rc = publish(running, &writings[i], err);
        } else {
            outfile_drop(&writings[i].outfile);
        }
    }
    return rc;
}

/* ---- what the run saw ------------------------------------------------------------------------ */

struct hashing {
    struct running *running;
    int index; /* of input_tables */
};

static int feed_hash(void *user, const char *bytes, size_t size)
{
    hash_add(user, bytes, size);
    return 0;
}

static int hash_input(void *user, struct err *err)
{
    const struct hashing *hashing = user;
    struct running *running = hashing->running;
    struct hash *hash = hash_new();
    struct text text = {.drain = feed_hash, .user = hash};
    int rc = 0;

    if (hash == NULL) {
        return err_set(err, -ENOMEM, "out of memory");
    }
    input_tables[hashing->index].write(
        &text, &running->session->dataset, running->session->visits_period.asof_utc);
    rc = text_drain(&text);
    hash_finish(hash, running->input_hashes[hashing->index]);
    running->inputs[hashing->index] = running->input_hashes[hashing->index];
    text_done(&text);
    hash_free(hash);
    return rc < 0 ? err_set(err, rc, "out of memory") : 0;
}

/* Reconcile, and beside it hash what is reconciled. */
static int reconcile(struct running *running, struct err *err)
{
    struct hashing hashings[INPUT_COUNT];
    struct job jobs[INPUT_COUNT];

    for (int i = 0; i < INPUT_COUNT; i++) {
        hashings[i] = (struct hashing){.running = running, .index = i};
        jobs[i] = (struct job){.run = hash_input, .user = &hashings[i]};
    }
    return session_reconcile_beside(running->session, jobs, INPUT_COUNT, err);
}

/* The run's id, from the hashes of what it saw. */
static int identify(struct running *running, struct err *err)
{
    struct hash *hash = hash_new();
    struct text text = {.drain = feed_hash, .user = hash};
    int rc = 0;

    if (hash == NULL) {
        return err_set(err, -ENOMEM, "out of memory");
    }
    inputs_add_identity(&text, &running->run, running->inputs);
    rc = text_drain(&text);
    hash_finish(hash, running->run_id);
    text_done(&text);
    hash_free(hash);
    return rc < 0 ? err_set(err, rc, "out of memory") : 0;
}

/* ---- the other files ------------------------------------------------------------------------- */

/* Write text as a file of the run, outside of the manifest. */
static int write_text(const struct running *running, const char *name, const struct text *text,
    char *ret_hex, struct err *err)
{
    struct outfile outfile;
    int rc = outfile_start(&outfile, running->args->out, name, err);

    if (rc < 0) {
        return rc;
    }
    text_add(&outfile.text, text->bytes, text->size);
    outfile.text.rc = text->rc < 0 ? text->rc : outfile.text.rc;
    return outfile_finish(&outfile, ret_hex, err);
}

/* Write text as a file that the manifest vouches for. */
static int write_listed(
    struct running *running, const char *name, const struct text *text, struct err *err)
{
    size_t at = running->files.count;
    int rc = write_text(running, name, text, running->file_hashes[at], err);

    if (rc == 0) {
        running->files.names[at] = name;
        running->files.hashes[at] = running->file_hashes[at];
        running->files.count++;
    }
    return rc;
}

static int write_repairs(struct running *running, struct err *err)
{
    struct text text = {0};
    int rc = 0;

    if (!repair_is_on(&running->run.input.visits_params->repairs)) {
        return 0;
    }
    repair_write(&text, &running->run);
    rc = write_listed(running, "repairs.csv", &text, err);
    text_done(&text);
    return rc;
}

static int write_contract(struct running *running, struct err *err)
{
    struct text lines = {0};
    struct text slots = {0};
    int rc = write_listed(running, "identity.csv", &running->extras.identity, err);

    if (rc == 0 && running->extras.has_contract) {
        compose_add_lines(&lines, &running->extras.composed);
        rc = write_listed(running, "contract_lines.csv", &lines, err);
    }
    if (rc == 0 && running->extras.has_contract) {
        compose_add_slots(&slots, &running->extras.composed);
        rc = write_listed(running, "contract_slots.csv", &slots, err);
    }
    text_done(&lines);
    text_done(&slots);
    return rc;
}

static int write_summaries(struct running *running, struct err *err)
{
    struct text totals = {0};
    struct text adjustments = {0};
    char hex[HASH_HEX_SIZE];
    int rc = 0;

    output_totals(&totals, &running->run, &running->sums, running->outputs);
    rc = write_listed(running, "totals.json", &totals, err);
    if (rc == 0) {
        rc = write_listed(running, "lines.csv", &running->lines, err);
    }
    if (rc == 0) {
        rc = adjust_write(&adjustments, running->previous_lines, running->lines.bytes);
        rc = rc < 0 ? err_set(err, rc, "%s: not the lines of a run", running->args->previous)
                    : write_text(running, "adjustments.csv", &adjustments, hex, err);
    }
    if (rc == 0) {
        inputs_add_manifest(
            &running->manifest, &running->run, running->run_id, running->inputs, &running->files);
        (void)text_end(&running->manifest);
        rc = write_text(running, "manifest.json", &running->manifest, hex, err);
    }
    text_done(&totals);
    text_done(&adjustments);
    return rc;
}

static int get_previous(struct running *running, struct err *err)
{
    const struct session *session = running->session;

    return running->args->previous == NULL
               ? 0
               : previous_run_get(session->storage, running->args->previous,
                     dataset_text(&session->dataset, session->period->period_id),
                     &running->previous_lines, err);
}

static int keep(struct running *running, struct err *err)
{
    struct storage *storage = running->session->storage;
    struct storage_run run = {.asof_utc = running->run.period->asof_utc,
        .created_utc = (int64_t)time(NULL),
        .manifest = running->manifest.bytes,
        .lines = running->lines.bytes};
    int rc = 0;

    if (storage == NULL) {
        return 0;
    }
    (void)memcpy(run.run_id, running->run_id, sizeof run.run_id);
    run.period_id = dataset_text(&running->session->dataset, running->session->period->period_id);
    rc = storage->ops->run_put(storage, &run);
    return rc < 0 ? err_set(err, rc, "the run could not be kept: %s", err_name(rc)) : 0;
}

static int write_documents(struct running *running, struct err *err)
{
    const struct run_documents documents = {.session = running->session,
        .run = &running->run,
        .extras = &running->extras,
        .run_id = running->run_id,
        .out = running->args->out};
    int rc = running->args->has_statements ? documents_write_statements(&documents, err) : 0;

    return rc == 0 && running->args->delivery != NULL
               ? documents_write_deliveries(&documents, running->args->delivery, err)
               : rc;
}

static int make_folder(const char *path, struct err *err)
{
    if (mkdir(path, FOLDER_MODE) == 0 || errno == EEXIST) {
        return 0;
    }
    return err_set(err, -errno, "%s: %s", path, strerrordesc_np(errno));
}

static int make_run(struct running *running, struct err *err)
{
    int (*const steps[])(struct running *, struct err *) = {get_previous, calculate_and_write,
        identify, write_repairs, write_contract, write_summaries, keep, write_documents};
    int rc = run_extras_open(&running->extras, running->args->contract, err);

    if (rc == 0 && running->args->delivery != NULL) {
        rc = documents_check_template(running->args->delivery, err);
    }
    if (rc == 0) {
        rc = session_open(running->session, &running->args->source, err);
    }
    if (rc == 0) {
        run_extras_cut_off(&running->extras, running->session);
        rc = reconcile(running, err);
    }
    if (rc == 0) {
        rc = make_folder(running->args->out, err);
    }
    for (size_t i = 0; rc == 0 && i < sizeof steps / sizeof steps[0]; i++) {
        rc = steps[i](running, err);
    }
    return rc;
}

int cmd_run(int argc, char **argv)
{
    struct run_args args = {.source = source_default, .models = "ABC"};
    struct session session = {0};
    struct running running = {.args = &args, .session = &session};
    struct err err = {0};
    int rc = 0;

    if (argp_parse(&argp, argc, argv, 0, NULL, &args) != 0) {
        return EXIT_INPUT;
    }
    rc = make_run(&running, &err);
    if (rc == 0) {
        (void)fputs(text_end(&running.extras.sentences), stderr);
        (void)printf("run %s\n", running.run_id);
    }
    run_extras_done(&running.extras);
    pay_lines_done(&running.run.lines);
    text_done(&running.lines);
    text_done(&running.manifest);
    free(running.previous_lines);
    session_close(&session);
    return cli_report(rc, &err);
}
