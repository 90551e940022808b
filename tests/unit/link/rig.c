/* rig.c - see rig.h. */
#include "tests/unit/link/rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* after setjmp.h */
#include <cmocka.h>

#include "base/chain.h"
#include "proto/topics.h"

enum { STEP_US = 1000, LINE_BYTES_A_MS = 12 };
#define WALL_MS INT64_C(1767225600000)

uint64_t rig_chance(struct rig *rig, uint64_t limit)
{
    rig->random ^= rig->random << 13;
    rig->random ^= rig->random >> 7;
    rig->random ^= rig->random << 17;
    return rig->random % limit;
}

static uint64_t boot_clock(const struct rig_reader *reader)
{
    return reader->rig->now_us - reader->boot_us;
}

/* ---- the tag reader's ports --------------------------------------------------------------- */

static void put(struct rig_pipe *pipe, const uint8_t *bytes, size_t size)
{
    if (pipe->size + size <= sizeof pipe->bytes) {
        memcpy(pipe->bytes + pipe->size, bytes, size);
        pipe->size += size;
    }
}

static void reader_send(void *user, const uint8_t *bytes, size_t size)
{
    struct rig_reader *reader = user;

    if (reader->gateway >= 0) {
        put(&reader->to_gateway, bytes, size);
    }
}

static uint64_t log_epoch(void *user)
{
    return ((struct rig_reader *)user)->epoch;
}

static uint64_t log_head(void *user)
{
    return ((struct rig_reader *)user)->head;
}

static uint64_t log_done(void *user)
{
    return ((struct rig_reader *)user)->done;
}

static uint64_t log_oldest(void *user)
{
    struct rig_reader *reader = user;

    return reader->oldest > reader->head + 1 ? reader->head + 1 : reader->oldest;
}

static int log_read(
    void *user, uint64_t from_seq, uint64_t *ret_seq, const uint8_t **ret_bytes, size_t *ret_size)
{
    struct rig_reader *reader = user;

    if (from_seq >= reader->hole_from && from_seq <= reader->hole_to) {
        from_seq = reader->hole_to + 1;
    }
    if (from_seq == 0 || from_seq > reader->head) {
        return -ENOENT;
    }
    *ret_seq = from_seq;
    *ret_bytes = reader->records[from_seq];
    *ret_size = reader->sizes[from_seq];
    return 0;
}

static int log_chain_before(void *user, uint64_t seq, uint8_t ret_head[static MESSAGE_HASH_SIZE])
{
    struct rig_reader *reader = user;

    if (seq == 0 || seq > reader->head + 1) {
        return -ENOENT;
    }
    memcpy(ret_head, reader->heads[seq - 1], MESSAGE_HASH_SIZE);
    return 0;
}

/* What was freed may be gone at once: it must be at the collector. */
static void log_set_done(void *user, uint64_t seq)
{
    struct rig_reader *reader = user;

    assert_true(seq <= reader->head);
    assert_true(seq <= reader->mark);
    reader->done = seq;
}

static void append(struct rig_reader *reader, struct record *record)
{
    size_t size = 0;

    assert_true(reader->head < RIG_RECORDS_MAX);
    record->seq = reader->head + 1;
    assert_int_equal(record_encode(record, reader->records[record->seq], 128, &size), 0);
    reader->sizes[record->seq] = size;
    chain_next(reader->rig->chain, reader->heads[reader->head], reader->records[record->seq], size,
        reader->heads[record->seq]);
    reader->head++;
}

static bool reader_anchor(void *user, const struct record *record)
{
    struct record anchor = *record;

    append(user, &anchor);
    return true;
}

static void reader_state(void *user, struct link_state *ret_state)
{
    ret_state->reader_ok = true;
    ret_state->taps_total = ((struct rig_reader *)user)->head;
}

static int reader_command(
    void *user, const struct command *command, struct command_result *ret_result)
{
    ((struct rig_reader *)user)->commands++;
    (void)snprintf(ret_result->text, sizeof ret_result->text, "%s", command->name);
    return 0;
}

static void crypto_chain(void *user, const uint8_t head[static MESSAGE_HASH_SIZE],
    const uint8_t *record, size_t size, uint8_t ret_head[static MESSAGE_HASH_SIZE])
{
    chain_next(((struct rig_reader *)user)->rig->chain, head, record, size, ret_head);
}

static void crypto_sign(void *user, const uint8_t *input, size_t size,
    uint8_t ret_signature[static MESSAGE_SIGNATURE_SIZE])
{
    assert_int_equal(
        signer_sign(((struct rig_reader *)user)->rig->signer, input, size, ret_signature), 0);
}

static int update_offer(void *user, const struct link_update_offer *offer)
{
    struct rig_reader *reader = user;

    reader->offer = *offer;
    reader->has_offer = true;
    reader->update_size = 0;
    return 0;
}

static bool update_wants(void *user, struct link_update_request *ret_request)
{
    struct rig_reader *reader = user;

    if (!reader->has_offer || reader->update_size >= reader->offer.size) {
        return false;
    }
    memcpy(ret_request->image_sha256, reader->offer.image_sha256, LINK_IMAGE_HASH_SIZE);
    ret_request->offset = reader->update_size;
    ret_request->size = 512;
    return true;
}

static void update_block(void *user, uint32_t offset, const uint8_t *data, size_t size)
{
    struct rig_reader *reader = user;

    (void)data;
    if (offset == reader->update_size) {
        reader->update_size += (uint32_t)size;
    }
    reader->has_offer = size > 0;
}

static bool update_result(void *user, struct link_update_result *ret_result)
{
    struct rig_reader *reader = user;

    memcpy(ret_result->image_sha256, reader->offer.image_sha256, LINK_IMAGE_HASH_SIZE);
    return reader->has_offer && reader->update_size == reader->offer.size &&
           !reader->update_is_told;
}

static void update_told(void *user)
{
    ((struct rig_reader *)user)->update_is_told = true;
}

void rig_reader_boot(struct rig *rig, int number)
{
    struct rig_reader *reader = &rig->readers[number];
    const struct session_conf conf = {
        .device_id = reader->id,
        .version = "1",
        .board = "rig",
        .failed_update = reader->failed_update,
        .boot_id = rig->random ^ ++reader->boots,
        .public_key = rig->is_signing ? rig->public_key : NULL,
        .baud = 115200,
    };
    const struct session_ports ports = {
        .user = reader,
        .send = reader_send,
        .anchor = reader_anchor,
        .state = reader_state,
        .command = reader_command,
        .log = {reader, log_epoch, log_head, log_done, log_oldest, log_read, log_chain_before,
            log_set_done},
        .crypto = {reader, crypto_chain, rig->is_signing ? crypto_sign : NULL},
        .update = {reader, update_offer, update_wants, update_block, update_result, update_told},
    };

    reader->boot_us = rig->now_us - STEP_US;
    reader->to_gateway.size = 0;
    session_init(&reader->session, &conf, &ports);
}

void rig_tap(struct rig *rig, int number)
{
    struct rig_reader *reader = &rig->readers[number];
    struct record record = {.type = RECORD_TAP};

    timesync_stamp(session_clock(&reader->session), boot_clock(reader), &record);
    (void)snprintf(record.tap.reader, sizeof record.tap.reader, "nfc0");
    record.tap.uid_size = 7;
    memcpy(record.tap.uid, &reader->head, 7);
    record.tap.direction = TAP_IN;
    append(reader, &record);
}

/* ---- the collector ------------------------------------------------------------------------ */

static struct rig_reader *reader_of(struct rig *rig, const char *device_id, uint64_t epoch)
{
    for (size_t i = 0; i < RIG_READERS; i++) {
        if (strcmp(rig->readers[i].id, device_id) == 0 && rig->readers[i].epoch == epoch) {
            return &rig->readers[i];
        }
    }
    fail_msg("a gateway speaks of %s", device_id);
    return NULL;
}

static void answer(struct rig_gateway *gateway, const struct rig_reader *reader, bool wants_resend)
{
    struct ack ack = {.epoch = reader->epoch, .through_seq = reader->mark};

    memcpy(ack.device_id, reader->id, sizeof ack.device_id);
    (void)snprintf(ack.collector_id, sizeof ack.collector_id, "centre");
    memcpy(ack.chain_head, reader->heads[reader->mark], sizeof ack.chain_head);
    ack.wants_resend = wants_resend;
    ack.resend_from_seq = wants_resend ? reader->mark + 1 : 0;
    if (gateway->ack_count < RIG_ACKS_MAX) {
        gateway->acks[gateway->ack_count++] = ack;
    }
}

static void check_signature(const struct rig *rig, const struct batch *batch)
{
    uint8_t input[BATCH_SIGNING_INPUT_MAX];

    assert_true(batch->has_signature);
    assert_int_equal(signature_check(rig->public_key, input, batch_signing_input(batch, input),
                         batch->signature),
        0);
}

static void collect_batch(
    struct rig_gateway *gateway, struct rig_reader *reader, const struct batch *batch)
{
    uint64_t last_seq = batch->first_seq + batch->record_count - 1;

    for (size_t i = 0; i < batch->record_count; i++) {
        uint64_t seq = batch->first_seq + i;

        assert_int_equal(batch->records[i].size, reader->sizes[seq]);
        assert_memory_equal(batch->records[i].bytes, reader->records[seq], reader->sizes[seq]);
    }
    if (reader->hole_to == 0) {
        assert_memory_equal(batch->chain_head, reader->heads[last_seq], MESSAGE_HASH_SIZE);
    }
    if (gateway->rig->is_signing) {
        check_signature(gateway->rig, batch);
    }
    if (batch->first_seq <= reader->mark + 1 && last_seq > reader->mark) {
        reader->mark = last_seq;
    }
    answer(gateway, reader, batch->first_seq > reader->mark + 1);
}

static int collect(void *user, const char *topic, const uint8_t *payload, size_t size, bool retain)
{
    struct rig_gateway *gateway = user;
    struct rig_reader *reader = NULL;
    struct up_message up;

    (void)topic;
    (void)retain;
    if (!gateway->is_online) {
        return -ENOTCONN;
    }
    if (rig_chance(gateway->rig, 100) < gateway->rig->lost_messages) {
        return 0;
    }
    assert_int_equal(up_message_decode(payload, size, &up), 0);
    if (up.kind == UP_HELLO) {
        reader = reader_of(gateway->rig, up.hello.device_id, up.hello.epoch);
        /* As the collector does with a gap that nobody can fill. */
        if (reader->hole_to != 0 && reader->mark + 1 == reader->hole_from &&
            up.hello.oldest_seq == reader->hole_to + 1) {
            reader->mark = reader->hole_to;
        }
        answer(gateway, reader, up.hello.acked_seq > reader->mark);
    } else {
        collect_batch(
            gateway, reader_of(gateway->rig, up.batch.device_id, up.batch.epoch), &up.batch);
    }
    up_message_done(&up);
    return 0;
}

/* ---- gateways ----------------------------------------------------------------------------- */

static int subscribe(void *user, const char *topic)
{
    (void)user;
    (void)topic;
    return 0;
}

static uint64_t tell_now(void *user)
{
    return ((struct rig_gateway *)user)->rig->now_us;
}

static void line_send(void *user, int line, const uint8_t *bytes, size_t size)
{
    struct rig_gateway *gateway = user;
    int number = (int)(gateway - gateway->rig->gateways);

    for (size_t i = 0; i < RIG_READERS; i++) {
        struct rig_reader *reader = &gateway->rig->readers[i];

        if (reader->gateway == number && reader->line == line) {
            put(&reader->to_reader, bytes, size);
        }
    }
}

static void note_alert(void *user, const char *event, const char *text)
{
    struct rig_gateway *gateway = user;

    (void)text;
    gateway->alerts++;
    (void)snprintf(gateway->alert, sizeof gateway->alert, "%s", event);
}

static void note_result(void *user, const struct command_result *result)
{
    struct rig_gateway *gateway = user;

    gateway->result = *result;
    gateway->results++;
}

static void join(struct rig *rig, struct rig_reader *reader)
{
    reader->line = relay_line_open(rig->gateways[reader->gateway].relay, "pty");
    assert_true(reader->line >= 0);
}

void rig_gateway_start(struct rig *rig, int number)
{
    struct rig_gateway *gateway = &rig->gateways[number];
    const struct relay_conf conf = {.site = "home",
        .gateway_id = gateway->id,
        .path = gateway->path,
        .bytes_max = gateway->bytes_max,
        .keep_days = 90,
        .protocol_min = gateway->protocol_min,
        .protocol_max = gateway->protocol_max};
    const struct relay_ports ports = {.user = gateway,
        .uplink = {gateway, collect, subscribe, tell_now},
        .clock = &rig->clock.base,
        .send = line_send,
        .alert = note_alert,
        .command_done = note_result};

    assert_int_equal(relay_open(&gateway->relay, &conf, &ports, NULL), 0);
    if (gateway->is_online) {
        relay_on_connected(gateway->relay);
    }
    for (size_t i = 0; i < RIG_READERS; i++) {
        if (rig->readers[i].gateway == number) {
            join(rig, &rig->readers[i]);
        }
    }
}

void rig_gateway_stop(struct rig *rig, int number)
{
    relay_close(rig->gateways[number].relay);
    rig->gateways[number].relay = NULL;
    rig->gateways[number].ack_count = 0;
}

void rig_gateway_wipe(struct rig *rig, int number)
{
    char name[128];

    (void)unlink(rig->gateways[number].path);
    (void)snprintf(name, sizeof name, "%s-wal", rig->gateways[number].path);
    (void)unlink(name);
}

void rig_set_online(struct rig *rig, int number, bool is_online)
{
    struct rig_gateway *gateway = &rig->gateways[number];

    gateway->is_online = is_online;
    if (gateway->relay != NULL && is_online) {
        relay_on_connected(gateway->relay);
    } else if (gateway->relay != NULL) {
        relay_on_disconnected(gateway->relay);
    }
}

void rig_plug(struct rig *rig, int number, int gateway)
{
    struct rig_reader *reader = &rig->readers[number];

    rig_pull(rig, number);
    reader->gateway = gateway;
    if (rig->gateways[gateway].relay != NULL) {
        join(rig, reader);
    }
}

void rig_pull(struct rig *rig, int number)
{
    struct rig_reader *reader = &rig->readers[number];

    if (reader->gateway >= 0 && rig->gateways[reader->gateway].relay != NULL) {
        relay_line_close(rig->gateways[reader->gateway].relay, reader->line);
    }
    reader->gateway = -1;
    reader->to_gateway.size = 0;
    reader->to_reader.size = 0;
}

/* ---- time --------------------------------------------------------------------------------- */

/* Take what the line carries in a step, as it comes out at the other end. */
static size_t take(struct rig *rig, struct rig_pipe *pipe, uint8_t *bytes)
{
    size_t size = pipe->size < LINE_BYTES_A_MS ? pipe->size : LINE_BYTES_A_MS;
    size_t out = 0;

    for (size_t i = 0; i < size; i++) {
        uint64_t luck = rig_chance(rig, 10000);
        uint8_t byte = pipe->bytes[i];

        if (luck < rig->noise.lost) {
            continue;
        }
        luck -= rig->noise.lost;
        if (luck < rig->noise.changed) {
            byte = (uint8_t)rig_chance(rig, 256);
        } else if (luck - rig->noise.changed < rig->noise.doubled) {
            bytes[out++] = byte;
        } else if (luck - rig->noise.changed - rig->noise.doubled < rig->noise.swapped && out > 0) {
            uint8_t before = bytes[out - 1];

            bytes[out - 1] = byte;
            byte = before;
        }
        bytes[out++] = byte;
    }
    pipe->size -= size;
    memmove(pipe->bytes, pipe->bytes + size, pipe->size);
    return out;
}

static void step_reader(struct rig *rig, struct rig_reader *reader)
{
    struct rig_gateway *gateway = reader->gateway < 0 ? NULL : &rig->gateways[reader->gateway];
    uint8_t bytes[2 * LINE_BYTES_A_MS];
    size_t size = 0;

    if (gateway != NULL && gateway->relay != NULL) {
        size = take(rig, &reader->to_gateway, bytes);
        relay_on_bytes(gateway->relay, reader->line, bytes, size);
        size = take(rig, &reader->to_reader, bytes);
        session_on_bytes(&reader->session, boot_clock(reader), bytes, size);
    } else {
        reader->to_gateway.size = 0;
    }
    session_tick(&reader->session, boot_clock(reader));
}

static void step_gateway(struct rig *rig, struct rig_gateway *gateway)
{
    uint64_t due_us = 0;

    if (gateway->relay == NULL) {
        return;
    }
    relay_tick(gateway->relay, &due_us);
    for (size_t i = 0; i < gateway->ack_count; i++) {
        if (rig_chance(rig, 100) >= rig->lost_messages) {
            relay_on_ack(gateway->relay, &gateway->acks[i]);
        }
    }
    gateway->ack_count = 0;
}

void rig_run(struct rig *rig, unsigned ms)
{
    for (unsigned i = 0; i < ms; i++) {
        rig->now_us += STEP_US;
        fake_clock_advance_us(&rig->clock, STEP_US);
        for (size_t r = 0; r < RIG_READERS; r++) {
            step_reader(rig, &rig->readers[r]);
        }
        for (size_t g = 0; g < RIG_GATEWAYS; g++) {
            step_gateway(rig, &rig->gateways[g]);
        }
    }
}

bool rig_run_until_done(struct rig *rig, int number, unsigned max_ms)
{
    const struct rig_reader *reader = &rig->readers[number];

    for (unsigned i = 0; i < max_ms && reader->done < reader->head; i++) {
        rig_run(rig, 1);
    }
    return reader->done == reader->head;
}

/* ---- life --------------------------------------------------------------------------------- */

struct rig *rig_new(uint64_t seed)
{
    struct rig *rig = calloc(1, sizeof *rig);
    char key[96];

    assert_non_null(rig);
    rig->random = seed | 1;
    rig->now_us = 10 * 1000 * 1000;
    rig->is_signing = true;
    (void)snprintf(rig->folder, sizeof rig->folder, "/tmp/ecm-rig-XXXXXX");
    assert_non_null(mkdtemp(rig->folder));
    rig->chain = chain_new();
    assert_non_null(rig->chain);
    (void)snprintf(key, sizeof key, "%s/key", rig->folder);
    assert_int_equal(signer_open(&rig->signer, key, NULL), 0);
    signer_public_key(rig->signer, rig->public_key);
    fake_clock_init(&rig->clock, seed, WALL_MS);
    fake_clock_sync(&rig->clock, WALL_MS, 1);
    for (int i = 0; i < RIG_GATEWAYS; i++) {
        struct rig_gateway *gateway = &rig->gateways[i];

        gateway->rig = rig;
        gateway->is_online = true;
        gateway->bytes_max = 16 << 20;
        (void)snprintf(gateway->id, sizeof gateway->id, "GW-%c", 'A' + i);
        (void)snprintf(gateway->path, sizeof gateway->path, "%s/%c.db", rig->folder, 'a' + i);
    }
    for (int i = 0; i < RIG_READERS; i++) {
        struct rig_reader *reader = &rig->readers[i];

        reader->rig = rig;
        reader->gateway = -1;
        reader->oldest = 1;
        reader->epoch = 1000 + (uint64_t)i;
        (void)snprintf(reader->id, sizeof reader->id, "PR-%d", i + 1);
        chain_start(rig->chain, reader->id, reader->epoch, reader->heads[0]);
        rig_reader_boot(rig, i);
    }
    return rig;
}

void rig_free(struct rig *rig)
{
    char name[128];

    for (int i = 0; i < RIG_GATEWAYS; i++) {
        rig_gateway_stop(rig, i);
        rig_gateway_wipe(rig, i);
    }
    (void)snprintf(name, sizeof name, "%s/key", rig->folder);
    (void)unlink(name);
    (void)rmdir(rig->folder);
    signer_close(rig->signer);
    chain_free(rig->chain);
    free(rig);
}
