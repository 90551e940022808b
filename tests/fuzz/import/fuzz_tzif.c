/* fuzz_tzif.c - any bytes as a zoneinfo file: refused, or a table in order. */
#include <assert.h>
#include <stdint.h>

#include "base/tzif.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tzif tzif = {0};

    if (tzif_parse(&tzif, data, size) == 0) {
        assert(tzif.count >= 1 && tzif.at_utc[0] == INT64_MIN);
        for (size_t i = 1; i < tzif.count; i++) {
            assert(tzif.at_utc[i] > tzif.at_utc[i - 1]);
        }
    }
    tzif_done(&tzif);
    return 0;
}
