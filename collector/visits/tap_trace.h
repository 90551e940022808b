/*
 * tap_trace.h - what became of one tap, for explaining it to a person.
 *
 * Computed on demand for one tap: a run needs none of it.
 */
#ifndef ECM_COLLECTOR_VISITS_TAP_TRACE_H
#define ECM_COLLECTOR_VISITS_TAP_TRACE_H

#include "collector/visits/visits.h"

enum visits_tap_place {
    TAP_PLACE_NONE,    /* in no attendance of the period: dropped, not yet seen, or outside it */
    TAP_PLACE_IN,      /* where the attendance begins */
    TAP_PLACE_OUT,     /* where it ends */
    TAP_PLACE_BETWEEN, /* inside: it ended or began a part that was merged (S5) */
};

struct visits_tap_trace {
    bool is_known;      /* an event or an added tap has this id */
    uint32_t event;     /* the copy that counts (E2), index into dataset->events, or VISITS_NONE */
    uint32_t amendment; /* the ADD it is, index into dataset->amendments, or VISITS_NONE */
    text_id person_id;  /* E5, or the ADD's; 0 when not known */
    text_id carer_id;   /* likewise */
    enum visits_tap_place place;
    uint32_t attendance; /* VISITS_NONE with TAP_PLACE_NONE */
};

/* 0 or -ENOMEM. The exceptions about the tap are those of result whose ref is id. */
int visits_trace_tap(const struct dataset *dataset, const struct visits_result *result,
    int64_t asof_utc, text_id id, struct visits_tap_trace *ret_trace);

#endif
