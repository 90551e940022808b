/* attendance.c - see attendance.h. */
#include "collector/visits/attendance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT_START = 1024 };

/* One carer at one person: what is known while walking through the taps. */
struct pairing {
    const struct attendance_rules *rules;
    struct exceptions *exceptions;
    struct attendance_list *list;
    text_id person_id;
    text_id carer_id;
    const struct tap *open;           /* a check-in that waits for its check-out */
    struct visits_attendance pending; /* complete, but perhaps still to be merged with the next */
    bool has_pending;
};

int attendances_append(struct attendance_list *list, const struct visits_attendance *attendance)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? COUNT_START : list->capacity + list->capacity / 2;
        struct visits_attendance *rows = realloc(list->rows, capacity * sizeof *rows);

        if (rows == NULL) {
            return -ENOMEM;
        }
        list->rows = rows;
        list->capacity = capacity;
    }
    list->rows[list->count++] = *attendance;
    return 0;
}

/* S6, and the exceptions that go with an attendance of this period. */
static int emit(struct pairing *pairing, const struct visits_attendance *attendance)
{
    const struct visits_params *params = pairing->rules->params;
    const struct visits_period *period = pairing->rules->period;
    int64_t anchor = visits_anchor(params, attendance);
    int rc = 0;

    if (anchor < period->start_utc - params->margin_s ||
        anchor > period->end_utc + params->margin_s) {
        return 0;
    }
    if (attendance->status == ATTENDANCE_NO_OUT) {
        rc = exceptions_add(
            pairing->exceptions, EXCEPTION_NO_OUT, attendance->in_id, attendance->in_utc, 0);
    } else if (attendance->status == ATTENDANCE_NO_IN) {
        rc = exceptions_add(
            pairing->exceptions, EXCEPTION_NO_IN, attendance->out_id, attendance->out_utc, 0);
    }
    return rc < 0 ? rc : attendances_append(pairing->list, attendance);
}

static int flush(struct pairing *pairing)
{
    bool had_pending = pairing->has_pending;

    pairing->has_pending = false;
    return had_pending ? emit(pairing, &pairing->pending) : 0;
}

static uint16_t greater(uint16_t a, uint16_t b)
{
    return a > b ? a : b;
}

/* S5: next continues what is pending. */
static int merge(struct pairing *pairing, const struct visits_attendance *next)
{
    struct visits_attendance *pending = &pairing->pending;
    int rc = exceptions_add(
        pairing->exceptions, EXCEPTION_MERGED, next->in_id, next->in_utc, pending->in_id);

    pending->out_utc = next->out_utc;
    pending->out_id = next->out_id;
    pending->worked_s += next->worked_s;
    pending->evidence |= next->evidence | ATTENDANCE_MERGED;
    pending->uncertainty_s = greater(pending->uncertainty_s, next->uncertainty_s);
    return rc;
}

static int add(struct pairing *pairing, const struct visits_attendance *next)
{
    int rc = 0;

    if (next->status != ATTENDANCE_OK) {
        rc = flush(pairing);
        return rc < 0 ? rc : emit(pairing, next);
    }
    if (pairing->has_pending &&
        next->in_utc - pairing->pending.out_utc <= pairing->rules->params->merge_gap_s) {
        return merge(pairing, next);
    }
    rc = flush(pairing);
    pairing->pending = *next;
    pairing->has_pending = true;
    return rc;
}

/* in or out, not both, may be NULL. */
static int add_pair(struct pairing *pairing, const struct tap *in, const struct tap *out)
{
    struct visits_attendance next = {.in_utc = VISITS_NO_TIME,
        .out_utc = VISITS_NO_TIME,
        .person_id = pairing->person_id,
        .carer_id = pairing->carer_id,
        .slot = VISITS_NONE,
        .status = ATTENDANCE_OK};

    if (in != NULL) {
        next.in_utc = in->ts_utc;
        next.in_id = in->id;
        next.evidence |= in->evidence;
        next.uncertainty_s = in->uncertainty_s;
    } else {
        next.status = ATTENDANCE_NO_IN;
    }
    if (out != NULL) {
        next.out_utc = out->ts_utc;
        next.out_id = out->id;
        next.evidence |= out->evidence;
        next.uncertainty_s = greater(next.uncertainty_s, out->uncertainty_s);
    } else {
        next.status = ATTENDANCE_NO_OUT;
    }
    if (next.status == ATTENDANCE_OK) {
        next.worked_s = (int32_t)(next.out_utc - next.in_utc); /* at most pair_max_s */
    }
    return add(pairing, &next);
}

static int close_open(struct pairing *pairing)
{
    const struct tap *in = pairing->open;

    pairing->open = NULL;
    return in == NULL ? 0 : add_pair(pairing, in, NULL);
}

/* S2 to S4 for a tap that was kept. */
static int take(struct pairing *pairing, const struct tap *tap)
{
    const struct tap *in = pairing->open;
    int rc = 0;

    if (tap->kind == 'I') {
        rc = close_open(pairing);
        pairing->open = tap;
        return rc;
    }
    if (in != NULL && tap->ts_utc - in->ts_utc <= pairing->rules->params->pair_max_s) {
        pairing->open = NULL;
        return add_pair(pairing, in, tap);
    }
    rc = close_open(pairing);
    return rc < 0 ? rc : add_pair(pairing, NULL, tap);
}

static bool is_bounce(
    const struct visits_params *params, const struct tap *previous, const struct tap *tap)
{
    return previous != NULL && previous->kind == tap->kind &&
           tap->ts_utc - previous->ts_utc <= params->bounce_s;
}

/* All taps of one carer. */
static int pair_carer(struct pairing *pairing, const struct tap *taps, size_t count)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (is_bounce(pairing->rules->params, i > 0 ? &taps[i - 1] : NULL, &taps[i])) {
            rc = exceptions_add(
                pairing->exceptions, EXCEPTION_BOUNCE, taps[i].id, taps[i].ts_utc, 0);
        } else {
            rc = take(pairing, &taps[i]);
        }
    }
    if (rc == 0) {
        rc = close_open(pairing);
    }
    return rc == 0 ? flush(pairing) : rc;
}

static int compare(const void *left, const void *right, void *context)
{
    const struct attendance_rules *rules = context;
    const struct visits_attendance *a = left;
    const struct visits_attendance *b = right;
    int64_t a_anchor = visits_anchor(rules->params, a);
    int64_t b_anchor = visits_anchor(rules->params, b);
    int order = 0;

    if (a_anchor != b_anchor) {
        return a_anchor < b_anchor ? -1 : 1;
    }
    order = dataset_compare(rules->dataset, a->carer_id, b->carer_id);
    if (order != 0) {
        return order;
    }
    return dataset_compare(
        rules->dataset, a->in_id != 0 ? a->in_id : a->out_id, b->in_id != 0 ? b->in_id : b->out_id);
}

void attendances_sort(
    const struct attendance_rules *rules, struct attendance_list *list, size_t from)
{
    struct attendance_rules context = *rules;

    if (list->count - from > 1) {
        qsort_r(&list->rows[from], list->count - from, sizeof *list->rows, compare, &context);
    }
}

int attendances_pair(const struct attendance_rules *rules, text_id person_id,
    const struct tap *taps, size_t count, struct exceptions *exceptions,
    struct attendance_list *list)
{
    size_t from = list->count;
    size_t start = 0;
    int rc = 0;

    while (rc == 0 && start < count) {
        struct pairing pairing = {.rules = rules,
            .exceptions = exceptions,
            .list = list,
            .person_id = person_id,
            .carer_id = rules->carers->ids[taps[start].carer]};
        size_t end = start + 1;

        while (end < count && taps[end].carer == taps[start].carer) {
            end++;
        }
        rc = pair_carer(&pairing, &taps[start], end - start);
        start = end;
    }
    attendances_sort(rules, list, from);
    return rc;
}
