/*
 * fake_feedback.h - a hal_feedback that remembers what it was asked to show.
 *
 * Ownership: the struct is the caller's.
 */
#ifndef ECM_HAL_FAKE_FAKE_FEEDBACK_H
#define ECM_HAL_FAKE_FAKE_FEEDBACK_H

#include "hal/fake/fake_fail.h"
#include "hal/feedback.h"

enum { FAKE_FEEDBACK_SHOWN_MAX = 64, FAKE_FEEDBACK_PATTERNS = HAL_FEEDBACK_PATTERNS };

struct fake_feedback {
    struct hal_feedback base; /* first */
    struct fake_fail fail;    /* a failing show() is -EIO and is not remembered */
    uint32_t count;           /* shown so far */
    uint32_t per_pattern[FAKE_FEEDBACK_PATTERNS];
    struct {
        enum hal_feedback_pattern pattern;
        uint64_t at_us;
    } shown[FAKE_FEEDBACK_SHOWN_MAX]; /* the latest; number n is at n % FAKE_FEEDBACK_SHOWN_MAX */
};

void fake_feedback_init(struct fake_feedback *feedback);

/* The latest pattern shown, HAL_FEEDBACK_OFF when there was none. */
enum hal_feedback_pattern fake_feedback_last(const struct fake_feedback *feedback);

#endif
