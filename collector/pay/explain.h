/*
 * explain.h - why a slot, an attendance, a tap or a line of pay came out as it did.
 *
 * An explanation is plain data, made once; explain_words.c puts it into sentences for the person who
 * has to defend it and explain_json.c into JSON with stable names (docs/RECONCILIATION.md section
 * 4). Neither reckons anything, so they cannot differ.
 *
 * Pure. Everything in an explanation is borrowed from its pay_input, but for the parts of a line.
 * Errors: 0 or -ENOMEM; writers leave -ENOMEM in text->rc.
 */
#ifndef ECM_COLLECTOR_PAY_EXPLAIN_H
#define ECM_COLLECTOR_PAY_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/pay/pay.h"
#include "collector/pay/text.h"
#include "collector/visits/alternatives.h"
#include "collector/visits/tap_trace.h"

struct slot_explanation {
    const struct pay_input *input;
    const struct visits_slot *slot;
    const struct planned_row *planned;
    const struct visits_attendance *attendance; /* NULL: nothing was matched */
    struct visits_cost cost;                    /* with an attendance */
    bool is_matched;                            /* the attendance is this slot's own */
    bool has_runner_up;                         /* likewise */
    struct visits_runner_up runner_up;
    bool has_nearest; /* MISSED */
    struct visits_nearest nearest;
    bool is_cancelled;
    int64_t cancel_notice_s; /* before the planned start; below 0: after it */
    struct visits_flags flags;
    int64_t planned_units, units;
    text_id funder;      /* 0: the person is not known */
    bool has_rate;       /* else problem says what is missing */
    int64_t rate, pence; /* pence of this slot alone */
    struct pay_problem problem;
};

int explain_slot(const struct pay_input *input, size_t slot, struct slot_explanation *ret);

struct attendance_explanation {
    const struct pay_input *input;
    const struct visits_attendance *attendance;
    int64_t anchor_utc;
    int32_t overlap_s;              /* in two homes at once; 0 before visits_find_overlaps() */
    bool is_in_period;              /* its anchor; else it can be matched but is never unplanned */
    bool counts_in_b;               /* its time is delivered in the envelope of week */
    int32_t week;                   /* of the anchor; with is_in_period */
    const struct visits_slot *slot; /* NULL: unplanned */
    struct visits_nearest_slot nearest; /* when unplanned */
};

void explain_attendance(
    const struct pay_input *input, size_t attendance, struct attendance_explanation *ret);

struct tap_explanation {
    const struct pay_input *input;
    int64_t asof_utc;
    text_id id;
    struct visits_tap_trace trace;
    bool has_attendance; /* the one the tap is part of */
    struct attendance_explanation attendance;
};

/* ret->trace.is_known is false when neither an event nor an added tap has this id. */
int explain_tap(
    const struct pay_input *input, int64_t asof_utc, text_id id, struct tap_explanation *ret);

/* A slot or an attendance and what it gives to a line. */
struct line_part {
    uint32_t slot;       /* VISITS_NONE: an attendance by itself (B) */
    uint32_t attendance; /* VISITS_NONE: none */
    int64_t quantity;    /* A: units; B: seconds; C: minutes */
};

struct line_explanation {
    const struct pay_input *input;
    const struct pay_line *line;
    struct line_part *parts;
    size_t count, capacity;
    int64_t sum;           /* of the parts; B: of what is planned */
    int64_t paid_s;        /* B: the lesser of delivered + credit and planned */
    int64_t scaled, spare; /* CAPPED: quotient and remainder of sum * cap / total */
    int64_t amount;        /* units or minutes * rate: pence = amount / divisor, half up */
    int64_t divisor;
};

/* line is of model A, B or C and of this input. explain_line_done() is due after 0. */
int explain_line(
    const struct pay_input *input, const struct pay_line *line, struct line_explanation *ret);
void explain_line_done(struct line_explanation *explanation);

/* In words, several lines each. */
void explain_slot_words(struct text *text, const struct slot_explanation *slot);
void explain_attendance_words(struct text *text, const struct attendance_explanation *one);
void explain_tap_words(struct text *text, const struct tap_explanation *tap);
void explain_line_words(struct text *text, const struct line_explanation *line);

/* One JSON object each, without a line feed. */
void explain_slot_json(struct text *text, const struct slot_explanation *slot);
void explain_attendance_json(struct text *text, const struct attendance_explanation *one);
void explain_tap_json(struct text *text, const struct tap_explanation *tap);
void explain_line_json(struct text *text, const struct line_explanation *line);

/* What an exception means, in a few words. Never NULL. */
const char *explain_exception(enum visits_exception_code code);

#endif
