/* test_storage_tables.c - importing tables and loading them again. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "tests/contract/storage/implementations.h"

enum { START = 1603062000, END = 1603670400 }; /* the week from 2020-10-19, local */

static text_id id(struct dataset *dataset, const char *text)
{
    text_id ret = 0;

    assert_int_equal(dataset_intern(dataset, text, strlen(text), &ret), 0);
    return ret;
}

static void add_event(struct dataset *dataset, const char *event_id, const char *device,
    const char *card, int64_t ts_utc)
{
    const struct event_row event = {
        .recv_utc = ts_utc + 5,
        .event_id = id(dataset, event_id),
        .device_id = id(dataset, device),
        .card_uid = id(dataset, card),
        .kind = 'I',
        .ts_utc = ts_utc,
    };

    assert_int_equal(dataset_add_event(dataset, &event), 0);
}

static void add_person(struct dataset *dataset, const char *name, const char *device)
{
    const struct person_row person = {.person_id = id(dataset, name),
        .funder = id(dataset, "LA"),
        .zone = id(dataset, "N"),
        .provider_id = id(dataset, "P1"),
        .double_handed = true};
    const struct device_row home = {
        .device_id = id(dataset, device), .person_id = person.person_id, .to_utc = INT64_MAX};

    assert_int_equal(dataset_add_person(dataset, &person), 0);
    assert_int_equal(dataset_add_device(dataset, &home), 0);
}

static void add_planned(
    struct dataset *dataset, const char *visit, const char *person, int64_t start_utc)
{
    const struct planned_row row = {.visit_id = id(dataset, visit),
        .person_id = id(dataset, person),
        .provider_id = id(dataset, "P1"),
        .start_utc = start_utc,
        .end_utc = start_utc + 1800,
        .carers_required = 1,
        .roster_carers = id(dataset, "C1"),
        .cancel_utc = DATASET_NEVER};

    assert_int_equal(dataset_add_planned(dataset, &row), 0);
}

/* Two people, one week, one card; visits of the week and of the next. */
static void fill(struct dataset *dataset)
{
    const struct period_row period = {.period_id = id(dataset, "R1"),
        .start_day = 18554,
        .end_day = 18561,
        .start_utc = START,
        .end_utc = END,
        .run1_asof_utc = END + 1,
        .run2_asof_utc = END + 2};
    const struct provider_row provider = {
        .provider_id = id(dataset, "P1"), .zone = id(dataset, "N"), .contract_minutes = 4005};
    const struct rate_row rate = {.provider_id = id(dataset, "P1"),
        .funder = id(dataset, "LA"),
        .from_day = 1,
        .to_day = 2,
        .pence_per_hour = 1529};
    const struct carer_row carer = {id(dataset, "C1"), id(dataset, "P1")};
    const struct card_row card = {.card_uid = id(dataset, "04AA"),
        .carer_id = carer.carer_id,
        .from_utc = 7,
        .to_utc = INT64_MAX};

    assert_int_equal(dataset_add_period(dataset, &period), 0);
    assert_int_equal(dataset_add_provider(dataset, &provider), 0);
    assert_int_equal(dataset_add_rate(dataset, &rate), 0);
    assert_int_equal(dataset_add_carer(dataset, &carer), 0);
    assert_int_equal(dataset_add_card(dataset, &card), 0);
    add_person(dataset, "S1", "H1");
    add_person(dataset, "S2", "H2");
    add_planned(dataset, "V1", "S1", START + 3600);
    add_planned(dataset, "V2", "S2", START + 3600);
    add_planned(dataset, "V3", "S1", END);
    add_event(dataset, "H1-1", "H1", "04AA", START + 3600);
    add_event(dataset, "H2-1", "H2", "04AA", START + 7200);
}

static struct storage_import_counts import_set(struct fixture *fx, const struct dataset *dataset)
{
    struct storage_import_counts counts = {0};
    struct err err = {.text = ""};

    if (fx->storage->ops->import(fx->storage, dataset, START, &counts, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return counts;
}

static void load(
    struct fixture *fx, const char *period, const char *person, struct dataset *ret_dataset)
{
    const struct storage_filter filter = {.period_id = period, .person_id = person};
    struct err err = {.text = ""};

    assert_int_equal(dataset_init(ret_dataset), 0);
    if (fx->storage->ops->load(fx->storage, &filter, ret_dataset, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

static void what_was_imported_is_loaded_again(void **state)
{
    struct fixture *fx = *state;
    struct dataset in, out;

    assert_int_equal(dataset_init(&in), 0);
    fill(&in);
    assert_int_equal(import_set(fx, &in).added, 14);
    reopen_store(fx);
    load(fx, NULL, NULL, &out);
    assert_int_equal(out.periods_count, 1);
    assert_int_equal(out.periods[0].run2_asof_utc, END + 2);
    assert_int_equal(out.providers[0].contract_minutes, 4005);
    assert_string_equal(dataset_text(&out, out.providers[0].lot), "");
    assert_int_equal(out.rates[0].pence_per_hour, 1529);
    assert_int_equal(out.people_count, 2);
    assert_true(out.people[0].double_handed);
    assert_int_equal(out.cards[0].from_utc, 7);
    assert_int_equal(out.planned_count, 3);
    assert_true(out.planned[0].cancel_utc == DATASET_NEVER);
    assert_int_equal(out.events_count, 2);
    assert_string_equal(dataset_text(&out, out.events[1].event_id), "H2-1");
    assert_int_equal(out.events[1].arrival, 1);
    dataset_done(&in);
    dataset_done(&out);
}

static void importing_again_changes_nothing(void **state)
{
    struct fixture *fx = *state;
    struct storage_import_counts counts;
    struct dataset in;
    uint64_t before = 0, after = 0;

    assert_int_equal(dataset_init(&in), 0);
    fill(&in);
    (void)import_set(fx, &in);
    assert_int_equal(fx->storage->ops->imports(fx->storage, &before), 0);
    counts = import_set(fx, &in);
    assert_int_equal(counts.added, 0);
    assert_int_equal(counts.changed, 0);
    assert_int_equal(counts.unchanged, 14);
    assert_int_equal(fx->storage->ops->imports(fx->storage, &after), 0);
    assert_true(before == 1 && after == before);
    dataset_done(&in);
}

static void changed_row_replaces_the_one_with_its_key(void **state)
{
    struct fixture *fx = *state;
    struct storage_import_counts counts;
    struct dataset in, out;

    assert_int_equal(dataset_init(&in), 0);
    fill(&in);
    (void)import_set(fx, &in);
    in.planned[1].cancel_utc = START;
    counts = import_set(fx, &in);
    assert_int_equal(counts.changed, 1);
    assert_int_equal(counts.added, 0);
    load(fx, "R1", "S2", &out);
    assert_int_equal(out.planned_count, 1);
    assert_int_equal(out.planned[0].cancel_utc, START);
    dataset_done(&in);
    dataset_done(&out);
}

/* Rows are laid down many at a time: each still counts as what it is. */
static void among_many_rows_each_is_new_changed_or_as_it_was(void **state)
{
    enum { MANY = 100, CHANGED = 40, NEW = 5 };
    struct fixture *fx = *state;
    struct storage_import_counts counts;
    struct dataset in, out;

    assert_int_equal(dataset_init(&in), 0);
    fill(&in);
    for (int i = 0; i < MANY + NEW; i++) {
        char visit[16];

        if (i == MANY) {
            assert_int_equal(import_set(fx, &in).added, 14 + MANY);
            in.planned[CHANGED].cancel_utc = START;
        }
        (void)snprintf(visit, sizeof visit, "%s%03d", i < MANY ? "W" : "A", i);
        add_planned(&in, visit, "S2", START + 60 * i);
    }
    counts = import_set(fx, &in);
    assert_int_equal(counts.added, NEW);
    assert_int_equal(counts.changed, 1);
    assert_int_equal(counts.unchanged, 14 + MANY - 1);
    load(fx, "R1", NULL, &out);
    assert_int_equal(out.planned_count, in.planned_count);
    counts = import_set(fx, &in);
    assert_int_equal(counts.unchanged, 14 + MANY + NEW);
    dataset_done(&in);
    dataset_done(&out);
}

static void equal_events_are_kept_as_often_as_the_richest_import_had_them(void **state)
{
    const size_t copies[] = {2, 1, 3, 2};
    const size_t stored[] = {2, 2, 3, 3};
    struct fixture *fx = *state;

    for (size_t i = 0; i < 4; i++) {
        struct dataset in, out;

        assert_int_equal(dataset_init(&in), 0);
        for (size_t n = 0; n < copies[i]; n++) {
            add_event(&in, "H1-1", "H1", "04AA", START);
        }
        (void)import_set(fx, &in);
        load(fx, NULL, NULL, &out);
        assert_int_equal(out.events_count, stored[i]);
        dataset_done(&in);
        dataset_done(&out);
    }
}

/* A second period, so that the first is no longer all there is. */
static void add_next_period(struct dataset *dataset)
{
    struct period_row period = dataset->periods[0];

    period.period_id = id(dataset, "R2");
    period.start_day += 7;
    period.end_day += 7;
    period.start_utc = END;
    period.end_utc = END + 604800;
    assert_int_equal(dataset_add_period(dataset, &period), 0);
}

static void only_period_loads_everything(void **state)
{
    struct fixture *fx = *state;
    struct dataset in, out;

    assert_int_equal(dataset_init(&in), 0);
    fill(&in);
    add_event(&in, "years ago", "H1", "04AA", START / 2);
    (void)import_set(fx, &in);
    load(fx, "R1", NULL, &out);
    assert_int_equal(out.events_count, in.events_count);
    assert_int_equal(out.planned_count, in.planned_count);
    dataset_done(&in);
    dataset_done(&out);
}

static void period_loads_its_days_and_the_hours_around(void **state)
{
    struct fixture *fx = *state;
    struct dataset in, out;

    assert_int_equal(dataset_init(&in), 0);
    fill(&in);
    add_next_period(&in);
    add_event(&in, "early", "H1", "04AA", START - STORAGE_MARGIN_S - 1);
    add_event(&in, "before", "H1", "04AA", START - STORAGE_MARGIN_S);
    add_event(&in, "after", "H1", "04AA", END + STORAGE_MARGIN_S);
    add_event(&in, "late", "H1", "04AA", END + STORAGE_MARGIN_S + 1);
    in.events[in.events_count - 1].recv_utc = END + STORAGE_MARGIN_S + 1;
    (void)import_set(fx, &in);
    load(fx, "R1", NULL, &out);
    assert_int_equal(out.events_count, 4);
    assert_int_equal(out.planned_count, 2); /* V3 begins where the period ends */
    assert_int_equal(out.people_count, 2);
    dataset_done(&in);
    dataset_done(&out);
}

/* E2 looks at all copies of an id, also at the one that lies months before. */
static void period_loads_every_copy_of_an_id_that_lies_in_it(void **state)
{
    struct fixture *fx = *state;
    struct dataset in, out;

    for (int import = 0; import < 2; import++) { /* the copies in one import, then in another */
        assert_int_equal(dataset_init(&in), 0);
        fill(&in);
        add_next_period(&in);
        add_event(&in, import == 0 ? "copy" : "later copy", "H1", "04AA", START / 2);
        if (import == 1) {
            (void)import_set(fx, &in);
        }
        add_event(&in, import == 0 ? "copy" : "later copy", "H1", "04AA", START + 900);
        (void)import_set(fx, &in);
        load(fx, "R1", NULL, &out);
        assert_int_equal(out.events_count, 4 + 2 * import);
        dataset_done(&in);
        dataset_done(&out);
    }
}

static void tap_far_in_the_future_is_found_by_its_reception(void **state)
{
    struct fixture *fx = *state;
    struct dataset in, out;

    assert_int_equal(dataset_init(&in), 0);
    fill(&in);
    add_event(&in, "future", "H1", "04AA", END + 9000000);
    in.events[in.events_count - 1].recv_utc = START + 10;
    (void)import_set(fx, &in);
    load(fx, "R1", NULL, &out);
    assert_int_equal(out.events_count, 3);
    dataset_done(&out);
    load(fx, "R1", "S1", &out);
    assert_int_equal(out.events_count, 2);
    dataset_done(&in);
    dataset_done(&out);
}

static void person_loads_only_what_bears_on_that_person(void **state)
{
    struct fixture *fx = *state;
    struct dataset in, out;

    assert_int_equal(dataset_init(&in), 0);
    fill(&in);
    (void)import_set(fx, &in);
    load(fx, "R1", "S1", &out);
    assert_int_equal(out.people_count, 1);
    assert_int_equal(out.planned_count, 1);
    assert_int_equal(out.events_count, 1);
    assert_string_equal(dataset_text(&out, out.events[0].event_id), "H1-1");
    assert_int_equal(out.devices_count, 1);
    assert_int_equal(out.cards_count, 1);
    assert_int_equal(out.carers_count, 1);
    dataset_done(&in);
    dataset_done(&out);
}

/* Rule E2 looks at all copies of an id, wherever they were read. */
static void person_loads_every_copy_of_the_ids_and_their_voids(void **state)
{
    struct fixture *fx = *state;
    struct dataset in, out;
    struct amendment_row void_row = {.created_utc = START, .is_void = true};

    assert_int_equal(dataset_init(&in), 0);
    fill(&in);
    add_event(&in, "H1-1", "H2", "04AA", START + 9000);
    void_row.amend_id = id(&in, "A1");
    void_row.event_id = id(&in, "H1-1");
    assert_int_equal(dataset_add_amendment(&in, &void_row), 0);
    void_row.amend_id = id(&in, "A2");
    void_row.event_id = id(&in, "H2-1");
    assert_int_equal(dataset_add_amendment(&in, &void_row), 0);
    (void)import_set(fx, &in);
    load(fx, "R1", "S1", &out);
    assert_int_equal(out.events_count, 2);
    assert_int_equal(out.amendments_count, 1);
    assert_string_equal(dataset_text(&out, out.amendments[0].amend_id), "A1");
    assert_int_equal(out.devices_count, 2); /* the copy's home as well */
    dataset_done(&in);
    dataset_done(&out);
}

static void unknown_period_and_person_are_said_to_be_absent(void **state)
{
    const struct storage_filter filters[] = {{.period_id = "R9"}, {.person_id = "S9"}};
    struct fixture *fx = *state;

    for (size_t i = 0; i < 2; i++) {
        struct err err = {.text = ""};
        struct dataset out;

        assert_int_equal(dataset_init(&out), 0);
        assert_int_equal(fx->storage->ops->load(fx->storage, &filters[i], &out, &err), -ENOENT);
        assert_true(err.text[0] != '\0');
        dataset_done(&out);
    }
}

static int name_person(void *user, const char *person_id)
{
    (void)snprintf(user, 16, "%s", person_id);
    return 0;
}

static void device_touches_the_person_whose_home_it_is_in(void **state)
{
    struct fixture *fx = *state;
    struct dataset in;
    char name[16] = "";

    assert_int_equal(dataset_init(&in), 0);
    fill(&in);
    (void)import_set(fx, &in);
    assert_int_equal(
        fx->storage->ops->persons_at(fx->storage, "H2", START, START + 1, name_person, name), 0);
    assert_string_equal(name, "S2");
    name[0] = '\0';
    assert_int_equal(
        fx->storage->ops->persons_at(fx->storage, "H9", START, START + 1, name_person, name), 0);
    assert_string_equal(name, "");
    dataset_done(&in);
}

static int count_person(void *user, const char *person_id)
{
    (void)person_id;
    (*(size_t *)user)++;
    return 0;
}

/* The home of its device; and the home of its tag, whoever's reader it was. */
static void event_touches_the_homes_of_its_device_and_its_tag(void **state)
{
    struct fixture *fx = *state;
    struct home_tag_row home_tag = {.from_utc = 0, .to_utc = END};
    struct dataset in;
    char name[16] = "";
    size_t count = 0;

    assert_int_equal(dataset_init(&in), 0);
    fill(&in);
    home_tag.tag_uid = id(&in, "04EE");
    home_tag.person_id = id(&in, "S1");
    assert_int_equal(dataset_add_home_tag(&in, &home_tag), 0);
    add_event(&in, "carried", "H9", "04EE", START);
    (void)import_set(fx, &in);
    assert_int_equal(fx->storage->ops->persons_of(fx->storage, NULL, "H2-1", name_person, name), 0);
    assert_string_equal(name, "S2");
    assert_int_equal(
        fx->storage->ops->persons_of(fx->storage, NULL, "carried", name_person, name), 0);
    assert_string_equal(name, "S1");
    assert_int_equal(
        fx->storage->ops->persons_of(fx->storage, NULL, "nobody's", count_person, &count), 0);
    assert_int_equal(count, 0);
    dataset_done(&in);
}

/* A carer's reader reads the tags of many homes: only those of the person count. */
static void person_loads_what_carried_readers_read_from_the_home_tag(void **state)
{
    struct fixture *fx = *state;
    struct home_tag_row tag = {.from_utc = 0, .to_utc = END};
    struct carried_reader_row reader = {.from_utc = 0, .to_utc = END};
    struct dataset in, out;

    assert_int_equal(dataset_init(&in), 0);
    fill(&in);
    tag.tag_uid = id(&in, "04EE");
    tag.person_id = id(&in, "S1");
    assert_int_equal(dataset_add_home_tag(&in, &tag), 0);
    reader.device_id = id(&in, "C1");
    reader.carer_id = in.carers[0].carer_id;
    assert_int_equal(dataset_add_carried_reader(&in, &reader), 0);
    add_event(&in, "C1-1", "C1", "04EE", START + 60);
    add_event(&in, "C1-2", "C1", "04FF", START + 61);
    add_event(&in, "C1-3", "C1", "04EE", END + STORAGE_MARGIN_S + 1);
    (void)import_set(fx, &in);
    load(fx, "R1", "S1", &out);
    assert_int_equal(out.events_count, 2);
    assert_string_equal(dataset_text(&out, out.events[0].event_id), "H1-1");
    assert_string_equal(dataset_text(&out, out.events[1].event_id), "C1-1");
    assert_int_equal(out.events[1].arrival, 1);
    dataset_done(&in);
    dataset_done(&out);
}

/* More than any block or list of places holds, in two imports of which the second repeats a part. */
static void many_events_come_back_in_the_order_they_came(void **state)
{
    enum { MANY = 1500, BEFORE = 700 };
    struct fixture *fx = *state;
    struct storage_import_counts counts;
    struct dataset in, out;

    assert_int_equal(dataset_init(&in), 0);
    fill(&in);
    for (int i = 0; i < MANY; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "M-%d", i);
        add_event(&in, name, i % 3 == 0 ? "H2" : "H1", "04AA", START + 1000 - i % 7);
        if (i == BEFORE) {
            (void)import_set(fx, &in);
        }
    }
    counts = import_set(fx, &in);
    assert_int_equal(counts.added, MANY - BEFORE - 1);
    load(fx, NULL, NULL, &out);
    assert_int_equal(out.events_count, in.events_count);
    for (size_t i = 0; i < in.events_count; i++) {
        assert_int_equal(out.events[i].arrival, i);
        assert_string_equal(
            dataset_text(&out, out.events[i].event_id), dataset_text(&in, in.events[i].event_id));
        assert_true(out.events[i].ts_utc == in.events[i].ts_utc);
    }
    dataset_done(&out);
    load(fx, "R1", "S2", &out);
    assert_int_equal(out.events_count, 1 + MANY / 3);
    for (size_t i = 1; i < out.events_count; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "M-%zu", 3 * (i - 1));
        assert_string_equal(dataset_text(&out, out.events[i].event_id), name);
    }
    dataset_done(&in);
    dataset_done(&out);
}

const struct CMUnitTest table_tests[] = {
    STORE_TEST(what_was_imported_is_loaded_again),
    STORE_TEST(importing_again_changes_nothing),
    STORE_TEST(changed_row_replaces_the_one_with_its_key),
    STORE_TEST(among_many_rows_each_is_new_changed_or_as_it_was),
    STORE_TEST(equal_events_are_kept_as_often_as_the_richest_import_had_them),
    STORE_TEST(only_period_loads_everything),
    STORE_TEST(period_loads_every_copy_of_an_id_that_lies_in_it),
    STORE_TEST(period_loads_its_days_and_the_hours_around),
    STORE_TEST(tap_far_in_the_future_is_found_by_its_reception),
    STORE_TEST(person_loads_only_what_bears_on_that_person),
    STORE_TEST(person_loads_every_copy_of_the_ids_and_their_voids),
    STORE_TEST(unknown_period_and_person_are_said_to_be_absent),
    STORE_TEST(device_touches_the_person_whose_home_it_is_in),
    STORE_TEST(event_touches_the_homes_of_its_device_and_its_tag),
    STORE_TEST(person_loads_what_carried_readers_read_from_the_home_tag),
    STORE_TEST(many_events_come_back_in_the_order_they_came),
};
const size_t table_tests_count = sizeof table_tests / sizeof table_tests[0];
