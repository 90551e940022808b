/*
 * tzif.h - when the clocks change, read from the system's zoneinfo (TZif, RFC 8536).
 *
 * The result is a plain table that pure code can use without asking the system anything. Beyond
 * the transitions in the file, those of its footer ("GMT0BST,M3.5.0/1,M10.5.0") are written out
 * up to the year TZIF_YEAR_MAX; of the footer's forms only the Mm.w.d one is read, which is what
 * every zone in use has.
 *
 * Ownership: tzif_done() frees. Blocking: tzif_load() reads one small file.
 */
#ifndef ECM_BASE_TZIF_H
#define ECM_BASE_TZIF_H

#include <stddef.h>
#include <stdint.h>

enum { TZIF_YEAR_MAX = 2120, TZIF_FILE_SIZE_MAX = 65536 };

struct err;

/* From at_utc[i] on, until the next, local time is UTC + offset_s[i]. */
struct tzif {
    int64_t *at_utc; /* ascending; the first is INT64_MIN */
    int32_t *offset_s;
    size_t count; /* at least 1 */
};

/*
 * Load zone ("Europe/London") from /usr/share/zoneinfo. -ENOENT no such zone, -EINVAL a name that
 * would leave that folder, ECM_EFORMAT not a TZif file of version 2 or later, -ENOMEM.
 */
int tzif_load(struct tzif *ret_tzif, const char *zone, struct err *err);

/* The same from the bytes of a file. ECM_EFORMAT or -ENOMEM. */
int tzif_parse(struct tzif *ret_tzif, const uint8_t *bytes, size_t size);

/* A zeroed struct is allowed. */
void tzif_done(struct tzif *tzif);

#endif
