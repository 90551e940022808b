/*
 * type2.h - read the NDEF message of an NFC Forum type 2 tag (Ultralight, NTAG21x).
 *
 * Source: NFC Forum type 2 tag 1.2; NXP NTAG213/215/216. Page 3 is the capability container,
 * TLV blocks start at page 4, READ gives four pages.
 */
#ifndef ECM_HAL_CHIP_TYPE2_H
#define ECM_HAL_CHIP_TYPE2_H

#include "hal/chip/pn532.h"

/*
 * Put the NDEF message of the selected tag into message. Returns its size, 0 for an empty one;
 * -ENOENT when the tag holds none; -EMSGSIZE when it does not fit; -EBADMSG when the tag is
 * formatted in a way that makes no sense; or an error of pn532.h.
 */
int type2_read_ndef(struct pn532 *pn, uint8_t target, uint8_t *message, size_t capacity);

#endif
