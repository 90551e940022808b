/*
 * feedback.h - what the carer sees and hears.
 *
 * show() starts a pattern at once, over whatever was running; step() moves it on. Who drives the
 * loop calls step() when the time it last returned has come.
 *
 * Threads: one feedback belongs to one thread. Nothing here blocks.
 */
#ifndef ECM_HAL_FEEDBACK_H
#define ECM_HAL_FEEDBACK_H

#include <stdint.h>

enum hal_feedback_pattern {
    HAL_FEEDBACK_OFF,
    HAL_FEEDBACK_READY,   /* one short blink: started, reader found */
    HAL_FEEDBACK_IN,      /* one long green, one tone: arrival is stored */
    HAL_FEEDBACK_OUT,     /* two short greens, two tones: leaving is stored */
    HAL_FEEDBACK_UNKNOWN, /* amber, one tone: stored, tag not known here */
    HAL_FEEDBACK_REFUSED, /* red, long low tone: NOT stored */
    HAL_FEEDBACK_CALL,    /* three ambers, three tones: the call for help is stored */
    HAL_FEEDBACK_CASE,    /* two short ambers, no tone: the case was opened or closed; stored */
};

enum { HAL_FEEDBACK_PATTERNS = HAL_FEEDBACK_CASE + 1, HAL_FEEDBACK_IDLE_MS = -1 };

struct hal_feedback;

struct hal_feedback_ops {
    /* Start pattern at now_us of boot time. 0, or -EIO when a lamp could not be set. */
    int (*show)(struct hal_feedback *feedback, enum hal_feedback_pattern pattern, uint64_t now_us);
    /* Milliseconds until step() is wanted next, HAL_FEEDBACK_IDLE_MS when nothing runs. */
    int (*step)(struct hal_feedback *feedback, uint64_t now_us);
};

struct hal_feedback {
    const struct hal_feedback_ops *ops;
};

static inline int hal_feedback_show(
    struct hal_feedback *feedback, enum hal_feedback_pattern pattern, uint64_t now_us)
{
    return feedback->ops->show(feedback, pattern, now_us);
}

static inline int hal_feedback_step(struct hal_feedback *feedback, uint64_t now_us)
{
    return feedback->ops->step(feedback, now_us);
}

#endif
