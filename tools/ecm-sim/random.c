/*
 * random.c - splitmix64 (Steele, Lea, Flood 2014): short, and good enough to be late by.
 */
#include "tools/ecm-sim/random.h"

uint64_t random_hash(uint64_t seed, const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ seed;

    for (; *text != '\0'; text++) {
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    }
    return hash;
}

struct random random_stream(uint64_t seed, const char *name, uint64_t number)
{
    struct random random = {
        .state = random_hash(seed, name) + number * UINT64_C(0x2545f4914f6cdd1d)};

    (void)random_next(&random);
    return random;
}

uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

int64_t random_between(struct random *random, int64_t first, int64_t last)
{
    uint64_t span = (uint64_t)last - (uint64_t)first + 1;

    return (
        int64_t)((uint64_t)first + (span == 0 ? random_next(random) : random_next(random) % span));
}

bool random_percent(struct random *random, unsigned percent)
{
    return random_next(random) % 100 < percent;
}
