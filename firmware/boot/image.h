/*
 * image.h - a firmware image in its slot, and the page in front of it that says what it is.
 *
 * The RP2040 runs its program from flash at the address it was linked for, so there is one image
 * for each of the two slots. A slot begins with a page that describes what follows; the program
 * (its vector table first) begins HAL_FLASH_PAGE bytes later. The page is written last: a slot
 * whose page is sound and whose program has that hash is whole. docs/UPDATE.md has the bytes.
 *
 * Threads: pure, but for image_check(), which reads the flash.
 */
#ifndef ECM_FIRMWARE_BOOT_IMAGE_H
#define ECM_FIRMWARE_BOOT_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "firmware/crypto/crypto.h"
#include "hal/flash.h"

enum {
    IMAGE_SLOTS = 2,
    IMAGE_PAGE = 256, /* the description, before the program */
    IMAGE_BOARD_MAX = 15,
    IMAGE_VERSION_MAX = 31,
    IMAGE_PROGRAM_MIN = 256, /* bytes */
};

/* Where things lie in the flash: offsets, multiples of HAL_FLASH_SECTOR. */
struct boot_layout {
    uint32_t control; /* two sectors, see control.h */
    uint32_t slot[IMAGE_SLOTS];
    uint32_t slot_size;
};

struct image {
    uint8_t slot;     /* which of the two it is linked for */
    uint32_t offset;  /* where in the flash that slot was when it was linked */
    uint32_t size;    /* of the program */
    uint32_t version; /* a number that grows */
    char board[IMAGE_BOARD_MAX + 1];
    char version_text[IMAGE_VERSION_MAX + 1]; /* for people: "0.4.1" */
    uint8_t hash[CRYPTO_HASH_SIZE];           /* SHA-256 of the program */
};

void image_put(uint8_t page[static IMAGE_PAGE], const struct image *image);

/* Whether page is the description of an image. Any bytes may come. */
bool image_get(const uint8_t page[static IMAGE_PAGE], struct image *ret_image);

/*
 * Whether the slot holds a whole image that was linked for it: the page, the size, the hash of
 * every byte. 0; -ENOENT no description; -EBADMSG it is not what the description says; -EIO.
 * Reads all of it: about 0.5 ms a KiB.
 */
int image_check(struct hal_flash *flash, const struct boot_layout *layout, uint8_t slot,
    struct image *ret_image);

#endif
