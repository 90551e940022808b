/* fuzz_import.c - the first byte chooses a table, the rest is its file: refused or taken, no fault. */
#include <stdint.h>

#include "base/err.h"
#include "collector/import/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const files[] = {"period.csv", "providers.csv", "rates.csv", "people.csv",
        "carers.csv", "cards.csv", "devices.csv", "planned.csv", "events.csv", "amendments.csv",
        "home_tags.csv", "carried_readers.csv"};
    struct dataset dataset;
    struct err err;

    if (size == 0 || dataset_init(&dataset) < 0) {
        return 0;
    }
    (void)import_bytes(files[data[0] % (sizeof files / sizeof files[0])], (const char *)data + 1,
        size - 1, &dataset, &err);
    dataset_done(&dataset);
    return 0;
}
