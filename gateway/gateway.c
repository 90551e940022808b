/*
 * gateway.c - where the parts meet.
 *
 * The order in take_tap() is the product: decide, commit, show, and only then remember. A tap
 * that was not stored has happened for nobody.
 */
#include "gateway/gateway.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/chain.h"
#include "base/err.h"
#include "base/log.h"
#include "gateway/gateway_internal.h"
#include "gateway/outbox.h"
#include "gateway/relay.h"
#include "hal/clock.h"
#include "hal/reader.h"

enum {
    POLLS_MAX = 8, /* events taken from a reader in one call */
    KEEP_DAYS_DEFAULT = 90,
    SILENCES_TO_REPORT = 2,
};

#define SECOND_US 1000000ull
#define CLOCK_CHECK_US (60 * SECOND_US)
#define CLOCK_CHECK_UNSET_US (10 * SECOND_US)
#define HOUSE_US (60 * SECOND_US)
#define OVERDUE_US (20 * SECOND_US) /* beyond this something is stuck, not late */

static_assert((int)DIRECTION_READERS_MAX == (int)GATEWAY_READERS_MAX, "one place a reader");
static_assert((int)INPUT_COUNT == (int)GATEWAY_INPUTS, "likewise");
static_assert(HEALTH_READER_3 - HEALTH_READER_0 + 1 == GATEWAY_READERS_MAX, "likewise");

/* ---- storing ------------------------------------------------------------------------------ */

static int64_t now_wall_ms(struct gateway *gateway)
{
    struct record now = {0};

    timetrust_stamp(&gateway->timetrust, &now);
    return now.wall_ms;
}

static void report_repair(struct gateway *gateway, const struct outbox_repair *repair)
{
    char text[RECORD_TEXT_MAX + 1] = "";

    if (!repair->was_set_aside) {
        return;
    }
    (void)snprintf(text, sizeof text, "new epoch: %llu records taken over, %llu not readable",
        (unsigned long long)repair->salvaged, (unsigned long long)repair->lost);
    log_err("the outbox could not be continued and was set aside as '%s'; %s "
            "event=outbox-renewed device=%s",
        repair->set_aside, text, gateway->device);
    gateway_raise_alert(gateway, "outbox-renewed", text, now_wall_ms(gateway));
}

static const char *refusal_sentence(int rc)
{
    return rc == ECM_EFULL ? "the outbox or its disk is full" : err_name(rc);
}

static int append(struct gateway *gateway, struct record *record)
{
    int rc = outbox_append(gateway->box, record);
    char why[HEALTH_WHY_SIZE] = "";

    if (rc < 0) {
        (void)snprintf(why, sizeof why, "%s", refusal_sentence(rc));
    }
    if (health_is_bad(&gateway->health, HEALTH_OUTBOX) != (rc < 0) && rc < 0) {
        gateway_raise_alert(gateway, "outbox-refuses", why, now_wall_ms(gateway));
    }
    health_set(&gateway->health, HEALTH_OUTBOX, rc < 0 ? why : NULL);
    return rc;
}

static void append_boot(struct gateway *gateway)
{
    struct record record = {.type = RECORD_BOOT};
    int rc = 0;

    timetrust_stamp(&gateway->timetrust, &record);
    (void)snprintf(record.note.text, sizeof record.note.text, "%s", gateway->version);
    rc = append(gateway, &record);
    if (gateway->ports.on_record != NULL) {
        gateway->ports.on_record(gateway->ports.on_record_user, &record, rc);
    }
}

/* The log cannot go on. Begin another with what is owed; the taps must not notice. */
static int renew(struct gateway *gateway, const char *why)
{
    struct outbox_repair repair = {0};
    struct err err = {0};
    int rc = 0;

    log_err("%s; beginning a new epoch event=outbox-renewing device=%s", why, gateway->device);
    rc = outbox_renew(gateway->box, &repair, &err);
    if (rc < 0) {
        gateway->is_box_lost = true;
        health_set(&gateway->health, HEALTH_OUTBOX, err.text);
        return rc;
    }
    gateway->is_box_lost = false;
    report_repair(gateway, &repair);
    timetrust_init(&gateway->timetrust, gateway->ports.clock);
    append_boot(gateway);
    if (gateway->uplink != NULL) {
        uplink_restart(gateway->uplink);
    }
    return 0;
}

int gateway_store(struct gateway *gateway, struct record *record)
{
    int rc = append(gateway, record);

    if (rc == ECM_ECORRUPT && renew(gateway, "the outbox is damaged") == 0) {
        rc = append(gateway, record);
    }
    if (gateway->ports.on_record != NULL) {
        gateway->ports.on_record(gateway->ports.on_record_user, record, rc);
    }
    return rc;
}

static void check_clock(struct gateway *gateway)
{
    struct record record = {0};
    struct record now = {0};

    if (timetrust_check(&gateway->timetrust, &record) && gateway_store(gateway, &record) == 0) {
        timetrust_anchored(&gateway->timetrust, &record);
        log_info("clock anchored: wall was %lld ms, is %lld ms device=%s",
            (long long)record.clock_set.wall_before_ms, (long long)record.wall_ms, gateway->device);
    }
    timetrust_stamp(&gateway->timetrust, &now);
    health_set(&gateway->health, HEALTH_CLOCK,
        now.wall_trust == WALL_UNSET ? "the time of day is not known" : NULL);
    gateway->next_clock_us =
        now.boot_ms * 1000 + (now.wall_trust == WALL_UNSET ? CLOCK_CHECK_UNSET_US : CLOCK_CHECK_US);
}

/* ---- open and close ----------------------------------------------------------------------- */

struct replay {
    struct direction *direction;
    struct direction_replay cursor;
    struct record now;
};

static bool replay_item(void *user, const struct outbox_item *item)
{
    struct replay *replay = user;
    struct record record = {0};

    return record_decode(item->bytes, item->size, &record) < 0 ||
           direction_replay(replay->direction, &replay->cursor, &record, &replay->now);
}

/* A carer who arrived before the power cut leaves after it. */
static void rebuild_direction(struct gateway *gateway, const struct gateway_conf *conf)
{
    struct replay replay = {.direction = &gateway->direction};
    int rc = 0;

    direction_init(&gateway->direction, conf->home_limit_s);
    timetrust_stamp(&gateway->timetrust, &replay.now);
    rc = outbox_read_back(gateway->box, replay_item, &replay);
    if (rc < 0) {
        log_warn("cannot read who is here, the next taps count as arrivals rc=%s device=%s",
            err_name(rc), gateway->device);
    }
}

static int open_log(struct gateway *gateway, const struct gateway_conf *conf, struct err *err)
{
    const struct outbox_conf box_conf = {
        .path = conf->outbox_path,
        .device_id = conf->device,
        .bytes_max = conf->outbox_bytes_max != 0 ? conf->outbox_bytes_max : OUTBOX_BYTES_DEFAULT,
    };
    struct outbox_repair repair = {0};
    int rc = 0;

    if (conf->key_path != NULL) {
        rc = signer_open(&gateway->signer, conf->key_path, err);
    }
    if (rc == 0) {
        rc = outbox_open(&gateway->box, &box_conf, &repair, err);
    }
    if (rc == 0) {
        report_repair(gateway, &repair);
    }
    return rc;
}

static int open_uplink(struct gateway *gateway, struct err *err)
{
    const struct uplink_conf conf = {
        .site = gateway->site,
        .device = gateway->device,
        .version = gateway->version,
        .boot_id = gateway->ports.clock->boot_id,
        .signer = gateway->signer,
    };

    return uplink_new(&gateway->uplink, &conf, &gateway->ports.uplink, gateway->box, err);
}

int gateway_open(struct gateway **ret_gateway, const struct gateway_conf *conf,
    const struct gateway_ports *ports, struct err *err)
{
    struct gateway *gateway = NULL;
    int rc = 0;

    assert(ports->reader_count <= GATEWAY_READERS_MAX);
    if (!topic_name_is_valid(conf->site) || !topic_name_is_valid(conf->device)) {
        return err_set(err, -EINVAL,
            "site '%s' and device '%s' must be 1 to %d letters, digits, '-', '_' or '.'",
            conf->site, conf->device, TOPIC_NAME_MAX);
    }
    gateway = calloc(1, sizeof *gateway);
    if (gateway == NULL) {
        return err_set(err, -ENOMEM, "gateway: out of memory");
    }
    (void)snprintf(gateway->site, sizeof gateway->site, "%s", conf->site);
    (void)snprintf(gateway->device, sizeof gateway->device, "%s", conf->device);
    (void)snprintf(gateway->version, sizeof gateway->version, "%s", conf->version);
    gateway->keep_days = conf->keep_days != 0 ? conf->keep_days : KEEP_DAYS_DEFAULT;
    gateway->ports = *ports;
    health_init(&gateway->health, gateway->device);
    timetrust_init(&gateway->timetrust, ports->clock);

    rc = open_log(gateway, conf, err);
    if (rc == 0) {
        rc = open_uplink(gateway, err);
    }
    if (rc == 0) {
        rc = gateway_open_relay(gateway, conf, err);
    }
    if (rc < 0) {
        gateway_close(gateway);
        return rc;
    }
    rebuild_direction(gateway, conf);
    append_boot(gateway);
    check_clock(gateway);
    gateway_open_inputs(gateway);
    *ret_gateway = gateway;
    return 0;
}

void gateway_close(struct gateway *gateway)
{
    if (gateway == NULL) {
        return;
    }
    if (gateway->is_connected) {
        gateway_send_state(gateway, false);
    }
    gateway_close_inputs(gateway);
    relay_close(gateway->relay);
    uplink_free(gateway->uplink);
    outbox_close(gateway->box);
    signer_close(gateway->signer);
    free(gateway);
}

/* ---- taps --------------------------------------------------------------------------------- */

void gateway_show(struct gateway *gateway, enum hal_feedback_pattern pattern)
{
    int rc = hal_feedback_show(
        gateway->ports.feedback, pattern, hal_clock_boot_us(gateway->ports.clock));

    health_set(&gateway->health, HEALTH_FEEDBACK,
        rc < 0 ? "a lamp or the buzzer cannot be switched" : NULL);
}

static enum tap_tech tech_from(enum hal_tag_tech tech)
{
    switch (tech) {
    case HAL_TAG_TYPE2:
        return TAP_TECH_TYPE2;
    case HAL_TAG_TYPE4:
        return TAP_TECH_TYPE4;
    case HAL_TAG_NTAG424:
        return TAP_TECH_NTAG424;
    case HAL_TAG_CLASSIC:
        return TAP_TECH_CLASSIC;
    case HAL_TAG_UNKNOWN:
        break;
    }
    return TAP_TECH_UNKNOWN;
}

static void fill_tap(struct tap *tap, const char *reader, const struct hal_tag *tag)
{
    static_assert((int)HAL_TAG_UID_MAX == (int)TAG_UID_MAX, "a number fits");
    (void)snprintf(tap->reader, sizeof tap->reader, "%s", reader);
    memcpy(tap->uid, tag->uid, sizeof tap->uid);
    tap->uid_size = tag->uid_size <= TAG_UID_MAX ? tag->uid_size : TAG_UID_MAX;
    tap->tech = tech_from(tag->tech);
    tap->has_sun = tag->has_sun;
    if (tag->has_sun) {
        memcpy(tap->sun_picc, tag->sun_picc, sizeof tap->sun_picc);
        memcpy(tap->sun_mac, tag->sun_mac, sizeof tap->sun_mac);
    }
    tap->flags = tag->uid_is_random ? TAP_FLAG_RANDOM_UID : 0;
}

static enum hal_feedback_pattern pattern_for(const struct tap *tap, int rc)
{
    if (rc < 0) {
        return HAL_FEEDBACK_REFUSED;
    }
    if ((tap->flags & TAP_FLAG_RANDOM_UID) != 0) {
        return HAL_FEEDBACK_UNKNOWN;
    }
    return tap->direction == TAP_OUT ? HAL_FEEDBACK_OUT : HAL_FEEDBACK_IN;
}

static void take_tap(struct gateway *gateway, size_t index, const struct hal_reader_event *event)
{
    struct record record = {.type = RECORD_TAP};
    char tag[LOG_TAG_SIZE] = "";
    int rc = 0;

    timetrust_stamp_at(&gateway->timetrust, event->detected_us, &record);
    fill_tap(&record.tap, gateway->ports.readers[index]->name, &event->tag);
    direction_decide(&gateway->direction, index, &record);
    rc = gateway_store(gateway, &record);
    gateway_show(gateway, pattern_for(&record.tap, rc));
    if (rc == 0) {
        direction_remember(&gateway->direction, index, &record);
    } else {
        gateway->taps_refused++;
    }
    log_debug("tap of tag %s: %s rc=%d seq=%llu device=%s",
        log_tag(event->tag.uid, event->tag.uid_size, tag),
        record.tap.direction == TAP_OUT ? "out" : "in", rc, (unsigned long long)record.seq,
        gateway->device);
}

static void take_fault(struct gateway *gateway, size_t index, const char *text)
{
    struct record record = {.type = RECORD_READER_FAULT};
    const char *name = gateway->ports.readers[index]->name;
    bool has_name = strncmp(text, name, strlen(name)) == 0;

    gateway->reader_resets++;
    direction_forget_present(&gateway->direction, index);
    health_set(&gateway->health, health_reader(index), text);
    timetrust_stamp(&gateway->timetrust, &record);
    /* Some readers begin with their own name. */
    (void)snprintf(record.note.text, sizeof record.note.text, "%s%s%s", has_name ? "" : name,
        has_name ? "" : ": ", text);
    (void)gateway_store(gateway, &record);
}

static void take_event(struct gateway *gateway, size_t index, const struct hal_reader_event *event)
{
    switch (event->kind) {
    case HAL_READER_TAG:
        take_tap(gateway, index, event);
        break;
    case HAL_READER_GONE:
        direction_gone(&gateway->direction, index, event->tag.uid, event->tag.uid_size);
        break;
    case HAL_READER_FAULT:
        take_fault(gateway, index, event->text);
        break;
    case HAL_READER_RECOVERED:
        health_set(&gateway->health, health_reader(index), NULL);
        gateway_show(gateway, HAL_FEEDBACK_READY);
        break;
    case HAL_READER_NONE:
        break;
    }
}

void gateway_poll_reader(struct gateway *gateway, size_t index)
{
    struct hal_reader_event event = {.kind = HAL_READER_NONE};

    assert(index < gateway->ports.reader_count);
    for (int i = 0; i < POLLS_MAX; i++) {
        memset(&event, 0, sizeof event);
        hal_reader_poll(gateway->ports.readers[index], &event);
        if (!gateway->was_polled[index]) {
            gateway->was_polled[index] = true;
            if (event.kind == HAL_READER_NONE) {
                gateway_show(gateway, HAL_FEEDBACK_READY);
            }
        }
        if (event.kind == HAL_READER_NONE) {
            return;
        }
        take_event(gateway, index, &event);
    }
}

/* ---- the network -------------------------------------------------------------------------- */

void gateway_on_connected(struct gateway *gateway)
{
    static const enum topic_kind wanted[] = {TOPIC_ACK, TOPIC_CMD};
    char topic[TOPIC_MAX] = "";

    gateway->is_connected = true;
    health_set(&gateway->health, HEALTH_BROKER, NULL);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        if (topic_format(topic, gateway->site, gateway->device, wanted[i]) == 0) {
            (void)gateway->ports.uplink.subscribe(gateway->ports.uplink.user, topic);
        }
    }
    uplink_on_connected(gateway->uplink);
    if (gateway->relay != NULL) {
        relay_on_connected(gateway->relay);
    }
    gateway_send_state(gateway, true);
    gateway_send_alerts(gateway);
}

void gateway_on_disconnected(struct gateway *gateway, const char *reason, unsigned retry_ms)
{
    gateway->is_connected = false;
    uplink_on_disconnected(gateway->uplink);
    if (gateway->relay != NULL) {
        relay_on_disconnected(gateway->relay);
    }
    health_set(&gateway->health, HEALTH_BROKER, reason);
    log_debug("no connection: %s, next try in %u ms device=%s", reason, retry_ms, gateway->device);
}

static void handle_uplink_event(struct gateway *gateway, enum uplink_event event)
{
    switch (event) {
    case UPLINK_NOTHING:
        break;
    case UPLINK_LOG_ROLLED_BACK:
        (void)renew(gateway, "the collector has another history of this log, it was rolled back");
        break;
    case UPLINK_LOG_DAMAGED:
        (void)renew(gateway, "a record that is owed cannot be read");
        break;
    }
}

void gateway_on_message(
    struct gateway *gateway, const char *topic, const uint8_t *payload, size_t size)
{
    struct topic to = {0};
    struct command command = {0};

    if (topic_parse(topic, &to) < 0 || strcmp(to.site, gateway->site) != 0 ||
        strcmp(to.device, gateway->device) != 0) {
        gateway->messages_ignored++;
    } else if (to.kind == TOPIC_ACK && gateway_relay_takes_ack(gateway, payload, size)) {
        return;
    } else if (to.kind == TOPIC_ACK) {
        handle_uplink_event(gateway, uplink_on_ack(gateway->uplink, payload, size));
    } else if (to.kind == TOPIC_CMD && command_decode(payload, size, &command) == 0) {
        gateway_run_command(gateway, &command);
    } else {
        gateway->messages_ignored++;
    }
}

/* ---- what comes due ----------------------------------------------------------------------- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void keep_house(struct gateway *gateway, uint64_t now_us)
{
    struct record now = {0};

    timetrust_stamp(&gateway->timetrust, &now);
    /* A failure changes nothing that was promised; it is tried again. */
    (void)outbox_keep_house(gateway->box,
        now.wall_trust == WALL_UNSET ? OUTBOX_NO_CLOCK : now.wall_ms, gateway->keep_days);
    if (gateway->relay != NULL) {
        relay_keep_house(
            gateway->relay, now.wall_trust == WALL_UNSET ? OUTBOX_NO_CLOCK : now.wall_ms);
    }
    gateway->next_house_us = now_us + HOUSE_US;
}

static uint64_t tick_clock(struct gateway *gateway)
{
    uint64_t now_us = hal_clock_boot_us(gateway->ports.clock);
    uint64_t due_us = 0;
    uint64_t input_us = gateway_tick_inputs(gateway);
    int step_ms = hal_feedback_step(gateway->ports.feedback, now_us);

    if (now_us >= gateway->next_clock_us) {
        check_clock(gateway);
    }
    if (now_us >= gateway->next_house_us) {
        keep_house(gateway, now_us);
    }
    due_us = earlier(input_us, earlier(gateway->next_clock_us, gateway->next_house_us));
    return step_ms == HAL_FEEDBACK_IDLE_MS ? due_us
                                           : earlier(due_us, now_us + (uint64_t)step_ms * 1000);
}

static uint64_t tick_uplink(struct gateway *gateway)
{
    uint64_t due_us = UINT64_MAX;
    uint64_t relay_us = UINT64_MAX;
    enum uplink_event event = uplink_tick(gateway->uplink, &due_us);

    if (gateway->relay != NULL) {
        relay_tick(gateway->relay, &relay_us);
        due_us = earlier(due_us, relay_us);
    }
    if (event != UPLINK_NOTHING) {
        handle_uplink_event(gateway, event);
        due_us = 0; /* come back at once */
    }
    if (!gateway->is_connected || uplink_is_agreed(gateway->uplink)) {
        health_set(&gateway->health, HEALTH_COLLECTOR, NULL);
    } else if (uplink_silences(gateway->uplink) >= SILENCES_TO_REPORT) {
        health_set(&gateway->health, HEALTH_COLLECTOR, "it does not answer");
    }
    return earlier(due_us, gateway_tick_state(gateway, uplink_now_us(gateway)));
}

static bool is_overdue(uint64_t due_us, uint64_t now_us)
{
    return now_us > OVERDUE_US && due_us < now_us - OVERDUE_US;
}

bool gateway_is_alive(struct gateway *gateway)
{
    uint64_t now_us = hal_clock_boot_us(gateway->ports.clock);
    bool is_alive = !gateway->is_box_lost && !is_overdue(gateway->next_clock_us, now_us) &&
                    !is_overdue(gateway->next_house_us, now_us) &&
                    !is_overdue(gateway->next_input_us, now_us);

    for (size_t i = 0; i < gateway->ports.reader_count; i++) {
        is_alive = is_alive && !is_overdue(hal_reader_due_us(gateway->ports.readers[i]), now_us);
    }
    return is_alive;
}

void gateway_tick(struct gateway *gateway, struct gateway_due *ret_due)
{
    ret_due->clock_us = tick_clock(gateway);
    ret_due->uplink_us = tick_uplink(gateway);
}
