/* make_import_write.c - the files, in the columns of docs/RECONCILIATION.md section 1. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "tools/ecm-sim/local_day.h"
#include "tools/ecm-sim/make_import_parts.h"
#include "tools/ecm-sim/random.h"
#include "tools/ecm-sim/table_file.h"

enum {
    WEEK_DAYS = 7,
    RATES_BEFORE_DAYS = 350,
    RATES_AFTER_DAYS = 35,
    RUN1_AFTER_S = 216000,
    RUN2_AFTER_S = 1080000,
    RAISED_PROVIDER = 4,     /* the one whose rates rise in the middle */
    CARDS_REPLACED_OF = 100, /* every hundredth carer gets a new card */
};

/* For ever, in validities. */
#define FOR_EVER INT64_C(1099511627776)

/* Every hundredth carer of a provider gets a new card in the middle of the period. */
static bool has_two_cards(struct import_carer carer)
{
    return carer.number % CARDS_REPLACED_OF == CARDS_REPLACED_OF / 2;
}

static int64_t middle_utc(const struct import_making *making)
{
    return making->day_utc[making->what->weeks * WEEK_DAYS / 2];
}

static void write_card(
    const struct import_making *making, struct import_carer carer, bool is_second, FILE *out)
{
    struct random random = random_stream(making->what->seed, "import card",
        ((uint64_t)carer.provider << 16 | carer.number) * 2 + is_second);

    /* Provider and number are in it, so no two are the same. */
    (void)fprintf(out, "04%04X%X%05X", (unsigned)(random_next(&random) & 0xffff),
        (unsigned)carer.provider, carer.number * 2u + is_second);
}

static void write_period(const struct import_making *making, FILE *out)
{
    int64_t end_utc = making->day_utc[making->what->weeks * WEEK_DAYS];
    char start[LOCAL_DAY_TEXT];
    char end[LOCAL_DAY_TEXT];

    (void)fprintf(out, "SIM,%s,%s,%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "\n",
        local_day_format(making->what->first_day, start),
        local_day_format(making->what->first_day + (int32_t)making->what->weeks * WEEK_DAYS, end),
        making->day_utc[0], end_utc, end_utc + RUN1_AFTER_S, end_utc + RUN2_AFTER_S);
}

/* Contracts above, near and below what is planned, so that model C caps, pays and guarantees. */
static void write_providers(const struct import_making *making, FILE *out)
{
    static const int64_t percent[IMPORT_PROVIDERS] = {104, 87, 105, 103, 101, 126, 100, 98, 102};
    static const char zones[] = {'N', 'S', 'C'};

    for (int i = 0; i < IMPORT_PROVIDERS; i++) {
        (void)fprintf(out, "P%d,%c,%d,1,%" PRId64 "\n", i + 1, zones[i / 3], i / 3 + 1,
            making->pools[i].planned_min * percent[i] / 100);
    }
}

static void write_rate(FILE *out, int provider, int32_t from, int32_t to, int pence)
{
    static const char *const funders[] = {"CCG", "LA"};
    char from_text[LOCAL_DAY_TEXT];
    char to_text[LOCAL_DAY_TEXT];

    for (int i = 0; i < 2; i++) {
        (void)fprintf(out, "P%d,%s,%s,%s,%d\n", provider + 1, funders[i],
            local_day_format(from, from_text), local_day_format(to, to_text), pence);
    }
}

static void write_rates(const struct import_making *making, FILE *out)
{
    static const int pence[IMPORT_PROVIDERS] = {
        1529, 1614, 1638, 1651, 1670, 1680, 1700, 1722, 1737};
    int32_t first = making->what->first_day;
    int32_t middle = first + (int32_t)making->what->weeks / 2 * WEEK_DAYS;
    int32_t last = first + (int32_t)making->what->weeks * WEEK_DAYS + RATES_AFTER_DAYS;

    for (int i = 0; i < IMPORT_PROVIDERS; i++) {
        if (i == RAISED_PROVIDER) {
            write_rate(out, i, first - RATES_BEFORE_DAYS, middle, pence[i]);
            write_rate(out, i, middle, last, pence[i] + 17);
        } else {
            write_rate(out, i, first - RATES_BEFORE_DAYS, last, pence[i]);
        }
    }
}

static void write_people(const struct import_making *making, FILE *out)
{
    static const char zones[] = {'N', 'S', 'C'};

    for (unsigned i = 0; i < making->what->people; i++) {
        const struct import_person *person = &making->people[i];

        (void)fprintf(out, "S%05u,%s,%c,P%d,%d\n", i + 1, person->is_ccg ? "CCG" : "LA",
            zones[person->provider / 3], person->provider + 1, person->is_double);
    }
}

static void write_carers(const struct import_making *making, FILE *out)
{
    for (unsigned provider = 0; provider < IMPORT_PROVIDERS; provider++) {
        for (size_t i = 0; i < making->pools[provider].count; i++) {
            (void)fprintf(out, "P%u-C%03zu,P%u\n", provider + 1, i + 1, provider + 1);
        }
    }
}

static void write_cards(const struct import_making *making, FILE *out)
{
    for (unsigned provider = 0; provider < IMPORT_PROVIDERS; provider++) {
        for (size_t i = 0; i < making->pools[provider].count; i++) {
            struct import_carer carer = {.provider = (uint8_t)provider, .number = (uint16_t)i};
            int64_t to = has_two_cards(carer) ? middle_utc(making) : FOR_EVER;

            write_card(making, carer, false, out);
            (void)fprintf(out, ",P%u-C%03zu,0,%" PRId64 "\n", provider + 1, i + 1, to);
            if (has_two_cards(carer)) {
                write_card(making, carer, true, out);
                (void)fprintf(out, ",P%u-C%03zu,%" PRId64 ",%" PRId64 "\n", provider + 1, i + 1, to,
                    FOR_EVER);
            }
        }
    }
}

static void write_devices(const struct import_making *making, FILE *out)
{
    for (unsigned i = 1; i <= making->what->people; i++) {
        (void)fprintf(out, "H%05u,S%05u,0,%" PRId64 "\n", i, i, FOR_EVER);
    }
}

static void write_carer(struct import_carer carer, FILE *out)
{
    (void)fprintf(out, "P%d-C%03d", carer.provider + 1, carer.number + 1);
}

static void write_planned(const struct import_making *making, FILE *out)
{
    for (size_t i = 0; i < making->visit_count; i++) {
        const struct import_visit *visit = &making->visits[i];
        const struct import_person *person = &making->people[visit->person];

        (void)fprintf(out, "V%07zu,S%05u,P%d,%" PRId64 ",%" PRId64 ",%d,", i + 1, visit->person + 1,
            person->provider + 1, visit->start_utc, visit->end_utc, person->is_double ? 2 : 1);
        write_carer(visit->carers[0], out);
        if (person->is_double) {
            (void)fputc('|', out);
            write_carer(visit->carers[1], out);
        }
        if (visit->cancel_utc != 0) {
            (void)fprintf(out, ",%" PRId64 "\n", visit->cancel_utc);
        } else {
            (void)fputs(",\n", out);
        }
    }
}

/* In order of arrival, which at the same second is that of making. */
static int compare_taps(const void *left, const void *right)
{
    const struct import_tap *a = *(const struct import_tap *const *)left;
    const struct import_tap *b = *(const struct import_tap *const *)right;

    if (a->recv_utc != b->recv_utc) {
        return a->recv_utc < b->recv_utc ? -1 : 1;
    }
    return a < b ? -1 : a > b;
}

static void write_tap(const struct import_making *making, const struct import_tap *tap, FILE *out)
{
    (void)fprintf(out, "%" PRId64 ",H%05u-%06u,H%05u,", tap->recv_utc, tap->person + 1, tap->number,
        tap->person + 1);
    if (tap->is_unknown_card) {
        (void)fputs("04FFFFFFFFFF", out);
    } else {
        write_card(making, tap->carer,
            has_two_cards(tap->carer) && tap->ts_utc >= middle_utc(making), out);
    }
    (void)fprintf(out, ",%c,%" PRId64 "\n", tap->kind, tap->ts_utc);
}

static int write_events(const struct import_making *making, FILE *out)
{
    const struct import_tap **order =
        calloc(making->tap_count + 1, sizeof(const struct import_tap *));

    if (order == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < making->tap_count; i++) {
        order[i] = &making->taps[i];
    }
    qsort(order, making->tap_count, sizeof(const struct import_tap *), compare_taps);
    for (size_t i = 0; i < making->tap_count; i++) {
        write_tap(making, order[i], out);
    }
    free(order);
    return 0;
}

static int compare_corrections(const void *left, const void *right)
{
    const struct import_correction *a = *(const struct import_correction *const *)left;
    const struct import_correction *b = *(const struct import_correction *const *)right;

    if (a->created_utc != b->created_utc) {
        return a->created_utc < b->created_utc ? -1 : 1;
    }
    return a < b ? -1 : a > b;
}

static void write_correction(const struct import_correction *correction, size_t number, FILE *out)
{
    (void)fprintf(out, "A%06zu,%" PRId64, number, correction->created_utc);
    if (correction->kind == 'V') {
        (void)fprintf(out, ",VOID,,,,,H%05u-%06u,24\n", correction->person + 1, correction->number);
        return;
    }
    (void)fprintf(out, ",ADD,S%05u,", correction->person + 1);
    write_carer(correction->carer, out);
    (void)fprintf(out, ",%c,%" PRId64 ",,%s\n", correction->kind, correction->ts_utc,
        correction->kind == 'O' ? "04" : "06");
}

static int write_amendments(const struct import_making *making, FILE *out)
{
    const struct import_correction **order =
        calloc(making->correction_count + 1, sizeof(const struct import_correction *));

    if (order == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < making->correction_count; i++) {
        order[i] = &making->corrections[i];
    }
    qsort(order, making->correction_count, sizeof(const struct import_correction *),
        compare_corrections);
    for (size_t i = 0; i < making->correction_count; i++) {
        write_correction(order[i], i + 1, out);
    }
    free(order);
    return 0;
}

/* Tables whose order is that of the numbers; the two others are sorted first. */
static const struct {
    const char *name;
    const char *header;
    void (*write)(const struct import_making *making, FILE *out);
    int (*write_sorted)(const struct import_making *making, FILE *out);
} files[] = {
    {"period.csv", "period_id,start_date,end_date,start_utc,end_utc,run1_asof_utc,run2_asof_utc",
        write_period, NULL},
    {"providers.csv", "provider_id,zone,lot,tier,contract_minutes", write_providers, NULL},
    {"rates.csv", "provider_id,funder,valid_from,valid_to,pence_per_hour", write_rates, NULL},
    {"people.csv", "person_id,funder,zone,provider_id,double_handed", write_people, NULL},
    {"carers.csv", "carer_id,provider_id", write_carers, NULL},
    {"cards.csv", "card_uid,carer_id,valid_from_utc,valid_to_utc", write_cards, NULL},
    {"devices.csv", "device_id,person_id,valid_from_utc,valid_to_utc", write_devices, NULL},
    {"planned.csv",
        "visit_id,person_id,provider_id,planned_start_utc,planned_end_utc,carers_required,"
        "roster_carers,cancel_utc",
        write_planned, NULL},
    {"events.csv", "recv_utc,event_id,device_id,card_uid,kind,ts_utc", NULL, write_events},
    {"amendments.csv",
        "amend_id,created_utc,action,person_id,carer_id,kind,ts_utc,event_id,reason_code", NULL,
        write_amendments},
};

int import_write(const struct import_making *making, const char *folder, struct err *err)
{
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        return err_set(err, -errno, "cannot make '%s': %s", folder, strerrordesc_np(errno));
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        FILE *out = table_file_create(folder, files[i].name, files[i].header, err);
        int rc = 0;
        int closed = 0;

        if (out == NULL) {
            return -EIO;
        }
        if (files[i].write != NULL) {
            files[i].write(making, out);
        } else {
            rc = files[i].write_sorted(making, out);
        }
        closed = table_file_finish(out, err);
        if (rc < 0) {
            return err_set(err, rc, "out of memory");
        }
        if (closed < 0) {
            return closed;
        }
    }
    return 0;
}
