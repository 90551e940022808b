/*
 * bundle_tool.c - an update for the emulated tag reader, good or bad as a test wants it.
 *
 *   pico-bundle OUT SEED BOARD NUMBER VERSION PROGRAM_A PROGRAM_B
 *       SEED: 64 hex digits of the key that signs. The programs begin with the page in front of
 *       them, as tools/pico/image makes them; the page is left out.
 *   pico-bundle key SEED
 *       The public key that belongs to SEED, in hex.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boards/pico-reader.h"
#include "firmware/boot/bundle.h"

enum { PROGRAM_MAX = BOARD_FLASH_SLOT_SIZE };

static uint8_t programs[IMAGE_SLOTS][PROGRAM_MAX];

static void die(const char *why)
{
    (void)fprintf(stderr, "pico-bundle: %s\n", why);
    exit(1);
}

static void read_seed(const char *hex, uint8_t seed[static CRYPTO_SEED_SIZE])
{
    for (int i = 0; i < CRYPTO_SEED_SIZE; i++) {
        unsigned byte = 0;

        if (sscanf(hex + 2 * i, "%2x", &byte) != 1) {
            die("the seed is not 64 hex digits");
        }
        seed[i] = (uint8_t)byte;
    }
}

static uint32_t load(const char *path, uint8_t *program)
{
    FILE *file = fopen(path, "rb");
    size_t size = 0;

    if (file == NULL || fseek(file, IMAGE_PAGE, SEEK_SET) != 0) {
        die(path);
    }
    size = fread(program, 1, PROGRAM_MAX, file);
    (void)fclose(file);
    return (uint32_t)size;
}

static void print_key(const char *hex)
{
    uint8_t seed[CRYPTO_SEED_SIZE];
    uint8_t key[CRYPTO_KEY_SIZE];

    read_seed(hex, seed);
    crypto_public_key(seed, key);
    for (int i = 0; i < CRYPTO_KEY_SIZE; i++) {
        printf("%02x", key[i]);
    }
    printf("\n");
}

static void fill_image(struct image *image, int slot, char **argv)
{
    static const uint32_t offsets[] = {BOARD_FLASH_SLOT_A, BOARD_FLASH_SLOT_B};
    struct crypto_sha256 hash;

    image->slot = (uint8_t)slot;
    image->offset = offsets[slot];
    image->size = load(argv[6 + slot], programs[slot]);
    image->version = (uint32_t)strtoul(argv[4], NULL, 0);
    (void)snprintf(image->board, sizeof image->board, "%s", argv[3]);
    (void)snprintf(image->version_text, sizeof image->version_text, "%s", argv[5]);
    crypto_sha256_init(&hash);
    crypto_sha256_add(&hash, programs[slot], image->size);
    crypto_sha256_end(&hash, image->hash);
}

int main(int argc, char **argv)
{
    struct bundle bundle = {0};
    uint8_t header[BUNDLE_HEADER];
    uint8_t seed[CRYPTO_SEED_SIZE];
    FILE *out = NULL;

    if (argc == 3 && strcmp(argv[1], "key") == 0) {
        print_key(argv[2]);
        return 0;
    }
    if (argc != 8) {
        die("usage: pico-bundle OUT SEED BOARD NUMBER VERSION PROGRAM_A PROGRAM_B");
    }
    read_seed(argv[2], seed);
    for (int slot = 0; slot < IMAGE_SLOTS; slot++) {
        fill_image(&bundle.image[slot], slot, argv);
    }
    bundle_sign(header, &bundle, seed);
    out = fopen(argv[1], "wb");
    if (out == NULL || fwrite(header, 1, sizeof header, out) != sizeof header) {
        die(argv[1]);
    }
    for (int slot = 0; slot < IMAGE_SLOTS; slot++) {
        if (fseek(out, (long)bundle_offset_of(&bundle, (uint8_t)slot), SEEK_SET) != 0 ||
            fwrite(programs[slot], 1, bundle.image[slot].size, out) != bundle.image[slot].size) {
            die(argv[1]);
        }
    }
    return fclose(out) == 0 ? 0 : 1;
}
