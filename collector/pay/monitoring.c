/* monitoring.c - see monitoring.h. */
#include "collector/pay/monitoring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/pay/lines.h"

enum { HOUR_S = 3600, ROWS_FIRST = 16 };

const struct monitoring_params monitoring_default_params = {
    .by = MONITORING_PROVIDER, .late_s = {900, 1800, 3600}, .usual_carers = 3};

const char *monitoring_by_name(enum monitoring_by by)
{
    static const char *const names[] = {"provider", "zone", "lot", "funder"};

    return names[by];
}

/* A slot a carer is known for, for continuity. */
struct attended {
    uint32_t row;
    int32_t week;
    text_id carer_id;
};

/* The work in hand. */
struct counting {
    const struct pay_input *input;
    const struct monitoring_params *params;
    struct monitoring result;
    size_t capacity;
    uint32_t *row_of;          /* by text id of a key; UINT32_MAX: none yet */
    uint32_t *provider_of;     /* by text id: index into providers */
    struct attended *attended; /* of one person */
    size_t attended_count;
    struct pay_lines paid;      /* model A as it is */
    struct pay_lines confirmed; /* model A with held slots confirmed */
    struct pay_problem *problem;
};

static bool is_held(const struct visits_slot *slot)
{
    return slot->status == SLOT_HELD_NO_OUT || slot->status == SLOT_HELD_NO_IN ||
           slot->status == SLOT_HELD_REPAIR;
}

static bool is_attended(const struct visits_slot *slot)
{
    return slot->status == SLOT_OK || is_held(slot);
}

static bool is_cancelled(const struct visits_slot *slot)
{
    return slot->status == SLOT_CANC_NOTICE || slot->status == SLOT_CANC_SHORT;
}

static int64_t length_of(const struct planned_row *planned)
{
    return planned->end_utc - planned->start_utc;
}

static bool is_asked_for(const struct counting *counting, int64_t utc)
{
    int32_t day = local_day(counting->input->days, utc);

    return day >= counting->params->from_day && day < counting->params->to_day;
}

static int find_key(
    const struct counting *counting, text_id provider_id, text_id funder, text_id *ret_key)
{
    uint32_t index = counting->provider_of[provider_id];
    const struct provider_row *provider = NULL;

    if (index == UINT32_MAX) {
        (void)snprintf(counting->problem->text, sizeof counting->problem->text,
            "provider %s is not among the providers",
            dataset_text(counting->input->dataset, provider_id));
        return -ENOENT;
    }
    provider = &counting->input->dataset->providers[index];
    switch (counting->params->by) {
    case MONITORING_PROVIDER:
        *ret_key = provider_id;
        return 0;
    case MONITORING_ZONE:
        *ret_key = provider->zone;
        return 0;
    case MONITORING_LOT:
        *ret_key = provider->lot;
        return 0;
    case MONITORING_FUNDER:
        *ret_key = funder;
        return 0;
    }
    return -EINVAL;
}

/* The row of a provider and funder, made when it is not there. */
static int find_row(
    struct counting *counting, text_id provider_id, text_id funder, uint32_t *ret_row)
{
    struct monitoring *result = &counting->result;
    text_id key = 0;
    int rc = find_key(counting, provider_id, funder, &key);

    if (rc < 0) {
        return rc;
    }
    if (counting->row_of[key] == UINT32_MAX) {
        if (result->count == counting->capacity) {
            size_t capacity = counting->capacity * 2;
            struct monitoring_row *rows = realloc(result->rows, capacity * sizeof *rows);

            if (rows == NULL) {
                return -ENOMEM;
            }
            result->rows = rows;
            counting->capacity = capacity;
        }
        counting->row_of[key] = (uint32_t)result->count;
        result->rows[result->count++] = (struct monitoring_row){.key = key};
    }
    *ret_row = counting->row_of[key];
    return 0;
}

static void count_delivered(const struct counting *counting, struct monitoring_counts *counts,
    const struct planned_row *planned, const struct visits_attendance *attendance)
{
    counts->delivered++;
    counts->delivered_planned_s += length_of(planned);
    counts->delivered_worked_s += attendance->worked_s;
    for (size_t band = 0; band < MONITORING_LATE_BANDS; band++) {
        if (attendance->in_utc - planned->start_utc > counting->params->late_s[band]) {
            counts->late[band]++;
        }
    }
    if (length_of(planned) - attendance->worked_s > counting->input->visits_params->length_s) {
        counts->is_short++;
    }
    if ((attendance->evidence & (ATTENDANCE_MANUAL | ATTENDANCE_REPAIRED)) == 0) {
        counts->ecm++;
    }
}

static void count_status(
    struct monitoring_counts *counts, const struct planned_row *planned, enum slot_status status)
{
    counts->planned += status == SLOT_CANC_NOTICE || status == SLOT_CANC_SHORT ? 0 : 1;
    counts->planned_s += length_of(planned);
    counts->held +=
        status == SLOT_HELD_NO_OUT || status == SLOT_HELD_NO_IN || status == SLOT_HELD_REPAIR ? 1
                                                                                              : 0;
    counts->missed += status == SLOT_MISSED ? 1 : 0;
    counts->same_carer += status == SLOT_SAME_CARER ? 1 : 0;
    counts->cancelled_notice += status == SLOT_CANC_NOTICE ? 1 : 0;
    counts->cancelled_short += status == SLOT_CANC_SHORT ? 1 : 0;
}

/* Add units to the line of a slot; from is where the person's lines begin. */
static int add_units(
    struct pay_lines *lines, size_t from, const struct pay_line *wanted, int64_t units)
{
    struct pay_line *line = units == 0 ? NULL : lines_find(lines, from, wanted);

    if (units == 0) {
        return 0;
    }
    if (line == NULL) {
        return -ENOMEM;
    }
    line->quantity += units;
    return 0;
}

/* Where the person's lines begin. */
struct lines_from {
    size_t paid, confirmed;
};

static int count_money(struct counting *counting, struct monitoring_counts *counts,
    const struct visits_slot *slot, const struct person_row *person, struct lines_from from)
{
    const struct pay_input *input = counting->input;
    const struct planned_row *planned = &input->dataset->planned[slot->planned];
    const struct visits_slot as_ok = {.status = SLOT_OK};
    const struct visits_attendance as_planned = {.worked_s = (int32_t)length_of(planned)};
    struct pay_line wanted = {.model = 'A',
        .kind = PAY_VISITS,
        .provider_id = planned->provider_id,
        .funder = person->funder,
        .person_id = person->person_id,
        .week = pay_week(input, planned->start_utc)};
    int64_t units = pay_units(input->params, planned, slot,
        slot->attendance == VISITS_NONE ? NULL : &input->result->attendances[slot->attendance]);
    int64_t confirmed =
        is_held(slot) ? pay_units(input->params, planned, &as_ok, &as_planned) : units;
    int rc = 0;

    counts->paid_units += units;
    if (confirmed == 0) {
        return 0;
    }
    rc = pay_rate_on(input, wanted.provider_id, wanted.funder,
        local_day(input->days, planned->start_utc), &wanted.pence_per_hour, counting->problem);
    if (rc == 0) {
        rc = add_units(&counting->paid, from.paid, &wanted, units);
    }
    if (rc == 0) {
        rc = add_units(&counting->confirmed, from.confirmed, &wanted, confirmed);
    }
    return rc;
}

/* Whether a repair bears on the slot, made or proposed. */
static bool has_repair_of(const struct visits_result *result, const struct visits_slot *slot)
{
    size_t index = (size_t)(slot - result->slots);
    size_t first = visits_first_repair(result, index);

    return first < result->repairs_count && result->repairs[first].slot == index;
}

static int count_slot(struct counting *counting, const struct visits_slot *slot,
    const struct person_row *person, struct lines_from from)
{
    const struct pay_input *input = counting->input;
    const struct planned_row *planned = &input->dataset->planned[slot->planned];
    struct monitoring_counts *counts = NULL;
    uint32_t row = 0;
    int rc = find_row(counting, planned->provider_id, person->funder, &row);

    if (rc < 0) {
        return rc;
    }
    counts = &counting->result.rows[row].counts;
    count_status(counts, planned, (enum slot_status)slot->status);
    if (is_attended(slot)) {
        const struct visits_attendance *attendance = &input->result->attendances[slot->attendance];
        bool has_repair = has_repair_of(input->result, slot);

        counts->repaired += has_repair && !is_held(slot) ? 1 : 0;
        counts->proposed += has_repair && is_held(slot) ? 1 : 0;

        counting->attended[counting->attended_count++] =
            (struct attended){row, pay_week(input, planned->start_utc), attendance->carer_id};
        if (slot->status == SLOT_OK) {
            count_delivered(counting, counts, planned, attendance);
        }
    }
    return count_money(counting, counts, slot, person, from);
}

/* The slots of a visit are neighbours, number 1 first. */
static int count_double(
    struct counting *counting, size_t first, size_t to, const struct person_row *person)
{
    const struct visits_slot *slots = counting->input->result->slots;
    const struct planned_row *planned = &counting->input->dataset->planned[slots[first].planned];
    bool came = true;
    uint32_t row = 0;
    int rc = 0;

    if (slots[first].number != 1 || planned->carers_required < 2 || is_cancelled(&slots[first])) {
        return 0;
    }
    rc = find_row(counting, planned->provider_id, person->funder, &row);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = first; i < to && slots[i].planned == slots[first].planned; i++) {
        came = came && is_attended(&slots[i]);
    }
    counting->result.rows[row].counts.double_visits++;
    counting->result.rows[row].counts.double_both += came ? 1 : 0;
    return 0;
}

static int compare_weeks(const void *left, const void *right)
{
    const struct attended *a = left;
    const struct attended *b = right;

    if (a->row != b->row) {
        return a->row < b->row ? -1 : 1;
    }
    if (a->week != b->week) {
        return a->week < b->week ? -1 : 1;
    }
    return (a->carer_id > b->carer_id) - (a->carer_id < b->carer_id);
}

static int compare_carers(const void *left, const void *right)
{
    const struct attended *a = left;
    const struct attended *b = right;

    if (a->row != b->row) {
        return a->row < b->row ? -1 : 1;
    }
    return (a->carer_id > b->carer_id) - (a->carer_id < b->carer_id);
}

static void count_weeks(struct counting *counting)
{
    const struct attended *list = counting->attended;

    qsort(counting->attended, counting->attended_count, sizeof *list, compare_weeks);
    for (size_t i = 0; i < counting->attended_count; i++) {
        struct monitoring_counts *counts = &counting->result.rows[list[i].row].counts;
        bool is_new_week =
            i == 0 || list[i].row != list[i - 1].row || list[i].week != list[i - 1].week;

        counts->person_weeks += is_new_week ? 1 : 0;
        counts->carer_weeks += is_new_week || list[i].carer_id != list[i - 1].carer_id ? 1 : 0;
    }
}

/* Keep the greatest numbers of most, in descending order. */
static void keep_most(int64_t *most, int32_t count, int64_t number)
{
    for (int32_t i = 0; i < count; i++) {
        if (number > most[i]) {
            int64_t pushed = most[i];

            most[i] = number;
            number = pushed;
        }
    }
}

/* Which carers are the usual ones may be a tie; how many slots they have between them is not. */
static void count_usual(struct counting *counting)
{
    const struct attended *list = counting->attended;
    size_t i = 0;

    qsort(counting->attended, counting->attended_count, sizeof *list, compare_carers);
    while (i < counting->attended_count) {
        uint32_t row = list[i].row;
        int64_t most[MONITORING_USUAL_MAX] = {0};

        while (i < counting->attended_count && list[i].row == row) {
            size_t first = i;

            while (i < counting->attended_count && list[i].row == row &&
                   list[i].carer_id == list[first].carer_id) {
                i++;
            }
            keep_most(most, counting->params->usual_carers, (int64_t)(i - first));
        }
        for (int32_t k = 0; k < counting->params->usual_carers; k++) {
            counting->result.rows[row].counts.usual += most[k];
        }
    }
}

/* Worked time belongs to the slot it was matched to, else to the person's provider. */
static int count_actual(struct counting *counting, const struct visits_attendance *attendance,
    const struct person_row *person)
{
    const struct pay_input *input = counting->input;
    int64_t anchor = visits_anchor(input->visits_params, attendance);
    text_id provider_id = person->provider_id;
    uint32_t row = 0;
    int rc = 0;

    if (attendance->status != ATTENDANCE_OK || anchor < input->period->start_utc ||
        anchor >= input->period->end_utc || !is_asked_for(counting, anchor)) {
        return 0;
    }
    if (attendance->slot != VISITS_NONE) {
        provider_id =
            input->dataset->planned[input->result->slots[attendance->slot].planned].provider_id;
    }
    rc = find_row(counting, provider_id, person->funder, &row);
    if (rc == 0) {
        counting->result.rows[row].counts.actual_s += attendance->worked_s;
    }
    return rc;
}

static int count_person(struct counting *counting, const struct visits_person *stretch)
{
    const struct pay_input *input = counting->input;
    const struct lines_from from = {counting->paid.count, counting->confirmed.count};
    const struct person_row *person = NULL;
    int rc = pay_person(input, stretch->person_id, &person, counting->problem);

    counting->attended_count = 0;
    for (size_t i = stretch->slots_from; rc == 0 && i < stretch->slots_to; i++) {
        const struct visits_slot *slot = &input->result->slots[i];

        if (!is_asked_for(counting, input->dataset->planned[slot->planned].start_utc)) {
            continue;
        }
        rc = count_slot(counting, slot, person, from);
        if (rc == 0) {
            rc = count_double(counting, i, stretch->slots_to, person);
        }
    }
    for (size_t i = stretch->attendances_from; rc == 0 && i < stretch->attendances_to; i++) {
        rc = count_actual(counting, &input->result->attendances[i], person);
    }
    if (rc == 0) {
        count_weeks(counting);
        count_usual(counting);
    }
    return rc;
}

/* Price whole lines, as a run does, and hand the pence to their rows. */
static int price(struct counting *counting, const struct pay_lines *lines, bool is_paid)
{
    for (size_t i = 0; i < lines->count; i++) {
        const struct pay_line *line = &lines->rows[i];
        int64_t pence = 0;
        uint32_t row = 0;
        int rc =
            pay_check_amount(counting->input, line->provider_id, line->quantity, counting->problem);

        if (rc == 0) {
            rc = find_row(counting, line->provider_id, line->funder, &row);
        }
        if (rc < 0) {
            return rc;
        }
        pence = pay_half_up(
            line->quantity * line->pence_per_hour, HOUR_S / counting->input->params->unit_s);
        if (is_paid) {
            counting->result.rows[row].counts.paid_pence += pence;
            counting->result.rows[row].counts.held_pence -= pence;
        } else {
            counting->result.rows[row].counts.held_pence += pence;
        }
    }
    return 0;
}

static void sort_rows(struct monitoring *result, const struct dataset *dataset)
{
    /* A handful of rows, and qsort cannot be told of the dataset. */
    for (size_t i = 1; i < result->count; i++) {
        struct monitoring_row row = result->rows[i];
        size_t at = i;

        while (at > 0 && dataset_compare(dataset, result->rows[at - 1].key, row.key) > 0) {
            result->rows[at] = result->rows[at - 1];
            at--;
        }
        result->rows[at] = row;
    }
}

static void add_up(struct monitoring *result)
{
    enum { FIELDS = sizeof(struct monitoring_counts) / sizeof(int64_t) };
    int64_t sums[FIELDS] = {0};
    int64_t fields[FIELDS];

    _Static_assert(sizeof fields == sizeof(struct monitoring_counts), "only int64_t in counts");
    for (size_t i = 0; i < result->count; i++) {
        (void)memcpy(fields, &result->rows[i].counts, sizeof fields);
        for (size_t k = 0; k < FIELDS; k++) {
            sums[k] += fields[k];
        }
    }
    (void)memcpy(&result->total.counts, sums, sizeof sums);
}

static int count_all(struct counting *counting)
{
    const struct pay_input *input = counting->input;
    size_t texts = dataset_text_count(input->dataset);
    int rc = 0;

    counting->row_of = malloc(texts * sizeof *counting->row_of);
    counting->provider_of = malloc(texts * sizeof *counting->provider_of);
    counting->attended = malloc((input->result->slots_count + 1) * sizeof *counting->attended);
    counting->result.rows = malloc(ROWS_FIRST * sizeof *counting->result.rows);
    counting->capacity = ROWS_FIRST;
    if (counting->row_of == NULL || counting->provider_of == NULL || counting->attended == NULL ||
        counting->result.rows == NULL) {
        return -ENOMEM;
    }
    (void)memset(counting->row_of, 0xff, texts * sizeof *counting->row_of);
    (void)memset(counting->provider_of, 0xff, texts * sizeof *counting->provider_of);
    for (size_t i = 0; i < input->dataset->providers_count; i++) {
        counting->provider_of[input->dataset->providers[i].provider_id] = (uint32_t)i;
    }
    for (size_t i = 0; rc == 0 && i < input->result->people_count; i++) {
        rc = count_person(counting, &input->result->people[i]);
    }
    if (rc == 0) {
        rc = price(counting, &counting->paid, true);
    }
    if (rc == 0) {
        rc = price(counting, &counting->confirmed, false);
    }
    return rc;
}

static int check_params(const struct monitoring_params *params, struct pay_problem *ret_problem)
{
    const int32_t *late_s = params->late_s;

    if (params->from_day < params->to_day && late_s[0] >= 0 && late_s[0] < late_s[1] &&
        late_s[1] < late_s[2] && params->usual_carers >= 1 &&
        params->usual_carers <= MONITORING_USUAL_MAX) {
        return 0;
    }
    (void)snprintf(ret_problem->text, sizeof ret_problem->text,
        "monitoring: at least one day, late bands that ascend, and 1 to %d usual carers",
        MONITORING_USUAL_MAX);
    return -EINVAL;
}

int monitoring_make(struct monitoring *ret_monitoring, const struct pay_input *input,
    const struct monitoring_params *params, struct pay_problem *ret_problem)
{
    struct counting counting = {.input = input, .params = params, .problem = ret_problem};
    int rc = check_params(params, ret_problem);

    if (rc < 0) {
        return rc;
    }
    rc = count_all(&counting);
    free(counting.row_of);
    free(counting.provider_of);
    free(counting.attended);
    pay_lines_done(&counting.paid);
    pay_lines_done(&counting.confirmed);
    if (rc < 0) {
        monitoring_done(&counting.result);
        return rc;
    }
    sort_rows(&counting.result, input->dataset);
    add_up(&counting.result);
    *ret_monitoring = counting.result;
    return 0;
}

void monitoring_done(struct monitoring *monitoring)
{
    free(monitoring->rows);
    *monitoring = (struct monitoring){0};
}
