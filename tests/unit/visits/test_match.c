/* test_match.c - the matcher against trying everything, ties included. */
#include "collector/visits/match.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/suite.h"

enum { SIZE_MAX_HERE = 6, CASES = 100000, WINDOW = 7200, UNMATCHED = 7200 };

struct instance {
    int64_t starts[SIZE_MAX_HERE], anchors[SIZE_MAX_HERE];
    int64_t costs[SIZE_MAX_HERE][SIZE_MAX_HERE]; /* besides the distance */
    size_t slots, attendances;
};

static int64_t distance(int64_t a, int64_t b)
{
    return a < b ? b - a : a - b;
}

static int64_t cost(void *user, size_t slot, size_t attendance)
{
    const struct instance *instance = user;

    return distance(instance->starts[slot], instance->anchors[attendance]) +
           instance->costs[slot][attendance];
}

static bool is_eligible(const struct instance *instance, size_t i, size_t j)
{
    return distance(instance->starts[i], instance->anchors[j]) <= WINDOW;
}

/* The rule as it is written, cell by cell over the whole table, without window or closed form. */
static void fill(struct instance *instance, int64_t f[SIZE_MAX_HERE + 1][SIZE_MAX_HERE + 1])
{
    for (size_t i = instance->slots + 1; i-- > 0;) {
        for (size_t j = instance->attendances + 1; j-- > 0;) {
            int64_t best = INT64_MAX;

            if (i == instance->slots && j == instance->attendances) {
                f[i][j] = 0;
                continue;
            }
            if (i < instance->slots) {
                best = UNMATCHED + f[i + 1][j];
            }
            if (j < instance->attendances && UNMATCHED + f[i][j + 1] < best) {
                best = UNMATCHED + f[i][j + 1];
            }
            if (i < instance->slots && j < instance->attendances && is_eligible(instance, i, j) &&
                cost(instance, i, j) + f[i + 1][j + 1] < best) {
                best = cost(instance, i, j) + f[i + 1][j + 1];
            }
            f[i][j] = best;
        }
    }
}

/* M6 as it is written. */
static void walk(
    struct instance *instance, int64_t f[SIZE_MAX_HERE + 1][SIZE_MAX_HERE + 1], uint32_t *pairs)
{
    size_t i = 0;
    size_t j = 0;

    while (i < instance->slots && j < instance->attendances) {
        bool skip_slot = UNMATCHED + f[i + 1][j] == f[i][j];
        bool skip_attendance = UNMATCHED + f[i][j + 1] == f[i][j];

        if (is_eligible(instance, i, j) && cost(instance, i, j) + f[i + 1][j + 1] == f[i][j]) {
            pairs[i++] = (uint32_t)j++;
        } else if (instance->starts[i] <= instance->anchors[j] ? skip_slot : !skip_attendance) {
            pairs[i++] = MATCH_NONE;
        } else {
            j++;
        }
    }
    while (i < instance->slots) {
        pairs[i++] = MATCH_NONE;
    }
}

/* The least cost over all order-preserving sets of pairs, by trying every set. */
static int64_t try_everything(struct instance *instance)
{
    int64_t best = INT64_MAX;
    size_t choices[SIZE_MAX_HERE] = {0}; /* by slot: 0 unmatched, else 1 + attendance */

    for (;;) {
        int64_t sum = 0;
        size_t matched = 0;
        size_t last = 0;
        bool is_valid = true;
        size_t at = 0;

        for (size_t i = 0; i < instance->slots && is_valid; i++) {
            if (choices[i] == 0) {
                continue;
            }
            is_valid = choices[i] > last && is_eligible(instance, i, choices[i] - 1);
            last = choices[i];
            matched++;
            sum += is_valid ? cost(instance, i, choices[i] - 1) : 0;
        }
        sum += UNMATCHED * (int64_t)(instance->slots + instance->attendances - 2 * matched);
        if (is_valid && sum < best) {
            best = sum;
        }
        while (at < instance->slots && ++choices[at] > instance->attendances) {
            choices[at++] = 0;
        }
        if (at == instance->slots) {
            return best;
        }
    }
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

static size_t draw(unsigned *seed, size_t bound)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % bound;
}

/* Few distinct instants and costs, so that ties are common; gaps beyond the window too. */
static struct instance make(unsigned *seed, size_t size_max)
{
    struct instance instance = {
        .slots = draw(seed, size_max + 1), .attendances = draw(seed, size_max + 1)};

    for (size_t i = 0; i < instance.slots; i++) {
        instance.starts[i] = (int64_t)draw(seed, 12) * 1800;
    }
    for (size_t j = 0; j < instance.attendances; j++) {
        instance.anchors[j] = (int64_t)draw(seed, 12) * 1800;
    }
    for (size_t i = 0; i < instance.slots; i++) {
        for (size_t j = 0; j < instance.attendances; j++) {
            instance.costs[i][j] = (int64_t)draw(seed, 5) * 1800;
        }
    }
    qsort(instance.starts, instance.slots, sizeof instance.starts[0], compare);
    qsort(instance.anchors, instance.attendances, sizeof instance.anchors[0], compare);
    return instance;
}

static int64_t solve(struct instance *instance, struct match_space *space, uint32_t *pairs)
{
    const struct match_problem problem = {.starts = instance->starts,
        .slots = instance->slots,
        .anchors = instance->anchors,
        .attendances = instance->attendances,
        .window = WINDOW,
        .unmatched = UNMATCHED,
        .cost = cost,
        .user = instance};
    int64_t found = -1;

    assert_int_equal(match_solve(&problem, space, pairs, &found), 0);
    return found;
}

static void matcher_equals_the_rule_as_written_on_100000_small_cases_with_ties(void **state)
{
    unsigned seed = 20210328;
    struct match_space space = {0};

    (void)state;
    printf("seed %u\n", seed);
    for (int n = 0; n < CASES; n++) {
        struct instance instance = make(&seed, SIZE_MAX_HERE);
        int64_t f[SIZE_MAX_HERE + 1][SIZE_MAX_HERE + 1];
        uint32_t expected[SIZE_MAX_HERE] = {0};
        uint32_t pairs[SIZE_MAX_HERE] = {0};

        fill(&instance, f);
        walk(&instance, f, expected);
        assert_int_equal(solve(&instance, &space, pairs), f[0][0]);
        assert_memory_equal(pairs, expected, instance.slots * sizeof pairs[0]);
    }
    match_done(&space);
}

static void no_set_of_pairs_is_cheaper_than_the_one_found(void **state)
{
    unsigned seed = 20211031;
    struct match_space space = {0};

    (void)state;
    printf("seed %u\n", seed);
    for (int n = 0; n < CASES / 10; n++) {
        struct instance instance = make(&seed, 4);
        uint32_t pairs[SIZE_MAX_HERE] = {0};

        assert_int_equal(solve(&instance, &space, pairs), try_everything(&instance));
    }
    match_done(&space);
}

static void pair_dearer_than_leaving_both_is_not_made(void **state)
{
    struct instance instance = {.slots = 1, .attendances = 1, .costs = {{14401}}};
    struct match_space space = {0};
    uint32_t pairs[1] = {0};

    (void)state;
    assert_int_equal(solve(&instance, &space, pairs), 14400);
    assert_int_equal(pairs[0], MATCH_NONE);
    instance.costs[0][0] = 14400; /* a tie: a match is preferred */
    assert_int_equal(solve(&instance, &space, pairs), 14400);
    assert_int_equal(pairs[0], 0);
    match_done(&space);
}

static void distance_of_exactly_the_window_is_eligible_and_one_more_is_not(void **state)
{
    struct instance instance = {.slots = 1, .attendances = 1, .anchors = {WINDOW}};
    struct match_space space = {0};
    uint32_t pairs[1] = {0};

    (void)state;
    (void)solve(&instance, &space, pairs);
    assert_int_equal(pairs[0], 0);
    instance.anchors[0] = WINDOW + 1;
    (void)solve(&instance, &space, pairs);
    assert_int_equal(pairs[0], MATCH_NONE);
    match_done(&space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matcher_equals_the_rule_as_written_on_100000_small_cases_with_ties),
        cmocka_unit_test(no_set_of_pairs_is_cheaper_than_the_one_found),
        cmocka_unit_test(pair_dearer_than_leaving_both_is_not_made),
        cmocka_unit_test(distance_of_exactly_the_window_is_eligible_and_one_more_is_not),
    };

    return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
