/*
 * update.h - a new firmware over the link: what the session (firmware/link) offers, given to the
 * receiver (firmware/boot) piece by piece.
 *
 * The file that a gateway offers is a bundle: its header is asked for first, and only when it is
 * signed for us, the program for the slot that does not run. After the result was told the reader
 * wants to be started anew: update_wants_restart().
 *
 * Threads: one. Ownership: the struct is the caller's; its conf is borrowed as receiver.h says.
 */
#ifndef ECM_FIRMWARE_APP_UPDATE_H
#define ECM_FIRMWARE_APP_UPDATE_H

#include "firmware/boot/receiver.h"
#include "firmware/link/session.h"

enum update_stage {
    UPDATE_IDLE,
    UPDATE_HEADER,  /* the header of the bundle is wanted */
    UPDATE_PROGRAM, /* so are the bytes of the program */
    UPDATE_RESULT,  /* there is a result to tell */
};

struct update {
    struct receiver receiver;
    struct hal_flash *flash;
    enum update_stage stage;
    uint8_t file[LINK_IMAGE_HASH_SIZE]; /* of what is offered */
    uint32_t file_size;
    uint32_t program_at; /* in the file */
    int32_t code;
    bool is_told;
    char failed[IMAGE_VERSION_MAX + 1];
};

/* 0, or -EIO: then nothing is ever taken. */
int update_open(struct update *update, const struct receiver_conf *conf);

/* What the session needs. */
struct session_update_port update_port(struct update *update);

/* The version of the update that was tried last and rolled back; empty: none. */
const char *update_failed(const struct update *update);

/* Between an offer and its end: boot_confirm() has to wait (firmware/boot/receiver.h). */
bool update_is_busy(const struct update *update);

/* The new firmware is there, and the gateway knows. */
bool update_wants_restart(const struct update *update);

#endif
