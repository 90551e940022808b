/*
 * format.c - see format.h.
 */
#include "firmware/flashlog/format.h"

#include <string.h>

#include "hal/crc32.h"

static const uint8_t magic_erased[4] = {'E', 'C', 'M', 'A'};
static const uint8_t magic_begun[4] = {'E', 'C', 'M', 'B'};

enum { BEGUN_AT = FORMAT_BEGUN_AT, CRC_AT = 124, TYPE_RECORD = 1 };

/* Nobody taps that often; below them additions cannot overflow. */
#define LAP_MAX UINT32_C(0xFFFFFF00)
#define SEQ_MAX UINT64_C(0x7FFFFFFFFFFFFF00)

static void put(uint8_t *at, uint64_t value, int size)
{
    for (int i = 0; i < size; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint64_t get(const uint8_t *at, int size)
{
    uint64_t value = 0;

    for (int i = size - 1; i >= 0; i--) {
        value = value << 8 | at[i];
    }
    return value;
}

static uint32_t get4(const uint8_t *at)
{
    return (uint32_t)get(at, 4);
}

void format_put_erased(uint8_t slot[static FORMAT_SLOT], const struct format_erased *erased)
{
    (void)memcpy(slot, magic_erased, sizeof magic_erased);
    slot[4] = erased->version;
    slot[5] = erased->slots;
    put(slot + 6, erased->sectors, 2);
    put(slot + 8, erased->erases, 4);
    put(slot + 12, crc32_of(0, slot, 12), 4);
}

bool format_get_erased(const uint8_t slot[static FORMAT_SLOT], struct format_erased *ret_erased)
{
    if (memcmp(slot, magic_erased, sizeof magic_erased) != 0 ||
        get4(slot + 12) != crc32_of(0, slot, 12)) {
        return false;
    }
    ret_erased->version = slot[4];
    ret_erased->slots = slot[5];
    ret_erased->sectors = (uint16_t)get(slot + 6, 2);
    ret_erased->erases = get4(slot + 8);
    return true;
}

void format_put_begun(uint8_t slot[static FORMAT_SLOT], const struct format_begun *begun)
{
    (void)memcpy(slot + BEGUN_AT, magic_begun, sizeof magic_begun);
    put(slot + 20, begun->lap, 4);
    put(slot + 24, begun->first_seq, 8);
    put(slot + 32, begun->done_seq, 8);
    put(slot + 40, begun->epoch, 8);
    (void)memcpy(slot + 48, begun->chain, FORMAT_CHAIN_SIZE);
    (void)memset(slot + 80, 0, FORMAT_ID_SIZE);
    for (size_t i = 0; i < FORMAT_ID_SIZE && begun->device_id[i] != '\0'; i++) {
        slot[80 + i] = (uint8_t)begun->device_id[i];
    }
    put(slot + 112, begun->erases, 4);
    (void)memset(slot + 116, 0xFF, 8);
    put(slot + CRC_AT, crc32_of(0, slot + BEGUN_AT, CRC_AT - BEGUN_AT), 4);
}

bool format_get_begun(const uint8_t slot[static FORMAT_SLOT], struct format_begun *ret_begun)
{
    if (memcmp(slot + BEGUN_AT, magic_begun, sizeof magic_begun) != 0 ||
        get4(slot + CRC_AT) != crc32_of(0, slot + BEGUN_AT, CRC_AT - BEGUN_AT)) {
        return false;
    }
    ret_begun->lap = get4(slot + 20);
    ret_begun->first_seq = get(slot + 24, 8);
    ret_begun->done_seq = get(slot + 32, 8);
    ret_begun->epoch = get(slot + 40, 8);
    (void)memcpy(ret_begun->chain, slot + 48, FORMAT_CHAIN_SIZE);
    (void)memcpy(ret_begun->device_id, slot + 80, FORMAT_ID_SIZE);
    ret_begun->device_id[FORMAT_ID_SIZE] = '\0';
    ret_begun->erases = get4(slot + 112);
    /* Sound bytes can still say what no log of ours says. */
    return ret_begun->lap != 0 && ret_begun->lap < LAP_MAX && ret_begun->first_seq != 0 &&
           ret_begun->first_seq <= SEQ_MAX && ret_begun->done_seq < ret_begun->first_seq &&
           ret_begun->epoch != 0;
}

static uint32_t record_crc(const uint8_t *slot, uint64_t epoch)
{
    uint8_t seed[8];

    put(seed, epoch, 8);
    return crc32_of(crc32_of(0, seed, sizeof seed), slot, CRC_AT);
}

void format_put_record(uint8_t slot[static FORMAT_SLOT], uint64_t epoch, uint64_t seq,
    const uint8_t *bytes, uint32_t size)
{
    slot[0] = (uint8_t)size;
    slot[1] = TYPE_RECORD;
    put(slot + 2, 0, 2);
    put(slot + 4, seq, 8);
    (void)memcpy(slot + FORMAT_PAYLOAD_AT, bytes, size);
    (void)memset(slot + FORMAT_PAYLOAD_AT + size, 0xFF, FORMAT_PAYLOAD - size);
    put(slot + CRC_AT, record_crc(slot, epoch), 4);
}

bool format_get_record(
    const uint8_t slot[static FORMAT_SLOT], uint64_t epoch, struct format_record *ret_record)
{
    if (slot[0] == 0 || slot[0] > FORMAT_PAYLOAD || slot[1] != TYPE_RECORD || slot[2] != 0 ||
        slot[3] != 0 || get4(slot + CRC_AT) != record_crc(slot, epoch)) {
        return false;
    }
    ret_record->seq = get(slot + 4, 8);
    ret_record->size = slot[0];
    ret_record->bytes = slot + FORMAT_PAYLOAD_AT;
    return ret_record->seq != 0 && ret_record->seq <= SEQ_MAX;
}

bool format_is_blank(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0xFF) {
            return false;
        }
    }
    return true;
}
