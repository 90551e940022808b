/*
 * feedback_text.c - a table of words; nothing runs on, so step() is always idle.
 */
#include "gateway/feedback_text.h"

#include <errno.h>
#include <unistd.h>

enum { PATTERNS = HAL_FEEDBACK_PATTERNS };

static const struct {
    const char *colour;
    const char *words;
} patterns[PATTERNS] = {
    [HAL_FEEDBACK_OFF] = {"", "off"},
    [HAL_FEEDBACK_READY] = {"32", "GREEN  one blink             the reader is ready"},
    [HAL_FEEDBACK_IN] = {"32", "GREEN  one long, one tone    arrival stored"},
    [HAL_FEEDBACK_OUT] = {"32", "GREEN  two short, two tones  leaving stored"},
    [HAL_FEEDBACK_UNKNOWN] = {"33", "AMBER  one tone              stored, the tag has no number "
                                    "of its own"},
    [HAL_FEEDBACK_REFUSED] = {"31", "RED    long low tone         NOT stored"},
    [HAL_FEEDBACK_CALL] = {"33", "AMBER  three, three tones     call for help stored"},
    [HAL_FEEDBACK_CASE] = {"33", "AMBER  two short             case opened or closed, stored"},
};

static int show(struct hal_feedback *base, enum hal_feedback_pattern pattern, uint64_t now_us)
{
    struct feedback_text *feedback = (struct feedback_text *)base;
    int size = 0;

    (void)now_us;
    if (feedback->out == NULL || pattern == HAL_FEEDBACK_OFF) {
        return 0;
    }
    size = feedback->has_colours ? fprintf(feedback->out, "\033[%sm%s\033[0m\n",
                                       patterns[pattern].colour, patterns[pattern].words)
                                 : fprintf(feedback->out, "%s\n", patterns[pattern].words);
    return size < 0 || fflush(feedback->out) != 0 ? -EIO : 0;
}

static int step(struct hal_feedback *base, uint64_t now_us)
{
    (void)base;
    (void)now_us;
    return HAL_FEEDBACK_IDLE_MS;
}

void feedback_text_init(struct feedback_text *feedback, FILE *out)
{
    static const struct hal_feedback_ops ops = {.show = show, .step = step};

    feedback->base.ops = &ops;
    feedback->out = out;
    feedback->has_colours = out != NULL && isatty(fileno(out)) == 1;
}
