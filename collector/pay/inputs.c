/*
 * inputs.c - see inputs.h.
 *
 * Fields are separated by the unit separator (0x1f) and rows by LF; neither can occur in a text,
 * so no two different inputs have the same form.
 */
#include "collector/pay/inputs.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { SEPARATOR = 0x1f };

static void add_id(struct text *text, const struct dataset *dataset, text_id id)
{
    text_add(text, dataset_text(dataset, id), dataset_text_size(dataset, id));
    text_add_char(text, SEPARATOR);
}

static void add_int(struct text *text, int64_t number)
{
    text_add_int(text, number);
    text_add_char(text, SEPARATOR);
}

static void add_validity(struct text *text, const struct dataset *dataset, text_id id, text_id who)
{
    add_id(text, dataset, id);
    add_id(text, dataset, who);
}

static void add_stretch(struct text *text, int64_t from, int64_t to)
{
    add_int(text, from);
    add_int(text, to);
    text_add_char(text, '\n');
}

/*
 * Small tables are keyed, so the order of their rows means nothing and differs between files and
 * a store: add the rows of unsorted in the order of their bytes. Ends unsorted.
 */
static void add_sorted(struct text *text, struct text *unsorted)
{
    struct text_rows rows = {0};

    if (text_split(&rows, unsorted) < 0) {
        text->rc = -ENOMEM;
    }
    for (size_t i = 0; i < rows.count; i++) {
        text_add_string(text, rows.rows[i]);
        text_add_char(text, '\n');
    }
    free(rows.rows);
    text_done(unsorted);
}

/* Rows that have a key, by it: files and a store hold them in different orders. */
struct keyed {
    const struct dataset *dataset;
    const void *rows;
    size_t row_size;
    size_t offset;   /* of the key in a row */
    uint32_t *order; /* indexes of rows; NULL: memory is out */
};

static text_id key_of(const struct keyed *keyed, uint32_t row)
{
    text_id id = 0;

    (void)memcpy(&id, (const char *)keyed->rows + row * keyed->row_size + keyed->offset, sizeof id);
    return id;
}

static int compare_keyed(const void *left, const void *right, void *context)
{
    const struct keyed *keyed = context;

    return dataset_compare(keyed->dataset, key_of(keyed, *(const uint32_t *)left),
        key_of(keyed, *(const uint32_t *)right));
}

/* Fill in keyed->order, which the caller frees. Most files are in order already. */
static void put_in_order(struct keyed *keyed, size_t count, struct text *text)
{
    bool is_sorted = true;

    keyed->order = malloc((count + 1) * sizeof *keyed->order);
    if (keyed->order == NULL) {
        text->rc = -ENOMEM;
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        keyed->order[i] = i;
        is_sorted = is_sorted && (i == 0 || compare_keyed(&(uint32_t){i - 1}, &i, keyed) <= 0);
    }
    if (!is_sorted) {
        qsort_r(keyed->order, count, sizeof *keyed->order, compare_keyed, keyed);
    }
}

static void write_amendments(struct text *text, const struct dataset *dataset, int64_t asof_utc)
{
    struct keyed keyed = {.dataset = dataset,
        .rows = dataset->amendments,
        .row_size = sizeof(struct amendment_row),
        .offset = offsetof(struct amendment_row, amend_id)};

    put_in_order(&keyed, dataset->amendments_count, text);
    for (size_t i = 0; keyed.order != NULL && i < dataset->amendments_count; i++) {
        const struct amendment_row *row = &dataset->amendments[keyed.order[i]];
        char kind = '-';

        if (row->kind != '\0') {
            kind = row->kind;
        }
        if (row->created_utc > asof_utc) {
            continue;
        }
        add_id(text, dataset, row->amend_id);
        add_int(text, row->created_utc);
        text_add_string(text, row->is_void ? "VOID" : "ADD");
        text_add_char(text, kind);
        add_id(text, dataset, row->person_id);
        add_id(text, dataset, row->carer_id);
        add_int(text, row->ts_utc);
        add_id(text, dataset, row->event_id);
        add_id(text, dataset, row->reason_code);
        text_add_char(text, '\n');
    }
    free(keyed.order);
}

static void write_cards(struct text *text, const struct dataset *dataset, int64_t asof_utc)
{
    struct text rows = {0};

    (void)asof_utc;
    for (size_t i = 0; i < dataset->cards_count; i++) {
        const struct card_row *row = &dataset->cards[i];

        add_validity(&rows, dataset, row->card_uid, row->carer_id);
        add_stretch(&rows, row->from_utc, row->to_utc);
    }
    add_sorted(text, &rows);
}

static void write_carers(struct text *text, const struct dataset *dataset, int64_t asof_utc)
{
    struct text rows = {0};

    (void)asof_utc;
    for (size_t i = 0; i < dataset->carers_count; i++) {
        add_validity(&rows, dataset, dataset->carers[i].carer_id, dataset->carers[i].provider_id);
        text_add_char(&rows, '\n');
    }
    add_sorted(text, &rows);
}

static void write_carried_readers(
    struct text *text, const struct dataset *dataset, int64_t asof_utc)
{
    struct text rows = {0};

    (void)asof_utc;
    for (size_t i = 0; i < dataset->carried_readers_count; i++) {
        const struct carried_reader_row *row = &dataset->carried_readers[i];

        add_validity(&rows, dataset, row->device_id, row->carer_id);
        add_stretch(&rows, row->from_utc, row->to_utc);
    }
    add_sorted(text, &rows);
}

static void write_devices(struct text *text, const struct dataset *dataset, int64_t asof_utc)
{
    struct text rows = {0};

    (void)asof_utc;
    for (size_t i = 0; i < dataset->devices_count; i++) {
        const struct device_row *row = &dataset->devices[i];

        add_validity(&rows, dataset, row->device_id, row->person_id);
        add_stretch(&rows, row->from_utc, row->to_utc);
    }
    add_sorted(text, &rows);
}

/* Room a row needs besides its ids. */
enum { ROW_NUMBERS_SIZE = 256 };

static char *put_id(char *at, const struct dataset *dataset, text_id id)
{
    at = text_put(at, dataset_text(dataset, id), dataset_text_size(dataset, id));
    *at++ = SEPARATOR;
    return at;
}

static char *put_int(char *at, int64_t number)
{
    at = text_put_int(at, number);
    *at++ = SEPARATOR;
    return at;
}

static char *put_event(char *at, const struct dataset *dataset, const struct event_row *row)
{
    at = put_int(at, row->recv_utc);
    at = put_id(at, dataset, row->event_id);
    at = put_id(at, dataset, row->device_id);
    at = put_id(at, dataset, row->card_uid);
    *at++ = row->kind;
    at = put_int(at, row->ts_utc);
    *at++ = '\n';
    return at;
}

static void write_events(struct text *text, const struct dataset *dataset, int64_t asof_utc)
{
    for (size_t i = 0; i < dataset->events_count; i++) {
        const struct event_row *row = &dataset->events[i];
        char *at = NULL;

        if (row->recv_utc > asof_utc) {
            continue;
        }
        at = text_room(text, ROW_NUMBERS_SIZE + dataset_text_size(dataset, row->event_id) +
                                 dataset_text_size(dataset, row->device_id) +
                                 dataset_text_size(dataset, row->card_uid));
        if (at == NULL) {
            return;
        }
        text_wrote(text, put_event(at, dataset, row));
    }
    for (size_t i = 0; i < dataset->unplaced_count; i++) {
        const struct unplaced_row *row = &dataset->unplaced[i];

        if (row->recv_utc <= asof_utc) {
            add_int(text, row->recv_utc);
            add_id(text, dataset, row->event_id);
            text_add_string(text, "?\n");
        }
    }
}

static void write_home_tags(struct text *text, const struct dataset *dataset, int64_t asof_utc)
{
    struct text rows = {0};

    (void)asof_utc;
    for (size_t i = 0; i < dataset->home_tags_count; i++) {
        const struct home_tag_row *row = &dataset->home_tags[i];

        add_validity(&rows, dataset, row->tag_uid, row->person_id);
        add_stretch(&rows, row->from_utc, row->to_utc);
    }
    add_sorted(text, &rows);
}

static void write_people(struct text *text, const struct dataset *dataset, int64_t asof_utc)
{
    struct text rows = {0};

    (void)asof_utc;
    for (size_t i = 0; i < dataset->people_count; i++) {
        const struct person_row *row = &dataset->people[i];

        add_id(&rows, dataset, row->person_id);
        add_id(&rows, dataset, row->funder);
        add_id(&rows, dataset, row->zone);
        add_id(&rows, dataset, row->provider_id);
        add_int(&rows, row->double_handed ? 1 : 0);
        text_add_char(&rows, '\n');
    }
    add_sorted(text, &rows);
}

static char *put_planned(
    char *at, const struct dataset *dataset, const struct planned_row *row, int64_t asof_utc)
{
    at = put_id(at, dataset, row->visit_id);
    at = put_id(at, dataset, row->person_id);
    at = put_id(at, dataset, row->provider_id);
    at = put_int(at, row->start_utc);
    at = put_int(at, row->end_utc);
    at = put_int(at, row->carers_required);
    at = put_id(at, dataset, row->roster_carers);
    at = put_int(at, row->cancel_utc > asof_utc ? DATASET_NEVER : row->cancel_utc);
    *at++ = '\n';
    return at;
}

static void write_planned(struct text *text, const struct dataset *dataset, int64_t asof_utc)
{
    struct keyed keyed = {.dataset = dataset,
        .rows = dataset->planned,
        .row_size = sizeof(struct planned_row),
        .offset = offsetof(struct planned_row, visit_id)};

    put_in_order(&keyed, dataset->planned_count, text);
    for (size_t i = 0; keyed.order != NULL && i < dataset->planned_count; i++) {
        const struct planned_row *row = &dataset->planned[keyed.order[i]];
        char *at = text_room(text, ROW_NUMBERS_SIZE + dataset_text_size(dataset, row->visit_id) +
                                       dataset_text_size(dataset, row->person_id) +
                                       dataset_text_size(dataset, row->provider_id) +
                                       dataset_text_size(dataset, row->roster_carers));

        if (at == NULL) {
            break;
        }
        text_wrote(text, put_planned(at, dataset, row, asof_utc));
    }
    free(keyed.order);
}

static void write_providers(struct text *text, const struct dataset *dataset, int64_t asof_utc)
{
    struct text rows = {0};

    (void)asof_utc;
    for (size_t i = 0; i < dataset->providers_count; i++) {
        const struct provider_row *row = &dataset->providers[i];

        add_id(&rows, dataset, row->provider_id);
        add_id(&rows, dataset, row->zone);
        add_id(&rows, dataset, row->lot);
        add_id(&rows, dataset, row->tier);
        add_int(&rows, row->contract_minutes);
        text_add_char(&rows, '\n');
    }
    add_sorted(text, &rows);
}

static void write_rates(struct text *text, const struct dataset *dataset, int64_t asof_utc)
{
    struct text rows = {0};

    (void)asof_utc;
    for (size_t i = 0; i < dataset->rates_count; i++) {
        const struct rate_row *row = &dataset->rates[i];

        add_id(&rows, dataset, row->provider_id);
        add_id(&rows, dataset, row->funder);
        add_int(&rows, row->from_day);
        add_int(&rows, row->to_day);
        add_int(&rows, row->pence_per_hour);
        text_add_char(&rows, '\n');
    }
    add_sorted(text, &rows);
}

const struct input_table input_tables[INPUT_COUNT] = {
    {"amendments", write_amendments},
    {"cards", write_cards},
    {"carers", write_carers},
    {"carried_readers", write_carried_readers},
    {"devices", write_devices},
    {"events", write_events},
    {"home_tags", write_home_tags},
    {"people", write_people},
    {"planned", write_planned},
    {"providers", write_providers},
    {"rates", write_rates},
};

/* The repairs with their numbers, and which of their proposals a person has accepted. */
static void add_repair_rules(struct text *text, const struct pay_run *run)
{
    const struct repair_params *r = &run->input.visits_params->repairs;
    const struct dataset *dataset = run->input.dataset;

    text_addf(text, "rule %s/%d", r->rule_id, r->rule_version);
    for (int rule = 0; rule < REPAIR_COUNT; rule++) {
        text_addf(text, " %s=%s", repair_rule_name((enum repair_rule)rule),
            repair_policy_name((enum repair_policy)r->policies[rule]));
    }
    text_addf(text,
        " turned=%d lone=%d unplanned=%d skipped=%d better_by=%d sure_by=%d together=%d"
        " usual_visits=%d usual_percent=%d settle=%d gap=%d near=%d far=%d part_min=%d\n",
        r->turned_cost, r->lone_cost, r->unplanned_cost, r->skipped_cost, r->better_by, r->sure_by,
        r->together_s, r->usual_visits, r->usual_percent, r->settle_s, r->gap_s, r->near_s,
        r->far_s, r->part_min_s);
    for (size_t i = 0; i < dataset->planned_count; i++) {
        if (dataset->planned[i].released_slots != 0) {
            text_addf(text, "released %s %x\n", dataset_text(dataset, dataset->planned[i].visit_id),
                (unsigned)dataset->planned[i].released_slots);
        }
    }
}

static void add_rules(struct text *text, const struct pay_run *run)
{
    const struct visits_params *v = run->input.visits_params;
    const struct pay_params *p = run->input.params;

    text_addf(text,
        "rule %s/%d future=%d bounce=%d pair_max=%d merge_gap=%d assumed_length=%d margin=%d"
        " notice=%d window=%d unmatched=%d carer=%d incomplete=%d\n",
        v->rule_id, v->rule_version, v->future_s, v->bounce_s, v->pair_max_s, v->merge_gap_s,
        v->assumed_length_s, v->margin_s, v->notice_s, v->window_s, v->unmatched_cost,
        v->carer_cost, v->incomplete_cost);
    if (repair_is_on(&v->repairs)) {
        add_repair_rules(text, run);
    }
    if (strchr(run->models, 'A') != NULL) {
        text_addf(text, "rule %s/%d unit=%d starts_at=%d\n", p->rule_a_id, p->rule_a_version,
            p->unit_s, p->unit_starts_at_s);
    }
    if (strchr(run->models, 'B') != NULL) {
        text_addf(text, "rule %s/%d\n", p->rule_b_id, p->rule_b_version);
    }
    if (strchr(run->models, 'C') != NULL) {
        text_addf(text, "rule %s/%d floor_percent=%d cap_percent=%d guarantee_funder=%s\n",
            p->rule_c_id, p->rule_c_version, p->floor_percent, p->cap_percent, p->guarantee_funder);
    }
    if (run->contract_text != NULL) {
        text_addf(text, "rule contract\n%s", run->contract_text);
    }
}

/* The clock changes that can bear on the period: those within a year of it. */
static void add_zone(struct text *text, const struct pay_run *run)
{
    const int64_t year_s = 366 * INT64_C(86400);
    const struct local_days *days = run->input.days;

    text_addf(text, "zone offset=%lld",
        (long long)(local_seconds(days, run->period->start_utc) - run->period->start_utc));
    for (size_t i = 0; i < days->count; i++) {
        if (days->at_utc[i] > run->period->start_utc &&
            days->at_utc[i] < run->period->end_utc + year_s) {
            text_addf(text, " %lld:%d", (long long)days->at_utc[i], (int)days->offset_s[i]);
        }
    }
    text_add_char(text, '\n');
}

void inputs_add_identity(
    struct text *text, const struct pay_run *run, const char *const hashes[INPUT_COUNT])
{
    const struct period_row *period = run->input.period;

    text_addf(text, "period %s %lld %lld\nasof %lld\n",
        dataset_text(run->input.dataset, period->period_id), (long long)period->start_utc,
        (long long)period->end_utc, (long long)run->period->asof_utc);
    add_rules(text, run);
    add_zone(text, run);
    for (int i = 0; i < INPUT_COUNT; i++) {
        text_addf(text, "input %s %s\n", input_tables[i].name, hashes[i]);
    }
}

/* {"a": "..", "b": ".."} of those names that have a hash. */
static void add_hashes(
    struct text *text, const char *const *names, const char *const *hashes, size_t count)
{
    const char *separator = "";

    text_add_char(text, '{');
    for (size_t i = 0; i < count; i++) {
        if (hashes[i] != NULL) {
            text_addf(text, "%s\n  \"%s\": \"%s\"", separator, names[i], hashes[i]);
            separator = ",";
        }
    }
    text_add_string(text, "\n }");
}

void inputs_add_manifest(struct text *text, const struct pay_run *run, const char *run_id,
    const char *const input_hashes[INPUT_COUNT], const struct run_files *files)
{
    const char *input_names[INPUT_COUNT];
    struct text identity = {0};

    for (int i = 0; i < INPUT_COUNT; i++) {
        input_names[i] = input_tables[i].name;
    }
    inputs_add_identity(&identity, run, input_hashes);
    text_addf(text, "{\n \"run_id\": \"%s\",\n \"period_id\": ", run_id);
    text_add_json(text, dataset_text(run->input.dataset, run->input.period->period_id));
    text_addf(text, ",\n \"asof\": %lld,\n \"models\": \"%s\",\n \"inputs\": ",
        (long long)run->period->asof_utc, run->models);
    add_hashes(text, input_names, input_hashes, INPUT_COUNT);
    text_add_string(text, ",\n \"outputs\": ");
    add_hashes(text, files->names, files->hashes, files->count);
    text_add_string(text, ",\n \"identity\": ");
    text_add_json(text, text_end(&identity));
    text_add_string(text, "\n}\n");
    text->rc = identity.rc < 0 ? identity.rc : text->rc;
    text_done(&identity);
}
