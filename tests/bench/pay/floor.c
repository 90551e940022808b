/*
 * floor.c - what a year costs that nobody can save: its bytes read and looked at once, its taps
 * sorted by person and time. On two threads, as the engine has it.
 *
 * Usage: pay_floor EVENTS.CSV PLANNED.CSV, files as ecm-sim --make-import writes them.
 * Prints read=US sort=US bytes=N keys=N, microseconds of wall time.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 2, CHUNK = 1024 * 1024, RADIX_BITS = 11, RADIX = 1 << RADIX_BITS, PASSES = 4 };

static uint64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

/* ---- reading: each thread every other chunk of both files --------------------------------- */

struct reading {
    const char *paths[2];
    unsigned thread;
    uint64_t bytes, sum;
};

static void read_file(struct reading *reading, const char *path)
{
    static _Thread_local unsigned char chunk[CHUNK];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    off_t at = (off_t)reading->thread * CHUNK;

    if (fd < 0) {
        fail(path);
    }
    for (ssize_t got = pread(fd, chunk, CHUNK, at); got > 0; got = pread(fd, chunk, CHUNK, at)) {
        for (ssize_t i = 0; i < got; i++) {
            reading->sum += chunk[i];
        }
        reading->bytes += (uint64_t)got;
        at += (off_t)THREADS * CHUNK;
    }
    (void)close(fd);
}

static void *read_both(void *user)
{
    struct reading *reading = user;

    read_file(reading, reading->paths[0]);
    read_file(reading, reading->paths[1]);
    return NULL;
}

/* ---- sorting: each thread half of the keys, person and time in one number ------------------ */

struct sorting {
    uint64_t *keys, *other;
    size_t count;
};

static void sort_by_digit(struct sorting *sorting, unsigned shift)
{
    static _Thread_local size_t nexts[RADIX];
    size_t sum = 0;
    uint64_t *keys = sorting->keys;

    (void)memset(nexts, 0, sizeof nexts);
    for (size_t i = 0; i < sorting->count; i++) {
        nexts[keys[i] >> shift & (RADIX - 1)]++;
    }
    for (size_t i = 0; i < RADIX; i++) {
        size_t count = nexts[i];

        nexts[i] = sum;
        sum += count;
    }
    for (size_t i = 0; i < sorting->count; i++) {
        sorting->other[nexts[keys[i] >> shift & (RADIX - 1)]++] = keys[i];
    }
    sorting->keys = sorting->other;
    sorting->other = keys;
}

static void *sort(void *user)
{
    for (unsigned pass = 0; pass < PASSES; pass++) {
        sort_by_digit(user, pass * RADIX_BITS);
    }
    return NULL;
}

/* A year of taps by 1,650 people: 11 bits of person above 33 of time. */
static void fill(struct sorting *sorting, size_t count)
{
    uint64_t state = 1;

    sorting->count = count;
    sorting->keys = malloc(count * sizeof *sorting->keys);
    sorting->other = malloc(count * sizeof *sorting->other);
    if (sorting->keys == NULL || sorting->other == NULL) {
        fail("memory");
    }
    for (size_t i = 0; i < count; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        sorting->keys[i] = (state >> 53) % 1650 << 33 | (UINT64_C(1585522800) + i * 9);
    }
    (void)memset(sorting->other, 0, count * sizeof *sorting->other);
}

static void run(void *(*work)(void *), void *first, void *second)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, work, second) != 0) {
        fail("thread");
    }
    (void)work(first);
    (void)pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
    struct reading readings[THREADS];
    struct sorting halves[THREADS];
    uint64_t from_us = 0;
    uint64_t read_us = 0;
    struct stat events;
    size_t keys = 0;

    if (argc != 3 || stat(argv[1], &events) != 0) {
        (void)fprintf(stderr, "usage: pay_floor EVENTS.CSV PLANNED.CSV\n");
        return 2;
    }
    for (unsigned i = 0; i < THREADS; i++) {
        readings[i] = (struct reading){.paths = {argv[1], argv[2]}, .thread = i};
    }
    from_us = now_us();
    run(read_both, &readings[0], &readings[1]);
    read_us = now_us() - from_us;

    keys = (size_t)events.st_size / 58; /* a row of events.csv has about as many bytes */
    for (unsigned i = 0; i < THREADS; i++) {
        fill(&halves[i], keys / THREADS);
    }
    from_us = now_us();
    run(sort, &halves[0], &halves[1]);
    (void)printf("read=%" PRIu64 " sort=%" PRIu64 " bytes=%" PRIu64 " keys=%zu sum=%" PRIu64 "\n",
        read_us, now_us() - from_us, readings[0].bytes + readings[1].bytes, keys,
        readings[0].sum + readings[1].sum + halves[0].keys[0] + halves[1].keys[0]);
    for (unsigned i = 0; i < THREADS; i++) {
        free(halves[i].keys);
        free(halves[i].other);
    }
    return 0;
}
