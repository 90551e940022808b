/*
 * gateway_report.c - what a gateway tells about itself: states, alerts, answers to commands.
 */
#include "gateway/gateway_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gateway/outbox.h"

#define SECOND_US 1000000ull
#define HEARTBEAT_US (300 * SECOND_US)
#define DRAINING_US (10 * SECOND_US) /* while a backlog drains: somebody may be watching it */
#define STATE_MIN_US (1 * SECOND_US) /* between states that changes of health ask for */

/* ---- alerts and states -------------------------------------------------------------------- */

static int publish(
    struct gateway *gateway, enum topic_kind kind, const uint8_t *bytes, size_t size, bool retain)
{
    char topic[TOPIC_MAX] = "";
    const char *device = kind == TOPIC_ALERT ? "" : gateway->device;
    int rc = topic_format(topic, gateway->site, device, kind);

    if (rc == 0) {
        rc = gateway->ports.uplink.publish(gateway->ports.uplink.user, topic, bytes, size, retain);
    }
    return rc;
}

void gateway_send_alerts(struct gateway *gateway)
{
    uint8_t bytes[SMALL_MESSAGE_MAX] = {0};
    size_t size = 0;
    size_t sent = 0;

    while (gateway->is_connected && sent < gateway->alert_count) {
        const struct alert *alert = &gateway->alerts[sent];

        if (alert_encode(alert, bytes, sizeof bytes, &size) == 0 &&
            publish(gateway, TOPIC_ALERT, bytes, size, false) < 0) {
            break;
        }
        sent++;
    }
    gateway->alert_count -= sent;
    memmove(&gateway->alerts[0], &gateway->alerts[sent],
        gateway->alert_count * sizeof gateway->alerts[0]);
}

void gateway_raise_alert(
    struct gateway *gateway, const char *event, const char *text, int64_t wall_ms)
{
    struct alert *alert = NULL;

    if (gateway->alert_count == ALERTS_WAITING_MAX) {
        gateway->alert_count--;
        memmove(&gateway->alerts[0], &gateway->alerts[1],
            gateway->alert_count * sizeof gateway->alerts[0]);
    }
    alert = &gateway->alerts[gateway->alert_count++];
    *alert = (struct alert){.unix_ms = wall_ms};
    (void)snprintf(alert->device_id, sizeof alert->device_id, "%s", gateway->device);
    (void)snprintf(alert->event, sizeof alert->event, "%s", event);
    (void)snprintf(alert->text, sizeof alert->text, "%s", text);
    gateway_send_alerts(gateway);
}

void gateway_state(struct gateway *gateway, struct device_state *ret_state)
{
    struct record now = {0};
    struct device_state state = {
        .online = true,
        .epoch = outbox_epoch(gateway->box),
        .head_seq = outbox_head_seq(gateway->box),
        .acked_seq = outbox_acked_seq(gateway->box),
        .oldest_seq = outbox_oldest_seq(gateway->box),
        .taps_total = outbox_taps(gateway->box),
        .taps_refused = gateway->taps_refused,
        .reader_resets = gateway->reader_resets,
        .reader_ok = true,
        .outbox_bytes = outbox_bytes(gateway->box),
        .outbox_bytes_max = outbox_bytes_max(gateway->box),
        .drain_eta_s = uplink_drain_eta_s(gateway->uplink),
        .case_open = gateway->inputs[INPUT_CASE].is_on,
        .assist_pressed = gateway->inputs[INPUT_ASSIST].is_on,
        .case_openings = gateway->inputs[INPUT_CASE].count,
        .assist_calls = gateway->inputs[INPUT_ASSIST].count,
    };

    timetrust_stamp(&gateway->timetrust, &now);
    state.boot_id = now.boot_id;
    state.uptime_ms = now.boot_ms;
    state.wall_ms = now.wall_ms;
    state.wall_trust = now.wall_trust;
    state.wall_uncertainty_ms = now.wall_uncertainty_ms;
    (void)snprintf(state.device_id, sizeof state.device_id, "%s", gateway->device);
    (void)snprintf(state.version, sizeof state.version, "%s", gateway->version);
    for (size_t i = 0; i < gateway->ports.reader_count; i++) {
        state.reader_ok = state.reader_ok && !health_is_bad(&gateway->health, health_reader(i));
    }
    gateway_relay_state(gateway, &state);
    *ret_state = state;
}

void gateway_send_state(struct gateway *gateway, bool is_online)
{
    struct device_state state = {0};
    uint8_t bytes[STATE_MESSAGE_MAX] = {0};
    size_t size = 0;

    gateway_state(gateway, &state);
    state.online = is_online;
    gateway->state_sent_us = uplink_now_us(gateway);
    if (state_encode(&state, bytes, sizeof bytes, &size) < 0 ||
        publish(gateway, TOPIC_STATE, bytes, size, true) < 0) {
        return; /* wanted again STATE_MIN_US from now */
    }
    gateway->state_changes = gateway->health.changes;
    gateway->is_state_wanted = false;
}

int gateway_will(struct gateway *gateway, char ret_topic[static TOPIC_MAX], uint8_t *payload,
    size_t capacity, size_t *ret_size)
{
    struct device_state state = {.epoch = outbox_epoch(gateway->box)};
    int rc = topic_format(ret_topic, gateway->site, gateway->device, TOPIC_STATE);

    (void)snprintf(state.device_id, sizeof state.device_id, "%s", gateway->device);
    return rc < 0 ? rc : state_encode(&state, payload, capacity, ret_size);
}

const char *gateway_status(struct gateway *gateway, char line[static GATEWAY_STATUS_SIZE])
{
    char trouble[GATEWAY_STATUS_SIZE - 64] = "";

    (void)health_line(&gateway->health, trouble, sizeof trouble);
    (void)snprintf(line, GATEWAY_STATUS_SIZE, "%s; %llu taps stored, %llu records owed", trouble,
        (unsigned long long)outbox_taps(gateway->box),
        (unsigned long long)(outbox_head_seq(gateway->box) - outbox_acked_seq(gateway->box)));
    return line;
}

void gateway_send_result(struct gateway *gateway, const struct command_result *result)
{
    uint8_t bytes[SMALL_MESSAGE_MAX] = {0};
    size_t size = 0;

    if (command_result_encode(result, bytes, sizeof bytes, &size) == 0) {
        (void)publish(gateway, TOPIC_CMD_RESULT, bytes, size, false);
    }
}

void gateway_run_command(struct gateway *gateway, const struct command *command)
{
    struct command_result result = {.command_id = command->command_id};
    char line[GATEWAY_STATUS_SIZE] = "";

    if (gateway_relay_takes_command(gateway, command)) {
        return;
    }
    if (strcmp(command->name, "blink") == 0) {
        gateway_show(gateway, HAL_FEEDBACK_READY);
        (void)snprintf(result.text, sizeof result.text, "blinking");
    } else if (strcmp(command->name, "state") == 0) {
        gateway_send_state(gateway, true);
        (void)snprintf(result.text, sizeof result.text, "sent");
    } else if (strcmp(command->name, "self-test") == 0) {
        (void)health_line(&gateway->health, line, sizeof line);
        result.code = strcmp(line, "ok") == 0 ? 0 : 1;
        (void)snprintf(result.text, sizeof result.text, "%.*s", RECORD_TEXT_MAX, line);
    } else {
        result.code = -ENOSYS;
        (void)snprintf(result.text, sizeof result.text, "unknown command");
    }
    gateway_send_result(gateway, &result);
}

/* From more than a batch until nothing is owed; its end is told at once, not five minutes later. */
static void watch_draining(struct gateway *gateway)
{
    uint64_t owed = outbox_head_seq(gateway->box) - outbox_acked_seq(gateway->box);
    bool is_draining =
        uplink_is_agreed(gateway->uplink) && owed > (gateway->is_draining ? 0 : BATCH_RECORDS_MAX);

    if (is_draining != gateway->is_draining) {
        gateway->is_draining = is_draining;
        gateway->is_state_wanted = true;
    }
}

uint64_t gateway_tick_state(struct gateway *gateway, uint64_t now_us)
{
    uint64_t every_us = 0;
    bool is_wanted = false;
    uint64_t due_us = 0;

    watch_draining(gateway);
    every_us = gateway->is_draining ? DRAINING_US : HEARTBEAT_US;
    is_wanted = gateway->is_state_wanted || gateway->state_changes != gateway->health.changes;
    due_us = gateway->state_sent_us + (is_wanted ? STATE_MIN_US : every_us);

    if (!gateway->is_connected) {
        return UINT64_MAX;
    }
    if (now_us >= due_us) {
        gateway->is_state_wanted = true;
        gateway_send_state(gateway, true);
        gateway_send_alerts(gateway);
        due_us = now_us + (gateway->is_state_wanted ? STATE_MIN_US : every_us);
    }
    return due_us;
}
