/* faulty_storage.c - see faulty_storage.h. */
#include "tests/unit/collector/faulty_storage.h"

#include <errno.h>

static int strike(struct storage *storage)
{
    struct faulty_storage *faulty = (struct faulty_storage *)storage;

    faulty->calls++;
    if (faulty->fail_at == 0 || faulty->calls != faulty->fail_at) {
        return 0;
    }
    faulty->failures++;
    return faulty->fail_code;
}

static struct storage *real_of(struct storage *storage)
{
    return ((struct faulty_storage *)storage)->real;
}

#define PASS(call)                                                                                 \
    int rc = strike(storage);                                                                      \
    return rc < 0 ? rc : real_of(storage)->ops->call

static void faulty_close(struct storage *storage)
{
    (void)storage;
}

static int faulty_begin(struct storage *storage)
{
    PASS(begin(real_of(storage)));
}

static int faulty_commit(struct storage *storage)
{
    PASS(commit(real_of(storage)));
}

static void faulty_rollback(struct storage *storage)
{
    real_of(storage)->ops->rollback(real_of(storage));
}

static int faulty_log_get(struct storage *storage, const char *device_id, uint64_t epoch,
    const uint8_t *chain_head, struct storage_log *ret_log)
{
    PASS(log_get(real_of(storage), device_id, epoch, chain_head, ret_log));
}

static int faulty_batch_append(struct storage *storage, const struct storage_batch *batch)
{
    PASS(batch_append(real_of(storage), batch));
}

static int faulty_log_skip(struct storage *storage, int64_t log_id, uint64_t through_seq,
    const uint8_t *chain_head, int64_t recv_ms)
{
    PASS(log_skip(real_of(storage), log_id, through_seq, chain_head, recv_ms));
}

static int faulty_log_set_key(struct storage *storage, int64_t log_id, const uint8_t *public_key)
{
    PASS(log_set_key(real_of(storage), log_id, public_key));
}

static int faulty_quarantine(
    struct storage *storage, const struct storage_quarantined *message, uint64_t bytes_max)
{
    PASS(quarantine(real_of(storage), message, bytes_max));
}

static int faulty_inputs(
    struct storage *storage, bool only_untold, storage_input_callback callback, void *user)
{
    PASS(inputs(real_of(storage), only_untold, callback, user));
}

static int faulty_input_told(struct storage *storage, int64_t log_id, uint64_t seq)
{
    PASS(input_told(real_of(storage), log_id, seq));
}

static int faulty_logs(struct storage *storage, storage_log_callback callback, void *user)
{
    PASS(logs(real_of(storage), callback, user));
}

static int faulty_paths(struct storage *storage, storage_path_callback callback, void *user)
{
    PASS(paths(real_of(storage), callback, user));
}

static const struct storage_ops faulty_ops = {
    .close = faulty_close,
    .begin = faulty_begin,
    .commit = faulty_commit,
    .rollback = faulty_rollback,
    .log_get = faulty_log_get,
    .batch_append = faulty_batch_append,
    .log_skip = faulty_log_skip,
    .log_set_key = faulty_log_set_key,
    .quarantine = faulty_quarantine,
    .inputs = faulty_inputs,
    .input_told = faulty_input_told,
    .logs = faulty_logs,
    .paths = faulty_paths,
};

void faulty_storage_init(struct faulty_storage *faulty, struct storage *real)
{
    *faulty =
        (struct faulty_storage){.storage = {.ops = &faulty_ops}, .real = real, .fail_code = -EIO};
}
