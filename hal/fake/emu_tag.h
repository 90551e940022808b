/*
 * emu_tag.h - tags for the emulated reader: what they are and what they answer.
 *
 * Type 2 (Ultralight, NTAG21x) with READ, GET_VERSION and PWD_AUTH; type 4 and NTAG 424 DNA with
 * the NDEF application (capability container E103, NDEF file E104); MIFARE Classic by number only.
 *
 * Sources: NXP data sheets NTAG213/215/216, NT4H2421Gx; NFC Forum type 2 and type 4.
 */
#ifndef ECM_HAL_FAKE_EMU_TAG_H
#define ECM_HAL_FAKE_EMU_TAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EMU_TAG_UID_MAX = 10, EMU_TAG_NDEF_MAX = 254 };

enum emu_tag_kind {
    EMU_TAG_ULTRALIGHT, /* type 2 that does not know GET_VERSION */
    EMU_TAG_NTAG213,
    EMU_TAG_NTAG215,
    EMU_TAG_NTAG216,
    EMU_TAG_TYPE4, /* any ISO 14443-4 card with an NDEF file */
    EMU_TAG_NTAG424,
    EMU_TAG_CLASSIC,
};

struct emu_tag {
    enum emu_tag_kind kind;
    uint8_t uid[EMU_TAG_UID_MAX];
    uint8_t uid_size;               /* 4, 7 or 10 */
    bool random_uid;                /* shows another 08xxxxxx each time the field comes on */
    uint8_t ndef_size;              /* 0: an empty NDEF file */
    uint8_t ndef[EMU_TAG_NDEF_MAX]; /* one NDEF message */
};

/* What a tag is doing, as long as it lies in the field. */
enum emu_card_state { EMU_CARD_IDLE, EMU_CARD_ACTIVE, EMU_CARD_HALTED };

struct emu_card {
    bool is_here;
    enum emu_card_state state;
    uint8_t uid[EMU_TAG_UID_MAX]; /* the number shown since the field came on */
    uint8_t uid_size;
    bool app_selected; /* type 4 */
    uint16_t file;     /* type 4: selected file, 0 for none */
    struct emu_tag tag;
};

/*
 * Make ndef one URI record holding uri, abbreviated by the prefix table where it can be.
 * 0, or -EMSGSIZE when it does not fit.
 */
int emu_tag_set_uri(struct emu_tag *tag, const char *uri);

/* Field on: idle, nothing selected, random is what a random number is made of. */
void emu_card_power_up(struct emu_card *card, uint32_t random);

/* Whether the tag speaks ISO 14443-4. */
bool emu_card_is_type4(const struct emu_card *card);

/*
 * Put SENS_RES(2) SEL_RES UIDlen UID [ATS] into answer (at least 48 bytes). Returns the size.
 */
size_t emu_card_describe(const struct emu_card *card, uint8_t *answer);

/*
 * Let the tag answer command as InDataExchange would pass it on. Returns the size of answer (at
 * most 262), or 0 when the tag stays silent.
 */
size_t emu_card_answer(struct emu_card *card, const uint8_t *command, size_t size, uint8_t *answer);

#endif
