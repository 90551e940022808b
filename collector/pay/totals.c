/*
 * totals.c - totals.json; see outputs.h.
 *
 * Keys are in the order of their bytes, one space of indent a level: the form in which such
 * totals can be compared with a plain diff.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/pay/outputs.h"

enum { MINUTE_S = 60, LATE_S = 1800 };

/* The open end of an object: what separates the next key from the one before. */
struct object {
    struct text *text;
    int depth;
    bool has_keys;
};

static void add_key(struct object *object, const char *key)
{
    text_add_string(object->text, object->has_keys ? ",\n" : "\n");
    for (int i = 0; i < object->depth; i++) {
        text_add_char(object->text, ' ');
    }
    text_add_json(object->text, key);
    text_add_string(object->text, ": ");
    object->has_keys = true;
}

static void add_int(struct object *object, const char *key, int64_t value)
{
    add_key(object, key);
    text_add_int(object->text, value);
}

static struct object open_object(struct object *parent, const char *key)
{
    add_key(parent, key);
    text_add_char(parent->text, '{');
    return (struct object){.text = parent->text, .depth = parent->depth + 1};
}

static void close_object(struct object *object)
{
    if (object->has_keys) {
        text_add_char(object->text, '\n');
        for (int i = 0; i < object->depth - 1; i++) {
            text_add_char(object->text, ' ');
        }
    }
    text_add_char(object->text, '}');
}

/* A provider's and a funder's part of a model. */
struct part {
    const struct pay_line *line;
    int64_t pence;
};

static int compare_parts(const void *left, const void *right, void *dataset)
{
    const struct part *a = left;
    const struct part *b = right;
    int order = dataset_compare(dataset, a->line->provider_id, b->line->provider_id);

    return order != 0 ? order : dataset_compare(dataset, a->line->funder, b->line->funder);
}

static size_t gather_parts(const struct pay_run *run, char model, struct part *parts)
{
    size_t count = 0;

    for (size_t i = 0; i < run->lines.count; i++) {
        const struct pay_line *line = &run->lines.rows[i];
        size_t at = count;

        if (line->model != model) {
            continue;
        }
        while (at > 0 && (parts[at - 1].line->provider_id != line->provider_id ||
                             parts[at - 1].line->funder != line->funder)) {
            at--;
        }
        if (at == 0) {
            parts[count++] = (struct part){.line = line, .pence = line->pence};
        } else {
            parts[at - 1].pence += line->pence;
        }
    }
    return count;
}

static void add_parts(struct object *root, const struct pay_run *run, char model)
{
    const struct dataset *dataset = run->input.dataset;
    char key[] = {model, '_', 'b', 'y', '\0'};
    struct part *parts = malloc((run->lines.count + 1) * sizeof *parts);
    struct object by = open_object(root, key);
    /* qsort_r() wants a writable context; compare_parts() only reads it. */
    union {
        const struct dataset *in;
        void *out;
    } context = {.in = dataset};
    size_t count = 0;

    if (parts == NULL) {
        root->text->rc = -ENOMEM;
        return;
    }
    count = gather_parts(run, model, parts);
    if (count > 1) {
        qsort_r(parts, count, sizeof *parts, compare_parts, context.out);
    }
    for (size_t i = 0; i < count; i++) {
        struct text name = {0};

        text_addf(&name, "%s/%s", dataset_text(dataset, parts[i].line->provider_id),
            dataset_text(dataset, parts[i].line->funder));
        add_int(&by, text_end(&name), parts[i].pence);
        text_done(&name);
    }
    close_object(&by);
    free(parts);
}

static void add_model(struct object *root, const struct pay_run *run, char model)
{
    char quantity_key[] = "A_minutes";
    char pence_key[] = {model, '_', 'p', 'e', 'n', 'c', 'e', '\0'};
    int64_t quantity = 0;
    int64_t pence = 0;

    if (strchr(run->models, model) == NULL) {
        return;
    }
    for (size_t i = 0; i < run->lines.count; i++) {
        if (run->lines.rows[i].model == model) {
            quantity += run->lines.rows[i].quantity;
            pence += run->lines.rows[i].pence;
        }
    }
    quantity_key[0] = model;
    add_parts(root, run, model);
    if (model == 'A') {
        add_int(root, pence_key, pence);
        add_int(root, "A_units", quantity);
    } else {
        add_int(root, quantity_key, quantity);
        add_int(root, pence_key, pence);
    }
}

static void add_exceptions(struct object *root, const struct output_sums *sums)
{
    struct object object = open_object(root, "exceptions");

    for (int code = 0; code < EXCEPTION_CODE_COUNT; code++) {
        if (sums->exceptions[code] > 0) {
            add_int(&object, visits_exception_name((enum visits_exception_code)code),
                sums->exceptions[code]);
        }
    }
    close_object(&object);
}

/* {"boundary_held": 3, "boundary_paid": 12}; only where a repair is on. */
static void add_repairs(struct object *root, const struct pay_run *run)
{
    static const enum repair_rule by_name[] = {
        REPAIR_ARRIVAL, REPAIR_BOUNDARY, REPAIR_DIRECTION, REPAIR_LEAVING};
    const struct visits_result *result = run->input.result;
    struct object object = {0};

    if (!repair_is_on(&run->input.visits_params->repairs)) {
        return;
    }
    object = open_object(root, "repairs");
    for (size_t r = 0; r < sizeof by_name / sizeof by_name[0]; r++) {
        for (int is_paid = 0; is_paid <= 1; is_paid++) {
            char key[32];
            int64_t count = 0;

            for (size_t i = 0; i < result->repairs_count; i++) {
                const struct visits_repair *repair = &result->repairs[i];

                count += repair->rule == by_name[r] && repair->is_held == (is_paid == 0) ? 1 : 0;
            }
            (void)snprintf(key, sizeof key, "%s_%s", repair_rule_name(by_name[r]),
                is_paid == 0 ? "held" : "paid");
            add_int(&object, key, count);
        }
    }
    close_object(&object);
}

static void add_statuses(struct object *root, const struct output_sums *sums)
{
    static const enum slot_status by_name[] = {SLOT_CANC_NOTICE, SLOT_CANC_SHORT, SLOT_HELD_NO_IN,
        SLOT_HELD_NO_OUT, SLOT_HELD_REPAIR, SLOT_MISSED, SLOT_OK, SLOT_SAME_CARER};
    struct object object = open_object(root, "status");

    for (size_t s = 0; s < sizeof by_name / sizeof by_name[0]; s++) {
        if (sums->statuses[by_name[s]] > 0) {
            add_int(&object, slot_status_name(by_name[s]), sums->statuses[by_name[s]]);
        }
    }
    close_object(&object);
}

static void add_roundings(
    struct object *root, const struct output_sums *sums, const struct pay_params *params)
{
    struct object object = open_object(root, "rounding_minutes");

    add_int(&object, "ceil", sums->ceil * params->unit_s / MINUTE_S);
    add_int(&object, "floor", sums->floor * params->unit_s / MINUTE_S);
    add_int(&object, "minute", sums->minute);
    add_int(&object, "nearest", sums->nearest * params->unit_s / MINUTE_S);
    add_int(&object, "nearest_uncapped", sums->nearest_uncapped * params->unit_s / MINUTE_S);
    close_object(&object);
}

static void add_hashes(struct object *root, const char *const hashes[OUTPUT_COUNT])
{
    struct object object = open_object(root, "sha256");

    for (int i = 0; i < OUTPUT_COUNT; i++) {
        if (hashes[i] != NULL) {
            add_key(&object, outputs[i].file);
            text_add_json(root->text, hashes[i]);
        }
    }
    close_object(&object);
}

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* A slot that is OK: late, and by each way of rounding. */
static void sum_delivered(struct output_sums *sums, int64_t unit_s,
    const struct planned_row *planned, const struct visits_attendance *attendance)
{
    int64_t length_s = planned->end_utc - planned->start_utc;
    int64_t units = length_s / unit_s;
    int64_t worked_s = attendance->worked_s;
    int64_t nearest = (worked_s + unit_s / 2) / unit_s;

    sums->late += attendance->in_utc - planned->start_utc > LATE_S ? 1 : 0;
    sums->ceil += lesser((worked_s + unit_s - 1) / unit_s, units);
    sums->floor += lesser(worked_s / unit_s, units);
    sums->nearest += lesser(nearest, units);
    sums->nearest_uncapped += nearest;
    sums->minute += lesser(pay_half_up(worked_s, MINUTE_S), length_s / MINUTE_S);
}

struct output_sums output_sum(const struct pay_run *run)
{
    const struct visits_result *result = run->input.result;
    const struct dataset *dataset = run->input.dataset;
    struct output_sums sums = {.delivered_s = pay_delivered_s(&run->input)};

    for (size_t i = 0; i < result->slots_count; i++) {
        const struct visits_slot *slot = &result->slots[i];
        const struct planned_row *planned = &dataset->planned[slot->planned];

        visits_announce(dataset, result, i);
        sums.statuses[slot->status]++;
        sums.planned_s += planned->end_utc - planned->start_utc;
        if (slot->status == SLOT_OK) {
            sum_delivered(
                &sums, run->input.params->unit_s, planned, &result->attendances[slot->attendance]);
        }
    }
    for (size_t i = 0; i < result->attendances_count; i++) {
        sums.unplanned +=
            visits_is_unplanned(run->input.visits_params, run->period, &result->attendances[i]) ? 1
                                                                                                : 0;
    }
    for (size_t i = 0; i < result->exceptions_count; i++) {
        sums.exceptions[result->exceptions[i].code]++;
    }
    return sums;
}

void output_totals(struct text *text, const struct pay_run *run, const struct output_sums *sums,
    const char *const hashes[OUTPUT_COUNT])
{
    struct object root = {.text = text, .depth = 1};

    text_add_char(text, '{');
    add_model(&root, run, 'A');
    add_model(&root, run, 'B');
    add_model(&root, run, 'C');
    add_int(&root, "asof", run->period->asof_utc);
    add_int(&root, "delivered_s", sums->delivered_s);
    add_int(&root, "events_visible", (int64_t)run->input.result->events_visible);
    add_exceptions(&root, sums);
    add_int(&root, "late_over_30", sums->late);
    add_int(&root, "planned_s", sums->planned_s);
    add_repairs(&root, run);
    add_roundings(&root, sums, run->input.params);
    add_hashes(&root, hashes);
    add_int(&root, "slots", (int64_t)run->input.result->slots_count);
    add_statuses(&root, sums);
    add_int(&root, "unplanned", sums->unplanned);
    close_object(&root);
}
