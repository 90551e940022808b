/*
 * emu_command.h - the half of emu_pn532 that knows commands and tags. Inside hal/fake only.
 */
#ifndef ECM_HAL_FAKE_EMU_COMMAND_H
#define ECM_HAL_FAKE_EMU_COMMAND_H

#include "hal/fake/emu_pn532.h"

/* Do one command (its code first); the ACK leaves at ack_us. Schedules the answer, if any. */
void emu_command_run(struct emu_pn532 *emu, const uint8_t *command, size_t size, uint64_t ack_us);

/* A search is running and something about the tags has changed. */
void emu_command_search(struct emu_pn532 *emu, uint64_t from_us);

/* The next number of the emulator's own chance. */
uint32_t emu_random(struct emu_pn532 *emu);

#endif
