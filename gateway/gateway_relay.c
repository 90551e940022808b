/*
 * gateway_relay.c - the tag readers of a gateway: joins gateway.h and relay.h.
 */
#include "gateway/gateway_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "gateway/outbox.h"
#include "gateway/relay.h"

static void send_bytes(void *user, int line, const uint8_t *bytes, size_t size)
{
    struct gateway *gateway = user;

    gateway->ports.line_send(gateway->ports.line_user, line, bytes, size);
}

static void tell_alert(void *user, const char *event, const char *text)
{
    struct gateway *gateway = user;
    struct record now = {0};

    timetrust_stamp(&gateway->timetrust, &now);
    gateway_raise_alert(gateway, event, text, now.wall_ms);
}

static void tell_result(void *user, const struct command_result *result)
{
    gateway_send_result(user, result);
}

int gateway_open_relay(struct gateway *gateway, const struct gateway_conf *conf, struct err *err)
{
    const struct relay_conf relay_conf = {
        .site = gateway->site,
        .gateway_id = gateway->device,
        .path = conf->relay_path,
        .bytes_max = conf->relay_bytes_max,
        .keep_days = gateway->keep_days,
        .update_path = conf->update_path,
    };
    const struct relay_ports ports = {
        .user = gateway,
        .uplink = gateway->ports.uplink,
        .clock = gateway->ports.clock,
        .send = send_bytes,
        .alert = tell_alert,
        .command_done = tell_result,
    };

    return conf->relay_path == NULL ? 0 : relay_open(&gateway->relay, &relay_conf, &ports, err);
}

bool gateway_relay_takes_ack(struct gateway *gateway, const uint8_t *payload, size_t size)
{
    struct ack ack;

    if (gateway->relay == NULL || ack_decode(payload, size, &ack) < 0 ||
        strcmp(ack.device_id, gateway->device) == 0) {
        return false;
    }
    relay_on_ack(gateway->relay, &ack);
    return true;
}

bool gateway_relay_takes_command(struct gateway *gateway, const struct command *command)
{
    static const char prefix[] = "reader-";
    struct command_result result = {.command_id = command->command_id};
    struct command passed_on = {.command_id = command->command_id};
    int rc = -ENOENT;

    if (strncmp(command->name, prefix, sizeof prefix - 1) != 0) {
        return false;
    }
    (void)snprintf(passed_on.name, sizeof passed_on.name, "%s", command->name + sizeof prefix - 1);
    if (gateway->relay != NULL && passed_on.name[0] != '\0') {
        rc = relay_command(gateway->relay, command->argument, &passed_on);
    }
    if (rc < 0) {
        result.code = rc;
        (void)snprintf(result.text, sizeof result.text, "%s",
            rc == -EBUSY ? "another command is on its way to this tag reader"
                         : "there is no such tag reader here");
        gateway_send_result(gateway, &result);
    }
    return true;
}

void gateway_relay_state(struct gateway *gateway, struct device_state *state)
{
    if (gateway->relay != NULL) {
        state->tag_reader_count =
            relay_readers(gateway->relay, state->tag_readers, TAG_READERS_IN_STATE_MAX);
    }
}

int gateway_line_open(struct gateway *gateway, const char *name)
{
    return gateway->relay == NULL ? -ENOSPC : relay_line_open(gateway->relay, name);
}

void gateway_line_close(struct gateway *gateway, int line)
{
    relay_line_close(gateway->relay, line);
    gateway->is_state_wanted = true;
}

void gateway_line_bytes(struct gateway *gateway, int line, const uint8_t *bytes, size_t size)
{
    relay_on_bytes(gateway->relay, line, bytes, size);
}
