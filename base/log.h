/*
 * log.h - lines for the operator, on standard error.
 *
 * One line is one sentence, then key=value pairs; an event that alerts hang on carries
 * event=<id>, listed in docs/OPERATIONS.md. Under journald each line starts with its <N>
 * priority (sd-daemon(3)), elsewhere with the UTC time and the level.
 *
 * Privacy: no tag number, name or address above debug. Use log_tag() to name a tag.
 * Who logs: only the files listed in tools/check_layers.py; everything else returns its error.
 * Threads:  any thread may log; a line is one write(2).
 */
#ifndef ECM_BASE_LOG_H
#define ECM_BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

enum log_level {
    LOG_LEVEL_ERR = 3,   /* someone must act */
    LOG_LEVEL_WARN = 4,  /* we carry on, and say how */
    LOG_LEVEL_INFO = 6,  /* state changed */
    LOG_LEVEL_DEBUG = 7, /* per tap */
};

/* Lines less important than level are not written. The default is info. */
void log_set_level(enum log_level level);

void log_err(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

enum { LOG_TAG_SIZE = 9 };

/*
 * Name a tag without giving it away: eight hex digits of a hash keyed with a random key of this
 * process, so that two lines of one run can be joined and nothing else. Returns name.
 */
const char *log_tag(const uint8_t *uid, size_t size, char name[static LOG_TAG_SIZE]);

#endif
