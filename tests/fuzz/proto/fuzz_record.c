/* fuzz_record.c - any bytes: what decodes as a record encodes to the same bytes, if we know it all. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "proto/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record record;
    struct record again;
    uint8_t bytes[RECORD_BYTES_MAX];
    size_t encoded = 0;

    if (record_decode(data, size, &record) < 0 || record.type == RECORD_UNKNOWN) {
        return 0;
    }
    assert(record_encode(&record, bytes, sizeof bytes, &encoded) == 0);
    assert(encoded <= size); /* less: there were fields of a newer version */
    assert(record_decode(bytes, encoded, &again) == 0);
    assert(again.seq == record.seq && again.type == record.type);
    assert(again.wall_ms == record.wall_ms && again.boot_ms == record.boot_ms);
    if (record.type == RECORD_TAP) {
        assert(strcmp(again.tap.reader, record.tap.reader) == 0);
        assert(again.tap.uid_size == record.tap.uid_size);
        assert(memcmp(again.tap.uid, record.tap.uid, record.tap.uid_size) == 0);
        assert(again.tap.direction == record.tap.direction);
    }
    return 0;
}
