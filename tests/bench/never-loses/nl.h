/*
 * nl.h - what the tools of this benchmark write down, and when.
 *
 * A ledger is a file of lines of one length, so that its size tells how many there are:
 *
 *   promised:  event number (10 digits), published us, promised us (16 digits each)
 *   stored:    event number, stored us, 0
 *
 * All times are CLOCK_MONOTONIC of the one machine everything runs on. Each line is one write(2): a
 * SIGKILL after it does not take it back, and a ledger never lies on a disk that is cut. A SIGKILL
 * can end a write between two pages of the file, so the length divides a page: spaces fill it up.
 */
#ifndef ECM_TESTS_BENCH_NL_H
#define ECM_TESTS_BENCH_NL_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { NL_LINE_SIZE = 64, NL_PAYLOAD_SIZE = 120, NL_NUMBER_SIZE = 10 };

static inline void nl_die(const char *what)
{
    (void)fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
    exit(1);
}

static inline uint64_t nl_now_us(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static inline int nl_open_ledger(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    if (fd < 0) {
        nl_die("cannot open the ledger");
    }
    return fd;
}

static inline void nl_write_down(int ledger, uint64_t number, uint64_t first_us, uint64_t second_us)
{
    char line[NL_LINE_SIZE + 1] = "";
    int size = snprintf(line, sizeof line, "%010llu %016llu %-35.16llu\n",
        (unsigned long long)number, (unsigned long long)first_us, (unsigned long long)second_us);

    if (size != NL_LINE_SIZE || write(ledger, line, NL_LINE_SIZE) != NL_LINE_SIZE) {
        nl_die("cannot write the ledger");
    }
}

/* A whole number of at least 0, or the end. */
static inline uint64_t nl_number(const char *text)
{
    char *end = NULL;
    unsigned long long value = strtoull(text, &end, 10);

    if (end == text || *end != '\0') {
        nl_die("an argument is not a number");
    }
    return value;
}

#endif
