/*
 * home.c - the ports of one gateway core, and the hand that holds the tags.
 */
#include "tools/ecm-sim/home.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/loop.h"
#include "base/mqtt.h"
#include "hal/reader.h"
#include "tools/ecm-sim/random.h"

#define MS_US 1000ull
#define SECOND_US 1000000ull
/* A carer who sees nothing happen takes the card away again. */
#define PATIENCE_US (3 * SECOND_US)
/* Removed tags are missed after three rounds of at most half a second (pn532_reader.h). */
#define SETTLE_US (2 * SECOND_US)
/* Between two carers who tap at the same moment. */
#define NEXT_CARER_US (20 * MS_US)
/* One look at the chip an hour of quiet: it cannot fail unasked here. */
#define HEALTH_MS (3600u * 1000u)
#define CLOCK_UNCERTAINTY_MS 20u
/* What an unset clock says after a power cut: the time of the image it was installed from. */
#define UNSET_WALL_MS INT64_C(1577836800000)

enum {
    STEPS_MAX = 100000,
    BACKOFF_MIN_MS = 200,
    BACKOFF_MAX_MS = 3000,
    KEEPALIVE_S = 60,
    WILL_SIZE = 256,
    QOS = 0
};

static const char version[] = "ecm-sim " ECM_VERSION;

/* ---- the transport ------------------------------------------------------------------------ */

static bool is_reachable(const struct home *home)
{
    return home->is_session_up && !home->is_net_down;
}

static int publish(
    void *user, const char *topic, const uint8_t *payload, size_t size, bool is_retained)
{
    struct home *home = user;

    return is_reachable(home) ? mqtt_publish(home->session, topic, payload, size, QOS, is_retained)
                              : -ENOTCONN;
}

static int subscribe(void *user, const char *topic)
{
    struct home *home = user;

    return is_reachable(home) ? mqtt_subscribe(home->session, topic, QOS) : -ENOTCONN;
}

static uint64_t real_now_us(void *user)
{
    (void)user;
    return loop_now_us();
}

static void on_connected(void *user)
{
    struct home *home = user;

    home->is_session_up = true;
    home->uplink_due_us = 0;
    if (home->gateway != NULL && !home->is_net_down) {
        gateway_on_connected(home->gateway);
    }
}

static void on_disconnected(void *user, const char *reason, unsigned retry_ms)
{
    struct home *home = user;

    home->is_session_up = false;
    if (home->gateway != NULL && !home->is_net_down) {
        gateway_on_disconnected(home->gateway, reason, retry_ms);
    }
}

static void on_message(void *user, const char *topic, const uint8_t *payload, size_t size)
{
    struct home *home = user;

    if (home->gateway != NULL && !home->is_net_down) {
        gateway_on_message(home->gateway, topic, payload, size);
        home->uplink_due_us = 0;
    }
}

static const struct mqtt_handler handler = {
    .connected = on_connected, .disconnected = on_disconnected, .message = on_message};

static int open_session(struct home *home, struct err *err)
{
    char will_topic[TOPIC_MAX];
    uint8_t will[WILL_SIZE];
    size_t will_size = 0;
    int rc = gateway_will(home->gateway, will_topic, will, sizeof will, &will_size);
    const struct mqtt_conf conf = {
        .host = home->conf->host,
        .port = home->conf->port,
        .client_id = home->script->device_id,
        .keepalive_s = KEEPALIVE_S,
        .backoff_min_ms = BACKOFF_MIN_MS,
        .backoff_max_ms = BACKOFF_MAX_MS,
        .will_topic = will_topic,
        .will_payload = will,
        .will_size = will_size,
    };

    if (rc < 0) {
        return err_set(err, rc, "%s: cannot make its will", home->script->device_id);
    }
    return mqtt_session_open(&home->session, home->conf->io, &conf, &handler, home, err);
}

/* ---- power -------------------------------------------------------------------------------- */

static void on_record(void *user, const struct record *record, int rc)
{
    struct home *home = user;

    (void)rc;
    if (record->type == RECORD_TAP) {
        home->record = *record;
        home->has_record = true;
    }
}

/* A chip that has just got power, with the driver in front of it. */
static void power_reader(struct home *home, uint32_t seed)
{
    struct pn532_reader_config config = {
        .name = "spi0",
        .link = &home->link.link,
        .clock = &home->clock.base,
        .reset = &home->spi.reset,
        .health_ms = HEALTH_MS,
    };

    emu_pn532_init(&home->emu, &home->clock.base, seed);
    emu_spi_init(&home->spi, &home->emu);
    pn532_spi_init(&home->link, &home->spi.spi, &home->spi.irq, &home->clock.base);
    pn532_reader_init(&home->reader, &config);
}

static int open_gateway(struct home *home, struct err *err)
{
    const struct gateway_conf conf = {
        .site = home->conf->site,
        .device = home->script->device_id,
        .outbox_path = home->outbox_path,
        .key_path = home->conf->is_signing ? home->key_path : NULL,
        .version = version,
        .home_limit_s = home->script->home_limit_s,
    };
    const struct gateway_ports ports = {
        .clock = &home->clock.base,
        .feedback = &home->feedback.base,
        .readers = {&home->reader.base},
        .reader_count = 1,
        .uplink = {.user = home, .publish = publish, .subscribe = subscribe, .now_us = real_now_us},
        .on_record = on_record,
        .on_record_user = home,
    };

    return gateway_open(&home->gateway, &conf, &ports, err);
}

static int boot(struct home *home, int64_t at_ms, bool is_synced, struct err *err)
{
    struct random random =
        random_stream(home->conf->seed, home->script->device_id, 1000000u + home->boots++);
    int rc = 0;

    fake_clock_init(&home->clock, random_next(&random), UNSET_WALL_MS);
    if (is_synced) {
        fake_clock_sync(&home->clock, at_ms, CLOCK_UNCERTAINTY_MS);
    }
    home->boot_true_ms = at_ms;
    home->settle_until_us = SETTLE_US;
    fake_feedback_init(&home->feedback);
    power_reader(home, (uint32_t)random_next(&random));
    rc = open_gateway(home, err);
    if (rc < 0) {
        return rc;
    }
    gateway_poll_reader(home->gateway, 0);
    if (is_reachable(home)) {
        gateway_on_connected(home->gateway);
    }
    home->uplink_due_us = 0;
    return 0;
}

/* The parts of an outbox on disk (sqlite.org/tempfiles.html). */
static const char *const outbox_parts[] = {"", "-wal", "-journal"};

static void copy_part(const char *from, const char *to)
{
    char buffer[8192];
    FILE *in = fopen(from, "rbe");
    FILE *out = in != NULL ? fopen(to, "wbe") : NULL;

    if (out != NULL) {
        for (size_t size = 0; (size = fread(buffer, 1, sizeof buffer, in)) > 0;) {
            (void)fwrite(buffer, 1, size, out);
        }
        (void)fclose(out);
    }
    if (in != NULL) {
        (void)fclose(in);
    }
}

static void set_parts_aside(const struct home *home)
{
    for (size_t i = 0; i < sizeof outbox_parts / sizeof outbox_parts[0]; i++) {
        char path[HOME_PATH_SIZE + 16];
        char aside[HOME_PATH_SIZE + 16];

        (void)snprintf(path, sizeof path, "%s%s", home->outbox_path, outbox_parts[i]);
        (void)snprintf(aside, sizeof aside, "%s%s.cut", home->outbox_path, outbox_parts[i]);
        copy_part(path, aside);
    }
}

static void put_parts_back(const struct home *home)
{
    for (size_t i = 0; i < sizeof outbox_parts / sizeof outbox_parts[0]; i++) {
        char path[HOME_PATH_SIZE + 16];
        char aside[HOME_PATH_SIZE + 16];

        (void)snprintf(path, sizeof path, "%s%s", home->outbox_path, outbox_parts[i]);
        (void)snprintf(aside, sizeof aside, "%s%s.cut", home->outbox_path, outbox_parts[i]);
        if (rename(aside, path) != 0) {
            (void)unlink(path); /* it was not there when the power went */
        }
    }
}

static void cut_power(struct home *home)
{
    bool was_down = home->is_net_down;

    if (home->gateway == NULL) {
        return;
    }
    set_parts_aside(home);
    home->is_net_down = true; /* no farewell leaves a machine without power */
    gateway_close(home->gateway);
    home->gateway = NULL;
    home->is_net_down = was_down;
    put_parts_back(home);
    home->conf->outcome->counts.power_cuts++;
}

/* ---- time --------------------------------------------------------------------------------- */

static uint64_t boot_us_of(const struct home *home, int64_t at_ms)
{
    return at_ms > home->boot_true_ms ? (uint64_t)(at_ms - home->boot_true_ms) * MS_US : 0;
}

static int64_t true_ms_of(const struct home *home, uint64_t boot_ms)
{
    return home->boot_true_ms + (int64_t)boot_ms;
}

/* Move the clock to the next moment at which reader or chip do something, at most to limit_us. */
static void step(struct home *home, uint64_t limit_us)
{
    uint64_t due_us = hal_reader_due_us(&home->reader.base);
    uint64_t chip_us = emu_pn532_next_us(&home->emu);
    uint64_t next_us = due_us < chip_us ? due_us : chip_us;
    uint64_t soonest_us = home->clock.boot_us + MS_US;

    if (next_us < soonest_us) {
        next_us = soonest_us;
    }
    fake_clock_advance_to_us(&home->clock, next_us < limit_us ? next_us : limit_us);
}

static void tick(struct home *home)
{
    struct gateway_due due;

    gateway_tick(home->gateway, &due);
    home->uplink_due_us = due.uplink_us;
}

/* Let time pass until at_us: step by step while the reader is busy with a tag that left. */
static void pass_time(struct home *home, uint64_t at_us)
{
    uint64_t busy_us = home->settle_until_us < at_us ? home->settle_until_us : at_us;

    for (int i = 0; home->clock.boot_us < busy_us && i < STEPS_MAX; i++) {
        gateway_poll_reader(home->gateway, 0);
        step(home, busy_us);
    }
    fake_clock_advance_to_us(&home->clock, at_us);
    gateway_poll_reader(home->gateway, 0);
    tick(home);
}

/* ---- a tap -------------------------------------------------------------------------------- */

static bool is_answer(enum hal_feedback_pattern pattern)
{
    return pattern == HAL_FEEDBACK_IN || pattern == HAL_FEEDBACK_OUT ||
           pattern == HAL_FEEDBACK_UNKNOWN || pattern == HAL_FEEDBACK_REFUSED;
}

/* Hold the tag there until something is shown. HAL_FEEDBACK_OFF: nothing was. */
static enum hal_feedback_pattern hold_tag(struct home *home, const struct emu_tag *tag)
{
    uint64_t end_us = home->clock.boot_us + PATIENCE_US;
    uint32_t shown = home->feedback.count;

    home->has_record = false;
    if (emu_pn532_place_tag(&home->emu, tag) < 0) {
        return HAL_FEEDBACK_OFF;
    }
    for (int i = 0; home->clock.boot_us < end_us && i < STEPS_MAX; i++) {
        gateway_poll_reader(home->gateway, 0);
        if (home->feedback.count != shown && is_answer(fake_feedback_last(&home->feedback))) {
            return fake_feedback_last(&home->feedback);
        }
        shown = home->feedback.count;
        step(home, end_us);
    }
    return HAL_FEEDBACK_OFF;
}

static void note_tap(struct home *home, enum hal_feedback_pattern pattern, uint64_t from_us)
{
    struct outcome_counts *counts = &home->conf->outcome->counts;
    struct device_state state = {0};
    int64_t true_ms = true_ms_of(home, home->record.boot_ms);
    uint64_t took_us = home->clock.boot_us - from_us;

    if (pattern == HAL_FEEDBACK_OFF || !home->has_record) {
        counts->unnoticed++;
        return;
    }
    if (took_us > counts->detect_us_max) {
        counts->detect_us_max = took_us;
    }
    gateway_state(home->gateway, &state);
    outcome_add_tap(home->conf->outcome, &(struct outcome_tap){
                                             .device_id = home->script->device_id,
                                             .epoch = state.epoch,
                                             .record = &home->record,
                                             .true_ms = true_ms,
                                             .pattern = pattern,
                                         });
}

static void tap(struct home *home, const struct action *action)
{
    struct outcome_counts *counts = &home->conf->outcome->counts;
    struct emu_tag tag = {.kind = EMU_TAG_NTAG213, .uid_size = action->card->uid_size};
    uint64_t at_us = 0;
    enum hal_feedback_pattern pattern = HAL_FEEDBACK_OFF;

    counts->taps++;
    if (home->gateway == NULL) {
        counts->unnoticed++;
        return;
    }
    memcpy(tag.uid, action->card->uid, tag.uid_size);
    at_us = boot_us_of(home, action->at_ms);
    if (at_us > SECOND_US) {
        /* Whatever came due in the meantime is done before the carer comes to the door. */
        pass_time(home, at_us - SECOND_US);
    }
    pass_time(home,
        home->clock.boot_us + NEXT_CARER_US > at_us ? home->clock.boot_us + NEXT_CARER_US : at_us);
    at_us = home->clock.boot_us;
    pattern = hold_tag(home, &tag);
    note_tap(home, pattern, at_us);
    if (home->has_record && pattern != HAL_FEEDBACK_OFF &&
        true_ms_of(home, home->record.boot_ms) / 1000 != action->at_ms / 1000) {
        counts->late_stamps++;
    }
    (void)emu_pn532_remove_uid(&home->emu, tag.uid, tag.uid_size);
    home->settle_until_us = home->clock.boot_us + SETTLE_US;
    tick(home);
}

/* ---- the script --------------------------------------------------------------------------- */

static void cut_network(struct home *home)
{
    if (home->gateway != NULL && is_reachable(home)) {
        gateway_on_disconnected(home->gateway, "the network is down", 0);
    }
    home->is_net_down = true;
    home->conf->outcome->counts.outages++;
}

static void restore_network(struct home *home)
{
    home->is_net_down = false;
    if (home->gateway != NULL && is_reachable(home)) {
        gateway_on_connected(home->gateway);
        home->uplink_due_us = 0;
    }
}

/* NTP reaches the gateway: the clock is right from now on. The gateway notices at its next look. */
static void sync_clock(struct home *home, int64_t at_ms)
{
    if (home->gateway == NULL) {
        return;
    }
    pass_time(home, boot_us_of(home, at_ms));
    fake_clock_sync(
        &home->clock, true_ms_of(home, home->clock.boot_us / MS_US), CLOCK_UNCERTAINTY_MS);
}

int home_act(struct home *home, const struct action *action, struct err *err)
{
    switch (action->kind) {
    case ACTION_POWER_DOWN:
        cut_power(home);
        return 0;
    case ACTION_POWER_UP:
        return home->gateway == NULL ? boot(home, action->at_ms, false, err) : 0;
    case ACTION_CLOCK_SYNC:
        sync_clock(home, action->at_ms);
        return 0;
    case ACTION_NET_DOWN:
        cut_network(home);
        return 0;
    case ACTION_NET_UP:
        restore_network(home);
        return 0;
    case ACTION_TAP_OUT:
    case ACTION_TAP_IN:
    case ACTION_TAP_AGAIN:
        tap(home, action);
        return 0;
    }
    return 0;
}

int home_open(struct home *home, const struct home_conf *conf, const struct script_home *script,
    int64_t at_ms, struct err *err)
{
    int rc = 0;

    memset(home, 0, sizeof *home);
    home->conf = conf;
    home->script = script;
    (void)snprintf(home->outbox_path, sizeof home->outbox_path, "%s/%s.outbox", conf->folder,
        script->device_id);
    (void)snprintf(
        home->key_path, sizeof home->key_path, "%s/%s.key", conf->folder, script->device_id);
    rc = boot(home, at_ms, true, err);
    if (rc == 0) {
        rc = open_session(home, err);
    }
    if (rc < 0) {
        home_close(home);
    }
    return rc;
}

void home_close(struct home *home)
{
    gateway_close(home->gateway);
    home->gateway = NULL;
    mqtt_session_close(home->session);
    home->session = NULL;
}

void home_finish(struct home *home, int64_t at_ms)
{
    if (home->gateway != NULL) {
        pass_time(home, boot_us_of(home, at_ms));
    }
}

void home_tick(struct home *home, uint64_t now_us)
{
    if (home->gateway != NULL && now_us >= home->uplink_due_us) {
        tick(home);
    }
}

uint64_t home_owed(struct home *home)
{
    struct device_state state = {0};

    if (home->gateway == NULL) {
        return 0;
    }
    gateway_state(home->gateway, &state);
    return state.head_seq - state.acked_seq;
}
