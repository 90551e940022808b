/*
 * inputs.h - what a store keeps of cases that were opened and buttons that were pressed.
 *
 * They are records in batches like any other; a row of their own, written in the batch's
 * transaction, lets them be listed and remembers whether people were told. Part of the contract of
 * storage.h; the same errors and threads.
 */
#ifndef ECM_COLLECTOR_STORAGE_INPUTS_H
#define ECM_COLLECTOR_STORAGE_INPUTS_H

#include <stdbool.h>
#include <stdint.h>

enum storage_input_kind { STORAGE_INPUT_CASE, STORAGE_INPUT_BUTTON };

/* The record, as the device wrote it. */
struct storage_input {
    uint64_t seq;
    enum storage_input_kind kind;
    uint32_t which; /* counted from 0 */
    bool is_active; /* opened, pressed; else closed, let go */
    uint64_t boot_id, boot_ms;
    int64_t wall_ms;
    int wall_trust; /* enum wall_trust */
    uint32_t uncertainty_ms;
};

/* The same as it lies in the store. Text is valid until the callback returns. */
struct storage_input_row {
    struct storage_input input;
    int64_t log_id;
    const char *device_id;
    const char *site; /* the device's, when the record came */
    uint64_t epoch;
    int64_t recv_ms;
    bool is_told;
    /* When it was, by what the log knows of its clock (effective_time.h). */
    bool has_time;
    int64_t at_ms;
    uint32_t at_uncertainty_ms; /* UINT32_MAX: no idea */
};

typedef int (*storage_input_callback)(void *user, const struct storage_input_row *row);

#endif
