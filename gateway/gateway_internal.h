/*
 * gateway_internal.h - the inside of a gateway, shared by gateway.c (what happens to taps),
 * gateway_inputs.c (case and button) and gateway_report.c (what it tells about itself).
 */
#ifndef ECM_GATEWAY_GATEWAY_INTERNAL_H
#define ECM_GATEWAY_GATEWAY_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/contact.h"
#include "gateway/gateway.h"
#include "gateway/health.h"
#include "gateway/timetrust.h"
#include "hal/feedback.h"
#include "tap/direction.h"

struct outbox;
struct relay;
struct signer;

enum { ALERTS_WAITING_MAX = 4 };

/* The index of ports.inputs. */
enum input_kind { INPUT_CASE, INPUT_ASSIST, INPUT_COUNT };

enum input_logged { INPUT_UNKNOWN, INPUT_OFF, INPUT_ON };

struct input {
    struct contact contact;
    enum input_logged logged; /* the last that the log says */
    bool is_known, is_on;     /* what is the case */
    uint64_t changed_us;      /* since when it is off */
    bool owes_on;             /* it went on at on_us and that is not stored yet */
    bool is_found;            /* ... or was found on */
    uint64_t on_us;
    uint64_t retry_us; /* something could not be stored; 0: nothing */
    uint64_t count;    /* how often it went on since the program started */
};

struct gateway {
    char site[TOPIC_NAME_MAX + 1];
    char device[DEVICE_ID_MAX + 1];
    char version[RECORD_TEXT_MAX + 1];
    unsigned keep_days;
    struct gateway_ports ports;
    struct signer *signer;
    struct outbox *box;
    struct uplink *uplink;
    struct relay *relay; /* NULL: no tag readers */
    struct health health;
    struct timetrust timetrust;
    struct direction direction;
    struct input inputs[INPUT_COUNT];

    bool is_connected;
    bool is_box_lost; /* renewing failed: only opening it anew can help */
    bool was_polled[GATEWAY_READERS_MAX];
    uint64_t taps_refused;
    uint64_t reader_resets;
    uint64_t messages_ignored;
    uint64_t next_clock_us;
    uint64_t next_house_us;
    uint64_t next_input_us;
    uint64_t state_sent_us; /* on the uplink's clock */
    unsigned state_changes; /* of health, when the state was sent */
    bool is_state_wanted;
    bool is_draining; /* a backlog is on its way to the collector */
    size_t alert_count;
    struct alert alerts[ALERTS_WAITING_MAX]; /* that could not be sent yet, oldest first */
};

static inline uint64_t uplink_now_us(const struct gateway *gateway)
{
    return gateway->ports.uplink.now_us(gateway->ports.uplink.user);
}

static inline enum health_part health_reader(size_t index)
{
    return (enum health_part)((size_t)HEALTH_READER_0 + index);
}

/* Publish the state, retained. A failure is tried again by tick_state(). */
void gateway_send_state(struct gateway *gateway, bool is_online);

/* Send the heartbeat when it is time, and a state at once (but not in a storm) when something
 * began or ended. Returns when to call again, on the uplink's clock. */
uint64_t gateway_tick_state(struct gateway *gateway, uint64_t now_us);

/* Store record, in a new log if need be, and tell the observer. 0 or outbox_append()'s code. */
int gateway_store(struct gateway *gateway, struct record *record);

/* Tell the site; kept until connected, the last ALERTS_WAITING_MAX. wall_ms: when it happened. */
void gateway_raise_alert(
    struct gateway *gateway, const char *event, const char *text, int64_t wall_ms);
void gateway_send_alerts(struct gateway *gateway);

/* Read from the log what it last said of each input, and begin to watch them. */
void gateway_open_inputs(struct gateway *gateway);
void gateway_close_inputs(struct gateway *gateway);

/* Take what the inputs have to say. Returns when to call again, on ports.clock. */
uint64_t gateway_tick_inputs(struct gateway *gateway);

/* Do a command from the collector or the field engineer and answer it. */
void gateway_run_command(struct gateway *gateway, const struct command *command);

/* Answer a command. */
void gateway_send_result(struct gateway *gateway, const struct command_result *result);

/* Tag readers. An ack about another log than ours, a command for a tag reader: true, done with. */
int gateway_open_relay(struct gateway *gateway, const struct gateway_conf *conf, struct err *err);
bool gateway_relay_takes_ack(struct gateway *gateway, const uint8_t *payload, size_t size);
bool gateway_relay_takes_command(struct gateway *gateway, const struct command *command);
void gateway_relay_state(struct gateway *gateway, struct device_state *state);

/* Show a pattern; a failure is health's business, not the tap's. */
void gateway_show(struct gateway *gateway, enum hal_feedback_pattern pattern);

#endif
