/*
 * chance.h - random datasets for properties, from a seed that a test prints.
 *
 * Two weeks, three people of two providers and two funders, four carers: visits for one and two,
 * some cancelled; taps that bounce, repeat, conflict, come late or name nobody; corrections.
 */
#ifndef ECM_TESTS_UNIT_VISITS_CHANCE_H
#define ECM_TESTS_UNIT_VISITS_CHANCE_H

#include "tests/unit/visits/world.h"

enum { CHANCE_DAYS = 14, CHANCE_TAPS = 160, CHANCE_VISITS = 40 };

/* A number below bound. */
size_t chance_draw(unsigned *seed, size_t bound);

/* Init world and fill it; providers and rates too. Period and as-of: two weeks, all visible. */
void chance_fill(struct world *world, unsigned *seed);

/*
 * Init to as a world that holds what from holds, but loaded in two parts: every table is cut
 * somewhere and the later part comes first. Its texts have other ids. Nothing is reconciled.
 */
void chance_split(struct world *to, const struct world *from, unsigned *seed);

/* Put the rows of every table in another order. */
void chance_shuffle(struct world *world, unsigned *seed);

/* A tap "ghost" that never was. */
void chance_add_ghost(struct world *world, unsigned *seed);

/* All that only a later as-of may see: a tap, an ADD, a VOID, cancellations. */
void chance_add_later(struct world *world, unsigned *seed);

/*
 * The result in words, which say nothing of the order of rows or the ids of texts; exceptions about
 * "ghost" are left out. The caller frees.
 */
char *chance_words(const struct world *world);

#endif
