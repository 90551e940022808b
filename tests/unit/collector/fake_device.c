/* fake_device.c - see fake_device.h. */
#include "tests/unit/collector/fake_device.h"

#include <stdio.h>
#include <string.h>

#include "base/chain.h"
#include "tests/unit/suite.h"

void fake_device_init(struct fake_device *device, const char *id, uint64_t epoch)
{
    (void)memset(device, 0, sizeof *device);
    (void)snprintf(device->id, sizeof device->id, "%s", id);
    device->epoch = epoch;
    device->boot_id = 77;
    device->chain = chain_new();
    assert_non_null(device->chain);
    chain_start(device->chain, id, epoch, device->heads[0]);
}

void fake_device_done(struct fake_device *device)
{
    chain_free(device->chain);
    device->chain = NULL;
}

void fake_device_add(struct fake_device *device, struct record record)
{
    uint64_t seq = device->head_seq + 1;

    assert_true(seq <= FAKE_RECORDS_MAX);
    record.seq = seq;
    assert_int_equal(record_encode(&record, device->records[seq], sizeof device->records[seq],
                         &device->sizes[seq]),
        0);
    chain_next(device->chain, device->heads[seq - 1], device->records[seq], device->sizes[seq],
        device->heads[seq]);
    device->head_seq = seq;
}

void fake_device_tap(
    struct fake_device *device, uint8_t tag, enum tap_direction direction, int64_t wall_ms)
{
    struct record record = {
        .type = RECORD_TAP,
        .boot_id = device->boot_id,
        .boot_ms = 1000 * (device->head_seq + 1),
        .wall_ms = wall_ms,
        .wall_trust = WALL_SYNCED,
        .wall_uncertainty_ms = 20,
        .tap = {.reader = "spi0",
            .uid = {0x04, 0xab, 0, 0, 0, 0, tag},
            .uid_size = 7,
            .tech = TAP_TECH_TYPE2,
            .direction = direction},
    };

    fake_device_add(device, record);
}

void fake_device_taps(struct fake_device *device, size_t count, int64_t wall_ms)
{
    for (size_t i = 0; i < count; i++) {
        fake_device_tap(device, 1, i % 2 == 0 ? TAP_IN : TAP_OUT, wall_ms + (int64_t)i * 60000);
    }
}

void fake_device_batch(const struct fake_device *device, uint64_t first_seq, uint64_t last_seq,
    struct fake_message *ret_message)
{
    struct bytes_view views[BATCH_RECORDS_MAX];
    struct batch batch = {
        .epoch = device->epoch,
        .first_seq = first_seq,
        .record_count = last_seq - first_seq + 1,
        .records = views,
        .head_seq = device->head_seq,
    };
    uint8_t input[BATCH_SIGNING_INPUT_MAX];

    assert_true(batch.record_count <= BATCH_RECORDS_MAX);
    (void)memcpy(batch.device_id, device->id, sizeof batch.device_id);
    (void)memcpy(batch.chain_head, device->heads[last_seq], sizeof batch.chain_head);
    for (uint64_t seq = first_seq; seq <= last_seq; seq++) {
        views[seq - first_seq] = (struct bytes_view){device->records[seq], device->sizes[seq]};
    }
    if (device->signer != NULL) {
        size_t size = batch_signing_input(&batch, input);

        batch.has_signature = true;
        assert_int_equal(signer_sign(device->signer, input, size, batch.signature), 0);
    }
    assert_int_equal(
        batch_encode(&batch, ret_message->bytes, sizeof ret_message->bytes, &ret_message->size), 0);
}

void fake_device_hello(
    const struct fake_device *device, uint64_t acked_seq, struct fake_message *ret_message)
{
    struct hello hello = {
        .epoch = device->epoch,
        .head_seq = device->head_seq,
        .acked_seq = acked_seq,
        .oldest_seq = 1,
        .boot_id = device->boot_id,
        .version = "0",
    };

    (void)memcpy(hello.device_id, device->id, sizeof hello.device_id);
    (void)memcpy(hello.chain_before_oldest, device->heads[0], sizeof hello.chain_before_oldest);
    if (device->signer != NULL) {
        hello.has_public_key = true;
        signer_public_key(device->signer, hello.public_key);
    }
    assert_int_equal(
        hello_encode(&hello, ret_message->bytes, sizeof ret_message->bytes, &ret_message->size), 0);
}
