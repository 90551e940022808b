/*
 * log_rig.h - a flash log on a simulated chip, and records that say which one they are.
 */
#ifndef ECM_TESTS_UNIT_FIRMWARE_LOG_RIG_H
#define ECM_TESTS_UNIT_FIRMWARE_LOG_RIG_H

#include "firmware/flashlog/flashlog.h"
#include "hal/fake/fake_flash.h"

struct log_rig {
    struct fake_flash flash;
    struct flashlog_conf conf;
    struct flashlog log;
    struct flashlog_found found;
};

/* A chip with a partition of so many sectors, one sector from its start, and no log yet. */
void log_rig_init(struct log_rig *rig, uint32_t sectors);
void log_rig_done(struct log_rig *rig);

/* Start again: power back, log opened. What flashlog_open() says. */
int log_rig_open(struct log_rig *rig);

/* The record of that seq: its bytes and chain head follow from the seq alone. */
uint32_t log_rig_record(uint64_t seq, uint8_t ret_bytes[static FLASHLOG_RECORD_MAX]);
void log_rig_chain(uint64_t seq, uint8_t ret_head[static FLASHLOG_CHAIN_SIZE]);

/* Append the next record. What flashlog_append() says. */
int log_rig_append(struct log_rig *rig);

/* Append count records, each of which must be stored. */
void log_rig_fill(struct log_rig *rig, uint32_t count);

/* Append until the log is full. Returns how many there were. */
uint32_t log_rig_fill_up(struct log_rig *rig);

/* Fail unless the records first..last are there, in order, with their bytes, and nothing else. */
void log_rig_expect(struct log_rig *rig, uint64_t first, uint64_t last);

#endif
