/*
 * app_store.c - the log of a tag reader: its records, its chain, and its face towards the link.
 */
#include <errno.h>
#include <string.h>

#include "firmware/app/app_internal.h"
#include "hal/clock.h"
#include "hal/feedback.h"
#include "hal/serial.h"

/* ---- the chain ---------------------------------------------------------------------------- */

static void chain_next(struct app *app, uint8_t *head, const uint8_t *bytes, size_t size)
{
    app->ports.crypto.chain_next(app->ports.crypto.user, head, bytes, size, head);
}

/* The head before record seq: the nearest that is stored, and what follows it hashed onto it. */
static int chain_before(void *user, uint64_t seq, uint8_t ret_head[static MESSAGE_HASH_SIZE])
{
    struct app *app = user;
    struct flashlog_item item;
    uint64_t at = 0;
    int rc = flashlog_chain_base(&app->log, seq, &at, ret_head);

    if (rc == -ENOENT && seq == 1) {
        app->ports.chain_start(
            app->ports.user, app->conf.device_id, flashlog_epoch(&app->log), ret_head);
        return 0;
    }
    for (; rc == 0 && at < seq; at++) {
        rc = flashlog_read(&app->log, at, &item);
        if (rc == 0 && item.seq != at) {
            rc = -ENOENT;
        }
        if (rc == 0) {
            chain_next(app, ret_head, item.bytes, item.size);
        }
    }
    return rc;
}

int app_open_log(struct app *app)
{
    const struct flashlog_conf conf = {
        .flash = app->ports.flash,
        .offset = app->conf.log_offset,
        .sectors = app->conf.log_sectors,
        .device_id = app->conf.device_id,
        .new_epoch = app->ports.random(app->ports.user),
    };
    int rc = flashlog_open(&app->log, &conf, &app->found);

    if (rc == 0) {
        rc = chain_before(app, flashlog_head(&app->log) + 1, app->chain);
    }
    return rc;
}

/* ---- storing ------------------------------------------------------------------------------ */

int app_store(struct app *app, struct record *record)
{
    uint8_t bytes[FLASHLOG_RECORD_MAX];
    size_t size = 0;
    int rc = -EIO;

    if (!app->log_is_open) {
        return rc;
    }
    record->seq = flashlog_head(&app->log) + 1;
    rc = record_encode(record, bytes, sizeof bytes, &size);
    if (rc == 0) {
        rc = flashlog_append(&app->log, bytes, (uint32_t)size, app->chain);
    }
    if (rc == 0) {
        chain_next(app, app->chain, bytes, size);
    }
    return rc;
}

void app_store_note(struct app *app, enum record_type type, const char *text)
{
    /* What the envelope leaves of a slot. */
    enum { TEXT_MAX = FLASHLOG_RECORD_MAX - 60 };
    struct record record = {.type = type};

    timesync_stamp(session_clock(&app->session), hal_clock_boot_us(app->ports.clock), &record);
    record.type = type;
    strncpy(record.note.text, text, TEXT_MAX);
    (void)app_store(app, &record);
}

/* ---- who is here -------------------------------------------------------------------------- */

/*
 * Decode the records from first to last into app->replay. One that is not there, or not readable, is
 * of type unknown and counts as nothing.
 */
static void read_chunk(struct app *app, uint64_t first, uint64_t last)
{
    struct flashlog_item item;

    memset(app->replay, 0, sizeof app->replay);
    for (uint64_t seq = first; seq <= last; seq++) {
        if (flashlog_read(&app->log, seq, &item) < 0 || item.seq > last) {
            return;
        }
        seq = item.seq;
        (void)record_decode(item.bytes, item.size, &app->replay[seq - first]);
    }
}

/* Newest first, as the rule wants it; but a log reads fast forwards only, so in chunks. */
void app_rebuild_direction(struct app *app)
{
    struct direction_replay cursor = {0};
    struct record now = {0};
    uint64_t last = flashlog_head(&app->log);
    uint64_t end = last > APP_REPLAY_RECORDS ? last - APP_REPLAY_RECORDS : 0;

    timesync_stamp(session_clock(&app->session), hal_clock_boot_us(app->ports.clock), &now);
    while (last > end) {
        uint64_t first = last > end + APP_REPLAY_CHUNK ? last - APP_REPLAY_CHUNK + 1 : end + 1;

        read_chunk(app, first, last);
        for (; last >= first; last--) {
            if (!direction_replay(&app->direction, &cursor, &app->replay[last - first], &now)) {
                return;
            }
        }
    }
}

/* ---- the log as the link sees it ---------------------------------------------------------- */

static uint64_t port_epoch(void *user)
{
    return flashlog_epoch(&((struct app *)user)->log);
}

static uint64_t port_head(void *user)
{
    return flashlog_head(&((struct app *)user)->log);
}

static uint64_t port_done(void *user)
{
    return flashlog_done_seq(&((struct app *)user)->log);
}

static uint64_t port_oldest(void *user)
{
    struct app *app = user;
    struct flashlog_item item;

    return flashlog_read(&app->log, 1, &item) == 0 ? item.seq : flashlog_head(&app->log) + 1;
}

static int port_read(
    void *user, uint64_t from_seq, uint64_t *ret_seq, const uint8_t **ret_bytes, size_t *ret_size)
{
    struct flashlog_item item;
    int rc = flashlog_read(&((struct app *)user)->log, from_seq, &item);

    if (rc == 0) {
        *ret_seq = item.seq;
        *ret_bytes = item.bytes;
        *ret_size = item.size;
    }
    return rc;
}

static void port_set_done(void *user, uint64_t seq)
{
    (void)flashlog_done(&((struct app *)user)->log, seq);
}

static bool port_anchor(void *user, const struct record *record)
{
    struct record copy = *record;

    return app_store(user, &copy) == 0;
}

static void port_state(void *user, struct link_state *ret_state)
{
    struct app *app = user;

    *ret_state = (struct link_state){
        .uptime_ms = hal_clock_boot_us(app->ports.clock) / 1000,
        .taps_total = app->counters.taps,
        .taps_refused = app->counters.taps_refused,
        .reader_resets = app->counters.reader_faults,
        .reader_ok = !app->reader_is_down,
        .log_bytes = (flashlog_head(&app->log) - flashlog_done_seq(&app->log)) * FLASHLOG_SLOT,
        .log_bytes_max = (uint64_t)app->conf.log_sectors * HAL_FLASH_SECTOR,
    };
}

static int port_command(
    void *user, const struct command *command, struct command_result *ret_result)
{
    struct app *app = user;

    if (strcmp(command->name, "blink") == 0) {
        app->feedback_us = hal_clock_boot_us(app->ports.clock);
        (void)hal_feedback_show(app->ports.feedback, HAL_FEEDBACK_READY, app->feedback_us);
        return 0;
    }
    strncpy(
        ret_result->text, "a tag reader knows the command blink only", sizeof ret_result->text - 1);
    return -ENOSYS;
}

static void port_send(void *user, const uint8_t *bytes, size_t size)
{
    (void)hal_serial_write(((struct app *)user)->ports.link, bytes, size);
}

void app_open_session(struct app *app)
{
    const struct session_conf conf = {
        .device_id = app->conf.device_id,
        .version = app->conf.version,
        .board = app->conf.board,
        .failed_update = app->conf.failed_update,
        .boot_id = app->ports.clock->boot_id,
        .public_key = app->conf.public_key,
        .baud = app->conf.baud,
    };
    const struct session_ports ports = {
        .user = app,
        .send = port_send,
        .anchor = port_anchor,
        .state = port_state,
        .command = port_command,
        .log = {.user = app,
            .epoch = port_epoch,
            .head = port_head,
            .done = port_done,
            .oldest = port_oldest,
            .read = port_read,
            .chain_before = chain_before,
            .set_done = port_set_done},
        .crypto = app->ports.crypto,
        .update = app->ports.update,
    };

    session_init(&app->session, &conf, &ports);
}
