/*
 * make_import.c - people, then their visits day by day with carers engaged as needed, then what
 * happens, then the files.
 */
#include "tools/ecm-sim/make_import.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "tools/ecm-sim/local_day.h"
#include "tools/ecm-sim/make_import_parts.h"
#include "tools/ecm-sim/random.h"

enum {
    START_CAPACITY = 1024,
    QUARTER_MIN = 15,
    DAY_MIN = 24 * 60,
    MINUTE_S = 60,
    HOUR_S = 3600,
    WEEK_DAYS = 7,
    WORK_DAYS = 5,
    TRAVEL_S = 300,
    NIGHT_STARTS_MIN = 22 * 60,
    NIGHT_LASTS_MIN = 9 * 60,
    CARERS_MAX = 60000,
};

int import_reserve(void **rows, size_t count, size_t *capacity, size_t row_size)
{
    size_t wanted = *capacity < START_CAPACITY ? START_CAPACITY : *capacity + *capacity / 2;
    void *grown = NULL;

    if (count < *capacity) {
        return 0;
    }
    grown = reallocarray(*rows, wanted, row_size);
    if (grown == NULL) {
        return -ENOMEM;
    }
    *rows = grown;
    *capacity = wanted;
    return 0;
}

/* ---- people ------------------------------------------------------------------------------- */

/* The four parts of a day in which visits begin, as quarters of an hour. */
static const struct {
    int first, last;
} parts[IMPORT_VISITS_A_DAY] = {{26, 43}, {46, 55}, {60, 71}, {76, 88}};

/* Which parts a person with 1, 2, 3 or 4 visits a day has. */
static const int parts_of[IMPORT_VISITS_A_DAY + 1][IMPORT_VISITS_A_DAY] = {
    {0}, {0}, {0, 3}, {0, 1, 3}, {0, 1, 2, 3}};

static int16_t draw_length(struct random *random)
{
    int64_t chance = random_between(random, 1, 100);

    if (chance <= 7) {
        return 15;
    }
    if (chance <= 80) {
        return 30;
    }
    return chance <= 96 ? 45 : 60;
}

static uint8_t draw_visits_a_day(struct random *random)
{
    int64_t chance = random_between(random, 1, 1300);

    if (chance <= 65) {
        return 0;
    }
    if (chance <= 761) {
        return 1;
    }
    return chance <= 1138 ? 2 : 3;
}

static void make_person(struct import_making *making, unsigned number)
{
    struct random random = random_stream(making->what->seed, "import person", number);
    struct import_person *person = &making->people[number];

    person->provider = (uint8_t)random_between(&random, 0, IMPORT_PROVIDERS - 1);
    person->is_ccg = random_between(&random, 1, 1650) <= 350;
    person->is_double = random_between(&random, 1, 1650) <= 350;
    person->visits_a_day = draw_visits_a_day(&random);
    if (person->is_double) {
        person->visits_a_day = IMPORT_VISITS_A_DAY;
    }
    for (unsigned i = 0; i < person->visits_a_day || i == 0; i++) {
        int part = parts_of[person->visits_a_day][i];

        person->start_min[i] =
            (int16_t)(random_between(&random, parts[part].first, parts[part].last) * QUARTER_MIN);
        person->length_min[i] = draw_length(&random);
    }
    if (person->is_double) {
        person->length_min[0] = 45;
    } else if (person->visits_a_day == 0 && random_percent(&random, 6)) {
        person->start_min[0] = NIGHT_STARTS_MIN;
        person->length_min[0] = NIGHT_LASTS_MIN;
    }
}

/* ---- the plan ----------------------------------------------------------------------------- */

/* A local time after the small hours: from the day's end, so that changing clocks do not move it. */
static int64_t instant_of(const struct import_making *making, unsigned day, int minute)
{
    return making->day_utc[day + 1] - (int64_t)(DAY_MIN - minute) * MINUTE_S;
}

/* Before the start: a third at less than a day's notice. */
static int64_t draw_cancel(struct random *random, int64_t start_utc)
{
    if (random_between(random, 1, 1000) > 20) {
        return 0;
    }
    return start_utc - (random_percent(random, 31) ? random_between(random, 3, 23)
                                                   : random_between(random, 24, 216)) *
                           HOUR_S;
}

static int add_visit(struct import_making *making, unsigned person, unsigned day, unsigned of_day)
{
    struct random random = random_stream(making->what->seed, "import visit",
        ((uint64_t)person * MAKE_IMPORT_WEEKS_MAX * WEEK_DAYS + day) * IMPORT_VISITS_A_DAY +
            of_day);
    const struct import_person *who = &making->people[person];
    struct import_visit visit = {.person = person};

    if (import_reserve((void **)&making->visits, making->visit_count, &making->visit_capacity,
            sizeof visit) < 0) {
        return -ENOMEM;
    }
    visit.start_utc = instant_of(making, day, who->start_min[of_day]);
    visit.end_utc = visit.start_utc + (int64_t)who->length_min[of_day] * MINUTE_S;
    visit.cancel_utc = draw_cancel(&random, visit.start_utc);
    making->visits[making->visit_count++] = visit;
    return 0;
}

static bool is_visited_on(const struct import_person *person, unsigned number, unsigned day)
{
    unsigned of_week = day % WEEK_DAYS;

    return person->visits_a_day > 0 || of_week == number % 3 || of_week == number % 3 + 3;
}

static int compare_visits(const void *left, const void *right)
{
    const struct import_visit *a = left;
    const struct import_visit *b = right;

    if (a->start_utc != b->start_utc) {
        return a->start_utc < b->start_utc ? -1 : 1;
    }
    return a->person < b->person ? -1 : a->person > b->person;
}

/* The first carer who works on that day, is free and has had time to get there; else a new one. */
static int engage(struct import_making *making, const struct import_visit *visit, unsigned day,
    struct import_carer *ret_carer)
{
    uint8_t provider = making->people[visit->person].provider;
    struct import_pool *pool = &making->pools[provider];
    size_t i = 0;

    while (i < pool->count &&
           ((i + day) % WEEK_DAYS >= WORK_DAYS || pool->free_at[i] + TRAVEL_S > visit->start_utc)) {
        i++;
    }
    if (i == CARERS_MAX ||
        import_reserve((void **)&pool->free_at, i, &pool->capacity, sizeof *pool->free_at) < 0) {
        return -ENOMEM;
    }
    if (i == pool->count) {
        pool->count++;
    }
    pool->free_at[i] = visit->end_utc;
    *ret_carer = (struct import_carer){.provider = provider, .number = (uint16_t)i};
    return 0;
}

static int engage_all(struct import_making *making, size_t from, unsigned day)
{
    int rc = 0;

    for (size_t i = from; rc == 0 && i < making->visit_count; i++) {
        struct import_visit *visit = &making->visits[i];
        const struct import_person *person = &making->people[visit->person];
        unsigned carers = person->is_double ? 2 : 1;

        for (unsigned k = 0; rc == 0 && k < carers; k++) {
            rc = engage(making, visit, day, &visit->carers[k]);
            making->pools[person->provider].planned_min +=
                (visit->end_utc - visit->start_utc) / MINUTE_S;
        }
    }
    return rc;
}

static int plan_day(struct import_making *making, unsigned day)
{
    size_t from = making->visit_count;
    int rc = 0;

    for (unsigned person = 0; person < making->what->people; person++) {
        const struct import_person *who = &making->people[person];

        if (!is_visited_on(who, person, day)) {
            continue;
        }
        for (unsigned i = 0; rc == 0 && (i < who->visits_a_day || i == 0); i++) {
            rc = add_visit(making, person, day, i);
        }
    }
    if (rc == 0 && making->visit_count > from) {
        qsort(&making->visits[from], making->visit_count - from, sizeof *making->visits,
            compare_visits);
        rc = engage_all(making, from, day);
    }
    return rc;
}

/* ---- the whole ---------------------------------------------------------------------------- */

static int find_days(struct import_making *making, struct err *err)
{
    unsigned days = making->what->weeks * WEEK_DAYS;
    int rc = 0;

    making->day_utc = calloc(days + 1, sizeof *making->day_utc);
    if (making->day_utc == NULL) {
        return err_set(err, -ENOMEM, "out of memory");
    }
    for (unsigned day = 0; rc == 0 && day <= days; day++) {
        rc = local_day_start(making->what->first_day + (int32_t)day, &making->day_utc[day], err);
    }
    return rc;
}

static int make_all(struct import_making *making)
{
    int rc = 0;

    making->people = calloc(making->what->people, sizeof *making->people);
    if (making->people == NULL) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < making->what->people; i++) {
        make_person(making, i);
    }
    for (unsigned day = 0; rc == 0 && day < making->what->weeks * WEEK_DAYS; day++) {
        rc = plan_day(making, day);
    }
    for (size_t i = 0; rc == 0 && i < making->visit_count; i++) {
        rc = import_happen(making, i);
    }
    return rc;
}

int make_import(const struct make_import *what, const char *folder, struct err *err)
{
    struct import_making making = {.what = what};
    int rc = find_days(&making, err);

    if (rc == 0) {
        rc = make_all(&making);
        rc = rc < 0 ? err_set(err, rc, "out of memory") : import_write(&making, folder, err);
    }
    for (int i = 0; i < IMPORT_PROVIDERS; i++) {
        free(making.pools[i].free_at);
    }
    free(making.day_utc);
    free(making.people);
    free(making.visits);
    free(making.taps);
    free(making.corrections);
    return rc;
}
