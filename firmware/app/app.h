/*
 * app.h - a tag reader: from the tag to the log, to the light, to the gateway.
 *
 * The order is the product: decide, store in flash, show, and only then remember. Green is shown when
 * flashlog_append() has returned 0 and at no other time; what could not be stored is red.
 *
 * Use: app_start() once, then app_step() for ever; it does what is due and says until when nothing
 *      will be. The owner sleeps until then, or until something moved (a line, a byte), and feeds
 *      its watchdog: a step takes at most APP_STEP_MAX_MS.
 *
 * Portable: the same code runs on the RP2040 (firmware/pico) and over fakes in the tests. No
 * allocation. Memory: sizeof(struct app), about 45 KiB, most of it the tags that are here.
 * Threads: one. Ownership: everything in ports and conf is borrowed for ever.
 */
#ifndef ECM_FIRMWARE_APP_APP_H
#define ECM_FIRMWARE_APP_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "firmware/flashlog/flashlog.h"
#include "firmware/link/session.h"
#include "tap/direction.h"

struct hal_clock;
struct hal_feedback;
struct hal_flash;
struct hal_i2c;
struct hal_reader;
struct hal_serial;

enum {
    APP_STEP_MAX_MS = 4000,   /* a reader's poll, an erase at its worst, a signature */
    APP_REPLAY_RECORDS = 512, /* looked at after a start, to know who is here */
    APP_REPLAY_CHUNK = 16,
};

struct app_ports {
    struct hal_reader *reader;
    struct hal_clock *clock;
    struct hal_feedback *feedback;
    struct hal_flash *flash;
    struct hal_serial *link;
    struct hal_i2c *rtc; /* a DS3231 (hal/chip/ds3231.h), or NULL; it need not answer */
    struct session_crypto_port crypto; /* chain_next is needed */
    struct session_update_port update; /* optional */
    /* The chain head before record 1 of (device_id, epoch): base/chain.h. */
    void (*chain_start)(void *user, const char *device_id, uint64_t epoch,
        uint8_t ret_head[static MESSAGE_HASH_SIZE]);
    uint64_t (*random)(void *user); /* not 0; for the epoch of a new log */
    void *user;                     /* of these two */
};

struct app_conf {
    const char *device_id;
    const char *reader_name; /* goes into every tap: "tagreader" */
    const char *version;
    const char *board;
    const char *failed_update; /* update_failed() of firmware/app/update.h, or NULL */
    const uint8_t *public_key; /* or NULL */
    uint32_t log_offset;       /* of the log's part of the flash */
    uint32_t log_sectors;
    uint32_t home_limit_s; /* 0: DIRECTION_HOME_LIMIT_DEFAULT_S */
    uint32_t baud;
};

struct app_counters {
    uint64_t taps; /* stored since this start */
    uint64_t taps_refused;
    uint64_t reader_faults;
    uint64_t prepares; /* sectors erased ahead */
};

struct app {
    struct app_ports ports;
    struct app_conf conf;
    struct flashlog log;
    struct flashlog_found found;
    struct direction direction;
    struct session session;
    struct app_counters counters;
    struct record replay[APP_REPLAY_CHUNK];
    uint8_t chain[MESSAGE_HASH_SIZE]; /* the head after the newest record */
    uint64_t boot_id;
    uint64_t feedback_us; /* hal_feedback_step() is wanted then; UINT64_MAX: not */
    uint64_t prepare_us;  /* flashlog_prepare() is not tried before */
    uint64_t rtc_us;      /* the battery clock is not set before */
    bool log_is_open;
    bool reader_is_down;
};

/*
 * Open the log, work out where its chain stands and who is here, log the start.
 *
 * 0; or what flashlog_open() says when the log may not be used (-EXDEV, -EPROTONOSUPPORT, -EDOM, -EIO):
 * then red is shown for each tap, and the link says nothing.
 */
int app_start(struct app *app, const struct app_ports *ports, const struct app_conf *conf);

/* Do what is due. Returns the boot time until which nothing will be; now or earlier: call again. */
uint64_t app_step(struct app *app);

/* The tag chip answers, the log is open, and a gateway said welcome: a new firmware may stay. */
bool app_is_well(const struct app *app);

#endif
