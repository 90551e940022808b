/*
 * crc32.h - CRC-32 as in Ethernet and zip (reflected EDB88320), for what lies in flash.
 *
 * The check value of "123456789" is CBF43926. 64 bytes of table, about 20 us for 128 bytes on a
 * Cortex-M0+ at 125 MHz.
 *
 * Threads: pure.
 */
#ifndef ECM_HAL_CRC32_H
#define ECM_HAL_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Of bytes, continuing from crc: 0 to begin with, an earlier result to go on. */
uint32_t crc32_of(uint32_t crc, const void *bytes, size_t size);

#endif
