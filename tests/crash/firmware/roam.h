/*
 * roam.h - random work on a flash log, with the power going at random moments.
 */
#ifndef ECM_TESTS_CRASH_FIRMWARE_ROAM_H
#define ECM_TESTS_CRASH_FIRMWARE_ROAM_H

#include "tests/crash/firmware/world.h"

struct roam {
    uint64_t seed;
    uint64_t cuts;       /* wanted */
    uint64_t faults_max; /* stop after so many */
};

/* Work on world until there were so many cuts. Returns how many there were. */
uint64_t roam(struct world *world, const struct roam *roam);

#endif
