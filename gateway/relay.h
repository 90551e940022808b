/*
 * relay.h - tag readers at this gateway: takes their records, keeps them, and sees them to the
 * collector.
 *
 *     line ── link frames ──▶ relay (who is it, what is held) ──▶ outbox_relay (commit)
 *     line ◀─ held, done ──── courier ── hello, batches ──▶ collector ── ack ──▶ courier
 *
 * A line is whatever brings bytes of one tag reader: a UART, a USB serial port. The relay does not
 * know which; gateway/taglines.h does. docs/PROTOCOL.md, "The link", is the protocol. What a tag
 * reader signed is stored and sent as it came.
 *
 * Held is told after the commit; all lines that wait for one share it. Nothing a tag reader does
 * touches the gateway's own outbox.
 *
 * Ownership: conf is copied; ports' user outlives the relay.
 * Threads:   one thread. Blocking: relay_tick() waits for the disk when records came.
 * Time:      ports.uplink.now_us, real time.
 */
#ifndef ECM_GATEWAY_RELAY_H
#define ECM_GATEWAY_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/uplink.h"
#include "proto/link.h"

enum {
    RELAY_LINES_MAX = 64,
    RELAY_LOGS_MAX = 512,
    RELAY_PROTOCOL_MIN = 1,
    RELAY_PROTOCOL_MAX = 1,
};

struct err;
struct hal_clock;
struct relay;
struct tag_reader_state;

struct relay_conf {
    const char *site;
    const char *gateway_id;
    const char *path; /* of the store, beside the outbox */
    uint64_t bytes_max;
    unsigned keep_days;
    const char *update_path;             /* image for tag readers; NULL: none is offered */
    uint32_t protocol_min, protocol_max; /* 0: RELAY_PROTOCOL_MIN, _MAX. Others are for tests */
};

struct relay_ports {
    void *user;
    struct uplink_port uplink;
    struct hal_clock *clock; /* what time tag readers are told, and how far it is trusted */
    /* Bytes for a line. Lost bytes are no harm. Must not call the relay. */
    void (*send)(void *user, int line, const uint8_t *bytes, size_t size);
    /* Tell the site: event of docs/OPERATIONS.md and a sentence. */
    void (*alert)(void *user, const char *event, const char *text);
    /* A tag reader has done a command of relay_command(). */
    void (*command_done)(void *user, const struct command_result *result);
};

int relay_open(struct relay **ret_relay, const struct relay_conf *conf,
    const struct relay_ports *ports, struct err *err);

/* Commits what is held. NULL is allowed. */
void relay_close(struct relay *relay);

/* A line came up; name is for people ("usb-Pico_E6614..."). Its number, or -ENOSPC. */
int relay_line_open(struct relay *relay, const char *name);
void relay_line_close(struct relay *relay, int line);

/* Any bytes. Answers go out from here or from the next relay_tick(). */
void relay_on_bytes(struct relay *relay, int line, const uint8_t *bytes, size_t size);

/* The connection to the broker, and what came on our ack topic that is not about our own log. */
void relay_on_connected(struct relay *relay);
void relay_on_disconnected(struct relay *relay);
void relay_on_ack(struct relay *relay, const struct ack *ack);

/* Commit, answer, send on. *ret_due_us as of uplink_tick(). */
void relay_tick(struct relay *relay, uint64_t *ret_due_us);

/* Mark what is done, delete what is old: once a minute. wall_ms or OUTBOX_NO_CLOCK. */
void relay_keep_house(struct relay *relay, int64_t wall_ms);

/* Give command to the tag reader device_id, by its next answer. 0; -ENOENT it is not here; -EBUSY
 * another command is on its way to it. */
int relay_command(struct relay *relay, const char *device_id, const struct command *command);

/* The tag readers that were heard since the start, those on a line first. Returns how many. */
size_t relay_readers(struct relay *relay, struct tag_reader_state *ret_readers, size_t max);

struct relay_counts {
    uint64_t batches, records; /* committed here */
    uint64_t commits;
    uint64_t refusals;
    uint64_t frames_bad;
    uint64_t owed; /* records that are held and not done */
    uint64_t store_bytes, store_bytes_max;
    unsigned lines;
    bool is_full;
};
void relay_counts(struct relay *relay, struct relay_counts *ret_counts);

#endif
