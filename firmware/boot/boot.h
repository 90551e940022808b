/*
 * boot.h - which image starts, and how an image says that it works.
 *
 * A new image gets BOOT_TRIALS starts. The application calls boot_confirm() once it has checked
 * itself (log opened, reader answered, link heard); when it never does, the image that worked
 * before is started again, by itself, and the new one is BAD. A count is in flash before the image
 * runs, so a cut or a hang can not give it more.
 *
 * Threads: one.
 */
#ifndef ECM_FIRMWARE_BOOT_BOOT_H
#define ECM_FIRMWARE_BOOT_BOOT_H

#include "firmware/boot/control.h"

enum { BOOT_NO_SLOT = -1 };

enum boot_why {
    BOOT_WHY_GOOD,        /* the confirmed image */
    BOOT_WHY_TRIAL,       /* a new one, on trial */
    BOOT_WHY_ROLLED_BACK, /* the confirmed one, because the new one did not confirm in time */
    BOOT_WHY_FACTORY,     /* nothing is known of any slot: the first that is whole */
    BOOT_WHY_OTHER,       /* the confirmed image is damaged: the other one */
    BOOT_WHY_NONE,        /* no slot holds a whole image */
};

struct boot_choice {
    int slot; /* or BOOT_NO_SLOT */
    enum boot_why why;
    bool writes; /* control must be stored before the image is started */
    struct boot_control control;
};

/* The decision. Pure: what the control record says, which slots hold a whole image. */
struct boot_choice boot_decide(
    const struct boot_control *control, const bool is_whole[static IMAGE_SLOTS]);

/*
 * All a bootloader does before it jumps: load, check both slots, decide, store. Returns the
 * decision; slot is BOOT_NO_SLOT when nothing can be started. When the record of a trial cannot be
 * stored, the trial does not happen.
 */
struct boot_choice boot_choose(struct hal_flash *flash, const struct boot_layout *layout);

/* The image in slot, which is the one that runs, works. 0 (also when it was known); -EIO. */
int boot_confirm(struct hal_flash *flash, const struct boot_layout *layout, uint8_t slot);

#endif
