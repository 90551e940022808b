/*
 * fuzz_ndef.c - any bytes as an NDEF message, a URI and a capability container.
 */
#include <stdlib.h>
#include <string.h>

#include "hal/chip/ndef.h"
#include "hal/chip/sun.h"
#include "hal/chip/type4.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct type4_container container;
    uint8_t picc[SUN_PICC_SIZE];
    uint8_t mac[SUN_MAC_SIZE];
    char uri[64];
    int rc = ndef_find_uri(data, size, uri, sizeof uri);

    if (rc >= 0) {
        if ((size_t)rc >= sizeof uri || uri[rc] != '\0') {
            abort();
        }
        (void)sun_from_uri(uri, (size_t)rc, picc, mac);
    }
    /* Not every URI comes from a tag that keeps to 64 characters. */
    (void)sun_from_uri((const char *)data, size, picc, mac);
    if (type4_parse_container(data, size, &container) == 0 && container.read_max == 0) {
        abort();
    }
    return 0;
}
