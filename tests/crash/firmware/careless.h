/*
 * careless.h - a flash driver that saves work where none may be saved.
 *
 * Each kind undoes one of the log's precautions without touching the log. The cuts must then find
 * losses: a sweep that cannot fail proves nothing.
 */
#ifndef ECM_TESTS_CRASH_FIRMWARE_CARELESS_H
#define ECM_TESTS_CRASH_FIRMWARE_CARELESS_H

#include "hal/flash.h"

enum careless_kind {
    CARELESS_NOT,
    CARELESS_ERASE,  /* "it reads as blank, why erase it": trusts an interrupted erase */
    CARELESS_AGAIN,  /* "these bytes are there already": does not make the newest record firm */
    CARELESS_VERIFY, /* answers a read from what was written, not from the cells */
};

struct careless {
    struct hal_flash base; /* first */
    struct hal_flash *inner;
    enum careless_kind kind;
    uint32_t kept_offset; /* VERIFY: the page written last */
    uint8_t kept[HAL_FLASH_PAGE];
    int has_kept;
};

void careless_init(struct careless *careless, struct hal_flash *inner, enum careless_kind kind);

#endif
