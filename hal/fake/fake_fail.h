/*
 * fake_fail.h - when a fake is to fail: at call N, once or from then on.
 *
 * A fault sweep runs the same test with at = 1, 2, 3 ... until a run makes fewer calls.
 */
#ifndef ECM_HAL_FAKE_FAKE_FAIL_H
#define ECM_HAL_FAKE_FAKE_FAIL_H

#include <stdbool.h>
#include <stdint.h>

struct fake_fail {
    uint32_t at;    /* the call that fails, counted from 1; 0: none */
    bool forever;   /* and every one after it */
    uint32_t calls; /* made so far */
};

/* Count one call. Whether it is to fail. */
static inline bool fake_fail_now(struct fake_fail *fail)
{
    fail->calls++;
    return fail->at != 0 && (fail->forever ? fail->calls >= fail->at : fail->calls == fail->at);
}

#endif
