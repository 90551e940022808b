/* fuzz_csv.c - any bytes as a CSV file: no fault, and fields that end in their zero byte. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct csv *csv = NULL;
    struct csv_field *fields = NULL;
    size_t count = 0;

    if (csv_open_memory(&csv, (const char *)data, size) < 0) {
        return 0;
    }
    while (csv_next(csv, &fields, &count) == 1) {
        assert(count >= 1 && count <= CSV_FIELDS_MAX);
        for (size_t i = 0; i < count; i++) {
            assert(strlen(fields[i].text) == fields[i].size);
        }
    }
    assert(csv_bytes_done(csv) <= size);
    csv_close(csv);
    return 0;
}
