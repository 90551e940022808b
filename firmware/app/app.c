/*
 * app.c - the steps of a tag reader. What it appends, and how, is in record_store.c.
 */
#include "firmware/app/app.h"

#include <errno.h>
#include <string.h>

#include "firmware/app/app_internal.h"
#include "hal/clock.h"
#include "hal/feedback.h"
#include "hal/reader.h"
#include "hal/serial.h"

enum {
    EVENTS_MAX = 8,   /* taken from the reader in one step */
    READ_CHUNK = 256, /* bytes taken from the line at once */
    READS_MAX = 8,
    PREPARE_PAUSE_US = 1000000, /* after an erase, before the next */
    CALM_US = 300000,           /* no erase so soon after a tap: the carer may tap again */
};

static uint64_t now_us(const struct app *app)
{
    return hal_clock_boot_us(app->ports.clock);
}

/* ---- from the tag to the light ------------------------------------------------------------ */

static void show(struct app *app, enum hal_feedback_pattern pattern)
{
    uint64_t at_us = now_us(app);

    (void)hal_feedback_show(app->ports.feedback, pattern, at_us);
    app->feedback_us = at_us;
}

static void fill_tap(const struct app *app, const struct hal_tag *tag, struct tap *ret_tap)
{
    static const enum tap_tech techs[] = {
        [HAL_TAG_UNKNOWN] = TAP_TECH_UNKNOWN,
        [HAL_TAG_TYPE2] = TAP_TECH_TYPE2,
        [HAL_TAG_TYPE4] = TAP_TECH_TYPE4,
        [HAL_TAG_NTAG424] = TAP_TECH_NTAG424,
        [HAL_TAG_CLASSIC] = TAP_TECH_CLASSIC,
    };

    memset(ret_tap, 0, sizeof *ret_tap);
    strncpy(ret_tap->reader, app->conf.reader_name, sizeof ret_tap->reader - 1);
    memcpy(ret_tap->uid, tag->uid, tag->uid_size);
    ret_tap->uid_size = tag->uid_size;
    ret_tap->tech = techs[tag->tech];
    ret_tap->has_sun = tag->has_sun;
    memcpy(ret_tap->sun_picc, tag->sun_picc, sizeof ret_tap->sun_picc);
    memcpy(ret_tap->sun_mac, tag->sun_mac, sizeof ret_tap->sun_mac);
    ret_tap->flags = tag->uid_is_random ? TAP_FLAG_RANDOM_UID : 0;
}

static void take_tap(struct app *app, const struct hal_reader_event *event)
{
    struct record record = {.type = RECORD_TAP};
    int rc = 0;

    fill_tap(app, &event->tag, &record.tap);
    timesync_stamp(session_clock(&app->session), event->detected_us, &record);
    record.type = RECORD_TAP;
    direction_decide(&app->direction, 0, &record);
    rc = app_store(app, &record);
    if (rc < 0) {
        app->counters.taps_refused++;
        show(app, HAL_FEEDBACK_REFUSED);
        return;
    }
    show(app, record.tap.direction == TAP_OUT ? HAL_FEEDBACK_OUT : HAL_FEEDBACK_IN);
    app->counters.taps++;
    direction_remember(&app->direction, 0, &record);
    app->prepare_us = now_us(app) + CALM_US;
}

static void take_fault(struct app *app, const struct hal_reader_event *event)
{
    app->reader_is_down = event->kind == HAL_READER_FAULT;
    if (app->reader_is_down) {
        app->counters.reader_faults++;
        direction_forget_present(&app->direction, 0);
    }
    app_store_note(app, RECORD_READER_FAULT, event->text);
}

static void step_reader(struct app *app)
{
    for (int i = 0; i < EVENTS_MAX; i++) {
        struct hal_reader_event event = {0};

        hal_reader_poll(app->ports.reader, &event);
        switch (event.kind) {
        case HAL_READER_NONE:
            return;
        case HAL_READER_TAG:
            take_tap(app, &event);
            break;
        case HAL_READER_GONE:
            direction_gone(&app->direction, 0, event.tag.uid, event.tag.uid_size);
            break;
        case HAL_READER_FAULT:
        case HAL_READER_RECOVERED:
            take_fault(app, &event);
            break;
        }
    }
}

/* ---- the link ----------------------------------------------------------------------------- */

static void step_link(struct app *app)
{
    for (int i = 0; i < READS_MAX; i++) {
        uint8_t bytes[READ_CHUNK];
        int count = hal_serial_read(app->ports.link, bytes, sizeof bytes, 0);

        if (count <= 0) {
            break;
        }
        session_on_bytes(&app->session, now_us(app), bytes, (size_t)count);
    }
    session_tick(&app->session, now_us(app));
}

/*
 * Whether a gateway may be talking to us now. While none is known its welcome may come at any time,
 * but a welcome that an erase drowns is given again.
 */
static bool line_is_busy(const struct app *app)
{
    struct session_status status;

    if (!session_is_waiting(&app->session)) {
        return false;
    }
    session_get_status(&app->session, &status);
    return status.phase == SESSION_READY;
}

/* Erase ahead, when nobody talks and nobody taps. */
static void step_prepare(struct app *app)
{
    if (!flashlog_wants_prepare(&app->log) || now_us(app) < app->prepare_us || line_is_busy(app)) {
        return;
    }
    if (flashlog_prepare(&app->log) > 0) {
        app->counters.prepares++;
    }
    app->prepare_us = now_us(app) + PREPARE_PAUSE_US;
}

/* ---- life --------------------------------------------------------------------------------- */

static void step_feedback(struct app *app)
{
    uint64_t at_us = now_us(app);
    int wait_ms = 0;

    if (at_us < app->feedback_us) {
        return;
    }
    wait_ms = hal_feedback_step(app->ports.feedback, at_us);
    app->feedback_us =
        wait_ms == HAL_FEEDBACK_IDLE_MS ? UINT64_MAX : at_us + (uint64_t)wait_ms * 1000;
}

static uint64_t earliest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t app_step(struct app *app)
{
    uint64_t due_us = 0;

    step_reader(app);
    step_feedback(app);
    if (!app->log_is_open) {
        return earliest(hal_reader_due_us(app->ports.reader), app->feedback_us);
    }
    step_link(app);
    step_prepare(app);
    app_step_rtc(app);
    due_us = earliest(hal_reader_due_us(app->ports.reader), app->feedback_us);
    due_us = earliest(due_us, session_due_us(&app->session));
    due_us = earliest(due_us, app->rtc_us);
    if (flashlog_wants_prepare(&app->log) && !line_is_busy(app)) {
        due_us = earliest(due_us, app->prepare_us);
    }
    return due_us;
}

int app_start(struct app *app, const struct app_ports *ports, const struct app_conf *conf)
{
    int rc = 0;

    memset(app, 0, sizeof *app);
    app->ports = *ports;
    app->conf = *conf;
    app->feedback_us = UINT64_MAX;
    direction_init(&app->direction, conf->home_limit_s);
    rc = app_open_log(app);
    app_open_session(app);
    if (rc < 0) {
        show(app, HAL_FEEDBACK_REFUSED);
        return rc;
    }
    app->log_is_open = true;
    app_read_rtc(app);
    app_store_note(app, RECORD_BOOT, conf->version);
    app_rebuild_direction(app);
    show(app, HAL_FEEDBACK_READY);
    return 0;
}

bool app_is_well(const struct app *app)
{
    struct session_status status;

    session_get_status(&app->session, &status);
    return app->log_is_open && !app->reader_is_down && status.phase == SESSION_READY;
}
