/*
 * match.h - the cheapest order-preserving set of pairs (rules M3 to M6).
 *
 * Slots and attendances are two sorted lists. f(i, j) is the least cost of what is left from
 * slot i and attendance j on:
 *
 *     f(i, j) = min( cost(i, j) + f(i+1, j+1)   when eligible,
 *                    unmatched + f(i+1, j),
 *                    unmatched + f(i, j+1) ),    f(n, m) = 0
 *
 * Eligible means |anchor - start| <= window. Only cells within that window of a slot are
 * computed; the rest of the table has a closed form. So time and memory grow with the number
 * of slots times the attendances near one, and the cut of M5 changes nothing.
 *
 * Pure. Ownership: match_done() frees the workspace, which may serve any number of problems.
 */
#ifndef ECM_COLLECTOR_VISITS_MATCH_H
#define ECM_COLLECTOR_VISITS_MATCH_H

#include <stddef.h>
#include <stdint.h>

#define MATCH_NONE UINT32_MAX

/* A cost that is never chosen: this pair is forbidden. */
#define MATCH_NEVER (INT64_MAX / 4)

struct match_problem {
    const int64_t *starts; /* of the slots, ascending */
    size_t slots;
    const int64_t *anchors; /* of the attendances, ascending */
    size_t attendances;
    int64_t window;
    int64_t unmatched; /* at least 0 */
    /* At least 0; asked of eligible pairs only, perhaps twice: it must answer alike. */
    int64_t (*cost)(void *user, size_t slot, size_t attendance);
    void *user;
};

/* Zero-initialise. */
struct match_space {
    int64_t *cells;
    size_t cells_capacity;
    struct match_row *rows;
    size_t rows_capacity;
};

/*
 * Write to ret_pairs[slot] its attendance or MATCH_NONE, ties broken by M6, and to *ret_cost
 * (which may be NULL) f(0, 0). 0 or -ENOMEM.
 */
int match_solve(const struct match_problem *problem, struct match_space *space, uint32_t *ret_pairs,
    int64_t *ret_cost);

void match_done(struct match_space *space);

#endif
