/*
 * control.c - see control.h.
 */
#include "firmware/boot/control.h"

#include <errno.h>
#include <string.h>

#include "firmware/boot/little.h"
#include "hal/crc32.h"

static const uint8_t magic[4] = {'E', 'C', 'M', 'C'};

enum {
    FORMAT = 1,
    SLOT_AT = 12,
    SLOT_SIZE = 40,
    CRC_AT = CONTROL_RECORD - 4,
    RECORDS = HAL_FLASH_SECTOR / CONTROL_RECORD,
    RECORDS_A_PAGE = HAL_FLASH_PAGE / CONTROL_RECORD,
    /* A record that a cut left may be read tomorrow and not today; it has the next generation. */
    GENERATION_STEP = 2,
};

#define GENERATION_MAX UINT32_C(0xFFFFFF00)

static void put_record(uint8_t *record, const struct boot_control *state)
{
    (void)memset(record, 0xFF, CONTROL_RECORD);
    (void)memcpy(record, magic, sizeof magic);
    record[4] = FORMAT;
    record[5] = state->preferred;
    record[6] = record[7] = 0;
    little_put4(record + 8, state->generation);
    for (size_t i = 0; i < IMAGE_SLOTS; i++) {
        uint8_t *at = record + SLOT_AT + i * SLOT_SIZE;

        at[0] = (uint8_t)state->slot[i].state;
        at[1] = state->slot[i].trials_left;
        at[2] = at[3] = 0;
        little_put4(at + 4, state->slot[i].received);
        (void)memcpy(at + 8, state->slot[i].bundle, CRYPTO_HASH_SIZE);
    }
    little_put4(record + CRC_AT, crc32_of(0, record, CRC_AT));
}

bool control_get(const uint8_t record[static CONTROL_RECORD], struct boot_control *ret_state)
{
    struct boot_control state = {.generation = little_get4(record + 8), .preferred = record[5]};

    if (memcmp(record, magic, sizeof magic) != 0 || record[4] != FORMAT ||
        little_get4(record + CRC_AT) != crc32_of(0, record, CRC_AT) ||
        state.preferred >= IMAGE_SLOTS || state.generation == 0 ||
        state.generation > GENERATION_MAX) {
        return false;
    }
    for (size_t i = 0; i < IMAGE_SLOTS; i++) {
        const uint8_t *at = record + SLOT_AT + i * SLOT_SIZE;

        if (at[0] > BOOT_BAD || at[1] > BOOT_TRIALS) {
            return false;
        }
        state.slot[i].state = (enum boot_state)at[0];
        state.slot[i].trials_left = at[1];
        state.slot[i].received = little_get4(at + 4);
        (void)memcpy(state.slot[i].bundle, at + 8, CRYPTO_HASH_SIZE);
    }
    *ret_state = state;
    return true;
}

static uint32_t offset_of(const struct control *control, uint32_t sector, uint32_t record)
{
    return control->offset + sector * HAL_FLASH_SECTOR + record * CONTROL_RECORD;
}

/* Program the page that holds the record with what is in control->page, and read it back. */
static int program_record(struct control *control, uint32_t sector, uint32_t record)
{
    const uint8_t *wanted = control->page + record % RECORDS_A_PAGE * CONTROL_RECORD;
    uint8_t found[CONTROL_RECORD] = {0};
    uint32_t at = offset_of(control, sector, record / RECORDS_A_PAGE * RECORDS_A_PAGE);
    int rc = hal_flash_program(control->flash, at, control->page, HAL_FLASH_PAGE);

    if (rc == 0) {
        rc =
            hal_flash_read(control->flash, offset_of(control, sector, record), found, sizeof found);
    }
    return rc == 0 && memcmp(found, wanted, sizeof found) != 0 ? -EIO : rc;
}

int control_load(struct control *control, struct hal_flash *flash, const struct boot_layout *layout)
{
    struct boot_control state;
    uint32_t newest = 0;

    (void)memset(control, 0, sizeof *control);
    control->flash = flash;
    control->offset = layout->control;
    (void)memset(control->page, 0xFF, sizeof control->page);
    for (uint32_t i = 0; i < CONTROL_SECTORS * RECORDS; i++) {
        uint8_t record[CONTROL_RECORD];
        int rc = hal_flash_read(flash, offset_of(control, 0, i), record, sizeof record);

        if (rc < 0) {
            return rc;
        }
        if (control_get(record, &state) && state.generation > control->state.generation) {
            control->state = state;
            newest = i;
            (void)memset(control->page, 0xFF, sizeof control->page);
            (void)memcpy(
                control->page + i % RECORDS_A_PAGE * CONTROL_RECORD, record, sizeof record);
        }
    }
    if (control->state.generation != 0) {
        control->sector = (uint8_t)(newest / RECORDS);
        /* Once more: when a cut left it weak, it is firm now. */
        (void)program_record(control, newest / RECORDS, newest % RECORDS);
    }
    return 0;
}

/* Take the other sector: the newest record stays where it is until there is a newer one. */
static int change_sector(struct control *control)
{
    uint8_t other = (uint8_t)(1 - control->sector);
    int rc = hal_flash_erase(control->flash, offset_of(control, other, 0), HAL_FLASH_SECTOR);

    if (rc == 0) {
        control->sector = other;
    }
    return rc;
}

int control_store(struct control *control, const struct boot_control *state)
{
    struct boot_control next = *state;
    int rc = control->next == 0 ? change_sector(control) : 0;

    if (rc < 0) {
        return rc;
    }
    next.generation = control->state.generation + GENERATION_STEP;
    (void)memset(control->page, 0xFF, sizeof control->page);
    put_record(control->page + control->next % RECORDS_A_PAGE * CONTROL_RECORD, &next);
    rc = program_record(control, control->sector, control->next);
    if (rc < 0) {
        /* Whatever lies there now is not the newest for long: the next one has a higher number. */
        control->state.generation = next.generation;
        control->next = 0;
        return rc;
    }
    control->state = next;
    control->next = (uint8_t)((control->next + 1) % RECORDS);
    return 0;
}
