/*
 * fake_feedback.c - see fake_feedback.h.
 */
#include "hal/fake/fake_feedback.h"

#include <errno.h>

static int show(struct hal_feedback *base, enum hal_feedback_pattern pattern, uint64_t now_us)
{
    struct fake_feedback *feedback = (struct fake_feedback *)base;
    uint32_t index = feedback->count % FAKE_FEEDBACK_SHOWN_MAX;

    if (fake_fail_now(&feedback->fail)) {
        return -EIO;
    }
    feedback->shown[index].pattern = pattern;
    feedback->shown[index].at_us = now_us;
    feedback->per_pattern[pattern]++;
    feedback->count++;
    return 0;
}

static int step(struct hal_feedback *base, uint64_t now_us)
{
    (void)base;
    (void)now_us;
    return HAL_FEEDBACK_IDLE_MS;
}

static const struct hal_feedback_ops fake_feedback_ops = {.show = show, .step = step};

void fake_feedback_init(struct fake_feedback *feedback)
{
    *feedback = (struct fake_feedback){.base = {.ops = &fake_feedback_ops}};
}

enum hal_feedback_pattern fake_feedback_last(const struct fake_feedback *feedback)
{
    if (feedback->count == 0) {
        return HAL_FEEDBACK_OFF;
    }
    return feedback->shown[(feedback->count - 1) % FAKE_FEEDBACK_SHOWN_MAX].pattern;
}
