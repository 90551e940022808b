/*
 * relay_internal.h - the inside of a relay, shared by
 *   relay.c          lines, frames, the commit; the only one that logs
 *   relay_requests.c what becomes of a batch, a question for the time ...
 *   relay_update.c   the update that is offered
 *   relay_report.c   what it tells about itself
 *   relay_greet.c    who may come in, and where its log stands
 *   relay_courier.c  relayed logs and the collector
 */
#ifndef ECM_GATEWAY_RELAY_INTERNAL_H
#define ECM_GATEWAY_RELAY_INTERNAL_H

#include <time.h>

#include "gateway/outbox_relay.h"
#include "gateway/relay.h"
#include "gateway/timetrust.h"
#include "proto/link_frame.h"
#include "proto/topics.h"

#define RELAY_SILENT_US (10ull * 1000000u)      /* a line that said nothing for so long is free */
#define RELAY_KEY_US (24ull * 3600u * 1000000u) /* so long another key is an impostor's */
#define RELAY_ONLINE_S 40                       /* it asks every 15 s at least */
#define RELAY_ALERT_EVERY_US (3600ull * 1000000u)

enum relay_alert {
    RELAY_ALERT_TWICE,
    RELAY_ALERT_KEY,
    RELAY_ALERT_VERSION,
    RELAY_ALERT_GAP,
    RELAY_ALERT_ROLLED_BACK,
    RELAY_ALERT_COUNT
};

/* One log of one tag reader. */
struct relay_log {
    struct relay_store_log stored; /* as committed */
    struct relay_store_log now;    /* as it will be */
    bool is_dirty;
    int line; /* -1: its tag reader is not here */

    /* What the tag reader said last. heard_us 0: nothing since the start. */
    uint64_t heard_us;
    uint64_t boot_id;
    uint64_t head_seq;
    uint64_t oldest_seq;
    char version[LINK_NAME_MAX + 1];
    char board[LINK_NAME_MAX + 1];
    char failed_update[LINK_NAME_MAX + 1];
    struct link_state state;
    uint64_t alerted_us[RELAY_ALERT_COUNT];

    uint64_t chain_seq; /* chain is that after this record */
    uint8_t chain[MESSAGE_HASH_SIZE];
    uint64_t wish_seq; /* the collector misses this one and we do not have it; 0: none */

    /* The courier. */
    bool is_agreed;
    bool has_greeted;
    uint64_t base_seq; /* the collector's mark, as last heard */
    uint64_t next_seq; /* to send next */
    uint64_t resent_seq;
    uint64_t answer_due_us; /* UINT64_MAX: none is owed */
    uint64_t timeout_us;
};

/* What is answered after the commit. */
enum relay_answer { RELAY_ANSWER_NONE, RELAY_ANSWER_WELCOME, RELAY_ANSWER_ACK };

struct relay_line {
    bool is_open;
    char name[64];
    struct link_decoder decoder;
    struct relay_log *log; /* NULL: nobody said hello */
    uint8_t protocol;
    uint64_t heard_us;
    enum relay_answer answer;
    uint8_t answer_to; /* its ack_seq */
    bool is_full;      /* ... the batch was not kept */
    bool has_command;
    struct command command;
    bool update_is_over;    /* its tag reader told a result */
    bool is_told_unfitting; /* ... it was said that the update is for another board */
};

struct relay {
    char site[TOPIC_NAME_MAX + 1];
    char gateway_id[DEVICE_ID_MAX + 1];
    char up_topic[TOPIC_MAX];
    unsigned keep_days;
    uint32_t protocol_min, protocol_max;
    struct relay_ports ports;
    struct timetrust timetrust;
    struct relay_store *store;
    bool is_connected;
    bool is_full;
    bool is_broken; /* the last commit failed */
    uint64_t retry_us;
    uint32_t random;
    struct relay_log *logs[RELAY_LOGS_MAX];
    size_t log_count;
    size_t log_turn; /* whose turn it is to send */
    struct relay_line *lines[RELAY_LINES_MAX];
    struct relay_counts counts;
    char update_path[256];
    struct timespec update_mtime; /* of the file that was looked at */
    uint64_t update_inode;
    int update_rc;
    int update_told; /* the code that was told last */
    bool has_image;
    struct link_update_offer offer;
    uint8_t *image;
    uint8_t payload[LINK_PAYLOAD_MAX];
    uint8_t frame[LINK_FRAME_MAX];
    uint8_t message[SMALL_MESSAGE_MAX];
};

static inline uint64_t relay_now_us(const struct relay *relay)
{
    return relay->ports.uplink.now_us(relay->ports.uplink.user);
}

/* An answer at once. */
void relay_send(struct relay *relay, int line, enum link_type type, uint8_t ack_seq, size_t size);
void relay_refuse(struct relay *relay, int line, uint8_t ack_seq, enum link_refusal_code code,
    const char *reason);

/* Log and tell the site, at most once an hour a log. */
void relay_complain(struct relay *relay, struct relay_log *log, enum relay_alert kind, int line);

/* Whether there was room for the last batch; told when it changes. */
void relay_set_full(struct relay *relay, bool is_full);

/* What became of an update. */
void relay_tell_update(
    struct relay *relay, const struct relay_log *log, const struct link_update_result *result);

/* An update that was taken over did not prove itself. */
void relay_tell_failed_update(struct relay *relay, const struct relay_log *log);

/* Look at the update file, when it changed. 0; ECM_EFORMAT it is no bundle; -errno. */
int relay_load_update(struct relay *relay);

/* Whether there is an update for the tag reader on this line. */
bool relay_is_offered(const struct relay *relay, const struct relay_line *here);

/* Any request but a hello, of a line that has a log. */
void relay_take_request(struct relay *relay, int line, const struct link_frame *frame);

/* A hello has come: let it in (the answer is owed after the commit), or refuse it. */
void relay_greet(struct relay *relay, int line, const struct link_frame *frame);

/* NULL: none. */
struct relay_log *relay_find_log(struct relay *relay, const char *device_id, uint64_t epoch);

/* What is to be sent to the collector; when to come again. */
uint64_t relay_courier_tick(struct relay *relay, uint64_t now_us);

/* Begin anew with the collector: another log, another state of it. */
void relay_courier_restart(struct relay_log *log);

#endif
