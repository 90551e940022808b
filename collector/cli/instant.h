/*
 * instant.h - an instant as a person writes it on the command line.
 */
#ifndef ECM_COLLECTOR_CLI_INSTANT_H
#define ECM_COLLECTOR_CLI_INSTANT_H

#include <stdbool.h>
#include <stdint.h>

/* "2021-03-28T07:00:00Z", or whole seconds since 1970. */
bool instant_read(const char *text, int64_t *ret_utc);

#endif
