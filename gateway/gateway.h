/*
 * gateway.h - the core of one gateway: reader -> direction -> outbox -> feedback -> uplink.
 *
 * It owns no loop, no thread and no socket, so a daemon runs one and a simulator a
 * thousand. It is built from ports; the owner of the ports calls it:
 *
 *     gateway_open(&gateway, &conf, &ports, &err);
 *     ... whenever a reader's fd is readable or its due_us has come:
 *         gateway_poll_reader(gateway, index);
 *     ... whenever the transport says so:
 *         gateway_on_connected(), gateway_on_disconnected(), gateway_on_message();
 *     ... after any of these, and no later than due says:
 *         gateway_tick(gateway, &due);
 *     gateway_close(gateway);
 *
 * Two times are at work. What happens to the carer runs on ports.clock (simulated or
 * real). What happens on the network (ack time-outs, heartbeats) runs on
 * ports.uplink.now_us, which must be real time even where the clock is simulated: a
 * broker does not hurry because a simulated day passes in a minute. struct gateway_due
 * names both.
 *
 * A tap: gateway_poll_reader() decides its direction, commits it to the outbox (this
 * waits for the disk), and only then shows HAL_FEEDBACK_IN or _OUT, UNKNOWN for a tag
 * without a number of its own, or REFUSED when it was not stored. Both the feedback port
 * and ports.on_record learn of it before gateway_poll_reader() returns.
 *
 * The case contact and the assist button are looked at by gateway_tick(): call it whenever
 * gateway_input_fd() is readable. A change is committed as a record first; then a press shows
 * HAL_FEEDBACK_CALL (or REFUSED) and an opened case HAL_FEEDBACK_CASE; then the site is told by an
 * alert. What the log already says is not said again at a start.
 *
 * A power cut is gateway_close() (or a SIGKILL) followed by gateway_open() on the same
 * outbox path with a clock of another boot_id; nothing rests on gateway_close() having
 * been called.
 *
 * Ownership: ports and what they point to are the caller's and outlive the gateway. Strings of
 *            struct gateway_conf are copied.
 * Threads:   one gateway belongs to one thread; different gateways share nothing.
 * Blocking:  gateway_open(), gateway_poll_reader() and gateway_on_message() wait for the disk.
 */
#ifndef ECM_GATEWAY_GATEWAY_H
#define ECM_GATEWAY_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/contact.h"
#include "gateway/uplink.h"
#include "proto/messages.h"
#include "proto/topics.h"

enum { GATEWAY_READERS_MAX = 4, GATEWAY_INPUTS = 2, GATEWAY_STATUS_SIZE = 256 };

struct err;
struct gateway;
struct hal_clock;
struct hal_feedback;
struct hal_reader;

struct gateway_conf {
    const char *site;          /* proto/topics.h names */
    const char *device;        /* device id = MQTT client id; written into the outbox for good */
    const char *outbox_path;   /* the SQLite file; its folder must exist */
    const char *key_path;      /* Ed25519 key (PEM), made when absent; NULL: batches unsigned */
    const char *version;       /* goes into boot records and the state */
    uint64_t outbox_bytes_max; /* disk budget; 0: 256 MiB */
    unsigned keep_days;        /* acked records stay this long; 0: 90 */
    unsigned home_limit_s;     /* an older open check-in no longer makes a tap "out"; 0: 4 h */
    const char *relay_path;    /* what tag readers hand over; NULL: none are served */
    uint64_t relay_bytes_max;  /* disk budget for it */
    const char *update_path;   /* image for tag readers; NULL: none */
};

struct gateway_ports {
    struct hal_clock *clock;
    struct hal_feedback *feedback;
    struct hal_reader *readers[GATEWAY_READERS_MAX];
    size_t reader_count;
    struct uplink_port uplink;
    /* [0] the case contact, [1] the assist button; open NULL: there is none. */
    struct contact_conf inputs[GATEWAY_INPUTS];
    /*
     * Optional. Called for every record the gateway wanted to keep: rc 0, it is on disk
     * under record->seq; else it is not (and a tap was shown as REFUSED). Must not call
     * the gateway.
     */
    void (*on_record)(void *user, const struct record *record, int rc);
    void *on_record_user;
    /* Bytes for the line of a tag reader; needed with conf.relay_path. Must not call the gateway. */
    void (*line_send)(void *user, int line, const uint8_t *bytes, size_t size);
    void *line_user;
};

/* When gateway_tick() is wanted next; whichever comes first. UINT64_MAX: not because of this. */
struct gateway_due {
    uint64_t clock_us;  /* boot time of ports.clock: feedback, inputs, clock checks, retention */
    uint64_t uplink_us; /* ports.uplink.now_us: batches, time-outs, heartbeats */
};

/*
 * Open or create the outbox, rebuild the open check-ins, log the boot record. A damaged
 * outbox is set aside and what can be read of it is kept (outbox.h); a full one does not
 * stop the start. On failure *ret_gateway is left alone and err says why.
 */
int gateway_open(struct gateway **ret_gateway, const struct gateway_conf *conf,
    const struct gateway_ports *ports, struct err *err);

/* NULL is allowed. */
void gateway_close(struct gateway *gateway);

/* Poll ports.readers[index] until it has nothing more to say (a bounded number of times). */
void gateway_poll_reader(struct gateway *gateway, size_t index);

/* What to wait for besides gateway_due for ports.inputs[index]; -1: nothing. Ask after each tick. */
int gateway_input_fd(struct gateway *gateway, size_t index);
/*
 * The line of a tag reader came up, brought bytes, went down (relay.h). gateway_line_open() gives its
 * number, or -ENOSPC. Records that came are committed and answered by the next gateway_tick().
 */
int gateway_line_open(struct gateway *gateway, const char *name);
void gateway_line_close(struct gateway *gateway, int line);
void gateway_line_bytes(struct gateway *gateway, int line, const uint8_t *bytes, size_t size);

/* The transport is up: subscribes and says hello. */
void gateway_on_connected(struct gateway *gateway);

/* It is gone, or another attempt failed; may be called for each attempt. Logged once. */
void gateway_on_disconnected(struct gateway *gateway, const char *reason, unsigned retry_ms);

/* A message on any topic; what is not meant for us, or not decodable, is counted and dropped. */
void gateway_on_message(
    struct gateway *gateway, const char *topic, const uint8_t *payload, size_t size);

/* Do what has come due. Cheap when nothing has. */
void gateway_tick(struct gateway *gateway, struct gateway_due *ret_due);

/*
 * Whether a watchdog may believe in it: its readers are polled when they are due, housekeeping is
 * done when it is due, and the outbox is open. A reader that is broken or a disk that is full is
 * alive: starting anew would help neither.
 */
bool gateway_is_alive(struct gateway *gateway);

/* The heartbeat's content at this moment, with all counters. */
void gateway_state(struct gateway *gateway, struct device_state *ret_state);

/* One line for a person: "ok" or what is wrong first, then the counts. Returns line. */
const char *gateway_status(struct gateway *gateway, char line[static GATEWAY_STATUS_SIZE]);

/*
 * The MQTT will (topic, retained payload): "this device went offline". Fixed for the life
 * of the gateway. 0 or -ENOBUFS.
 */
int gateway_will(struct gateway *gateway, char ret_topic[static TOPIC_MAX], uint8_t *payload,
    size_t capacity, size_t *ret_size);

#endif
