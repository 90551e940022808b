/* verify_logs.c - see verify.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/chain.h"
#include "base/err.h"
#include "collector/cli/verify.h"
#include "collector/storage/storage.h"
#include "proto/messages.h"

struct verifying {
    FILE *out;
    struct chain *chain;
    struct storage_log *logs;
    size_t log_count, log_capacity;
    struct storage_log *log; /* of the batches that come now */
    uint64_t next_seq;
    uint8_t head[CHAIN_SIZE];
    uint64_t batches, records, signed_batches, gaps;
    int faults;
};

static int gather(void *user, const struct storage_log *log)
{
    struct verifying *verifying = user;

    if (verifying->log_count == verifying->log_capacity) {
        size_t capacity = verifying->log_capacity * 2 + 8;
        struct storage_log *logs = realloc(verifying->logs, capacity * sizeof *logs);

        if (logs == NULL) {
            return -ENOMEM;
        }
        verifying->logs = logs;
        verifying->log_capacity = capacity;
    }
    verifying->logs[verifying->log_count++] = *log;
    return 0;
}

static void complain(
    struct verifying *verifying, const struct storage_evidence *evidence, const char *what)
{
    (void)fprintf(verifying->out, "log %s, record %llu: %s\n",
        verifying->log == NULL ? "?" : verifying->log->device_id,
        (unsigned long long)evidence->first_seq, what);
    verifying->faults++;
}

/* Whose batches come now, and where that log begins. */
static void enter_log(struct verifying *verifying, int64_t log_id)
{
    if (verifying->log != NULL && verifying->log->log_id == log_id) {
        return;
    }
    verifying->log = NULL;
    for (size_t i = 0; i < verifying->log_count; i++) {
        if (verifying->logs[i].log_id == log_id) {
            verifying->log = &verifying->logs[i];
        }
    }
    verifying->next_seq = 1;
    if (verifying->log != NULL) {
        chain_start(
            verifying->chain, verifying->log->device_id, verifying->log->epoch, verifying->head);
    }
}

static void check_chain(
    struct verifying *verifying, const struct storage_evidence *evidence, const struct batch *batch)
{
    /* Records of a relayed message that an earlier one had are in the chain already. */
    size_t known = (size_t)(evidence->first_seq - batch->first_seq);

    if (evidence->first_seq != verifying->next_seq) {
        /* The device no longer held what lies between; the chain goes on from its own word. */
        (void)fprintf(verifying->out, "log %s: gap before record %llu\n", verifying->log->device_id,
            (unsigned long long)evidence->first_seq);
        verifying->gaps++;
    } else {
        for (size_t i = known; i < batch->record_count; i++) {
            chain_next(verifying->chain, verifying->head, batch->records[i].bytes,
                batch->records[i].size, verifying->head);
        }
        if (memcmp(verifying->head, batch->chain_head, CHAIN_SIZE) != 0) {
            complain(verifying, evidence, "the chain breaks here");
        }
    }
    (void)memcpy(verifying->head, batch->chain_head, CHAIN_SIZE);
    verifying->next_seq = batch->first_seq + batch->record_count;
}

static void check_signature(
    struct verifying *verifying, const struct storage_evidence *evidence, const struct batch *batch)
{
    uint8_t input[BATCH_SIGNING_INPUT_MAX];

    if (!batch->has_signature || !verifying->log->has_public_key) {
        return;
    }
    if (signature_check(verifying->log->public_key, input, batch_signing_input(batch, input),
            batch->signature) == 0) {
        verifying->signed_batches++;
    } else {
        complain(verifying, evidence, "the signature is not the device's");
    }
}

static int check_batch(void *user, const struct storage_evidence *evidence)
{
    struct verifying *verifying = user;
    struct up_message message;
    int rc = up_message_decode(evidence->bytes, evidence->size, &message);

    verifying->batches++;
    verifying->records += evidence->record_count;
    enter_log(verifying, evidence->log_id);
    if (rc == -ENOMEM) {
        return rc;
    }
    if (rc < 0 || verifying->log == NULL) {
        complain(verifying, evidence, "the stored message cannot be read");
    } else if (message.kind != UP_BATCH || message.batch.first_seq > evidence->first_seq ||
               message.batch.first_seq + message.batch.record_count !=
                   evidence->first_seq + evidence->record_count ||
               message.batch.epoch != verifying->log->epoch ||
               strcmp(message.batch.device_id, verifying->log->device_id) != 0) {
        complain(verifying, evidence, "the message is not what it is filed as");
    } else {
        check_chain(verifying, evidence, &message.batch);
        check_signature(verifying, evidence, &message.batch);
    }
    if (rc == 0) {
        up_message_done(&message);
    }
    return 0;
}

int verify_logs(struct storage *storage, FILE *out, struct err *err)
{
    struct verifying verifying = {.out = out, .chain = chain_new()};
    int rc = verifying.chain == NULL ? -ENOMEM : 0;

    if (rc == 0) {
        rc = storage->ops->logs(storage, gather, &verifying);
    }
    if (rc == 0) {
        rc = storage->ops->evidence(storage, check_batch, &verifying);
    }
    if (rc == 0) {
        (void)fprintf(out,
            "logs: %zu, batches: %llu, records: %llu, signed batches: %llu, gaps: %llu, faults: "
            "%d\n",
            verifying.log_count, (unsigned long long)verifying.batches,
            (unsigned long long)verifying.records, (unsigned long long)verifying.signed_batches,
            (unsigned long long)verifying.gaps, verifying.faults);
    }
    free(verifying.logs);
    chain_free(verifying.chain);
    return rc < 0 ? err_set(err, rc, "the logs could not be read: %s", err_name(rc))
                  : verifying.faults;
}
