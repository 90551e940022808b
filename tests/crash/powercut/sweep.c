/*
 * sweep.c - see sweep.h.
 */
#include "tests/crash/powercut/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/suite.h"

enum { POSITIONS_MAX = 20000, SEEDS_DEFAULT = 1 };

static unsigned seeds_wanted = SEEDS_DEFAULT;

void sweep_note(struct sweep_tally *tally, uint64_t *counter, const char *format, ...)
{
    (*counter)++;
    if (tally->first[0] == '\0') {
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(tally->first, sizeof tally->first, format, arguments);
        va_end(arguments);
    }
}

/* Where the first wrong thing happened, so that it can be looked at again. */
static void note_where(struct sweep_tally *tally, const char *where, uint64_t at, int how)
{
    size_t used = strlen(tally->first);

    if (used > 0 && strstr(tally->first, " [") == NULL) {
        (void)snprintf(tally->first + used, sizeof tally->first - used, " [%s %llu, %d]", where,
            (unsigned long long)at, how);
    }
}

static double now_s(void)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void print_line(const char *kind, const char *name, const struct sweep_tally *tally,
    const struct sweep_tally *before, double started_s)
{
    (void)printf("powercut: %-28s %-12s %5llu positions, %6llu %s, %llu losses, %llu duplicates,"
                 " %llu broken, %.1f s\n",
        name, kind, (unsigned long long)(tally->positions - before->positions),
        (unsigned long long)(tally->cuts - before->cuts),
        strncmp(kind, "cut", 3) == 0 ? "cuts" : "faults",
        (unsigned long long)(tally->losses - before->losses),
        (unsigned long long)(tally->duplicates - before->duplicates),
        (unsigned long long)(tally->broken - before->broken), now_s() - started_s);
    if (tally->first[0] != '\0' && before->first[0] == '\0') {
        (void)printf("powercut: %s: first: %s\n", name, tally->first);
    }
    (void)fflush(stdout);
}

/* The subject's state at a moment, to go back to. */
static void *remember(const struct sweep_subject *subject)
{
    void *copy = malloc(subject->state_size);

    assert_non_null(copy);
    memcpy(copy, subject->state, subject->state_size);
    return copy;
}

static void go_back(const struct sweep_subject *subject, const void *moment)
{
    memcpy(subject->state, moment, subject->state_size);
}

/* Work until the cut at position at. false: there is no such position. */
static bool run_to_cut(const struct sweep_subject *subject, uint64_t at)
{
    disk_arm(at, DISK_CUT, false);
    subject->work(subject->state);
    subject->close(subject->state);
    return disk_has_struck();
}

void sweep_cuts(const struct sweep_subject *subject, const struct disk_image *base, unsigned seeds,
    struct sweep_tally *tally)
{
    const struct sweep_tally before = *tally;
    const double started_s = now_s();
    void *start = remember(subject);
    bool is_over = false;

    for (uint64_t at = 1; !is_over; at++) {
        assert_true(at < POSITIONS_MAX);
        for (int survival = 0; !is_over && survival < DISK_SURVIVALS; survival++) {
            unsigned lots = survival == DISK_KEEP_NONE || survival == DISK_KEEP_ALL ? 1 : seeds;

            for (unsigned seed = 0; !is_over && seed < lots; seed++) {
                go_back(subject, start);
                disk_load(base);
                is_over = !run_to_cut(subject, at);
                disk_power_on((enum disk_survival)survival, at * 1000 + seed);
                subject->check(subject->state, tally);
                note_where(tally, "cut at", at, survival);
                tally->cuts += is_over ? 0 : 1;
            }
        }
        tally->positions += is_over ? 0 : 1;
    }
    free(start);
    print_line("cut", subject->name, tally, &before, started_s);
}

void sweep_cuts_twice(const struct sweep_subject *subject, const struct disk_image *base,
    unsigned stride, struct sweep_tally *tally)
{
    const struct sweep_tally before = *tally;
    const double started_s = now_s();
    void *start = remember(subject);
    bool is_over = false;

    for (uint64_t at = 1; !is_over; at += stride) {
        struct disk_image *between = NULL;
        void *moment = NULL;
        bool is_recovered = false;

        go_back(subject, start);
        disk_load(base);
        is_over = !run_to_cut(subject, at);
        disk_power_on(DISK_KEEP_SOME, at);
        between = disk_save();
        moment = remember(subject);
        for (uint64_t second = 1; !is_over && !is_recovered; second++) {
            go_back(subject, moment);
            disk_load(between);
            is_recovered = !run_to_cut(subject, second);
            disk_power_on(second % 2 == 0 ? DISK_KEEP_SOME : DISK_KEEP_TORN, second);
            subject->check(subject->state, tally);
            note_where(tally, "second cut after the one at", at, (int)second);
            tally->positions += is_recovered ? 0 : 1;
            tally->cuts += is_recovered ? 0 : 1;
        }
        free(moment);
        disk_image_free(between);
    }
    free(start);
    print_line("cut twice", subject->name, tally, &before, started_s);
}

/* How it goes on when the fault is over; each ends without power, the first after a clean stop. */
enum ending { STOPS, GOES_ON, IS_KILLED_AND_STARTED, ENDINGS };

static void end(const struct sweep_subject *subject, enum ending ending, struct sweep_tally *tally)
{
    if (ending == IS_KILLED_AND_STARTED) {
        disk_freeze(true);
        subject->close(subject->state);
        disk_freeze(false);
    }
    subject->go_on(subject->state, tally);
    if (ending != STOPS) {
        disk_arm(1, DISK_CUT, false);
    }
    subject->close(subject->state);
}

void sweep_faults(const struct sweep_subject *subject, const struct disk_image *base,
    enum disk_fault fault, struct sweep_tally *tally)
{
    static const char *const names[] = {[DISK_CUT] = "",
        [DISK_EIO_ONCE] = "EIO once",
        [DISK_EIO_ON] = "EIO on",
        [DISK_ENOSPC_ONCE] = "ENOSPC once",
        [DISK_ENOSPC_ON] = "ENOSPC on"};
    const struct sweep_tally before = *tally;
    const unsigned endings = seeds_wanted > SEEDS_DEFAULT ? ENDINGS : 1;
    const double started_s = now_s();
    void *start = remember(subject);
    bool is_over = false;

    for (uint64_t at = 1; !is_over; at++) {
        assert_true(at < POSITIONS_MAX);
        for (unsigned i = 0; !is_over && i < endings; i++) {
            enum ending ending = (enum ending)((at + i) % ENDINGS);

            go_back(subject, start);
            disk_load(base);
            disk_arm(at, fault, fault == DISK_EIO_ONCE || fault == DISK_EIO_ON);
            subject->work(subject->state);
            is_over = disk_operations() < at;
            disk_disarm();
            end(subject, ending, tally);
            disk_power_on(DISK_KEEP_NONE, at);
            subject->check(subject->state, tally);
            note_where(tally, names[fault], at, (int)ending);
            tally->cuts += is_over ? 0 : 1;
        }
        tally->positions += is_over ? 0 : 1;
    }
    free(start);
    print_line(names[fault], subject->name, tally, &before, started_s);
}

void sweep_arguments(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--seeds") == 0) {
        seeds_wanted = (unsigned)strtoul(argv[2], NULL, 10);
    }
}

unsigned sweep_seeds(void)
{
    return seeds_wanted;
}

void assert_nothing_wrong(const struct sweep_tally *tally)
{
    assert_true(tally->cuts > 0);
    if (tally->losses + tally->duplicates + tally->broken > 0) {
        fail_msg("%s", tally->first);
    }
}
