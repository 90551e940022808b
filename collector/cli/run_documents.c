/* run_documents.c - see run_documents.h. */
#include "collector/cli/run_documents.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "collector/cli/outfile.h"
#include "collector/pay/delivery.h"
#include "collector/pay/statement.h"

static void add_safe(struct text *name, const char *id)
{
    for (const char *at = id; *at != '\0'; at++) {
        if (isalnum((unsigned char)*at) != 0 || strchr("._-", *at) != NULL) {
            text_add_char(name, *at);
        } else {
            text_addf(name, "%%%02X", (unsigned)(unsigned char)*at);
        }
    }
}

/* One document: "kind_ID.suffix". */
static int write_document(const struct run_documents *documents, const char *kind, const char *id,
    const char *suffix, const struct text *text, struct err *err)
{
    struct text name = {0};
    struct outfile outfile;
    int rc = 0;

    text_addf(&name, "%s_", kind);
    add_safe(&name, id);
    text_addf(&name, ".%s", suffix);
    (void)text_end(&name);
    if (name.rc < 0 || text->rc < 0) {
        rc = err_set(err, -ENOMEM, "out of memory");
    } else {
        rc = outfile_start(&outfile, documents->out, name.bytes, err);
    }
    if (rc == 0) {
        char hex[HASH_HEX_SIZE];

        text_add(&outfile.text, text->bytes, text->size);
        rc = outfile_finish(&outfile, hex, err);
    }
    text_done(&name);
    return rc;
}

static int write_statement(
    const struct run_documents *documents, struct statement *statement, struct err *err)
{
    const char *id = dataset_text(documents->run->input.dataset, statement->provider_id);
    struct text plain = {0};
    struct text html = {0};
    int rc = 0;

    statement_add_text(&plain, statement);
    statement_add_html(&html, statement);
    rc = write_document(documents, "statement", id, "txt", &plain, err);
    if (rc == 0) {
        rc = write_document(documents, "statement", id, "html", &html, err);
    }
    text_done(&plain);
    text_done(&html);
    return rc;
}

int documents_write_statements(const struct run_documents *documents, struct err *err)
{
    const struct run_extras *extras = documents->extras;
    const struct pay_params *params = documents->run->input.params;
    const struct pay_tallies *tallies =
        extras->has_contract ? &extras->composed.tallies : &extras->tallies[0];
    char model = 'K';
    char rule[64];
    int rc = 0;

    if (!extras->has_contract) {
        model = documents->run->models[0];
    }
    if (extras->has_contract) {
        (void)snprintf(rule, sizeof rule, "contract %s/%lld", extras->contract.words.id,
            (long long)extras->contract.words.version);
    } else if (model == 'A') {
        (void)snprintf(rule, sizeof rule, "%s/%d", params->rule_a_id, params->rule_a_version);
    } else if (model == 'B') {
        (void)snprintf(rule, sizeof rule, "%s/%d", params->rule_b_id, params->rule_b_version);
    } else {
        (void)snprintf(rule, sizeof rule, "%s/%d", params->rule_c_id, params->rule_c_version);
    }
    for (size_t i = 0; rc == 0 && i < tallies->count; i++) {
        struct statement statement = {.run = documents->run,
            .run_id = documents->run_id,
            .provider_id = tallies->rows[i].provider_id,
            .model = model,
            .rule = rule,
            .tally = &tallies->rows[i],
            .composed = extras->has_contract ? &extras->composed : NULL};

        rc = write_statement(documents, &statement, err);
    }
    return rc;
}

/* The whole file, ended by zero. */
static int read_file(const char *path, char **ret_bytes, struct err *err)
{
    FILE *file = fopen(path, "rbe");
    size_t size = 0;
    int rc = 0;

    if (file == NULL) {
        return err_set(err, -errno, "%s: %s", path, strerrordesc_np(errno));
    }
    if (getdelim(ret_bytes, &size, '\0', file) < 0) {
        rc = err_set(err, ECM_EFORMAT, "%s: empty", path);
    }
    (void)fclose(file); /* opened for reading: nothing can be lost */
    return rc;
}

static int write_delivery(const struct run_documents *documents,
    const struct delivery_template *columns, text_id provider_id, struct err *err)
{
    const char *id = dataset_text(documents->run->input.dataset, provider_id);
    struct storage *storage = documents->session->storage;
    struct pay_problem problem = {""};
    struct text used_for = {0};
    struct text text = {0};
    char reference[32];
    int64_t number = 0;
    int rc = 0;

    text_addf(&used_for, "run %s provider %s", documents->run_id, id);
    rc = storage->ops->reference_take(storage, text_end(&used_for), (int64_t)time(NULL), &number);
    if (rc < 0) {
        (void)err_set(err, rc, "no file reference could be taken: %s", err_name(rc));
    } else {
        const struct delivery delivery = {.run = documents->run,
            .columns = columns,
            .provider_id = provider_id,
            .file_reference = reference};

        (void)snprintf(reference, sizeof reference, "ECM%08lld", (long long)number);
        rc = delivery_add(&text, &delivery, &problem);
        rc = rc < 0 ? err_set(err, rc, "%s", rc == -ENOMEM ? "out of memory" : problem.text)
                    : write_document(documents, "delivery", id, "csv", &text, err);
    }
    text_done(&used_for);
    text_done(&text);
    return rc;
}

/* *ret_bytes is the caller's to free, also on failure; the columns borrow it. */
static int read_template(
    const char *path, char **ret_bytes, struct delivery_template *ret_columns, struct err *err)
{
    struct text problems = {0};
    int rc = read_file(path, ret_bytes, err);

    if (rc == 0 && delivery_read(*ret_bytes, ret_columns, &problems) > 0) {
        char *at = NULL;

        (void)text_end(&problems);
        at = problems.bytes;
        for (char *line = strsep(&at, "\n"); line != NULL && *line != '\0';
             line = strsep(&at, "\n")) {
            (void)fprintf(stderr, "%s:%s\n", path, line);
        }
        rc = err_set(err, ECM_EFORMAT, "%s: the template is refused", path);
    }
    text_done(&problems);
    return rc;
}

int documents_check_template(const char *path, struct err *err)
{
    struct delivery_template columns;
    char *bytes = NULL;
    int rc = read_template(path, &bytes, &columns, err);

    free(bytes);
    return rc;
}

int documents_write_deliveries(
    const struct run_documents *documents, const char *path, struct err *err)
{
    const struct dataset *dataset = documents->run->input.dataset;
    struct delivery_template columns;
    char *bytes = NULL;
    int rc = read_template(path, &bytes, &columns, err);

    for (size_t i = 0; rc == 0 && i < dataset->providers_count; i++) {
        rc = write_delivery(documents, &columns, dataset->providers[i].provider_id, err);
    }
    free(bytes);
    return rc;
}
