/* crc32.h - CRC-32 of IEEE 802.3 and zlib: polynomial EDB88320 reflected, "123456789" gives
 * CBF43926. Sixteen entries of table, for where flash is scarce. */
#ifndef ECM_PROTO_CRC32_H
#define ECM_PROTO_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* crc: 0, or what came out for the bytes before. */
uint32_t crc32_update(uint32_t crc, const void *bytes, size_t size);

#endif
