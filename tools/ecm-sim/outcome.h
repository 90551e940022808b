/*
 * outcome.h - what really happened, so that collector and payment feed can be compared with it.
 *
 * truth.csv: one row a tap that the carer saw stored (green, or amber for a tag without a number
 * of its own), written before the simulation goes on:
 *
 *     device_id,epoch,seq,card_uid,kind,ts_ms,shown,wall_ms,flags
 *
 * epoch 16 hex digits; card_uid upper-case hex; kind I or O as the gateway decided; ts_ms the true
 * (simulated) Unix time; shown in, out or unknown; wall_ms what the gateway's clock said; flags as
 * in the record (1: bounce). did.json: the counts below and those of the script.
 *
 * Ownership: whoever opens closes.
 * Threads:   one outcome belongs to one thread.
 */
#ifndef ECM_TOOLS_SIM_OUTCOME_H
#define ECM_TOOLS_SIM_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "hal/feedback.h"
#include "proto/messages.h"
#include "tools/ecm-sim/script.h"

struct err;

struct outcome_counts {
    uint64_t taps;    /* a tag was held to a reader */
    uint64_t green;   /* shown as stored */
    uint64_t in, out; /* of the green ones, bounces left out */
    uint64_t bounces;
    uint64_t refused;     /* shown red */
    uint64_t unnoticed;   /* nothing was shown: no power, or the reader did not answer */
    uint64_t late_stamps; /* the stamp is not in the second in which the tag was held there */
    uint64_t power_cuts;
    uint64_t outages;
    uint64_t records_unacked; /* at the end */
    uint64_t detect_us_max;   /* tag in the field to feedback, on the simulated clock */
    double elapsed_s;         /* real time */
    bool is_complete;         /* everything was played and acked */
};

struct outcome {
    FILE *truth;
    struct outcome_counts counts;
};

/* One tap that was shown. */
struct outcome_tap {
    const char *device_id;
    uint64_t epoch;
    const struct record *record;
    int64_t true_ms;
    enum hal_feedback_pattern pattern;
};

/* Make folder/truth.csv. */
int outcome_open(struct outcome *outcome, const char *folder, struct err *err);
int outcome_close(struct outcome *outcome, struct err *err);

/* Count a tap, and write it down when it was shown as stored. */
void outcome_add_tap(struct outcome *outcome, const struct outcome_tap *tap);

/* Write folder/did.json. */
int outcome_write(const struct outcome *outcome, const struct script_counts *script, uint64_t seed,
    const char *folder, struct err *err);

/* A few lines for a person. */
void outcome_print(const struct outcome *outcome, const struct script_counts *script, FILE *out);

#endif
