/*
 * match.c - see match.h.
 *
 * Row i keeps f(i, low..high): low is the first attendance not too early for slot i, high the
 * first that is too late (or the end). Both grow with i, which gives every cell outside a row a
 * closed form:
 *   left of low    attendance j is too early for slot i and all later ones, so it is skipped:
 *                  f(i, j) = unmatched * (low - j) + f(i, low);
 *   right of high  is never asked for: a row asks its successor for columns up to its own high.
 * At high itself slot i can only be skipped: f(i, high) = unmatched + f(i+1, high).
 */
#include "collector/visits/match.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

struct match_row {
    size_t low, high;
    size_t cells; /* where f(i, low) lies */
};

/* Set the bounds of all rows and count their cells. */
static size_t lay_out(const struct match_problem *problem, struct match_row *rows)
{
    size_t low = 0;
    size_t high = 0;
    size_t cells = 0;

    for (size_t i = 0; i < problem->slots; i++) {
        int64_t start = problem->starts[i];

        while (low < problem->attendances && problem->anchors[low] < start - problem->window) {
            low++;
        }
        if (high < low) {
            high = low;
        }
        while (high < problem->attendances && problem->anchors[high] <= start + problem->window) {
            high++;
        }
        rows[i] = (struct match_row){.low = low, .high = high, .cells = cells};
        cells += high - low + 1;
    }
    return cells;
}

static int reserve_space(
    const struct match_problem *problem, struct match_space *space, size_t *ret_cells)
{
    if (problem->slots > space->rows_capacity) {
        struct match_row *rows = realloc(space->rows, problem->slots * 2 * sizeof *space->rows);

        if (rows == NULL) {
            return -ENOMEM;
        }
        space->rows = rows;
        space->rows_capacity = problem->slots * 2;
    }
    *ret_cells = lay_out(problem, space->rows);
    if (*ret_cells > space->cells_capacity) {
        int64_t *cells = realloc(space->cells, *ret_cells * 2 * sizeof *cells);

        if (cells == NULL) {
            return -ENOMEM;
        }
        space->cells = cells;
        space->cells_capacity = *ret_cells * 2;
    }
    return 0;
}

/* f(i, j) for a j no greater than the row's high. */
static int64_t value(
    const struct match_problem *problem, const struct match_space *space, size_t i, size_t j)
{
    const struct match_row *row = NULL;

    if (i == problem->slots) {
        return problem->unmatched * (int64_t)(problem->attendances - j);
    }
    row = &space->rows[i];
    if (j < row->low) {
        return problem->unmatched * (int64_t)(row->low - j) + space->cells[row->cells];
    }
    return space->cells[row->cells + (j - row->low)];
}

static int64_t cost_of_match(
    const struct match_problem *problem, const struct match_space *space, size_t i, size_t j)
{
    int64_t cost = problem->cost(problem->user, i, j);

    return cost >= MATCH_NEVER ? MATCH_NEVER : cost + value(problem, space, i + 1, j + 1);
}

static void fill_row(const struct match_problem *problem, struct match_space *space, size_t i)
{
    const struct match_row *row = &space->rows[i];
    int64_t *cells = &space->cells[row->cells];

    cells[row->high - row->low] = problem->unmatched + value(problem, space, i + 1, row->high);
    for (size_t j = row->high; j-- > row->low;) {
        int64_t best = problem->unmatched + value(problem, space, i + 1, j);
        int64_t other = problem->unmatched + cells[j + 1 - row->low];

        best = other < best ? other : best;
        other = cost_of_match(problem, space, i, j);
        cells[j - row->low] = other < best ? other : best;
    }
}

static bool is_eligible(const struct match_row *row, size_t j)
{
    return j >= row->low && j < row->high;
}

/* M6: which of slot i and attendance j to leave unmatched, both being possible losers. */
static bool is_slot_skipped(const struct match_problem *problem, const struct match_space *space,
    size_t i, size_t j, int64_t f)
{
    bool slot_attains = problem->unmatched + value(problem, space, i + 1, j) == f;

    if (problem->starts[i] <= problem->anchors[j]) {
        return slot_attains;
    }
    /* The attendance is earlier. Beyond a row's high it is not, so the cell exists. */
    return problem->unmatched + value(problem, space, i, j + 1) != f;
}

static void walk(
    const struct match_problem *problem, const struct match_space *space, uint32_t *ret_pairs)
{
    size_t i = 0;
    size_t j = 0;

    while (i < problem->slots) {
        int64_t f = value(problem, space, i, j);

        if (is_eligible(&space->rows[i], j) && cost_of_match(problem, space, i, j) == f) {
            ret_pairs[i++] = (uint32_t)j++;
        } else if (j == problem->attendances || is_slot_skipped(problem, space, i, j, f)) {
            ret_pairs[i++] = MATCH_NONE;
        } else {
            j++;
        }
    }
}

int match_solve(const struct match_problem *problem, struct match_space *space, uint32_t *ret_pairs,
    int64_t *ret_cost)
{
    size_t cells = 0;
    int rc = reserve_space(problem, space, &cells);

    if (rc < 0) {
        return rc;
    }
    for (size_t i = problem->slots; i-- > 0;) {
        fill_row(problem, space, i);
    }
    walk(problem, space, ret_pairs);
    if (ret_cost != NULL) {
        *ret_cost = value(problem, space, 0, 0);
    }
    return 0;
}

void match_done(struct match_space *space)
{
    free(space->cells);
    free(space->rows);
    *space = (struct match_space){0};
}
