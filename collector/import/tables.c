/* tables.c - see tables.h. */
#include "collector/import/tables.h"

#include <string.h>

enum { DAY_S = 86400, ZONE_MAX_S = 15 * 3600, CARERS_MAX = 9 };

#define MINUTES_MAX INT64_C(100000000)
#define PENCE_MAX INT64_C(10000000)

static bool fault(struct table_fault *ret_fault, const char *column, const char *reason)
{
    *ret_fault = (struct table_fault){.column = column, .reason = reason};
    return false;
}

/* A local midnight lies within a zone's offset of the midnight of UTC. */
static bool is_midnight_of(int64_t utc, int32_t day)
{
    int64_t off = utc - (int64_t)day * DAY_S;

    return off >= -ZONE_MAX_S && off <= ZONE_MAX_S;
}

static bool check_period(const union table_row *row, struct table_fault *ret_fault)
{
    const struct period_row *period = &row->period;

    if ((period->start_day + 3) % 7 != 0) { /* 1970-01-01 was a Thursday */
        return fault(ret_fault, "start_date", "not a Monday");
    }
    if (period->end_day <= period->start_day) {
        return fault(ret_fault, "end_date", "not after start_date");
    }
    if (!is_midnight_of(period->start_utc, period->start_day)) {
        return fault(ret_fault, "start_utc", "not the midnight at which start_date begins");
    }
    if (!is_midnight_of(period->end_utc, period->end_day)) {
        return fault(ret_fault, "end_utc", "not the midnight at which end_date begins");
    }
    return true;
}

static bool check_rate(const union table_row *row, struct table_fault *ret_fault)
{
    return row->rate.to_day > row->rate.from_day ||
           fault(ret_fault, "valid_to", "not after valid_from");
}

static bool check_card(const union table_row *row, struct table_fault *ret_fault)
{
    return row->card.to_utc > row->card.from_utc ||
           fault(ret_fault, "valid_to_utc", "not after valid_from_utc");
}

static bool check_device(const union table_row *row, struct table_fault *ret_fault)
{
    return row->device.to_utc > row->device.from_utc ||
           fault(ret_fault, "valid_to_utc", "not after valid_from_utc");
}

static bool check_home_tag(const union table_row *row, struct table_fault *ret_fault)
{
    return row->home_tag.to_utc > row->home_tag.from_utc ||
           fault(ret_fault, "valid_to_utc", "not after valid_from_utc");
}

static bool check_carried_reader(const union table_row *row, struct table_fault *ret_fault)
{
    return row->carried_reader.to_utc > row->carried_reader.from_utc ||
           fault(ret_fault, "valid_to_utc", "not after valid_from_utc");
}

static bool check_planned(const union table_row *row, struct table_fault *ret_fault)
{
    return row->planned.end_utc > row->planned.start_utc ||
           fault(ret_fault, "planned_end_utc", "not after planned_start_utc");
}

static bool check_amendment(const union table_row *row, struct table_fault *ret_fault)
{
    const struct amendment_row *amendment = &row->amendment;

    if (amendment->is_void) {
        return amendment->event_id != 0 ||
               fault(ret_fault, "event_id", "empty, but VOID needs the event it voids");
    }
    if (amendment->person_id == 0) {
        return fault(ret_fault, "person_id", "empty, but ADD needs it");
    }
    if (amendment->carer_id == 0) {
        return fault(ret_fault, "carer_id", "empty, but ADD needs it");
    }
    if (amendment->kind == 0) {
        return fault(ret_fault, "kind", "empty, but ADD needs it: I or O");
    }
    if (amendment->ts_utc == 0) {
        return fault(ret_fault, "ts_utc", "empty, but ADD needs it");
    }
    return true;
}

static int add_event(struct dataset *dataset, union table_row *row)
{
    row->event.arrival = (uint32_t)dataset->events_count;
    return dataset_add_event(dataset, &row->event);
}

/* One pair of functions a table: the same two lines, which C cannot share without giving up
 * types. */
#define DEFINE_COUNT(table)                                                                        \
    static size_t count_##table(const struct dataset *dataset)                                     \
    {                                                                                              \
        return dataset->table##_count;                                                             \
    }
#define DEFINE_ADD(name)                                                                           \
    static int add_##name(struct dataset *dataset, union table_row *row)                           \
    {                                                                                              \
        return dataset_add_##name(dataset, &row->name);                                            \
    }

DEFINE_COUNT(periods)
DEFINE_COUNT(providers)
DEFINE_COUNT(rates)
DEFINE_COUNT(people)
DEFINE_COUNT(carers)
DEFINE_COUNT(cards)
DEFINE_COUNT(devices)
DEFINE_COUNT(planned)
DEFINE_COUNT(events)
DEFINE_COUNT(amendments)
DEFINE_COUNT(home_tags)
DEFINE_COUNT(carried_readers)
DEFINE_ADD(period)
DEFINE_ADD(provider)
DEFINE_ADD(rate)
DEFINE_ADD(person)
DEFINE_ADD(carer)
DEFINE_ADD(card)
DEFINE_ADD(device)
DEFINE_ADD(planned)
DEFINE_ADD(amendment)
DEFINE_ADD(home_tag)
DEFINE_ADD(carried_reader)

#define AT(row, member) offsetof(struct row, member)

const struct table tables[TABLE_COUNT] = {
    [TABLE_PERIOD] = {.file = "period.csv",
        .columns = {{"period_id", COLUMN_ID, AT(period_row, period_id), 0},
            {"start_date", COLUMN_DAY, AT(period_row, start_day), 0},
            {"end_date", COLUMN_DAY, AT(period_row, end_day), 0},
            {"start_utc", COLUMN_INSTANT, AT(period_row, start_utc), 0},
            {"end_utc", COLUMN_INSTANT, AT(period_row, end_utc), 0},
            {"run1_asof_utc", COLUMN_INSTANT, AT(period_row, run1_asof_utc), 0},
            {"run2_asof_utc", COLUMN_INSTANT, AT(period_row, run2_asof_utc), 0}},
        .check = check_period,
        .add = add_period,
        .count = count_periods},
    [TABLE_PROVIDERS] = {.file = "providers.csv",
        .columns = {{"provider_id", COLUMN_ID, AT(provider_row, provider_id), 0},
            {"zone", COLUMN_ID_OPTIONAL, AT(provider_row, zone), 0},
            {"lot", COLUMN_ID_OPTIONAL, AT(provider_row, lot), 0},
            {"tier", COLUMN_ID_OPTIONAL, AT(provider_row, tier), 0},
            {"contract_minutes", COLUMN_COUNT, AT(provider_row, contract_minutes), MINUTES_MAX}},
        .add = add_provider,
        .count = count_providers},
    [TABLE_RATES] = {.file = "rates.csv",
        .columns = {{"provider_id", COLUMN_ID, AT(rate_row, provider_id), 0},
            {"funder", COLUMN_ID, AT(rate_row, funder), 0},
            {"valid_from", COLUMN_DAY, AT(rate_row, from_day), 0},
            {"valid_to", COLUMN_DAY, AT(rate_row, to_day), 0},
            {"pence_per_hour", COLUMN_COUNT, AT(rate_row, pence_per_hour), PENCE_MAX}},
        .check = check_rate,
        .add = add_rate,
        .count = count_rates},
    [TABLE_PEOPLE] = {.file = "people.csv",
        .columns = {{"person_id", COLUMN_ID, AT(person_row, person_id), 0},
            {"funder", COLUMN_ID, AT(person_row, funder), 0},
            {"zone", COLUMN_ID_OPTIONAL, AT(person_row, zone), 0},
            {"provider_id", COLUMN_ID, AT(person_row, provider_id), 0},
            {"double_handed", COLUMN_FLAG, AT(person_row, double_handed), 0}},
        .add = add_person,
        .count = count_people},
    [TABLE_CARERS] = {.file = "carers.csv",
        .columns = {{"carer_id", COLUMN_ID_LISTED, AT(carer_row, carer_id), 0},
            {"provider_id", COLUMN_ID, AT(carer_row, provider_id), 0}},
        .add = add_carer,
        .count = count_carers},
    [TABLE_CARDS] = {.file = "cards.csv",
        .columns = {{"card_uid", COLUMN_ID, AT(card_row, card_uid), 0},
            {"carer_id", COLUMN_ID, AT(card_row, carer_id), 0},
            {"valid_from_utc", COLUMN_INSTANT, AT(card_row, from_utc), 0},
            {"valid_to_utc", COLUMN_INSTANT, AT(card_row, to_utc), 0}},
        .check = check_card,
        .add = add_card,
        .count = count_cards},
    [TABLE_DEVICES] = {.file = "devices.csv",
        .columns = {{"device_id", COLUMN_ID, AT(device_row, device_id), 0},
            {"person_id", COLUMN_ID, AT(device_row, person_id), 0},
            {"valid_from_utc", COLUMN_INSTANT, AT(device_row, from_utc), 0},
            {"valid_to_utc", COLUMN_INSTANT, AT(device_row, to_utc), 0}},
        .check = check_device,
        .add = add_device,
        .count = count_devices},
    [TABLE_PLANNED] = {.file = "planned.csv",
        .columns = {{"visit_id", COLUMN_ID, AT(planned_row, visit_id), 0},
            {"person_id", COLUMN_ID, AT(planned_row, person_id), 0},
            {"provider_id", COLUMN_ID, AT(planned_row, provider_id), 0},
            {"planned_start_utc", COLUMN_INSTANT, AT(planned_row, start_utc), 0},
            {"planned_end_utc", COLUMN_INSTANT, AT(planned_row, end_utc), 0},
            {"carers_required", COLUMN_SMALL_COUNT, AT(planned_row, carers_required), CARERS_MAX},
            {"roster_carers", COLUMN_LIST, AT(planned_row, roster_carers), 0},
            {"cancel_utc", COLUMN_INSTANT_OR_NEVER, AT(planned_row, cancel_utc), 0}},
        .check = check_planned,
        .add = add_planned,
        .count = count_planned},
    [TABLE_EVENTS] = {.file = "events.csv",
        .columns = {{"recv_utc", COLUMN_INSTANT, AT(event_row, recv_utc), 0},
            {"event_id", COLUMN_ID, AT(event_row, event_id), 0},
            {"device_id", COLUMN_ID, AT(event_row, device_id), 0},
            {"card_uid", COLUMN_ID, AT(event_row, card_uid), 0},
            {"kind", COLUMN_KIND, AT(event_row, kind), 0},
            {"ts_utc", COLUMN_INSTANT, AT(event_row, ts_utc), 0}},
        .add = add_event,
        .count = count_events},
    [TABLE_AMENDMENTS] = {.file = "amendments.csv",
        .columns = {{"amend_id", COLUMN_ID, AT(amendment_row, amend_id), 0},
            {"created_utc", COLUMN_INSTANT, AT(amendment_row, created_utc), 0},
            {"action", COLUMN_ACTION, AT(amendment_row, is_void), 0},
            {"person_id", COLUMN_ID_OPTIONAL, AT(amendment_row, person_id), 0},
            {"carer_id", COLUMN_ID_OPTIONAL, AT(amendment_row, carer_id), 0},
            {"kind", COLUMN_KIND_OPTIONAL, AT(amendment_row, kind), 0},
            {"ts_utc", COLUMN_INSTANT_OPTIONAL, AT(amendment_row, ts_utc), 0},
            {"event_id", COLUMN_ID_OPTIONAL, AT(amendment_row, event_id), 0},
            {"reason_code", COLUMN_ID_OPTIONAL, AT(amendment_row, reason_code), 0}},
        .check = check_amendment,
        .add = add_amendment,
        .count = count_amendments},
    [TABLE_HOME_TAGS] = {.file = "home_tags.csv",
        .is_optional = true,
        .columns = {{"tag_uid", COLUMN_ID, AT(home_tag_row, tag_uid), 0},
            {"person_id", COLUMN_ID, AT(home_tag_row, person_id), 0},
            {"valid_from_utc", COLUMN_INSTANT, AT(home_tag_row, from_utc), 0},
            {"valid_to_utc", COLUMN_INSTANT, AT(home_tag_row, to_utc), 0}},
        .check = check_home_tag,
        .add = add_home_tag,
        .count = count_home_tags},
    [TABLE_CARRIED_READERS] = {.file = "carried_readers.csv",
        .is_optional = true,
        .columns = {{"device_id", COLUMN_ID, AT(carried_reader_row, device_id), 0},
            {"carer_id", COLUMN_ID, AT(carried_reader_row, carer_id), 0},
            {"valid_from_utc", COLUMN_INSTANT, AT(carried_reader_row, from_utc), 0},
            {"valid_to_utc", COLUMN_INSTANT, AT(carried_reader_row, to_utc), 0}},
        .check = check_carried_reader,
        .add = add_carried_reader,
        .count = count_carried_readers},
};
