/*
 * log.c - see log.h.
 *
 * A line is put together in one buffer and leaves in one write(2), so that lines of
 * several threads and processes on one pipe never mix.
 */
#include "base/log.h"

#include <pthread.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_SIZE = 1024, TAG_NAME_BYTES = 4 };

static atomic_int level_limit = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    atomic_store(&level_limit, (int)level);
}

static const char *level_word(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_ERR:
        return "error";
    case LOG_LEVEL_WARN:
        return "warning";
    case LOG_LEVEL_INFO:
        return "info";
    case LOG_LEVEL_DEBUG:
        return "debug";
    }
    return "?";
}

/* journald adds the time itself; a person at a terminal needs it in the line. */
static size_t write_prefix(char *line, size_t capacity, enum log_level level)
{
    struct timespec now;
    struct tm utc;
    int used = 0;

    if (getenv("JOURNAL_STREAM") != NULL) {
        used = snprintf(line, capacity, "<%d>", (int)level);
        return (size_t)used;
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    used = snprintf(line, capacity, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %s: ", utc.tm_year + 1900,
        utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, now.tv_nsec / 1000000,
        level_word(level));
    return (size_t)used;
}

static void __attribute__((format(printf, 2, 0)))
write_line(enum log_level level, const char *format, va_list args)
{
    char line[LINE_MAX_SIZE];
    size_t used = 0;
    int text = 0;

    if ((int)level > atomic_load(&level_limit)) {
        return;
    }
    used = write_prefix(line, sizeof line, level);
    text = vsnprintf(line + used, sizeof line - used - 1, format, args);
    if (text > 0) {
        used += (size_t)text;
    }
    if (used > sizeof line - 2) {
        used = sizeof line - 2;
    }
    line[used++] = '\n';
    if (write(STDERR_FILENO, line, used) < 0) {
        return; /* nowhere left to say so */
    }
}

#define LOG_FUNCTION(name, level)                                                                  \
    void name(const char *format, ...)                                                             \
    {                                                                                              \
        va_list args;                                                                              \
                                                                                                   \
        va_start(args, format);                                                                    \
        write_line(level, format, args);                                                           \
        va_end(args);                                                                              \
    }

LOG_FUNCTION(log_err, LOG_LEVEL_ERR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)

static uint8_t tag_key[crypto_shorthash_KEYBYTES];
static pthread_once_t tag_key_once = PTHREAD_ONCE_INIT;

static void make_tag_key(void)
{
    /* Cannot fail for so few bytes once the system is up (getrandom(2)); if it ever does, the
     * address of a local keeps two runs apart, and names stay useless to outsiders. */
    if (getrandom(tag_key, sizeof tag_key, 0) != (ssize_t)sizeof tag_key) {
        const void *here = &here;

        (void)memcpy(tag_key, &here, sizeof here);
    }
}

const char *log_tag(const uint8_t *uid, size_t size, char name[static LOG_TAG_SIZE])
{
    uint8_t hash[crypto_shorthash_BYTES] = {0};

    (void)pthread_once(&tag_key_once, make_tag_key);
    (void)crypto_shorthash(hash, uid, size, tag_key); /* SipHash-2-4: returns 0 and nothing else */
    for (size_t i = 0; i < TAG_NAME_BYTES; i++) {
        (void)snprintf(name + 2 * i, 3, "%02x", hash[i]);
    }
    return name;
}
