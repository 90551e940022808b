/* outputs.c - the CSV files of a run; see outputs.h. */
#include "collector/pay/outputs.h"

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

static void add_instant_comma(struct text *text, int64_t utc)
{
    if (utc != VISITS_NO_TIME) {
        text_add_int(text, utc);
    }
    text_add_char(text, ',');
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

static void write_sessions(struct text *text, const struct pay_run *run)
{
    const struct visits_result *result = run->input.result;
    const struct dataset *dataset = run->input.dataset;

    text_add_string(text, "person_id,carer_id,in_utc,out_utc,in_id,out_id,status,worked_s\n");
    for (size_t i = 0; i < result->attendances_count; i++) {
        const struct visits_attendance *attendance = &result->attendances[i];

        add_id_comma(text, dataset, attendance->person_id);
        add_id_comma(text, dataset, attendance->carer_id);
        add_instant_comma(text, attendance->in_utc);
        add_instant_comma(text, attendance->out_utc);
        add_id_comma(text, dataset, attendance->in_id);
        add_id_comma(text, dataset, attendance->out_id);
        text_add_string(text, attendance_status_name((enum attendance_status)attendance->status));
        text_add_char(text, ',');
        text_add_int(text, attendance->worked_s);
        text_add_char(text, '\n');
    }
}

static void write_unplanned(struct text *text, const struct pay_run *run)
{
    const struct visits_result *result = run->input.result;
    const struct dataset *dataset = run->input.dataset;

    text_add_string(text, "person_id,carer_id,in_utc,out_utc,status,worked_s\n");
    for (size_t i = 0; i < result->attendances_count; i++) {
        const struct visits_attendance *attendance = &result->attendances[i];

        if (!visits_is_unplanned(run->input.visits_params, run->period, attendance)) {
            continue;
        }
        add_id_comma(text, dataset, attendance->person_id);
        add_id_comma(text, dataset, attendance->carer_id);
        add_instant_comma(text, attendance->in_utc);
        add_instant_comma(text, attendance->out_utc);
        text_add_string(text, attendance_status_name((enum attendance_status)attendance->status));
        text_add_char(text, ',');
        text_add_int(text, attendance->worked_s);
        text_add_char(text, '\n');
    }
}

/* carer_id,in_utc,out_utc,worked_s,cost,ds,dd,pc,pi, of a slot, with its last comma. */
static void add_match(struct text *text, const struct pay_run *run,
    const struct planned_row *planned, const struct visits_attendance *attendance)
{
    const struct dataset *dataset = run->input.dataset;
    struct visits_cost cost = visits_cost(dataset, run->input.visits_params, planned, attendance);

    add_id_comma(text, dataset, attendance->carer_id);
    add_instant_comma(text, attendance->in_utc);
    add_instant_comma(text, attendance->out_utc);
    add_int_comma(text, attendance->worked_s);
    add_int_comma(text, cost.sum);
    add_int_comma(text, cost.ds);
    add_int_comma(text, cost.dd);
    add_int_comma(text, cost.pc);
    add_int_comma(text, cost.pi);
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

        add_id_comma(text, dataset, planned->visit_id);
        add_int_comma(text, slot->number);
        add_id_comma(text, dataset, planned->person_id);
        add_id_comma(text, dataset, planned->provider_id);
        add_int_comma(text, planned->start_utc);
        add_int_comma(text, planned->end_utc);
        text_add_string(text, slot_status_name((enum slot_status)slot->status));
        text_add_char(text, ',');
        if (attendance != NULL) {
            add_match(text, run, planned, attendance);
        } else {
            text_add_string(text, ",,,,,,,,,");
        }
        text_add_int(text, pay_units(run->input.params, planned, slot, attendance));
        text_add_char(text, '\n');
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
