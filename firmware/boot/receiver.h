/*
 * receiver.h - an update that comes in block by block, into the slot that does not run.
 *
 *     receiver_open()                     once, when the application starts
 *     receiver_offer(header)              "this one?": refused with a reason, or from which byte on
 *     receiver_block(offset, bytes) ...   in order; repeat from receiver_wanted() after a refusal
 *     receiver_finish() until it says 0   hashes a bit at each call; then the slot is PENDING
 *     (restart: boot_choose() tries it)
 *
 * After a restart in the middle the same offer goes on from the last whole sector. Another offer
 * begins anew. Nothing here touches the slot that runs, and nothing is started that was not signed
 * and checked as a whole.
 *
 * boot_confirm() writes the same control record: not between an offer and its end.
 *
 * Ownership: the caller's memory, about 1.2 KiB; flash and layout are borrowed.
 * Threads:   one.
 * Blocking:  block: a page (0.7 ms), at each sector's first an erase (45 ms, at worst 400) and a
 *            record (0.7 ms). offer: the signature, about a second. finish: up to 4 KiB hashed.
 */
#ifndef ECM_FIRMWARE_BOOT_RECEIVER_H
#define ECM_FIRMWARE_BOOT_RECEIVER_H

#include "firmware/boot/bundle.h"
#include "firmware/boot/control.h"

enum { RECEIVER_BLOCK = 256 }; /* every block but the last has this many bytes */

struct receiver_conf {
    struct hal_flash *flash;
    const struct boot_layout *layout;
    const char *board;            /* "pico-reader" ...; bundles of another one are refused */
    uint8_t running;              /* the slot this program runs from */
    uint32_t version;             /* of this program */
    uint8_t key[CRYPTO_KEY_SIZE]; /* that updates are signed with */
};

enum receiver_stage { RECEIVER_IDLE, RECEIVER_TAKING, RECEIVER_HASHING, RECEIVER_READY };

/* The caller's memory, private. */
struct receiver {
    struct receiver_conf conf;
    struct control control;
    enum receiver_stage stage;
    uint8_t slot; /* that is written */
    struct image image;
    uint8_t bundle[CRYPTO_HASH_SIZE];
    uint32_t taken;  /* bytes of the program */
    uint32_t hashed; /* of them */
    struct crypto_sha256 hash;
    uint8_t page[HAL_FLASH_PAGE];
};

/* 0 or -EIO. */
int receiver_open(struct receiver *receiver, const struct receiver_conf *conf);

/*
 * Whether the other slot has an update that was tried and did not confirm, or was found damaged;
 * then its version, "?" when that cannot be read any more.
 */
bool receiver_has_failed(const struct receiver *receiver, char ret_version[IMAGE_VERSION_MAX + 1]);

/*
 * Look at a bundle's header. 0: send the program for slot receiver_slot() from byte
 * receiver_wanted() on. Else nothing was changed:
 *   -EBADMSG          not a bundle
 *   -EPROTONOSUPPORT  of a newer format
 *   -EACCES           not signed by our key
 *   -EXDEV            for another board
 *   -EFBIG            does not fit its slot, or is linked for other addresses
 *   -EALREADY         this version runs
 *   -ESTALE           older than what runs, and not marked as allowed
 *   -EPERM            this very bundle was tried, and did not confirm or was found damaged
 *   -EBUSY            what runs is itself on trial, and the other slot is its way back
 *   -EIO              the flash
 */
int receiver_offer(struct receiver *receiver, const uint8_t header[static BUNDLE_HEADER]);

uint8_t receiver_slot(const struct receiver *receiver);
uint32_t receiver_wanted(const struct receiver *receiver); /* next byte of the program */
uint32_t receiver_size(const struct receiver *receiver);   /* of the program; 0: no offer taken */

/*
 * Take the bytes of the program at offset. 0; -ERANGE: not the wanted offset; -EINVAL: not
 * RECEIVER_BLOCK bytes (the last block: what is left), or nothing was offered; -EIO: the flash,
 * the same block may be tried again after another offer.
 */
int receiver_block(struct receiver *receiver, uint32_t offset, const uint8_t *bytes, uint32_t size);

/*
 * When all is taken: check it. 1: call again; 0: it is PENDING and the next start tries it;
 * -EINVAL: not all is taken; -EILSEQ: not the program that was signed, all of it must come again;
 * -EIO.
 */
int receiver_finish(struct receiver *receiver);

#endif
