/* tap_trace.c - see tap_trace.h. */
#include "collector/visits/tap_trace.h"

#include "collector/visits/resolve.h"

/* E1 and E2. */
static void find_event(
    const struct dataset *dataset, int64_t asof_utc, text_id id, struct visits_tap_trace *trace)
{
    for (uint32_t i = 0; i < dataset->events_count; i++) {
        const struct event_row *event = &dataset->events[i];
        const struct event_row *kept =
            trace->event == VISITS_NONE ? NULL : &dataset->events[trace->event];

        if (event->event_id != id) {
            continue;
        }
        trace->is_known = true;
        if (event->recv_utc <= asof_utc &&
            (kept == NULL || event->recv_utc < kept->recv_utc ||
                (event->recv_utc == kept->recv_utc && event->arrival < kept->arrival))) {
            trace->event = i;
        }
    }
}

static void find_amendment(
    const struct dataset *dataset, int64_t asof_utc, text_id id, struct visits_tap_trace *trace)
{
    for (uint32_t i = 0; i < dataset->amendments_count; i++) {
        const struct amendment_row *row = &dataset->amendments[i];

        if (row->amend_id == id && !row->is_void) {
            trace->is_known = true;
            if (row->created_utc <= asof_utc) {
                trace->amendment = i;
                trace->person_id = row->person_id;
                trace->carer_id = row->carer_id;
            }
        }
    }
}

/* E5, for a tap that may have been dropped all the same. */
static int resolve(const struct dataset *dataset, struct visits_tap_trace *trace)
{
    const struct event_row *event = &dataset->events[trace->event];
    struct resolver resolver;
    struct resolved sides[2];
    int rc = resolver_init(&resolver, dataset);

    if (rc == 0) {
        sides[0] = resolver_tag(&resolver, event->card_uid, event->ts_utc);
        sides[1] = resolver_device(&resolver, event->device_id, event->ts_utc);
        for (int i = 0; i < 2; i++) {
            if (sides[i].side == SIDE_PERSON) {
                trace->person_id = sides[i].who;
            } else if (sides[i].side == SIDE_CARER) {
                trace->carer_id = sides[i].who;
            }
        }
    }
    resolver_done(&resolver);
    return rc;
}

static bool is_dropped(const struct visits_result *result, text_id id)
{
    for (size_t i = 0; i < result->exceptions_count; i++) {
        const struct visits_exception *exception = &result->exceptions[i];

        if (exception->ref == id && exception->code != EXCEPTION_DUP_ID &&
            exception->code != EXCEPTION_CONFLICT_ID && exception->code != EXCEPTION_MERGED &&
            exception->code != EXCEPTION_NO_IN && exception->code != EXCEPTION_NO_OUT) {
            return true;
        }
    }
    return false;
}

static void find_place(
    const struct visits_result *result, text_id id, int64_t ts_utc, struct visits_tap_trace *trace)
{
    for (uint32_t i = 0; i < result->attendances_count; i++) {
        const struct visits_attendance *a = &result->attendances[i];

        if (a->in_id == id || a->out_id == id) {
            trace->place = a->in_id == id ? TAP_PLACE_IN : TAP_PLACE_OUT;
            trace->attendance = i;
            return;
        }
        if ((a->evidence & ATTENDANCE_MERGED) != 0 && a->person_id == trace->person_id &&
            a->carer_id == trace->carer_id && a->in_utc <= ts_utc && ts_utc <= a->out_utc) {
            trace->place = TAP_PLACE_BETWEEN;
            trace->attendance = i;
        }
    }
}

int visits_trace_tap(const struct dataset *dataset, const struct visits_result *result,
    int64_t asof_utc, text_id id, struct visits_tap_trace *ret_trace)
{
    struct visits_tap_trace trace = {
        .event = VISITS_NONE, .amendment = VISITS_NONE, .attendance = VISITS_NONE};
    int rc = 0;

    find_event(dataset, asof_utc, id, &trace);
    if (trace.event != VISITS_NONE) {
        rc = resolve(dataset, &trace);
    }
    find_amendment(dataset, asof_utc, id, &trace);
    if (rc == 0 && (trace.event != VISITS_NONE || trace.amendment != VISITS_NONE) &&
        !is_dropped(result, id)) {
        find_place(result, id,
            trace.amendment != VISITS_NONE ? dataset->amendments[trace.amendment].ts_utc
                                           : dataset->events[trace.event].ts_utc,
            &trace);
    }
    if (rc == 0) {
        *ret_trace = trace;
    }
    return rc;
}
