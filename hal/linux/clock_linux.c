/*
 * clock_linux.c - the kernel's clocks and its opinion of them.
 *
 * The trust verdict is cached for a second: the clock is read several times for every transfer,
 * and what NTP thinks does not change that fast.
 */
#include "hal/linux/clock_linux.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

enum { VERDICT_AGE_US = 1000000 };

static const char boot_id_path[] = "/proc/sys/kernel/random/boot_id";
static const char hctosys_path[] = "/sys/class/rtc/rtc0/hctosys";

static int64_t read_us(clockid_t id)
{
    struct timespec now = {0};

    (void)clock_gettime(id, &now); /* cannot fail: both clocks exist since Linux 2.6.39 */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void judge(struct clock_linux *clock)
{
    struct timex kernel = {0};
    int state = adjtimex(&kernel);

    clock->trust = clock->has_rtc ? HAL_CLOCK_RTC : HAL_CLOCK_UNSET;
    clock->uncertainty_ms = UINT32_MAX;
    if (state >= 0 && state != TIME_ERROR && (kernel.status & STA_UNSYNC) == 0) {
        clock->trust = HAL_CLOCK_SYNCED;
        clock->uncertainty_ms =
            kernel.maxerror >= 0 ? (uint32_t)((kernel.maxerror + 999) / 1000) : UINT32_MAX;
    }
}

static void read_clock(struct hal_clock *base, struct hal_clock_reading *ret_reading)
{
    struct clock_linux *clock = (struct clock_linux *)base;
    uint64_t boot_us = (uint64_t)read_us(CLOCK_BOOTTIME);

    if (clock->judged_us == 0 || boot_us - clock->judged_us > VERDICT_AGE_US) {
        judge(clock);
        clock->judged_us = boot_us;
    }
    *ret_reading = (struct hal_clock_reading){
        .boot_us = boot_us,
        .wall_ms = read_us(CLOCK_REALTIME) / 1000,
        .trust = clock->trust,
        .uncertainty_ms = clock->uncertainty_ms,
    };
}

static void sleep_us(struct hal_clock *base, uint64_t duration_us)
{
    struct timespec left = {
        .tv_sec = (time_t)(duration_us / 1000000), .tv_nsec = (long)(duration_us % 1000000) * 1000};

    (void)base;
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
    }
}

static const struct hal_clock_ops clock_linux_ops = {.read = read_clock, .sleep_us = sleep_us};

/* First line of a small file, without its end. 0 or -EIO. */
static int read_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "re");
    char *got = NULL;

    if (file == NULL) {
        return -EIO;
    }
    got = fgets(line, size, file);
    (void)fclose(file);
    if (got == NULL) {
        return -EIO;
    }
    line[strcspn(line, "\n")] = '\0';
    return 0;
}

/* The kernel's boot id is a random UUID; its first 64 bits are random enough to tell boots apart. */
static int parse_boot_id(const char *text, uint64_t *ret_id)
{
    uint64_t id = 0;
    int digits = 0;

    for (const char *c = text; *c != '\0' && digits < 16; c++) {
        static const char alphabet[] = "0123456789abcdef";
        const char *digit = strchr(alphabet, *c);

        if (digit != NULL) {
            id = id << 4 | (uint64_t)(digit - alphabet);
            digits++;
        } else if (*c != '-') {
            return -EIO;
        }
    }
    if (digits < 16) {
        return -EIO;
    }
    *ret_id = id;
    return 0;
}

int clock_linux_open(struct clock_linux *clock)
{
    char line[64];
    int rc = read_line(boot_id_path, line, sizeof line);

    *clock = (struct clock_linux){.base = {.ops = &clock_linux_ops}};
    if (rc == 0) {
        rc = parse_boot_id(line, &clock->base.boot_id);
    }
    if (rc < 0) {
        return rc;
    }
    clock->has_rtc = read_line(hctosys_path, line, sizeof line) == 0 && strcmp(line, "1") == 0;
    return 0;
}
