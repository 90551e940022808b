/* correction_log.c - see correction_log.h. */
#include "collector/corrections/correction_log.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "collector/pay/text.h"

static const char first_link[] = "ecm.v1 corrections";
static const char *const action_names[] = {"ADD", "VOID", "PLAN", "RELEASE", "UNDO"};
enum { ACTION_COUNT = sizeof action_names / sizeof action_names[0] };

const char *correction_action_name(enum correction_action action)
{
    return action_names[action];
}

void correction_amend_id(int64_t seq, char ret_id[static CORRECTION_ID_SIZE])
{
    (void)snprintf(ret_id, CORRECTION_ID_SIZE, "C%06lld", (long long)seq);
}

static void add_text(struct text *text, const char *key, const char *value)
{
    text_addf(text, ",\"%s\":", key);
    text_add_json(text, value);
}

static void add_int(struct text *text, const char *key, int64_t value)
{
    text_addf(text, ",\"%s\":%lld", key, (long long)value);
}

static void compose_line(struct text *text, const struct correction *correction)
{
    const char kind[] = {correction->kind, '\0'};

    text_addf(text, "{\"seq\":%lld", (long long)correction->seq);
    add_int(text, "created_utc", correction->created_utc);
    add_text(text, "action", action_names[correction->action]);
    add_text(text, "who", correction->who);
    add_text(text, "reason", correction->reason);
    add_text(text, "memo", correction->memo);
    switch (correction->action) {
    case CORRECTION_ADD:
        add_text(text, "person_id", correction->person_id);
        add_text(text, "carer_id", correction->carer_id);
        add_text(text, "kind", kind);
        add_int(text, "ts_utc", correction->ts_utc);
        break;
    case CORRECTION_VOID:
        add_text(text, "event_id", correction->event_id);
        break;
    case CORRECTION_PLAN:
        add_text(text, "visit_id", correction->visit_id);
        add_int(text, "start_utc", correction->start_utc);
        add_int(text, "end_utc", correction->end_utc);
        break;
    case CORRECTION_RELEASE:
        add_text(text, "visit_id", correction->visit_id);
        add_int(text, "slot", correction->slot);
        break;
    case CORRECTION_UNDO:
        add_int(text, "undone_seq", correction->undone_seq);
        break;
    }
    text_add_char(text, '}');
}

static int link_line(const char *head, const char *line, char ret_hash[static HASH_HEX_SIZE])
{
    struct hash *hash = hash_new();

    if (hash == NULL) {
        return -ENOMEM;
    }
    head = head[0] == '\0' ? first_link : head;
    hash_add(hash, head, strlen(head));
    hash_add(hash, "\n", 1);
    hash_add(hash, line, strlen(line));
    hash_finish(hash, ret_hash);
    hash_free(hash);
    return 0;
}

/* What is not there stays empty; lines are ours, so what is there fits. */
static void get_text(const json_t *object, const char *key, char *ret_text, size_t size)
{
    const char *text = json_string_value(json_object_get(object, key));

    if (text != NULL) {
        (void)snprintf(ret_text, size, "%s", text);
    }
}

static int64_t get_int(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static bool read_line(const char *line, struct correction *ret_correction)
{
    struct correction *c = ret_correction;
    json_error_t error;
    json_t *object = json_loads(line, 0, &error);
    const char *action = json_string_value(json_object_get(object, "action"));
    const char *kind = json_string_value(json_object_get(object, "kind"));
    int found = 0;

    *c = (struct correction){.seq = get_int(object, "seq"),
        .created_utc = get_int(object, "created_utc"),
        .kind = (kind == NULL ? "" : kind)[0],
        .ts_utc = get_int(object, "ts_utc"),
        .start_utc = get_int(object, "start_utc"),
        .end_utc = get_int(object, "end_utc"),
        .slot = get_int(object, "slot"),
        .undone_seq = get_int(object, "undone_seq")};
    while (action != NULL && found < ACTION_COUNT && strcmp(action, action_names[found]) != 0) {
        found++;
    }
    c->action = (enum correction_action)(found < ACTION_COUNT ? found : 0);
    get_text(object, "who", c->who, sizeof c->who);
    get_text(object, "reason", c->reason, sizeof c->reason);
    get_text(object, "memo", c->memo, sizeof c->memo);
    get_text(object, "person_id", c->person_id, sizeof c->person_id);
    get_text(object, "carer_id", c->carer_id, sizeof c->carer_id);
    get_text(object, "event_id", c->event_id, sizeof c->event_id);
    get_text(object, "visit_id", c->visit_id, sizeof c->visit_id);
    json_decref(object);
    return action != NULL && found < ACTION_COUNT;
}

static int grow(struct corrections *corrections)
{
    size_t capacity = corrections->capacity == 0 ? 16 : corrections->capacity * 2;
    struct correction *rows = NULL;

    if (corrections->count < corrections->capacity) {
        return 0;
    }
    rows = realloc(corrections->rows, capacity * sizeof *rows);
    if (rows == NULL) {
        return -ENOMEM;
    }
    corrections->rows = rows;
    corrections->capacity = capacity;
    return 0;
}

struct reading {
    struct corrections corrections;
    struct err *err;
};

static int take(void *user, const struct storage_correction *stored)
{
    struct reading *reading = user;
    struct corrections *corrections = &reading->corrections;
    struct correction correction;
    char hash[HASH_HEX_SIZE];
    int rc = link_line(corrections->head, stored->line, hash);

    if (rc < 0) {
        return rc;
    }
    if (strcmp(hash, stored->hash) != 0 || !read_line(stored->line, &correction) ||
        correction.seq != (int64_t)corrections->count + 1 || stored->seq != correction.seq) {
        return err_set(reading->err, ECM_ECORRUPT,
            "correction %lld is not what was signed for: the chain breaks there",
            (long long)stored->seq);
    }
    rc = grow(corrections);
    if (rc == 0) {
        corrections->rows[corrections->count++] = correction;
        (void)memcpy(corrections->head, hash, sizeof hash);
    }
    return rc;
}

int corrections_read(struct corrections *ret_corrections, struct storage *storage, struct err *err)
{
    struct reading reading = {.err = err};
    int rc = storage->ops->corrections(storage, take, &reading);

    if (rc < 0) {
        corrections_done(&reading.corrections);
        return rc == ECM_ECORRUPT && err->text[0] != '\0'
                   ? rc
                   : err_set(err, rc, "the corrections could not be read: %s", err_name(rc));
    }
    *ret_corrections = reading.corrections;
    return 0;
}

void corrections_done(struct corrections *corrections)
{
    free(corrections->rows);
    *corrections = (struct corrections){0};
}

int corrections_append(const struct corrections *corrections, struct correction *correction,
    struct storage *storage, struct err *err)
{
    const char kind[] = {correction->kind, '\0'};
    char amend_id[CORRECTION_ID_SIZE];
    char hash[HASH_HEX_SIZE];
    struct correction read_back;
    struct text line = {0};
    struct storage_amendment amendment = {.amend_id = amend_id,
        .created_utc = correction->created_utc,
        .is_void = correction->action == CORRECTION_VOID,
        .person_id = correction->person_id,
        .carer_id = correction->carer_id,
        .kind = kind,
        .ts_utc = correction->ts_utc,
        .event_id = correction->event_id,
        .reason_code = correction->reason};
    bool is_tap = correction->action == CORRECTION_ADD || correction->action == CORRECTION_VOID;
    int rc = 0;

    correction->seq = (int64_t)corrections->count + 1;
    correction_amend_id(correction->seq, amend_id);
    compose_line(&line, correction);
    rc = link_line(corrections->head, text_end(&line), hash);
    if (rc == 0 && line.rc == 0 && !read_line(line.bytes, &read_back)) {
        /* What could not be read again would break the chain for good. */
        text_done(&line);
        return err_set(err, -EINVAL, "a text of the correction is not UTF-8");
    }
    if (rc == 0 && line.rc == 0) {
        const struct storage_correction stored = {
            .seq = correction->seq, .line = line.bytes, .hash = hash};

        rc = storage->ops->correction_append(storage, &stored, is_tap ? &amendment : NULL);
    }
    rc = rc == 0 ? line.rc : rc;
    text_done(&line);
    return rc < 0 ? err_set(err, rc, "the correction could not be kept: %s", err_name(rc)) : 0;
}

bool correction_is_in_force(
    const struct corrections *corrections, const struct correction *correction, int64_t asof_utc)
{
    bool is_in_force = correction->created_utc <= asof_utc;

    for (size_t i = (size_t)correction->seq; is_in_force && i < corrections->count; i++) {
        const struct correction *later = &corrections->rows[i];

        /* An UNDO is final: what was undone by mistake is entered again. */
        if (later->action == CORRECTION_UNDO && later->undone_seq == correction->seq &&
            later->created_utc <= asof_utc) {
            is_in_force = false;
        }
    }
    return is_in_force;
}

static text_id find_id(const struct dataset *dataset, const char *text)
{
    return dataset_find(dataset, text, strlen(text));
}

static void apply_plan(const struct correction *correction, struct dataset *dataset)
{
    text_id visit_id = find_id(dataset, correction->visit_id);

    for (size_t i = 0; visit_id != 0 && i < dataset->planned_count; i++) {
        if (dataset->planned[i].visit_id == visit_id) {
            dataset->planned[i].start_utc = correction->start_utc;
            dataset->planned[i].end_utc = correction->end_utc;
        }
    }
}

/* What a repair proposes for this slot is accepted. */
static void apply_release(const struct correction *correction, struct dataset *dataset)
{
    text_id visit_id = find_id(dataset, correction->visit_id);

    for (size_t i = 0; visit_id != 0 && i < dataset->planned_count; i++) {
        if (dataset->planned[i].visit_id == visit_id && correction->slot >= 1 &&
            correction->slot <= REPAIR_SLOTS_MAX) {
            dataset->planned[i].released_slots |= 1u << (correction->slot - 1);
        }
    }
}

/* The order of what remains is kept: it is part of what a run's id is made of. */
static void remove_amendment(const struct correction *correction, struct dataset *dataset)
{
    char amend_id[CORRECTION_ID_SIZE];
    text_id id = 0;
    size_t kept = 0;

    correction_amend_id(correction->seq, amend_id);
    id = find_id(dataset, amend_id);
    for (size_t i = 0; id != 0 && i < dataset->amendments_count; i++) {
        if (dataset->amendments[i].amend_id != id) {
            dataset->amendments[kept++] = dataset->amendments[i];
        }
    }
    dataset->amendments_count = id != 0 ? kept : dataset->amendments_count;
}

void corrections_apply(
    const struct corrections *corrections, int64_t asof_utc, struct dataset *dataset)
{
    for (size_t i = 0; i < corrections->count; i++) {
        const struct correction *correction = &corrections->rows[i];
        bool is_in_force = correction_is_in_force(corrections, correction, asof_utc);

        if (correction->action == CORRECTION_PLAN && is_in_force) {
            apply_plan(correction, dataset);
        } else if (correction->action == CORRECTION_RELEASE && is_in_force) {
            apply_release(correction, dataset);
        } else if (!is_in_force && (correction->action == CORRECTION_ADD ||
                                       correction->action == CORRECTION_VOID)) {
            remove_amendment(correction, dataset);
        }
    }
}

int corrections_releases(const struct corrections *corrections, int64_t asof_utc,
    const struct dataset *dataset, struct compose_release **ret_releases, size_t *ret_count)
{
    struct compose_release *releases = malloc((corrections->count + 1) * sizeof *releases);
    size_t count = 0;

    if (releases == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < corrections->count; i++) {
        const struct correction *correction = &corrections->rows[i];

        if (correction->action == CORRECTION_RELEASE &&
            correction_is_in_force(corrections, correction, asof_utc)) {
            releases[count++] = (struct compose_release){
                .visit_id = find_id(dataset, correction->visit_id), .slot = (int)correction->slot};
        }
    }
    *ret_releases = releases;
    *ret_count = count;
    return 0;
}
