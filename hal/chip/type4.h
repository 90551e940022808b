/*
 * type4.h - read the NDEF message of an NFC Forum type 4 tag (NTAG 424 DNA, DESFire).
 *
 * Select the NDEF application, read the capability container, select the NDEF file it names,
 * read its length and then its body with ISO READ BINARY only: on an NTAG 424 consecutive reads of
 * the same kind leave the read counter and the random padding alone, a command in between does
 * not, and the SUN message would fall apart (NT4H2421Gx section 9.3).
 *
 * Source: NFC Forum type 4 tag 2.0; ISO/IEC 7816-4.
 */
#ifndef ECM_HAL_CHIP_TYPE4_H
#define ECM_HAL_CHIP_TYPE4_H

#include "hal/chip/pn532.h"

/* What a capability container says. */
struct type4_container {
    uint16_t read_max; /* MLe */
    uint16_t file;     /* id of the NDEF file */
    uint16_t file_size;
    uint8_t read_access; /* 0: free */
};

/*
 * Take apart a capability container. 0; -ENOENT when it names no readable NDEF file; -EBADMSG
 * when it makes no sense.
 */
int type4_parse_container(const uint8_t *bytes, size_t size, struct type4_container *ret_container);

/*
 * Put the NDEF message of the selected tag into message. Returns its size, 0 for an empty one;
 * -ENOENT when the tag holds none; -EMSGSIZE when it does not fit; -EBADMSG when an answer makes
 * no sense; -EACCES when the tag refuses; or an error of pn532.h.
 */
int type4_read_ndef(struct pn532 *pn, uint8_t target, uint8_t *message, size_t capacity);

#endif
