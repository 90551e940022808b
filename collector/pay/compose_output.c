/* compose_output.c - the files of a run under a contract; see compose_run.h. */
#include "collector/pay/compose_run.h"

const char *compose_outcome_name(enum compose_outcome outcome)
{
    static const char *const names[] = {"PAID", "HELD", "PARKED", "MISSED", "CANCELLED"};

    return names[outcome];
}

static void add_id_comma(struct text *text, const struct dataset *dataset, text_id id)
{
    text_add_csv(text, dataset_text(dataset, id), dataset_text_size(dataset, id));
    text_add_char(text, ',');
}

void compose_add_lines(struct text *text, const struct compose_run *run)
{
    const struct dataset *dataset = run->input->dataset;

    text_add_string(text, "contract_id,contract_version,provider_id,funder,person_id,week,"
                          "pence_per_hour,kind,seconds,pence\n");
    for (size_t i = 0; i < run->lines.count; i++) {
        const struct pay_line *line = &run->lines.rows[i];

        text_addf(
            text, "%s,%lld,", run->contract->words.id, (long long)run->contract->words.version);
        add_id_comma(text, dataset, line->provider_id);
        add_id_comma(text, dataset, line->funder);
        add_id_comma(text, dataset, line->person_id);
        if (line->person_id != 0) {
            text_add_int(text, line->week);
        }
        text_addf(text, ",%lld,%s,%lld,%lld\n", (long long)line->pence_per_hour,
            pay_kind_name((enum pay_kind)line->kind), (long long)line->quantity,
            (long long)line->pence);
    }
}

void compose_add_slots(struct text *text, const struct compose_run *run)
{
    const struct dataset *dataset = run->input->dataset;

    text_add_string(text, "visit_id,slot,person_id,provider_id,status,outcome,planned_s,source_s,"
                          "seconds_s,rounded_s,paid_s,excess_s,lost_s\n");
    for (size_t i = 0; i < run->input->result->slots_count; i++) {
        const struct visits_slot *slot = &run->input->result->slots[i];
        const struct planned_row *planned = &dataset->planned[slot->planned];
        const struct compose_result *result = &run->results[i];

        add_id_comma(text, dataset, planned->visit_id);
        text_addf(text, "%d,", slot->number);
        add_id_comma(text, dataset, planned->person_id);
        add_id_comma(text, dataset, planned->provider_id);
        text_addf(text, "%s,%s,%lld,%lld,%lld,%lld,%lld,%lld,%lld\n",
            slot_status_name((enum slot_status)slot->status), compose_outcome_name(result->outcome),
            (long long)result->planned_s, (long long)result->base_s, (long long)result->seconds_s,
            (long long)result->rounded_s, (long long)result->paid_s, (long long)result->excess_s,
            (long long)result->lost_s);
    }
}
