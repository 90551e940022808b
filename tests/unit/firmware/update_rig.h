/*
 * update_rig.h - a small chip with two slots, a bootloader, a key and bundles to feed it.
 */
#ifndef ECM_TESTS_UNIT_FIRMWARE_UPDATE_RIG_H
#define ECM_TESTS_UNIT_FIRMWARE_UPDATE_RIG_H

#include "firmware/boot/boot.h"
#include "firmware/boot/receiver.h"
#include "hal/fake/fake_flash.h"

enum {
    RIG_SLOT_SECTORS = 4,
    RIG_PROGRAM_MAX = RIG_SLOT_SECTORS * HAL_FLASH_SECTOR - IMAGE_PAGE,
    RIG_PROGRAM = 2 * HAL_FLASH_SECTOR + 777, /* bytes, over three sectors, no whole block */
};

/* A bundle as a file holds it. */
struct rig_bundle {
    uint8_t header[BUNDLE_HEADER];
    uint8_t program[IMAGE_SLOTS][RIG_PROGRAM];
};

struct update_rig {
    struct fake_flash flash;
    struct boot_layout layout;
    struct receiver_conf conf; /* as the program that runs would fill it */
    struct receiver receiver;
};

/* As it leaves the factory: version 1 in slot 0, no control record. */
void update_rig_init(struct update_rig *rig);
void update_rig_done(struct update_rig *rig);

/* A bundle of that version for the rig's board, signed with the rig's key. */
void update_rig_bundle(struct rig_bundle *bundle, uint32_t version);
/* Sign it again with other values. */
void update_rig_sign(struct rig_bundle *bundle, const struct bundle *values);

/*
 * Start: power on, bootloader, then the program of the chosen slot opens its receiver. Returns the
 * version that runs; fails the test when none does, or when it is not whole.
 */
uint32_t update_rig_start(struct update_rig *rig);

/* The program that runs says that it works. */
int update_rig_confirm(struct update_rig *rig);

/* Offer, send, finish. 0 when it is pending, else what was refused. */
int update_rig_send(struct update_rig *rig, const struct rig_bundle *bundle);

/* Start until version runs, confirming it at once, and nothing else ever runs. */
void update_rig_settle(struct update_rig *rig, uint32_t version);

#endif
