/*
 * fake_reader.c - see fake_reader.h.
 */
#include "hal/fake/fake_reader.h"

static void poll_script(struct hal_reader *base, struct hal_reader_event *ret_event)
{
    struct fake_reader *reader = (struct fake_reader *)base;

    ret_event->kind = HAL_READER_NONE;
    if (reader->next < reader->count &&
        hal_clock_boot_us(reader->clock) >= reader->steps[reader->next].at_us) {
        *ret_event = reader->steps[reader->next].event;
        if (ret_event->kind == HAL_READER_TAG && ret_event->detected_us == 0) {
            ret_event->detected_us = reader->steps[reader->next].at_us;
        }
        reader->next++;
    }
}

static int no_fd(struct hal_reader *base)
{
    (void)base;
    return -1;
}

static uint64_t due_us(struct hal_reader *base)
{
    struct fake_reader *reader = (struct fake_reader *)base;

    return reader->next < reader->count ? reader->steps[reader->next].at_us : UINT64_MAX;
}

static const struct hal_reader_ops fake_reader_ops = {
    .poll = poll_script, .fd = no_fd, .due_us = due_us};

void fake_reader_init(struct fake_reader *reader, const char *name, struct hal_clock *clock)
{
    *reader = (struct fake_reader){.base = {.ops = &fake_reader_ops, .name = name}, .clock = clock};
}

void fake_reader_play(
    struct fake_reader *reader, const struct fake_reader_step *steps, size_t count)
{
    reader->steps = steps;
    reader->count = count;
    reader->next = 0;
}
