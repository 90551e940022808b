/*
 * nl_gateway.c - ecm-gateway's whole daemon (gateway/app.h), tapped by a program instead of by hand.
 *
 * Usage: nl_gateway CONFIG LEDGER FIRST LAST RATE
 * Taps the events FIRST to LAST, RATE a second (0: as fast as the gateway takes them), each with a
 * tag whose number is the event's. What the lamp shows in green goes into the ledger as promised,
 * published at the moment the tap was due. Runs until SIGTERM.
 *
 * One record is about NL_PAYLOAD_SIZE bytes: every tap carries a SUN message and the reader has a
 * long name.
 */
#include <signal.h>
#include <stdbool.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "gateway/app.h"
#include "gateway/settings.h"
#include "hal/feedback.h"
#include "hal/linux/clock_linux.h"
#include "hal/reader.h"
#include "tests/bench/never-loses/nl.h"

struct tapper {
    struct hal_reader reader; /* first */
    struct hal_feedback feedback;
    struct clock_linux clock;
    int ledger;
    uint64_t first, last;
    uint64_t next;
    uint64_t period_us;
    uint64_t start_boot_us;
    uint64_t start_us;
    uint64_t shown; /* the event whose light is not shown yet; 0: none */
    uint64_t shown_due_us;
    int line; /* a timerfd that stands for the chip's interrupt line; -1: taps are always due */
};

static struct tapper tapper;

static uint64_t next_boot_us(void)
{
    return tapper.next > tapper.last
               ? UINT64_MAX
               : tapper.start_boot_us + (tapper.next - tapper.first) * tapper.period_us;
}

/* With a line that tells of the tap nobody has to ask for it. */
static uint64_t due_us(struct hal_reader *reader)
{
    (void)reader;
    return tapper.line >= 0 ? UINT64_MAX : next_boot_us();
}

/* It speaks again at the next tap; all zero: never. */
static void arm_line(void)
{
    uint64_t at_us = next_boot_us();
    struct itimerspec when = {0};
    uint64_t times = 0;

    if (tapper.line < 0) {
        return;
    }
    (void)(read(tapper.line, &times, sizeof times) < 0);
    if (at_us != UINT64_MAX) {
        when.it_value.tv_sec = (time_t)(at_us / 1000000u);
        when.it_value.tv_nsec = (long)(at_us % 1000000u) * 1000;
    }
    (void)timerfd_settime(tapper.line, TFD_TIMER_ABSTIME, &when, NULL);
}

static void poll(struct hal_reader *reader, struct hal_reader_event *ret_event)
{
    uint64_t now_us = hal_clock_boot_us(&tapper.clock.base);

    (void)reader;
    memset(ret_event, 0, sizeof *ret_event);
    if (next_boot_us() > now_us) {
        return;
    }
    ret_event->kind = HAL_READER_TAG;
    ret_event->detected_us = now_us;
    ret_event->tag.uid[0] = 0x04;
    for (size_t i = 0; i < sizeof(uint32_t); i++) {
        ret_event->tag.uid[1 + i] = (uint8_t)(tapper.next >> (8 * i));
    }
    ret_event->tag.uid_size = 10;
    ret_event->tag.tech = HAL_TAG_NTAG424;
    ret_event->tag.has_sun = true;
    tapper.shown = tapper.next;
    tapper.shown_due_us = tapper.period_us == 0
                              ? nl_now_us()
                              : tapper.start_us + (tapper.next - tapper.first) * tapper.period_us;
    tapper.next++;
    arm_line();
}

static int line_fd(struct hal_reader *reader)
{
    (void)reader;
    return tapper.line;
}

static int show(struct hal_feedback *feedback, enum hal_feedback_pattern pattern, uint64_t now_us)
{
    (void)feedback;
    (void)now_us;
    if (tapper.shown != 0 && (pattern == HAL_FEEDBACK_IN || pattern == HAL_FEEDBACK_OUT)) {
        nl_write_down(tapper.ledger, tapper.shown, tapper.shown_due_us, nl_now_us());
    }
    tapper.shown = 0;
    return 0;
}

static int step(struct hal_feedback *feedback, uint64_t now_us)
{
    (void)feedback;
    (void)now_us;
    return HAL_FEEDBACK_IDLE_MS;
}

int main(int argc, char **argv)
{
    static const struct hal_reader_ops reader_ops = {.poll = poll, .fd = line_fd, .due_us = due_us};
    static const struct hal_feedback_ops feedback_ops = {.show = show, .step = step};
    static struct settings settings;
    struct app_ports ports = {.input_fd = -1};
    struct err err = {0};
    uint64_t rate = 0;

    if (argc != 6) {
        nl_die("usage: nl_gateway CONFIG LEDGER FIRST LAST RATE");
    }
    if (settings_load(&settings, argv[1], stderr) < 0 || clock_linux_open(&tapper.clock) < 0) {
        nl_die("cannot start");
    }
    log_set_level(LOG_LEVEL_WARN);
    tapper.ledger = nl_open_ledger(argv[2]);
    tapper.first = nl_number(argv[3]);
    tapper.last = nl_number(argv[4]);
    tapper.next = tapper.first;
    rate = nl_number(argv[5]);
    tapper.period_us = rate > 0 ? 1000000u / rate : 0;
    tapper.start_boot_us = hal_clock_boot_us(&tapper.clock.base);
    tapper.start_us = nl_now_us();
    tapper.line = rate > 0 ? timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK) : -1;
    arm_line();
    tapper.reader.ops = &reader_ops;
    tapper.reader.name = "bench:one-reader-with-a-long-name-40-byte";
    tapper.feedback.ops = &feedback_ops;
    ports.clock = &tapper.clock.base;
    ports.feedback = &tapper.feedback;
    ports.reader = &tapper.reader;
    if (app_run(&settings, &ports, &err) < 0) {
        nl_die(err.text);
    }
    return 0;
}
