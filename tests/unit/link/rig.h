/*
 * rig.h - tag readers, gateways and a collector in one process, under one simulated clock, joined by
 * lines that may lose, change, repeat and swap bytes.
 *
 * The readers run firmware/link, the gateways run gateway/relay over a store on disk; the collector is
 * the rule of docs/PROTOCOL.md in twenty lines, and checks what it is given: every record it takes must
 * be the one the reader made. Every broken promise fails the test.
 */
#ifndef ECM_TESTS_UNIT_LINK_RIG_H
#define ECM_TESTS_UNIT_LINK_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firmware/link/session.h"
#include "gateway/relay.h"
#include "hal/fake/fake_clock.h"

enum {
    RIG_READERS = 3,
    RIG_GATEWAYS = 2,
    RIG_RECORDS_MAX = 4096,
    RIG_PIPE_SIZE = 16384,
    RIG_ACKS_MAX = 256,
};

struct chain;
struct rig;
struct signer;

/* How bad a line is: of 10,000 bytes so many are ... */
struct rig_noise {
    unsigned lost, changed, doubled, swapped;
};

struct rig_pipe {
    size_t size;
    uint8_t bytes[RIG_PIPE_SIZE];
};

struct rig_reader {
    struct rig *rig;
    char id[DEVICE_ID_MAX + 1];
    uint64_t epoch;
    uint64_t boot_us; /* of the simulated clock, when it started last */
    unsigned boots;
    struct session session;
    uint64_t head, done, oldest;
    uint64_t hole_from, hole_to; /* records that cannot be read; 0: all can */
    size_t sizes[RIG_RECORDS_MAX + 1];
    uint8_t records[RIG_RECORDS_MAX + 1][128];
    uint8_t heads[RIG_RECORDS_MAX + 1][MESSAGE_HASH_SIZE];
    uint64_t mark; /* the collector's */
    unsigned commands;
    int gateway; /* where its cable is; -1: nowhere */
    int line;
    struct rig_pipe to_gateway, to_reader;
    struct link_update_offer offer;
    bool has_offer;
    uint32_t update_size;
    bool update_is_told;
    const char *failed_update; /* what it says of itself from its next start on; NULL: nothing */
};

struct rig_gateway {
    struct rig *rig;
    char id[DEVICE_ID_MAX + 1];
    struct relay *relay; /* NULL: off */
    char path[96];
    uint64_t bytes_max;
    uint32_t protocol_min, protocol_max;
    bool is_online;
    size_t ack_count;
    struct ack acks[RIG_ACKS_MAX];
    unsigned alerts;
    char alert[48]; /* the last event */
    struct command_result result;
    unsigned results;
};

struct rig {
    char folder[64];
    uint64_t now_us;
    uint64_t random;
    struct rig_noise noise;
    unsigned lost_messages; /* of 100 to and from the collector */
    struct fake_clock clock;
    struct chain *chain;
    struct signer *signer;
    uint8_t public_key[MESSAGE_KEY_SIZE];
    bool is_signing;
    struct rig_reader readers[RIG_READERS];
    struct rig_gateway gateways[RIG_GATEWAYS];
};

struct rig *rig_new(uint64_t seed);
void rig_free(struct rig *rig);

/* A number below limit. */
uint64_t rig_chance(struct rig *rig, uint64_t limit);

/* number: of the gateway, of the reader. */
void rig_gateway_start(struct rig *rig, int number);
void rig_gateway_stop(struct rig *rig, int number);
/* Another card: what it held is gone. It must be off. */
void rig_gateway_wipe(struct rig *rig, int number);
void rig_set_online(struct rig *rig, int number, bool is_online);

void rig_reader_boot(struct rig *rig, int number);
void rig_plug(struct rig *rig, int number, int gateway);
void rig_pull(struct rig *rig, int number);
void rig_tap(struct rig *rig, int number);

/* Let time pass, in steps of a millisecond. */
void rig_run(struct rig *rig, unsigned ms);
/* Until done is head for that reader, at most max_ms. false: not. */
bool rig_run_until_done(struct rig *rig, int number, unsigned max_ms);

#endif
