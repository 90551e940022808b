/*
 * sun.h - the secure unique message an NTAG 424 DNA puts into its URI.
 *
 * The tag mirrors its encrypted PICC data (16 bytes as 32 hex digits) and a MAC (8 bytes as 16
 * hex digits) into query parameters of the URI it was personalised with. Their names are the
 * personaliser's choice; the ones in use are taken:
 *
 *   PICC data   picc_data, picc, e, p        MAC   cmac, mac, c, m
 *
 * Nothing is verified here: the keys are at the collector. The LRP mode (24 bytes) is not taken.
 *
 * Source: NXP NT4H2421Gx section 9.3, AN12196.
 * Pure function on outside bytes.
 */
#ifndef ECM_HAL_CHIP_SUN_H
#define ECM_HAL_CHIP_SUN_H

#include <stddef.h>
#include <stdint.h>

enum { SUN_PICC_SIZE = 16, SUN_MAC_SIZE = 8 };

/*
 * Take both out of uri (size characters). 0; -ENOENT when one of them is missing or is not
 * exactly as long as it must be.
 */
int sun_from_uri(
    const char *uri, size_t size, uint8_t ret_picc[SUN_PICC_SIZE], uint8_t ret_mac[SUN_MAC_SIZE]);

#endif
