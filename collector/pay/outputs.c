/* outputs.c - the CSV files of a run; see outputs.h. */
#include "collector/pay/outputs.h"

#include <string.h>

static void add_id(struct text *text, const struct dataset *dataset, text_id id)
{
    text_add_csv(text, dataset_text(dataset, id), dataset_text_size(dataset, id));
}

static void add_id_comma(struct text *text, const struct dataset *dataset, text_id id)
{
    add_id(text, dataset, id);
    text_add_char(text, ',');
}

static void add_int_comma(struct text *text, int64_t number)
{
    text_add_int(text, number);
    text_add_char(text, ',');
}

/* Room a row needs besides its ids, each of which may double when it is quoted. */
enum { ROW_NUMBERS_SIZE = 512 };

static size_t room_of(const struct dataset *dataset, text_id id)
{
    return 2 * dataset_text_size(dataset, id) + 2;
}

static char *put_id_comma(char *at, const struct dataset *dataset, text_id id)
{
    at = text_put_csv(at, dataset_text(dataset, id), dataset_text_size(dataset, id));
    *at++ = ',';
    return at;
}

static char *put_int_comma(char *at, int64_t number)
{
    at = text_put_int(at, number);
    *at++ = ',';
    return at;
}

static char *put_instant_comma(char *at, int64_t utc)
{
    if (utc != VISITS_NO_TIME) {
        at = text_put_int(at, utc);
    }
    *at++ = ',';
    return at;
}

static char *put_string_comma(char *at, const char *string)
{
    at = text_put(at, string, strlen(string));
    *at++ = ',';
    return at;
}

static void write_exceptions(struct text *text, const struct pay_run *run)
{
    const struct visits_result *result = run->input.result;
    const struct dataset *dataset = run->input.dataset;

    text_add_string(text, "code,ref,ts_utc,detail\n");
    for (size_t i = 0; i < result->exceptions_count; i++) {
        const struct visits_exception *exception = &result->exceptions[i];

        text_add_string(text, visits_exception_name((enum visits_exception_code)exception->code));
        text_add_char(text, ',');
        add_id_comma(text, dataset, exception->ref);
        add_int_comma(text, exception->ts_utc);
        add_id(text, dataset, exception->detail);
        text_add_char(text, '\n');
    }
}

static size_t room_of_attendance(
    const struct dataset *dataset, const struct visits_attendance *attendance)
{
    return ROW_NUMBERS_SIZE + room_of(dataset, attendance->person_id) +
           room_of(dataset, attendance->carer_id) + room_of(dataset, attendance->in_id) +
           room_of(dataset, attendance->out_id);
}

/* status,worked_s and the end of the row. */
static char *put_worked(char *at, const struct visits_attendance *attendance)
{
    at = put_string_comma(at, attendance_status_name((enum attendance_status)attendance->status));
    at = text_put_int(at, attendance->worked_s);
    *at++ = '\n';
    return at;
}

/* The ids of taps lie where the taps came, not where they are needed. */
static void announce_attendance(
    const struct dataset *dataset, const struct visits_result *result, size_t index)
{
    if (index + 2 * VISITS_AHEAD < result->attendances_count) {
        const struct visits_attendance *near = &result->attendances[index + VISITS_AHEAD];
        const struct visits_attendance *far = &result->attendances[index + 2 * VISITS_AHEAD];

        dataset_announce_text(dataset, near->in_id);
        dataset_announce_text(dataset, near->out_id);
        dataset_announce_place(dataset, far->in_id);
        dataset_announce_place(dataset, far->out_id);
    }
}

static void write_sessions(struct text *text, const struct pay_run *run)
{
    const struct visits_result *result = run->input.result;
    const struct dataset *dataset = run->input.dataset;

    text_add_string(text, "person_id,carer_id,in_utc,out_utc,in_id,out_id,status,worked_s\n");
    for (size_t i = 0; i < result->attendances_count; i++) {
        const struct visits_attendance *attendance = &result->attendances[i];
        char *at = NULL;

        announce_attendance(dataset, result, i);
        at = text_room(text, room_of_attendance(dataset, attendance));
        if (at == NULL) {
            return;
        }
        at = put_id_comma(at, dataset, attendance->person_id);
        at = put_id_comma(at, dataset, attendance->carer_id);
        at = put_instant_comma(at, attendance->in_utc);
        at = put_instant_comma(at, attendance->out_utc);
        at = put_id_comma(at, dataset, attendance->in_id);
        at = put_id_comma(at, dataset, attendance->out_id);
        text_wrote(text, put_worked(at, attendance));
    }
}

static void write_unplanned(struct text *text, const struct pay_run *run)
{
    const struct visits_result *result = run->input.result;
    const struct dataset *dataset = run->input.dataset;

    text_add_string(text, "person_id,carer_id,in_utc,out_utc,status,worked_s\n");
    for (size_t i = 0; i < result->attendances_count; i++) {
        const struct visits_attendance *attendance = &result->attendances[i];
        char *at = NULL;

        if (!visits_is_unplanned(run->input.visits_params, run->period, attendance)) {
            continue;
        }
        at = text_room(text, room_of_attendance(dataset, attendance));
        if (at == NULL) {
            return;
        }
        at = put_id_comma(at, dataset, attendance->person_id);
        at = put_id_comma(at, dataset, attendance->carer_id);
        at = put_instant_comma(at, attendance->in_utc);
        at = put_instant_comma(at, attendance->out_utc);
        text_wrote(text, put_worked(at, attendance));
    }
}

/* carer_id,in_utc,out_utc,worked_s,cost,ds,dd,pc,pi, of a slot, with its last comma. */
static char *put_match(char *at, const struct pay_run *run, const struct planned_row *planned,
    const struct visits_attendance *attendance)
{
    const struct dataset *dataset = run->input.dataset;
    struct visits_cost cost = visits_cost(dataset, run->input.visits_params, planned, attendance);

    at = put_id_comma(at, dataset, attendance->carer_id);
    at = put_instant_comma(at, attendance->in_utc);
    at = put_instant_comma(at, attendance->out_utc);
    at = put_int_comma(at, attendance->worked_s);
    at = put_int_comma(at, cost.sum);
    at = put_int_comma(at, cost.ds);
    at = put_int_comma(at, cost.dd);
    at = put_int_comma(at, cost.pc);
    return put_int_comma(at, cost.pi);
}

static char *put_slot(char *at, const struct pay_run *run, const struct visits_slot *slot,
    const struct visits_attendance *attendance)
{
    static const char unmatched[] = ",,,,,,,,,";
    const struct dataset *dataset = run->input.dataset;
    const struct planned_row *planned = &dataset->planned[slot->planned];

    at = put_id_comma(at, dataset, planned->visit_id);
    at = put_int_comma(at, slot->number);
    at = put_id_comma(at, dataset, planned->person_id);
    at = put_id_comma(at, dataset, planned->provider_id);
    at = put_int_comma(at, planned->start_utc);
    at = put_int_comma(at, planned->end_utc);
    at = put_string_comma(at, slot_status_name((enum slot_status)slot->status));
    at = attendance != NULL ? put_match(at, run, planned, attendance)
                            : text_put(at, unmatched, sizeof unmatched - 1);
    at = text_put_int(at, pay_units(run->input.params, planned, slot, attendance));
    *at++ = '\n';
    return at;
}

static size_t room_of_slot(const struct dataset *dataset, const struct planned_row *planned,
    const struct visits_attendance *attendance)
{
    return ROW_NUMBERS_SIZE + room_of(dataset, planned->visit_id) +
           room_of(dataset, planned->person_id) + room_of(dataset, planned->provider_id) +
           (attendance != NULL ? room_of(dataset, attendance->carer_id) : 0);
}

/* Three steps: the planned visit, where the text of its id lies, the text. */
static void announce_slot(
    const struct dataset *dataset, const struct visits_result *result, size_t index)
{
    if (index + 3 * VISITS_AHEAD < result->slots_count) {
        const struct visits_slot *slots = &result->slots[index];

        __builtin_prefetch(&dataset->planned[slots[3 * VISITS_AHEAD].planned]);
        dataset_announce_place(dataset, dataset->planned[slots[2 * VISITS_AHEAD].planned].visit_id);
        dataset_announce_text(dataset, dataset->planned[slots[VISITS_AHEAD].planned].visit_id);
    }
}

static void write_slots(struct text *text, const struct pay_run *run)
{
    const struct visits_result *result = run->input.result;
    const struct dataset *dataset = run->input.dataset;

    text_add_string(text, "visit_id,slot,person_id,provider_id,planned_start_utc,"
                          "planned_end_utc,status,carer_id,in_utc,out_utc,worked_s,cost,ds,dd,"
                          "pc,pi,unitsA\n");
    for (size_t i = 0; i < result->slots_count; i++) {
        const struct visits_slot *slot = &result->slots[i];
        const struct planned_row *planned = &dataset->planned[slot->planned];
        const struct visits_attendance *attendance =
            slot->attendance == VISITS_NONE ? NULL : &result->attendances[slot->attendance];
        char *at = NULL;

        announce_slot(dataset, result, i);
        at = text_room(text, room_of_slot(dataset, planned, attendance));

        if (at == NULL) {
            return;
        }
        text_wrote(text, put_slot(at, run, slot, attendance));
    }
}

static void write_pay_a(struct text *text, const struct pay_run *run)
{
    const struct dataset *dataset = run->input.dataset;

    text_add_string(text, "provider_id,funder,person_id,week,pence_per_hour,units,pence\n");
    for (size_t i = 0; i < run->lines.count; i++) {
        const struct pay_line *line = &run->lines.rows[i];

        if (line->model != 'A') {
            continue;
        }
        add_id_comma(text, dataset, line->provider_id);
        add_id_comma(text, dataset, line->funder);
        add_id_comma(text, dataset, line->person_id);
        add_int_comma(text, line->week);
        add_int_comma(text, line->pence_per_hour);
        add_int_comma(text, line->quantity);
        text_add_int(text, line->pence);
        text_add_char(text, '\n');
    }
}

static void write_pay_b(struct text *text, const struct pay_run *run)
{
    const struct dataset *dataset = run->input.dataset;

    text_add_string(text, "provider_id,funder,person_id,week,pence_per_hour,minutes,pence,"
                          "planned_s,delivered_s,credit_s\n");
    for (size_t i = 0; i < run->lines.count; i++) {
        const struct pay_line *line = &run->lines.rows[i];

        if (line->model != 'B') {
            continue;
        }
        add_id_comma(text, dataset, line->provider_id);
        add_id_comma(text, dataset, line->funder);
        add_id_comma(text, dataset, line->person_id);
        add_int_comma(text, line->week);
        add_int_comma(text, line->pence_per_hour);
        add_int_comma(text, line->quantity);
        add_int_comma(text, line->pence);
        add_int_comma(text, line->b.planned_s);
        add_int_comma(text, line->b.delivered_s);
        text_add_int(text, line->b.credit_s);
        text_add_char(text, '\n');
    }
}

static void write_pay_c(struct text *text, const struct pay_run *run)
{
    const struct dataset *dataset = run->input.dataset;

    text_add_string(text, "provider_id,funder,pence_per_hour,kind,minutes,pence,contract_min,"
                          "floor_min,cap_min,base_min\n");
    for (size_t i = 0; i < run->lines.count; i++) {
        const struct pay_line *line = &run->lines.rows[i];

        if (line->model != 'C') {
            continue;
        }
        add_id_comma(text, dataset, line->provider_id);
        add_id_comma(text, dataset, line->funder);
        add_int_comma(text, line->pence_per_hour);
        text_add_string(text, pay_kind_name((enum pay_kind)line->kind));
        text_add_char(text, ',');
        add_int_comma(text, line->quantity);
        add_int_comma(text, line->pence);
        add_int_comma(text, line->c.contract_min);
        add_int_comma(text, line->c.floor_min);
        add_int_comma(text, line->c.cap_min);
        text_add_int(text, line->c.base_min);
        text_add_char(text, '\n');
    }
}

const struct output outputs[OUTPUT_COUNT] = {
    {"exceptions.csv", 0, write_exceptions},
    {"payA.csv", 'A', write_pay_a},
    {"payB.csv", 'B', write_pay_b},
    {"payC.csv", 'C', write_pay_c},
    {"sessions.csv", 0, write_sessions},
    {"slots.csv", 0, write_slots},
    {"unplanned.csv", 0, write_unplanned},
};
