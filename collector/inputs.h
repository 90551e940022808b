/*
 * inputs.h - tell people about opened cases and pressed buttons that were stored.
 *
 * A record that says "opened" or "pressed" becomes one log line and one alert on the site's topic,
 * with the time at which it happened; "closed" and "let go" become a line. Only then it counts as
 * told. So what arrives while the broker is away, or just before a crash, is told later: at least
 * once, and mostly just once.
 *
 * Threads: one inputs belongs to one thread. Blocks as long as the store does.
 */
#ifndef ECM_COLLECTOR_INPUTS_H
#define ECM_COLLECTOR_INPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct storage;

enum { INPUTS_A_TIME = 64 };

struct inputs {
    struct storage *storage;
    int (*publish)(void *user, const char *topic, const uint8_t *bytes, size_t size);
    void *user;
    uint64_t calls, openings; /* told since the program started */
};

/*
 * Tell up to INPUTS_A_TIME of those that nobody was told of yet. 0: none is left; 1: perhaps more,
 * call again; a negative code of the store or of publish: try again later, nothing is lost.
 */
int inputs_tell(struct inputs *inputs);

#endif
