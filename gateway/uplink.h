/*
 * uplink.h - the end-to-end protocol from the outbox to the collector, over any transport.
 *
 * The transport may lose, repeat and delay whole messages; it promises nothing else. What
 * makes a record safe is the collector's ack, sent after its commit (docs/PROTOCOL.md):
 *
 *   1. On connect: hello. Nothing is sent before the collector has answered with its high-water
 *      mark; from there we continue, forwards or (a restored collector) backwards. When that answer
 *      asks to resend, it may have been caused by our state while the hello was lost: once more.
 *   2. Batches in seq order, up to BATCH_RECORDS_MAX records or BATCH_BYTES_MAX bytes; a lone tap
 *      goes at once. At most UPLINK_WINDOW records are unacked on the way.
 *   3. An ack is cumulative. wants_resend moves the next seq back, also below what was acked.
 *   4. No progress within the time-out: hello again, with the wait doubling from
 *      UPLINK_ACK_TIMEOUT_MIN_US to UPLINK_ACK_TIMEOUT_MAX_US. A collector that is away for a month
 *      costs one small message a minute, never a stream of batches. After UPLINK_STALLS_TO_SPLIT
 *      stalls at the same seq records go one by one, so that one that is refused cannot hold up
 *      what a batch holds besides it.
 *   5. An ack for another epoch is ignored. A collector that is ahead of our newest record, or
 *      whose chain head differs from ours at the same seq, has seen a log that we have lost (a card
 *      restored from an image): outbox_renew() begins a new epoch, with an alarm.
 *
 * Ownership: the port's user and the outbox outlive the uplink.
 * Threads:   one uplink belongs to one thread; nothing here blocks, except that an ack waits for
 *            the disk.
 */
#ifndef ECM_GATEWAY_UPLINK_H
#define ECM_GATEWAY_UPLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/messages.h"

enum {
    UPLINK_WINDOW = 2048,
    UPLINK_STALLS_TO_SPLIT = 2,
};
#define UPLINK_ACK_TIMEOUT_MIN_US (5u * 1000000u)
#define UPLINK_ACK_TIMEOUT_MAX_US (60u * 1000000u)

struct err;
struct outbox;
struct signer;
struct uplink;

/* What carries messages. base/mqtt.h in the daemon and the simulator, a list in tests. */
struct uplink_port {
    void *user;
    /* 0: taken, which promises nothing. -ENOTCONN, or -EAGAIN: later. Must not call back. */
    int (*publish)(void *user, const char *topic, const uint8_t *payload, size_t size, bool retain);
    /* Receive topic from now on, for this connection. Failures show as missing answers. */
    int (*subscribe)(void *user, const char *topic);
    /* Real time in microseconds, only counting up (loop_now_us()). */
    uint64_t (*now_us)(void *user);
};

struct uplink_conf {
    const char *site;
    const char *device;
    const char *version;
    uint64_t boot_id;
    struct signer *signer; /* NULL: batches go unsigned */
};

/* What happened, for health and for the caller to act on. */
enum uplink_event {
    UPLINK_NOTHING,
    UPLINK_LOG_ROLLED_BACK, /* the collector knows more of this epoch than we do, or otherwise */
    UPLINK_LOG_DAMAGED,     /* a record that is owed is not what was stored, or cannot be read */
};

struct uplink_counts {
    uint64_t batches_sent;
    uint64_t records_sent;
    uint64_t records_acked;
    uint64_t hellos_sent;
    uint64_t stalls;           /* acks that did not come in time */
    uint64_t resends_asked;    /* by the collector */
    uint64_t messages_ignored; /* not decodable, another device, another epoch */
};

/* conf's strings are copied. -ENOMEM; -EINVAL for names that cannot stand in a topic. */
int uplink_new(struct uplink **ret_uplink, const struct uplink_conf *conf,
    const struct uplink_port *port, struct outbox *box, struct err *err);
void uplink_free(struct uplink *uplink);

void uplink_on_connected(struct uplink *uplink);
void uplink_on_disconnected(struct uplink *uplink);

/* An ack's bytes, as they came. */
enum uplink_event uplink_on_ack(struct uplink *uplink, const uint8_t *payload, size_t size);

/* The outbox has a new epoch: forget what was agreed and say hello again. */
void uplink_restart(struct uplink *uplink);

/*
 * Send what may be sent, notice what did not come. *ret_due_us is when it wants to be called next,
 * on the port's now_us; UINT64_MAX: not before something happens.
 */
enum uplink_event uplink_tick(struct uplink *uplink, uint64_t *ret_due_us);

/* Whether the collector has answered our last hello. */
bool uplink_is_agreed(const struct uplink *uplink);

/* How many answers in a row did not come in time. */
unsigned uplink_silences(const struct uplink *uplink);

/* Why the collector refused something last; empty when it never did. */
const char *uplink_refusal(const struct uplink *uplink);

/* Seconds until all is acked at the rate of the last acks; 0 when nothing is owed or
 * unknown. */
uint32_t uplink_drain_eta_s(const struct uplink *uplink);

void uplink_counts(const struct uplink *uplink, struct uplink_counts *ret_counts);

#endif
