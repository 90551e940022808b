/*
 * app_rtc.c - the battery clock: believed at a start until a gateway knows better, set by what it
 * knows.
 */
#include "firmware/app/app_internal.h"
#include "hal/chip/ds3231.h"
#include "hal/clock.h"

enum {
    /* What it may be off by when it is read: the second that runs, its setting, some months of 2 ppm. */
    RTC_UNCERTAINTY_MS = 15000,
    LATE_MS = 20, /* after a second began */
};
static const uint64_t set_every_us = UINT64_C(6) * 3600 * 1000000;
static const uint64_t look_every_us = UINT64_C(10) * 1000000;

void app_read_rtc(struct app *app)
{
    int64_t unix_s = 0;

    app->rtc_us = UINT64_MAX;
    if (app->ports.rtc == NULL) {
        return;
    }
    app->rtc_us = look_every_us;
    if (ds3231_read(app->ports.rtc, &unix_s) == 0) {
        /* It tells the second that runs: half of one later, on average. */
        timesync_take_rtc(session_clock(&app->session), hal_clock_boot_us(app->ports.clock),
            unix_s * 1000 + DS3231_RESOLUTION_MS / 2, RTC_UNCERTAINTY_MS);
    }
}

void app_step_rtc(struct app *app)
{
    uint64_t now_us = hal_clock_boot_us(app->ports.clock);
    struct record now = {0};
    int64_t late_ms = 0;

    if (now_us < app->rtc_us) {
        return;
    }
    timesync_stamp(session_clock(&app->session), now_us, &now);
    if (now.wall_trust != WALL_SYNCED) {
        app->rtc_us = now_us + look_every_us;
        return;
    }
    late_ms = now.wall_ms % 1000;
    if (late_ms > LATE_MS) {
        app->rtc_us = now_us + (uint64_t)(1000 - late_ms) * 1000;
        return;
    }
    (void)ds3231_write(app->ports.rtc, now.wall_ms / 1000);
    app->rtc_us = now_us + set_every_us;
}
