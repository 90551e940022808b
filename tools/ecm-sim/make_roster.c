/*
 * make_roster.c - visits first, home by home; then carers, as many as it takes; then the files.
 */
#include "tools/ecm-sim/make_roster.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "tools/ecm-sim/local_day.h"
#include "tools/ecm-sim/random.h"
#include "tools/ecm-sim/table_file.h"

enum {
    PATH_SIZE = 4096,
    PROVIDERS = 3,
    TRAVEL_S = 300,
    DAY_BEGINS_S = 7 * 3600,
    DAY_LASTS_S = 14 * 3600,
    MINUTE = 60,
};

struct person {
    unsigned provider; /* 0.. */
    bool is_nhs;
    bool is_double; /* needs two carers at once */
};

struct visit {
    unsigned home;
    int64_t start, end;
    unsigned carers[2]; /* numbers from 1; 0: none */
};

struct carer {
    unsigned provider;
    int64_t free_at;
};

struct making {
    const struct make_roster *what;
    int64_t day_utc[MAKE_ROSTER_DAYS_MAX];
    int64_t period_start, period_end;
    struct person *people;
    struct visit *visits;
    size_t visit_count;
    struct carer *carers;
    size_t carer_count, carer_capacity;
};

/* ---- visits ------------------------------------------------------------------------------- */

static const int64_t lengths_min[] = {15, 15, 30, 30, 30, 45, 60};

static void make_person(struct making *making, unsigned home)
{
    struct random random = random_stream(making->what->seed, "person", home);
    struct person *person = &making->people[home];

    person->provider =
        making->what->is_borough ? (unsigned)random_between(&random, 0, PROVIDERS - 1) : 0;
    person->is_nhs = random_percent(&random, 20) && making->what->is_borough;
    person->is_double = random_percent(&random, making->what->is_borough ? 25 : 10);
}

/* The visits of one home and day: spread over the day, each somewhere in its part of it. */
static void make_day(struct making *making, unsigned home, unsigned day, unsigned count)
{
    struct random random = random_stream(making->what->seed, "visits", home * 64u + day);
    int64_t part = DAY_LASTS_S / count;

    for (unsigned i = 0; i < count; i++) {
        int64_t length = lengths_min[random_between(&random, 0,
                             (int64_t)(sizeof lengths_min / sizeof lengths_min[0]) - 1)] *
                         MINUTE;
        int64_t latest = part - length - 11 * MINUTE;
        int64_t offset = random_between(&random, 0, (latest > 0 ? latest : 0) / (5 * MINUTE));
        struct visit *visit = &making->visits[making->visit_count++];

        visit->home = home;
        visit->start = making->day_utc[day] + DAY_BEGINS_S + i * part + offset * 5 * MINUTE;
        visit->end = visit->start + length;
    }
}

static int by_start(const void *a, const void *b)
{
    const struct visit *x = a;
    const struct visit *y = b;

    if (x->start != y->start) {
        return x->start < y->start ? -1 : 1;
    }
    return x->home < y->home ? -1 : x->home > y->home;
}

/* ---- carers ------------------------------------------------------------------------------- */

/* Engage the first carer of provider who is free at start, else a new one. 0: memory is out. */
static unsigned engage(struct making *making, unsigned provider, int64_t start, int64_t end)
{
    size_t i = 0;

    while (i < making->carer_count && (making->carers[i].provider != provider ||
                                          making->carers[i].free_at + TRAVEL_S > start)) {
        i++;
    }
    if (i == making->carer_capacity) {
        size_t wider = making->carer_capacity == 0 ? 64 : 2 * making->carer_capacity;
        struct carer *moved = reallocarray(making->carers, wider, sizeof *moved);

        if (moved == NULL) {
            return 0;
        }
        making->carers = moved;
        making->carer_capacity = wider;
    }
    if (i == making->carer_count) {
        making->carers[making->carer_count++] = (struct carer){.provider = provider};
    }
    making->carers[i].free_at = end;
    return (unsigned)i + 1;
}

static int engage_all(struct making *making)
{
    for (size_t i = 0; i < making->visit_count; i++) {
        struct visit *visit = &making->visits[i];
        const struct person *person = &making->people[visit->home];

        for (size_t k = 0; k < (person->is_double ? 2 : 1); k++) {
            visit->carers[k] = engage(making, person->provider, visit->start, visit->end);
            if (visit->carers[k] == 0) {
                return -ENOMEM;
            }
        }
    }
    return 0;
}

/* ---- files -------------------------------------------------------------------------------- */

static void write_period(const struct making *making, FILE *out)
{
    int32_t monday = local_day_monday(making->what->first_day);
    char start[LOCAL_DAY_TEXT];
    char end[LOCAL_DAY_TEXT];

    (void)fprintf(out, "SIM,%s,%s,%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "\n",
        local_day_format(monday, start), local_day_format(monday + 7, end), making->period_start,
        making->period_end, making->period_end + INT64_C(216000),
        making->period_end + INT64_C(1080000));
}

static void write_providers(const struct making *making, FILE *out)
{
    unsigned count = making->what->is_borough ? PROVIDERS : 1;

    for (unsigned i = 1; i <= count; i++) {
        (void)fprintf(out, "P%u,N,1,1,%u\n", i, making->what->homes * 7u * 60u / count);
    }
}

static void write_rates(const struct making *making, FILE *out)
{
    unsigned count = making->what->is_borough ? PROVIDERS : 1;

    for (unsigned i = 1; i <= count; i++) {
        (void)fprintf(out, "P%u,LA,2020-04-01,2040-01-01,%u\n", i, 1600u + 29u * i);
        (void)fprintf(out, "P%u,NHS,2020-04-01,2040-01-01,%u\n", i, 1650u + 29u * i);
    }
}

static void write_people(const struct making *making, FILE *out)
{
    for (unsigned i = 0; i < making->what->homes; i++) {
        const struct person *person = &making->people[i];

        (void)fprintf(out, "p%04u,%s,N,P%u,%d\n", i + 1, person->is_nhs ? "NHS" : "LA",
            person->provider + 1, person->is_double);
    }
}

static void write_carers(const struct making *making, FILE *out)
{
    for (size_t i = 0; i < making->carer_count; i++) {
        (void)fprintf(out, "c%04zu,P%u\n", i + 1, making->carers[i].provider + 1);
    }
}

static void write_cards(const struct making *making, FILE *out)
{
    for (size_t i = 0; i < making->carer_count; i++) {
        struct random random = random_stream(making->what->seed, "card", i);

        /* The carer's number is in it, so no two are the same. */
        (void)fprintf(out, "04%06X%06zX,c%04zu,0,4102444800\n",
            (unsigned)random_next(&random) & 0x7f7f7fu, i + 1, i + 1);
    }
}

static void write_devices(const struct making *making, FILE *out)
{
    for (unsigned i = 1; i <= making->what->homes; i++) {
        (void)fprintf(out, "GW-%04u,p%04u,0,4102444800\n", i, i);
    }
}

static void write_planned(const struct making *making, FILE *out)
{
    for (size_t i = 0; i < making->visit_count; i++) {
        const struct visit *visit = &making->visits[i];
        const struct person *person = &making->people[visit->home];

        (void)fprintf(out, "V%06zu,p%04u,P%u,%" PRId64 ",%" PRId64 ",%d,c%04u", i + 1,
            visit->home + 1, person->provider + 1, visit->start, visit->end,
            person->is_double ? 2 : 1, visit->carers[0]);
        if (person->is_double) {
            (void)fprintf(out, "|c%04u", visit->carers[1]);
        }
        (void)fputs(",\n", out);
    }
}

static void write_nothing(const struct making *making, FILE *out)
{
    (void)making;
    (void)out;
}

static const struct {
    const char *name;
    const char *header;
    void (*write)(const struct making *making, FILE *out);
} files[] = {
    {"period.csv", "period_id,start_date,end_date,start_utc,end_utc,run1_asof_utc,run2_asof_utc",
        write_period},
    {"providers.csv", "provider_id,zone,lot,tier,contract_minutes", write_providers},
    {"rates.csv", "provider_id,funder,valid_from,valid_to,pence_per_hour", write_rates},
    {"people.csv", "person_id,funder,zone,provider_id,double_handed", write_people},
    {"carers.csv", "carer_id,provider_id", write_carers},
    {"cards.csv", "card_uid,carer_id,valid_from_utc,valid_to_utc", write_cards},
    {"devices.csv", "device_id,person_id,valid_from_utc,valid_to_utc", write_devices},
    {"planned.csv",
        "visit_id,person_id,provider_id,planned_start_utc,planned_end_utc,carers_required,"
        "roster_carers,cancel_utc",
        write_planned},
    {"events.csv", "recv_utc,event_id,device_id,card_uid,kind,ts_utc", write_nothing},
    {"amendments.csv",
        "amend_id,created_utc,action,person_id,carer_id,kind,ts_utc,event_id,reason_code",
        write_nothing},
};

static int write_files(const struct making *making, const char *folder, struct err *err)
{
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        return err_set(err, -errno, "cannot make '%s': %s", folder, strerror(errno));
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        FILE *out = table_file_create(folder, files[i].name, files[i].header, err);
        int rc = 0;

        if (out == NULL) {
            return -EIO;
        }
        files[i].write(making, out);
        rc = table_file_finish(out, err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

/* ---- the whole ---------------------------------------------------------------------------- */

static int find_instants(struct making *making, struct err *err)
{
    int32_t monday = local_day_monday(making->what->first_day);
    int rc = local_day_start(monday, &making->period_start, err);

    if (rc == 0) {
        rc = local_day_start(monday + 7, &making->period_end, err);
    }
    for (unsigned day = 0; day < making->what->days && rc == 0; day++) {
        rc = local_day_start(making->what->first_day + (int32_t)day, &making->day_utc[day], err);
    }
    return rc;
}

static int make_visits(struct making *making, struct err *err)
{
    const struct make_roster *what = making->what;
    unsigned usual = what->is_borough ? 3 : 1;
    unsigned visits = what->visits != 0 ? what->visits : usual;

    making->people = calloc(what->homes, sizeof *making->people);
    making->visits = calloc((size_t)what->homes * what->days * visits, sizeof *making->visits);
    if (making->people == NULL || making->visits == NULL) {
        return err_set(err, -ENOMEM, "out of memory");
    }
    for (unsigned home = 0; home < what->homes; home++) {
        make_person(making, home);
        for (unsigned day = 0; day < what->days; day++) {
            make_day(making, home, day, visits);
        }
    }
    qsort(making->visits, making->visit_count, sizeof *making->visits, by_start);
    if (engage_all(making) < 0) {
        return err_set(err, -ENOMEM, "out of memory");
    }
    return 0;
}

int make_roster(const struct make_roster *what, const char *folder, struct err *err)
{
    struct making making = {.what = what};
    int rc = find_instants(&making, err);

    if (rc == 0) {
        rc = make_visits(&making, err);
    }
    if (rc == 0) {
        rc = write_files(&making, folder, err);
    }
    free(making.people);
    free(making.visits);
    free(making.carers);
    return rc;
}
