/* verify_corrections.c - see verify.h. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "collector/cli/verify.h"
#include "collector/storage/storage.h"

static const char first_link[] = "ecm.v1 corrections";

struct verifying {
    FILE *out;
    struct hash *hash;
    char head[HASH_HEX_SIZE];
    struct dataset dataset;
    int64_t count;
    int faults;
};

static bool is_text(
    const struct verifying *verifying, const json_t *line, const char *key, text_id id)
{
    const char *text = json_string_value(json_object_get(line, key));

    return strcmp(text == NULL ? "" : text, dataset_text(&verifying->dataset, id)) == 0;
}

static bool is_int(const json_t *line, const char *key, int64_t value)
{
    return json_integer_value(json_object_get(line, key)) == value;
}

static const struct amendment_row *find_amendment(const struct verifying *verifying, const char *id)
{
    for (size_t i = 0; i < verifying->dataset.amendments_count; i++) {
        const struct amendment_row *row = &verifying->dataset.amendments[i];

        if (strcmp(dataset_text(&verifying->dataset, row->amend_id), id) == 0) {
            return row;
        }
    }
    return NULL;
}

/* Whether what was signed for is what reconciliation sees. */
static bool has_its_amendment(const struct verifying *verifying, const json_t *line, int64_t seq)
{
    const char *action = json_string_value(json_object_get(line, "action"));
    const char *kind = json_string_value(json_object_get(line, "kind"));
    const struct amendment_row *row = NULL;
    char id[32];

    if (action == NULL) {
        return false;
    }
    if (strcmp(action, "ADD") != 0 && strcmp(action, "VOID") != 0) {
        return true;
    }
    (void)snprintf(id, sizeof id, "C%06lld", (long long)seq);
    row = find_amendment(verifying, id);
    return row != NULL && row->is_void == (strcmp(action, "VOID") == 0) &&
           is_int(line, "created_utc", row->created_utc) &&
           is_text(verifying, line, "person_id", row->person_id) &&
           is_text(verifying, line, "carer_id", row->carer_id) &&
           is_text(verifying, line, "event_id", row->event_id) &&
           is_text(verifying, line, "reason", row->reason_code) &&
           (row->is_void ||
               (kind != NULL && kind[0] == row->kind && is_int(line, "ts_utc", row->ts_utc)));
}

static int check_link(void *user, const struct storage_correction *correction)
{
    struct verifying *verifying = user;
    char hash[HASH_HEX_SIZE];
    json_error_t error;
    json_t *line = json_loads(correction->line, 0, &error);

    hash_add(verifying->hash, verifying->head, strlen(verifying->head));
    hash_add(verifying->hash, "\n", 1);
    hash_add(verifying->hash, correction->line, strlen(correction->line));
    hash_finish(verifying->hash, hash);
    verifying->count++;
    if (strcmp(hash, correction->hash) != 0 || correction->seq != verifying->count ||
        !is_int(line, "seq", correction->seq)) {
        (void)fprintf(
            verifying->out, "correction %lld: the chain breaks here\n", (long long)correction->seq);
        verifying->faults++;
    } else if (!has_its_amendment(verifying, line, correction->seq)) {
        (void)fprintf(verifying->out,
            "correction %lld: its amendment is missing or says something else\n",
            (long long)correction->seq);
        verifying->faults++;
    }
    json_decref(line);
    /* Go on from what is stored, so that one fault is named once. */
    (void)snprintf(verifying->head, sizeof verifying->head, "%s", correction->hash);
    return 0;
}

/* An amendment with the id of a correction that nobody signed for. */
static void check_strays(struct verifying *verifying)
{
    for (size_t i = 0; i < verifying->dataset.amendments_count; i++) {
        const char *id =
            dataset_text(&verifying->dataset, verifying->dataset.amendments[i].amend_id);
        char *end = NULL;
        long long seq = 0;

        if (id[0] != 'C' || strlen(id) < 7) {
            continue;
        }
        seq = strtoll(id + 1, &end, 10);
        if (seq > verifying->count && *end == '\0') {
            (void)fprintf(verifying->out, "amendment %s: nobody signed for it\n", id);
            verifying->faults++;
        }
    }
}

int verify_corrections(struct storage *storage, FILE *out, struct err *err)
{
    const struct storage_filter everything = {0};
    struct verifying verifying = {.out = out, .hash = hash_new()};
    int rc = verifying.hash == NULL ? -ENOMEM : dataset_init(&verifying.dataset);

    (void)snprintf(verifying.head, sizeof verifying.head, "%s", first_link);
    if (rc == 0) {
        rc = storage->ops->load(storage, &everything, &verifying.dataset, err);
    }
    if (rc == 0) {
        rc = storage->ops->corrections(storage, check_link, &verifying);
    }
    if (rc == 0) {
        check_strays(&verifying);
        (void)fprintf(
            out, "corrections: %lld, faults: %d\n", (long long)verifying.count, verifying.faults);
    }
    if (verifying.dataset.texts != NULL) {
        dataset_done(&verifying.dataset);
    }
    hash_free(verifying.hash);
    return rc < 0 ? err_wrap(err, rc, "corrections") : verifying.faults;
}
