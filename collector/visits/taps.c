/*
 * taps.c - see taps.h.
 *
 * Two passes over the events. The first finds, for each event id, the copy to keep (E2); the
 * second judges each event in turn and notes whose it is. Then the accepted ones are scattered
 * into their person's bucket.
 */
#include "collector/visits/taps.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "collector/visits/resolve.h"

enum { ANNOUNCED = 12 };

/* Who an accepted event belongs to. */
struct subject {
    uint32_t person; /* rank, or RANKING_NONE: dropped */
    uint32_t carer;  /* rank */
};

struct sifting {
    const struct dataset *dataset;
    const struct visits_params *params;
    int64_t asof_utc;
    const struct ranking *people;
    const struct ranking *carers;
    struct exceptions *exceptions;
    struct resolver resolver;
    uint32_t *keepers;        /* by event id: 1 + index of the copy to keep, 0: none */
    bool *voided;             /* by event id */
    struct subject *subjects; /* by index of the event */
};

static bool is_earlier(const struct event_row *a, const struct event_row *b)
{
    return a->recv_utc != b->recv_utc ? a->recv_utc < b->recv_utc : a->arrival < b->arrival;
}

static void find_keepers(struct sifting *sifting)
{
    const struct dataset *dataset = sifting->dataset;

    for (size_t i = 0; i < dataset->events_count; i++) {
        const struct event_row *event = &dataset->events[i];
        uint32_t *keeper = &sifting->keepers[event->event_id];

        if (event->recv_utc <= sifting->asof_utc &&
            (*keeper == 0 || is_earlier(event, &dataset->events[*keeper - 1]))) {
            *keeper = (uint32_t)i + 1;
        }
    }
}

static void find_voided(struct sifting *sifting)
{
    const struct dataset *dataset = sifting->dataset;

    for (size_t i = 0; i < dataset->amendments_count; i++) {
        const struct amendment_row *amendment = &dataset->amendments[i];

        if (amendment->is_void && amendment->created_utc <= sifting->asof_utc) {
            sifting->voided[amendment->event_id] = true;
        }
    }
}

static int add_repeat(struct sifting *sifting, const struct event_row *event)
{
    const struct event_row *kept = &sifting->dataset->events[sifting->keepers[event->event_id] - 1];
    bool is_same = event->device_id == kept->device_id && event->card_uid == kept->card_uid &&
                   event->kind == kept->kind && event->ts_utc == kept->ts_utc;

    return exceptions_add(sifting->exceptions, is_same ? EXCEPTION_DUP_ID : EXCEPTION_CONFLICT_ID,
        event->event_id, event->recv_utc, 0);
}

/* E5. Fills *ret_subject when the pair makes sense. */
static int resolve(
    struct sifting *sifting, const struct event_row *event, struct subject *ret_subject)
{
    struct resolved card = resolver_tag(&sifting->resolver, event->card_uid, event->ts_utc);
    struct resolved device = {0};

    if (card.side == SIDE_UNKNOWN) {
        return exceptions_add(sifting->exceptions, EXCEPTION_UNKNOWN_CARD, event->event_id,
            event->ts_utc, event->card_uid);
    }
    device = resolver_device(&sifting->resolver, event->device_id, event->ts_utc);
    if (device.side == SIDE_UNKNOWN) {
        return exceptions_add(sifting->exceptions, EXCEPTION_UNKNOWN_DEVICE, event->event_id,
            event->ts_utc, event->device_id);
    }
    if (card.side == device.side) {
        return exceptions_add(
            sifting->exceptions, EXCEPTION_WRONG_PAIR, event->event_id, event->ts_utc, 0);
    }
    *ret_subject = (struct subject){
        .person = ranking_of(sifting->people, card.side == SIDE_PERSON ? card.who : device.who),
        .carer = ranking_of(sifting->carers, card.side == SIDE_CARER ? card.who : device.who)};
    return 0;
}

static int judge(struct sifting *sifting, size_t index)
{
    const struct event_row *event = &sifting->dataset->events[index];
    struct subject *subject = &sifting->subjects[index];

    subject->person = RANKING_NONE;
    if (event->recv_utc > sifting->asof_utc) {
        return 0;
    }
    if (sifting->keepers[event->event_id] != index + 1) {
        return add_repeat(sifting, event);
    }
    if (sifting->voided[event->event_id]) {
        return exceptions_add(
            sifting->exceptions, EXCEPTION_VOIDED, event->event_id, event->ts_utc, 0);
    }
    if (event->ts_utc > event->recv_utc + sifting->params->future_s) {
        return exceptions_add(
            sifting->exceptions, EXCEPTION_CLOCK_FUTURE, event->event_id, event->ts_utc, 0);
    }
    return resolve(sifting, event, subject);
}

/* A tap whose time nobody knows waits for a person: VOID it and ADD what happened. */
static int judge_unplaced(struct sifting *sifting)
{
    const struct dataset *dataset = sifting->dataset;

    for (size_t i = 0; i < dataset->unplaced_count; i++) {
        const struct unplaced_row *row = &dataset->unplaced[i];
        int rc = 0;

        if (row->recv_utc > sifting->asof_utc) {
            continue;
        }
        rc = exceptions_add(sifting->exceptions,
            sifting->voided[row->event_id] ? EXCEPTION_VOIDED : EXCEPTION_TIME_UNKNOWN,
            row->event_id, row->recv_utc, row->between);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

static bool is_visible_add(const struct sifting *sifting, const struct amendment_row *row)
{
    return !row->is_void && row->created_utc <= sifting->asof_utc &&
           ranking_of(sifting->people, row->person_id) != RANKING_NONE &&
           ranking_of(sifting->carers, row->carer_id) != RANKING_NONE;
}

/* Turn counts at firsts[person + 1] into the first index of each bucket. */
static size_t accumulate(size_t *firsts, size_t people)
{
    for (size_t person = 0; person < people; person++) {
        firsts[person + 1] += firsts[person];
    }
    return firsts[people];
}

static void count_taps(const struct sifting *sifting, size_t *firsts)
{
    const struct dataset *dataset = sifting->dataset;

    for (size_t i = 0; i < dataset->events_count; i++) {
        if (sifting->subjects[i].person != RANKING_NONE) {
            firsts[sifting->subjects[i].person + 1]++;
        }
    }
    for (size_t i = 0; i < dataset->amendments_count; i++) {
        if (is_visible_add(sifting, &dataset->amendments[i])) {
            firsts[ranking_of(sifting->people, dataset->amendments[i].person_id) + 1]++;
        }
    }
}

/* Put every tap in its bucket. nexts: where a person's next tap goes. */
static void scatter(const struct sifting *sifting, size_t *nexts, struct tap_source *rows)
{
    const struct dataset *dataset = sifting->dataset;

    for (size_t i = 0; i < dataset->events_count; i++) {
        struct subject subject = sifting->subjects[i];

        if (subject.person != RANKING_NONE) {
            rows[nexts[subject.person]++] =
                (struct tap_source){.index = (uint32_t)i, .carer = subject.carer};
        }
    }
    for (size_t i = 0; i < dataset->amendments_count; i++) {
        const struct amendment_row *row = &dataset->amendments[i];

        if (is_visible_add(sifting, row)) {
            rows[nexts[ranking_of(sifting->people, row->person_id)]++] =
                (struct tap_source){.index = (uint32_t)(dataset->events_count + i),
                    .carer = ranking_of(sifting->carers, row->carer_id)};
        }
    }
}

static int bucket(const struct sifting *sifting, struct taps *ret_taps)
{
    size_t people = sifting->people->count;
    size_t *firsts = calloc(people + 2, sizeof *firsts);
    size_t *nexts = calloc(people + 2, sizeof *nexts);
    struct tap_source *rows = NULL;
    size_t count = 0;

    if (firsts != NULL && nexts != NULL) {
        count_taps(sifting, firsts);
        count = accumulate(firsts, people);
        (void)memcpy(nexts, firsts, (people + 1) * sizeof *nexts);
        rows = malloc((count + 1) * sizeof *rows);
    }
    if (rows == NULL) {
        free(firsts);
        free(nexts);
        return -ENOMEM;
    }
    scatter(sifting, nexts, rows);
    free(nexts);
    *ret_taps = (struct taps){.rows = rows, .firsts = firsts};
    return 0;
}

static int prepare(struct sifting *sifting)
{
    size_t texts = dataset_text_count(sifting->dataset);
    int rc = resolver_init(&sifting->resolver, sifting->dataset);

    if (rc < 0) {
        return rc;
    }
    sifting->keepers = calloc(texts, sizeof *sifting->keepers);
    sifting->voided = calloc(texts, sizeof *sifting->voided);
    sifting->subjects = malloc((sifting->dataset->events_count + 1) * sizeof *sifting->subjects);
    if (sifting->keepers == NULL || sifting->voided == NULL || sifting->subjects == NULL) {
        return -ENOMEM;
    }
    return 0;
}

int taps_collect(const struct dataset *dataset, const struct visits_params *params,
    int64_t asof_utc, const struct ranking *people, const struct ranking *carers,
    struct exceptions *exceptions, struct taps *ret_taps)
{
    struct sifting sifting = {.dataset = dataset,
        .params = params,
        .asof_utc = asof_utc,
        .people = people,
        .carers = carers,
        .exceptions = exceptions};
    int rc = prepare(&sifting);

    if (rc == 0) {
        find_voided(&sifting);
        find_keepers(&sifting);
    }
    for (size_t i = 0; rc == 0 && i < dataset->events_count; i++) {
        rc = judge(&sifting, i);
    }
    if (rc == 0) {
        rc = judge_unplaced(&sifting);
    }
    if (rc == 0) {
        rc = bucket(&sifting, ret_taps);
    }
    resolver_done(&sifting.resolver);
    free(sifting.keepers);
    free(sifting.voided);
    free(sifting.subjects);
    return rc;
}

void taps_done(struct taps *taps)
{
    free(taps->rows);
    free(taps->firsts);
    *taps = (struct taps){0};
}

static uint8_t evidence_of(const struct event_row *event)
{
    uint8_t evidence = 0;

    if ((event->evidence & EVENT_CLOCK_SUSPECT) != 0) {
        evidence |= ATTENDANCE_CLOCK_SUSPECT;
    }
    if ((event->evidence & EVENT_TAG_UNVERIFIED) != 0) {
        evidence |= ATTENDANCE_TAG_UNVERIFIED;
    }
    return evidence;
}

static struct tap tap_of_event(const struct event_row *event, uint32_t carer)
{
    return (struct tap){.ts_utc = event->ts_utc,
        .id = event->event_id,
        .carer = carer,
        .kind = event->kind,
        .evidence = evidence_of(event),
        .uncertainty_s = event->uncertainty_s};
}

static struct tap tap_of_add(const struct amendment_row *row, uint32_t carer)
{
    return (struct tap){.ts_utc = row->ts_utc,
        .id = row->amend_id,
        .carer = carer,
        .kind = row->kind,
        .evidence = ATTENDANCE_MANUAL};
}

void taps_get(
    const struct taps *taps, const struct dataset *dataset, size_t rank, struct tap *ret_taps)
{
    size_t end = taps->firsts[rank + 1];

    for (size_t i = taps->firsts[rank]; i < end; i++) {
        struct tap_source source = taps->rows[i];

        if (i + ANNOUNCED < end && taps->rows[i + ANNOUNCED].index < dataset->events_count) {
            __builtin_prefetch(&dataset->events[taps->rows[i + ANNOUNCED].index]);
        }

        *ret_taps++ = source.index < dataset->events_count
                          ? tap_of_event(&dataset->events[source.index], source.carer)
                          : tap_of_add(&dataset->amendments[source.index - dataset->events_count],
                                source.carer);
    }
}

static int compare(const void *left, const void *right, void *dataset)
{
    const struct tap *a = left;
    const struct tap *b = right;

    if (a->carer != b->carer) {
        return a->carer < b->carer ? -1 : 1;
    }
    if (a->ts_utc != b->ts_utc) {
        return a->ts_utc < b->ts_utc ? -1 : 1;
    }
    if (a->kind != b->kind) {
        return a->kind == 'O' ? -1 : 1;
    }
    return dataset_compare(dataset, a->id, b->id);
}

void taps_sort(const struct dataset *dataset, struct tap *rows, size_t count)
{
    /* qsort_r() wants a writable context; compare() only reads it. */
    union {
        const struct dataset *in;
        void *out;
    } context = {.in = dataset};

    if (count > 1) {
        qsort_r(rows, count, sizeof *rows, compare, context.out);
    }
}
