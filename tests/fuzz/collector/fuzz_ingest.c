/*
 * fuzz_ingest.c - any bytes as an up-message and as a state, into ingest over a store in memory.
 *
 * The first byte chooses the topic. Whatever comes, a good batch afterwards is stored and
 * acknowledged, and nothing was promised before.
 */
#include <stdlib.h>
#include <string.h>

#include "base/chain.h"
#include "base/log.h"
#include "collector/ingest/ingest.h"
#include "collector/storage/storage.h"
#include "collector/storage/storage_sqlite.h"
#include "proto/messages.h"
#include "proto/topics.h"

struct broker {
    uint64_t good_through;
};

static int take_publish(void *user, const char *topic, const uint8_t *bytes, size_t size)
{
    struct broker *broker = user;
    struct topic parsed;
    struct ack ack;

    if (topic_parse(topic, &parsed) < 0) {
        abort();
    }
    if (parsed.kind == TOPIC_ACK) {
        if (ack_decode(bytes, size, &ack) < 0) {
            abort();
        }
        if (strcmp(ack.device_id, "GOOD") == 0) {
            broker->good_through = ack.through_seq;
        }
    }
    return 0;
}

static int64_t some_day(void *user)
{
    (void)user;
    return INT64_C(1603065600000);
}

static size_t good_batch(uint8_t *bytes, size_t capacity)
{
    struct record record = {.seq = 1, .type = RECORD_BOOT, .note = {.text = "1"}};
    struct bytes_view view = {.size = 0};
    struct batch batch = {.device_id = "GOOD",
        .epoch = 1,
        .first_seq = 1,
        .record_count = 1,
        .records = &view,
        .head_seq = 1};
    uint8_t encoded[RECORD_BYTES_MAX];
    struct chain *chain = chain_new();
    size_t size = 0;

    if (chain == NULL || record_encode(&record, encoded, sizeof encoded, &view.size) < 0) {
        abort();
    }
    view.bytes = encoded;
    chain_start(chain, "GOOD", 1, batch.chain_head);
    chain_next(chain, batch.chain_head, encoded, view.size, batch.chain_head);
    chain_free(chain);
    if (batch_encode(&batch, bytes, capacity, &size) < 0) {
        abort();
    }
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const topics[] = {
        "ecm/v1/home/GW-1/up", "ecm/v1/home/GW-1/state", "ecm/v1/home/GW-2/up"};
    static uint8_t good[BATCH_BYTES_MAX];
    struct broker broker = {.good_through = 0};
    struct ingest_ports ports = {.publish = take_publish, .now_ms = some_day, .user = &broker};
    struct ingest *ingest = NULL;

    if (size == 0) {
        return 0;
    }
    log_set_level(LOG_LEVEL_ERR);
    if (storage_sqlite_open(&ports.storage, ":memory:", 0, NULL) < 0 ||
        ingest_open(&ingest, &ports, "centre", NULL) < 0) {
        abort();
    }
    for (int twice = 0; twice < 2; twice++) {
        ingest_message(ingest, topics[data[0] % 3], data + 1, size - 1);
        if (ingest_commit(ingest) < 0) {
            abort();
        }
    }
    ingest_message(ingest, "ecm/v1/home/GOOD/up", good, good_batch(good, sizeof good));
    if (broker.good_through != 0 || ingest_commit(ingest) < 0 || broker.good_through != 1) {
        abort();
    }
    ingest_close(ingest);
    storage_close(ports.storage);
    return 0;
}
