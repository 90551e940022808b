/*
 * kinds.c - let the gateway's own rule say which taps are arriving and which leaving.
 *
 * Usage: repairs_kinds LIMIT_HOURS < taps > kinds
 * Reads lines "HOME CARD SECONDS", taps of a home in order of time (homes one after another or
 * mixed), and prints for each its kind, I or O, as direction.h decides it with that limit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap/direction.h"

enum { HOMES_MAX = 4096 };

static struct record tap_of(unsigned card, unsigned long long seconds)
{
    struct record record = {.type = RECORD_TAP,
        .boot_id = 1,
        .boot_ms = 1000ull * seconds,
        .wall_ms = 1000ll * (long long)seconds,
        .wall_trust = WALL_SYNCED};

    record.tap.uid_size = 4;
    memcpy(record.tap.uid, &card, sizeof card);
    return record;
}

int main(int argc, char **argv)
{
    unsigned limit_h = argc == 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    struct direction **homes = calloc(HOMES_MAX, sizeof(struct direction *));
    unsigned home = 0;
    unsigned card = 0;
    unsigned long long seconds = 0;

    if (limit_h == 0 || homes == NULL) {
        (void)fprintf(stderr, "usage: repairs_kinds LIMIT_HOURS < taps\n");
        free(homes);
        return 2;
    }
    while (scanf("%u %u %llu", &home, &card, &seconds) == 3 && home < HOMES_MAX) {
        struct record record = tap_of(card, seconds);

        if (homes[home] == NULL) {
            homes[home] = malloc(sizeof *homes[home]);
            if (homes[home] == NULL) {
                return 1;
            }
            direction_init(homes[home], limit_h * 3600);
        }
        direction_decide(homes[home], 0, &record);
        direction_remember(homes[home], 0, &record);
        direction_gone(homes[home], 0, record.tap.uid, record.tap.uid_size);
        (void)puts(record.tap.direction == TAP_OUT ? "O" : "I");
    }
    for (size_t i = 0; i < HOMES_MAX; i++) {
        free(homes[i]);
    }
    free(homes);
    return feof(stdin) ? 0 : 1;
}
