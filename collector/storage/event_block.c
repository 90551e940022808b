/* event_block.c - see event_block.h. */
#include "collector/storage/event_block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum {
    VARINT_MAX = 10,
    BYTES_START = 8192,
    TEXT_SIZE_MAX = 65535, /* DATASET_TEXT_SIZE_MAX */
};

/* ---- writing ------------------------------------------------------------------------------ */

void event_bytes_clear(struct event_bytes *bytes)
{
    bytes->size = 0;
    bytes->recv_before = 0;
    bytes->place_before = (struct event_place){0};
}

static int reserve(struct event_bytes *bytes, size_t more)
{
    size_t capacity = bytes->capacity < BYTES_START ? BYTES_START : bytes->capacity;
    uint8_t *grown = NULL;

    if (bytes->size + more <= bytes->capacity) {
        return 0;
    }
    while (capacity < bytes->size + more) {
        capacity *= 2;
    }
    grown = realloc(bytes->bytes, capacity);
    if (grown == NULL) {
        return -ENOMEM;
    }
    bytes->bytes = grown;
    bytes->capacity = capacity;
    return 0;
}

static void put_varint(struct event_bytes *bytes, uint64_t value)
{
    for (; value > 0x7f; value >>= 7) {
        bytes->bytes[bytes->size++] = (uint8_t)(value | 0x80);
    }
    bytes->bytes[bytes->size++] = (uint8_t)value;
}

/* 0, -1, 1, -2 ... as 0, 1, 2, 3 ... */
static uint64_t fold(uint64_t difference)
{
    return difference << 1 ^ (difference >> 63 != 0 ? UINT64_MAX : 0);
}

static uint64_t unfold(uint64_t folded)
{
    return folded >> 1 ^ ((folded & 1) != 0 ? UINT64_MAX : 0);
}

static uint64_t difference(int64_t value, int64_t before)
{
    return (uint64_t)value - (uint64_t)before;
}

static void put_text(struct event_bytes *bytes, const struct event_text *text)
{
    put_varint(bytes, text->size);
    if (text->size > 0) {
        (void)memcpy(bytes->bytes + bytes->size, text->text, text->size);
    }
    bytes->size += text->size;
}

int event_bytes_add(struct event_bytes *bytes, const struct event_view *event)
{
    size_t texts = (size_t)event->event_id.size + event->device_id.size + event->card_uid.size;

    if (reserve(bytes, texts + 5 * (size_t)VARINT_MAX + 1) < 0) {
        return -ENOMEM;
    }
    put_varint(bytes, fold(difference(event->recv_utc, bytes->recv_before)));
    put_varint(bytes, fold(difference(event->ts_utc, event->recv_utc)));
    bytes->bytes[bytes->size++] = (uint8_t)event->kind;
    put_text(bytes, &event->event_id);
    put_text(bytes, &event->device_id);
    put_text(bytes, &event->card_uid);
    bytes->recv_before = event->recv_utc;
    return 0;
}

int event_bytes_add_place(struct event_bytes *bytes, const struct event_place *place)
{
    uint64_t at = fold(difference(place->at_utc, bytes->place_before.at_utc));

    if (reserve(bytes, 2 * (size_t)VARINT_MAX + 1) < 0) {
        return -ENOMEM;
    }
    put_varint(bytes, difference(place->number, bytes->place_before.number));
    /* The flag first, so that the difference keeps its 64 bits. */
    bytes->bytes[bytes->size++] = place->is_ahead ? 1 : 0;
    put_varint(bytes, at);
    bytes->place_before = *place;
    return 0;
}

/* ---- reading ------------------------------------------------------------------------------ */

void event_reader_init(struct event_reader *reader, const void *bytes, size_t size)
{
    *reader = (struct event_reader){.at = bytes, .end = (const uint8_t *)bytes + size};
}

static bool get_varint(struct event_reader *reader, uint64_t *ret_value)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 7 * VARINT_MAX && reader->at < reader->end; shift += 7) {
        uint8_t byte = *reader->at++;

        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *ret_value = value;
            return shift < 63 || byte <= 1;
        }
    }
    return false;
}

static bool get_difference(struct event_reader *reader, int64_t before, int64_t *ret_value)
{
    uint64_t folded = 0;

    if (!get_varint(reader, &folded)) {
        return false;
    }
    *ret_value = (int64_t)((uint64_t)before + unfold(folded));
    return true;
}

static bool get_text(struct event_reader *reader, struct event_text *ret_text)
{
    uint64_t size = 0;

    if (!get_varint(reader, &size) || size > TEXT_SIZE_MAX ||
        size > (size_t)(reader->end - reader->at) || memchr(reader->at, '\0', size) != NULL) {
        return false;
    }
    *ret_text = (struct event_text){(const char *)reader->at, (uint32_t)size};
    reader->at += size;
    return true;
}

static bool get_byte(struct event_reader *reader, uint8_t *ret_byte)
{
    if (reader->at == reader->end) {
        return false;
    }
    *ret_byte = *reader->at++;
    return true;
}

int event_reader_next(struct event_reader *reader, struct event_view *ret_event)
{
    struct event_view event = {0};
    uint8_t kind = 0;

    if (reader->at == reader->end) {
        return 0;
    }
    if (!get_difference(reader, reader->recv_before, &event.recv_utc) ||
        !get_difference(reader, event.recv_utc, &event.ts_utc) || !get_byte(reader, &kind) ||
        !get_text(reader, &event.event_id) || !get_text(reader, &event.device_id) ||
        !get_text(reader, &event.card_uid)) {
        return ECM_ECORRUPT;
    }
    event.kind = (char)kind;
    reader->recv_before = event.recv_utc;
    *ret_event = event;
    return 1;
}

int event_reader_next_place(struct event_reader *reader, struct event_place *ret_place)
{
    struct event_place place = {0};
    uint64_t step = 0;
    uint8_t flags = 0;

    if (reader->at == reader->end) {
        return 0;
    }
    if (!get_varint(reader, &step) || !get_byte(reader, &flags) || flags > 1 ||
        !get_difference(reader, reader->place_before.at_utc, &place.at_utc)) {
        return ECM_ECORRUPT;
    }
    place.number = (int64_t)((uint64_t)reader->place_before.number + step);
    place.is_ahead = flags != 0;
    reader->place_before = place;
    *ret_place = place;
    return 1;
}

uint32_t event_id_hash(const char *text, size_t size)
{
    uint32_t hash = UINT32_C(2166136261);

    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ (uint8_t)text[i]) * UINT32_C(16777619);
    }
    return hash;
}
