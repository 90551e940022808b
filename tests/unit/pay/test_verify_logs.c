/* test_verify_logs.c - the check of devices' logs against logs that are right and that are not. */
#include "collector/cli/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/chain.h"
#include "collector/storage/storage.h"
#include "collector/storage/storage_sqlite.h"
#include "tests/unit/collector/fake_device.h"

#include "tests/unit/suite.h"

enum { DAY_S = 86400 };

struct fixture {
    struct storage *storage;
    struct fake_device device;
    struct signer *signer;
    char key_path[64];
    char *said;
};

static int setup(void **state)
{
    struct fixture *fx = calloc(1, sizeof *fx);

    assert_non_null(fx);
    assert_int_equal(storage_sqlite_open(&fx->storage, ":memory:", 0, NULL), 0);
    (void)snprintf(fx->key_path, sizeof fx->key_path, "/tmp/ecm-verify-%ld.pem", (long)getpid());
    assert_int_equal(signer_open(&fx->signer, fx->key_path, NULL), 0);
    fake_device_init(&fx->device, "GW-1", 7);
    fx->device.signer = fx->signer;
    fake_device_taps(&fx->device, 9, (int64_t)18000 * DAY_S * 1000);
    *state = fx;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fx = *state;

    fake_device_done(&fx->device);
    signer_close(fx->signer);
    (void)unlink(fx->key_path);
    storage_close(fx->storage);
    free(fx->said);
    free(fx);
    return 0;
}

/* Store records first..last as if ingest had taken them; a byte at spoil_at is not what it was. */
static void put(struct fixture *fx, uint64_t first, uint64_t last, size_t spoil_at)
{
    static struct fake_message message;
    uint8_t key[PUBLIC_KEY_SIZE];
    struct storage_log log;
    struct storage_batch batch = {
        .first_seq = first, .record_count = (uint32_t)(last - first + 1), .last_tap_utc = DAY_S};

    assert_int_equal(fx->storage->ops->begin(fx->storage), 0);
    assert_int_equal(fx->storage->ops->log_get(
                         fx->storage, fx->device.id, fx->device.epoch, fx->device.heads[0], &log),
        0);
    if (!log.has_public_key) {
        signer_public_key(fx->signer, key);
        assert_int_equal(fx->storage->ops->log_set_key(fx->storage, log.log_id, key), 0);
    }
    if (first > log.through_seq + 1) {
        assert_int_equal(fx->storage->ops->log_skip(
                             fx->storage, log.log_id, first - 1, fx->device.heads[first - 1], 0),
            0);
    }
    fake_device_batch(&fx->device, first, last, &message);
    if (spoil_at > 0) {
        message.bytes[message.size - spoil_at] ^= 1;
    }
    batch.log_id = log.log_id;
    batch.bytes = message.bytes;
    batch.size = message.size;
    (void)memcpy(batch.chain_head, fx->device.heads[last], sizeof batch.chain_head);
    assert_int_equal(fx->storage->ops->batch_append(fx->storage, &batch), 0);
    assert_int_equal(fx->storage->ops->commit(fx->storage), 0);
}

/* Verify, remember what was said, return the number of faults. */
static int verify(struct fixture *fx)
{
    size_t size = 0;
    FILE *out = NULL;
    int faults = 0;

    free(fx->said);
    fx->said = NULL;
    out = open_memstream(&fx->said, &size);
    assert_non_null(out);
    faults = verify_logs(fx->storage, out, NULL);
    assert_int_equal(fclose(out), 0);
    return faults;
}

static void whole_logs_have_no_fault(void **state)
{
    struct fixture *fx = *state;

    put(fx, 1, 3, 0);
    put(fx, 4, 4, 0);
    put(fx, 5, 9, 0);
    assert_int_equal(verify(fx), 0);
    assert_non_null(
        strstr(fx->said, "logs: 1, batches: 3, records: 9, signed batches: 3, gaps: 0, faults: 0"));
}

static void a_gap_is_named_and_is_no_fault(void **state)
{
    struct fixture *fx = *state;

    put(fx, 1, 3, 0);
    put(fx, 6, 9, 0);
    assert_int_equal(verify(fx), 0);
    assert_non_null(strstr(fx->said, "log GW-1: gap before record 6"));
}

/* Whether the change hit head_seq alone, which no device signs and no payment reads. */
static bool is_head_seq(const struct fixture *fx, size_t at)
{
    static struct fake_message message;
    struct up_message decoded;
    bool is_it = false;

    fake_device_batch(&fx->device, 4, 5, &message);
    message.bytes[message.size - at] ^= 1;
    if (up_message_decode(message.bytes, message.size, &decoded) == 0) {
        is_it = decoded.batch.head_seq != fx->device.head_seq;
        up_message_done(&decoded);
    }
    return is_it;
}

static void any_changed_byte_of_a_message_is_found(void **state)
{
    static struct fake_message message;
    struct fixture *fx = *state;
    size_t unnoticed = 0;
    size_t size = 0;

    fake_device_batch(&fx->device, 4, 5, &message);
    size = message.size;
    for (size_t at = 1; at <= size; at++) {
        storage_close(fx->storage);
        assert_int_equal(storage_sqlite_open(&fx->storage, ":memory:", 0, NULL), 0);
        put(fx, 1, 3, 0);
        put(fx, 4, 5, at);
        put(fx, 6, 9, 0);
        if (verify(fx) == 0) {
            unnoticed++;
            assert_true(is_head_seq(fx, at));
        }
    }
    assert_int_equal(unnoticed, 1);
}

static void another_devices_signature_is_found(void **state)
{
    struct fixture *fx = *state;
    uint8_t other[PUBLIC_KEY_SIZE];
    struct storage_log log;

    put(fx, 1, 9, 0);
    assert_int_equal(
        fx->storage->ops->log_get(fx->storage, fx->device.id, fx->device.epoch, NULL, &log), 0);
    signer_public_key(fx->signer, other);
    other[0] ^= 1;
    assert_int_equal(fx->storage->ops->begin(fx->storage), 0);
    assert_int_equal(fx->storage->ops->log_set_key(fx->storage, log.log_id, other), 0);
    assert_int_equal(fx->storage->ops->commit(fx->storage), 0);
    assert_int_equal(verify(fx), 1);
    assert_non_null(strstr(fx->said, "log GW-1, record 1: the signature is not the device's"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whole_logs_have_no_fault, setup, teardown),
        cmocka_unit_test_setup_teardown(a_gap_is_named_and_is_no_fault, setup, teardown),
        cmocka_unit_test_setup_teardown(any_changed_byte_of_a_message_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(another_devices_signature_is_found, setup, teardown),
    };

    return cmocka_run_group_tests_name("verify_logs", tests, NULL, NULL);
}
