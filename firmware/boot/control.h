/*
 * control.h - which slot holds what: two sectors of flash that survive a cut at any moment.
 *
 * The whole state is one record of 128 bytes with a generation number and a CRC-32; the valid one
 * of the highest generation counts. A change is one more record; the first change after a start
 * goes into the other sector, erased just before, so nothing that a cut left half-done is ever
 * written over. docs/UPDATE.md has the bytes.
 *
 * Threads:  one thread.
 * Blocking: control_load(): reads, and programs one page when there is a record. control_store():
 *           a page, after a start or every 32nd time an erase.
 */
#ifndef ECM_FIRMWARE_BOOT_CONTROL_H
#define ECM_FIRMWARE_BOOT_CONTROL_H

#include "firmware/boot/image.h"

enum {
    CONTROL_RECORD = 128,
    CONTROL_SECTORS = 2,
    BOOT_TRIALS = 3, /* boots that a new image has to say that it works */
};

enum boot_state {
    BOOT_EMPTY = 0,     /* nothing is known: as flashed at the factory, or half an image */
    BOOT_RECEIVING = 1, /* being written; received says how far */
    BOOT_PENDING = 2,   /* whole and checked, not yet started */
    BOOT_TRIAL = 3,     /* started; trials_left more starts to be confirmed in */
    BOOT_GOOD = 4,      /* confirmed by itself */
    BOOT_BAD = 5,       /* never confirmed, or found damaged */
};

struct boot_slot {
    enum boot_state state;
    uint8_t trials_left;
    uint32_t received;                /* RECEIVING: bytes of the program that are surely there */
    uint8_t bundle[CRYPTO_HASH_SIZE]; /* hash of the header of the bundle it came from; zeros */
};

struct boot_control {
    uint32_t generation; /* 0: no record, everything EMPTY */
    uint8_t preferred;   /* of two good slots, this one */
    struct boot_slot slot[IMAGE_SLOTS];
};

/* The caller's memory, private. */
struct control {
    struct hal_flash *flash;
    uint32_t offset;
    uint8_t sector; /* that holds the newest record */
    uint8_t next;   /* record to write there; 0: the other sector must be taken */
    struct boot_control state;
    uint8_t page[HAL_FLASH_PAGE];
};

/* Find the newest record. 0 (also when there is none: all EMPTY), or -EIO. */
int control_load(
    struct control *control, struct hal_flash *flash, const struct boot_layout *layout);

/* Make state the newest record; its generation is set here. 0 when it is in the flash and was read
 * back, else -EIO, and the one before counts. */
int control_store(struct control *control, const struct boot_control *state);

/* For tools: one record's bytes. */
bool control_get(const uint8_t record[static CONTROL_RECORD], struct boot_control *ret_state);

#endif
