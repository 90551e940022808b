/* test_import.c - each column's refusals, word for word. What spans files is in tests/integration. */
#include "collector/import/import.h"

#include <string.h>

#include "base/err.h"
#include "tests/unit/suite.h"

#define PLANNED                                                                                    \
    "visit_id,person_id,provider_id,planned_start_utc,planned_end_utc,carers_required,"            \
    "roster_carers,cancel_utc\n"
#define EVENTS "recv_utc,event_id,device_id,card_uid,kind,ts_utc\n"
#define PERIOD "period_id,start_date,end_date,start_utc,end_utc,run1_asof_utc,run2_asof_utc\n"
#define AMENDMENTS                                                                                 \
    "amend_id,created_utc,action,person_id,carer_id,kind,ts_utc,event_id,reason_code\n"
#define RATES "provider_id,funder,valid_from,valid_to,pence_per_hour\n"
#define PEOPLE "person_id,funder,zone,provider_id,double_handed\n"

static const struct {
    const char *file, *bytes, *reason;
} faults[] = {
    {"planned.csv", "", "planned.csv:1: there is no header row"},
    {"planned.csv", "visit_id,colour\n", "planned.csv:1: colour: unknown column"},
    {"carers.csv", "carer_id\n", "carers.csv:1: provider_id: this column is missing"},
    {"carers.csv", "carer_id,carer_id\n", "carers.csv:1: carer_id: this column is there twice"},
    {"carers.csv", "carer_id,provider_id\nC1\n", "carers.csv:2: too few fields"},
    {"carers.csv", "carer_id,provider_id\nC1,P1,x\n", "carers.csv:2: too many fields"},
    {"carers.csv", "carer_id,provider_id\nC1,P1\n,P1\n", "carers.csv:3: carer_id: empty"},
    {"carers.csv", "carer_id,provider_id\n\"C\t1\",P1\n",
        "carers.csv:2: carer_id: a control character"},
    {"carers.csv", "carer_id,provider_id\nC\xff,P1\n", "carers.csv:2: not UTF-8"},
    {"planned.csv", PLANNED "V,S,P,9,8,1,C,\n",
        "planned.csv:2: planned_end_utc: not after planned_start_utc"},
    {"planned.csv", PLANNED "V,S,P,8,9,0,C,\n",
        "planned.csv:2: carers_required: must be at least 1"},
    {"planned.csv", PLANNED "V,S,P,8,9,10,C,\n", "planned.csv:2: carers_required: too large"},
    {"planned.csv", PLANNED "V,S,P,8,9,1,C||D,\n",
        "planned.csv:2: roster_carers: an empty name between the bars"},
    {"planned.csv", PLANNED "V,S,P,8,9,1,C,soon\n",
        "planned.csv:2: cancel_utc: not a whole number of seconds since 1970"},
    {"events.csv", EVENTS "-1,E,D,K,I,1\n",
        "events.csv:2: recv_utc: not a whole number of seconds since 1970"},
    {"events.csv", EVENTS "1,E,D,K,I,1099511627777\n",
        "events.csv:2: ts_utc: later than 1099511627776, the end of time here"},
    {"events.csv", EVENTS "1,E,D,K,IN,1\n", "events.csv:2: kind: neither I nor O"},
    {"events.csv", EVENTS "1,E,D,,I,1\n", "events.csv:2: card_uid: empty"},
    {"period.csv", PERIOD "R,2021-03-23,2021-03-29,1616457600,1616972400,1,1\n",
        "period.csv:2: start_date: not a Monday"},
    {"period.csv", PERIOD "R,2021-03-22,2021-03-22,1616371200,1616371200,1,1\n",
        "period.csv:2: end_date: not after start_date"},
    {"period.csv", PERIOD "R,2021-03-22,2021-03-29,1616300000,1616972400,1,1\n",
        "period.csv:2: start_utc: not the midnight at which start_date begins"},
    {"period.csv", PERIOD "R,2021-02-29,2021-03-29,1,1,1,1\n",
        "period.csv:2: start_date: no such day"},
    {"period.csv", PERIOD "R,22/03/2021,2021-03-29,1,1,1,1\n",
        "period.csv:2: start_date: not a date like 2021-03-28"},
    {"rates.csv", RATES "P,LA,2021-03-22,2021-03-22,1500\n",
        "rates.csv:2: valid_to: not after valid_from"},
    {"rates.csv", RATES "P,LA,2021-03-22,2021-03-29,15.29\n",
        "rates.csv:2: pence_per_hour: not a whole number"},
    {"people.csv", PEOPLE "S,LA,N,P,yes\n", "people.csv:2: double_handed: neither 0 nor 1"},
    {"amendments.csv", AMENDMENTS "A,1,EDIT,S,C,I,1,,06\n",
        "amendments.csv:2: action: neither ADD nor VOID"},
    {"amendments.csv", AMENDMENTS "A,1,VOID,,,,,,06\n",
        "amendments.csv:2: event_id: empty, but VOID needs the event it voids"},
    {"amendments.csv", AMENDMENTS "A,1,ADD,,C,I,1,,06\n",
        "amendments.csv:2: person_id: empty, but ADD needs it"},
    {"amendments.csv", AMENDMENTS "A,1,ADD,S,,I,1,,06\n",
        "amendments.csv:2: carer_id: empty, but ADD needs it"},
    {"amendments.csv", AMENDMENTS "A,1,ADD,S,C,,1,,06\n",
        "amendments.csv:2: kind: empty, but ADD needs it: I or O"},
    {"amendments.csv", AMENDMENTS "A,1,ADD,S,C,I,,,06\n",
        "amendments.csv:2: ts_utc: empty, but ADD needs it"},
    {"cards.csv", "card_uid,carer_id,valid_from_utc,valid_to_utc\nK,C,5,5\n",
        "cards.csv:2: valid_to_utc: not after valid_from_utc"},
    {"notes.csv", "a\n", "notes.csv: not the name of a file I know"},
};

static void each_fault_is_named_by_file_line_column_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct dataset dataset;
        struct err err = {""};

        assert_int_equal(dataset_init(&dataset), 0);
        assert_int_equal(
            import_bytes(faults[i].file, faults[i].bytes, strlen(faults[i].bytes), &dataset, &err),
            ECM_EFORMAT);
        assert_string_equal(err.text, faults[i].reason);
        dataset_done(&dataset);
    }
}

static void good_rows_land_with_every_value(void **state)
{
    static const char planned[] = PLANNED "V1,S1,P1,1616396400,1616398200,2,C1|C2,1616300000\r\n"
                                          "\"V,2\",S1,P1,1616396400,1616398200,1,,\r\n";
    static const char events[] = EVENTS "20,E1,D1,K1,I,10\n30,E2,D1,K1,O,25\n";
    struct dataset dataset;

    (void)state;
    assert_int_equal(dataset_init(&dataset), 0);
    assert_int_equal(import_bytes("planned.csv", planned, sizeof planned - 1, &dataset, NULL), 0);
    assert_int_equal(import_bytes("events.csv", events, sizeof events - 1, &dataset, NULL), 0);
    assert_int_equal(dataset.planned_count, 2);
    assert_int_equal(dataset.planned[0].carers_required, 2);
    assert_int_equal(dataset.planned[0].cancel_utc, 1616300000);
    assert_true(dataset.planned[1].cancel_utc == DATASET_NEVER);
    assert_string_equal(dataset_text(&dataset, dataset.planned[0].roster_carers), "C1|C2");
    assert_string_equal(dataset_text(&dataset, dataset.planned[1].visit_id), "V,2");
    assert_int_equal(dataset.events_count, 2);
    assert_int_equal(dataset.events[1].arrival, 1);
    assert_int_equal(dataset.events[1].kind, 'O');
    assert_int_equal(dataset.events[1].ts_utc, 25);
    assert_int_equal(dataset.events[1].evidence, 0);
    dataset_done(&dataset);
}

static void columns_may_stand_in_any_order(void **state)
{
    static const char bytes[] = "provider_id,carer_id\nP1,C1\n";
    struct dataset dataset;

    (void)state;
    assert_int_equal(dataset_init(&dataset), 0);
    assert_int_equal(import_bytes("carers.csv", bytes, sizeof bytes - 1, &dataset, NULL), 0);
    assert_string_equal(dataset_text(&dataset, dataset.carers[0].carer_id), "C1");
    assert_string_equal(dataset_text(&dataset, dataset.carers[0].provider_id), "P1");
    dataset_done(&dataset);
}

static void local_dates_become_days(void **state)
{
    static const char bytes[] =
        RATES "P,LA,1970-01-01,2024-02-29,1\nP,LA,2024-02-29,2100-03-01,0\n";
    struct dataset dataset;

    (void)state;
    assert_int_equal(dataset_init(&dataset), 0);
    assert_int_equal(import_bytes("rates.csv", bytes, sizeof bytes - 1, &dataset, NULL), 0);
    assert_int_equal(dataset.rates[0].from_day, 0);
    assert_int_equal(dataset.rates[0].to_day, 19782);
    assert_int_equal(dataset.rates[1].to_day, 47541);
    dataset_done(&dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_is_named_by_file_line_column_and_reason),
        cmocka_unit_test(good_rows_land_with_every_value),
        cmocka_unit_test(columns_may_stand_in_any_order),
        cmocka_unit_test(local_dates_become_days),
    };

    return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
