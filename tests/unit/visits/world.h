/*
 * world.h - a small dataset to reconcile: persons S1 and S2, carers C1 to C3, their cards K1 to
 * K3, and the devices H1 and H2 in the two homes. The period is [0, 604800).
 */
#ifndef ECM_TESTS_UNIT_VISITS_WORLD_H
#define ECM_TESTS_UNIT_VISITS_WORLD_H

#include "collector/visits/visits.h"

enum { WEEK_S = 604800, ASOF = 1000000, NINE = 32400, HALF_HOUR = 1800 };

struct world {
    struct dataset dataset;
    struct visits_period period;
    struct visits_params params; /* the default ones, to be changed */
    struct visits_result result;
};

void world_init(struct world *world);
void world_done(struct world *world);

text_id world_text(struct world *world, const char *text);

/* A planned visit of S1, one carer, rostered C1; returned to be changed. */
struct planned_row *world_plan(struct world *world, const char *visit, int64_t start, int64_t end);

/* A tap of K1 at H1, received five seconds later; returned to be changed. */
struct event_row *world_tap(struct world *world, const char *id, char kind, int64_t ts);

/* An ADD for S1 and C1. */
struct amendment_row *world_add(struct world *world, const char *id, char kind, int64_t ts);

void world_void(struct world *world, const char *id, const char *event);

/* Reconcile with the parameters of world; may be called again. */
void world_reconcile(struct world *world);

/* The i-th of a list, which must exist. */
const struct visits_slot *world_slot(const struct world *world, size_t i);
const struct visits_attendance *world_attendance(const struct world *world, size_t i);

/* How many exceptions of this code there are. */
size_t world_exceptions(const struct world *world, enum visits_exception_code code);

#endif
