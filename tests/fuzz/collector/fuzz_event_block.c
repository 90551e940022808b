/*
 * fuzz_event_block.c - any bytes as a block of events and as a list of places.
 *
 * What is believed can be written again, and is read again as the same.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "collector/storage/event_block.h"

static bool is_same_text(const struct event_text *a, const struct event_text *b)
{
    return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
}

static void read_events(const uint8_t *data, size_t size)
{
    struct event_bytes again = {0};
    struct event_reader reader, second;
    struct event_view event, found;
    int rc = 0;

    event_reader_init(&reader, data, size);
    while ((rc = event_reader_next(&reader, &event)) == 1) {
        if (event_bytes_add(&again, &event) < 0) {
            abort();
        }
    }
    if (rc != 0 && rc != ECM_ECORRUPT) {
        abort();
    }
    event_reader_init(&reader, data, size);
    event_reader_init(&second, again.bytes, again.size);
    while (event_reader_next(&second, &found) == 1) {
        if (event_reader_next(&reader, &event) != 1 || event.recv_utc != found.recv_utc ||
            event.ts_utc != found.ts_utc || event.kind != found.kind ||
            !is_same_text(&event.event_id, &found.event_id) ||
            !is_same_text(&event.device_id, &found.device_id) ||
            !is_same_text(&event.card_uid, &found.card_uid)) {
            abort();
        }
    }
    if (event_reader_next(&reader, &event) == 1) {
        abort();
    }
    free(again.bytes);
}

static void read_places(const uint8_t *data, size_t size)
{
    struct event_bytes again = {0};
    struct event_reader reader, second;
    struct event_place place, found;

    event_reader_init(&reader, data, size);
    while (event_reader_next_place(&reader, &place) == 1) {
        if (event_bytes_add_place(&again, &place) < 0) {
            abort();
        }
    }
    event_reader_init(&reader, data, size);
    event_reader_init(&second, again.bytes, again.size);
    while (event_reader_next_place(&second, &found) == 1) {
        if (event_reader_next_place(&reader, &place) != 1 || place.number != found.number ||
            place.at_utc != found.at_utc || place.is_ahead != found.is_ahead) {
            abort();
        }
    }
    free(again.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_events(data, size);
    read_places(data, size);
    return 0;
}
