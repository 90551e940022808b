/*
 * make_import_parts.h - what is being made; between make_import*.c only.
 */
#ifndef ECM_TOOLS_SIM_MAKE_IMPORT_PARTS_H
#define ECM_TOOLS_SIM_MAKE_IMPORT_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/ecm-sim/make_import.h"

enum {
    IMPORT_PROVIDERS = 9,
    IMPORT_VISITS_A_DAY = 4,
    IMPORT_CARD_UNKNOWN = -1, /* a card that is nobody's */
};

struct import_person {
    uint8_t provider; /* 0.. */
    bool is_ccg, is_double;
    uint8_t visits_a_day;                    /* 0: on two days a week */
    int16_t start_min[IMPORT_VISITS_A_DAY];  /* local minute of the day */
    int16_t length_min[IMPORT_VISITS_A_DAY]; /* minutes */
    uint32_t taps;                           /* numbers given out */
};

/* A carer is a provider and a number within it, from 0. */
struct import_carer {
    uint8_t provider;
    uint16_t number;
};

struct import_visit {
    uint32_t person;
    int64_t start_utc, end_utc;
    int64_t cancel_utc; /* 0: not cancelled */
    struct import_carer carers[2];
};

struct import_tap {
    int64_t recv_utc, ts_utc;
    uint32_t person, number; /* the event id */
    struct import_carer carer;
    char kind;
    bool is_unknown_card;
};

struct import_correction {
    int64_t created_utc, ts_utc;
    uint32_t person, number; /* number: the event, of a VOID */
    struct import_carer carer;
    char kind; /* 'I' or 'O': ADD; 'V': VOID */
};

/* A pool of carers grows while the plan is made. */
struct import_pool {
    int64_t *free_at; /* by carer */
    size_t count, capacity;
    int64_t planned_min; /* contract */
};

struct import_making {
    const struct make_import *what;
    int64_t *day_utc; /* of each day, and the end */
    struct import_person *people;
    struct import_pool pools[IMPORT_PROVIDERS];
    struct import_visit *visits;
    size_t visit_count, visit_capacity;
    struct import_tap *taps;
    size_t tap_count, tap_capacity;
    struct import_correction *corrections;
    size_t correction_count, correction_capacity;
};

/* Room for one more row. 0 or -ENOMEM. */
int import_reserve(void **rows, size_t count, size_t *capacity, size_t row_size);

/* What happens to a visit, appended to taps and corrections. 0 or -ENOMEM. */
int import_happen(struct import_making *making, size_t index);

/* Write the files. */
int import_write(const struct import_making *making, const char *folder, struct err *err);

#endif
