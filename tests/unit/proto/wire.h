/*
 * wire.h - protobuf bytes written by hand, so that tests can send what no encoder of ours would.
 */
#ifndef ECM_TESTS_UNIT_PROTO_WIRE_H
#define ECM_TESTS_UNIT_PROTO_WIRE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct wire {
    size_t size;
    uint8_t bytes[70000];
};

static inline void wire_byte(struct wire *wire, uint8_t byte)
{
    assert(wire->size < sizeof wire->bytes);
    wire->bytes[wire->size++] = byte;
}

static inline void wire_varint(struct wire *wire, uint64_t value)
{
    while (value >= 0x80) {
        wire_byte(wire, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    wire_byte(wire, (uint8_t)value);
}

/* Field of wire type 0. */
static inline void wire_number(struct wire *wire, unsigned field, uint64_t value)
{
    wire_varint(wire, (uint64_t)field << 3);
    wire_varint(wire, value);
}

/* Field of wire type 1. */
static inline void wire_fixed64(struct wire *wire, unsigned field, uint64_t value)
{
    wire_varint(wire, (uint64_t)field << 3 | 1);
    for (unsigned i = 0; i < 8; i++) {
        wire_byte(wire, (uint8_t)(value >> (8 * i)));
    }
}

/* Field of wire type 2. */
static inline void wire_bytes(struct wire *wire, unsigned field, const void *bytes, size_t size)
{
    wire_varint(wire, (uint64_t)field << 3 | 2);
    wire_varint(wire, size);
    assert(wire->size + size <= sizeof wire->bytes);
    if (size > 0) {
        memcpy(wire->bytes + wire->size, bytes, size);
    }
    wire->size += size;
}

static inline void wire_text(struct wire *wire, unsigned field, const char *text)
{
    wire_bytes(wire, field, text, strlen(text));
}

static inline void wire_message(struct wire *wire, unsigned field, const struct wire *inner)
{
    wire_bytes(wire, field, inner->bytes, inner->size);
}

#endif
