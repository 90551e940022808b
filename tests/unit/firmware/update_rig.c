/*
 * update_rig.c - see update_rig.h.
 */
#include "tests/unit/firmware/update_rig.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/suite.h"

static const uint8_t rig_seed[CRYPTO_SEED_SIZE] = {1, 2, 3};
static const char rig_board[] = "pico-reader";

enum { SLOT_A = 1, SLOT_B = SLOT_A + RIG_SLOT_SECTORS, CONTROL = SLOT_B + RIG_SLOT_SECTORS };

static void make_program(uint8_t *program, uint32_t version, uint8_t slot)
{
    for (uint32_t i = 0; i < RIG_PROGRAM; i++) {
        program[i] = (uint8_t)(i * 7 + i / 256 + version * 31 + slot * 101);
    }
}

static void hash_of(const uint8_t *bytes, size_t size, uint8_t *ret_hash)
{
    struct crypto_sha256 hash;

    crypto_sha256_init(&hash);
    crypto_sha256_add(&hash, bytes, size);
    crypto_sha256_end(&hash, ret_hash);
}

static struct bundle values_of(const struct rig_bundle *bundle, uint32_t version)
{
    struct bundle values = {.flags = 0};

    for (uint8_t i = 0; i < (uint8_t)IMAGE_SLOTS; i++) {
        struct image *image = &values.image[i];

        image->slot = i;
        image->offset = (uint32_t)(i == 0 ? SLOT_A : SLOT_B) * HAL_FLASH_SECTOR;
        image->size = RIG_PROGRAM;
        image->version = version;
        (void)memcpy(image->board, rig_board, sizeof rig_board);
        (void)snprintf(image->version_text, sizeof image->version_text, "0.%u", version);
        hash_of(bundle->program[i], RIG_PROGRAM, image->hash);
    }
    return values;
}

void update_rig_bundle(struct rig_bundle *bundle, uint32_t version)
{
    struct bundle values;

    /* cppcheck-suppress uninitvar ; this is what fills it */
    make_program(bundle->program[0], version, 0);
    make_program(bundle->program[1], version, 1);
    values = values_of(bundle, version);
    bundle_sign(bundle->header, &values, rig_seed);
}

void update_rig_sign(struct rig_bundle *bundle, const struct bundle *values)
{
    bundle_sign(bundle->header, values, rig_seed);
}

void update_rig_init(struct update_rig *rig)
{
    struct rig_bundle factory;
    struct bundle values;
    uint8_t page[IMAGE_PAGE];

    memset(rig, 0, sizeof *rig);
    assert_int_equal(fake_flash_init(&rig->flash, (CONTROL + 3) * HAL_FLASH_SECTOR, 7), 0);
    rig->layout = (struct boot_layout){.control = CONTROL * HAL_FLASH_SECTOR,
        .slot = {SLOT_A * HAL_FLASH_SECTOR, SLOT_B * HAL_FLASH_SECTOR},
        .slot_size = RIG_SLOT_SECTORS * HAL_FLASH_SECTOR};
    rig->conf = (struct receiver_conf){
        .flash = &rig->flash.base, .layout = &rig->layout, .board = rig_board};
    crypto_public_key(rig_seed, rig->conf.key);
    update_rig_bundle(&factory, 1);
    values = values_of(&factory, 1);
    image_put(page, &values.image[0]);
    memcpy(rig->flash.bytes + rig->layout.slot[0], page, sizeof page);
    memcpy(rig->flash.bytes + rig->layout.slot[0] + IMAGE_PAGE, factory.program[0], RIG_PROGRAM);
}

void update_rig_done(struct update_rig *rig)
{
    assert_int_equal(rig->flash.raised, 0);
    for (uint32_t i = 0; i < HAL_FLASH_SECTOR; i++) { /* nothing outside */
        assert_int_equal(rig->flash.bytes[i], 0xFF);
        assert_int_equal(rig->flash.bytes[rig->flash.base.size - 1 - i], 0xFF);
    }
    fake_flash_done(&rig->flash);
}

/* What runs is byte for byte the program of its version: nothing half-written ever runs. */
static void check_program(const struct update_rig *rig, int slot, uint32_t version)
{
    uint8_t program[RIG_PROGRAM];

    make_program(program, version, (uint8_t)slot);
    assert_memory_equal(
        rig->flash.bytes + rig->layout.slot[slot] + IMAGE_PAGE, program, RIG_PROGRAM);
}

uint32_t update_rig_start(struct update_rig *rig)
{
    struct boot_choice choice;
    struct image image;

    fake_flash_power_on(&rig->flash);
    choice = boot_choose(&rig->flash.base, &rig->layout);
    assert_int_not_equal(choice.slot, BOOT_NO_SLOT);
    assert_true(image_get(rig->flash.bytes + rig->layout.slot[choice.slot], &image));
    check_program(rig, choice.slot, image.version);
    rig->conf.running = (uint8_t)choice.slot;
    rig->conf.version = image.version;
    assert_int_equal(receiver_open(&rig->receiver, &rig->conf), 0);
    return image.version;
}

int update_rig_confirm(struct update_rig *rig)
{
    return boot_confirm(&rig->flash.base, &rig->layout, rig->conf.running);
}

int update_rig_send(struct update_rig *rig, const struct rig_bundle *bundle)
{
    struct receiver *receiver = &rig->receiver;
    int rc = receiver_offer(receiver, bundle->header);

    while (rc == 0 && receiver_wanted(receiver) < receiver_size(receiver)) {
        uint32_t at = receiver_wanted(receiver);
        uint32_t left = receiver_size(receiver) - at;

        rc = receiver_block(receiver, at, bundle->program[receiver_slot(receiver)] + at,
            left < RECEIVER_BLOCK ? left : RECEIVER_BLOCK);
    }
    if (rc == 0) {
        while ((rc = receiver_finish(receiver)) == 1) {
        }
    }
    return rc;
}

void update_rig_settle(struct update_rig *rig, uint32_t version)
{
    assert_int_equal(update_rig_start(rig), version);
    assert_int_equal(update_rig_confirm(rig), 0);
    assert_int_equal(update_rig_start(rig), version);
}
