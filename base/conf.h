/*
 * conf.h - configuration files as a table: "key = value" under "[section]" (read by inih).
 *
 * A daemon declares one struct conf_item a key, naming where the value goes. The reader, the
 * printer (-p) and the "unknown key" error all read that table. Every error of a file is
 * reported, one line each ("gateway.conf:12: reader.poll_ms: 5 is below the minimum 20"),
 * before the file is refused. Secrets are file names, never values.
 */
#ifndef ECM_BASE_CONF_H
#define ECM_BASE_CONF_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum conf_type {
    CONF_STRING, /* char[size] in the target; max is the longest length allowed, 0: what fits */
    CONF_INT,    /* int64_t, min..max */
    CONF_BOOL,   /* bool: yes, no, true, false, on, off, 1, 0 */
    CONF_CHOICE, /* int: the index of the value in choices */
};

struct conf_item {
    const char *section;
    const char *key;
    enum conf_type type;
    const char *unit; /* for people, e.g. "ms"; NULL when there is none */
    int64_t min;
    int64_t max;
    const char *preset;         /* default, written as in the file */
    const char *const *choices; /* CONF_CHOICE: NULL-terminated */
    size_t offset;              /* offsetof the target struct */
    size_t size;                /* CONF_STRING: sizeof the array */
    const char *help;           /* one sentence */
};

/* Give every item of target its preset. The presets of a table are right or it is a bug. */
void conf_preset(const struct conf_item *items, size_t count, void *target);

/*
 * Read path over target, which holds presets. 0; ECM_ECONFIG when at least one line was written
 * to errors; -errno when the file cannot be read (also said on errors).
 */
int conf_load(
    const struct conf_item *items, size_t count, const char *path, void *target, FILE *errors);

/* Set one item from text as if "section.key=value" stood in a file. 0 or ECM_ECONFIG. */
int conf_set(const struct conf_item *items, size_t count, const char *assignment, void *target,
    FILE *errors);

/* Write target as a file that conf_load() reads back, each key after its help and limits. */
void conf_print(const struct conf_item *items, size_t count, const void *target, FILE *out);

#endif
