/*
 * outbox_help.h - a scratch folder and a few records, for the tests of everything that has an
 * outbox.
 */
#ifndef ECM_TESTS_OUTBOX_HELP_H
#define ECM_TESTS_OUTBOX_HELP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/outbox.h"
#include "proto/messages.h"

enum { SCRATCH_SIZE = 64, SCRATCH_PATH_SIZE = 96 };

struct scratch {
    char folder[SCRATCH_SIZE];
    char path[SCRATCH_PATH_SIZE]; /* of the outbox */
};

/* cmocka setup and teardown: *state is a struct scratch with an empty folder in memory (tmpfs). */
int scratch_setup(void **state);
int scratch_teardown(void **state);

/* The outbox of device "gw-test"; fails the test when it cannot be opened. */
struct outbox *open_box(const struct scratch *scratch);
struct outbox *open_small_box(const struct scratch *scratch, uint64_t bytes_max);
struct outbox *open_repaired(const struct scratch *scratch, struct outbox_repair *ret_repair);

/* A tap of tag number n, 1 s of boot time after tap n - 1. */
struct record make_tap(uint64_t n);

/* Append taps first to last; fails the test when one is not stored. */
void append_taps(struct outbox *box, uint64_t first, uint64_t last);

/* Everything from from_seq on, as records. */
struct readout {
    size_t count;
    struct record records[512];
};
int read_out(struct outbox *box, uint64_t from_seq, struct readout *ret_readout);

/* The number of the tag in record, as given to make_tap(). */
uint64_t tap_number(const struct record *record);

/* Overwrite size bytes of a file at offset with value. */
void scribble(const char *path, long offset, size_t size, uint8_t value);

/* The size of a file, -1 when it is not there. */
long file_size(const char *path);

/* How many files in the folder have part in their name. */
unsigned count_files(const struct scratch *scratch, const char *part);

#endif
