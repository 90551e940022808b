/*
 * random.h - chance that can be repeated: the same seed and the same names give the same numbers.
 *
 * Each visit, home and day has a stream of its own, made of the seed and its name, so that
 * playing fewer homes, or one day more, changes nothing about the others.
 *
 * Threads: plain values.
 */
#ifndef ECM_TOOLS_SIM_RANDOM_H
#define ECM_TOOLS_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

/* 64 bits of text (FNV-1a), continued from seed. */
uint64_t random_hash(uint64_t seed, const char *text);

/* The stream of (seed, name, number). */
struct random random_stream(uint64_t seed, const char *name, uint64_t number);

uint64_t random_next(struct random *random);

/* One of first..last, both included; first <= last. */
int64_t random_between(struct random *random, int64_t first, int64_t last);

/* True in percent of 100 cases. Takes one number from the stream whatever percent is. */
bool random_percent(struct random *random, unsigned percent);

#endif
