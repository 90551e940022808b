/*
 * test_input.c - what hal/input.h promises, of every implementation that can be had here.
 *
 * The fake and the line that is a file always; a line of a GPIO chip when the environment names one:
 * ECM_INPUT_LINE as gpio_linux_open_input() takes it, ECM_INPUT_PULL a file of gpio-sim that takes
 * pull-up and pull-down. tests/emulator/uml runs it so.
 */
#include "tests/unit/suite.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hal/fake/fake_clock.h"
#include "hal/fake/fake_input.h"
#include "hal/linux/gpio_linux.h"

enum { PATIENCE_MS = 3000, AGE_MAX_US = 2000000 };

/* One implementation, and the hand that moves its line. */
struct hand {
    struct hal_input *input;
    void (*set)(struct hand *hand, bool level);
    void (*close)(struct hand *hand);
    struct fake_clock clock;
    struct fake_input fake;
    char folder[96];
    char path[128]; /* file: of the line; chip: of its pull */
};

/* ---- the fake ----------------------------------------------------------------------------- */

static void set_fake(struct hand *hand, bool level)
{
    fake_input_set(&hand->fake, level);
}

static void close_nothing(struct hand *hand)
{
    (void)hand;
}

static void open_fake(struct hand *hand)
{
    fake_clock_init(&hand->clock, 1, 0);
    fake_input_init(&hand->fake, &hand->clock.base, true);
    hand->input = &hand->fake.base;
    hand->set = set_fake;
    hand->close = close_nothing;
}

/* ---- lines of this machine ---------------------------------------------------------------- */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void set_file(struct hand *hand, bool level)
{
    write_file(hand->path, level ? "1\n" : "0\n");
}

static void close_file(struct hand *hand)
{
    gpio_linux_close_input(hand->input);
    (void)unlink(hand->path);
    (void)rmdir(hand->folder);
}

static void open_file(struct hand *hand)
{
    char name[sizeof hand->path + 8];

    const char *temporary = getenv("TMPDIR");

    (void)snprintf(hand->folder, sizeof hand->folder, "%s/ecm-input-XXXXXX",
        temporary != NULL ? temporary : "/tmp");
    assert_non_null(mkdtemp(hand->folder));
    (void)snprintf(hand->path, sizeof hand->path, "%s/line", hand->folder);
    (void)snprintf(name, sizeof name, "file:%s", hand->path);
    set_file(hand, true);
    assert_int_equal(gpio_linux_open_input(&hand->input, name, HAL_INPUT_PULL_UP), 0);
    hand->set = set_file;
    hand->close = close_file;
}

static void set_chip(struct hand *hand, bool level)
{
    write_file(getenv("ECM_INPUT_PULL"), level ? "pull-up" : "pull-down");
    (void)hand;
}

static void close_chip(struct hand *hand)
{
    gpio_linux_close_input(hand->input);
}

static void open_chip(struct hand *hand)
{
    set_chip(hand, true);
    assert_int_equal(
        gpio_linux_open_input(&hand->input, getenv("ECM_INPUT_LINE"), HAL_INPUT_PULL_UP), 0);
    set_chip(hand, true); /* asking for a bias may have moved the simulated one */
    hand->set = set_chip;
    hand->close = close_chip;
}

/* ---- the promises ------------------------------------------------------------------------- */

/* The next edge, waited for: the kernel's tick may bring it later. */
static int next(struct hand *hand, struct hal_input_edge *ret_edge)
{
    int rc = hal_input_read_edge(hand->input, ret_edge);

    for (int i = 0; rc == 0 && i < PATIENCE_MS; i++) {
        (void)usleep(1000);
        rc = hal_input_read_edge(hand->input, ret_edge);
    }
    return rc;
}

static void a_line_at_rest_has_no_edge(void **state)
{
    struct hand *hand = *state;
    struct hal_input_edge edge = {.age_us = 7};

    assert_int_equal(hal_input_read_edge(hand->input, &edge), 0);
    assert_int_equal(edge.age_us, 7);
    assert_int_equal(hal_input_level(hand->input), 1);
}

static void both_edges_are_told_once_each_in_their_order(void **state)
{
    struct hand *hand = *state;
    struct hal_input_edge edge = {.level = true};

    hand->set(hand, false);
    assert_int_equal(next(hand, &edge), 1);
    assert_false(edge.level);
    assert_true(edge.age_us < AGE_MAX_US);
    assert_int_equal(hal_input_level(hand->input), 0);
    hand->set(hand, true);
    assert_int_equal(next(hand, &edge), 1);
    assert_true(edge.level);
    assert_int_equal(hal_input_level(hand->input), 1);
    assert_int_equal(hal_input_read_edge(hand->input, &edge), 0);
}

static void the_descriptor_is_readable_while_an_edge_waits(void **state)
{
    struct hand *hand = *state;
    struct hal_input_edge edge = {.level = true};
    struct pollfd waiting = {.fd = hal_input_fd(hand->input), .events = POLLIN};

    if (waiting.fd < 0) {
        assert_int_equal(waiting.fd, HAL_INPUT_NO_FD);
        return;
    }
    assert_int_equal(poll(&waiting, 1, 0), 0);
    hand->set(hand, false);
    assert_int_equal(poll(&waiting, 1, PATIENCE_MS), 1);
    assert_int_equal(hal_input_read_edge(hand->input, &edge), 1);
    assert_int_equal(poll(&waiting, 1, 0), 0);
}

/* A queue keeps a press that nobody looked at in time; one without a queue shows the level. */
static void what_happened_unseen_is_told_later_with_its_age(void **state)
{
    struct hand *hand = *state;
    struct hal_input_edge edge = {.level = true};

    if (hal_input_fd(hand->input) < 0 && hand->set != set_fake) {
        return; /* a file: it has no queue, and says so */
    }
    hand->set(hand, false);
    (void)usleep(60000);
    fake_clock_advance_us(&hand->clock, 60000);
    hand->set(hand, true);
    (void)usleep(60000);
    fake_clock_advance_us(&hand->clock, 60000);
    assert_int_equal(next(hand, &edge), 1);
    assert_false(edge.level);
    assert_in_range(edge.age_us, 100000, AGE_MAX_US);
    assert_int_equal(next(hand, &edge), 1);
    assert_true(edge.level);
    assert_in_range(edge.age_us, 40000, AGE_MAX_US);
}

static void the_level_is_the_truth_after_more_edges_than_the_queue_holds(void **state)
{
    struct hand *hand = *state;
    struct hal_input_edge edge = {.level = true};
    int edges = 0;

    for (int i = 0; i < 60; i++) {
        hand->set(hand, i % 2 != 0);
    }
    hand->set(hand, false);
    (void)usleep(60000);
    while (hal_input_read_edge(hand->input, &edge) == 1) {
        edges++;
    }
    assert_in_range(edges, 1, 61);
    assert_int_equal(hal_input_level(hand->input), 0);
}

/* ---- every implementation ----------------------------------------------------------------- */

typedef void (*opener)(struct hand *hand);

static int setup(void **state)
{
    /* cmocka gives what the test names as its initial state. */
    const opener *open_hand = *state;
    struct hand *hand = calloc(1, sizeof *hand);

    assert_non_null(hand);
    (*open_hand)(hand);
    *state = hand;
    return 0;
}

static int teardown(void **state)
{
    struct hand *hand = *state;

    hand->close(hand);
    free(hand);
    return 0;
}

#define TEST(of, name)                                                                             \
    {                                                                                              \
#of ": " #name, name, setup, teardown, &(of)                                               \
    }
#define PROMISES(of)                                                                               \
    {                                                                                              \
        TEST(of, a_line_at_rest_has_no_edge),                                                      \
            TEST(of, both_edges_are_told_once_each_in_their_order),                                \
            TEST(of, the_descriptor_is_readable_while_an_edge_waits),                              \
            TEST(of, what_happened_unseen_is_told_later_with_its_age),                             \
            TEST(of, the_level_is_the_truth_after_more_edges_than_the_queue_holds),                \
    }

int main(void)
{
    static opener fake = open_fake;
    static opener file = open_file;
    static opener chip = open_chip;
    const struct CMUnitTest of_fake[] = PROMISES(fake);
    const struct CMUnitTest of_file[] = PROMISES(file);
    const struct CMUnitTest of_chip[] = PROMISES(chip);
    int failed = cmocka_run_group_tests_name("fake", of_fake, NULL, NULL) +
                 cmocka_run_group_tests_name("file", of_file, NULL, NULL);

    if (getenv("ECM_INPUT_LINE") != NULL && getenv("ECM_INPUT_PULL") != NULL) {
        failed += cmocka_run_group_tests_name("chip", of_chip, NULL, NULL);
    }
    return failed;
}
