/*
 * emu_tag.c - what the emulated tags say.
 *
 * A type 2 tag has no memory image: a page is computed when it is read. That keeps an emulator
 * small enough for thousands of them in one process.
 */
#include "hal/fake/emu_tag.h"

#include <errno.h>
#include <string.h>

enum {
    PAGE_SIZE = 4,
    FILE_CONTAINER = 0xE103,
    FILE_NDEF = 0xE104,
    CONTAINER_SIZE = 23,
    NDEF_FILE_SIZE = 256,
    ISO_READ_MAX = 256,
};

/* ATS of an NTAG 424 DNA: 128-byte frames, 38.7 ms (Proxmark3 #990). */
static const uint8_t ntag424_ats[] = {0x06, 0x77, 0x77, 0x71, 0x02, 0x80};
static const uint8_t type4_ats[] = {0x06, 0x75, 0x77, 0x81, 0x02, 0x80};

static const uint8_t container_bytes[CONTAINER_SIZE] = {0x00, 0x17, 0x20, 0x01, 0x00, 0x00, 0xFF,
    0x04, 0x06, 0xE1, 0x04, 0x01, 0x00, 0x00, 0x00, 0x05, 0x06, 0xE1, 0x05, 0x00, 0x80, 0x82, 0x83};

/* What GET_VERSION and the capability container say of a kind, pages included. */
static const struct {
    uint8_t version[8];
    uint8_t data_blocks; /* of 8 bytes */
    uint8_t pages;
} type2_kinds[] = {
    [EMU_TAG_ULTRALIGHT] = {{0}, 0x06, 16},
    [EMU_TAG_NTAG213] = {{0x00, 0x04, 0x04, 0x02, 0x01, 0x00, 0x0F, 0x03}, 0x12, 45},
    [EMU_TAG_NTAG215] = {{0x00, 0x04, 0x04, 0x02, 0x01, 0x00, 0x11, 0x03}, 0x3E, 135},
    [EMU_TAG_NTAG216] = {{0x00, 0x04, 0x04, 0x02, 0x01, 0x00, 0x13, 0x03}, 0x6D, 231},
};

int emu_tag_set_uri(struct emu_tag *tag, const char *uri)
{
    static const struct {
        const char *text;
        uint8_t code;
    } prefixes[] = {{"https://www.", 0x02}, {"http://www.", 0x01}, {"https://", 0x04},
        {"http://", 0x03}, {"", 0x00}};
    size_t skip = 0;
    size_t size = 0;
    uint8_t code = 0;

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        skip = strlen(prefixes[i].text);
        code = prefixes[i].code;
        if (strncmp(uri, prefixes[i].text, skip) == 0) {
            break;
        }
    }
    size = strlen(uri + skip) + 1;
    if (size + 4 > EMU_TAG_NDEF_MAX) {
        return -EMSGSIZE;
    }
    tag->ndef[0] = 0xD1; /* first and last, short, well known */
    tag->ndef[1] = 1;
    tag->ndef[2] = (uint8_t)size;
    tag->ndef[3] = 'U';
    tag->ndef[4] = code;
    memcpy(tag->ndef + 5, uri + skip, size - 1);
    tag->ndef_size = (uint8_t)(size + 4);
    return 0;
}

bool emu_card_is_type4(const struct emu_card *card)
{
    return card->tag.kind == EMU_TAG_TYPE4 || card->tag.kind == EMU_TAG_NTAG424;
}

void emu_card_power_up(struct emu_card *card, uint32_t random)
{
    card->state = EMU_CARD_IDLE;
    card->app_selected = false;
    card->file = 0;
    card->uid_size = card->tag.uid_size;
    memcpy(card->uid, card->tag.uid, sizeof card->uid);
    if (card->tag.random_uid) {
        card->uid_size = 4;
        card->uid[0] = 0x08;
        card->uid[1] = (uint8_t)(random >> 16);
        card->uid[2] = (uint8_t)(random >> 8);
        card->uid[3] = (uint8_t)random;
    }
}

size_t emu_card_describe(const struct emu_card *card, uint8_t *answer)
{
    bool is_424 = card->tag.kind == EMU_TAG_NTAG424;
    size_t at = 0;

    answer[at++] = emu_card_is_type4(card) ? 0x03 : 0x00;
    answer[at++] = card->tag.kind == EMU_TAG_CLASSIC ? 0x04 : 0x44;
    answer[at++] = emu_card_is_type4(card) ? 0x20 : card->tag.kind == EMU_TAG_CLASSIC ? 0x08 : 0x00;
    answer[at++] = card->uid_size;
    memcpy(answer + at, card->uid, card->uid_size);
    at += card->uid_size;
    if (emu_card_is_type4(card)) {
        memcpy(answer + at, is_424 ? ntag424_ats : type4_ats, sizeof ntag424_ats);
        at += sizeof ntag424_ats;
    }
    return at;
}

/* --- type 2 --- */

/* The byte at offset of the user memory: one NDEF TLV, a terminator, zeros. */
static uint8_t type2_user_byte(const struct emu_tag *tag, size_t offset)
{
    if (offset == 0) {
        return 0x03;
    }
    if (offset == 1) {
        return tag->ndef_size;
    }
    if (offset - 2 < tag->ndef_size) {
        return tag->ndef[offset - 2];
    }
    return offset - 2 == tag->ndef_size ? 0xFE : 0x00;
}

static void type2_page(const struct emu_card *card, unsigned page, uint8_t bytes[PAGE_SIZE])
{
    const uint8_t *uid = card->uid;
    const uint8_t blocks = type2_kinds[card->tag.kind].data_blocks;
    const uint8_t head[4][PAGE_SIZE] = {
        {uid[0], uid[1], uid[2], (uint8_t)(0x88 ^ uid[0] ^ uid[1] ^ uid[2])},
        {uid[3], uid[4], uid[5], uid[6]},
        {(uint8_t)(uid[3] ^ uid[4] ^ uid[5] ^ uid[6]), 0x48, 0x00, 0x00},
        {0xE1, 0x10, blocks, 0x00},
    };

    if (page < 4) {
        memcpy(bytes, head[page], PAGE_SIZE);
        return;
    }
    for (unsigned i = 0; i < PAGE_SIZE; i++) {
        bytes[i] = type2_user_byte(&card->tag, (page - 4) * PAGE_SIZE + i);
    }
}

static size_t type2_answer(
    const struct emu_card *card, const uint8_t *command, size_t size, uint8_t *answer)
{
    unsigned pages = type2_kinds[card->tag.kind].pages;

    if (size == 2 && command[0] == 0x30 && command[1] < pages) {
        for (unsigned i = 0; i < 4; i++) {
            type2_page(card, (command[1] + i) % pages, answer + i * PAGE_SIZE);
        }
        return 16;
    }
    if (size == 1 && command[0] == 0x60 && card->tag.kind != EMU_TAG_ULTRALIGHT) {
        memcpy(answer, type2_kinds[card->tag.kind].version, 8);
        return 8;
    }
    if (size == 5 && command[0] == 0x1B && card->tag.kind != EMU_TAG_ULTRALIGHT) {
        answer[0] = 0x00; /* PACK of a factory-fresh tag */
        answer[1] = 0x00;
        return 2;
    }
    return 0;
}

/* --- type 4 --- */

static size_t put_status(uint8_t *answer, size_t at, uint16_t status)
{
    answer[at] = (uint8_t)(status >> 8);
    answer[at + 1] = (uint8_t)status;
    return at + 2;
}

static uint16_t type4_select(struct emu_card *card, const uint8_t *apdu, size_t size)
{
    static const uint8_t app[] = {0xD2, 0x76, 0x00, 0x00, 0x85, 0x01, 0x01};

    if (apdu[2] == 0x04 && size >= 12 && apdu[4] == sizeof app &&
        memcmp(apdu + 5, app, sizeof app) == 0) {
        card->app_selected = true;
        card->file = 0;
        return 0x9000;
    }
    if (apdu[2] == 0x00 && apdu[3] == 0x0C && size == 7 && apdu[4] == 2 && card->app_selected) {
        uint16_t file = (uint16_t)(apdu[5] << 8 | apdu[6]);

        if (file == FILE_CONTAINER || file == FILE_NDEF) {
            card->file = file;
            return 0x9000;
        }
    }
    return 0x6A82;
}

static uint8_t type4_file_byte(const struct emu_card *card, size_t offset)
{
    if (card->file == FILE_CONTAINER) {
        return container_bytes[offset];
    }
    if (offset < 2) {
        return offset == 0 ? 0 : card->tag.ndef_size;
    }
    return offset - 2 < card->tag.ndef_size ? card->tag.ndef[offset - 2] : 0;
}

static size_t type4_read(struct emu_card *card, const uint8_t *apdu, uint8_t *answer)
{
    size_t file_size = card->file == FILE_CONTAINER ? CONTAINER_SIZE : NDEF_FILE_SIZE;
    size_t offset = (size_t)apdu[2] << 8 | apdu[3];
    size_t count = apdu[4] != 0 ? apdu[4] : ISO_READ_MAX;
    size_t at = 0;

    if (card->file == 0) {
        return put_status(answer, 0, 0x6985);
    }
    if (offset >= file_size) {
        return put_status(answer, 0, 0x6B00);
    }
    while (at < count && offset + at < file_size) {
        answer[at] = type4_file_byte(card, offset + at);
        at++;
    }
    return put_status(answer, at, 0x9000);
}

static size_t type4_answer(struct emu_card *card, const uint8_t *apdu, size_t size, uint8_t *answer)
{
    if (size < 5 || apdu[0] != 0x00) {
        return put_status(answer, 0, 0x6E00);
    }
    if (apdu[1] == 0xA4) {
        return put_status(answer, 0, type4_select(card, apdu, size));
    }
    if (apdu[1] == 0xB0) {
        return type4_read(card, apdu, answer);
    }
    return put_status(answer, 0, 0x6D00);
}

size_t emu_card_answer(struct emu_card *card, const uint8_t *command, size_t size, uint8_t *answer)
{
    if (size == 0 || card->tag.kind == EMU_TAG_CLASSIC) {
        return 0;
    }
    if (emu_card_is_type4(card)) {
        return type4_answer(card, command, size, answer);
    }
    return type2_answer(card, command, size, answer);
}
