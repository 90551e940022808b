/*
 * sweep.h - the same work again and again, with the fault one operation later each time.
 *
 * A subject is a program under test together with a ledger of what it was promised. Its steps may
 * fail: what was not confirmed is not expected. All state of a subject lies in one flat struct, so
 * that a sweep can go back to an earlier moment by copying it.
 */
#ifndef ECM_TESTS_CRASH_POWERCUT_SWEEP_H
#define ECM_TESTS_CRASH_POWERCUT_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/crash/lib/disk.h"

struct sweep_tally {
    uint64_t positions;  /* operations at which something was made to happen */
    uint64_t cuts;       /* or faults */
    uint64_t losses;     /* promised and not there, or not with its bytes */
    uint64_t duplicates; /* there twice, or a number given out twice */
    uint64_t broken;     /* did not open, failed its check, took no more, hid an error */
    char first[256];     /* the first of any of these, in words */
};

struct sweep_subject {
    const char *name;
    void *state;
    size_t state_size;

    void (*work)(void *state);  /* open and work; goes on after errors */
    void (*close)(void *state); /* and stop */
    /* Only for sweep_faults(): the fault is over; open if need be, and work must succeed. */
    void (*go_on)(void *state, struct sweep_tally *tally);
    /* Open what is on the disk, count what is wrong into tally, take one more, close. */
    void (*check)(void *state, struct sweep_tally *tally);
};

/* Note something wrong; counter is one of tally's. */
void sweep_note(struct sweep_tally *tally, uint64_t *counter, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Starting from the disk base and subject's present state: cut the power at operation 1, 2, 3 ...
 * until the work is done before the cut comes; each time with every survival, those with a lot
 * under seeds seeds. Prints a line.
 */
void sweep_cuts(const struct sweep_subject *subject, const struct disk_image *base, unsigned seeds,
    struct sweep_tally *tally);

/* At every stride-th cut: start again, and cut at every operation of that, too. */
void sweep_cuts_twice(const struct sweep_subject *subject, const struct disk_image *base,
    unsigned stride, struct sweep_tally *tally);

/*
 * Let operation 1, 2, 3 ... fail (reads, too, with EIO). When the fault is over go on in the same
 * process and stop in order; or lose power; or be killed, start again, and then lose power: one of
 * the three in turn, with more seeds than the default all three each time.
 */
void sweep_faults(const struct sweep_subject *subject, const struct disk_image *base,
    enum disk_fault fault, struct sweep_tally *tally);

/* The tests' main(): "--seeds N" (default 1) before cmocka sees anything. */
void sweep_arguments(int argc, char **argv);
unsigned sweep_seeds(void);

/* Fail the test unless positions were swept and nothing is wrong. */
void assert_nothing_wrong(const struct sweep_tally *tally);

#endif
