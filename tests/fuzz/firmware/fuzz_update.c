/*
 * fuzz_update.c - any bytes as bundle header, image description and control record, and any order of
 * offers and blocks: the slot that runs is never touched and nothing unsigned becomes pending.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/boot/boot.h"
#include "firmware/boot/receiver.h"
#include "hal/fake/fake_flash.h"

enum { SLOT_SECTORS = 2, PROGRAM = 700 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t seed[CRYPTO_SEED_SIZE] = {5};

static void make_bundle(const struct boot_layout *layout, uint8_t *header, uint8_t *program)
{
    struct bundle bundle = {.flags = 0};

    memset(program, 0x5A, PROGRAM);
    for (uint8_t i = 0; i < (uint8_t)IMAGE_SLOTS; i++) {
        struct crypto_sha256 hash;

        bundle.image[i] = (struct image){.slot = i,
            .offset = layout->slot[i],
            .size = PROGRAM,
            .version = 2,
            .board = "pico-reader",
            .version_text = "2"};
        crypto_sha256_init(&hash);
        crypto_sha256_add(&hash, program, PROGRAM);
        crypto_sha256_end(&hash, bundle.image[i].hash);
    }
    bundle_sign(header, &bundle, seed);
}

/* One step: an offer (the good one, altered at will), a block, or a finish. */
static size_t do_step(struct receiver *receiver, const uint8_t *good, const uint8_t *program,
    const uint8_t *data, size_t size)
{
    uint8_t header[BUNDLE_HEADER];
    uint8_t block[RECEIVER_BLOCK];
    uint32_t offset = (uint32_t)data[1] * (data[3] % 4 == 0 ? 1u : RECEIVER_BLOCK);

    switch (data[0] % 4) {
    case 0:
        memcpy(header, good, sizeof header);
        header[data[1]] ^= data[2];
        (void)receiver_offer(receiver, header);
        return 4;
    case 1:
        memset(header, 0, sizeof header);
        memcpy(header, data, size < sizeof header ? size : sizeof header);
        if (receiver_offer(receiver, header) == 0) {
            abort(); /* nobody signs by chance */
        }
        return size < sizeof header ? size : sizeof header;
    case 2:
        memset(block, 0, sizeof block);
        if (offset < PROGRAM) {
            uint32_t left = PROGRAM - offset;

            memcpy(block, program + offset, left < sizeof block ? left : sizeof block);
        }
        block[data[2]] ^= data[3] % 8 == 1 ? 1 : 0;
        (void)receiver_block(receiver, offset, block,
            data[3] >= 250            ? data[3]
            : offset + 256 <= PROGRAM ? RECEIVER_BLOCK
                                      : PROGRAM % RECEIVER_BLOCK);
        return 4;
    default:
        (void)receiver_finish(receiver);
        return 4;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct boot_layout layout = {.control = 2 * SLOT_SECTORS * HAL_FLASH_SECTOR,
        .slot = {0, SLOT_SECTORS * HAL_FLASH_SECTOR},
        .slot_size = SLOT_SECTORS * HAL_FLASH_SECTOR};
    struct fake_flash flash;
    struct receiver_conf conf = {
        .flash = &flash.base, .layout = &layout, .board = "pico-reader", .version = 1};
    struct receiver receiver;
    struct boot_control control;
    struct image image;
    uint8_t header[BUNDLE_HEADER];
    uint8_t program[PROGRAM];

    if (fake_flash_init(&flash, (2 * SLOT_SECTORS + 2) * HAL_FLASH_SECTOR, 1) != 0) {
        return 0;
    }
    crypto_public_key(seed, conf.key);
    make_bundle(&layout, header, program);
    memset(flash.bytes, 0xA5, layout.slot_size); /* what runs */
    if (size >= IMAGE_PAGE) {
        (void)image_get(data, &image);
        (void)control_get(data, &control);
        memcpy(flash.bytes + layout.control, data, IMAGE_PAGE);
    }
    if (receiver_open(&receiver, &conf) != 0) {
        abort();
    }
    for (size_t at = 0; at + 4 <= size;) {
        at += do_step(&receiver, header, program, data + at, size - at);
    }
    for (uint32_t i = 0; i < layout.slot_size; i++) {
        if (flash.bytes[i] != 0xA5) {
            abort();
        }
    }
    if (receiver.stage == RECEIVER_READY && receiver.control.state.slot[1].state == BOOT_PENDING &&
        memcmp(receiver.control.state.slot[1].bundle, receiver.bundle, CRYPTO_HASH_SIZE) == 0 &&
        image_check(&flash.base, &layout, 1, &image) == 0 && image.size != PROGRAM) {
        abort();
    }
    (void)boot_choose(&flash.base, &layout);
    fake_flash_done(&flash);
    return 0;
}
