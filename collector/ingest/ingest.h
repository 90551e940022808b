/*
 * ingest.h - from a device's message to a committed record, an acknowledgement and nothing else.
 *
 * Messages go in one by one; what they ask of the store gathers in one transaction; ingest_commit()
 * ends it and only then answers. So an acknowledgement always speaks of what is on disk, a device
 * gets at most one a commit, and the busier it is the more a commit carries.
 *
 *   batch       taken when it begins at the mark + 1 of its log; else the mark is told again, with
 *               a wish to resend when something is missing
 *   chain       broken: quarantined and asked for once more; broken again: kept as it is, with an
 *               alert, because a tap is never thrown away for a fault of the device
 *   signature   checked against the first key the device ever showed; wrong or missing: kept,
 *               marked unverified, alert
 *   relayed     a gateway brings the log of a tag reader: the topic is another device's. Answered
 *               there. See ingest_internal.h for what is different
 *   hello       answered with the mark; records the device no longer has are noted as a gap
 *   state       the device believes more to be safe than we have (we are a restored backup), or it
 *               holds records and is silent: asked to send
 *   unreadable  quarantined with its bytes and answered with the reason; what follows goes on
 *
 * Ports:     struct ingest_ports; no clock, network or file but through it.
 * Errors:    a failed store call undoes the whole transaction. Nothing of it was acknowledged, so
 *            the devices send it again. The code comes out of ingest_commit(); the caller waits.
 * Threads:   one ingest belongs to one thread. Blocks as long as the store does.
 * Memory:    one small entry for each log ever seen.
 */
#ifndef ECM_COLLECTOR_INGEST_INGEST_H
#define ECM_COLLECTOR_INGEST_INGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct ingest;
struct storage;

/* A transaction that has gathered so many bytes is committed without waiting for more. */
#define INGEST_COMMIT_BYTES (8u << 20)
/* ... and so is one that is open for so long: devices that hear nothing send again. */
#define INGEST_COMMIT_MS 100
/* A device that holds records and has sent nothing for so long is asked to send. */
#define INGEST_SILENCE_MS 10000

/* Records that no gateway had for so long are given up as a gap. */
#define INGEST_RELAY_GAP_MS (48 * 3600 * 1000)
#define INGEST_RELAY_ASK_MS 60000 /* ... and are asked for so often meanwhile */

struct ingest_ports {
    struct storage *storage;
    /* Hand a message to the broker. What it returns is ignored: the device will ask again. */
    int (*publish)(void *user, const char *topic, const uint8_t *bytes, size_t size);
    int64_t (*now_ms)(void *user);  /* Unix ms */
    uint64_t (*now_us)(void *user); /* any steady clock, to time commits by; NULL: they are not */
    /* Committed: taps of device_id that may lie between the two instants. NULL: nobody cares. */
    void (*touched)(void *user, const char *device_id, int64_t from_utc, int64_t to_utc);
    void *user;
    uint64_t quarantine_bytes_max; /* 0: any; what comes beyond is counted, see storage.h */
};

/* How long commits take: counts of those up to so many ms (and above the one before). */
enum { INGEST_COMMIT_BUCKETS = 9 };
extern const unsigned ingest_commit_bucket_ms[INGEST_COMMIT_BUCKETS];

struct ingest_counts {
    uint64_t messages;
    uint64_t batches, records; /* taken and committed */
    uint64_t commits;
    uint64_t repeated;    /* batches we had already */
    uint64_t ahead;       /* batches behind a gap */
    uint64_t quarantined; /* messages, also those there was no room for */
    uint64_t turned_away; /* of them: no room */
    uint64_t gaps;
    uint64_t chain_faults; /* batches */
    uint64_t inputs;       /* case and button records, committed */
    uint64_t unverified;   /* batches without a right signature, of devices with a key */
    uint64_t alerts;
    uint64_t failures;  /* transactions undone */
    uint64_t commit_us; /* spent in commits, all together */
    uint64_t commit_buckets[INGEST_COMMIT_BUCKETS];
};

/* A device is silent when nothing of it was heard for so long. */
#define INGEST_DEVICE_SILENT_MS 900000

struct ingest_gauges {
    uint64_t devices;
    uint64_t silent;  /* once we have listened for as long */
    uint64_t offline; /* by the broker's word */
    uint64_t behind;  /* with records that we do not have */
    uint64_t awaited; /* such records */
};

/* collector_id: how we call ourselves in acknowledgements. ports is copied. */
int ingest_open(struct ingest **ret_ingest, const struct ingest_ports *ports,
    const char *collector_id, struct err *err);

/* Undo what is not committed and release. NULL is allowed. */
void ingest_close(struct ingest *ingest);

/* Take one message. topic is any text; what is not for us is passed over. */
void ingest_message(struct ingest *ingest, const char *topic, const uint8_t *bytes, size_t size);

/*
 * Commit what was taken and answer. 0; or the store's code when it failed now or in a message
 * before: then nothing since the last commit counts.
 */
int ingest_commit(struct ingest *ingest);

struct ingest_counts ingest_counts(const struct ingest *ingest);

/* How the devices stand now, each by its newest log. Looks at every log. */
struct ingest_gauges ingest_gauges(const struct ingest *ingest);

#endif
