/*
 * firmware.h - what "ecm-field firmware" was asked, and its parts.
 */
#ifndef ECM_TOOLS_FIELD_FIRMWARE_H
#define ECM_TOOLS_FIELD_FIRMWARE_H

#include <stdbool.h>
#include <stdint.h>

#include "firmware/boot/bundle.h"

struct err;

enum { FIRMWARE_FILES_MAX = 2, FIRMWARE_SLOT_NONE = -1 };

struct firmware_args {
    const char *verb;
    const char *files[FIRMWARE_FILES_MAX];
    int file_count;
    const char *key_path; /* private, PEM */
    const char *out;
    const char *board;
    const char *name; /* version for people */
    uint32_t number;  /* version that grows */
    uint32_t offset[IMAGE_SLOTS];
    bool has_number, has_key, allows_older;
    bool has_offset[IMAGE_SLOTS];
    int slot;                     /* stamp: 0, 1 or FIRMWARE_SLOT_NONE */
    uint8_t key[CRYPTO_KEY_SIZE]; /* public */
};

/* firmware_make.c: files that are written. */
int firmware_sign(const struct firmware_args *args, struct err *err);
int firmware_stamp(const struct firmware_args *args, struct err *err);
int firmware_key(const struct firmware_args *args, struct err *err);

/* firmware_check.c: files that are looked at. */
int firmware_show(const struct firmware_args *args, struct err *err);
int firmware_check(const struct firmware_args *args, struct err *err);

#endif
